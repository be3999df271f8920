//! Making an auditor consumer: the link, its consumer, impersonation, and the proof that a signed call acts as a user.

use std::{panic, sync::atomic::Ordering, thread};

use atl_applinks::{ApplinksError, Flags, Matrix, NewConsumer, NewLink};
use atl_client::Client;
use atl_keys::{KeySize, Keypair};
use atl_oauth::{ConsumerSigner, OauthError, ProblemKind, RunsAs, whoami_as_anew};
use serde_json::json;

use super::{
    names::{CONSUMER, DESCRIPTION, IMPERSONATES, LINK, NAME, Names},
    place::Place,
};
use crate::{
    choose::public_key_of,
    clock::{Clock, clock},
    engine::RunOptions,
    execute::interrupted,
    plan::Status,
    settle::{Try, settle},
    step::Journal,
    trouble::Trouble,
};

/// The nodes of a cluster take turns, and one that has not heard of the consumer refuses it: one acceptance is none.
pub(super) const IN_A_ROW: usize = 3;

/// Says where no auditor can be set up, before anything is written.
pub(super) fn refuse(place: &Place<'_>) -> Result<(), Trouble> {
    let server = place.client.server();
    if place.applinks.is_system_administrator()? == Some(false) {
        return Err(not_sysadmin(server, &place.account));
    }
    // No link has this id. A server that does not tell the version of its application links may still have no matrix.
    match place
        .applinks
        .matrix("00000000-0000-3000-8000-000000000000")
    {
        Ok(_) | Err(ApplinksError::NoSuchLink { .. }) => {}
        Err(ApplinksError::NoMatrix { version, .. }) => return Err(too_old(server, &version)),
        Err(error) => return Err(error.into()),
    }
    match clock(place.client) {
        Clock::Refused(trouble) => Err(trouble),
        _ => Ok(()),
    }
}

fn not_sysadmin(server: &str, account: &str) -> Trouble {
    Trouble {
        status: Status::Refused,
        ..Trouble::own(
            "not_sysadmin",
            format!(
                "`{account}` is no system administrator of `{server}`, and only one may set up an auditor consumer"
            ),
            "sign in as a system administrator (`admin:` in the fleet file), or use sources that need no auditor",
        )
    }
}

fn too_old(server: &str, version: &str) -> Trouble {
    Trouble::own(
        "two_legged_unsupported",
        format!(
            "`{server}` has application links {version}: an auditor consumer can be set up from 5.2 on only"
        ),
        "use sources that need no auditor for this server, such as its database, or upgrade the product",
    )
}

/// Stops where the user interrupted.
pub(super) fn go_on(run: RunOptions<'_>) -> Result<(), Trouble> {
    if run.interrupted.load(Ordering::Relaxed) {
        return Err(interrupted());
    }
    Ok(())
}

/// Makes the link, the consumer and its right to impersonate. The keypair is made while the link is.
pub(super) fn make(
    place: &Place<'_>,
    journal: &Journal<'_>,
    names: &Names,
    run: RunOptions<'_>,
) -> Result<Keypair, Trouble> {
    let making = Making {
        place,
        journal,
        names,
        run,
    };
    thread::scope(|scope| {
        let keypair = scope.spawn(|| Keypair::generate(KeySize::Bits2048));
        making.link()?;
        let keypair = keypair
            .join()
            .unwrap_or_else(|panic| panic::resume_unwind(panic))?;
        go_on(run)?;
        making.consumer(&keypair)?;
        go_on(run)?;
        making.impersonation()?;
        Ok(keypair)
    })
}

struct Making<'a> {
    place: &'a Place<'a>,
    journal: &'a Journal<'a>,
    names: &'a Names,
    run: RunOptions<'a>,
}

impl Making<'_> {
    fn link(&self) -> Result<(), Trouble> {
        let new = NewLink {
            name: NAME.to_owned(),
            url: self.names.application_url.clone(),
        };
        let applinks = &self.place.applinks;
        let listed = || {
            let links = applinks.list()?;
            Ok(links.iter().any(|link| self.names.is_on(link)))
        };
        self.write(
            LINK,
            || match applinks.create(&new) {
                // An earlier try, whose answer was lost, took effect after all.
                Err(ApplinksError::DuplicateLink { .. }) => Ok(()),
                created => created.map(drop),
            },
            listed,
        )
    }

    fn consumer(&self, keypair: &Keypair) -> Result<(), Trouble> {
        let public = keypair.public_key();
        let consumer = NewConsumer {
            key: self.names.consumer_key.clone(),
            name: NAME.to_owned(),
            description: Some(DESCRIPTION.to_owned()),
            public_key: public.to_one_line(),
            callback: None,
        };
        let (applinks, id) = (&self.place.applinks, &self.names.link_id);
        let registered = || {
            let entry = applinks.consumer(id)?;
            Ok(entry.is_some_and(|entry| {
                let held = public_key_of(&entry);
                entry.key == consumer.key
                    && held.is_some_and(|held| held.fingerprint() == public.fingerprint())
            }))
        };
        self.write(
            CONSUMER,
            || applinks.put_consumer(id, &consumer),
            registered,
        )
    }

    fn impersonation(&self) -> Result<(), Trouble> {
        let (applinks, id) = (&self.place.applinks, &self.names.link_id);
        let incoming = Flags {
            enabled: true,
            two_lo: true,
            two_lo_impersonation: true,
        };
        let put = || {
            let outgoing = applinks.matrix(id)?.outgoing;
            applinks.put_matrix(id, &Matrix { incoming, outgoing })
        };
        let may = || Ok(applinks.matrix(id)?.incoming == incoming);
        self.write(IMPERSONATES, put, may)
            .map_err(|trouble| match trouble.code.as_str() {
                "needs_system_administrator" => {
                    not_sysadmin(self.place.client.server(), &self.place.account)
                }
                _ => trouble,
            })
    }

    /// One journaled write, which reads back as `is_so`. A node that has not heard of the write before is asked again.
    fn write(
        &self,
        action: &str,
        mut take: impl FnMut() -> Result<(), ApplinksError>,
        is_so: impl Fn() -> Result<bool, ApplinksError>,
    ) -> Result<(), Trouble> {
        let RunOptions {
            settle: within,
            interrupted,
            ..
        } = self.run;
        let take = || {
            settle(within, interrupted, || match take() {
                Ok(()) => Try::Done(()),
                Err(
                    error @ (ApplinksError::NoSuchLink { .. }
                    | ApplinksError::ConsumerUnavailable { .. }),
                ) => Try::NotYet(error),
                Err(error) => Try::Never(error),
            })
        };
        self.journal.write(
            &self.names.consumer_key,
            action,
            json!(self.names),
            take,
            || Ok(is_so()?),
        )?;
        settle(within, interrupted, || match is_so() {
            Ok(true) => Try::Done(()),
            Ok(false) => Try::NotYet(self.not_as_written(action)),
            Err(error @ ApplinksError::NoSuchLink { .. }) => Try::NotYet(error.into()),
            Err(error) => Try::Never(error.into()),
        })
    }

    fn not_as_written(&self, action: &str) -> Trouble {
        Trouble::own(
            "read_back",
            format!(
                "the step `{action}` was taken on `{}` and does not read back so",
                self.place.client.server()
            ),
            "another cluster node may answer late: run again in a minute",
        )
    }
}

/// Proves that a signed call acts as a user, on new connections within the time that a cluster may take.
pub(super) fn prove(
    client: &Client,
    signer: &ConsumerSigner<'_>,
    user: &str,
    run: RunOptions<'_>,
) -> Result<(), Trouble> {
    settle(run.settle, run.interrupted, || {
        for _ in 0..IN_A_ROW {
            match prove_once(client, signer, user) {
                Try::Done(()) => {}
                refused => return refused,
            }
        }
        Try::Done(())
    })
}

fn prove_once(client: &Client, signer: &ConsumerSigner<'_>, user: &str) -> Try<(), Trouble> {
    let server = client.server();
    let as_whom = match whoami_as_anew(client, signer, user) {
        Ok(as_whom) => as_whom,
        Err(error) => return refused(error),
    };
    let said = match as_whom {
        RunsAs::User(name) if name.to_lowercase() == user.to_lowercase() => return Try::Done(()),
        RunsAs::Refused => {
            return Try::NotYet(Trouble::own(
                "auditor_not_accepted",
                format!(
                    "`{server}` accepts the auditor's signature and does not let it act as `{user}`"
                ),
                "another cluster node may answer from a stale cache: run again in a minute",
            ));
        }
        RunsAs::User(name) => format!("`{name}`"),
        RunsAs::Nobody => "nobody".to_owned(),
    };
    Try::Never(Trouble::own(
        "auditor_not_accepted",
        format!("`{server}` took a call that the auditor made as `{user}` for one of {said}"),
        "something in between strips the `Authorization` header or the query, or the OAuth plugin is off: use sources that need \
         no auditor",
    ))
}

/// A node that has not heard of the consumer refuses it; no node takes a clock that is wrong.
fn refused(error: OauthError) -> Try<(), Trouble> {
    let hopeless = match &error {
        OauthError::Refused { problem, .. } => matches!(
            problem.kind,
            ProblemKind::TimestampRefused
                | ProblemKind::SignatureMethodRejected
                | ProblemKind::VersionRejected
        ),
        _ => false,
    };
    let trouble = Trouble {
        status: Status::Failed,
        ..Trouble::from(error)
    };
    if hopeless {
        Try::Never(trouble)
    } else {
        Try::NotYet(trouble)
    }
}

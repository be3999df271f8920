//! Renewal by session handle. The old token is dead as soon as the server has answered, so the new one goes into the store
//! before anything else can fail (protocol.md 2.4).

use atl_client::Client;
use atl_oauth::{AccessToken, OauthError, ProblemKind, renew as renewed, token_id};
use atl_store::{GrantRow, GrantSecrets, GrantState, Outcome, Store};
use jiff::Timestamp;
use secrecy::SecretString;

use super::{
    choose::{GrantFilter, expires_within},
    said::Said,
    settle::{RENEW, lost, settle},
    work::{Done, Opened, Work, said_of},
};
use atl_tokens::GrantEntry;

use crate::{
    engine::{RunOptions, StartError},
    grant::GrantReport,
    plan::Status,
    step::RunInfo,
    trouble::{Trouble, message_of},
    wanted::Ready,
};

/// Renews every chosen grant. Where the filter names a time, those that expire later are in the report too, with a note
/// that says so.
///
/// # Errors
///
/// Only where nothing could be started.
pub fn renew(
    ready: &Ready,
    store: &Store,
    info: &RunInfo,
    filter: &GrantFilter,
    run: RunOptions<'_>,
) -> Result<GrantReport, StartError> {
    let work = Work::new(ready, store, run)?;
    settle(&work)?;
    let rows = work.choose(filter)?;
    let not_due = not_due(&work, filter)?;
    let mut report = work.each("renew", &rows, Work::failed, |client, row| {
        Renewal {
            work: &work,
            info,
            client,
            row,
        }
        .run()
    });
    report.grants.extend(not_due);
    Ok(report)
}

/// Those that everything but the time lets through.
fn not_due(work: &Work<'_>, filter: &GrantFilter) -> Result<Vec<GrantEntry>, StartError> {
    let Some(time) = filter.expires_in else {
        return Ok(Vec::new());
    };
    let now = Timestamp::now();
    let rows = work.choose(&GrantFilter {
        expires_in: None,
        limit: None,
        ..filter.clone()
    })?;
    let entries = rows
        .into_iter()
        .filter(|row| !expires_within(row, time, now))
        .map(|row| {
            let when = match row.expires() {
                Some(end) => format!(
                    "it expires in {} days",
                    end.duration_since(now).as_hours() / 24
                ),
                None => "the server did not say when it expires".to_owned(),
            };
            work.entry(&GrantRow {
                note: Some(format!("not renewed: {when}")),
                ..row
            })
        });
    Ok(entries.collect())
}

/// The renewal of one grant.
struct Renewal<'a> {
    work: &'a Work<'a>,
    info: &'a RunInfo,
    client: &'a Client,
    row: &'a GrantRow,
}

/// How a renewal ended without a new token.
enum Failure {
    /// The server did nothing.
    Refused(OauthError),
    /// The old token is gone, and the new one did not arrive.
    Lost(OauthError),
    /// One or the other.
    Unclear(OauthError),
}

impl Renewal<'_> {
    fn run(&self) -> Done {
        self.locked()
            .unwrap_or_else(|trouble| self.work.failed(self.row, trouble))
    }

    fn locked(&self) -> Result<Done, Trouble> {
        let Self { work, row, .. } = self;
        let _lock = work.lock(row)?;
        let opened = work.open(self.client, row)?;
        let handle = opened.secrets.session_handle.as_ref();
        let handle =
            handle.ok_or_else(|| self.trouble("not_renewable", "has no session handle"))?;
        let asked = Timestamp::now();
        let step = work.begin(self.info, row, RENEW)?;
        match self.attempt(&opened, handle) {
            Ok(token) => self.keep(step, asked, token),
            Err(Failure::Refused(error)) => {
                work.store
                    .finish(step, &Outcome::Failed(message_of(&error)))?;
                self.refused(&opened, error)
            }
            Err(Failure::Lost(error)) => {
                let entry = work.record(row, &lost(asked))?;
                let what = "was renewed, and the new token did not arrive: ";
                let trouble =
                    self.trouble("renewal_lost", &format!("{what}{}", message_of(&error)));
                let outcome = Outcome::Failed(trouble.message.clone());
                work.store.finish(step, &outcome)?;
                Ok(Done::troubled(entry, trouble))
            }
            // The step stays open, and the next run that works on grants asks again.
            Err(Failure::Unclear(error)) => {
                let note = format!("whether its renewal of {asked:.0} took effect is not known");
                let said = Said {
                    state: GrantState::Unknown,
                    note: Some(note),
                    gone: false,
                };
                let entry = work.record(row, &said)?;
                let message = message_of(&error);
                Ok(Done::troubled(
                    entry,
                    Trouble {
                        code: "renewal_unclear".to_owned(),
                        message: format!("{}: whether grant {} of `{}` was renewed is not known: {message}", row.server, row.id, row.user),
                        advice: "run `atl-admin tokens verify` when the server answers: it asks whether the server still holds the old token".to_owned(),
                        status: Status::Unreachable,
                    },
                ))
            }
        }
    }

    /// Asks for a new token. Where the answer is lost, the old token tells: while the server holds it, nothing has
    /// happened, and asking once more is safe.
    fn attempt(&self, opened: &Opened, handle: &SecretString) -> Result<AccessToken, Failure> {
        let mut again = true;
        loop {
            let token = &opened.secrets.token;
            let error = match renewed(self.client, &opened.signer(), token, handle) {
                Ok(token) => return Ok(token),
                // What a lost call is refused for a second time may be its own success.
                Err(error) if again && !error.may_have_happened() => {
                    return Err(Failure::Refused(error));
                }
                Err(error) => error,
            };
            match opened.ask(self.client, self.row) {
                Err(_) => return Err(Failure::Unclear(error)),
                Ok(said) if said.gone => return Err(Failure::Lost(error)),
                Ok(_) if again => again = false,
                Ok(_) => return Err(Failure::Refused(error)),
            }
        }
    }

    /// Stores the new token, and only then looks at it.
    fn keep(&self, step: i64, asked: Timestamp, token: AccessToken) -> Result<Done, Trouble> {
        let Self { work, row, .. } = self;
        let renewed = GrantRow {
            id: token_id(&token.token),
            issued: asked,
            expires_in: token.expires_in,
            session_expires_in: token.session_expires_in,
            renewable: token.session_handle.is_some(),
            state: GrantState::Active,
            checked: Some(Timestamp::now()),
            note: None,
            ..(*row).clone()
        };
        let secrets = GrantSecrets {
            token: token.token,
            secret: token.secret,
            session_handle: token.session_handle,
        };
        let put = || work.store.put_grant(&renewed, &secrets, &[&row.id]);
        if let Err(error) = put().or_else(|_| put()) {
            // The step stays open, so that a store that can be written again says so too.
            let entry = work.entry(&said_of(row, &lost(asked)));
            let what = "was renewed, and the new token could not be stored: ";
            let what = format!("{what}{}", message_of(&error));
            return Ok(Done::troubled(entry, self.trouble("renewal_lost", &what)));
        }
        work.store.finish(step, &Outcome::Done)?;
        Ok(self
            .read_back(&renewed)
            .noting(format!("it was {} before", row.id)))
    }

    /// What the server says of the new token.
    fn read_back(&self, renewed: &GrantRow) -> Done {
        let work = self.work;
        let asked = work
            .open(self.client, renewed)
            .and_then(|opened| Ok(opened.ask(self.client, renewed)?));
        let said = match asked {
            Ok(said) => said,
            Err(trouble) => {
                let note = format!("renewed, and not asked about since: {}", trouble.message);
                return Done::well(work.entry(renewed)).noting(note);
            }
        };
        match work.record(renewed, &said) {
            Ok(entry) if said.state == GrantState::Active => Done::well(entry),
            Ok(entry) => Done::troubled(
                entry,
                self.trouble(
                    "read_back",
                    "was renewed, and its new token is not accepted",
                ),
            ),
            Err(error) => work.failed(renewed, error.into()),
        }
    }

    /// Why the server would not renew it. What it says of the session need not hold for the token.
    fn refused(&self, opened: &Opened, error: OauthError) -> Result<Done, Trouble> {
        let Self { work, row, .. } = self;
        let OauthError::Refused { problem, .. } = &error else {
            return Ok(work.failed_after(row, error));
        };
        match problem.kind {
            ProblemKind::PermissionDenied => Err(self.trouble(
                "session_over",
                "could not be renewed: the time for renewing it is over",
            )),
            ProblemKind::TokenRejected => {
                let said = opened.ask(self.client, row)?;
                let what = if said.gone {
                    "could not be renewed: the server holds no such token"
                } else {
                    "could not be renewed: the server does not take its session handle"
                };
                let entry = work.record(row, &said)?;
                Ok(Done::troubled(entry, self.trouble(problem.code(), what)))
            }
            _ => Ok(work.failed_after(row, error)),
        }
    }

    /// A failure after which only a new dance helps.
    fn trouble(&self, code: &str, what: &str) -> Trouble {
        let GrantRow {
            id,
            user,
            server,
            consumer,
            ..
        } = self.row;
        Trouble::own(
            code,
            format!("{server}: grant {id} of `{user}` {what}"),
            format!(
                "have `{user}` give a new one: `atl-admin authorize -s {server} -c {consumer} --user {user}`"
            ),
        )
    }
}

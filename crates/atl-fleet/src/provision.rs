//! Provisioning one consumer on one server: link, consumer, two-legged OAuth, read-back, proof (cli.md 4).

mod link;

use std::sync::Arc;

use atl_applinks::NewConsumer;
use atl_client::Client;
use atl_keys::{Fingerprint, Keypair};
use atl_oauth::{ConsumerSigner, KeyState, ProblemKind};
use atl_store::{Outcome, Registration, StoreError};
use jiff::Timestamp;
use serde_json::json;

use crate::{
    choose::{Held, Wanted, choose, public_key_of},
    execute::{Execute, Work, interrupted},
    grants::ended,
    kept::{self, Kept},
    observe::{ObservedConsumer, Probe},
    plan::{Action, Applied, Change, Kind},
    planner::{strip, unrestorable},
    recover,
    settle::Try,
    trouble::Trouble,
    two_legged::{self, Before},
    wanted::{Consumer, TwoLegged},
};

/// The key to register, its private half where it is at hand.
pub(crate) struct Key {
    pub(crate) fingerprint: Fingerprint,
    pub(crate) public: String,
    pub(crate) private: Option<Arc<Keypair>>,
}

/// Carries out the changes of a consumer that should be there.
pub(crate) fn provision(
    work: &Work<'_>,
    consumer: &Consumer,
    seen: &ObservedConsumer,
    changes: &mut [Change],
) -> Result<(), Trouble> {
    let key = key_to_register(work, consumer, seen)?;
    let wanted = NewConsumer {
        key: consumer.key.clone(),
        name: consumer.display_name.clone(),
        description: consumer.description.clone(),
        public_key: key.public.clone(),
        callback: consumer.callback.clone(),
    };
    let (link, is_new) = link::link(work, consumer, seen, changes)?;
    applied(changes, Kind::Link);
    let url = work.journal.server_url;
    let kept = work.execute.known.kept(&consumer.name, url, &link.id);
    let before = if is_new {
        Before::nothing()
    } else {
        let ours = seen.ours(consumer);
        Before::read(work.applinks, &link.id, ours, kept.as_ref())?
    };
    if kept.is_none()
        && let Some(lose) = Kept::of(&link.id, &before.two_legged, &before.providers)
    {
        work.journal
            .begin(&consumer.name, kept::ACTION, json!(lose))?;
    }
    if action_of(changes, Kind::Consumer) != Action::None {
        if changes.iter().any(Change::replaces_consumer) {
            let other = seen
                .consumer
                .as_ref()
                .map_or("", |entry| entry.key.as_str());
            disable(work, consumer, &link.id, other)?;
        }
        let rights_unknown = seen.system_administrator.is_none() && !work.execute.options.force;
        let registered = if rights_unknown {
            two_legged::try_rights(work, consumer, &link.id, &before)
        } else {
            Ok(None)
        }
        .and_then(|at_once| register(work, consumer, &wanted, &key, &link.id, at_once.as_ref()));
        if let Err(trouble) = registered {
            return Err(nothing_lost(work, consumer, trouble)?);
        }
        applied(changes, Kind::Consumer);
        for field in changes.iter_mut().flat_map(|change| &mut change.fields) {
            if field.known_after_apply {
                field.after = Some(key.fingerprint.to_string().into());
                field.known_after_apply = false;
            }
        }
    }
    two_legged::set(work, consumer, &wanted, &link.id, &before)?;
    kept::close(work, consumer, &Outcome::Done)?;
    applied(changes, Kind::TwoLegged);
    let Some(private) = &key.private else {
        return Ok(());
    };
    if let Err(trouble) = prove(work, consumer, private) {
        if work.is_interrupted() {
            return Err(interrupted());
        }
        for change in changes.iter_mut() {
            change.verified = Some(false);
        }
        return Err(trouble);
    }
    record(
        work,
        consumer,
        &link.id,
        &key.fingerprint,
        Some(Timestamp::now()),
    )?;
    for change in changes.iter_mut() {
        change.verified = Some(true);
    }
    Ok(())
}

/// A consumer that is as it should be: what the store did not know of it yet is recorded, and what a killed run left
/// open is closed.
pub(crate) fn confirm(
    work: &Work<'_>,
    consumer: &Consumer,
    seen: &ObservedConsumer,
) -> Result<(), Trouble> {
    let Execute { store, known, .. } = work.execute;
    let url = work.journal.server_url;
    let proven = match (
        &seen.link,
        &seen.probe,
        Held::of(seen.consumer.as_ref(), &consumer.key),
    ) {
        (Some(link), Probe::Accepted, Held::Key(Some(fingerprint))) => Some((link, fingerprint)),
        _ => None,
    };
    let unrecorded = proven.filter(|(link, fingerprint)| {
        known.registration(consumer, url).is_none_or(|row| {
            row.fingerprint != *fingerprint || row.proven.is_none() || row.link_id != link.id
        }) && !work.execute.keys.files().contains_key(&consumer.name)
    });
    if unrecorded.is_none() && known.open(&consumer.name, url).next().is_none() {
        return Ok(());
    }
    let _lock = match store.lock(url, &consumer.name) {
        // Another run is at it and writes down what it finds.
        Err(StoreError::Locked { .. }) => return Ok(()),
        lock => lock?,
    };
    let now = match &seen.link {
        Some(link) => work.applinks.consumer(&link.id)?,
        None => None,
    };
    if now != seen.consumer || recover::is_rotating(work, consumer)? {
        return Ok(());
    }
    let held = Held::of(now.as_ref(), &consumer.key);
    recover::settle_open_steps(work, consumer, &held, &work.links()?)?;
    kept::close(work, consumer, &Outcome::Done)?;
    if let Some((link, fingerprint)) = unrecorded {
        record(
            work,
            consumer,
            &link.id,
            &fingerprint,
            Some(Timestamp::now()),
        )?;
    }
    Ok(())
}

fn applied(changes: &mut [Change], kind: Kind) {
    for change in changes
        .iter_mut()
        .filter(|change| change.kind == kind && change.is_change())
    {
        change.result = Some(Applied::Applied);
    }
}

fn action_of(changes: &[Change], kind: Kind) -> Action {
    changes
        .iter()
        .find(|change| change.kind == kind)
        .map_or(Action::None, |change| change.action)
}

fn key_to_register(
    work: &Work<'_>,
    consumer: &Consumer,
    seen: &ObservedConsumer,
) -> Result<Key, Trouble> {
    let held = Held::of(seen.consumer.as_ref(), &consumer.key);
    let Work {
        execute, journal, ..
    } = work;
    let wanted = choose(
        consumer,
        journal.server_url,
        &held,
        execute.known,
        execute.keys.files(),
        execute.options.replace_keys,
    );
    let Wanted::Key {
        fingerprint,
        public_key,
    } = wanted
    else {
        return Err(Trouble::own(
            "no_key",
            format!(
                "there is no key to register for consumer `{}`",
                consumer.name
            ),
            "run again; if it happens again, report it",
        ));
    };
    let private = execute.keys.private(&consumer.name, &fingerprint)?;
    if private.is_none() && execute.keys.files().get(&consumer.name).is_none() {
        return Err(Trouble::own(
            "no_key",
            format!(
                "the private key {fingerprint} of consumer `{}` is not in the store",
                consumer.name
            ),
            "use the store that has it (`--store`); nothing was sent",
        ));
    }
    Ok(Key {
        fingerprint,
        public: public_key,
        private,
    })
}

/// Removes another consumer from our link first, so that it does not stay behind as an orphan (protocol.md 1.7).
pub(crate) fn disable(
    work: &Work<'_>,
    consumer: &Consumer,
    link_id: &str,
    other: &str,
) -> Result<(), Trouble> {
    let gone = || Ok(work.applinks.consumer(link_id)?.is_none());
    let still_there = || {
        Trouble::own(
            "read_back",
            format!(
                "the other consumer was removed from the link of `{}` on `{}` and is still there",
                consumer.name,
                work.client.server()
            ),
            "look at the link in the server's admin pages, then run again",
        )
    };
    work.journal.write_then(
        &consumer.name,
        "consumer disable",
        json!({ "link_id": link_id }),
        || work.applinks.disable_incoming(link_id),
        gone,
        || {
            work.settle_gone(gone, still_there)?;
            Ok(ended::with_consumer(
                work.execute.store,
                work.journal.server_url,
                other,
            )?)
        },
    )
}

/// A refusal for want of rights came before anything was changed: there is nothing to put back.
fn nothing_lost(
    work: &Work<'_>,
    consumer: &Consumer,
    trouble: Trouble,
) -> Result<Trouble, Trouble> {
    if trouble.code != "needs_system_administrator" {
        return Ok(trouble);
    }
    let outcome = Outcome::Failed("refused for want of rights; nothing was changed".to_owned());
    kept::close(work, consumer, &outcome)?;
    let what = "what it is set to needs more rights than this account has";
    Ok(unrestorable(&consumer.name, work.client.server(), what))
}

/// Registers the consumer and compares what reads back; `at_once` with its two-legged OAuth, through the admin form.
pub(crate) fn register(
    work: &Work<'_>,
    consumer: &Consumer,
    wanted: &NewConsumer,
    key: &Key,
    link_id: &str,
    at_once: Option<&TwoLegged>,
) -> Result<(), Trouble> {
    if work.is_interrupted() {
        return Err(interrupted());
    }
    let same = || -> Result<bool, Trouble> {
        Ok(work
            .applinks
            .consumer(link_id)?
            .is_some_and(|entry| differences(&entry, wanted, key).is_empty()))
    };
    let detail = json!({
        "link_id": link_id,
        "consumer_key": wanted.key,
        "fingerprint": key.fingerprint,
        "name": wanted.name,
        "description": wanted.description,
        "callback": wanted.callback,
    });
    work.journal.write_then(
        &consumer.name,
        "consumer put",
        detail,
        || match at_once {
            None => work.applinks.put_consumer(link_id, wanted),
            Some(two) => {
                let user = two.execute_as.as_deref();
                work.applinks
                    .save_form(link_id, wanted, true, user, two.impersonation)
            }
        },
        same,
        || record(work, consumer, link_id, &key.fingerprint, None),
    )?;
    work.settle(|| match work.applinks.consumer(link_id) {
        Ok(Some(entry)) => match differences(&entry, wanted, key).as_slice() {
            [] => Try::Done(()),
            fields => Try::NotYet(not_as_written(work, consumer, &fields.join(", "))),
        },
        Ok(None) => Try::NotYet(not_as_written(work, consumer, "the whole consumer")),
        Err(error) => Try::Never(error.into()),
    })
}

fn not_as_written(work: &Work<'_>, consumer: &Consumer, what: &str) -> Trouble {
    Trouble::own(
        "read_back",
        format!(
            "consumer `{}` was registered on `{}`, and what reads back differs in: {what}",
            consumer.name,
            work.client.server()
        ),
        "somebody else may be changing the same link, or another cluster node answers late: look at the link, then run again",
    )
}

fn differences(
    entry: &atl_applinks::Consumer,
    wanted: &NewConsumer,
    key: &Key,
) -> Vec<&'static str> {
    let held = public_key_of(entry);
    let text = |value: &Option<String>| value.clone().filter(|text| !text.is_empty());
    // The admin form, the only way to set an executing user, appends `/` to the callback (protocol.md 1.11).
    let slashed = |value: &Option<String>| text(value).map(|text| strip(&text).to_owned());
    let pairs = [
        ("key", entry.key == wanted.key),
        ("name", entry.name == wanted.name),
        (
            "description",
            text(&entry.description) == text(&wanted.description),
        ),
        (
            "callback",
            text(&entry.callback) == text(&wanted.callback)
                || (entry.executing_two_lo_user.is_some()
                    && slashed(&entry.callback) == slashed(&wanted.callback)),
        ),
        (
            "public key",
            held.is_some_and(|held| held.fingerprint() == key.fingerprint),
        ),
    ];
    pairs
        .into_iter()
        .filter(|(_, same)| !same)
        .map(|(name, _)| name)
        .collect()
}

/// Writes down which key is registered here.
pub(crate) fn record(
    work: &Work<'_>,
    consumer: &Consumer,
    link_id: &str,
    fingerprint: &Fingerprint,
    proven: Option<Timestamp>,
) -> Result<(), Trouble> {
    if work.execute.keys.files().contains_key(&consumer.name) {
        return Ok(());
    }
    work.execute.store.record_registration(&Registration {
        consumer: consumer.name.clone(),
        server: work.client.server().to_owned(),
        server_url: work.journal.server_url.to_owned(),
        consumer_key: consumer.key.clone(),
        link_id: link_id.to_owned(),
        fingerprint: fingerprint.clone(),
        proven,
    })?;
    Ok(())
}

/// Proves the key. A refusal right after a write is not final: another node of the cluster may have answered.
fn prove(work: &Work<'_>, consumer: &Consumer, keypair: &Keypair) -> Result<(), Trouble> {
    work.settle(|| prove_once(work.client, &consumer.key, keypair))
}

/// One proof: a signed request-token call on a new connection.
pub(crate) fn prove_once(
    client: &Client,
    consumer_key: &str,
    keypair: &Keypair,
) -> Try<(), Trouble> {
    let server = client.server();
    let signer = ConsumerSigner::new(consumer_key, keypair);
    match atl_oauth::prove(client, &signer) {
        Ok(KeyState::Accepted) => Try::Done(()),
        Ok(KeyState::ConsumerUnknown) => Try::NotYet(Trouble::own(
            "key_not_accepted",
            format!("`{server}` does not know the consumer key `{consumer_key}` it was just given"),
            "another cluster node may answer from a stale cache: run again in a minute",
        )),
        Ok(KeyState::Refused(problem)) => {
            let trouble = Trouble::problem(server, consumer_key, &problem);
            match problem.kind {
                ProblemKind::TimestampRefused
                | ProblemKind::SignatureMethodRejected
                | ProblemKind::VersionRejected => Try::Never(trouble),
                _ => Try::NotYet(trouble),
            }
        }
        Err(error) => Try::NotYet(error.into()),
    }
}

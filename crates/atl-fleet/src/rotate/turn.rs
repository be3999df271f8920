//! One consumer on one server: under its lock, and only if the server still holds what was planned.

use std::sync::atomic::AtomicBool;

use atl_applinks::{Applinks, NewConsumer};
use atl_client::Client;
use atl_keys::Fingerprint;

use super::{
    hand_over::Exec,
    in_place::{Ended, Planned, Subject, no_private_key},
    look::{Candidate, as_it_is, refuse},
    proof::Grants,
    report::Rotation,
};
use crate::{
    choose::Held,
    clock::{Clock, clock},
    execute::{Execute, Work, moved_on},
    observe::{Look, ObservedConsumer, observe_consumer},
    provision::Key,
    recover,
    step::Journal,
    trouble::Trouble,
    two_legged::{Before, try_rights},
    wanted::Consumer,
};

/// A rotation that was begun goes on to a known end, within the time of `--settle`, whatever the user presses: a server
/// is not left with a key that nobody proved.
pub(super) static NEVER: AtomicBool = AtomicBool::new(false);

/// Signs in, and does something with the server.
pub(super) fn with_work<R>(
    execute: Execute<'_>,
    client: &Client,
    task: impl FnOnce(&Work<'_>) -> R,
) -> Result<R, Trouble> {
    let account = client.sign_in()?;
    let applinks = Applinks::open(client)?;
    let journal = Journal {
        store: execute.store,
        info: execute.info,
        server: client.server(),
        server_url: client.base_url().as_str(),
        account: Some(account.username),
        sink: execute.sink,
    };
    Ok(task(&Work {
        execute,
        client,
        applinks: &applinks,
        journal,
    }))
}

/// Rotates one consumer to the key `after`.
pub(super) fn rotate(
    work: &Work<'_>,
    candidate: &Candidate<'_>,
    after: &Fingerprint,
    exec: Option<&Exec<'_>>,
) -> Rotation {
    let rotation = Rotation {
        after: Some(after.clone()),
        ..candidate.rotation.clone()
    };
    let lock = work
        .execute
        .store
        .lock(work.journal.server_url, &candidate.consumer.name);
    let subject = lock
        .map_err(Trouble::from)
        .and_then(|lock| Ok((subject(work, candidate, after, exec)?, lock)));
    match subject {
        Ok((subject, _lock)) => rotation.ended(Planned(subject).rotate()),
        Err(trouble) => rotation.refused(trouble),
    }
}

/// Asks once more, since another run may have come in between.
fn subject<'a>(
    work: &'a Work<'a>,
    candidate: &Candidate<'_>,
    after: &Fingerprint,
    exec: Option<&'a Exec<'a>>,
) -> Result<Subject<'a>, Trouble> {
    let consumer = candidate.consumer;
    let server = work.client.server();
    let links = work.links()?;
    let look = Look {
        known: work.execute.known,
        keys: work.execute.keys,
        options: work.execute.options,
    };
    let mut now = observe_consumer(work.client, work.applinks, &links, consumer, &look)?;
    let (Some(link), Some(entry)) = (now.link.clone(), now.ours(consumer).cloned()) else {
        return Err(moved_on(server, &consumer.name));
    };
    let held = Held::of(Some(&entry), &consumer.key);
    let planned = candidate.rotation.before.as_ref();
    if !matches!(&held, Held::Key(Some(held)) if Some(held) == planned) {
        return Err(moved_on(server, &consumer.name));
    }
    if let Some(seen) = &candidate.seen {
        now.system_administrator = seen.system_administrator;
        now.shared_with.clone_from(&seen.shared_with);
    }
    refuse(work.client, consumer, &now, &look)?;
    if let Clock::Refused(trouble) = clock(work.client) {
        return Err(trouble);
    }
    if recover::is_rotating(work, consumer)? {
        return Err(super::unfinished(server, &consumer.name));
    }
    recover::settle_open_steps(work, consumer, &held, &links)?;
    let (Held::Key(Some(before)), consumer) = (held, as_it_is(consumer)) else {
        return Err(moved_on(server, &consumer.name));
    };
    let old = key(work, &consumer, &before)?;
    let new = key(work, &consumer, after)?;
    let kept = work
        .execute
        .known
        .kept(&consumer.name, work.journal.server_url, &link.id);
    let before = Before::read(work.applinks, &link.id, Some(&entry), kept.as_ref())?;
    let at_once = at_once(work, &consumer, &link.id, &now, &before)?;
    let grants = match &old.private {
        Some(private) => Grants::read(work, &consumer, private)?,
        None => Grants::stored(work, &consumer)?,
    };
    Ok(Subject {
        work,
        consumer,
        link_id: link.id,
        entry: as_registered(entry, &old),
        old,
        new,
        before,
        at_once,
        grants,
        exec,
    })
}

/// What the consumer is registered with.
pub(super) fn as_registered(entry: atl_applinks::Consumer, old: &Key) -> NewConsumer {
    NewConsumer {
        key: entry.key,
        name: entry.name,
        description: entry.description,
        public_key: old.public.clone(),
        callback: entry.callback,
    }
}

/// Where the server does not say whether we may put back what is reset, that is tried before anything is lost.
fn at_once(
    work: &Work<'_>,
    consumer: &Consumer,
    link_id: &str,
    seen: &ObservedConsumer,
    before: &Before,
) -> Result<Option<crate::wanted::TwoLegged>, Trouble> {
    if seen.system_administrator.is_some() || work.execute.options.force {
        return Ok(None);
    }
    try_rights(work, consumer, link_id, before)
}

/// A keypair of the store, its private half at hand.
pub(super) fn key(
    work: &Work<'_>,
    consumer: &Consumer,
    fingerprint: &Fingerprint,
) -> Result<Key, Trouble> {
    let private = work.execute.keys.private(&consumer.name, fingerprint)?;
    let key = Key {
        fingerprint: fingerprint.clone(),
        public: private
            .as_ref()
            .map(|private| private.public_key().to_one_line())
            .unwrap_or_default(),
        private,
    };
    if key.private.is_none() {
        return Err(no_private_key(work.client.server(), &consumer.name, &key));
    }
    Ok(key)
}

impl Rotation {
    pub(super) fn ended(self, ended: Ended) -> Self {
        Self {
            state: ended.state,
            grants_before: ended.grants.before,
            grants_checked: ended.grants.len(),
            grants_ok: ended.grants.ok,
            error: ended.error,
            ..self
        }
    }
}

//! Provisioning one consumer on one server: link, consumer, two-legged OAuth, read-back, proof (cli.md 4).

use std::sync::Arc;

use atl_applinks::{ApplicationLink, NewConsumer, NewLink};
use atl_keys::{Fingerprint, Keypair, PublicKey};
use atl_oauth::{ConsumerSigner, KeyState, ProblemKind};
use atl_store::{LinkMade, Registration};
use jiff::Timestamp;
use serde_json::json;

use crate::{
    choose::{Held, Wanted, choose},
    execute::{Work, interrupted},
    observe::{ObservedConsumer, Probe},
    plan::{Action, Applied, Change, Kind},
    planner::strip,
    settle::{Try, settle},
    trouble::Trouble,
    two_legged::{self, Before},
    wanted::Consumer,
};

/// The key to register, its private half where it is at hand.
struct Key {
    fingerprint: Fingerprint,
    public: String,
    private: Option<Arc<Keypair>>,
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
    let link = link(work, consumer, seen, changes)?;
    let before = match &seen.link {
        Some(_) => Before::read(
            work.applinks,
            &link.id,
            seen.consumer
                .as_ref()
                .filter(|entry| entry.key == consumer.key),
        )?,
        None => Before::nothing(),
    };
    let puts = action_of(changes, Kind::Consumer) != Action::None;
    if puts {
        if changes.iter().any(Change::replaces_consumer) {
            disable(work, consumer, &link.id)?;
        }
        register(work, consumer, &wanted, &key, &link.id)?;
    }
    record(work, consumer, &link.id, &key.fingerprint, None)?;
    two_legged::set(
        work.applinks,
        &work.journal,
        consumer,
        &wanted,
        &link.id,
        &before,
    )?;
    two_legged::read_back(
        work.applinks,
        work.client.server(),
        consumer,
        &link.id,
        &before,
    )?;
    for change in changes.iter_mut().filter(|change| change.is_change()) {
        change.result = Some(Applied::Applied);
        for field in change
            .fields
            .iter_mut()
            .filter(|field| field.known_after_apply)
        {
            field.after = Some(key.fingerprint.to_string().into());
            field.known_after_apply = false;
        }
    }
    let Some(private) = &key.private else {
        return Ok(());
    };
    prove(work, consumer, private)?;
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

/// A consumer that is as it should be: what the store did not know of it yet is recorded.
pub(crate) fn confirm(
    work: &Work<'_>,
    consumer: &Consumer,
    seen: &ObservedConsumer,
    changes: &[Change],
) -> Result<(), Trouble> {
    let (Some(link), Probe::Accepted) = (&seen.link, &seen.probe) else {
        return Ok(());
    };
    let Held::Key(Some(fingerprint)) = Held::of(seen.consumer.as_ref(), &consumer.key) else {
        return Ok(());
    };
    let known = work
        .execute
        .known
        .registration(&consumer.name, work.journal.server_url);
    if known.is_none_or(|row| {
        row.fingerprint != fingerprint || row.proven.is_none() || row.link_id != link.id
    }) && !changes.is_empty()
    {
        let _lock = work
            .execute
            .store
            .lock(work.journal.server_url, &consumer.name)?;
        crate::recover::settle_open_steps(work, consumer, seen)?;
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

/// The link: found, changed or created. A create that collides with one made meanwhile finds that one.
fn link(
    work: &Work<'_>,
    consumer: &Consumer,
    seen: &ObservedConsumer,
    changes: &[Change],
) -> Result<ApplicationLink, Trouble> {
    let server = work.client.server();
    let find = || -> Result<Option<ApplicationLink>, Trouble> {
        let at_our_url = |link: &ApplicationLink| {
            link.rpc_url
                .as_deref()
                .is_some_and(|url| strip(url) == strip(&consumer.url))
        };
        Ok(work.links()?.into_iter().find(at_our_url))
    };
    match action_of(changes, Kind::Link) {
        Action::Create => {
            let new = NewLink {
                name: consumer.display_name.clone(),
                url: consumer.url.clone(),
            };
            work.journal.write(
                &consumer.name,
                "link create",
                json!({ "application_url": consumer.url, "link_id": atl_applinks::link_id(&consumer.url), "consumer_key": consumer.key }),
                || work.applinks.create(&new).map(|_| ()),
                || Ok(find()?.is_some()),
            )?;
            let link = settle(
                work.execute.settle,
                work.execute.interrupted,
                || match find() {
                    Ok(Some(link)) => Try::Done(link),
                    Ok(None) => Try::NotYet(Trouble::own(
                        "read_back",
                        format!(
                            "the link to `{}` was created on `{server}` and is not listed",
                            consumer.url
                        ),
                        "another cluster node may answer late: run again in a minute",
                    )),
                    Err(trouble) => Try::Never(trouble),
                },
            )?;
            work.execute
                .store
                .record_link(&made(work, consumer, &link.id))?;
            Ok(link)
        }
        Action::Update => {
            let mut link = existing(seen, server)?;
            link.display_url.clone_from(&consumer.url);
            work.journal.write(
                &consumer.name,
                "link update",
                json!({ "link_id": link.id, "display_url": consumer.url }),
                || work.applinks.update(&link),
                || Ok(find()?.is_some_and(|now| strip(&now.display_url) == strip(&consumer.url))),
            )?;
            Ok(link)
        }
        Action::None | Action::Delete => existing(seen, server),
    }
}

fn existing(seen: &ObservedConsumer, server: &str) -> Result<ApplicationLink, Trouble> {
    seen.link.clone().ok_or_else(|| {
        Trouble::own(
            "moved_on",
            format!("the link is no longer on `{server}`"),
            "make a new plan and look at it",
        )
    })
}

/// The store's record of a link that this tool made.
pub(crate) fn made(work: &Work<'_>, consumer: &Consumer, link_id: &str) -> LinkMade {
    LinkMade {
        server: work.client.server().to_owned(),
        server_url: work.journal.server_url.to_owned(),
        link_id: link_id.to_owned(),
        application_url: consumer.url.clone(),
        consumer: consumer.name.clone(),
        consumer_key: consumer.key.clone(),
        created: Timestamp::now(),
    }
}

/// Removes another consumer from our link first, so that it does not stay behind as an orphan (protocol.md 1.7).
fn disable(work: &Work<'_>, consumer: &Consumer, link_id: &str) -> Result<(), Trouble> {
    work.journal.write(
        &consumer.name,
        "consumer disable",
        json!({ "link_id": link_id }),
        || work.applinks.disable_incoming(link_id),
        || Ok(work.applinks.consumer(link_id)?.is_none()),
    )
}

/// Registers the consumer and compares what reads back.
fn register(
    work: &Work<'_>,
    consumer: &Consumer,
    wanted: &NewConsumer,
    key: &Key,
    link_id: &str,
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
    work.journal.write(
        &consumer.name,
        "consumer put",
        detail,
        || work.applinks.put_consumer(link_id, wanted),
        same,
    )?;
    settle(
        work.execute.settle,
        work.execute.interrupted,
        || match work.applinks.consumer(link_id) {
            Ok(Some(entry)) => match differences(&entry, wanted, key).as_slice() {
                [] => Try::Done(()),
                fields => Try::NotYet(not_as_written(work, consumer, &fields.join(", "))),
            },
            Ok(None) => Try::NotYet(not_as_written(work, consumer, "the whole consumer")),
            Err(error) => Try::Never(error.into()),
        },
    )
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
    let held = entry
        .public_key
        .as_deref()
        .and_then(|text| PublicKey::from_server(text).ok());
    let text = |value: &Option<String>| value.clone().filter(|text| !text.is_empty());
    let pairs = [
        ("key", entry.key == wanted.key),
        ("name", entry.name == wanted.name),
        (
            "description",
            text(&entry.description) == text(&wanted.description),
        ),
        ("callback", text(&entry.callback) == text(&wanted.callback)),
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
fn record(
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
    let server = work.client.server();
    let signer = ConsumerSigner::new(&consumer.key, keypair);
    settle(
        work.execute.settle,
        work.execute.interrupted,
        || match atl_oauth::prove(work.client, &signer) {
            Ok(KeyState::Accepted) => Try::Done(()),
            Ok(KeyState::ConsumerUnknown) => Try::NotYet(Trouble::own(
                "key_not_accepted",
                format!(
                    "`{server}` does not know the consumer key `{}` it was just given",
                    consumer.key
                ),
                "another cluster node may answer from a stale cache: run again in a minute",
            )),
            Ok(KeyState::Refused(problem)) => {
                let trouble = Trouble::problem(server, &consumer.key, &problem);
                match problem.kind {
                    ProblemKind::TimestampRefused
                    | ProblemKind::SignatureMethodRejected
                    | ProblemKind::VersionRejected => Try::Never(trouble),
                    _ => Try::NotYet(trouble),
                }
            }
            Err(error) => Try::NotYet(error.into()),
        },
    )
}

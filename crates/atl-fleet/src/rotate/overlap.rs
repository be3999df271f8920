//! A rotation with overlap on one server: a second consumer key on a second link, both live, until the first is retired.

use atl_client::Client;
use atl_keys::Fingerprint;
use atl_store::{KeyState, Outcome};
use serde_json::json;

use super::{
    look::Candidate,
    report::{Rotation, RotationState},
    succession::{ACTION, NewNames, Succession},
};
use crate::{
    choose::Held,
    execute::{Execute, Work, moved_on},
    known::Known,
    observe::{Look, ObservedConsumer, Probe, observe_consumer},
    planner::{Context, strip, two_legged_of, unknown_key},
    provision,
    trouble::Trouble,
    wanted::{Consumer, State},
};

/// What speaks against a second link for a consumer. `seen` is what the server has of the first.
pub(super) fn refuse(
    client: &Client,
    consumer: &Consumer,
    seen: &ObservedConsumer,
    look: &Look<'_>,
) -> Result<(), Trouble> {
    let (server, name) = (client.server(), &consumer.name);
    let held = match Held::of(seen.consumer.as_ref(), &consumer.key) {
        Held::Nothing => return Err(super::look::not_provisioned(server, name)),
        Held::Key(held) => held,
    };
    if held
        .as_ref()
        .and_then(|held| look.known.keypair(name, held))
        .is_none()
    {
        let held = held.map(|held| held.to_string());
        return Err(unknown_key(consumer, server, held));
    }
    if let Probe::Refused { trouble, .. } = &seen.probe {
        return Err(trouble.clone());
    }
    let url = client.base_url().as_str();
    match look.known.succession(name, url) {
        Some(succession) if !succession.succeeds(consumer) => {
            Err(unfinished(server, name, &succession))
        }
        _ => Ok(()),
    }
}

/// An overlap that was begun keeps its names: others that are asked for would be passed over.
pub(super) fn refuse_other_names(
    server: &str,
    rotation: &Rotation,
    asked: &NewNames,
) -> Result<(), Trouble> {
    let (Some(key), Some(url)) = (&rotation.new_key, &rotation.new_url) else {
        return Ok(());
    };
    let other_key = asked.key.as_ref().is_some_and(|asked| asked != key);
    let other_url = asked
        .url
        .as_ref()
        .is_some_and(|asked| strip(asked) != strip(url));
    if !other_key && !other_url {
        return Ok(());
    }
    let consumer = &rotation.consumer;
    Err(Trouble::own(
        "overlap_begun",
        format!("`{consumer}` has a second consumer key on `{server}` already: `{key}` at `{url}`"),
        format!(
            "run it again without `--new-key` and `--new-url`, or end that overlap first with `atl-admin rotate --retire -s {server} -c {consumer}`"
        ),
    ))
}

/// The error for another rotation while two consumer keys are live.
pub(super) fn unfinished(server: &str, consumer: &str, succession: &Succession) -> Trouble {
    Trouble::own(
        "overlap_unfinished",
        format!(
            "the consumer key `{}` of `{consumer}` is still live on `{server}` beside `{}`",
            succession.consumer_key, succession.new_key
        ),
        format!("run `atl-admin rotate --retire -s {server} -c {consumer}` first"),
    )
}

/// The second consumer: as the first, under its new names and with its two-legged OAuth.
pub(super) fn second(consumer: &Consumer, seen: &ObservedConsumer, names: &Succession) -> Consumer {
    let two_legged = two_legged_of(seen.ours(consumer), seen.matrix.as_ref());
    Consumer {
        key: names.new_key.clone(),
        url: names.new_url.clone(),
        two_legged: two_legged.enabled.then_some(two_legged),
        state: State::Present,
        ..consumer.clone()
    }
}

/// Makes the second link, registers the second consumer key with the keypair `after`, and proves it. Run again, it goes
/// on where it was.
pub(super) fn rotate(
    work: &Work<'_>,
    candidate: &Candidate<'_>,
    after: &Fingerprint,
    names: &NewNames,
) -> Rotation {
    let rotation = Rotation {
        after: Some(after.clone()),
        ..candidate.rotation.clone()
    };
    match make(work, candidate, after, names) {
        Ok(succession) => Rotation {
            state: RotationState::Verified,
            new_key: Some(succession.new_key),
            new_url: Some(succession.new_url),
            ..rotation
        },
        Err(trouble) => rotation.refused(trouble),
    }
}

fn make(
    work: &Work<'_>,
    candidate: &Candidate<'_>,
    after: &Fingerprint,
    names: &NewNames,
) -> Result<Succession, Trouble> {
    let (consumer, server) = (candidate.consumer, work.client.server());
    let (store, url) = (work.execute.store, work.journal.server_url);
    let _lock = store.lock(url, &consumer.name)?;
    let links = work.links()?;
    let mut look = Look {
        known: work.execute.known,
        keys: work.execute.keys,
        options: work.execute.options,
    };
    let now = observe_consumer(work.client, work.applinks, &links, consumer, &look)?;
    let held = Held::of(now.consumer.as_ref(), &consumer.key);
    let (Some(link), Held::Key(Some(before))) = (&now.link, held) else {
        return Err(moved_on(server, &consumer.name));
    };
    if candidate.rotation.before.as_ref() != Some(&before) {
        return Err(moved_on(server, &consumer.name));
    }
    let begun = look.known.succession(&consumer.name, url);
    let succession = begun.clone().unwrap_or_else(|| Succession {
        link_id: link.id.clone(),
        consumer_key: consumer.key.clone(),
        url: consumer.url.clone(),
        before,
        new_key: names.key(consumer),
        new_url: names.url(consumer),
        after: after.clone(),
    });
    let second = second(consumer, &now, &succession);
    let rights = candidate
        .seen
        .as_ref()
        .and_then(|seen| seen.system_administrator);
    let read = |look: &Look<'_>| -> Result<_, Trouble> {
        let mut seen = observe_consumer(work.client, work.applinks, &work.links()?, &second, look)?;
        seen.system_administrator = rights;
        let context = Context {
            server,
            server_url: url,
            seen: &seen,
            known: look.known,
            files: look.keys.files(),
            options: look.options,
        };
        let changes = context.plan(&second)?;
        Ok((seen, changes))
    };
    if begun.is_none() {
        drop(read(&look).map_err(other_names)?);
        work.journal
            .begin(&consumer.name, ACTION, json!(succession))?;
    }
    let known = Known::read(Some(store))?;
    look.known = &known;
    let made = read(&look).and_then(|(seen, mut changes)| {
        let execute = Execute {
            known: &known,
            ..work.execute
        };
        let work = work.knowing(execute);
        provision::provision(&work, &second, &seen, &mut changes)
    });
    // Until the fleet file names the second consumer key, the record is that of the first.
    let first = work.execute.known.registration(consumer, url);
    if let Some(first) = first {
        store.record_registration(first)?;
    }
    if let Err(trouble) = made {
        let nothing_there = work.links()?.iter().all(|link| !link.has_url(&second.url));
        if nothing_there {
            close(
                work,
                &consumer.name,
                &Outcome::Failed(trouble.message.clone()),
            )?;
        }
        return Err(trouble);
    }
    store.set_keypair_state(&succession.after, KeyState::Active)?;
    Ok(succession)
}

/// What stands in the way of a second link goes nowhere: the second one gets other names.
fn other_names(trouble: Trouble) -> Trouble {
    match trouble.code.as_str() {
        "consumer_key_taken" | "foreign_consumer" => Trouble {
            advice: "choose other names for the second link with `--new-key` and `--new-url`"
                .to_owned(),
            ..trouble
        },
        _ => trouble,
    }
}

/// Closes the open overlap of (server, consumer).
pub(super) fn close(work: &Work<'_>, consumer: &str, outcome: &Outcome) -> Result<(), Trouble> {
    for row in crate::recover::open(work, consumer)? {
        if row.step.action == ACTION {
            work.execute.store.finish(row.id, outcome)?;
        }
    }
    Ok(())
}

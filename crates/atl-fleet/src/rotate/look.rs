//! Looking before a rotation: which key every server holds, and what speaks against rotating it. Writes nothing.

use atl_applinks::Applinks;
use atl_client::Client;

use super::{
    Rotate, overlap,
    report::{Rotation, Strategy},
};
use jiff::Timestamp;

use crate::{
    age::{IfOlderThan, older_than},
    choose::Held,
    engine::consumers_of,
    keys::Keys,
    known::Known,
    observe::{Look, ObservedConsumer, Probe, carrier, observe_consumer},
    plan::PlanOptions,
    planner::{Context, refuse_unrestorable, unknown_key},
    trouble::Trouble,
    wanted::{Consumer, KeypairSource, Ready, State},
};

/// A rotation to be, and what the server had when it was planned.
pub(super) struct Candidate<'r> {
    pub(super) consumer: &'r Consumer,
    /// Refused where it has an error.
    pub(super) rotation: Rotation,
    pub(super) seen: Option<ObservedConsumer>,
}

/// What one server has.
pub(super) struct Seen<'r> {
    pub(super) candidates: Vec<Candidate<'r>>,
    /// How many links of the fleet file it has.
    pub(super) links: usize,
}

/// The consumers of a server whose keypair this tool makes.
pub(super) fn managed<'r>(ready: &'r Ready, server: &str) -> Vec<&'r Consumer> {
    let mut consumers = consumers_of(ready, server);
    consumers.retain(|consumer| {
        consumer.state == State::Present
            && matches!(consumer.keypair, KeypairSource::Managed { .. })
    });
    consumers
}

/// Looks at one server. What is wrong with it is said of each of its consumers.
pub(super) fn look_at<'r>(
    client: &Client,
    ready: &'r Ready,
    known: &Known,
    keys: &Keys<'_>,
    options: &PlanOptions,
    what: &Rotate<'_>,
) -> Seen<'r> {
    let consumers = managed(ready, client.server());
    let look = Look {
        known,
        keys,
        options,
    };
    match read(client, &consumers, &look, what) {
        Ok(candidates) => Seen {
            links: candidates
                .iter()
                .filter(|candidate| {
                    candidate
                        .seen
                        .as_ref()
                        .is_some_and(|seen| seen.link.is_some())
                })
                .count(),
            candidates,
        },
        Err(trouble) => Seen {
            candidates: consumers
                .iter()
                .map(|consumer| Candidate {
                    consumer,
                    rotation: Rotation::pending(client.server(), &consumer.name, None)
                        .refused(trouble.clone()),
                    seen: None,
                })
                .collect(),
            links: 0,
        },
    }
}

fn read<'r>(
    client: &Client,
    consumers: &[&'r Consumer],
    look: &Look<'_>,
    what: &Rotate<'_>,
) -> Result<Vec<Candidate<'r>>, Trouble> {
    let strategy = what.strategy;
    let against = match strategy {
        Strategy::InPlace => refuse,
        Strategy::Overlap => overlap::refuse,
    };
    if consumers.is_empty() {
        return Ok(Vec::new());
    }
    client.sign_in()?;
    let applinks = Applinks::open(client)?;
    let links = applinks.list()?;
    let mut candidates = Vec::with_capacity(consumers.len());
    for &consumer in consumers {
        let mut seen = observe_consumer(client, &applinks, &links, consumer, look)?;
        if resets_what_needs_rights(&seen) {
            seen.system_administrator = applinks.is_system_administrator()?;
        }
        if let Some(link) = &seen.link
            && seen.ours(consumer).is_some()
        {
            seen.shared_with = carrier(&applinks, &links, &consumer.key, Some(&link.id))?;
        }
        let held = match Held::of(seen.consumer.as_ref(), &consumer.key) {
            Held::Key(held) => held,
            Held::Nothing => None,
        };
        if let (Some(limit), Some(held)) = (what.if_older_than, &held)
            && let Some(row) = look.known.keypair(&consumer.name, held)
            && !is_due(consumer, row.created, limit)
        {
            continue;
        }
        let mut rotation = Rotation {
            strategy,
            ..Rotation::pending(client.server(), &consumer.name, held)
        };
        if strategy == Strategy::Overlap {
            let url = client.base_url().as_str();
            let (key, url) = match look.known.succession(&consumer.name, url) {
                Some(begun) => (begun.new_key, begun.new_url),
                None => (what.names.key(consumer), what.names.url(consumer)),
            };
            (rotation.new_key, rotation.new_url) = (Some(key), Some(url));
        }
        candidates.push(Candidate {
            consumer,
            rotation: match against(client, consumer, &seen, look)
                .and_then(|()| overlap::refuse_other_names(client.server(), &rotation, &what.names))
            {
                Ok(()) => rotation,
                Err(trouble) => rotation.refused(trouble),
            },
            seen: Some(seen),
        });
    }
    Ok(candidates)
}

/// Whether a key is old enough to be replaced; where the policy is asked for and there is none, none is.
fn is_due(consumer: &Consumer, created: Timestamp, limit: IfOlderThan) -> bool {
    let limit = limit.limit(&consumer.policy);
    limit.is_some_and(|limit| older_than(created, Timestamp::now(), limit))
}

/// A consumer PUT resets what only a system administrator can put back.
fn resets_what_needs_rights(seen: &ObservedConsumer) -> bool {
    seen.consumer.as_ref().is_some_and(|entry| {
        entry.two_lo_impersonation_allowed || entry.executing_two_lo_user.is_some()
    }) || seen
        .matrix
        .is_some_and(|matrix| matrix.outgoing.two_lo_impersonation)
}

/// What speaks against rotating a consumer on a server.
pub(super) fn refuse(
    client: &Client,
    consumer: &Consumer,
    seen: &ObservedConsumer,
    look: &Look<'_>,
) -> Result<(), Trouble> {
    let (server, name) = (client.server(), &consumer.name);
    let held = match Held::of(seen.consumer.as_ref(), &consumer.key) {
        Held::Nothing => return Err(not_provisioned(server, name)),
        Held::Key(held) => held,
    };
    let ours = held
        .as_ref()
        .and_then(|held| look.known.keypair(name, held));
    if ours.is_none() {
        let held = held.map(|held| held.to_string());
        return Err(unknown_key(consumer, server, held));
    }
    match &seen.probe {
        Probe::Accepted => {}
        Probe::Refused { trouble, .. } => return Err(trouble.clone()),
        Probe::Unknown | Probe::NotAsked => {
            return Err(Trouble::own(
                "key_not_accepted",
                format!("`{server}` does not accept calls signed with the present key of `{name}`"),
                format!("run `atl-admin check -s {server} -c {name}`, and mend that first"),
            ));
        }
    }
    let url = client.base_url().as_str();
    if let Some(succession) = look.known.succession(name, url) {
        return Err(overlap::unfinished(server, name, &succession));
    }
    if let Some(other) = seen.shared_with.as_ref().filter(|_| !look.options.force) {
        return Err(Trouble::own(
            "shared_key",
            format!(
                "the consumer key `{}` on `{server}` is shared with the link `{other}`; rotating it here changes its key there too",
                consumer.key
            ),
            "give that link a consumer key of its own first, or run again with `--force`",
        ));
    }
    let context = Context {
        server,
        server_url: client.base_url().as_str(),
        seen,
        known: look.known,
        files: look.keys.files(),
        options: look.options,
    };
    refuse_unrestorable(&as_it_is(consumer), &context)
}

pub(super) fn not_provisioned(server: &str, name: &str) -> Trouble {
    Trouble::own(
        "not_provisioned",
        format!("consumer `{name}` is not registered on `{server}`"),
        "run `atl-admin plan`, then `atl-admin apply`; there is no key to rotate yet",
    )
}

/// The consumer with nothing said about two-legged OAuth: a rotation leaves it as it is on the server.
pub(super) fn as_it_is(consumer: &Consumer) -> Consumer {
    Consumer {
        two_legged: None,
        ..consumer.clone()
    }
}

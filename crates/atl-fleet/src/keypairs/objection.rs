//! What stands against retiring or forgetting a keypair. No I/O: it is read off the store's rows and the servers' answers.

use std::collections::BTreeSet;

use atl_keys::Fingerprint;
use atl_store::{GrantState, KeyState, KeypairRow};
use serde_json::Value;

use super::End;
use crate::{
    known::Known,
    links::ServerLinks,
    plan::Status,
    rotate,
    trouble::Trouble,
    wanted::{KeypairSource, Ready},
};

/// One thing that stands against it.
#[derive(Debug, Clone)]
pub struct Objection {
    /// The server that it is about, where it is about one.
    pub server: Option<String>,
    /// What it is, and what to do about it.
    pub trouble: Trouble,
    /// Whether `--force` goes on in spite of it.
    pub can_be_forced: bool,
}

impl Objection {
    pub(super) fn never(server: Option<&str>, trouble: Trouble) -> Self {
        Self {
            server: server.map(str::to_owned),
            trouble,
            can_be_forced: false,
        }
    }

    fn unless_forced(server: Option<&str>, trouble: Trouble) -> Self {
        Self {
            can_be_forced: true,
            ..Self::never(server, trouble)
        }
    }

    /// Nobody knows whether a server holds it.
    fn could_not_tell(server: &str, message: String, advice: &str) -> Self {
        let advice = format!("{advice}; `--force` goes on without knowing");
        let trouble = Trouble {
            status: Status::Unreachable,
            ..Trouble::own("could_not_tell", message, advice)
        };
        Self::unless_forced(Some(server), trouble)
    }
}

/// A server that was asked for its links.
pub(super) struct Asked {
    pub(super) url: String,
    pub(super) links: ServerLinks,
}

impl Asked {
    pub(super) fn answered(&self) -> bool {
        self.links.error.is_none()
    }
}

pub(super) fn objections(
    rows: &[KeypairRow],
    end: End,
    known: &Known,
    asked: &[Asked],
    ready: Option<&Ready>,
) -> Vec<Objection> {
    let mut found: Vec<Objection> = asked.iter().filter_map(unanswered).collect();
    for row in rows {
        if end == End::Forget && row.state != KeyState::Retired {
            found.push(not_retired(row));
        }
        let keys = consumer_keys(row, known, ready);
        found.extend(asked.iter().flat_map(|one| held(row, one, &keys)));
        found.extend(on_record(row, known, asked));
        found.extend(under_way(row, known));
        if end == End::Forget {
            found.extend(last_of_grants(row, rows, known, ready));
        }
    }
    found
}

fn unanswered(asked: &Asked) -> Option<Objection> {
    let trouble = asked.links.error.as_ref()?;
    let server = &asked.links.server;
    let message = format!(
        "which keys `{server}` holds could not be told: {}",
        trouble.message
    );
    Some(Objection::could_not_tell(server, message, &trouble.advice))
}

fn not_retired(row: &KeypairRow) -> Objection {
    let KeypairRow { id, consumer, .. } = row;
    Objection::never(
        None,
        Trouble::own(
            "not_retired",
            format!(
                "keypair {id} of consumer `{consumer}` is {}, and only a retired one is forgotten",
                row.state.as_str()
            ),
            format!("retire it first: `atl-admin keys retire {id}`"),
        ),
    )
}

/// The consumer keys that a keypair's consumer has or had.
fn consumer_keys<'k>(
    row: &KeypairRow,
    known: &'k Known,
    ready: Option<&'k Ready>,
) -> BTreeSet<&'k str> {
    let wanted = ready.into_iter().flat_map(|ready| &ready.consumers);
    let wanted = wanted
        .filter(|consumer| consumer.name == row.consumer)
        .map(|consumer| consumer.key.as_str());
    let recorded = known.registrations.iter();
    let recorded = recorded
        .filter(|record| record.consumer == row.consumer)
        .map(|record| record.consumer_key.as_str());
    wanted.chain(recorded).collect()
}

/// Every link of a server counts, whosever it is.
fn held(row: &KeypairRow, asked: &Asked, consumer_keys: &BTreeSet<&str>) -> Vec<Objection> {
    let server = &asked.links.server;
    let KeypairRow { id, consumer, .. } = row;
    let mut found = Vec::new();
    for entry in &asked.links.links {
        let Some(registered) = &entry.consumer else {
            continue;
        };
        let (link, key) = (&entry.link.name, &registered.key);
        match &registered.fingerprint {
            Some(fingerprint) if *fingerprint == row.fingerprint.to_string() => {
                let message = format!(
                    "`{server}` holds keypair {id} of consumer `{consumer}`: it is registered for consumer key `{key}` on the link `{link}`"
                );
                let advice = format!(
                    "have it replaced there with `atl-admin rotate -c {consumer} -s {server}`, or end it with `atl-admin links delete -s {server} {}`",
                    entry.link.id
                );
                let trouble = Trouble::own("key_held", message, advice);
                found.push(Objection::never(Some(server), trouble));
            }
            None if consumer_keys.contains(key.as_str()) => {
                let message = format!(
                    "`{server}` holds a public key for consumer key `{key}` that could not be read, on the link `{link}`"
                );
                let advice = "look at it with `atl-admin links list`";
                found.push(Objection::could_not_tell(server, message, advice));
            }
            _ => {}
        }
    }
    found
}

/// What the store has on record of servers that were not asked. What a server says counts more than what is on record.
fn on_record(row: &KeypairRow, known: &Known, asked: &[Asked]) -> Vec<Objection> {
    let records = known.registrations.iter();
    records
        .filter(|record| record.fingerprint == row.fingerprint)
        .filter(|record| asked.iter().all(|one| one.url != record.server_url))
        .map(|record| {
            let message = format!(
                "according to the store, {} holds keypair {} of consumer `{}`, and that server was not asked",
                record.server_url, row.id, row.consumer
            );
            let advice = "run it with the fleet file that names this server (`--fleet FILE`)";
            Objection::could_not_tell(&record.server, message, advice)
        })
        .collect()
}

/// A run goes on with it, or was killed and will be taken up by the next one.
fn under_way(row: &KeypairRow, known: &Known) -> Vec<Objection> {
    let steps = known
        .open_steps
        .iter()
        .map(|open| (&open.step, open.started));
    steps
        .filter(|(step, _)| names(&step.detail, &row.fingerprint))
        .map(|(step, started)| {
            let message = format!(
                "keypair {} of consumer `{}` is in the middle of `{}`: the step `{}` on `{}`, begun {started:.0}, has not ended",
                row.id, row.consumer, step.command, step.action, step.server
            );
            let advice = if step.action == rotate::OVERLAP {
                format!(
                    "two consumer keys are live there: run `atl-admin rotate --retire -s {} -c {}`, and write the second one into the fleet file",
                    step.server, row.consumer
                )
            } else {
                "wait until that run has ended; one that was killed is taken up by the next `atl-admin apply` or `atl-admin rotate --resume`".to_owned()
            };
            let trouble = Trouble::own("key_under_way", message, advice);
            Objection::never(Some(&step.server), trouble)
        })
        .collect()
}

/// Whether a step's detail names a fingerprint, wherever in it.
fn names(detail: &Value, fingerprint: &Fingerprint) -> bool {
    match detail {
        Value::String(text) => text == fingerprint.as_str(),
        Value::Array(items) => items.iter().any(|item| names(item, fingerprint)),
        Value::Object(fields) => fields.values().any(|value| names(value, fingerprint)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Grants that nothing in the store could sign for any more.
fn last_of_grants(
    row: &KeypairRow,
    rows: &[KeypairRow],
    known: &Known,
    ready: Option<&Ready>,
) -> Option<Objection> {
    let consumer = &row.consumer;
    let is_going = |one: &KeypairRow| rows.iter().any(|row| row.fingerprint == one.fingerprint);
    let mut keypairs = known.keypairs.iter();
    let another = keypairs.any(|one| one.consumer == *consumer && !is_going(one));
    let mut wanted = ready.into_iter().flat_map(|ready| &ready.consumers);
    let in_a_file = wanted
        .any(|one| one.name == *consumer && !matches!(one.keypair, KeypairSource::Managed { .. }));
    let living = known.grants.iter();
    let living = living
        .filter(|grant| grant.consumer == *consumer && grant.state != GrantState::Rejected)
        .count();
    (!another && !in_a_file && living > 0).then(|| {
        let message = format!(
            "keypair {} is the last one of consumer `{consumer}`, and grants in the store depend on it ({living})",
            row.id
        );
        let advice = format!(
            "revoke them first: `atl-admin tokens revoke -c {consumer}`; `--force` forgets it all the same, and nothing can be signed with them any more"
        );
        Objection::unless_forced(None, Trouble::own("grants_depend", message, advice))
    })
}

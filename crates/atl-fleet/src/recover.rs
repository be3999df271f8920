//! What a killed run left open in the journal is settled by what the server has now, never by a guess.

use std::collections::BTreeSet;

use atl_applinks::ApplicationLink;
use atl_store::{JournalRow, LinkMade, Outcome, StoreError};

use crate::{
    authorize::left_open,
    choose::Held,
    execute::Work,
    grants, kept,
    rotate::{self, Succession},
    trouble::Trouble,
    wanted::Consumer,
};

/// Closes the open steps of (server, consumer). The lock is held, so no other process is in the middle of them. What
/// is still to be put back stays open, and so does a rotation, which is settled before.
pub(crate) fn settle_open_steps(
    work: &Work<'_>,
    consumer: &Consumer,
    held: &Held,
    links: &[ApplicationLink],
) -> Result<(), Trouble> {
    settle_links(work, &consumer.name, links)?;
    for row in open(work, &consumer.name)? {
        let happened = match row.step.action.as_str() {
            // What became of a grant is asked with its token, by the commands for grants.
            rotate::OVERLAP => {
                let over = Succession::read(&row).is_none_or(|succession| {
                    succession.is_in_file(consumer)
                        && links.iter().all(|link| link.id != succession.link_id)
                });
                if !over {
                    continue;
                }
                Some(true)
            }
            kept::ACTION
            | grants::RENEW
            | grants::REVOKE
            | grants::END_GRANTS
            | rotate::ACTION
            | rotate::HAND_OVER => {
                continue;
            }
            left_open::ACTION => {
                left_open::close(work.execute.store, work.execute.sink, &row)?;
                continue;
            }
            "consumer put" => match held {
                Held::Key(Some(fingerprint)) => {
                    Some(fingerprint.as_str() == detail(&row, "fingerprint"))
                }
                Held::Key(None) | Held::Nothing => Some(false),
            },
            _ => None,
        };
        work.execute.store.finish(row.id, &outcome(happened))?;
    }
    Ok(())
}

/// Closes what was left open for consumers that this run has nothing to do with, such as a pruned one.
pub(crate) fn settle_others(work: &Work<'_>, worked_on: &BTreeSet<&str>) -> Result<(), Trouble> {
    let left: BTreeSet<&str> = work
        .execute
        .known
        .open_steps
        .iter()
        .filter(|row| row.step.server_url == work.journal.server_url)
        .filter_map(|row| row.step.consumer.as_deref())
        .filter(|consumer| !worked_on.contains(consumer))
        .collect();
    for consumer in left {
        let _lock = match work.execute.store.lock(work.journal.server_url, consumer) {
            Err(StoreError::Locked { .. }) => continue,
            lock => lock?,
        };
        settle_links(work, consumer, &work.links()?)?;
    }
    Ok(())
}

/// Closes the open steps that the links alone explain; anything else waits for its consumer.
pub(crate) fn settle_links(
    work: &Work<'_>,
    consumer: &str,
    links: &[ApplicationLink],
) -> Result<(), Trouble> {
    let store = work.execute.store;
    for row in open(work, consumer)? {
        let happened = match row.step.action.as_str() {
            "link create" => {
                let url = detail(&row, "application_url");
                let link = links.iter().find(|link| link.has_url(url));
                if let Some(link) = link {
                    store.record_link(&LinkMade {
                        server: row.step.server.clone(),
                        server_url: row.step.server_url.clone(),
                        link_id: link.id.clone(),
                        application_url: url.to_owned(),
                        consumer: consumer.to_owned(),
                        consumer_key: detail(&row, "consumer_key").to_owned(),
                        created: row.started,
                    })?;
                }
                link.is_some()
            }
            "link delete" => deleted(work, &row, links)?,
            _ => continue,
        };
        store.finish(row.id, &outcome(Some(happened)))?;
    }
    Ok(())
}

/// The open steps of (server, consumer).
pub(crate) fn open(work: &Work<'_>, consumer: &str) -> Result<Vec<JournalRow>, Trouble> {
    let mut rows = work.execute.store.open_steps()?;
    rows.retain(|row| {
        row.step.server_url == work.journal.server_url
            && row.step.consumer.as_deref() == Some(consumer)
    });
    Ok(rows)
}

/// Whether a rotation of (server, consumer) was begun and did not end.
pub(crate) fn is_rotating(work: &Work<'_>, consumer: &Consumer) -> Result<bool, Trouble> {
    let rows = open(work, &consumer.name)?;
    Ok(rows.iter().any(|row| row.step.action == rotate::ACTION))
}

/// Whether a deletion took effect; if so, the store forgets the link and what was registered on it.
fn deleted(work: &Work<'_>, row: &JournalRow, links: &[ApplicationLink]) -> Result<bool, Trouble> {
    let id = detail(row, "link_id");
    let gone = links.iter().all(|link| link.id != id);
    if gone {
        let consumer = row.step.consumer.as_deref().unwrap_or_default();
        work.forget(consumer, id)?;
    }
    Ok(gone)
}

fn detail<'r>(row: &'r JournalRow, name: &str) -> &'r str {
    row.step
        .detail
        .get(name)
        .and_then(serde_json::Value::as_str)
        .unwrap_or_default()
}

fn outcome(happened: Option<bool>) -> Outcome {
    match happened {
        Some(true) => Outcome::Done,
        Some(false) => Outcome::Failed(
            "the run was killed; a later run found that this did not take effect".to_owned(),
        ),
        None => Outcome::Unknown(
            "the run was killed; a later run made the server as planned".to_owned(),
        ),
    }
}

//! Steps on grants that a killed run left open, or whose answer was lost while nobody could be asked. The server says
//! what became of them: a renewal takes the old token away, and so does a revocation.

use atl_client::Client;
use atl_store::{GrantRow, GrantState, JournalRow, Outcome, StoreError};
use jiff::Timestamp;

use super::{said::Said, work::Work};

/// A grant is renewed.
pub(crate) const RENEW: &str = "grant renew";
/// A grant is revoked.
pub(crate) const REVOKE: &str = "grant revoke";

/// Closes the open steps of the selected servers and consumers. One that another process is in the middle of is left to
/// it; one whose server cannot be asked stays open.
pub(super) fn settle(work: &Work<'_>) -> Result<(), StoreError> {
    work.each_open(&[RENEW, REVOKE], |client, step| close(work, client, step))
}

fn close(work: &Work<'_>, client: &Client, step: &JournalRow) -> Result<(), StoreError> {
    let store = work.store;
    let consumer = step.step.consumer.as_deref().unwrap_or_default();
    let mut consumers = work.ready.consumers.iter();
    if consumers.all(|selected| selected.name != consumer) {
        return Ok(());
    }
    let _lock = match store.lock(&step.step.server_url, consumer) {
        Err(StoreError::Locked { .. }) => return Ok(()),
        lock => lock?,
    };
    if store.open_steps()?.iter().all(|open| open.id != step.id) {
        return Ok(());
    }
    let grants = store.grants()?;
    let Some(row) = grants.iter().find(|row| concerns(step, row)) else {
        // Those that were revoked by another way than their token are looked for in that way (`revoke/batch.rs`).
        if step.step.detail.get("way").is_some() {
            return Ok(());
        }
        // The store forgets a grant, or puts its renewal in its place, once all is done.
        return store.finish(step.id, &Outcome::Done);
    };
    let opened = work.open(client, row).ok();
    let Some(said) = opened.and_then(|opened| opened.ask(client, row).ok()) else {
        let note = unfinished(step);
        return store.set_grant_state(&row.id, GrantState::Unknown, Some(&note));
    };
    let outcome = match (said.gone, step.step.action.as_str()) {
        (false, _) => {
            work.record(row, &said)?;
            Outcome::Failed("a later run found that this did not take effect".to_owned())
        }
        (true, REVOKE) => {
            store.forget_grant(&row.id)?;
            Outcome::Done
        }
        (true, _) => {
            work.record(row, &lost(step.started))?;
            Outcome::Failed("a later run found that the new token was lost".to_owned())
        }
    };
    store.finish(step.id, &outcome)
}

/// Whether a step is about this grant.
pub(crate) fn concerns(step: &JournalRow, row: &GrantRow) -> bool {
    [RENEW, REVOKE].contains(&step.step.action.as_str())
        && step.step.server_url == row.server_url
        && step.step.detail.get("id").and_then(|id| id.as_str()) == Some(&row.id)
}

/// What is said of a grant while nobody knows what became of a step.
pub(crate) fn unfinished(step: &JournalRow) -> String {
    let what = if step.step.action == RENEW {
        "renewal"
    } else {
        "revocation"
    };
    format!(
        "whether its {what} of {:.0} took effect is not known; `atl-admin tokens verify` asks the server",
        step.started
    )
}

/// A grant that was renewed, and whose new token never reached the store.
pub(super) fn lost(when: Timestamp) -> Said {
    Said {
        state: GrantState::Rejected,
        note: Some(format!(
            "a renewal on {when:.0} took effect and the new token was lost: authorize again"
        )),
        gone: true,
    }
}

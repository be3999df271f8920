//! Dances that a kill left open in the journal. What became of one cannot be asked of the server without its token, so
//! it is closed with what the store knows, and with where to look.

use atl_store::{JournalRow, Outcome, Store, StoreError};

use crate::{
    event::{Event, Sink},
    grants::same_user,
};

/// The step's name in the journal.
pub(crate) const ACTION: &str = "authorize";

/// The page where users see and revoke the grants that they gave (protocol.md 3.1).
pub(crate) fn page(server_url: &str) -> String {
    let base = server_url.trim_end_matches('/');
    format!("{base}/plugins/servlet/oauth/users/access-tokens")
}

/// Closes a dance that was left open: done where the store has its grant. The lock is held, so no other process is in
/// the middle of it.
pub(crate) fn close(store: &Store, sink: Sink<'_>, row: &JournalRow) -> Result<(), StoreError> {
    let outcome = outcome(store, row)?;
    store.finish(row.id, &outcome)?;
    if let Outcome::Unknown(message) = &outcome {
        sink(&Event::Warning {
            server: &row.step.server,
            consumer: row.step.consumer.as_deref().unwrap_or_default(),
            message,
        });
    }
    Ok(())
}

fn outcome(store: &Store, row: &JournalRow) -> Result<Outcome, StoreError> {
    let step = &row.step;
    let user = step.detail["user"].as_str().unwrap_or_default();
    let stored = store.grants()?.iter().any(|grant| {
        Some(&grant.consumer) == step.consumer.as_ref()
            && grant.server_url == step.server_url
            && same_user(&grant.user, user)
            && grant.created >= row.started
    });
    if stored {
        return Ok(Outcome::Done);
    }
    Ok(Outcome::Unknown(format!(
        "a run was killed, and `{user}` may have a grant on `{}` that this store does not have: look at {}",
        step.server,
        page(&step.server_url)
    )))
}

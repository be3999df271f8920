//! What the store has, without asking any server.

use atl_store::{GrantRow, GrantState};
use jiff::Timestamp;
use serde::Serialize;

use super::choose::{GrantChoiceError, GrantFilter, Known, state};
use crate::{grant::GrantEntry, plan::FORMAT_VERSION, wanted::Ready};

/// The grants of the store.
#[derive(Debug, Clone, Serialize)]
pub struct GrantList {
    /// `1.0`.
    pub format_version: &'static str,
    /// The grants.
    pub grants: Vec<GrantEntry>,
    /// What this list cannot know, by server.
    pub coverage: Vec<Coverage>,
    /// No rule looks at a list.
    pub findings: [(); 0],
}

/// What a source sees of a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Coverage {
    /// The server's name.
    pub server: String,
    /// `store`.
    pub source: &'static str,
    /// Whether it sees every grant there is.
    pub complete: bool,
    /// What it does not see.
    pub note: &'static str,
}

/// Lists grants of the store. With `everything`, those of servers and consumers that the fleet file no longer names come
/// along: nobody can ask about them, so where they stand is not known.
///
/// # Errors
///
/// An id does not name one grant.
pub fn list(
    ready: &Ready,
    rows: Vec<GrantRow>,
    filter: &GrantFilter,
    everything: bool,
) -> Result<GrantList, GrantChoiceError> {
    let now = Timestamp::now();
    let mut known = Known::of(ready, rows);
    if everything {
        let others = known.others.drain(..).map(|(row, what)| GrantRow {
            state: GrantState::Unknown,
            note: Some(format!("{what} is not in the fleet file")),
            ..row
        });
        known.named.extend(others);
    }
    let grants = filter.choose(known.named, now)?;
    Ok(GrantList {
        format_version: FORMAT_VERSION,
        grants: grants
            .iter()
            .map(|row| GrantEntry::of_store(&as_of(row, now), &ready.consumers))
            .collect(),
        coverage: ready.servers.iter().map(coverage).collect(),
        findings: [],
    })
}

fn coverage(server: &crate::wanted::ReadyServer) -> Coverage {
    Coverage {
        server: server.config.name.clone(),
        source: "store",
        complete: false,
        note: "only the grants that this store holds",
    }
}

/// A grant whose end has come since the server was last asked says so.
fn as_of(row: &GrantRow, now: Timestamp) -> GrantRow {
    let state = state(row, now);
    if state == row.state {
        return row.clone();
    }
    GrantRow {
        state,
        note: Some("by its own end; the server was not asked".to_owned()),
        ..row.clone()
    }
}

/// How many grants of the store are of servers or consumers that are not among the selected ones.
pub fn not_selected(ready: &Ready, rows: Vec<GrantRow>) -> usize {
    Known::of(ready, rows).others.len()
}

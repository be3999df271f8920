//! What the store has, without asking any server.

use atl_store::{GrantRow, GrantState, Store};
use jiff::Timestamp;
use serde::Serialize;

use super::{
    choose::{GrantFilter, Known, as_of},
    settle::{concerns, unfinished},
};
use crate::{engine::StartError, grant::GrantEntry, plan::FORMAT_VERSION, wanted::Ready};

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
/// The store could not be read, or an id does not name one grant.
pub fn list(
    ready: &Ready,
    store: Option<&Store>,
    filter: &GrantFilter,
    everything: bool,
) -> Result<GrantList, StartError> {
    let now = Timestamp::now();
    let (mut rows, open) = match store {
        Some(store) => (store.grants()?, store.open_steps()?),
        None => Default::default(),
    };
    for step in &open {
        if let Some(row) = rows.iter_mut().find(|row| concerns(step, row)) {
            row.state = GrantState::Unknown;
            row.note = Some(unfinished(step));
        }
    }
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

/// How many grants of the store are of servers or consumers that are not among the selected ones.
pub fn not_selected(ready: &Ready, rows: Vec<GrantRow>) -> usize {
    Known::of(ready, rows).others.len()
}

//! The grants of the store, as a source.

use std::ops::ControlFlow;

use atl_store::{GrantRow, GrantState, Store};
use atl_tokens::{Coverage, GrantEntry, SourceKind};
use jiff::Timestamp;

use super::Ask;
use crate::{
    engine::StartError,
    grant::grant_entry,
    grants::{as_of, concerns, unfinished},
    wanted::Ready,
};

/// The grants of the store, and the servers that they could be of.
pub(super) struct Stored {
    grants: Vec<GrantEntry>,
    servers: Vec<String>,
}

/// Reads them. Where nothing was selected, those of servers that the fleet file no longer names come along: nobody can ask
/// about them, so where they stand is not known.
pub(super) fn grants(
    ready: &Ready,
    store: Option<&Store>,
    ask: &Ask,
) -> Result<Stored, StartError> {
    let now = Timestamp::now();
    let (rows, open) = match store {
        Some(store) => (store.grants()?, store.open_steps()?),
        None => Default::default(),
    };
    let mut grants = Vec::new();
    for mut row in rows {
        if let Some(step) = open.iter().find(|step| concerns(step, &row)) {
            row.state = GrantState::Unknown;
            row.note = Some(unfinished(step));
        }
        let mut servers = ready.servers.iter();
        let server = servers.find(|server| server.config.base_url.as_str() == row.server_url);
        let named = ready.named.iter().any(|link| link.consumer == row.consumer);
        match server {
            Some(server) => row.server.clone_from(&server.config.name),
            None if !ask.everything => continue,
            None => {}
        }
        let row = match (server, named) {
            (None, _) => forgotten(row, "its server"),
            (_, false) => forgotten(row, "its consumer"),
            _ => as_of(&row, now),
        };
        grants.push(grant_entry(&row, &ready.consumers));
    }
    let servers = ready.servers.iter();
    Ok(Stored {
        grants,
        servers: servers.map(|server| server.config.name.clone()).collect(),
    })
}

fn forgotten(row: GrantRow, what: &str) -> GrantRow {
    GrantRow {
        state: GrantState::Unknown,
        note: Some(format!("{what} is not in the fleet file")),
        ..row
    }
}

impl Stored {
    /// Hands them over.
    pub(super) fn read(mut self, take: &dyn Fn(GrantEntry) -> ControlFlow<()>) -> Vec<Coverage> {
        // A stop has a reason of its own, which is told elsewhere.
        let _stopped = self.grants.drain(..).try_for_each(take);
        let note = "only the grants that this store holds";
        let servers = self.servers.iter();
        servers
            .map(|server| Coverage::partial(server, SourceKind::Store, note))
            .collect()
    }
}

//! Asking the servers about grants: one signed call each.

use atl_client::Client;
use atl_store::{GrantRow, GrantState, Store};

use super::{
    choose::GrantFilter,
    settle::settle,
    work::{Done, Work},
};
use crate::{
    engine::{RunOptions, StartError},
    grant::GrantReport,
    wanted::Ready,
};

/// Asks about every chosen grant and records what the server said. One that could not be asked about keeps its record;
/// the report says `unknown`, and why.
///
/// # Errors
///
/// Only where nothing could be started.
pub fn verify(
    ready: &Ready,
    store: &Store,
    filter: &GrantFilter,
    run: RunOptions<'_>,
) -> Result<GrantReport, StartError> {
    let work = Work::new(ready, store, run)?;
    settle(&work)?;
    let rows = work.choose(filter)?;
    Ok(work.each("verify", &rows, Work::unknown, |client, row| {
        ask(&work, client, row)
    }))
}

fn ask(work: &Work<'_>, client: &Client, row: &GrantRow) -> Done {
    // Whoever holds the lock may be renewing it: then a refusal says nothing.
    let lock = work.lock(row);
    let opened = match work.open(client, row) {
        Ok(opened) => opened,
        Err(trouble) => return work.unknown(row, trouble),
    };
    let said = match opened.ask(client, row) {
        Ok(said) => said,
        Err(error) => return work.unasked(row, error),
    };
    match lock {
        Err(error) if said.state != GrantState::Active => work.unknown(row, error.into()),
        _ => match work.record(row, &said) {
            Ok(entry) => Done::well(entry),
            Err(error) => work.unknown(row, error.into()),
        },
    }
}

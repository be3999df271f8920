//! `keys list`

use super::{COLUMNS, Shown};
use crate::{context::Context, error::Result, exit::Exit, term};

pub(super) fn run(context: &Context) -> Result<Exit> {
    let (keypairs, registrations) = match context.store_to_look_at()? {
        None => Default::default(),
        Some(store) => (store.keypairs()?, store.registrations()?),
    };
    let (servers, consumers) = (context.selected_servers()?, context.consumers()?);
    let chosen = |names: &[String], name: &String| names.is_empty() || names.contains(name);
    let rows: Vec<_> = keypairs
        .into_iter()
        .map(|row| Shown::new(row, &registrations))
        .filter(|row| chosen(consumers, &row.consumer))
        .filter(|row| servers.is_empty() || row.servers.iter().any(|name| servers.contains(name)))
        .collect();
    if rows.is_empty() {
        term::note("the store has no such keypairs");
    }
    context.output.listing("keys", "key", &COLUMNS, &rows)?;
    Ok(Exit::Done)
}

//! `keys list`

use serde_json::{Value, json};

use super::{COLUMNS, Shown};
use crate::{context::Context, error::Result, exit::Exit, flags::Format, output::Column, term};

/// What a person wants to see fits 80 columns: a line for every server that a keypair is registered on. `keys show` has
/// the rest.
const LINES: [Column; 7] = [
    Column::new("id", "ID"),
    Column::new("consumer", "CONSUMER"),
    Column::new("bits", "BITS"),
    Column::new("state", "STATE"),
    Column::new("age", "AGE"),
    Column::new("server", "SERVER"),
    Column::new("proven", "PROVEN"),
];

/// The arguments.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "The table has a line for every server that a keypair is registered on, with how long ago that server last \
                  accepted a call signed with it. `-o json` and `-o csv` have the fingerprints too.\n\nExamples:\n  \
                  atl-admin keys list\n  atl-admin keys list -c deploy-bot -o json"
)]
pub struct Args {}

pub(super) fn run(context: &Context) -> Result<Exit> {
    let (keypairs, registrations) = match context.store_to_look_at()? {
        None => Default::default(),
        Some(store) => (store.keypairs()?, atl_fleet::registered(&store)?),
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
    if context.output.format() == Format::Table {
        let lines: Vec<_> = rows.iter().flat_map(lines).collect();
        context.output.listing("keys", "key", &LINES, &lines)?;
    } else {
        context.output.listing("keys", "key", &COLUMNS, &rows)?;
    }
    Ok(Exit::Done)
}

/// A line for each server, or one for a keypair that is registered nowhere.
fn lines(key: &Shown) -> Vec<Value> {
    let line = |server: Option<&str>, proven: Option<String>| {
        json!({
            "id": key.id,
            "consumer": key.consumer,
            "bits": key.bits,
            "state": key.state,
            "age": key.age_in_words(),
            "server": server,
            "proven": proven,
        })
    };
    if key.registered.is_empty() {
        return vec![line(None, None)];
    }
    let registered = key.registered.iter();
    registered
        .map(|place| line(Some(&place.server), Some(place.proven_in_words())))
        .collect()
}

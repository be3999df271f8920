//! `tokens list`

use std::ops::ControlFlow;

use atl_fleet::{inventory, of_looking};
use serde_json::Value;

use super::{Filters, reach::Reach};
use crate::{
    context::{Context, run_info},
    error::Result,
    exit::Exit,
    flags::Format,
    interrupt,
    output::{
        Column,
        grants::{INVENTORY, INVENTORY_TABLE, shown},
        inventory::{By, Counts, tell_coverage},
        stream::Stream,
    },
    progress::Progress,
    term,
};

const COMMAND: &str = "tokens list";

/// The arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which grants.
    #[command(flatten)]
    pub filters: Filters,
    /// Where they are looked for.
    #[command(flatten)]
    pub reach: Reach,
}

pub(super) fn run(context: &Context, args: &Args) -> Result<Exit> {
    let filter = args.filters.filter();
    let ask = args.reach.ask(context, &filter.users)?;
    let ready = context.ready(ask.needs())?;
    // An auditor consumer is in the journal before it is on a server.
    let store = if ask.auditor {
        Some(context.store(COMMAND)?)
    } else {
        context.store_to_look_at()?
    };
    let progress = Progress::new(context);
    let sink = |event: &atl_fleet::Event<'_>| progress.take(event);
    let info = run_info(COMMAND);
    let run = progress.run(&sink);
    let inventory = inventory::gather(&ready, store.as_ref(), &ask, &filter, &info, run)?;
    progress.finish();
    let found = match args.filters.by {
        None => list(context, &inventory)?,
        Some(by) => count(context, by, &inventory)?,
    };
    if found == 0 {
        term::note("no such grants were found; the coverage says where none could be seen");
    }
    if progress.interrupted() {
        interrupt::tell();
        return Ok(Exit::Interrupted);
    }
    Ok(of_looking(inventory.statuses(), false).into())
}

fn list(context: &Context, inventory: &inventory::Inventory) -> Result<u64> {
    let output = &context.output;
    let table = output.format() == Format::Table;
    let columns: &[Column] = if table { &INVENTORY_TABLE } else { &INVENTORY };
    let mut stream = Stream::begin(output, "grants", "grant", columns)?;
    let mut printed = Ok(());
    inventory.each(&mut |grant| {
        printed = if table {
            stream.row(&shown(&grant))
        } else {
            stream.row(&grant)
        };
        match printed {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    })?;
    printed?;
    let coverage = serde_json::to_value(inventory.coverage()).unwrap_or_default();
    let none = Value::Array(Vec::new());
    let rows = stream.end(&[("coverage", coverage), ("findings", none)])?;
    tell_coverage(context, inventory.coverage())?;
    Ok(rows)
}

fn count(context: &Context, by: By, inventory: &inventory::Inventory) -> Result<u64> {
    let mut counts = Counts::new(by);
    inventory.each(&mut |grant| {
        counts.add(&grant);
        ControlFlow::Continue(())
    })?;
    counts.show(context, inventory.coverage())
}

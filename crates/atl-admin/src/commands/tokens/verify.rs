//! `tokens verify`

use atl_fleet::{Needs, grants, of_verify};

use super::{Filters, nothing, reach::Reach};
use crate::{
    cli::Selection, context::Context, error::Result, exit::Exit, output::counted,
    output::grants::show, progress::Progress, term,
};

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
    args.reach.store_only("verified")?;
    let ready = context.ready(Needs::default())?;
    let Some(store) = context.store_if_any("tokens verify")? else {
        return nothing(context, &args.filters);
    };
    let progress = Progress::new(context);
    let sink = |event: &atl_fleet::Event<'_>| progress.take(event);
    let report = grants::verify(&ready, &store, &args.filters.filter(), progress.run(&sink))?;
    progress.finish();
    show(context, &report, args.filters.by)?;
    let others = grants::not_selected(&ready, store.grants()?);
    if others > 0 && context.globals.selection == Selection::default() {
        term::note(&format!(
            "{} of servers or consumers that the fleet file does not name: nobody asked about them, see `atl-admin tokens list`",
            counted(others, "grant")
        ));
    }
    if progress.interrupted() {
        return Ok(Exit::Interrupted);
    }
    Ok(of_verify(&report).into())
}

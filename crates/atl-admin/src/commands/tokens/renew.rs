//! `tokens renew`

use atl_fleet::{Needs, grants, of_grants};

use super::{Filters, nothing, reach::Reach};
use crate::{
    context::{Context, run_info},
    error::Result,
    exit::Exit,
    interrupt,
    output::grants::show,
    progress::Progress,
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
    const COMMAND: &str = "tokens renew";
    args.reach.store_only("renewed")?;
    let ready = context.ready(Needs::default())?;
    let Some(store) = context.store_if_any(COMMAND)? else {
        return nothing(context, &args.filters);
    };
    let progress = Progress::new(context);
    let sink = |event: &atl_fleet::Event<'_>| progress.take(event);
    let filter = args.filters.filter();
    let report = grants::renew(
        &ready,
        &store,
        &run_info(COMMAND),
        &filter,
        progress.run(&sink),
    )?;
    progress.finish();
    show(context, &report, args.filters.by)?;
    if progress.interrupted() {
        interrupt::tell();
        return Ok(Exit::Interrupted);
    }
    Ok(of_grants(&report).into())
}

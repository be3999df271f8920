//! `tokens revoke`

use atl_fleet::{
    GrantReport, Needs, Passwords,
    grants::{Revocation, needs_passwords},
    of_grants,
};
use atl_store::Store;
use atl_tokens::GrantEntry;

use super::{Filters, nothing};
use crate::{
    cli::Selection,
    context::{Context, run_info},
    error::{Error, Result},
    exit::Exit,
    flags::Format,
    interrupt,
    output::{counted, grants::show},
    progress::Progress,
    term,
};

const COMMAND: &str = "tokens revoke";

/// The arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which grants.
    #[command(flatten)]
    pub filters: Filters,
    /// Only show what would be revoked; nothing is sent
    #[arg(long)]
    pub dry_run: bool,
    /// Go on where much would be revoked at once
    #[arg(long)]
    pub force: bool,
}

pub(super) fn run(context: &Context, args: &Args) -> Result<Exit> {
    if !args.filters.select() && context.globals.selection == Selection::default() {
        return Err(Error::usage("nothing says which grants to revoke")
            .hint("name ids, or give a filter, `--server` or `--consumer`"));
    }
    let store = if args.dry_run {
        context.store_to_look_at()?
    } else {
        context.store_if_any(COMMAND)?
    };
    match store {
        Some(store) => with(context, args, &store),
        // The fleet file has to be in order all the same.
        None => context
            .ready(Needs::default())
            .and_then(|_| nothing(context, &args.filters)),
    }
}

fn with(context: &Context, args: &Args, store: &Store) -> Result<Exit> {
    let filter = args.filters.filter();
    let grant_passwords = if !args.dry_run && needs_passwords(store, &filter)? {
        Passwords::All
    } else {
        Passwords::Nobody
    };
    let ready = context.ready(Needs {
        grant_passwords,
        ..Needs::default()
    })?;
    let revocation = Revocation::new(&ready, store, &filter)?;
    revocation
        .revoked_before()
        .iter()
        .for_each(|told| term::note(told));
    let grants = revocation.grants();
    if args.dry_run {
        return tell(context, grants);
    }
    if let Some(trouble) = revocation.refusal(context.consumers()?, args.force) {
        return Err(trouble.into());
    }
    if !grants.is_empty() {
        for grant in &grants {
            let GrantEntry {
                id,
                server,
                user,
                consumer,
                ..
            } = grant;
            term::note(&format!(
                "will revoke grant {id} of `{user}` for `{}` on `{server}`",
                consumer.as_deref().unwrap_or_default()
            ));
        }
        let question = format!("Revoke {}?", counted(grants.len(), "grant"));
        context.terminal.confirm(&question)?;
    }
    let progress = Progress::new(context);
    let sink = |event: &atl_fleet::Event<'_>| progress.take(event);
    let report = revocation.carry_out(&run_info(COMMAND), progress.run(&sink))?;
    progress.finish();
    show(context, &report)?;
    if progress.interrupted() {
        interrupt::tell();
        return Ok(Exit::Interrupted);
    }
    Ok(of_grants(&report).into())
}

/// What would be revoked.
fn tell(context: &Context, grants: Vec<GrantEntry>) -> Result<Exit> {
    let output = &context.output;
    if output.format() == Format::Ndjson {
        grants
            .iter()
            .try_for_each(|grant| output.event("grant", grant))?;
    }
    show(context, &GrantReport::new(grants, Vec::new()))?;
    term::note("nothing was revoked: this was a dry run");
    Ok(Exit::Done)
}

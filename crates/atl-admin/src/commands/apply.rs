//! `apply`

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use atl_fleet::{
    Looked, Needs, Plan, PlanOptions, Ready, RunOptions, look, of_apply, settle_rotations,
};
use atl_store::Store;

use crate::{
    cli::Selection,
    context::{Context, run_info},
    error::{Error, Result},
    exit::Exit,
    flags, interrupt,
    output::{plan, rotations::tell_settled},
    progress::Progress,
    term,
};

/// The arguments.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Asks only before it deletes links, replaces keys or kills grants.\n\nExamples:\n  atl-admin apply\n  \
                  atl-admin apply -s jira -c deploy-bot\n  atl-admin apply fleet.plan --yes -o ndjson"
)]
pub struct Args {
    /// Do exactly what this saved plan says; refused where a server has moved on since
    #[arg(value_name = "PLAN", conflicts_with_all = ["prune", "replace_keys", "replace_consumer"])]
    pub plan: Option<PathBuf>,
    /// What may be done.
    #[command(flatten)]
    pub permissions: Permissions,
    /// How long to wait for all nodes of a server to accept a new key
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = flags::duration)]
    pub settle: Duration,
}

/// What a plan may do beyond adding and repairing.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of its own on the command line"
)]
pub struct Permissions {
    /// Delete links that this tool made and the fleet file no longer names
    #[arg(long)]
    pub prune: bool,
    /// Replace a key on a server although its private half is not in the store
    #[arg(long)]
    pub replace_keys: bool,
    /// Replace another consumer on a link at our URL
    #[arg(long)]
    pub replace_consumer: bool,
    /// Go on where much would change at once, a key is shared by two links, or an executing user cannot be restored
    #[arg(long)]
    pub force: bool,
}

pub(crate) fn run(context: &Context, args: &Args) -> Result<Exit> {
    let Some(path) = &args.plan else {
        let selection = &context.globals.selection;
        return carry_out(context, "apply", selection, args.settle, |ready| {
            (args.permissions.options(context, ready), None)
        });
    };
    if context.globals.selection != Selection::default() {
        return Err(
            Error::usage("a saved plan says itself which servers and consumers it is for")
                .hint("leave `--server` and `--consumer` out, or make a new plan with them"),
        );
    }
    let saved = read(path)?;
    let selection = Selection {
        servers: saved.options.servers.clone(),
        consumers: saved.options.consumers.clone(),
    };
    let options = PlanOptions {
        force: saved.options.force || args.permissions.force,
        ..saved.options.clone()
    };
    carry_out(context, "apply", &selection, args.settle, |_| {
        (options, Some(saved))
    })
}

/// Looks, asks where something would be lost, carries out and shows what came of it.
pub(crate) fn carry_out(
    context: &Context,
    command: &str,
    selection: &Selection,
    settle: Duration,
    plan: impl FnOnce(&atl_fleet::Ready) -> (PlanOptions, Option<Plan>),
) -> Result<Exit> {
    let needs = Needs {
        admin: true,
        ..Needs::default()
    };
    let ready = context.ready_for(needs, selection)?;
    let (options, saved) = plan(&ready);
    if saved
        .as_ref()
        .is_some_and(|saved| saved.fleet != ready.digest)
    {
        return Err(atl_fleet::StartError::OtherFleet.into());
    }
    let store = context.store(command)?;
    let progress = Progress::new(context);
    let sink = |event: &atl_fleet::Event<'_>| progress.take(event);
    let run = RunOptions {
        settle,
        ..progress.run(&sink)
    };
    settle_first(&ready, &store, command, run)?;
    let mut looked = look(&ready, Some(&store), &options, run)?;
    if let Some(saved) = &saved {
        looked.take_saved(saved)?;
    }
    let reasons = looked.confirmations();
    if !reasons.is_empty() && !progress.interrupted() {
        progress.finish();
        for reason in &reasons {
            term::note(&format!("will {reason}"));
        }
        if let Err(error) = context.terminal.confirm("Go on?") {
            not_carried_out(context, &progress, looked)?;
            return Err(error);
        }
    }
    let plan = looked.apply(&run_info(command), run)?;
    progress.finish();
    plan::show(context, &plan, "Done")?;
    if progress.interrupted() {
        interrupt::tell();
        return Ok(Exit::Interrupted);
    }
    Ok(of_apply(&plan).into())
}

/// A rotation that a killed run left unfinished comes first: until it is known which key stays, nothing can be planned.
fn settle_first(ready: &Ready, store: &Store, command: &str, run: RunOptions<'_>) -> Result<()> {
    let settled = settle_rotations(ready, store, None, &run_info(command), run)?;
    tell_settled(&settled);
    Ok(())
}

/// Shows a plan of which nothing was carried out.
fn not_carried_out(context: &Context, progress: &Progress, looked: Looked<'_>) -> Result<()> {
    let plan = looked.give_up();
    progress.finish();
    plan::show(context, &plan, "Done")
}

fn read(path: &Path) -> Result<Plan> {
    let text = fs_err::read_to_string(path).map_err(|error| {
        Error::usage(error.to_string()).caused_by(std::error::Error::source(&error))
    })?;
    let plan: Plan = serde_json::from_str(&text).map_err(|error| {
        Error::usage(format!("`{}` is not a saved plan", path.display()))
            .caused_by(Some(&error))
            .hint("make one with `atl-admin plan --out FILE`")
    })?;
    if !plan.format_version.starts_with("1.") {
        return Err(Error::usage(format!(
            "`{}` has format version {}, and this program reads 1",
            path.display(),
            plan.format_version
        )));
    }
    Ok(plan)
}

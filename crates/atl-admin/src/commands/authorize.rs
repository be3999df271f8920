//! `authorize`

use atl_fleet::{Event, Needs, authorize, of_grants};

use crate::{
    context::{Context, run_info},
    error::Result,
    exit::Exit,
    interrupt,
    output::grants,
    progress::Progress,
};

/// The arguments.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "One dance for each user under `grants:` of each consumer, on each of its servers; one whose grant is in \
                  the store and works is left alone. Whoever allowed it must be the user who was named, or the grant is \
                  revoked at once.\n\nExamples:\n  atl-admin authorize --headless\n  \
                  atl-admin authorize --headless -s jira -c deploy-bot --user svc-deploy"
)]
pub struct Args {
    /// Only this user (can be repeated)
    #[arg(long = "user", value_name = "NAME", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub users: Vec<String>,
    /// Sign in as the users with their passwords of the fleet file, and approve
    #[arg(long, required = true)]
    pub headless: bool,
}

pub(crate) fn run(context: &Context, args: &Args) -> Result<Exit> {
    let ready = context.ready(Needs {
        grant_passwords: true,
        ..Needs::default()
    })?;
    let store = context.store("authorize")?;
    let progress = Progress::new(context);
    let sink = |event: &Event<'_>| progress.take(event);
    let info = run_info("authorize");
    let report = authorize(&ready, &store, &args.users, &info, progress.run(&sink))?;
    progress.finish();
    grants::show(context, &report)?;
    if progress.interrupted() {
        interrupt::tell();
        return Ok(Exit::Interrupted);
    }
    Ok(of_grants(&report).into())
}

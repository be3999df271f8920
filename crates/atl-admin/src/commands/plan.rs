//! `plan`

use std::path::PathBuf;

use atl_fleet::{Event, Needs, Plan, PlanOptions, look, of_plan};

use super::apply::Permissions;
use crate::{
    context::Context,
    error::{Error, Result},
    exit::Exit,
    files::Target,
    output::plan,
    progress::Progress,
};

/// The arguments.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Writes neither servers nor store.\n\nExamples:\n  atl-admin plan\n  atl-admin plan --out fleet.plan && \
                  atl-admin apply fleet.plan\n  atl-admin plan --detailed-exitcode -o json"
)]
pub struct Args {
    /// Save the plan to this file, for `apply FILE`
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// End with exit code 10 where there are changes to make
    #[arg(long)]
    pub detailed_exitcode: bool,
    /// What the plan may do.
    #[command(flatten)]
    pub permissions: Permissions,
}

pub(crate) fn run(context: &Context, args: &Args) -> Result<Exit> {
    let ready = context.ready(Needs {
        admin: true,
        ..Needs::default()
    })?;
    let store = context.store_to_look_at()?;
    let options = args.permissions.options(context, &ready);
    let progress = Progress::new(context);
    let looked = look(
        &ready,
        store.as_ref(),
        &options,
        progress.run(&|event| progress.take(event)),
    )?;
    looked.sign_out();
    progress.take(&Event::Summary(&looked.plan.summary));
    progress.finish();
    let interrupted = progress.interrupted();
    if let Some(path) = args.out.as_deref().filter(|_| !interrupted) {
        save(path, &looked.plan)?;
    }
    plan::show(context, &looked.plan, "Plan")?;
    if interrupted {
        return Ok(Exit::Interrupted);
    }
    Ok(of_plan(&looked.plan, args.detailed_exitcode).into())
}

/// A saved plan holds no secret, but it names servers and accounts: it is readable by its owner only.
fn save(path: &std::path::Path, plan: &Plan) -> Result<()> {
    let text = serde_json::to_string_pretty(plan)
        .map_err(|error| Error::failed("the plan could not be written").caused_by(Some(&error)))?;
    Target::new(path, true)?.write_secret((text + "\n").as_bytes())
}

impl Permissions {
    /// The planner's options: these permissions and what was selected.
    pub(crate) fn options(self, context: &Context, ready: &atl_fleet::Ready) -> PlanOptions {
        PlanOptions {
            servers: ready
                .servers
                .iter()
                .map(|server| server.config.name.clone())
                .collect(),
            consumers: context.globals.selection.consumers.clone(),
            prune: self.prune,
            replace_keys: self.replace_keys,
            replace_consumer: self.replace_consumer,
            force: self.force,
        }
    }
}

impl From<atl_fleet::Exit> for Exit {
    fn from(exit: atl_fleet::Exit) -> Self {
        match exit {
            atl_fleet::Exit::Done => Self::Done,
            atl_fleet::Exit::Failed => Self::Failed,
            atl_fleet::Exit::CouldNotTell => Self::Unreachable,
            atl_fleet::Exit::Refused => Self::Refused,
            atl_fleet::Exit::Partly => Self::Partly,
            atl_fleet::Exit::Pending => Self::Pending,
        }
    }
}

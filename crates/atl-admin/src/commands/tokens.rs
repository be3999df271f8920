//! `tokens`

mod filters;
mod list;
mod verify;

use filters::Filters;

use crate::{context::Context, error::Result, exit::Exit};

/// The commands.
#[derive(Debug, clap::Subcommand)]
pub enum Commands {
    /// List the grants of the store; no server is asked
    #[command(
        after_help = "Where a grant stands is what its server said when it was last asked (`tokens verify`), or that its \
                      time is over since. Grants whose server or consumer the fleet file no longer names are listed where \
                      nothing is selected, as `unknown`.\n\nExamples:\n  atl-admin tokens list\n  \
                      atl-admin tokens list --expires-in 30d --sort expires\n  atl-admin tokens list --by user"
    )]
    List(list::Args),
    /// Ask the servers about grants of the store, with one signed call each
    #[command(
        after_help = "Records what the servers say. Exit codes: 10 where a grant has expired or is rejected, 3 where one \
                      could not be asked about, 4 where every call was refused, else 0.\n\nExamples:\n  \
                      atl-admin tokens verify\n  atl-admin tokens verify -s jira --user alice -o json"
    )]
    Verify(verify::Args),
}

pub(crate) fn run(context: &Context, command: &Commands) -> Result<Exit> {
    match command {
        Commands::List(args) => list::run(context, args),
        Commands::Verify(args) => verify::run(context, args),
    }
}

/// What is said where there is nothing to do.
const NONE: &str = "the store has no such grants";

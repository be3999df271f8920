//! `plan`

use std::path::PathBuf;

use super::apply::Permissions;

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

//! `apply`

use std::{path::PathBuf, time::Duration};

use crate::flags;

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

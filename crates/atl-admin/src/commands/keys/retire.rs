//! `keys retire`

use atl_fleet::keypairs::End;

use super::{ending, find_in};
use crate::{context::Context, error::Result, exit::Exit};

/// The arguments.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "A retired keypair stays in the store and is given to no server any more. Nothing is retired while a server \
                  holds it: every server of the fleet file is asked, whatever is selected, and one that cannot be asked counts as one that may hold it (exit 3), unless \
                  `--force` is given. Where there is no fleet file, what the store has on record decides. A keypair that an \
                  unfinished run has in hand is refused too. Of several keypairs either all are retired or none.\n\n\
                  Examples:\n  atl-admin keys retire 3f9a1c2b4d5e\n  atl-admin keys retire old-bot --force"
)]
pub struct Args {
    /// Keypairs, each by its id or fingerprint, or the one in use of a consumer
    #[arg(value_name = "ID|CONSUMER", required = true)]
    pub keys: Vec<String>,
    /// Go on where a server cannot be asked
    #[arg(long)]
    pub force: bool,
}

pub(super) fn run(context: &Context, args: &Args) -> Result<Exit> {
    let (store, rows) = ending::chosen(context, "keys retire", &args.keys, find_in)?;
    ending::carry_out(context, &store, &rows, End::Retire, args.force)
}

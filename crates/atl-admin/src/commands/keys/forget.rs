//! `keys forget`

use atl_fleet::keypairs::End;
use atl_store::KeypairRow;

use super::{ending, exact, missing};
use crate::{context::Context, error::Result, exit::Exit, output::counted, term};

/// The arguments.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Deletes retired keypairs from the store for good: nothing can be signed with them any more, and only a backup \
                  brings them back. Asks first, unless `--yes` is given.\n\nRefused while a server holds one, or may: every \
                  server of the fleet file is asked, whatever is selected. A server that cannot be asked (exit 3) needs `--force`, and so does the last keypair \
                  of a consumer that the store has living grants for. Where there is no fleet file, what the store has on record \
                  decides. Of several keypairs either all are forgotten or none.\n\nExample:\n  atl-admin keys forget 3f9a1c2b4d5e"
)]
pub struct Args {
    /// Retired keypairs, each by its id or fingerprint
    #[arg(value_name = "ID", required = true)]
    pub keys: Vec<String>,
    /// Go on where a server cannot be asked, or where grants depend on it
    #[arg(long)]
    pub force: bool,
}

pub(super) fn run(context: &Context, args: &Args) -> Result<Exit> {
    let (store, rows) = ending::chosen(context, "keys forget", &args.keys, by_id)?;
    for row in &rows {
        term::note(&format!(
            "will forget keypair {} of `{}`, {}",
            row.id, row.consumer, row.fingerprint
        ));
    }
    let question = format!(
        "Delete {} from the store for good?",
        counted(rows.len(), "keypair")
    );
    context.terminal.confirm(&question)?;
    ending::carry_out(context, &store, &rows, End::Forget, args.force)
}

/// What is gone for good is named exactly.
fn by_id(rows: &[KeypairRow], wanted: &str) -> Result<KeypairRow> {
    exact(rows, wanted).ok_or_else(|| missing(wanted))
}

//! `store`

use atl_store::Store;
use serde_json::json;

use crate::{context::Context, error::Result, exit::Exit, flags::Format, output::counted};

/// The commands on the store itself.
#[derive(Debug, clap::Subcommand)]
pub enum Commands {
    /// Copy the store to another place, whole, and compare the copy with it
    #[command(
        after_help = "The copy is sealed under the same store key. The place must have no store yet; the store that is \
                      copied is left as it is. Let nothing else work with it in the meantime. A copy that was killed \
                      in the middle is not there: run it again."
    )]
    Migrate(Migrate),
}

/// The arguments.
#[derive(Debug, clap::Args)]
pub struct Migrate {
    /// Where to: `sqlite:PATH` or `postgres://...`
    #[arg(long, value_name = "URL")]
    pub to: String,
}

pub(crate) fn run(context: &Context, command: &Commands) -> Result<Exit> {
    let Commands::Migrate(Migrate { to }) = command;
    let format = context
        .output
        .one_of(&[Format::Table, Format::Json, Format::Yaml])?;
    let from = context.store_url()?;
    let to = context.parse_store_url(to)?;
    let key = context.store_key()?;
    let moved = Store::copy_to(&from, &key, &to)?;
    if format == Format::Table {
        context.output.text(&format!(
            "copied to {to}, and compared: {}, {}, {}, {}, {}, {}\n",
            counted(moved.keypairs, "keypair"),
            counted(moved.registrations, "registration"),
            counted(moved.links, "link"),
            counted(moved.grants, "grant"),
            counted(moved.journal, "step"),
            counted(moved.imports, "import"),
        ))?;
    } else {
        context.output.document(&json!({
            "from": from.to_string(),
            "to": to.to_string(),
            "copied": moved,
            "verified": true,
        }))?;
    }
    Ok(Exit::Done)
}

//! `man`

use std::path::PathBuf;

use crate::{
    cli,
    context::Context,
    error::{Error, Result},
    exit::Exit,
    flags::Format,
};

/// The arguments.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  atl-admin man ~/.local/share/man/man1 && man atl-admin-keys-generate"
)]
pub struct Args {
    /// The folder to write them to; it is made where there is none
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
}

pub(crate) fn run(context: &Context, args: &Args) -> Result<Exit> {
    context.output.fixed(&[Format::Table])?;
    fs_err::create_dir_all(&args.folder).map_err(|error| Error::io(&error))?;
    clap_mangen::generate_to(cli::command(), &args.folder)
        .map_err(|error| Error::path("write manual pages to", &args.folder, &error))?;
    Ok(Exit::Done)
}

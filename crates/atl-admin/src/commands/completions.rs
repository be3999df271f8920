//! `completions`

use clap_complete::Shell;

use crate::{cli, context::Context, error::Result, exit::Exit, flags::Format};

/// The arguments.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  atl-admin completions bash > ~/.local/share/bash-completion/completions/atl-admin"
)]
pub struct Args {
    /// The shell
    #[arg(value_enum)]
    pub shell: Shell,
}

pub(crate) fn run(context: &Context, args: &Args) -> Result<Exit> {
    context.output.fixed(&[Format::Table])?;
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut cli::command(), "atl-admin", &mut script);
    context.output.text(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Done)
}

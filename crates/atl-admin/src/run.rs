//! From the words on the command line to the exit code.

use std::{
    ffi::OsString,
    io::{self, IsTerminal as _, Write as _},
    process::ExitCode,
};

use anstream::ColorChoice;

use crate::{
    cli::{self, Cli, Commands},
    commands::{
        apply, audit, authorize, check, completions, history, init, keys, links, man, plan,
        request, rotate, schema, scrub, store, tokens,
    },
    context::Context,
    environment,
    error::Result,
    exit::Exit,
    flags::Color,
    interrupt, log,
};

/// Runs the program.
pub fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().collect();
    let cli = match cli::parse(words.iter().cloned()) {
        Ok(cli) => cli,
        Err(told) => return tell(&told, words),
    };
    color(cli.globals.color);
    log::start(cli.globals.verbose, cli.globals.trace_http);
    interrupt::catch();
    match dispatch(cli) {
        Ok(exit) => exit.into(),
        Err(error) => {
            write!(anstream::stderr(), "{}", error.render()).ok();
            error.exit.into()
        }
    }
}

fn dispatch(cli: Cli) -> Result<Exit> {
    let context = Context::new(cli.globals);
    match cli.command {
        Commands::Init(args) => init::run(&context, args),
        Commands::Check(args) => check::run(&context, &args),
        Commands::Plan(args) => plan::run(&context, &args),
        Commands::Apply(args) => apply::run(&context, &args),
        Commands::Authorize(args) => authorize::run(&context, &args),
        Commands::Request(args) => request::run(&context, args),
        Commands::Rotate(args) => rotate::run(&context, &args),
        Commands::Audit(args) => audit::run(&context, &args),
        Commands::Scrub(args) => scrub::run(&context, &args),
        Commands::Links(command) => links::run(&context, &command),
        Commands::Keys(command) => keys::run(&context, command),
        Commands::Tokens(command) => tokens::run(&context, &command),
        Commands::Store(command) => store::run(&context, &command),
        Commands::History(args) => history::run(&context, &args),
        Commands::Schema => schema::run(&context),
        Commands::Completions(args) => completions::run(&context, &args),
        Commands::Man(args) => man::run(&context, &args),
    }
}

/// Help, the version, or what is wrong with the command line.
fn tell(told: &clap::Error, words: Vec<OsString>) -> ExitCode {
    color(cli::color_of(words));
    // Nobody is left to be told where the reader went away.
    told.print().ok();
    if told.use_stderr() {
        Exit::Usage.into()
    } else {
        Exit::Done.into()
    }
}

/// Decides about colour on both streams; each still has it only on a terminal where `auto` decides.
fn color(color: Color) {
    let no_color = environment::switch("NO_COLOR");
    let terminal = io::stderr().is_terminal() || io::stdout().is_terminal();
    let choice = match color {
        Color::Always => ColorChoice::Always,
        Color::Auto if environment::switch("CLICOLOR_FORCE") && !no_color => ColorChoice::Always,
        Color::Auto if !no_color && terminal => ColorChoice::Auto,
        Color::Auto | Color::Never => ColorChoice::Never,
    };
    choice.write_global();
}

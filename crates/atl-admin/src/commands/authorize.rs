//! `authorize`

mod browser;
mod screen;

use atl_fleet::{
    Authorize, Event, Needs, Passwords, Way, authorize, authorize_status, of_authorize_status,
    of_grants,
};

use crate::{
    context::{Context, run_info},
    error::{Error, Result},
    exit::Exit,
    interrupt,
    output::grants,
    progress::Progress,
    term::Terminal,
};
use browser::Browser;
use screen::{Keyboard, Screen};

/// The arguments.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "One dance for each user under `grants:` of each consumer, on each of its servers; one whose grant is in \
                  the store and works is left alone. The user opens a page of the server in a browser and allows it; \
                  with `--headless` that is done with the password of the fleet file. Whoever allowed it must be the \
                  user who was named, or the grant is revoked at once.\n\n\
                  `--status` ends with 10 where a grant does not work, or is wanted and was never given.\n\n\
                  With `--oob` a program can answer for the user: where stdin is a pipe nothing is asked, and each dance \
                  takes a line of it once its page is printed on stderr.\n\n\
                  `BROWSER` names another browser than the system's: a program and its words, with `%s` where the \
                  address goes.\n\nExamples:\n  atl-admin authorize --headless\n  \
                  atl-admin authorize -s jira -c deploy-bot --user alice\n  atl-admin authorize -s jira --oob\n  \
                  atl-admin authorize --status"
)]
pub struct Args {
    /// Only this user (can be repeated); somebody who is not in the fleet file approves in a browser
    #[arg(long = "user", value_name = "NAME", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub users: Vec<String>,
    /// The port on this machine that the browser comes back to; a free one unless given
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..), conflicts_with_all = ["oob", "headless", "status"])]
    pub port: Option<u16>,
    /// How users approve.
    #[command(flatten)]
    pub way: Ways,
}

/// How users approve, if not in the browser of this machine.
#[derive(Debug, clap::Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of its own on the command line, and only one may be given"
)]
#[group(multiple = false)]
pub struct Ways {
    /// Ask for the verifier that the server shows, or for the address of the page that the browser lands on
    #[arg(long)]
    pub oob: bool,
    /// Open no browser: print the address, and wait for the browser to come back or for a pasted address
    #[arg(long)]
    pub no_browser: bool,
    /// Sign in as the users with their passwords of the fleet file, and approve
    #[arg(long)]
    pub headless: bool,
    /// Approve nothing: ask the servers about the grants in the store, and say which ones are missing
    #[arg(long)]
    pub status: bool,
}

pub(crate) fn run(context: &Context, args: &Args) -> Result<Exit> {
    if args.way.status {
        return show_status(context, args);
    }
    somebody_is_there(context, &args.way)?;
    let ready = context.ready(Needs {
        grant_passwords: passwords(args),
        ..Needs::default()
    })?;
    let store = context.store("authorize")?;
    let progress = Progress::new(context);
    let screen = (!args.way.headless).then(|| screen(context.terminal, &args.way));
    let way = match &screen {
        None => Way::Headless,
        Some(screen) => {
            // A person who is asked something is not to look at a bar.
            progress.finish();
            way_of(args, screen)
        }
    };
    let sink = |event: &Event<'_>| progress.take(event);
    let what = Authorize {
        users: &args.users,
        way,
    };
    let info = run_info("authorize");
    let report = authorize(&ready, &store, &what, &info, progress.run(&sink))?;
    progress.finish();
    grants::show(context, &report, None)?;
    if progress.interrupted() {
        interrupt::tell();
        return Ok(Exit::Interrupted);
    }
    Ok(of_grants(&report).into())
}

/// Asks about the grants in the store; where there is no store, none is made.
fn show_status(context: &Context, args: &Args) -> Result<Exit> {
    let ready = context.ready(Needs::default())?;
    let store = context.store_if_any("authorize")?;
    let progress = Progress::new(context);
    let sink = |event: &Event<'_>| progress.take(event);
    let report = authorize_status(&ready, store.as_ref(), &args.users, progress.run(&sink))?;
    progress.finish();
    grants::show(context, &report, None)?;
    if progress.interrupted() {
        return Ok(Exit::Interrupted);
    }
    Ok(of_authorize_status(&report).into())
}

/// Whose passwords are needed.
fn passwords(args: &Args) -> Passwords {
    match args {
        Args { way, .. } if !way.headless => Passwords::Nobody,
        Args { users, .. } if users.is_empty() => Passwords::All,
        Args { users, .. } => Passwords::Of(users.clone()),
    }
}

/// Approving takes a person, and a verifier one who can type.
fn somebody_is_there(context: &Context, way: &Ways) -> Result<()> {
    if way.headless {
        return Ok(());
    }
    if context.globals.no_input {
        return Err(Error::usage(
            "approving takes a person, and `--no-input` says that there is none",
        )
        .hint("pass `--headless`, with the users' passwords under `grants:` in the fleet file"));
    }
    if way.oob && !(context.terminal.can_ask || context.terminal.is_fed) {
        return Err(
            Error::usage("there is no terminal to type the verifier on").hint(
                "give it on a pipe, leave `--oob` out, so that the browser comes back by itself, or pass `--headless`",
            ),
        );
    }
    Ok(())
}

/// How a person approves.
fn way_of<'a>(args: &Args, person: &'a Screen) -> Way<'a> {
    if args.way.oob {
        Way::OutOfBand { person }
    } else {
        let port = args.port;
        Way::Browser { port, person }
    }
}

/// The person's screen. Lines on a pipe are for us only where the verifier is to come that way.
fn screen(terminal: Terminal, way: &Ways) -> Screen {
    let opens = !(way.oob || way.no_browser);
    let keyboard = match terminal {
        Terminal { can_ask: true, .. } => Keyboard::Asked,
        Terminal { is_fed: true, .. } if way.oob => Keyboard::Fed,
        _ => Keyboard::None,
    };
    Screen::new(keyboard, opens.then(Browser::of_environment))
}

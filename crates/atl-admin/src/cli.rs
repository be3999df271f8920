//! The command line as clap sees it: global flags, and the tree of commands.

use std::{ffi::OsString, path::PathBuf, time::Duration};

use clap::{
    Arg, ArgAction, ArgMatches, Args, Command, CommandFactory, FromArgMatches, Parser, Subcommand,
    ValueEnum as _, builder::Resettable, parser::ValueSource,
};

use crate::{
    commands::{
        apply, audit, authorize, check, completions, history, init, keys, links, man, plan,
        request, rotate, scrub, store, tokens,
    },
    environment,
    flags::{self, Color, Format, Switch},
};

/// Provision and prove application links on Jira, Confluence, Bitbucket and Bamboo Data Center
#[derive(Debug, Parser)]
#[command(
    name = "atl-admin",
    version,
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 unreachable, 4 refused, 5 some servers failed, \
                  10 changes pending or findings, 130 interrupted."
)]
pub struct Cli {
    /// The flags that every command takes.
    #[command(flatten)]
    pub globals: Globals,
    /// The command.
    #[command(subcommand)]
    pub command: Commands,
}

/// The flags that every command takes, before or after it.
#[derive(Debug, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of its own on the command line"
)]
#[command(next_help_heading = "Global options")]
pub struct Globals {
    /// The fleet file
    #[arg(
        short,
        long,
        global = true,
        value_name = "FILE",
        env = "ATL_ADMIN_FLEET",
        default_value = "fleet.yaml"
    )]
    pub fleet: PathBuf,
    /// The servers and consumers that were selected.
    #[arg(skip)]
    pub selection: Selection,
    /// The store: `sqlite:PATH` (default: `store.db` in the data folder of atl-admin), or `postgres://...` for a team
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "ATL_ADMIN_STORE",
        hide_env_values = true
    )]
    pub store: Option<String>,
    /// What unseals the store: `file:PATH`, `env:NAME` or `cmd:COMMAND` (default: `file:` and `store.key` in the
    /// configuration folder of atl-admin, made on first use); must be given with `postgres://`
    #[arg(
        long,
        global = true,
        value_name = "SRC",
        env = "ATL_ADMIN_STORE_KEY",
        hide_env_values = true
    )]
    pub store_key: Option<String>,
    /// How results are printed
    #[arg(
        short,
        long,
        global = true,
        value_name = "FORMAT",
        env = "ATL_ADMIN_OUTPUT",
        value_enum,
        default_value_t,
        hide_possible_values = true,
        help = "How results are printed: `table`, `json`, `ndjson`, `csv` or `yaml`"
    )]
    pub output: Format,
    /// Whether the format stands on the command line, not in the environment.
    #[arg(skip)]
    pub output_is_typed: bool,
    /// How many servers are worked on at once
    #[arg(short, long, global = true, value_name = "N", env = "ATL_ADMIN_PARALLEL", default_value = "8",
          value_parser = flags::parallel)]
    pub parallel: usize,
    /// How long one request may take
    #[arg(long, global = true, value_name = "DURATION", default_value = "30s", value_parser = flags::duration)]
    pub timeout: Duration,
    /// Answer yes to confirmations
    #[arg(short, long, global = true)]
    pub yes: bool,
    /// Never ask: where an answer is needed, stop with a usage error
    #[arg(long, global = true, env = "ATL_ADMIN_NO_INPUT", value_parser = Switch, action = ArgAction::SetTrue)]
    pub no_input: bool,
    /// Let credentials go over plain http to other than this machine
    #[arg(long, global = true)]
    pub allow_http: bool,
    /// Let `${cmd:...}` references of the fleet file run commands
    #[arg(long, global = true, env = "ATL_ADMIN_ALLOW_CMD", value_parser = Switch, action = ArgAction::SetTrue)]
    pub allow_cmd: bool,
    /// When to use colour: `auto`, `always` or `never` (`NO_COLOR` and `CLICOLOR_FORCE` count in `auto`)
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        value_enum,
        default_value_t,
        hide_possible_values = true
    )]
    pub color: Color,
    /// Log more on stderr: `-v` steps, `-vv` details, `-vvv` everything
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
    /// Show every exchange with a server on stderr, with the signature base string and without secrets
    #[arg(long, global = true)]
    pub trace_http: bool,
}

/// Which servers and consumers a command works on; none means all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Names of servers, or `label:NAME`.
    pub servers: Vec<String>,
    /// Names of consumers.
    pub consumers: Vec<String>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Commands {
    /// Write a commented fleet file to start from
    Init(init::Args),
    /// Reach every server and say what would go wrong later
    Check(check::Args),
    /// Show the difference between the fleet file and the servers
    Plan(plan::Args),
    /// Make the servers as the fleet file says, and prove it
    Apply(apply::Args),
    /// Have users give access: the OAuth dance, for the selected consumers and servers
    Authorize(authorize::Args),
    /// Make one signed call, like curl
    Request(request::Args),
    /// Give consumers new keypairs, and prove them
    Rotate(rotate::Args),
    /// Find out who granted what to whom, and what is wrong with it
    Audit(audit::Args),
    /// Remove or re-point every link and grant that came along when a server was copied
    Scrub(scrub::Args),
    /// Manage application links one at a time
    #[command(subcommand)]
    Links(links::Commands),
    /// Manage keypairs, in the store and in files
    #[command(subcommand)]
    Keys(keys::Commands),
    /// Look after granted tokens
    #[command(subcommand)]
    Tokens(tokens::Commands),
    /// Look after the store itself
    #[command(subcommand)]
    Store(store::Commands),
    /// Show the journal: what was done, when, by whom, with what outcome
    History(history::Args),
    /// Print the JSON Schema of the fleet file
    Schema,
    /// Print a completion script for a shell
    Completions(completions::Args),
    /// Write the manual pages
    Man(man::Args),
}

/// The whole command line.
pub fn command() -> Command {
    spread(Cli::command(), &selectors())
}

/// Reads the command line.
///
/// # Errors
///
/// What clap has to say, `--help` and `--version` included.
pub fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Cli, clap::Error> {
    let mut command = command().mut_args(without_empty_variable);
    let matches = command.try_get_matches_from_mut(words)?;
    let mut cli = Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut command))?;
    cli.globals.output_is_typed = matches.value_source("output") == Some(ValueSource::CommandLine);
    select(&matches, &mut cli.globals.selection);
    Ok(cli)
}

/// What `--color` says, even where the rest of the command line is wrong.
pub(crate) fn color_of(words: impl IntoIterator<Item = OsString>) -> Color {
    let mut words = words.into_iter().take_while(|word| word != "--");
    let mut color = None;
    while let Some(word) = words.next() {
        let word = word.to_string_lossy();
        let value = match word.strip_prefix("--color") {
            Some("") => words.next().map(|word| word.to_string_lossy().into_owned()),
            Some(value) => value.strip_prefix('=').map(str::to_owned),
            None => None,
        };
        color = value
            .and_then(|value| Color::from_str(&value, false).ok())
            .or(color);
    }
    color.unwrap_or_default()
}

/// The repeatable global flags. They are not clap's `global`, which keeps only the deepest level's values where a
/// flag stands both before and after the command.
fn selectors() -> [Arg; 2] {
    let selector = |id: &'static str, short, value: &'static str, help: &'static str| {
        Arg::new(id)
            .short(short)
            .long(id)
            .value_name(value)
            .help(help)
            .action(ArgAction::Append)
            .help_heading("Global options")
    };
    [
        selector(
            "server",
            's',
            "SEL",
            "Only this server: a name, or `label:NAME` (can be repeated)",
        ),
        selector(
            "consumer",
            'c',
            "NAME",
            "Only this consumer (can be repeated)",
        ),
    ]
}

/// Adds the arguments to the command and to all below it.
fn spread(command: Command, args: &[Arg]) -> Command {
    command.args(args).mut_subcommands(|sub| spread(sub, args))
}

/// An empty environment variable counts as one that is not set.
fn without_empty_variable(arg: Arg) -> Arg {
    let empty = arg
        .get_env()
        .and_then(|name| environment::variable(name.to_str()?))
        .is_some_and(|value| value.is_empty());
    if empty {
        arg.env(Resettable::Reset)
    } else {
        arg
    }
}

/// Collects the selectors of every level.
fn select(matches: &ArgMatches, selection: &mut Selection) {
    let values = |id| {
        matches
            .get_many::<String>(id)
            .into_iter()
            .flatten()
            .cloned()
    };
    selection.servers.extend(values("server"));
    selection.consumers.extend(values("consumer"));
    if let Some((_, below)) = matches.subcommand() {
        select(below, selection);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_words(line: &str) -> Cli {
        parse(line.split(' ').map(OsString::from)).unwrap()
    }

    #[test]
    fn the_definition_is_consistent() {
        command().debug_assert();
    }

    #[test]
    fn selectors_add_up_wherever_they_stand() {
        let cli = parse_words("atl-admin -s a -c x keys -s b list --server=label:c --consumer y");
        assert_eq!(cli.globals.selection.servers, ["a", "b", "label:c"]);
        assert_eq!(cli.globals.selection.consumers, ["x", "y"]);
    }

    #[test]
    fn global_flags_stand_before_or_after() {
        for line in [
            "atl-admin -o json -f other.yaml --timeout 5s history",
            "atl-admin history -o json -f other.yaml --timeout 5s",
        ] {
            let globals = parse_words(line).globals;
            assert_eq!(globals.output, Format::Json, "{line}");
            assert!(globals.output_is_typed, "{line}");
            assert_eq!(globals.fleet, PathBuf::from("other.yaml"), "{line}");
            assert_eq!(globals.timeout, Duration::from_secs(5), "{line}");
        }
    }

    #[test]
    fn colour_is_known_even_when_the_rest_is_wrong() {
        let check = |line: &str, expected| {
            assert_eq!(
                color_of(line.split(' ').map(OsString::from)),
                expected,
                "{line}"
            );
        };
        check("atl-admin --color never nonsense", Color::Never);
        check(
            "atl-admin keys --color=always list --nonsense",
            Color::Always,
        );
        check("atl-admin list --nonsense --color never", Color::Never);
        check("atl-admin nonsense --color", Color::Auto);
        check("atl-admin nonsense -- --color never", Color::Auto);
    }
}

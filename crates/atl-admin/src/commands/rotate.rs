//! `rotate`

mod exec;

use std::{path::PathBuf, time::Duration};

use atl_fleet::{
    Exec, HandOver, Needs, NewNames, Passwords, Ready, Rotate, RotationReport, RunOptions,
    Strategy, age::IfOlderThan, look_at_rotations, of_rotations, of_rotations_seen, retirements,
    settle_rotations,
};
use atl_store::Store;

use crate::{
    context::{Context, run_info},
    environment,
    error::{Error, Result},
    exit::Exit,
    flags, interrupt,
    output::rotations::{show, tell_settled},
    progress::Progress,
    term,
};

/// The arguments.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "A new public key is registered under the same consumer key, so that grants stay. Before that, the new keypair \
                  is in the store and the server is asked which key it holds; afterwards the server must accept three calls \
                  in a row and one call with every stored grant, or the old key is put back. One server goes first; at the \
                  first failure no further server is begun. Whatever signs with the old key is refused from then on until it \
                  has the new one: `--exec` hands it over.\n\n\
                  The command of `--exec` is run by the shell, once for each consumer and server, after the new key is \
                  proven. It finds `ATL_ADMIN_SERVER`, `ATL_ADMIN_CONSUMER`, `ATL_ADMIN_FINGERPRINT` and \
                  `ATL_ADMIN_PRIVATE_KEY_FILE` in its environment; the file is gone when it has ended. Where it fails or takes \
                  too long, the old key is put back.\n\nExamples:\n  atl-admin rotate --dry-run\n  \
                  atl-admin rotate -c deploy-bot --canary jira-test\n  \
                  atl-admin rotate --exec 'install -m 600 \"$ATL_ADMIN_PRIVATE_KEY_FILE\" /etc/bot/key.pem'\n  \
                  atl-admin rotate --resume\n  \
                  atl-admin rotate -c deploy-bot --strategy overlap\n  atl-admin rotate -c deploy-bot --retire"
)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of its own on the command line"
)]
pub struct Args {
    /// How a consumer gets its new keypair: under the same consumer key, or under a second one, both live until `--retire`
    #[arg(long, value_enum, default_value_t, value_name = "STRATEGY")]
    pub strategy: How,
    /// The second consumer key (default: the first and `-2`)
    #[arg(long, value_name = "NAME", value_parser = flags::new_consumer_key)]
    pub new_key: Option<String>,
    /// The application URL of the second link (default: that of the first and `/` and the second consumer key)
    #[arg(long, value_name = "URL", value_parser = flags::application_url)]
    pub new_url: Option<String>,
    /// Delete the links of first consumer keys all of whose grants have a working successor
    #[arg(long, conflicts_with_all = ["per_server", "canary", "keep_going", "resume", "exec", "new_key", "new_url"])]
    pub retire: bool,
    /// A keypair for each server instead of one for all servers of a consumer
    #[arg(long)]
    pub per_server: bool,
    /// Leave keys alone that are not so old: an age such as `90d`, or `policy` for `max_key_age` of each consumer
    #[arg(long, value_name = "AGE", value_parser = flags::if_older_than, conflicts_with = "resume")]
    pub if_older_than: Option<IfOlderThan>,
    /// The server that goes first (default: the first one)
    #[arg(long, value_name = "NAME")]
    pub canary: Option<String>,
    /// Go on with other servers after a failure
    #[arg(long)]
    pub keep_going: bool,
    /// Only say what would be done
    #[arg(long, conflicts_with = "resume")]
    pub dry_run: bool,
    /// How long to wait for all nodes of a server to accept a new key
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = flags::duration)]
    pub settle: Duration,
    /// Run this command when a new key is proven, so that whoever signs gets it
    #[arg(long, value_name = "CMD", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub exec: Option<String>,
    /// How long the command may take
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = flags::duration, requires = "exec")]
    pub exec_timeout: Duration,
    /// Finish what a killed run left unfinished, or put the old key back; begin nothing
    #[arg(long, conflicts_with_all = ["per_server", "canary", "keep_going", "force"])]
    pub resume: bool,
    /// Go on where many keys would change at once, a consumer key is shared by two links, or an executing user cannot be
    /// restored
    #[arg(long)]
    pub force: bool,
}

/// How a consumer gets its new keypair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum How {
    /// A new public key under the same consumer key
    #[default]
    InPlace,
    /// A second consumer key on a second link
    Overlap,
}

pub(crate) fn run(context: &Context, args: &Args) -> Result<Exit> {
    let overlaps = args.strategy == How::Overlap;
    refuse_mixed(context, args)?;
    let ready = context.ready(Needs {
        admin: true,
        grant_passwords: if overlaps && !args.dry_run {
            Passwords::All
        } else {
            Passwords::Nobody
        },
        at_hand: args.exec.is_some(),
        ..Needs::default()
    })?;
    if args.retire {
        return retire(context, args, &ready);
    }
    if args.dry_run {
        return dry_run(context, args, &ready);
    }
    let Some(store) = context.store_if_any("rotate")? else {
        return Err(no_store(context));
    };
    let secrets = exec::secrets(&ready);
    let command = |what: &HandOver<'_>| match &args.exec {
        Some(command) => exec::run(command, what, args.exec_timeout, &secrets),
        None => Ok(()),
    };
    let with = || -> Result<Option<Exec<'_>>> {
        args.exec
            .as_ref()
            .map(|_| {
                Ok(Exec {
                    folder: key_folder(context)?,
                    run: &command,
                })
            })
            .transpose()
    };
    let progress = Progress::new(context);
    let sink = |event: &atl_fleet::Event<'_>| progress.take(event);
    let options = RunOptions {
        settle: args.settle,
        ..progress.run(&sink)
    };
    let exec = with()?;
    let settled = settle_rotations(&ready, &store, exec.as_ref(), &run_info("rotate"), options)?;
    if args.resume {
        progress.finish();
        show(
            context,
            &settled,
            "Settled",
            "no rotation was left unfinished",
        )?;
        return Ok(ended(&progress, &settled));
    }
    tell_settled(&settled);
    let what = rotate(context, args, exec);
    rotate_now(context, &ready, &store, &what, &progress, options)
}

fn rotate_now(
    context: &Context,
    ready: &Ready,
    store: &Store,
    what: &Rotate<'_>,
    progress: &Progress<'_>,
    options: RunOptions<'_>,
) -> Result<Exit> {
    let rotations = look_at_rotations(ready, store, what, options)?;
    if rotations.ready() > 0 && !progress.interrupted() {
        progress.finish();
        for reason in rotations.confirmations() {
            term::note(&format!("will {reason}"));
        }
        if let Err(error) = context.terminal.confirm("Go on?") {
            rotations.sign_out();
            show(context, &rotations.report(), "Not begun", none(what))?;
            return Err(error);
        }
    }
    let report = rotations.carry_out(&run_info("rotate"), options)?;
    progress.finish();
    show(context, &report, "Done", none(what))?;
    Ok(ended(progress, &report))
}

fn ended(progress: &Progress<'_>, report: &RotationReport) -> Exit {
    if progress.interrupted() {
        interrupt::tell();
        return Exit::Interrupted;
    }
    of_rotations(report).into()
}

/// What would be done; the store is only looked at.
fn dry_run(context: &Context, args: &Args, ready: &Ready) -> Result<Exit> {
    let Some(store) = context.store_to_look_at()? else {
        return Err(no_store(context));
    };
    let progress = Progress::new(context);
    let sink = |event: &atl_fleet::Event<'_>| progress.take(event);
    let what = rotate(context, args, None);
    let rotations = look_at_rotations(ready, &store, &what, progress.run(&sink))?;
    rotations.sign_out();
    progress.finish();
    let report = rotations.report();
    show(context, &report, "Plan", none(&what))?;
    if progress.interrupted() {
        return Ok(Exit::Interrupted);
    }
    Ok(of_rotations_seen(&report).into())
}

/// Flags that would do nothing, or that make no sense together.
fn refuse_mixed(context: &Context, args: &Args) -> Result<()> {
    if args.strategy == How::Overlap {
        if args.exec.is_some() {
            return Err(Error::usage(
                "`--exec` is for `--strategy in-place`: with an overlap nobody has to have the new key at once",
            )
            .hint("hand the new key over with `atl-admin keys export ID --private --out FILE`"));
        }
    } else if args.new_key.is_some() || args.new_url.is_some() {
        return Err(
            Error::usage("`--new-key` and `--new-url` are for `--strategy overlap`")
                .hint("in place, consumer key and link stay as they are"),
        );
    }
    if (args.new_key.is_some() || args.new_url.is_some())
        && context.globals.selection.consumers.len() != 1
    {
        return Err(Error::usage(
            "`--new-key` and `--new-url` name one link, so they need exactly one `--consumer`",
        ));
    }
    Ok(())
}

/// Deletes the first links of overlaps.
fn retire(context: &Context, args: &Args, ready: &Ready) -> Result<Exit> {
    let store = if args.dry_run {
        context.store_to_look_at()?
    } else {
        context.store_if_any("rotate")?
    };
    let Some(store) = store else {
        return Err(no_store(context));
    };
    let due = retirements(ready, &store, args.force)?;
    if args.dry_run || due.report().rotations.is_empty() {
        show(context, &due.report(), "Plan", NONE_TO_RETIRE)?;
        return Ok(Exit::Done);
    }
    for reason in due.confirmations() {
        term::note(&format!("will {reason}"));
    }
    context.terminal.confirm("Go on?")?;
    let progress = Progress::new(context);
    let sink = |event: &atl_fleet::Event<'_>| progress.take(event);
    let options = RunOptions {
        settle: args.settle,
        ..progress.run(&sink)
    };
    let report = due.carry_out(&run_info("rotate"), options)?;
    progress.finish();
    show(context, &report, "Done", NONE_TO_RETIRE)?;
    Ok(ended(&progress, &report))
}

const NONE_TO_RETIRE: &str = "no consumer on these servers has a second consumer key";

/// Why there was nothing to rotate.
fn none(what: &Rotate<'_>) -> &'static str {
    if what.if_older_than.is_some() {
        "there is no keypair on these servers that this tool made and that is so old"
    } else {
        "there is no consumer on these servers whose keypair this tool makes"
    }
}

fn rotate<'a>(context: &Context, args: &Args, exec: Option<Exec<'a>>) -> Rotate<'a> {
    let path = &context.globals.fleet;
    Rotate {
        strategy: match args.strategy {
            How::InPlace => Strategy::InPlace,
            How::Overlap => Strategy::Overlap,
        },
        names: NewNames {
            key: args.new_key.clone(),
            url: args.new_url.clone(),
        },
        fleet_file: (
            path.display().to_string(),
            fs_err::read_to_string(path).unwrap_or_default(),
        ),
        named: context.globals.selection.consumers.clone(),
        per_server: args.per_server,
        if_older_than: args.if_older_than,
        canary: args.canary.clone(),
        keep_going: args.keep_going,
        force: args.force,
        exec,
    }
}

fn no_store(context: &Context) -> Error {
    let store = match context.store_url() {
        Ok(url) => format!("there is no store `{url}`"),
        Err(error) => return error,
    };
    Error::failed(format!("{store}, and so no key that could be rotated")).hint(
        "name the store that has the keys with `--store`; `atl-admin apply` makes the first ones",
    )
}

/// Where the key file for the command is made: the folder for files of this session, else that of the store.
fn key_folder(context: &Context) -> Result<PathBuf> {
    let session = environment::variable("XDG_RUNTIME_DIR")
        .map(PathBuf::from)
        .filter(|folder| folder.is_absolute() && folder.is_dir());
    match session {
        Some(folder) => Ok(folder),
        None => context.private_folder(),
    }
}

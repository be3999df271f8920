//! `audit`

mod baseline;
pub(crate) mod history;
mod remove;
mod reports;

use std::path::PathBuf;

use atl_fleet::{
    Needs, Ready,
    audit::{Audit, Findings, IgnoreList, look},
    of_looking,
};
use atl_tokens::{Severity, rules::Rule};
use jiff::{Timestamp, tz::TimeZone};

use super::tokens::{filters::Filters, reach::Reach};
use crate::{
    context::{Context, run_info},
    error::{Error, Result},
    exit::Exit,
    interrupt,
    output::audit::show,
    progress::Progress,
    report::Report,
    term,
};
use baseline::Target;
use history::Since;
use reports::{ReportFiles, ReportFlags};

const COMMAND: &str = "audit";

/// The arguments.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Changes nothing on any server, unless `--with-auditor` or `--remove-auditor` is given. Each whole audit is kept \
                  in the store, where `--since` finds it. Reads application links, \
                  their consumers and settings, and the grants of all sources as `tokens list` does; the rules are in \
                  docs/rules. What could not be seen is in the coverage, and is never taken for clean. Filters narrow the \
                  grants that are listed and judged; links, keys and settings are judged all the same. `--consumer` narrows \
                  everything.\n\n\
                  The table shows findings, `-v` with advice; `csv` prints findings; `json`, `yaml` and `ndjson` have the \
                  grants too. `--html`, `--sarif` and `--junit` write files beside that, for their owner only; one of an earlier \
                  audit is replaced, any other file is not.\n\n\
                  Exit codes: 4 where every server refused, 3 where something that was asked for could not be looked at, \
                  10 where `--fail-on` is given and there are new findings of that severity or a higher one, else 0.\n\n\
                  Examples:\n  atl-admin audit\n  atl-admin audit --fail-on medium --baseline known.json --ignore accepted.yaml\n  \
                  atl-admin audit --write-baseline known.json\n  atl-admin audit --with-auditor -o json\n  \
                  atl-admin audit --html audit.html --sarif audit.sarif\n  \
                  atl-admin audit --remove-auditor"
)]
pub struct Args {
    /// Which grants.
    #[command(flatten)]
    pub filters: Filters,
    /// Where they are looked for.
    #[command(flatten)]
    pub reach: Reach,
    /// Exit with 10 where there are new findings of this severity or a higher one
    #[arg(long, value_name = "SEVERITY", value_enum)]
    pub fail_on: Option<Level>,
    /// The findings in this file are known, and not new
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,
    /// Write the findings of this audit to a file for `--baseline`; a file that is something else is not overwritten
    #[arg(long, value_name = "FILE")]
    pub write_baseline: Option<PathBuf>,
    /// Say what is new, gone and changed since the `last` audit in the store, or since the one of a DATE
    #[arg(long, value_name = "last|DATE", value_parser = history::since)]
    pub since: Option<Since>,
    /// The findings in this YAML file were accepted: a list of `rule`, `reason`, and perhaps `server`, `subject`, `until`
    #[arg(long, value_name = "FILE")]
    pub ignore: Option<PathBuf>,
    /// What is written beside what is printed.
    #[command(flatten)]
    pub reports: ReportFlags,
    /// Only remove auditor consumers that earlier runs left behind on the selected servers
    #[arg(long, conflicts_with_all = ["with_auditor", "fail_on", "baseline", "write_baseline", "ignore", "by", "since", "html", "sarif", "junit"])]
    pub remove_auditor: bool,
}

/// A severity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Level {
    /// Worth knowing
    Low,
    /// To be mended
    Medium,
    /// To be mended now
    High,
}

impl Level {
    fn severity(self) -> Severity {
        match self {
            Self::Low => Severity::Low,
            Self::Medium => Severity::Medium,
            Self::High => Severity::High,
        }
    }
}

pub(crate) fn run(context: &Context, args: &Args) -> Result<Exit> {
    if args.remove_auditor {
        return remove::run(context);
    }
    let mut findings = held_against(args)?;
    let target = args
        .write_baseline
        .as_deref()
        .map(Target::new)
        .transpose()?;
    let files = ReportFiles::new(&args.reports)?;
    let filter = args.filters.filter();
    let ask = args.reach.ask(context, &filter.users)?;
    let ready = context.ready(Needs {
        admin: true,
        ..ask.needs()
    })?;
    // Part of an audit is no audit to compare others with.
    let whole = !args.filters.select() && !ask.only_consumers;
    if !whole && args.since.is_some() {
        return Err(
            Error::usage("`--since` compares whole audits, and filters leave a part out")
                .hint("leave the filters and `--consumer` out; `--server` is no filter"),
        );
    }
    let store = context.store(COMMAND)?;
    let progress = Progress::new(context);
    let sink = |event: &atl_fleet::Event<'_>| progress.take(event);
    let info = run_info(COMMAND);
    let audit = look(
        &ready,
        Some(&store),
        &ask,
        &filter,
        &info,
        progress.run(&sink),
    )?;
    progress.finish();
    audit.judge(&mut findings)?;
    // What was interrupted says of nothing that it is gone.
    let difference = match args.since.filter(|_| !progress.interrupted()) {
        Some(since) => history::difference(&store, since, &audit, &findings)?,
        None => None,
    };
    show(
        context,
        &audit,
        &findings,
        args.filters.by,
        difference.as_ref(),
    )?;
    warn(&audit, &findings, args);
    if progress.interrupted() {
        interrupt::tell();
        return Ok(Exit::Interrupted);
    }
    if whole {
        audit.keep(&store, &findings)?;
    }
    if let Some(target) = target {
        target.write(&findings)?;
    }
    files.write(&Report {
        made: audit.made(),
        fleet: &context.globals.fleet,
        servers: &names(&ready),
        coverage: audit.coverage(),
        rules: &Rule::ALL,
        findings: &reports::New(&findings),
        accepted: &reports::Accepted(&findings),
        grants: &reports::Grants(audit.inventory()),
        has_baseline: args.baseline.is_some(),
        difference: difference.as_ref(),
    })?;
    let from = args.fail_on.map(Level::severity);
    let found = from.is_some_and(|severity| findings.counts().new_from(severity) > 0);
    Ok(of_looking(audit.statuses(), found).into())
}

/// The names of the servers.
fn names(ready: &Ready) -> Vec<String> {
    let servers = ready.servers.iter();
    servers.map(|server| server.config.name.clone()).collect()
}

/// No findings yet, and what they are held against.
fn held_against(args: &Args) -> Result<Findings> {
    let baseline = args.baseline.as_deref().map(baseline::read).transpose()?;
    let ignore = args.ignore.as_deref().map(IgnoreList::read).transpose()?;
    let today = TimeZone::UTC.to_datetime(Timestamp::now()).date();
    let ignoring = ignore.map(|list| list.on(today));
    Ok(Findings::new(baseline.unwrap_or_default(), ignoring)?)
}

/// Warns of entries of the list of accepted findings that are good for nothing. Where grants were filtered, or something
/// could not be seen, an entry may be for what was left out.
fn warn(audit: &Audit, findings: &Findings, args: &Args) {
    let Some(ignoring) = findings.ignoring() else {
        return;
    };
    ignoring.over().iter().for_each(|text| term::warn(text));
    if !args.filters.select() {
        let unused = ignoring.unused(|server| audit.is_whole(server));
        for text in &unused {
            term::warn(text);
        }
    }
}

//! `scrub`

use atl_fleet::{
    Needs, Status, Trouble, of_scrub,
    scrub::{Repoint, Scrub, ScrubAction, ScrubOptions, ScrubReport, Scrubbing, look_at_copy},
};
use serde_json::{Value, json};

use crate::{
    context::{Context, run_info},
    error::{Error, Result, tell},
    exit::Exit,
    flags::{Format, application_url},
    interrupt,
    output::{Column, counted, table},
    progress::Progress,
    term,
};

const COMMAND: &str = "scrub";

const COLUMNS: [Column; 14] = [
    Column::new("link_id", ""),
    Column::new("name", "NAME"),
    Column::new("url", "APPLICATION URL"),
    Column::new("type", "TYPE"),
    Column::new("consumer_key", "CONSUMER KEY"),
    Column::new("consumer_name", ""),
    Column::new("two_legged", "2LO"),
    Column::new("outgoing", "OUTGOING"),
    Column::new("managed_as", "MANAGED AS"),
    Column::new("grants_known", ""),
    Column::new("action", "ACTION"),
    Column::new("to", "TO"),
    Column::new("result", "RESULT"),
    Column::new("note", "NOTE"),
];

const NOT_REACHED: [Column; 2] = [
    Column::new("what", "NOT REACHED"),
    Column::new("advice", "WHAT TO DO"),
];

/// The arguments.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "For a copy of a production server, which the fleet file names beside the original. Every link goes, with its \
                  consumer and every grant, unless a flag says otherwise. Refused at the address of another server of \
                  the fleet file. A copy has the host id of its original, so its name must be typed, or given with \
                  `--confirm`; `--yes` is not enough.\n\nExamples:\n  atl-admin scrub -s staging-jira --dry-run\n  \
                  atl-admin scrub -s staging-jira --keep-named\n  \
                  atl-admin scrub -s staging-jira --repoint https://ci.example.com=https://ci.test.example.com \
                  --confirm staging-jira"
)]
pub struct Args {
    /// Only list what came along and what would become of it
    #[arg(long)]
    pub dry_run: bool,
    /// Keep the links that the fleet file names for this server; their grants end all the same
    #[arg(long)]
    pub keep_named: bool,
    /// Re-point generic links whose URL is at or below FROM (can be repeated); their grants end all the same
    #[arg(long, value_name = "FROM=TO", value_parser = repoint)]
    pub repoint: Vec<Repoint>,
    /// The name of the server, instead of typing it
    #[arg(long, value_name = "NAME")]
    pub confirm: Option<String>,
}

/// Reads `FROM=TO`, two absolute http or https URLs.
fn repoint(text: &str) -> std::result::Result<Repoint, String> {
    let (from, to) = text
        .split_once('=')
        .ok_or("write `FROM=TO`, two absolute http or https URLs")?;
    let (from, to) = (application_url(from)?, application_url(to)?);
    if from.trim_end_matches('/') == to.trim_end_matches('/') {
        return Err("both URLs are the same".to_owned());
    }
    Ok(Repoint { from, to })
}

pub(crate) fn run(context: &Context, args: &Args) -> Result<Exit> {
    let selection = &context.globals.selection;
    if selection.servers.is_empty() {
        return Err(Error::usage("nothing says which server is the copy")
            .hint("name it with `--server NAME`"));
    }
    if !selection.consumers.is_empty() {
        return Err(
            Error::usage("a copy is scrubbed whole, so `--consumer` has no place here")
                .hint("use `--keep-named` to keep what the fleet file names"),
        );
    }
    let ready = context.ready(Needs {
        admin: true,
        ..Needs::default()
    })?;
    let fleet = context.all_servers()?;
    let [server] = ready.servers.as_slice() else {
        return Err(super::links::not_one_server(ready.servers.len()));
    };
    let name = server.config.name.as_str();
    if let Some(other) = args.confirm.as_ref().filter(|typed| *typed != name) {
        return Err(Error::usage(format!(
            "`--confirm {other}` is not the name of the selected server, `{name}`"
        )));
    }
    let options = ScrubOptions {
        keep_named: args.keep_named,
        repoint: args.repoint.clone(),
    };
    let store = context.store_to_look_at()?;
    let progress = Progress::new(context);
    let sink = |event: &atl_fleet::Event<'_>| progress.take(event);
    let looked = look_at_copy(
        &ready,
        &fleet,
        store.as_ref(),
        &options,
        progress.run(&sink),
    )?;
    drop(store);
    let Some(scrub) = looked else {
        return Err(super::links::not_one_server(0));
    };
    for warning in &scrub.report().warnings {
        term::warn(warning);
    }
    if args.dry_run || scrub.report().status != Status::Ok {
        progress.finish();
        let report = scrub.only_looked();
        show(context, &report, true)?;
        if args.dry_run && report.status == Status::Ok {
            term::note("nothing was changed: this was a dry run");
        }
        return Ok(of_scrub(&report).into());
    }
    if scrub.has_work() && !progress.interrupted() {
        progress.finish();
        tell_intent(scrub.report());
        if let Err(error) = agree(context, args, &scrub, name) {
            show(context, &scrub.give_up(), true)?;
            return Err(error);
        }
    }
    let store = context.store(COMMAND)?;
    let report = scrub.carry_out(&store, &run_info(COMMAND), progress.run(&sink))?;
    progress.finish();
    show(context, &report, false)?;
    if progress.interrupted() {
        interrupt::tell();
        return Ok(Exit::Interrupted);
    }
    Ok(of_scrub(&report).into())
}

/// The name where it must be typed, else a yes.
fn agree(context: &Context, args: &Args, scrub: &Scrub<'_>, name: &str) -> Result<()> {
    if args.confirm.is_some() {
        return Ok(());
    }
    match scrub.name_needed() {
        Some(why) => context.terminal.type_name(why, name),
        None => context.terminal.confirm(&format!("Scrub `{name}`?")),
    }
}

/// Says before the question what is about to happen.
fn tell_intent(report: &ScrubReport) {
    for link in &report.links {
        let to = link.to.as_deref().unwrap_or_default();
        let what = match link.action {
            ScrubAction::Remove => "will remove".to_owned(),
            ScrubAction::Keep => "will keep, without its grants,".to_owned(),
            ScrubAction::Repoint => format!("will re-point to {to}, without its grants,"),
            ScrubAction::None => continue,
        };
        let consumer = link
            .consumer_key
            .as_ref()
            .map_or_else(String::new, |key| format!(" with the consumer key `{key}`"));
        let at = link.url.as_deref().unwrap_or("no URL");
        let server = &report.server;
        term::note(&format!(
            "{what} the link `{}` ({at}) on `{server}`{consumer}",
            link.name
        ));
    }
}

/// Shows the report; `unsaid` where no event has told of its links.
fn show(context: &Context, report: &ScrubReport, unsaid: bool) -> Result<()> {
    let output = &context.output;
    match output.format() {
        Format::Json | Format::Yaml => return output.document(report),
        Format::Ndjson => {
            if unsaid {
                for link in &report.links {
                    output.event("scrubbed", link)?;
                }
            }
            for warning in &report.warnings {
                output.event(
                    "warning",
                    &json!({ "server": report.server, "message": warning }),
                )?;
            }
            for left in &report.not_reached {
                output.event("not_reached", left)?;
            }
            output.event(
                "server",
                &json!({ "server": report.server, "status": report.status, "error": report.error }),
            )?;
        }
        Format::Table | Format::Csv => {
            output.listing("links", "link", &COLUMNS, &report.links)?;
            tell_troubles(report);
        }
    }
    if output.format() == Format::Table && report.status == Status::Ok {
        let rows: Vec<Value> = report.not_reached.iter().map(|left| json!(left)).collect();
        output.text(&format!("\n{}", table(&NOT_REACHED, &rows, output.width())))?;
        let done = report
            .links
            .iter()
            .filter(|link| link.result == Some(Scrubbing::Done))
            .count();
        if done > 0 {
            term::note(&format!(
                "scrubbed {} on `{}`",
                counted(done, "link"),
                report.server
            ));
        } else if report.links.is_empty() {
            term::note(&format!("`{}` has no application links", report.server));
        }
    }
    Ok(())
}

fn tell_troubles(report: &ScrubReport) {
    let of_links: Vec<&Trouble> = report
        .links
        .iter()
        .filter_map(|link| link.error.as_ref())
        .collect();
    if of_links.is_empty() {
        report
            .error
            .iter()
            .for_each(|trouble| tell(&report.server, trouble));
    }
    for trouble in of_links {
        tell(&report.server, trouble);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn from_and_to() {
        let read = repoint("https://a.example.com=https://b.example.com/x").unwrap();
        assert_eq!(
            (read.from.as_str(), read.to.as_str()),
            ("https://a.example.com", "https://b.example.com/x")
        );
        for bad in [
            "",
            "https://a",
            "a=b",
            "https://a=ftp://b",
            "https://a=https://a/",
        ] {
            assert!(repoint(bad).is_err(), "{bad}");
        }
    }
}

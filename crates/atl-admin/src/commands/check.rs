//! `check`

use atl_fleet::{
    Needs, Ready,
    auditor::elsewhere,
    check::{Check, CheckStatus, check},
};
use atl_store::Store;
use serde_json::json;

use crate::{
    cli::Selection,
    context::Context,
    error::Result,
    exit::Exit,
    flags::Format,
    output::{Column, counted, printable},
    progress::Progress,
    term,
};

const COLUMNS: [Column; 6] = [
    Column::new("server", "SERVER"),
    Column::new("check", "CHECK"),
    Column::new("status", "STATUS"),
    Column::new("consumer", "CONSUMER"),
    Column::new("message", "MESSAGE"),
    Column::new("advice", ""),
];

/// The arguments.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Changes nothing anywhere. Checks: reach, tls, product, credentials, admin, sysadmin, basic, captcha, \
                  websudo, clock, base_url, key, link, consumer, grant, auditor.\n\n\
                  Every consumer's key signs a call that leaves no trace. Where the server refuses it, `clock` and `base_url` say \
                  what to set, and `key` names the fingerprint here and the fingerprint there. `consumer` says whom two-legged \
                  calls run as and, where grants are wanted, whether users may give them; `grant` asks about every grant in the \
                  store.\n\n\
                  Exit codes: 1 if any check fails, 3 if a server could not be asked, 4 if every failure is a refused \
                  sign-in, else 0. A warning never fails. The table leaves out what passed, unless `-v` asks for it.\n\nExamples:\n  atl-admin check\n  \
                  atl-admin check -s jira -o json"
)]
pub struct Args {}

pub(crate) fn run(context: &Context, _: &Args) -> Result<Exit> {
    let ready = context.ready(Needs {
        admin: true,
        ..Needs::default()
    })?;
    let store = context.store_to_look_at()?;
    let progress = Progress::new(context);
    let report = check(
        &ready,
        store.as_ref(),
        progress.run(&|event| progress.take(event)),
    )?;
    progress.finish();
    let everything = context.globals.selection == Selection::default();
    if let Some(store) = store.as_ref().filter(|_| everything) {
        tell_of_auditors_elsewhere(&ready, store)?;
    }
    let interrupted = progress.interrupted();
    let output = &context.output;
    let rows: Vec<_> = report
        .servers
        .iter()
        .flat_map(|server| server.checks.iter().map(move |check| (server, check)))
        .map(|(server, check)| {
            let mut row = json!(check);
            row["server"] = json!(server.server);
            row
        })
        .collect();
    match output.format() {
        Format::Json | Format::Yaml => output.document(&report)?,
        // Printed while the run went on.
        Format::Ndjson => {}
        Format::Csv => output.listing("checks", "check", &COLUMNS, &rows)?,
        Format::Table => {
            let all = context.globals.verbose > 0;
            let quiet = [json!(CheckStatus::Pass), json!(CheckStatus::Skip)];
            let shown: Vec<_> = rows
                .into_iter()
                .filter(|row| all || !quiet.contains(&row["status"]))
                .collect();
            output.listing("checks", "check", &COLUMNS, &shown)?;
            let checks = || report.servers.iter().flat_map(|server| &server.checks);
            advice(context, checks())?;
            let count = |status| checks().filter(|check| check.status == status).count();
            output.text(&format!(
                "{}: {} passed, {}, {} failed, {} not looked at\n",
                counted(report.servers.len(), "server"),
                count(CheckStatus::Pass),
                counted(count(CheckStatus::Warn), "warning"),
                count(CheckStatus::Fail),
                count(CheckStatus::Skip)
            ))?;
        }
    }
    if interrupted {
        return Ok(Exit::Interrupted);
    }
    Ok(report.exit().into())
}

/// Auditor consumers on servers that have left the fleet file would be told of by nothing else.
fn tell_of_auditors_elsewhere(ready: &Ready, store: &Store) -> Result<()> {
    for (url, left) in elsewhere(ready, store)? {
        term::warn(&format!(
            "the auditor consumer `{}` may still be on {url}, which is not in the fleet file any more, and may act as any \
             user there\nhint: put `{}` back into the fleet file and run `atl-admin audit --remove-auditor -s {}`, or delete \
             the link to {} in the server's administration pages",
            left.consumer_key, left.server, left.server, left.application_url
        ));
    }
    Ok(())
}

/// Each advice once, below the table.
fn advice<'c>(context: &Context, checks: impl Iterator<Item = &'c Check>) -> Result<()> {
    let mut told = Vec::new();
    for advice in checks.filter_map(|check| check.advice.as_deref()) {
        if !told.contains(&advice) {
            told.push(advice);
            context
                .output
                .text(&format!("hint: {}\n", printable(advice)))?;
        }
    }
    Ok(())
}

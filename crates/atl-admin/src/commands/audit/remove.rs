//! `audit --remove-auditor`

use atl_fleet::{
    Needs, Status,
    auditor::{EndedAuditor, LeftAuditor, ServerAuditors, find, remove},
    of_changing,
};

use super::COMMAND;
use crate::{
    context::{Context, run_info},
    error::{Result, tell},
    exit::Exit,
    flags::Format,
    interrupt,
    output::{Column, counted},
    progress::Progress,
    term,
};

const COLUMNS: [Column; 6] = [
    Column::new("server", "SERVER"),
    Column::new("consumer_key", "CONSUMER KEY"),
    Column::new("link_id", "LINK"),
    Column::new("state", "STATE"),
    Column::new("application_url", ""),
    Column::new("error", ""),
];

pub(super) fn run(context: &Context) -> Result<Exit> {
    let ready = context.ready(Needs {
        admin: true,
        ..Needs::default()
    })?;
    let store = context.store(COMMAND)?;
    let progress = Progress::new(context);
    let sink = |event: &atl_fleet::Event<'_>| progress.take(event);
    let run = progress.run(&sink);
    let servers = find(&ready, Some(&store), run)?;
    progress.finish();
    // A server that could not be looked at is not asked again: it may have refused the password.
    let found: Vec<LeftAuditor> = servers
        .iter()
        .filter(|server| server.error.is_none())
        .flat_map(|server| server.left.iter().cloned())
        .collect();
    confirm(context, &found)?;
    let ended = remove(&ready, &store, &found, &run_info(COMMAND), run)?;
    show(context, &ended)?;
    for server in &servers {
        if let Some(trouble) = &server.error {
            tell(&server.server, trouble);
        }
    }
    if progress.interrupted() {
        interrupt::tell();
        return Ok(Exit::Interrupted);
    }
    Ok(of_changing(servers.iter().map(|server| status(server, &ended))).into())
}

/// What the journal of this store does not have may be in use on another machine at this moment.
fn confirm(context: &Context, found: &[LeftAuditor]) -> Result<()> {
    let foreign: Vec<_> = found.iter().filter(|left| left.begun.is_none()).collect();
    if foreign.is_empty() {
        return Ok(());
    }
    for left in &foreign {
        term::note(&format!(
            "{}: another store or machine set the auditor consumer `{}` up",
            left.server, left.consumer_key
        ));
    }
    let question = format!(
        "Remove {} that another run may be using now?",
        counted(foreign.len(), "auditor consumer")
    );
    context.terminal.confirm(&question)
}

fn show(context: &Context, ended: &[EndedAuditor]) -> Result<()> {
    let output = &context.output;
    if ended.is_empty() {
        term::note("no auditor consumer was found");
    }
    // NDJSON was printed while the run went on.
    if output.format() != Format::Ndjson {
        output.listing("auditors", "auditor", &COLUMNS, ended)?;
    }
    Ok(())
}

/// What it came to on a server: one that could not be looked at may have what was not found.
fn status(server: &ServerAuditors, ended: &[EndedAuditor]) -> Status {
    let here = ended
        .iter()
        .filter(|ended| ended.auditor.server == server.server)
        .map(EndedAuditor::status);
    here.chain([server.status])
        .find(|status| *status != Status::Ok)
        .unwrap_or(Status::Ok)
}

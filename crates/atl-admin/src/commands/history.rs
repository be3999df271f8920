//! `history`

use atl_store::{JournalRow, Outcome};
use serde_json::{Value, json};

use crate::{context::Context, error::Result, exit::Exit, output::Column, term};

const COLUMNS: [Column; 15] = [
    Column::new("id", "ID"),
    Column::new("run", ""),
    Column::new("started", "STARTED"),
    Column::new("finished", ""),
    Column::new("command", "COMMAND"),
    Column::new("action", "ACTION"),
    Column::new("server", "SERVER"),
    Column::new("server_url", ""),
    Column::new("consumer", "CONSUMER"),
    Column::new("os_user", "USER"),
    Column::new("host", "HOST"),
    Column::new("account", "ACCOUNT"),
    Column::new("outcome", "OUTCOME"),
    Column::new("message", "MESSAGE"),
    Column::new("detail", ""),
];

/// The arguments.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Times are UTC. `open` is the outcome of a step that was begun and never ended: the next `apply`, \
                  or for grants `tokens verify`, asks the server what became of it."
)]
pub struct Args {
    /// Show at most this many steps, the newest
    #[arg(long, value_name = "N", default_value = "50", value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: u32,
}

pub(crate) fn run(context: &Context, args: &Args) -> Result<Exit> {
    let selection = &context.globals.selection;
    let servers = context.selected_servers()?;
    let selected = |row: &JournalRow| {
        let chosen = |names: &[String], name: Option<&String>| {
            names.is_empty() || name.is_some_and(|name| names.contains(name))
        };
        chosen(&servers, Some(&row.step.server))
            && chosen(&selection.consumers, row.step.consumer.as_ref())
    };
    let limit = args.limit as usize;
    let all = servers.is_empty() && selection.consumers.is_empty();
    let journal = match context.store_to_look_at()? {
        None => Vec::new(),
        Some(store) => store.journal(if all { limit } else { u32::MAX as usize })?,
    };
    let rows: Vec<_> = journal
        .iter()
        .filter(|row| selected(row))
        .take(limit)
        .map(shown)
        .collect();
    if rows.is_empty() {
        term::note("the journal has no such steps");
    }
    context.output.listing("journal", "step", &COLUMNS, &rows)?;
    Ok(Exit::Done)
}

/// A time without its fraction; the ids tell the order of steps within a second.
fn seconds(time: jiff::Timestamp) -> jiff::Timestamp {
    jiff::Timestamp::from_second(time.as_second()).unwrap_or(time)
}

/// A step as it is shown; the newest first.
fn shown(row: &JournalRow) -> Value {
    let (outcome, message) = match &row.outcome {
        None => ("open", None),
        Some(Outcome::Done) => ("done", None),
        Some(Outcome::Failed(message)) => ("failed", Some(message)),
        Some(Outcome::Unknown(message)) => ("unknown", Some(message)),
    };
    let step = &row.step;
    json!({
        "id": row.id,
        "run": step.run,
        "started": seconds(row.started),
        "finished": row.finished.map(seconds),
        "command": step.command,
        "action": step.action,
        "server": step.server,
        "server_url": step.server_url,
        "consumer": step.consumer,
        "os_user": step.os_user,
        "host": step.host,
        "account": step.account,
        "outcome": outcome,
        "message": message,
        "detail": step.detail,
    })
}

//! A plan, and what came of it, for people and for programs.

use atl_fleet::{Action, Applied, Change, Kind, Plan, ServerPlan, Status, Trouble};
use serde_json::{Value, json};

use super::{Column, Output, counted};
use crate::{
    context::Context,
    error::{Error, Result, tell},
    flags::Format,
    term,
};

const COLUMNS: [Column; 10] = [
    Column::new("server", "SERVER"),
    Column::new("sign", ""),
    Column::new("action", "ACTION"),
    Column::new("kind", "KIND"),
    Column::new("consumer", "CONSUMER"),
    Column::new("link_id", ""),
    Column::new("fields", "FIELDS"),
    Column::new("result", "RESULT"),
    Column::new("verified", "VERIFIED"),
    Column::new("error", ""),
];

/// Shows the plan in the format that was asked for; NDJSON was printed while the run went on.
pub(crate) fn show(context: &Context, plan: &Plan, title: &str) -> Result<()> {
    let output = &context.output;
    if plan.servers.iter().all(is_idle) {
        term::note(
            "no consumer of the fleet file belongs on these servers: name one under `consumers:`",
        );
    }
    match output.format() {
        Format::Ndjson => Ok(()),
        Format::Json | Format::Yaml => output.document(plan),
        Format::Csv => {
            output.listing("changes", "change", &COLUMNS, &rows(plan, |_| true))?;
            // A server that could not be looked at has no row.
            for server in &plan.servers {
                for trouble in errors(server) {
                    tell(&server.server, trouble);
                }
            }
            Ok(())
        }
        Format::Table => table(output, plan, title),
    }
}

/// Nothing was looked for on this server, and nothing is wrong with it.
fn is_idle(server: &ServerPlan) -> bool {
    server.changes.is_empty() && server.error.is_none()
}

fn table(output: &Output, plan: &Plan, title: &str) -> Result<()> {
    let shown = rows(plan, |change| change.is_change() || change.error.is_some());
    output.listing("changes", "change", &COLUMNS, &shown)?;
    for server in &plan.servers {
        for trouble in errors(server) {
            output.text(&Error::of_server(&server.server, trouble).render())?;
        }
    }
    let summary = &plan.summary;
    let servers = |status| {
        plan.servers
            .iter()
            .filter(|server| server.status == status)
            .count()
    };
    let troubled: Vec<String> = [
        (Status::Failed, "failed"),
        (Status::Unreachable, "not reached"),
        (Status::Refused, "refused"),
    ]
    .into_iter()
    .filter(|(status, _)| servers(*status) > 0)
    .map(|(status, word)| format!("{} {word}", servers(status)))
    .collect();
    let troubled = if troubled.is_empty() {
        String::new()
    } else {
        format!(" ({})", troubled.join(", "))
    };
    let to = if title == "Plan" {
        ["to create", "to update", "to delete"]
    } else {
        ["created", "updated", "deleted"]
    };
    output.text(&format!(
        "{title}: {} {}, {} {}, {} {}, {} unchanged, {} failed on {}{troubled}\n",
        summary.create,
        to[0],
        summary.update,
        to[1],
        summary.delete,
        to[2],
        summary.unchanged,
        summary.failed,
        counted(plan.servers.len(), "server"),
    ))
}

/// Every error of a server once.
fn errors(server: &ServerPlan) -> Vec<&Trouble> {
    let changes = server.changes.iter();
    let all = changes.filter_map(|change| change.error.as_ref());
    let mut told = Vec::new();
    for trouble in server.error.iter().chain(all) {
        if !told.contains(&trouble) {
            told.push(trouble);
        }
    }
    told
}

fn rows(plan: &Plan, wanted: impl Fn(&Change) -> bool) -> Vec<Value> {
    plan.servers
        .iter()
        .flat_map(|server| server.changes.iter().map(move |change| (server, change)))
        .filter(|(_, change)| wanted(change))
        .map(|(server, change)| row(server, change))
        .collect()
}

fn row(server: &ServerPlan, change: &Change) -> Value {
    let (sign, action) = match change.action {
        Action::Create => ("+", "create"),
        Action::Update => ("~", "update"),
        Action::Delete => ("-", "delete"),
        Action::None => (" ", "none"),
    };
    let kind = match change.kind {
        Kind::Link => "link",
        Kind::Consumer => "consumer",
        Kind::TwoLegged => "two_legged",
    };
    let result = change.result.map(|result| match result {
        Applied::Applied => "applied",
        Applied::Failed => "failed",
        Applied::Skipped => "skipped",
    });
    json!({
        "server": server.server,
        "sign": sign,
        "action": format!("{sign} {action}").trim_start().to_owned(),
        "kind": kind,
        "consumer": change.consumer,
        "link_id": change.link_id,
        "fields": fields(change),
        "result": result.or_else(|| change.error.as_ref().map(|_| "refused")),
        "verified": change.verified.map(|verified| if verified { "yes" } else { "no" }),
        "error": change.error.as_ref().map(|error| error.code.clone()),
    })
}

/// The fields that differ, and what ends with the change.
fn fields(change: &Change) -> String {
    let shown = |value: &Option<Value>| match value {
        None => "none".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    let mut parts: Vec<String> = change
        .fields
        .iter()
        .map(|field| {
            let after = if field.known_after_apply {
                "(known after apply)".to_owned()
            } else {
                shown(&field.after)
            };
            match &field.before {
                None => format!("{}={after}", field.path),
                Some(_) => format!("{}: {} -> {after}", field.path, shown(&field.before)),
            }
        })
        .collect();
    if change.kills_grants() {
        let least = if change.kills_grants_complete {
            ""
        } else {
            "at least "
        };
        parts.push(format!(
            "! ends {least}{} known grants",
            change.kills_grants
        ));
    }
    parts.join(", ")
}

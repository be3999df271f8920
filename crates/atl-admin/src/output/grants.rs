//! Grants, and what came of asking for or about them, for people and for programs.

use atl_fleet::{FailedGrant, GrantReport, Trouble};
use atl_tokens::GrantEntry;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    Column, counted,
    inventory::{By, Counts, consumer_of},
};
use crate::{
    context::Context,
    error::{Result, tell},
    flags::Format,
    term,
};

pub(crate) const COLUMNS: [Column; 14] = [
    Column::new("id", "ID"),
    Column::new("server", "SERVER"),
    Column::new("user", "USER"),
    Column::new("consumer", "CONSUMER"),
    Column::new("status", "STATUS"),
    Column::new("created", "CREATED"),
    Column::new("expires", "EXPIRES"),
    Column::new("note", "NOTE"),
    Column::new("kind", ""),
    Column::new("consumer_key", ""),
    Column::new("consumer_name", ""),
    Column::new("renewable_until", ""),
    Column::new("checked", ""),
    Column::new("source", ""),
];

/// The same for grants of any kind and source, as a table.
pub(crate) const INVENTORY_TABLE: [Column; 11] = [
    Column::new("id", "ID"),
    Column::new("kind", "KIND"),
    Column::new("server", "SERVER"),
    Column::new("user", "USER"),
    Column::new("consumer", "CONSUMER"),
    Column::new("status", "STATUS"),
    Column::new("created", "CREATED"),
    Column::new("last_used", "LAST USED"),
    Column::new("expires", "EXPIRES"),
    Column::new("sources", "SOURCES"),
    Column::new("note", "NOTE"),
];

/// The same as comma-separated values.
pub(crate) const INVENTORY: [Column; 24] = [
    Column::new("id", ""),
    Column::new("server", ""),
    Column::new("user", ""),
    Column::new("consumer", ""),
    Column::new("status", ""),
    Column::new("created", ""),
    Column::new("expires", ""),
    Column::new("note", ""),
    Column::new("kind", ""),
    Column::new("consumer_key", ""),
    Column::new("consumer_name", ""),
    Column::new("renewable_until", ""),
    Column::new("checked", ""),
    Column::new("source", ""),
    Column::new("sources", ""),
    Column::new("last_used", ""),
    Column::new("user_status", ""),
    Column::new("consumer_registered", ""),
    Column::new("name", ""),
    Column::new("scopes", ""),
    Column::new("created_approximate", ""),
    Column::new("created_shown", ""),
    Column::new("endless", ""),
    Column::new("handle", ""),
];

/// A grant as a table shows it: days without hours, and where the fleet file does not name its consumer, another word for
/// that.
pub(crate) fn shown(grant: &GrantEntry) -> Value {
    let mut row = serde_json::to_value(grant).unwrap_or_default();
    row["consumer"] = consumer_of(grant).into();
    let day = |time: Option<Timestamp>| time.map(|time| time.strftime("%Y-%m-%d").to_string());
    row["created"] = day(grant.created)
        .or_else(|| grant.created_shown.clone())
        .into();
    row["last_used"] = day(grant.last_used).into();
    row["expires"] = day(grant.expires).into();
    row
}

/// What is said where there is nothing to show.
pub(crate) const NO_GRANTS: &str = "the store has no such grants";

/// Shows what became of grants in the format that was asked for, or counts them; NDJSON was printed while the run went on.
pub(crate) fn show(context: &Context, report: &GrantReport, by: Option<By>) -> Result<()> {
    let output = &context.output;
    if report.grants.is_empty() && report.failed.is_empty() {
        term::note(NO_GRANTS);
    }
    if let Some(by) = by {
        Counts::of(by, &report.grants).print(context, &[("failed", json!(report.failed))])?;
        if matches!(output.format(), Format::Table | Format::Csv) {
            tell_failed(report);
        }
        return Ok(());
    }
    match output.format() {
        Format::Ndjson => Ok(()),
        Format::Json | Format::Yaml => output.document(report),
        Format::Csv => {
            output.listing("grants", "grant", &COLUMNS, &report.grants)?;
            tell_failed(report);
            Ok(())
        }
        Format::Table => {
            output.listing("grants", "grant", &COLUMNS, &report.grants)?;
            output.text(&format!("{}\n", summary(&report.grants)))?;
            tell_failed(report);
            Ok(())
        }
    }
}

/// How many there are of each status.
pub(crate) fn summary(grants: &[GrantEntry]) -> String {
    let mut statuses: Vec<_> = grants.iter().map(|grant| grant.status.as_str()).collect();
    statuses.sort_unstable();
    let counts: Vec<_> = statuses
        .chunk_by(|one, next| one == next)
        .map(|same| format!("{} {}", same.len(), same[0]))
        .collect();
    let colon = if counts.is_empty() { "" } else { ": " };
    format!(
        "{}{colon}{}",
        counted(grants.len(), "grant"),
        counts.join(", ")
    )
}

/// Says each thing that went wrong on a server once; where there is no grant to show, with whose it was to be.
fn tell_failed(report: &GrantReport) {
    let mut told = Vec::new();
    for failed in &report.failed {
        let shown = |grant: &GrantEntry| failed.id.as_ref() == Some(&grant.id);
        let error = if report.grants.iter().any(shown) {
            failed.error.clone()
        } else {
            named(failed)
        };
        let what = (failed.server.as_str(), error);
        if !told.contains(&what) {
            tell(what.0, &what.1);
            told.push(what);
        }
    }
}

/// What went wrong, with the consumer and the user.
fn named(failed: &FailedGrant) -> Trouble {
    let message = &failed.error.message;
    let server = format!("{}: ", failed.server);
    let what = message.strip_prefix(&server).unwrap_or(message);
    Trouble {
        message: format!("`{}` for `{}`: {what}", failed.consumer, failed.user),
        ..failed.error.clone()
    }
}

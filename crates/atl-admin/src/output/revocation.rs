//! What came of revoking grants, for people and for programs.

use atl_fleet::{
    FailedGrant, Trouble,
    grants::{RevocationReport, RevokedGrant},
};
use serde_json::{Value, json};

use super::{
    Column,
    grants::{INVENTORY, shown, summary},
    inventory::{By, Counts, tell_coverage},
};
use crate::{
    context::Context,
    error::{Result, tell},
    flags::Format,
    term,
};

const TABLE: [Column; 8] = [
    Column::new("id", "ID"),
    Column::new("kind", "KIND"),
    Column::new("server", "SERVER"),
    Column::new("user", "USER"),
    Column::new("consumer", "CONSUMER"),
    Column::new("status", "STATUS"),
    Column::new("way", "WAY"),
    Column::new("note", "NOTE"),
];

/// What could not be revoked, and why.
const CLOSING: [Column; 5] = [
    Column::new("id", "NOT REVOKED"),
    Column::new("server", "SERVER"),
    Column::new("user", "USER"),
    Column::new("why", "WHY"),
    Column::new("advice", "WHAT TO DO"),
];

/// Shows it in the format that was asked for; NDJSON was printed while the run went on. `none` is said where there is
/// nothing to show.
pub(crate) fn show(
    context: &Context,
    report: &RevocationReport,
    by: Option<By>,
    none: &str,
) -> Result<()> {
    let output = &context.output;
    if report.grants.is_empty() && report.failed.is_empty() {
        term::note(none);
    }
    if let Some(by) = by {
        let grants = report.grants.iter().map(|revoked| &revoked.grant);
        let more = [
            ("failed", json!(report.failed)),
            ("coverage", json!(report.coverage)),
        ];
        Counts::of(by, grants).print(context, &more)?;
    }
    match output.format() {
        Format::Ndjson => Ok(()),
        Format::Json | Format::Yaml if by.is_some() => Ok(()),
        Format::Json | Format::Yaml => output.document(report),
        Format::Csv => {
            let mut columns = INVENTORY.to_vec();
            columns.push(Column::new("way", ""));
            if by.is_none() {
                output.listing("grants", "grant", &columns, &report.grants)?;
            }
            report.failed.iter().for_each(|failed| {
                tell(&failed.server, &failed.error);
            });
            tell_coverage(context, &report.coverage)
        }
        Format::Table => {
            if by.is_none() {
                let rows: Vec<Value> = report.grants.iter().map(row).collect();
                output.listing("grants", "grant", &TABLE, &rows)?;
            }
            let grants: Vec<_> = report.grants.iter().map(|it| it.grant.clone()).collect();
            output.text(&format!("{}\n", summary(&grants)))?;
            if !report.failed.is_empty() {
                output.text("\n")?;
                let rows: Vec<Value> = report.failed.iter().map(closing).collect();
                output.listing("failed", "grant_failed", &CLOSING, &rows)?;
            }
            if report.coverage.is_empty() {
                return Ok(());
            }
            tell_coverage(context, &report.coverage)
        }
    }
}

fn row(revoked: &RevokedGrant) -> Value {
    let mut row = shown(&revoked.grant);
    row["way"] = json!(revoked.way);
    row
}

fn closing(failed: &FailedGrant) -> Value {
    let Trouble {
        code,
        message,
        advice,
        ..
    } = &failed.error;
    json!({
        "id": failed.id, "server": failed.server, "user": failed.user,
        "why": format!("{message} [{code}]"), "advice": advice,
    })
}

//! Rotations, and what came of them, for people and for programs.

use atl_fleet::{RotationReport, RotationState, Strategy};
use serde_json::{Value, json};

use super::{Column, counted};
use crate::{
    context::Context,
    error::{Result, tell},
    flags::Format,
    term,
};

const COLUMNS: [Column; 12] = [
    Column::new("server", "SERVER"),
    Column::new("consumer", "CONSUMER"),
    Column::new("strategy", "STRATEGY"),
    Column::new("before", "BEFORE"),
    Column::new("after", "AFTER"),
    Column::new("new_key", "NEW KEY"),
    Column::new("new_url", ""),
    Column::new("state", "STATE"),
    Column::new("grants", "GRANTS"),
    Column::new("grants_checked", ""),
    Column::new("grants_ok", ""),
    Column::new("error", ""),
];

/// Shows a report in the format that was asked for; NDJSON was printed while the run went on.
/// `none` says why there are none, where there are none.
pub(crate) fn show(
    context: &Context,
    report: &RotationReport,
    title: &str,
    none: &str,
) -> Result<()> {
    let output = &context.output;
    if report.rotations.is_empty() {
        term::note(none);
    }
    match output.format() {
        Format::Ndjson => return Ok(()),
        Format::Json | Format::Yaml => return output.document(report),
        Format::Csv => output.listing("rotations", "rotation", &COLUMNS, &rows(report))?,
        Format::Table => {
            output.listing("rotations", "rotation", &COLUMNS, &rows(report))?;
            output.text(&summary(report, title))?;
            for patch in &report.patches {
                output.text(&format!(
                    "\nTo have the second consumer key in the fleet file, give this to `patch {}`:\n\n{patch}",
                    context.globals.fleet.display()
                ))?;
            }
        }
    }
    for rotation in &report.rotations {
        if let Some(trouble) = &rotation.error {
            tell(&rotation.server, trouble);
        }
        for user in &rotation.needs_person {
            term::warn(&format!(
                "{}: `{user}` has to approve the second consumer key: with the patched fleet file, run `atl-admin authorize -s {} \
                 -c {} --user {user}`",
                rotation.server, rotation.server, rotation.consumer
            ));
        }
    }
    Ok(())
}

/// Says what became of rotations that an earlier run left unfinished, before a command goes on to its own work.
pub(crate) fn tell_settled(report: &RotationReport) {
    for rotation in &report.rotations {
        term::note(&format!(
            "{}: an unfinished rotation of `{}` was found and is {}",
            rotation.server,
            rotation.consumer,
            rotation.state.as_str().replace('_', " ")
        ));
        if let Some(trouble) = &rotation.error {
            tell(&rotation.server, trouble);
        }
    }
}

fn rows(report: &RotationReport) -> Vec<Value> {
    report
        .rotations
        .iter()
        .map(|rotation| {
            let grants = (rotation.grants_checked > 0)
                .then(|| format!("{} of {}", rotation.grants_ok, rotation.grants_checked));
            json!({
                "server": rotation.server,
                "consumer": rotation.consumer,
                "strategy": Strategy::as_str(rotation.strategy),
                "before": rotation.before,
                "after": rotation.after,
                "new_key": rotation.new_key,
                "new_url": rotation.new_url,
                "state": rotation.state.as_str(),
                "grants": grants,
                "grants_checked": rotation.grants_checked,
                "grants_ok": rotation.grants_ok,
                "error": rotation.error.as_ref().map(|error| error.code.clone()),
            })
        })
        .collect()
}

/// How many there are of each state.
fn summary(report: &RotationReport, title: &str) -> String {
    let counts: Vec<_> = [
        RotationState::Verified,
        RotationState::RolledBack,
        RotationState::Failed,
        RotationState::Pending,
    ]
    .into_iter()
    .map(|state| {
        let count = report
            .rotations
            .iter()
            .filter(|rotation| rotation.state == state)
            .count();
        (count, state)
    })
    .filter(|(count, _)| *count > 0)
    .map(|(count, state)| format!("{count} {}", state.as_str().replace('_', " ")))
    .collect();
    let colon = if counts.is_empty() { "" } else { ": " };
    format!(
        "{title}: {}{colon}{}\n",
        counted(report.rotations.len(), "rotation"),
        counts.join(", ")
    )
}

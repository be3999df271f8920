//! What an audit saw and found, for people and for programs.

use std::{collections::BTreeSet, ops::ControlFlow};

use atl_fleet::audit::{Audit, Counts, Difference, Findings, Reported};
use atl_tokens::{Finding, GrantEntry, rules::Rule};
use serde_json::{Value, json};

use super::{
    Column, counted,
    grants::INVENTORY,
    inventory::{By, Counts as Groups, consumer_of, show_coverage, tell_unseen},
    stream::Stream,
};
use crate::{context::Context, error::Result, flags::Format};

const FINDINGS: [Column; 8] = [
    Column::new("severity", "SEVERITY"),
    Column::new("rule", "RULE"),
    Column::new("server", "SERVER"),
    Column::new("subject", "SUBJECT"),
    Column::new("message", "MESSAGE"),
    Column::new("advice", ""),
    Column::new("id", ""),
    Column::new("baseline", ""),
];

/// The same for people. The last one is for those who want to know what to do about each.
const TABLE: [Column; 7] = [
    Column::new("severity", "SEVERITY"),
    Column::new("rule", "RULE"),
    Column::new("server", "SERVER"),
    Column::new("subject", "SUBJECT"),
    Column::new("message", "MESSAGE"),
    Column::new("known", "KNOWN"),
    Column::new("advice", "ADVICE"),
];

/// Shows an audit in the format that was asked for. With `by`, grants are counted, not listed.
pub(crate) fn show(
    context: &Context,
    audit: &Audit,
    findings: &Findings,
    by: Option<By>,
    difference: Option<&Difference>,
) -> Result<()> {
    match context.output.format() {
        Format::Table => {
            show_tables(context, audit, findings, by)?;
            if let Some(difference) = difference {
                show_difference(context, difference)?;
            }
        }
        Format::Csv => {
            let mut stream = Stream::begin(&context.output, "findings", "finding", &FINDINGS)?;
            add_findings(&mut stream, findings)?;
            stream.end(&[])?;
        }
        Format::Json | Format::Ndjson | Format::Yaml => {
            show_all(context, audit, findings, by, difference)?;
        }
    }
    tell_unseen(context, audit.coverage());
    Ok(())
}

/// One document, or one line each.
fn show_all(
    context: &Context,
    audit: &Audit,
    findings: &Findings,
    by: Option<By>,
    difference: Option<&Difference>,
) -> Result<()> {
    let output = &context.output;
    let groups = by.map(|by| groups(audit, by)).transpose()?;
    let mut stream = match &groups {
        None => Stream::begin(output, "grants", "grant", &INVENTORY)?,
        Some(_) => Stream::begin(output, "groups", "group", &[])?,
    };
    match &groups {
        None => add_grants(&mut stream, audit)?,
        Some(groups) => groups.rows().iter().try_for_each(|row| stream.row(row))?,
    }
    let coverage = serde_json::to_value(audit.coverage()).unwrap_or_default();
    let mut stream = stream.then(&[("coverage", coverage)], "findings", "finding", &FINDINGS)?;
    add_findings(&mut stream, findings)?;
    let mut stream = stream.then(&[], "accepted", "accepted", &FINDINGS)?;
    each(&mut stream, |take| findings.each_accepted(take))?;
    let summary = summary(audit, findings)?;
    let mut last = vec![("summary", summary.clone())];
    last.extend(difference.map(|difference| ("difference", json!(difference))));
    stream.end(&last)?;
    if output.format() == Format::Ndjson {
        if let Some(difference) = difference {
            output.event("difference", difference)?;
        }
        output.event("summary", &summary)?;
    }
    Ok(())
}

fn summary(audit: &Audit, findings: &Findings) -> Result<Value> {
    let mut summary = json!(findings.counts());
    summary["grants"] = audit.inventory().seen()?.into();
    Ok(summary)
}

fn add_grants(stream: &mut Stream<'_>, audit: &Audit) -> Result<()> {
    let mut printed = Ok(());
    audit.inventory().each(&mut |grant| {
        printed = stream.row(&grant);
        go_on(&printed)
    })?;
    printed
}

fn add_findings(stream: &mut Stream<'_>, findings: &Findings) -> Result<()> {
    each(stream, |take| findings.each(take))
}

fn each(
    stream: &mut Stream<'_>,
    read: impl FnOnce(
        &mut dyn FnMut(Reported) -> ControlFlow<()>,
    ) -> std::result::Result<(), atl_store::StoreError>,
) -> Result<()> {
    let mut printed = Ok(());
    read(&mut |reported| {
        printed = stream.row(&reported);
        go_on(&printed)
    })?;
    printed
}

fn go_on(printed: &Result<()>) -> ControlFlow<()> {
    match printed {
        Ok(()) => ControlFlow::Continue(()),
        Err(_) => ControlFlow::Break(()),
    }
}

fn groups(audit: &Audit, by: By) -> Result<Groups> {
    let mut groups = Groups::new(by);
    audit.inventory().each(&mut |grant| {
        groups.add(&grant);
        ControlFlow::Continue(())
    })?;
    Ok(groups)
}

/// What could be seen comes first: without it, nobody can tell what no findings mean.
fn show_tables(
    context: &Context,
    audit: &Audit,
    findings: &Findings,
    by: Option<By>,
) -> Result<()> {
    let output = &context.output;
    show_coverage(context, audit.coverage())?;
    output.text("\n")?;
    let columns = TABLE.len() - usize::from(context.globals.verbose == 0);
    let mut stream = Stream::begin(output, "findings", "finding", &TABLE[..columns])?;
    let mut rules = BTreeSet::new();
    let mut printed = Ok(());
    findings.each(&mut |reported| {
        rules.extend(Rule::from_id(&reported.finding.rule));
        let mut row = json!(reported);
        row["known"] = reported.baseline.then_some("in the baseline").into();
        printed = stream.row(&row);
        go_on(&printed)
    })?;
    printed?;
    if stream.end(&[])? > 0 {
        output.text("\n")?;
    }
    for rule in &rules {
        output.text(&format!("{}: {}\n", rule.id(), rule.url()))?;
    }
    if !rules.is_empty() {
        output.text("\n")?;
    }
    if let Some(by) = by {
        groups(audit, by)?.print(context, &[])?;
        output.text("\n")?;
    }
    let servers = audit.servers();
    let grants = usize::try_from(audit.inventory().seen()?).unwrap_or(usize::MAX);
    let text = format!(
        "{}, {}: {}\n",
        counted(servers, "server"),
        counted(grants, "grant"),
        in_words(findings.counts())
    );
    output.text(&text)
}

const DIFFERENCE: [Column; 5] = [
    Column::new("what", "CHANGE"),
    Column::new("server", "SERVER"),
    Column::new("subject", "SUBJECT"),
    Column::new("user", "USER"),
    Column::new("detail", "DETAIL"),
];

/// What is new, gone and changed since an earlier audit.
fn show_difference(context: &Context, difference: &Difference) -> Result<()> {
    let output = &context.output;
    output.text(&format!("\nSince the audit of {:.0}:\n", difference.since))?;
    if difference.is_empty() {
        return output.text("nothing is new, gone or changed\n");
    }
    let grant = |what: &str, grant: &GrantEntry, detail: Option<&str>| {
        json!({
            "what": what, "server": grant.server, "subject": format!("grant {}", grant.id), "user": grant.user,
            "detail": detail.map(str::to_owned).or_else(|| consumer_of(grant)),
        })
    };
    let finding = |what: &str, finding: &Finding| {
        json!({
            "what": what, "server": finding.server, "subject": finding.subject, "detail": finding.rule,
        })
    };
    let Difference {
        new_grants,
        gone_grants,
        changed_grants,
        new_findings,
        gone_findings,
        ..
    } = difference;
    let mut rows: Vec<Value> = Vec::new();
    rows.extend(new_grants.rows.iter().map(|row| grant("new", row, None)));
    rows.extend(gone_grants.rows.iter().map(|row| grant("gone", row, None)));
    rows.extend(
        changed_grants
            .rows
            .iter()
            .map(|row| grant("changed", &row.grant, Some(&row.what))),
    );
    let found = new_findings.rows.iter();
    rows.extend(found.map(|row| finding("new finding", row)));
    let ended = gone_findings.rows.iter();
    rows.extend(ended.map(|row| finding("finding gone", row)));
    output.listing("difference", "difference", &DIFFERENCE, &rows)?;
    output.text(&format!(
        "grants: {} new, {} gone, {} changed; findings: {} new, {} gone\n",
        new_grants.total,
        gone_grants.total,
        changed_grants.total,
        new_findings.total,
        gone_findings.total,
    ))
}

/// How many findings there are, in words.
fn in_words(counts: Counts) -> String {
    let Counts {
        low,
        medium,
        high,
        baseline,
        accepted,
    } = counts;
    let new = low + medium + high;
    let mut text = match new {
        0 => "no new findings".to_owned(),
        1 => "1 new finding".to_owned(),
        many => format!("{many} new findings"),
    };
    if new > 0 {
        let parts = [(high, "high"), (medium, "medium"), (low, "low")];
        let parts: Vec<_> = parts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, severity)| format!("{count} {severity}"))
            .collect();
        text = format!("{text} ({})", parts.join(", "));
    }
    if baseline > 0 {
        text = format!("{text}, {baseline} in the baseline");
    }
    if accepted > 0 {
        text = format!("{text}, {accepted} accepted");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_in_words() {
        let counts = |low, medium, high, baseline, accepted| Counts {
            low,
            medium,
            high,
            baseline,
            accepted,
        };
        for (counts, expected) in [
            (counts(0, 0, 0, 0, 0), "no new findings"),
            (counts(1, 0, 0, 0, 0), "1 new finding (1 low)"),
            (counts(2, 0, 1, 0, 0), "3 new findings (1 high, 2 low)"),
            (
                counts(0, 0, 0, 4, 1),
                "no new findings, 4 in the baseline, 1 accepted",
            ),
        ] {
            assert_eq!(in_words(counts), expected);
        }
    }
}

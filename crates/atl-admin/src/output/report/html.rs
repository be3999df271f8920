//! One self-contained page for people: what was looked at, what was found, what is different, and what grants there are.
//!
//! It loads nothing. Its style and its script are inside, and its content security policy names them by their digests and
//! allows nothing else. What servers have a say in is escaped by the template, and it never gets into the script.

mod changes;
mod charts;
mod findings;
mod grants;
mod words;

use std::io::{self, Write};

use askama::Template;
use atl_tokens::{Coverage, Severity};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use changes::Changes;
use charts::Chart;
use findings::{Accepted, BySeverity, Findings, Quiet};
use grants::{Grants, Row};
use sha2::{Digest as _, Sha256};
use words::{Prose, moment, thousands};

use super::{Report, harmless, source};

const STYLE: &str = include_str!("../../../templates/report/style.css");
const SCRIPT: &str = include_str!("../../../templates/report/script.js");

/// Writes the page. Its charts and numbers are of all grants and findings; its tables show the first of many, and say so.
///
/// # Errors
///
/// Where it cannot be written, or the rows cannot be read.
pub fn html(report: &Report<'_>, mut out: impl Write) -> io::Result<()> {
    let findings = Findings::read(report)?;
    let grants = Grants::read(report)?;
    let figures = figures(report, &findings, &grants);
    let quiet = findings.quiet(report);
    let (findings, accepted) = findings.into_shown(report);
    let page = Page {
        fleet: harmless(&report.fleet.to_string_lossy()).into_owned(),
        made: moment(report.made),
        version: env!("CARGO_PKG_VERSION"),
        policy: policy(),
        style: STYLE,
        script: SCRIPT,
        figures,
        coverage: report.coverage.iter().map(Seen::new).collect(),
        gaps: report.gaps(),
        is_whole: is_whole(report.coverage),
        changes: report.difference.map(Changes::new),
        has_baseline: report.has_baseline,
        findings,
        accepted,
        quiet,
        charts: grants.charts(),
        kinds: grants.kinds(),
        cut: grants.cut(),
        grants: grants.into_rows(),
    };
    page.write_into(&mut out)
}

#[derive(Template)]
#[template(path = "report/page.html")]
struct Page {
    fleet: String,
    made: String,
    version: &'static str,
    policy: String,
    style: &'static str,
    script: &'static str,
    figures: Vec<Figure>,
    coverage: Vec<Seen>,
    gaps: usize,
    is_whole: bool,
    changes: Option<Changes>,
    has_baseline: bool,
    findings: Vec<BySeverity>,
    accepted: Accepted,
    /// The rules that found nothing.
    quiet: Vec<Quiet>,
    charts: Vec<Chart>,
    kinds: String,
    /// How many of how many grants are in the table, where it does not have all.
    cut: Option<String>,
    grants: Vec<Row>,
}

/// A number at the top of the page.
struct Figure {
    value: String,
    label: String,
    /// The class that colours it.
    tone: &'static str,
}

/// What a source saw of a server.
struct Seen {
    server: String,
    source: &'static str,
    tone: &'static str,
    state: &'static str,
    note: Prose,
    message: Prose,
    advice: Prose,
}

impl Seen {
    fn new(seen: &Coverage) -> Self {
        let (tone, state) = match (&seen.gap, seen.complete) {
            (Some(_), _) => ("high", "not all that was asked for"),
            (None, true) => ("good", "all"),
            (None, false) => ("plain", "part"),
        };
        let of_gap = seen.gap.as_ref();
        Self {
            server: harmless(&seen.server).into_owned(),
            source: source(seen.source),
            tone,
            state,
            note: Prose::new(&seen.note),
            message: Prose::new(of_gap.map_or("", |gap| &gap.message)),
            advice: Prose::new(of_gap.map_or("", |gap| &gap.advice)),
        }
    }
}

/// Whether everything was seen, and not only all that was asked for.
fn is_whole(coverage: &[Coverage]) -> bool {
    !coverage.is_empty() && coverage.iter().all(|seen| seen.complete)
}

fn figures(report: &Report<'_>, findings: &Findings, grants: &Grants) -> Vec<Figure> {
    let mut figures = Vec::new();
    for severity in [Severity::High, Severity::Medium, Severity::Low] {
        let name = severity.as_str();
        let (total, new) = findings.counts(severity);
        let known = if report.has_baseline {
            format!(", {} new", thousands(new))
        } else {
            String::new()
        };
        figures.push(Figure {
            value: thousands(total),
            label: format!("{name} findings{known}"),
            tone: if total > 0 { name } else { "plain" },
        });
    }
    let servers = report.servers.len() as u64;
    for (count, label) in [
        (grants.total(), "grants"),
        (grants.users(), "users"),
        (servers, "servers"),
    ] {
        figures.push(Figure {
            value: thousands(count),
            label: label.to_owned(),
            tone: "plain",
        });
    }
    figures
}

/// Nothing is loaded, and nothing but our own style and script counts.
fn policy() -> String {
    let digest = |text: &str| BASE64_STANDARD.encode(Sha256::digest(text));
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
        digest(STYLE),
        digest(SCRIPT)
    )
}

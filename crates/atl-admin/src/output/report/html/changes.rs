//! What is different since an earlier audit.

use atl_fleet::audit::{Difference, Excerpt};
use atl_tokens::{Finding, GrantEntry};

use super::{
    grants::Row,
    words::{self, Prose, moment, thousands},
};
use crate::output::report::harmless;

/// What is different.
pub(super) struct Changes {
    pub(super) since: String,
    pub(super) findings: Vec<Part<OfFinding>>,
    pub(super) grants: Vec<Part<OfGrant>>,
}

/// What is different in one way.
pub(super) struct Part<T> {
    pub(super) title: &'static str,
    pub(super) number: String,
    /// How many of how many are shown, where not all are.
    pub(super) cut: Option<String>,
    pub(super) rows: Vec<T>,
}

/// A finding that came or went.
pub(super) struct OfFinding {
    pub(super) severity: &'static str,
    pub(super) rule: String,
    pub(super) server: String,
    pub(super) subject: String,
    pub(super) message: Prose,
}

/// A grant that came, went or changed.
pub(super) struct OfGrant {
    pub(super) row: Row,
    /// What has changed.
    pub(super) what: String,
}

impl Changes {
    pub(super) fn new(difference: &Difference) -> Self {
        let unchanged = |grant: &GrantEntry| OfGrant {
            row: Row::new(grant),
            what: String::new(),
        };
        Self {
            since: moment(difference.since),
            findings: vec![
                part("New findings", &difference.new_findings, finding),
                part("Findings that are gone", &difference.gone_findings, finding),
            ],
            grants: vec![
                part("New grants", &difference.new_grants, unchanged),
                part("Grants that are gone", &difference.gone_grants, unchanged),
                part("Changed grants", &difference.changed_grants, |changed| {
                    OfGrant {
                        row: Row::new(&changed.grant),
                        what: harmless(&changed.what).into_owned(),
                    }
                }),
            ],
        }
    }
}

fn part<T, R>(title: &'static str, excerpt: &Excerpt<T>, shown: impl Fn(&T) -> R) -> Part<R> {
    Part {
        title,
        number: thousands(excerpt.total),
        cut: words::cut(excerpt.rows.len(), excerpt.total),
        rows: excerpt.rows.iter().map(shown).collect(),
    }
}

fn finding(finding: &Finding) -> OfFinding {
    OfFinding {
        severity: finding.severity.as_str(),
        rule: harmless(&finding.rule).into_owned(),
        server: harmless(&finding.server).into_owned(),
        subject: harmless(&finding.subject).into_owned(),
        message: Prose::new(&finding.message),
    }
}

//! The findings of an audit, sorted into new, known and accepted ones. They can be as many as grants, so they wait in a
//! file of the run.

use std::ops::ControlFlow;

use atl_store::{Spool, SpoolOrder, StoreError};
use atl_tokens::{Finding, Severity, rules::Rule};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{Baseline, Ignoring};

/// A finding as reports show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reported {
    /// A short stable id, by which a baseline knows it again.
    pub id: String,
    /// What was found.
    #[serde(flatten)]
    pub finding: Finding,
    /// Whether the baseline has it, so that it is not new.
    pub baseline: bool,
    /// Why it was accepted, where it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<Accepted>,
}

/// Why a finding was accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accepted {
    /// In the words of the one who did.
    pub reason: String,
    /// The last day on which it is.
    pub until: Option<Date>,
}

/// How many findings there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// New ones of low severity.
    pub low: u64,
    /// New ones of medium severity.
    pub medium: u64,
    /// New ones of high severity.
    pub high: u64,
    /// Those that the baseline has.
    pub baseline: u64,
    /// Those that were accepted.
    pub accepted: u64,
}

/// The findings of an audit.
#[derive(Debug)]
pub struct Findings {
    spool: Spool,
    baseline: Baseline,
    ignoring: Option<Ignoring>,
    counts: Counts,
}

impl Findings {
    /// None yet; what is added is held against the baseline and the list of accepted findings.
    ///
    /// # Errors
    ///
    /// No file can be made for them.
    pub fn new(baseline: Baseline, ignoring: Option<Ignoring>) -> Result<Self, StoreError> {
        Ok(Self {
            spool: Spool::new()?,
            baseline,
            ignoring,
            counts: Counts::default(),
        })
    }

    /// Adds one; what was found before is not found again.
    ///
    /// # Errors
    ///
    /// The file cannot be written, as where the disk is full.
    pub fn add(&mut self, finding: Finding) -> Result<(), StoreError> {
        let accepted = self.ignoring.as_mut().and_then(|ignoring| {
            let entry = ignoring.accepts(&finding)?;
            Some(Accepted {
                reason: entry.reason.clone(),
                until: entry.until,
            })
        });
        let reported = Reported {
            id: finding.id(),
            baseline: self.baseline.has(&finding),
            finding,
            accepted,
        };
        let body = serde_json::to_vec(&reported).unwrap_or_default();
        let (key, place) = (key(&reported.finding), place(&reported.finding));
        if self.spool.put(&key, &place, &body)?.is_none() {
            self.counts.add(&reported);
        }
        Ok(())
    }

    /// Hands over the findings that were not accepted, those of the highest severity first, until `take` says to stop.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub fn each(
        &self,
        take: &mut dyn FnMut(Reported) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        self.all(&mut |reported| match reported.accepted {
            Some(_) => ControlFlow::Continue(()),
            None => take(reported),
        })
    }

    /// The same of those that were accepted.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub fn each_accepted(
        &self,
        take: &mut dyn FnMut(Reported) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        if self.counts.accepted == 0 {
            return Ok(());
        }
        self.all(&mut |reported| match reported.accepted {
            Some(_) => take(reported),
            None => ControlFlow::Continue(()),
        })
    }

    /// Hands over every finding that was not accepted with its key, in the order of the keys.
    pub(super) fn keyed(&self, take: &mut dyn FnMut(&str, Finding)) -> Result<(), StoreError> {
        self.spool.each(SpoolOrder::Key, &mut |key, body| {
            if let Ok(Reported {
                finding,
                accepted: None,
                ..
            }) = serde_json::from_slice(body)
            {
                take(key, finding);
            }
            ControlFlow::Continue(())
        })
    }

    fn all(&self, take: &mut dyn FnMut(Reported) -> ControlFlow<()>) -> Result<(), StoreError> {
        self.spool.each(SpoolOrder::Given, &mut |_, body| {
            serde_json::from_slice(body).map_or(ControlFlow::Continue(()), &mut *take)
        })
    }

    /// How many there are.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// The list of accepted findings, which knows by now what it was good for.
    pub fn ignoring(&self) -> Option<&Ignoring> {
        self.ignoring.as_ref()
    }
}

impl Counts {
    fn add(&mut self, reported: &Reported) {
        let count = match reported {
            Reported {
                accepted: Some(_), ..
            } => &mut self.accepted,
            Reported { baseline: true, .. } => &mut self.baseline,
            Reported { finding, .. } => match finding.severity {
                Severity::Low => &mut self.low,
                Severity::Medium => &mut self.medium,
                Severity::High => &mut self.high,
            },
        };
        *count += 1;
    }

    /// How many new ones there are of this severity or a higher one.
    pub fn new_from(&self, severity: Severity) -> u64 {
        match severity {
            Severity::Low => self.low + self.medium + self.high,
            Severity::Medium => self.medium + self.high,
            Severity::High => self.high,
        }
    }
}

fn key(finding: &Finding) -> String {
    format!("{}\n{}\n{}", finding.rule, finding.server, finding.subject)
}

/// What matters most comes first, then in the order of the rules.
fn place(finding: &Finding) -> String {
    let severity = match finding.severity {
        Severity::High => 0,
        Severity::Medium => 1,
        Severity::Low => 2,
    };
    let rule = Rule::ALL.iter().position(|rule| rule.id() == finding.rule);
    let rule = rule.unwrap_or(Rule::ALL.len());
    format!("{severity}{rule:02}{}\n{}", finding.server, finding.subject)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use jiff::civil::date;

    use super::*;
    use crate::{
        audit::{BaselineWriter, IgnoreEntry, IgnoreList},
        file::Position,
    };

    fn finding(rule: Rule, server: &str) -> Finding {
        Finding {
            rule: rule.id().to_owned(),
            severity: rule.severity(),
            server: server.to_owned(),
            subject: "consumer bot".to_owned(),
            message: "m".to_owned(),
            advice: "a".to_owned(),
        }
    }

    fn baseline(known: &Finding) -> Baseline {
        let mut text = Vec::new();
        let mut writer = BaselineWriter::new(&mut text).unwrap();
        writer.add(known).and_then(|()| writer.end()).unwrap();
        Baseline::read(&text).unwrap()
    }

    #[test]
    fn findings_come_back_once_sorted_and_told_apart() {
        let entry = IgnoreEntry {
            at: Position { line: 1, column: 3 },
            rule: Rule::BasicEnabled,
            server: None,
            subject: None,
            reason: "agreed".to_owned(),
            until: Some(date(2027, 1, 31)),
        };
        let list = IgnoreList::new(Path::new("x"), vec![entry]).on(date(2027, 1, 1));
        let known = finding(Rule::TwoLeggedOn, "jira");
        let mut findings = Findings::new(baseline(&known), Some(list)).unwrap();
        for finding in [
            known.clone(),
            finding(Rule::BasicEnabled, "jira"),
            finding(Rule::KeyWeak, "wiki"),
            finding(Rule::KeyWeak, "jira"),
            finding(Rule::LinkHttp, "jira"),
            finding(Rule::KeyWeak, "jira"),
        ] {
            findings.add(finding).unwrap();
        }
        let mut seen = Vec::new();
        findings
            .each(&mut |one| {
                seen.push(format!(
                    "{} {} {}",
                    one.finding.rule, one.finding.server, one.baseline
                ));
                ControlFlow::Continue(())
            })
            .unwrap();
        assert_eq!(
            seen,
            [
                "ATL-KEY-WEAK jira false",
                "ATL-KEY-WEAK wiki false",
                "ATL-LINK-HTTP jira false",
                "ATL-2LO-ON jira true",
            ]
        );
        let mut accepted = Vec::new();
        findings
            .each_accepted(&mut |one| {
                accepted.push(one);
                ControlFlow::Continue(())
            })
            .unwrap();
        assert_eq!(accepted.len(), 1);
        let why = accepted[0].accepted.as_ref().unwrap();
        assert_eq!(
            (why.reason.as_str(), why.until),
            ("agreed", Some(date(2027, 1, 31)))
        );
        let counts = findings.counts();
        assert_eq!(
            counts,
            Counts {
                low: 0,
                medium: 1,
                high: 2,
                baseline: 1,
                accepted: 1,
            }
        );
        assert_eq!(counts.new_from(Severity::High), 2);
        assert_eq!(counts.new_from(Severity::Medium), 3);
        assert_eq!(counts.new_from(Severity::Low), 3);
    }
}

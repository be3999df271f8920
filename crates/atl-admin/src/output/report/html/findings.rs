//! The findings: all of them in numbers, by severity and rule, and the first of each rule as rows.

use std::{
    collections::{BTreeMap, HashSet},
    io,
    ops::ControlFlow,
};

use atl_fleet::audit::Reported;
use atl_tokens::{Severity, rules::Rule};

use super::words::{self, Prose, counted, sentence, thousands};
use crate::output::report::{Report, Rows, harmless, rows::for_each};

/// How many findings of a rule, and of those that were accepted, are shown at most.
const MOST_ROWS: usize = 100;

/// The findings of all rules.
pub(super) struct Findings {
    /// By the severity that they have, and by rule.
    groups: BTreeMap<(Severity, String), Group>,
    accepted: Accepted,
}

#[derive(Default)]
struct Group {
    total: u64,
    known: u64,
    /// The first; those that the baseline does not have are preferred.
    first: Vec<Reported>,
    advice: HashSet<String>,
}

impl Findings {
    pub(super) fn read(report: &Report<'_>) -> io::Result<Self> {
        let mut groups: BTreeMap<_, Group> = BTreeMap::new();
        for_each(
            report.findings,
            |error| error,
            |reported| {
                let finding = &reported.finding;
                let of = (finding.severity, finding.rule.clone());
                groups.entry(of).or_default().add(reported);
                Ok(())
            },
        )?;
        Ok(Self {
            groups,
            accepted: Accepted::read(report.accepted)?,
        })
    }

    /// How many there are of a severity, and how many of them are new.
    pub(super) fn counts(&self, of: Severity) -> (u64, u64) {
        let groups = self
            .groups
            .iter()
            .filter(|((severity, _), _)| *severity == of);
        groups.fold((0, 0), |(total, new), (_, group)| {
            (total + group.total, new + group.total - group.known)
        })
    }

    /// The rules that found nothing that was not accepted.
    pub(super) fn quiet(&self, report: &Report<'_>) -> Vec<Quiet> {
        let found: HashSet<_> = self.groups.keys().map(|(_, rule)| rule.as_str()).collect();
        let quiet = report
            .rules
            .iter()
            .filter(|rule| !found.contains(rule.id()));
        quiet.map(|rule| Quiet::new(*rule)).collect()
    }

    /// What is to be shown, the worst first and in it the most; and what was accepted.
    pub(super) fn into_shown(self, report: &Report<'_>) -> (Vec<BySeverity>, Accepted) {
        let mut by: Vec<BySeverity> = Vec::new();
        for ((severity, rule), group) in self.groups.into_iter().rev() {
            let name = severity.as_str();
            if by.last().is_none_or(|last| last.name != name) {
                by.push(BySeverity {
                    name,
                    total: 0,
                    rules: Vec::new(),
                });
            }
            let known = report.rules.iter().find(|known| known.id() == rule);
            if let Some(last) = by.last_mut() {
                last.total += group.total;
                last.rules.push(group.shown(rule, known.copied()));
            }
        }
        for severity in &mut by {
            severity.rules.sort_by(|one, other| {
                let more = other.total.cmp(&one.total);
                more.then_with(|| one.id.cmp(&other.id))
            });
        }
        (by, self.accepted)
    }
}

impl Group {
    fn add(&mut self, reported: &Reported) {
        self.total += 1;
        self.known += u64::from(reported.baseline);
        // One more than one is all that matters.
        let advice = &reported.finding.advice;
        if self.advice.len() < 2 && !self.advice.contains(advice) {
            self.advice.insert(advice.clone());
        }
        if self.first.len() < MOST_ROWS {
            self.first.push(reported.clone());
        } else if !reported.baseline
            && let Some(known) = self.first.iter_mut().rfind(|first| first.baseline)
        {
            *known = reported.clone();
        }
    }

    fn shown(mut self, id: String, rule: Option<Rule>) -> OfRule {
        self.first.sort_by_key(|reported| reported.baseline);
        let advice = match (self.advice.len(), self.advice.into_iter().next()) {
            (1, Some(advice)) => advice,
            _ => String::new(),
        };
        let rows = self.first.iter();
        OfRule {
            title: rule.map_or_else(|| id.clone(), |rule| sentence(rule.title())),
            help: Prose::new(rule.map_or("", Rule::help)),
            url: rule.map(Rule::url).unwrap_or_default(),
            cut: words::cut(self.first.len(), self.total),
            rows: rows.map(|reported| Row::new(reported, &advice)).collect(),
            advice: Prose::new(&advice),
            id,
            total: self.total,
            known: self.known,
        }
    }
}

/// A rule that found nothing.
pub(super) struct Quiet {
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    pub(super) url: String,
}

impl Quiet {
    fn new(rule: Rule) -> Self {
        Self {
            id: rule.id(),
            title: rule.title(),
            url: rule.url(),
        }
    }
}

/// The findings that somebody accepted.
pub(super) struct Accepted {
    total: u64,
    pub(super) rows: Vec<Row>,
}

impl Accepted {
    fn read(rows: &dyn Rows<Reported>) -> io::Result<Self> {
        let mut accepted = Self {
            total: 0,
            rows: Vec::new(),
        };
        rows.each(&mut |reported| {
            accepted.total += 1;
            if accepted.rows.len() < MOST_ROWS {
                accepted.rows.push(Row::new(reported, ""));
            }
            ControlFlow::Continue(())
        })?;
        Ok(accepted)
    }

    pub(super) fn number(&self) -> String {
        counted(self.total, "finding")
    }

    /// How many of how many are shown, where not all are.
    pub(super) fn cut(&self) -> Option<String> {
        words::cut(self.rows.len(), self.total)
    }
}

/// The findings of one severity.
pub(super) struct BySeverity {
    pub(super) name: &'static str,
    total: u64,
    pub(super) rules: Vec<OfRule>,
}

impl BySeverity {
    pub(super) fn number(&self) -> String {
        counted(self.total, "finding")
    }
}

/// The findings of one rule.
pub(super) struct OfRule {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) help: Prose,
    pub(super) url: String,
    /// What to do, where it is the same for all.
    pub(super) advice: Prose,
    total: u64,
    known: u64,
    /// How many of how many are shown, where not all are.
    pub(super) cut: Option<String>,
    pub(super) rows: Vec<Row>,
}

impl OfRule {
    pub(super) fn number(&self) -> String {
        thousands(self.total)
    }

    pub(super) fn new_ones(&self) -> String {
        thousands(self.total - self.known)
    }
}

/// A finding.
pub(super) struct Row {
    pub(super) severity: &'static str,
    pub(super) rule: String,
    pub(super) server: String,
    pub(super) subject: String,
    pub(super) message: Prose,
    /// What to do, where that has not been told for all of the rule.
    pub(super) advice: Prose,
    /// Whether the baseline has it.
    pub(super) known: bool,
    /// Why it was accepted, and until when.
    pub(super) reason: String,
    pub(super) until: String,
}

impl Row {
    /// `told` is the advice that stands elsewhere.
    pub(super) fn new(reported: &Reported, told: &str) -> Self {
        let finding = &reported.finding;
        let advice = Some(finding.advice.as_str()).filter(|advice| *advice != told);
        let accepted = reported.accepted.as_ref();
        let until = accepted.and_then(|accepted| accepted.until);
        Self {
            severity: finding.severity.as_str(),
            rule: harmless(&finding.rule).into_owned(),
            server: harmless(&finding.server).into_owned(),
            subject: harmless(&finding.subject).into_owned(),
            message: Prose::new(&finding.message),
            advice: Prose::new(advice.unwrap_or_default()),
            known: reported.baseline,
            reason: accepted.map_or_else(String::new, |why| harmless(&why.reason).into_owned()),
            until: until.map_or_else(String::new, |day| day.to_string()),
        }
    }
}

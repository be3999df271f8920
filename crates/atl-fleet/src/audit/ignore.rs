//! Findings that somebody accepted, with a reason, perhaps for a time. No I/O: what day it is, is an argument.

use std::path::{Path, PathBuf};

use atl_tokens::{Finding, rules::Rule};
use jiff::civil::Date;

use crate::file::Position;

/// The list of accepted findings.
#[derive(Debug, Clone)]
pub struct IgnoreList {
    file: PathBuf,
    entries: Vec<IgnoreEntry>,
}

/// Findings that were accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IgnoreEntry {
    /// Where it stands in the file.
    pub at: Position,
    /// The rule.
    pub rule: Rule,
    /// The server; `None` for every server.
    pub server: Option<String>,
    /// What the finding is about; `None` for everything.
    pub subject: Option<String>,
    /// Why it was accepted.
    pub reason: String,
    /// The last day on which it is, in UTC; `None` for ever.
    pub until: Option<Date>,
}

/// The list on a certain day, which remembers what it was good for.
#[derive(Debug)]
pub struct Ignoring {
    file: PathBuf,
    entries: Vec<(IgnoreEntry, Use)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    /// Past its end.
    Over,
    /// It matched nothing so far.
    Unused,
    /// It matched.
    Used,
}

impl IgnoreList {
    pub(crate) fn new(file: &Path, entries: Vec<IgnoreEntry>) -> Self {
        Self {
            file: file.to_owned(),
            entries,
        }
    }

    /// The entries, in the order of the file.
    pub fn entries(&self) -> &[IgnoreEntry] {
        &self.entries
    }

    /// The list on this day.
    pub fn on(self, today: Date) -> Ignoring {
        let state = |entry: &IgnoreEntry| match entry.until {
            Some(last) if last < today => Use::Over,
            _ => Use::Unused,
        };
        Ignoring {
            file: self.file,
            entries: self
                .entries
                .into_iter()
                .map(|entry| {
                    let state = state(&entry);
                    (entry, state)
                })
                .collect(),
        }
    }
}

impl IgnoreEntry {
    fn matches(&self, finding: &Finding) -> bool {
        let is = |wanted: &Option<String>, found: &str| {
            wanted.as_deref().is_none_or(|wanted| wanted == found)
        };
        self.rule.id() == finding.rule
            && is(&self.server, &finding.server)
            && is(&self.subject, &finding.subject)
    }
}

impl Ignoring {
    /// The entry that accepts a finding, where one does that is not past its end.
    pub fn accepts(&mut self, finding: &Finding) -> Option<&IgnoreEntry> {
        let mut first = None;
        for (entry, state) in &mut self.entries {
            if *state != Use::Over && entry.matches(finding) {
                *state = Use::Used;
                first = first.or(Some(&*entry));
            }
        }
        first
    }

    /// What is to be said of entries that are past their end, a sentence each.
    pub fn over(&self) -> Vec<String> {
        self.entries
            .iter()
            .filter(|(_, state)| *state == Use::Over)
            .filter_map(|(entry, _)| {
                let last = entry.until?;
                Some(format!(
                    "{}: the entry for {} ended on {last} and accepts nothing any more",
                    self.place(entry),
                    entry.rule.id()
                ))
            })
            .collect()
    }

    /// The same of those that matched nothing, as far as they could have: on servers for which `seen` says that all was
    /// looked at.
    pub fn unused(&self, seen: impl Fn(Option<&str>) -> bool) -> Vec<String> {
        self.entries
            .iter()
            .filter(|(entry, state)| *state == Use::Unused && seen(entry.server.as_deref()))
            .map(|(entry, _)| {
                format!(
                    "{}: the entry for {} matches no finding",
                    self.place(entry),
                    entry.rule.id()
                )
            })
            .collect()
    }

    fn place(&self, entry: &IgnoreEntry) -> String {
        format!("{}:{}", self.file.display(), entry.at)
    }
}

#[cfg(test)]
mod tests {
    use atl_tokens::Severity;
    use jiff::civil::date;

    use super::*;

    fn entry(line: u64, server: Option<&str>, subject: Option<&str>) -> IgnoreEntry {
        IgnoreEntry {
            at: Position { line, column: 3 },
            rule: Rule::TwoLeggedOn,
            server: server.map(str::to_owned),
            subject: subject.map(str::to_owned),
            reason: "agreed".to_owned(),
            until: None,
        }
    }

    fn finding(rule: Rule, server: &str, subject: &str) -> Finding {
        Finding {
            rule: rule.id().to_owned(),
            severity: Severity::Low,
            server: server.to_owned(),
            subject: subject.to_owned(),
            message: String::new(),
            advice: String::new(),
        }
    }

    fn ignoring(entries: Vec<IgnoreEntry>) -> Ignoring {
        IgnoreList::new(Path::new("accepted.yaml"), entries).on(date(2027, 1, 31))
    }

    #[test]
    fn what_an_entry_leaves_out_it_does_not_ask_for() {
        let found = finding(Rule::TwoLeggedOn, "jira", "consumer bot");
        for (server, subject, expected) in [
            (None, None, true),
            (Some("jira"), None, true),
            (Some("jira"), Some("consumer bot"), true),
            (Some("wiki"), None, false),
            (None, Some("consumer b"), false),
        ] {
            let mut list = ignoring(vec![entry(1, server, subject)]);
            assert_eq!(
                list.accepts(&found).is_some(),
                expected,
                "{server:?} {subject:?}"
            );
            let other = finding(Rule::TwoLeggedAdmin, "jira", "consumer bot");
            assert!(list.accepts(&other).is_none());
        }
    }

    #[test]
    fn an_entry_accepts_through_its_last_day() {
        let found = finding(Rule::TwoLeggedOn, "jira", "consumer bot");
        for (last, expected) in [(date(2027, 1, 31), true), (date(2027, 1, 30), false)] {
            let until = Some(last);
            let mut list = ignoring(vec![IgnoreEntry {
                until,
                ..entry(4, None, None)
            }]);
            assert_eq!(list.accepts(&found).is_some(), expected, "{last}");
            assert_eq!(list.over().is_empty(), expected, "{last}");
            assert_eq!(list.unused(|_| true), [""; 0], "{last}");
        }
        let over = IgnoreEntry {
            until: Some(date(2027, 1, 30)),
            ..entry(4, None, None)
        };
        assert_eq!(
            ignoring(vec![over]).over(),
            [
                "accepted.yaml:4:3: the entry for ATL-2LO-ON ended on 2027-01-30 and accepts nothing any more"
            ]
        );
    }

    #[test]
    fn what_matched_nothing_is_said_where_it_could_have() {
        let entries = || vec![entry(1, None, None), entry(2, Some("wiki"), None)];
        let said = |list: &Ignoring, seen: fn(Option<&str>) -> bool| list.unused(seen).len();
        let mut list = ignoring(entries());
        assert_eq!(said(&list, |_| true), 2);
        assert_eq!(said(&list, |server| server == Some("jira")), 0);
        list.accepts(&finding(Rule::TwoLeggedOn, "jira", "consumer bot"));
        assert_eq!(
            list.unused(|_| true),
            ["accepted.yaml:2:3: the entry for ATL-2LO-ON matches no finding"]
        );
    }
}

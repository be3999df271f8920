//! Findings that are known: those of an earlier audit, by rule, server and subject. What they say may change.

use std::{
    collections::HashSet,
    io::{self, Write},
};

use atl_tokens::{Finding, finding_id};
use serde::Deserialize;
use serde_json::json;

use crate::plan::FORMAT_VERSION;

/// The findings that are known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Baseline {
    ids: HashSet<String>,
}

/// Why a text is not a baseline.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BaselineError {
    /// It is none.
    #[error("not a baseline: {source}")]
    NotOne {
        /// Where it is something else.
        source: serde_json::Error,
    },
    /// It was written by a later version of this program.
    #[error("a baseline of format version {version}, which this version does not read")]
    TooNew {
        /// The version of its format.
        version: String,
    },
}

impl BaselineError {
    /// What to do about it.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::NotOne { .. } => "name a file that `atl-admin audit --write-baseline FILE` wrote",
            Self::TooNew { .. } => "update atl-admin, or write the baseline anew",
        }
    }
}

/// `{"format_version", "baseline": [...]}`.
#[derive(Deserialize)]
struct Document {
    format_version: String,
    baseline: Vec<Known>,
}

/// A finding as the file names it. The id in it is for readers: these three are what counts.
#[derive(Deserialize)]
struct Known {
    rule: String,
    server: String,
    subject: String,
}

impl Baseline {
    /// Reads what [`BaselineWriter`] writes.
    ///
    /// # Errors
    ///
    /// The text is something else.
    pub fn read(text: &[u8]) -> Result<Self, BaselineError> {
        let document: Document =
            serde_json::from_slice(text).map_err(|source| BaselineError::NotOne { source })?;
        let major = |version: &str| version.split('.').next().map(str::to_owned);
        if major(&document.format_version) != major(FORMAT_VERSION) {
            return Err(BaselineError::TooNew {
                version: document.format_version,
            });
        }
        let ids = document.baseline.iter();
        Ok(Self {
            ids: ids
                .map(|known| finding_id(&known.rule, &known.server, &known.subject))
                .collect(),
        })
    }

    /// Whether a finding is known.
    pub fn has(&self, finding: &Finding) -> bool {
        !self.ids.is_empty() && self.ids.contains(&finding.id())
    }
}

/// Writes a baseline, one finding at a time.
#[derive(Debug)]
pub struct BaselineWriter<W> {
    to: W,
    any: bool,
}

impl<W: Write> BaselineWriter<W> {
    /// Begins one.
    ///
    /// # Errors
    ///
    /// Nothing can be written there.
    pub fn new(mut to: W) -> io::Result<Self> {
        write!(
            to,
            "{{\n  \"format_version\": \"{FORMAT_VERSION}\",\n  \"baseline\": ["
        )?;
        Ok(Self { to, any: false })
    }

    /// Adds a finding.
    ///
    /// # Errors
    ///
    /// Nothing more can be written there.
    pub fn add(&mut self, finding: &Finding) -> io::Result<()> {
        let Finding {
            rule,
            server,
            subject,
            ..
        } = finding;
        let line =
            json!({ "id": finding.id(), "rule": rule, "server": server, "subject": subject });
        let comma = if self.any { "," } else { "" };
        self.any = true;
        write!(self.to, "{comma}\n    {line}")
    }

    /// Ends it.
    ///
    /// # Errors
    ///
    /// Nothing more can be written there.
    pub fn end(mut self) -> io::Result<()> {
        let end = if self.any { "\n  " } else { "" };
        write!(self.to, "{end}]\n}}\n")?;
        self.to.flush()
    }
}

#[cfg(test)]
mod tests {
    use atl_tokens::Severity;

    use super::*;

    fn finding(subject: &str) -> Finding {
        Finding {
            rule: "ATL-2LO-ON".to_owned(),
            severity: Severity::Low,
            server: "jira".to_owned(),
            subject: subject.to_owned(),
            message: "whatever".to_owned(),
            advice: "whatever".to_owned(),
        }
    }

    fn written(findings: &[Finding]) -> String {
        let mut text = Vec::new();
        let mut writer = BaselineWriter::new(&mut text).unwrap();
        findings
            .iter()
            .try_for_each(|finding| writer.add(finding))
            .and_then(|()| writer.end())
            .unwrap();
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn what_is_written_is_read() {
        assert_eq!(
            written(&[]),
            "{\n  \"format_version\": \"1.0\",\n  \"baseline\": []\n}\n"
        );
        assert!(
            !Baseline::read(written(&[]).as_bytes())
                .unwrap()
                .has(&finding("a"))
        );
        let text = written(&[finding("consumer \"a\"\n"), finding("b")]);
        assert!(
            text.contains(r#""rule":"ATL-2LO-ON","server":"jira","subject":"b"}"#),
            "{text}"
        );
        let baseline = Baseline::read(text.as_bytes()).unwrap();
        assert!(baseline.has(&finding("consumer \"a\"\n")) && baseline.has(&finding("b")));
        assert!(!baseline.has(&finding("c")));
        let said_otherwise = Finding {
            message: "in other words".to_owned(),
            severity: Severity::High,
            ..finding("b")
        };
        assert!(baseline.has(&said_otherwise));
    }

    #[test]
    fn what_is_no_baseline_is_refused() {
        for text in ["", "{}", "[]", r#"{"format_version":"1.0","findings":[]}"#] {
            let error = Baseline::read(text.as_bytes()).unwrap_err();
            assert!(error.to_string().starts_with("not a baseline: "), "{text}");
        }
        let later = r#"{"format_version":"2.0","baseline":[]}"#;
        let error = Baseline::read(later.as_bytes()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "a baseline of format version 2.0, which this version does not read"
        );
    }
}

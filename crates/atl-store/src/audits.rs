//! Audits, as values: what was found each time, kept as what came and what went.

use jiff::Timestamp;

/// An audit that is in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditMade {
    /// Its number: later ones have higher ones.
    pub number: i64,
    /// When.
    pub made: Timestamp,
    /// How many grants and findings there were.
    pub rows: u64,
}

/// What a row of an audit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AuditKind {
    /// A finding.
    Finding,
    /// A grant.
    Grant,
}

impl AuditKind {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Finding => "finding",
            Self::Grant => "grant",
        }
    }
}

/// A row of an audit: a grant or a finding, in words that the caller understands and this does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRow {
    /// What it is known by among its kind.
    pub key: String,
    /// What it says.
    pub body: String,
}

/// How the rows of an audit differ from those of the one before.
pub struct Comparison<'a> {
    /// Whether both bodies say the same.
    pub same: &'a dyn Fn(&str, &str) -> bool,
    /// Whether a row that the new audit does not have stays, since that audit could not look where it was.
    pub stays: &'a dyn Fn(AuditKind, &AuditRow) -> bool,
}

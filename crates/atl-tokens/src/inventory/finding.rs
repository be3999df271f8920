//! What a rule found.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Low,
    /// To be mended.
    Medium,
    /// To be mended now.
    High,
}

impl Severity {
    /// The word for it: `low`, `medium` or `high`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// What a rule found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The id of the rule, such as `ATL-KEY-WEAK`.
    pub rule: String,
    /// How much it matters.
    pub severity: Severity,
    /// The server's name.
    pub server: String,
    /// What it is about, such as `consumer deploy-bot` or `grant 0a1b2c3d4e5f`: with rule and server it names the finding.
    pub subject: String,
    /// What is the case.
    pub message: String,
    /// What to do about it.
    pub advice: String,
}

impl Finding {
    /// A short stable id, by which a baseline knows it again.
    pub fn id(&self) -> String {
        finding_id(&self.rule, &self.server, &self.subject)
    }
}

/// The id of the finding of this rule, on this server, about this: the first 12 hex digits of the SHA-256 of the three.
pub fn finding_id(rule: &str, server: &str, subject: &str) -> String {
    use std::fmt::Write as _;
    let digest = Sha256::digest(format!("{rule}\n{server}\n{subject}"));
    digest[..6].iter().fold(String::new(), |mut id, byte| {
        write!(id, "{byte:02x}").ok();
        id
    })
}

//! What became of grants, whichever way led to them.

use atl_tokens::{Coverage, GrantEntry};
use serde::Serialize;

use super::way::Way;
use crate::{grant::FailedGrant, plan::FORMAT_VERSION};

/// A grant, and the way that it is revoked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RevokedGrant {
    /// The grant.
    #[serde(flatten)]
    pub grant: GrantEntry,
    /// The way; `None` where none leads to it.
    pub way: Option<Way>,
}

/// What became of grants, whichever way led to them.
#[derive(Debug, Clone, Serialize)]
pub struct RevocationReport {
    /// `1.0`.
    pub format_version: &'static str,
    /// The grants.
    pub grants: Vec<RevokedGrant>,
    /// What was not revoked, and why.
    pub failed: Vec<FailedGrant>,
    /// What the sources could see, and what not.
    pub coverage: Vec<Coverage>,
}

impl RevocationReport {
    /// A report of these, none of which failed.
    pub fn new(grants: Vec<RevokedGrant>) -> Self {
        Self {
            format_version: FORMAT_VERSION,
            grants,
            failed: Vec::new(),
            coverage: Vec::new(),
        }
    }
}

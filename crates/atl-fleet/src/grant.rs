//! Grants as reports show them (cli.md section 3).

use atl_store::{GrantRow, GrantState};
use atl_tokens::{GrantEntry, GrantKind, GrantStatus, SourceKind};
use jiff::Timestamp;
use serde::Serialize;

use crate::{plan::FORMAT_VERSION, trouble::Trouble, wanted::Consumer};

/// A grant of the store as reports show it; `consumers` know the names that servers show.
pub(crate) fn grant_entry(row: &GrantRow, consumers: &[Consumer]) -> GrantEntry {
    let shown = consumers
        .iter()
        .find(|consumer| consumer.name == row.consumer)
        .map_or(&row.consumer, |consumer| &consumer.display_name);
    let kind = GrantKind::Oauth1;
    GrantEntry {
        consumer: Some(row.consumer.clone()),
        consumer_key: Some(row.consumer_key.clone()),
        consumer_name: Some(shown.clone()),
        created: Some(seconds(row.created)),
        expires: row.expires().map(seconds),
        renewable_until: row.session_ends().filter(|_| row.renewable).map(seconds),
        checked: row.checked.map(seconds),
        status: status_of(row.state),
        note: row.note.clone(),
        ..GrantEntry::new(kind, &row.id, &row.server, &row.user, SourceKind::Store)
    }
}

/// The status of a grant that stands like this.
fn status_of(state: GrantState) -> GrantStatus {
    match state {
        GrantState::Active => GrantStatus::Active,
        GrantState::Expired => GrantStatus::Expired,
        GrantState::Rejected => GrantStatus::Rejected,
        GrantState::Unknown => GrantStatus::Unknown,
    }
}

/// A time without its fraction.
fn seconds(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

/// A grant that could not be had, looked at, renewed or revoked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FailedGrant {
    /// The server's name.
    pub server: String,
    /// The consumer's name in the fleet file.
    pub consumer: String,
    /// Whose grant.
    pub user: String,
    /// The grant, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Why.
    pub error: Trouble,
}

/// What became of grants.
#[derive(Debug, Clone, Serialize)]
pub struct GrantReport {
    /// `1.0`.
    pub format_version: &'static str,
    /// The grants, by server, consumer and user.
    pub grants: Vec<GrantEntry>,
    /// What failed.
    pub failed: Vec<FailedGrant>,
}

impl GrantReport {
    /// A report of these.
    pub fn new(grants: Vec<GrantEntry>, failed: Vec<FailedGrant>) -> Self {
        Self {
            format_version: FORMAT_VERSION,
            grants,
            failed,
        }
    }
}

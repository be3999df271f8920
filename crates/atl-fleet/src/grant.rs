//! Grants as reports show them (cli.md section 3).

use atl_store::{GrantRow, GrantState};
use jiff::Timestamp;
use serde::Serialize;

use crate::{plan::FORMAT_VERSION, trouble::Trouble, wanted::Consumer};

/// A grant, without its token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GrantEntry {
    /// The first 12 hex digits of the SHA-256 of the access token.
    pub id: String,
    /// `oauth1`.
    pub kind: &'static str,
    /// The server's name.
    pub server: String,
    /// Who gave it.
    pub user: String,
    /// The consumer's name in the fleet file.
    pub consumer: String,
    /// The consumer key.
    pub consumer_key: String,
    /// The name that the servers show.
    pub consumer_name: String,
    /// When it was given.
    pub created: Timestamp,
    /// When it was last used; the servers do not say.
    pub last_used: Option<Timestamp>,
    /// When it expires, as far as the server said.
    pub expires: Option<Timestamp>,
    /// Until when it can be renewed, as far as the server said.
    pub renewable_until: Option<Timestamp>,
    /// When the status was last asked for.
    pub checked: Option<Timestamp>,
    /// Where it stands.
    pub status: GrantState,
    /// What to know of the status.
    pub note: Option<String>,
    /// The first source that saw it.
    pub source: &'static str,
    /// All sources that saw it.
    pub sources: Vec<&'static str>,
}

impl GrantEntry {
    /// A grant of the store; `consumers` know the names that servers show.
    pub(crate) fn of_store(row: &GrantRow, consumers: &[Consumer]) -> Self {
        let shown = consumers
            .iter()
            .find(|consumer| consumer.name == row.consumer)
            .map_or(&row.consumer, |consumer| &consumer.display_name);
        Self {
            id: row.id.clone(),
            kind: "oauth1",
            server: row.server.clone(),
            user: row.user.clone(),
            consumer: row.consumer.clone(),
            consumer_key: row.consumer_key.clone(),
            consumer_name: shown.clone(),
            created: seconds(row.created),
            last_used: None,
            expires: row.expires().map(seconds),
            renewable_until: row.session_ends().filter(|_| row.renewable).map(seconds),
            checked: row.checked.map(seconds),
            status: row.state,
            note: row.note.clone(),
            source: "store",
            sources: vec!["store"],
        }
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

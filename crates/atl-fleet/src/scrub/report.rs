//! What `scrub` reports.

use atl_store::GrantState;
use serde::Serialize;

use super::{fate::Fate, look::Copied};
use crate::{known::Known, plan::Status, trouble::Trouble};

/// What is to become of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ScrubAction {
    /// It goes, with its consumer and every grant of that consumer key.
    Remove,
    /// It stays, and its consumer is registered again, which ends every grant.
    Keep,
    /// It is made again at another URL with the same consumer, which ends every grant.
    Repoint,
    /// Nothing.
    None,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Scrubbing {
    /// It is so, and was read back.
    Done,
    /// It failed.
    Failed,
    /// It was not tried.
    Skipped,
}

/// A link that came along.
#[derive(Debug, Clone, Serialize)]
pub struct ScrubbedLink {
    /// Its id.
    pub link_id: String,
    /// Its name.
    pub name: String,
    /// Its application URL; system links have none.
    pub url: Option<String>,
    /// Its `typeId`.
    #[serde(rename = "type")]
    pub type_id: String,
    /// The consumer key that it carries.
    pub consumer_key: Option<String>,
    /// The name of its consumer.
    pub consumer_name: Option<String>,
    /// Two-legged OAuth: `off`, `on` or `impersonation`; `None` where there is no consumer.
    pub two_legged: Option<&'static str>,
    /// The providers of outgoing authentication.
    pub outgoing: Vec<String>,
    /// The consumer of the fleet file that it is for, by URL and consumer key.
    pub managed_as: Option<String>,
    /// How many living grants of its consumer key on this server the store knows; there may be more.
    pub grants_known: u64,
    /// What is to become of it.
    pub action: ScrubAction,
    /// The application URL that it is to have where it is re-pointed.
    pub to: Option<String>,
    /// What deserves saying about it.
    pub note: Option<String>,
    /// How it ended; `None` where it was only looked at, or there was nothing to do.
    pub result: Option<Scrubbing>,
    /// Why it failed.
    pub error: Option<Trouble>,
}

impl ScrubbedLink {
    pub(super) fn new(copied: &Copied, known: &Known, server_url: &str) -> Self {
        let link = &copied.link;
        let key = copied
            .consumer
            .as_ref()
            .map(|consumer| consumer.key.clone());
        Self {
            link_id: link.id.clone(),
            name: link.name.clone(),
            url: link.rpc_url.clone(),
            type_id: link.type_id.clone(),
            consumer_name: copied
                .consumer
                .as_ref()
                .map(|consumer| consumer.name.clone()),
            two_legged: copied.consumer.as_ref().map(|_| copied.two_legged_word()),
            outgoing: copied.outgoing.clone(),
            managed_as: copied.named.clone(),
            grants_known: key
                .as_deref()
                .map_or(0, |key| known.living_grants(server_url, key)),
            consumer_key: key,
            action: match copied.fate {
                Fate::Remove => ScrubAction::Remove,
                Fate::Keep => ScrubAction::Keep,
                Fate::Repoint { .. } => ScrubAction::Repoint,
                Fate::None => ScrubAction::None,
            },
            to: match &copied.fate {
                Fate::Repoint { to } => Some(to.clone()),
                _ => None,
            },
            note: copied.note.clone(),
            result: None,
            error: None,
        }
    }

    /// Whether there is anything to write for it.
    pub fn is_to_be_written(&self) -> bool {
        self.action != ScrubAction::None
    }
}

/// What came along and cannot be ended from here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NotReached {
    /// What.
    pub what: String,
    /// What to do about it.
    pub advice: String,
}

/// What was found on a copy, and what became of it.
#[derive(Debug, Clone, Serialize)]
pub struct ScrubReport {
    /// The server.
    pub server: String,
    /// How it went.
    pub status: Status,
    /// Why it is not `ok`, the first reason.
    pub error: Option<Trouble>,
    /// Every link, in the order of the server.
    pub links: Vec<ScrubbedLink>,
    /// What came along and cannot be ended from here.
    pub not_reached: Vec<NotReached>,
    /// What deserves a warning.
    pub warnings: Vec<String>,
}

impl ScrubReport {
    pub(super) fn new(server: &str) -> Self {
        Self {
            server: server.to_owned(),
            status: Status::Ok,
            error: None,
            links: Vec::new(),
            not_reached: not_reached(),
            warnings: Vec::new(),
        }
    }

    /// Notes a failure: where all end alike it is that status, else `failed`.
    pub(super) fn note(&mut self, trouble: Trouble) {
        self.status = match self.status {
            Status::Ok => trouble.status,
            status if status == trouble.status => status,
            _ => Status::Failed,
        };
        self.error.get_or_insert(trouble);
    }

    /// Notes the grants that the store still knows on this server once everything else is gone.
    pub(super) fn note_left_grants(&mut self, known: &Known, server_url: &str) {
        let left = known
            .grants
            .iter()
            .filter(|row| row.server_url == server_url && row.state != GrantState::Rejected)
            .count();
        if left > 0 {
            self.not_reached.push(NotReached {
                what: format!(
                    "{left} grants that the store knows on this server, of consumer keys that no link carries"
                ),
                advice: "see `atl-admin tokens list --source store`, and end them with `atl-admin tokens revoke`"
                    .to_owned(),
            });
        }
    }
}

/// What no administrator can reach over REST (protocol.md 1.7, 3.5, 4).
fn not_reached() -> Vec<NotReached> {
    [
        (
            "consumers that no link carries any more, and the grants of those (orphans)",
            "they are in the database only: delete their rows in the copy's, or let the grants expire",
        ),
        (
            "OAuth 2.0 grants and clients (incoming links of the newer kind)",
            "remove the incoming and outgoing OAuth 2.0 links in the admin pages of the copy",
        ),
        (
            "personal access tokens of users, and HTTP access tokens of Bitbucket",
            "revoke them as the users that own them, or delete their rows in the copy's database",
        ),
    ]
    .map(|(what, advice)| NotReached {
        what: what.to_owned(),
        advice: advice.to_owned(),
    })
    .into()
}

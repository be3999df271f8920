//! One grant, without its token.

use std::fmt::Write as _;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::moment;

/// What kind of token a grant is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GrantKind {
    /// An OAuth 1.0a access token that a user gave to a consumer.
    Oauth1,
    /// An OAuth 2 refresh token that a user gave to a client.
    Oauth2,
    /// A personal access token that a user made.
    Pat,
}

/// Where a grant was seen; the order is that in which sources are believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SourceKind {
    /// The store of this tool: grants that it made.
    Store,
    /// The database of the product.
    Database,
    /// The REST API for personal access tokens.
    Pat,
    /// A user's own page, read as that user through an auditor consumer.
    Impersonated,
    /// The page of the account that is signed in.
    Page,
    /// An export of the database that was imported.
    Export,
}

/// Where a grant stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GrantStatus {
    /// The server has it, and its time is not over as far as is known.
    Active,
    /// Its time is over.
    Expired,
    /// The server does not accept it any more.
    Rejected,
    /// Not known.
    Unknown,
}

impl GrantStatus {
    /// The word for it: `active`, `expired`, `rejected` or `unknown`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Expired => "expired",
            Self::Rejected => "rejected",
            Self::Unknown => "unknown",
        }
    }
}

impl SourceKind {
    /// Every source, in the order in which they are believed.
    pub const ALL: [Self; 6] = [
        Self::Store,
        Self::Database,
        Self::Pat,
        Self::Impersonated,
        Self::Page,
        Self::Export,
    ];

    /// The word for it, such as `store`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Store => "store",
            Self::Database => "database",
            Self::Pat => "pat",
            Self::Impersonated => "impersonated",
            Self::Page => "page",
            Self::Export => "export",
        }
    }
}

/// Where the user of a grant stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UserStatus {
    /// The user may log in.
    Active,
    /// The user may not log in any more.
    Inactive,
    /// The server knows no such user any more.
    Unknown,
}

/// A grant, without its token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantEntry {
    /// The first 12 hex digits of the SHA-256 of the OAuth 1 access token; of other kinds see [`server_side_id`].
    pub id: String,
    /// What it is.
    pub kind: GrantKind,
    /// The server's name.
    pub server: String,
    /// Who gave it: the user name, or the user key where the user is gone.
    pub user: String,
    /// Where that user stands, where a source says.
    pub user_status: Option<UserStatus>,
    /// The consumer's name in the fleet file, where it is one of the file.
    pub consumer: Option<String>,
    /// The consumer key, where a source says.
    pub consumer_key: Option<String>,
    /// The name that the server shows of the consumer or client.
    pub consumer_name: Option<String>,
    /// Whether the server still has the consumer; without it the grant is an orphan.
    pub consumer_registered: Option<bool>,
    /// The name of a personal access token.
    pub name: Option<String>,
    /// What an OAuth 2 client or the bearer of a token may do.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// When it was given.
    #[serde(default, with = "moment::packed")]
    pub created: Option<Timestamp>,
    /// Whether `created` may be off by up to a day, since a page shows it in an unknown time zone.
    #[serde(default)]
    pub created_approximate: bool,
    /// The words of a page for that time, where they were not understood.
    #[serde(default)]
    pub created_shown: Option<String>,
    /// When it was last used, where a source says.
    #[serde(default, with = "moment::packed")]
    pub last_used: Option<Timestamp>,
    /// Whether a source that knows of uses said that there was none.
    #[serde(default)]
    pub never_used: bool,
    /// When it expires, as far as a source said.
    #[serde(default, with = "moment::packed")]
    pub expires: Option<Timestamp>,
    /// Whether a source said that it never expires.
    #[serde(default)]
    pub endless: bool,
    /// Until when it can be renewed, as far as the server said.
    #[serde(default, with = "moment::packed")]
    pub renewable_until: Option<Timestamp>,
    /// When the status was last asked for.
    #[serde(default, with = "moment::packed")]
    pub checked: Option<Timestamp>,
    /// Where it stands.
    pub status: GrantStatus,
    /// What to know of the status.
    pub note: Option<String>,
    /// What the server itself calls a grant that is no OAuth 1 token: by this it is revoked. It lets nobody in.
    #[serde(default)]
    pub handle: Option<String>,
    /// The first source that saw it.
    pub source: SourceKind,
    /// All sources that saw it.
    pub sources: Vec<SourceKind>,
}

impl GrantEntry {
    /// A grant of which only this is known; its status is unknown.
    pub fn new(
        kind: GrantKind,
        id: impl Into<String>,
        server: impl Into<String>,
        user: impl Into<String>,
        source: SourceKind,
    ) -> Self {
        Self {
            id: id.into(),
            kind,
            server: server.into(),
            user: user.into(),
            user_status: None,
            consumer: None,
            consumer_key: None,
            consumer_name: None,
            consumer_registered: None,
            name: None,
            scopes: Vec::new(),
            created: None,
            created_approximate: false,
            created_shown: None,
            last_used: None,
            never_used: false,
            expires: None,
            endless: false,
            renewable_until: None,
            checked: None,
            status: GrantStatus::Unknown,
            note: None,
            handle: None,
            source,
            sources: vec![source],
        }
    }

    /// What one grant is recognised by, whichever source saw it.
    pub fn key(&self) -> String {
        let kind = match self.kind {
            GrantKind::Oauth1 => 1,
            GrantKind::Oauth2 => 2,
            GrantKind::Pat => 3,
        };
        format!("{}/{kind}/{}", self.server, self.id)
    }

    /// Takes over what another source says of the same grant: each field from the source that is believed first, the
    /// status from a server rather than from memory.
    #[must_use]
    pub fn merged(self, other: Self) -> Self {
        let (mut first, second) = if self.source <= other.source {
            (self, other)
        } else {
            (other, self)
        };
        let told = |grant: &Self| (grant.status != GrantStatus::Unknown, !grant.is_remembered());
        if told(&second) > told(&first) {
            (first.status, first.note) = (second.status, second.note);
        }
        // A time that a page shows gives way to one that is exact.
        if first.created.is_none() || (first.created_approximate && second.created.is_some()) {
            first.created = second.created;
            first.created_approximate = second.created_approximate;
        }
        first.created_shown = first
            .created_shown
            .or(second.created_shown)
            .filter(|_| first.created.is_none());
        if first.user_status.is_none() {
            first.user_status = second.user_status;
        }
        first.consumer = first.consumer.or(second.consumer);
        first.consumer_key = first.consumer_key.or(second.consumer_key);
        first.consumer_name = first.consumer_name.or(second.consumer_name);
        first.consumer_registered = first.consumer_registered.or(second.consumer_registered);
        first.name = first.name.or(second.name);
        if first.scopes.is_empty() {
            first.scopes = second.scopes;
        }
        first.last_used = first.last_used.max(second.last_used);
        first.never_used = (first.never_used || second.never_used) && first.last_used.is_none();
        first.expires = first.expires.or(second.expires);
        first.endless |= second.endless;
        first.renewable_until = first.renewable_until.or(second.renewable_until);
        first.checked = first.checked.max(second.checked);
        first.handle = first.handle.or(second.handle);
        first.sources.extend(second.sources);
        first.sources.sort_unstable();
        first.sources.dedup();
        first
    }

    /// Whether only a memory says where it stands: the store or an export, not the server now.
    pub fn is_remembered(&self) -> bool {
        matches!(self.source, SourceKind::Store | SourceKind::Export)
    }

    /// The same as of a moment: what counted as active may have come to its end.
    #[must_use]
    pub fn as_of(mut self, now: Timestamp) -> Self {
        if self.status == GrantStatus::Active && self.expires.is_some_and(|end| end < now) {
            self.status = GrantStatus::Expired;
        }
        self
    }
}

/// The id of a grant whose token nobody but its user ever sees: the first 12 hex digits of the SHA-256 of its kind, the
/// base URL of its server, and what the server calls it.
pub fn server_side_id(kind: GrantKind, base_url: &str, handle: &str) -> String {
    let kind = match kind {
        GrantKind::Oauth1 => "oauth1",
        GrantKind::Oauth2 => "oauth2",
        GrantKind::Pat => "pat",
    };
    let digest = Sha256::digest(format!("{kind}\n{base_url}\n{handle}"));
    digest[..6].iter().fold(String::new(), |mut id, byte| {
        let _infallible = write!(id, "{byte:02x}");
        id
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(source: SourceKind, status: GrantStatus) -> GrantEntry {
        GrantEntry {
            status,
            ..GrantEntry::new(GrantKind::Oauth1, "0123456789ab", "jira", "alice", source)
        }
    }

    #[test]
    fn the_first_source_names_itself_and_the_others_fill_in() {
        let page = GrantEntry {
            consumer_name: Some("Deploy bot".to_owned()),
            created: Timestamp::from_second(86_400).ok(),
            created_approximate: true,
            ..seen(SourceKind::Page, GrantStatus::Active)
        };
        let database = GrantEntry {
            consumer_key: Some("deploy-bot".to_owned()),
            created: Timestamp::from_second(90_000).ok(),
            expires: Timestamp::from_second(100_000).ok(),
            ..seen(SourceKind::Database, GrantStatus::Expired)
        };
        for merged in [page.clone().merged(database.clone()), database.merged(page)] {
            assert_eq!(merged.source, SourceKind::Database);
            assert_eq!(merged.sources, [SourceKind::Database, SourceKind::Page]);
            assert_eq!(merged.consumer_name.as_deref(), Some("Deploy bot"));
            assert_eq!(merged.consumer_key.as_deref(), Some("deploy-bot"));
            assert_eq!(merged.created, Timestamp::from_second(90_000).ok());
            assert!(!merged.created_approximate);
            assert_eq!(merged.status, GrantStatus::Expired);
        }
    }

    #[test]
    fn a_server_is_believed_before_a_memory() {
        let merged =
            |one, other| seen(SourceKind::Store, one).merged(seen(SourceKind::Page, other));
        let status = |one, other| merged(one, other).status;
        assert_eq!(
            status(GrantStatus::Rejected, GrantStatus::Active),
            GrantStatus::Active
        );
        assert_eq!(
            status(GrantStatus::Rejected, GrantStatus::Unknown),
            GrantStatus::Rejected
        );
    }

    #[test]
    fn ids_of_the_server_differ_by_kind_and_server() {
        let id = |kind, url| server_side_id(kind, url, "7");
        let one = id(GrantKind::Pat, "https://jira.example.com");
        assert_eq!(one.len(), 12);
        assert_ne!(one, id(GrantKind::Oauth2, "https://jira.example.com"));
        assert_ne!(one, id(GrantKind::Pat, "https://wiki.example.com"));
    }
}

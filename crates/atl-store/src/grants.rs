//! Grants: access tokens, who gave them to which consumer, and what the server said about their end.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

/// Where a grant stands, as the server last said it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GrantState {
    /// A call signed with it was accepted.
    Active,
    /// The server says that it has expired.
    Expired,
    /// The server does not accept it any more: revoked, replaced, or its consumer or user is gone.
    Rejected,
    /// Not known, for the reason in the note.
    Unknown,
}

impl GrantState {
    /// The word for it: `active`, `expired`, `rejected` or `unknown`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Expired => "expired",
            Self::Rejected => "rejected",
            Self::Unknown => "unknown",
        }
    }

    pub(crate) fn from_word(word: &str) -> Option<Self> {
        [Self::Active, Self::Expired, Self::Rejected, Self::Unknown]
            .into_iter()
            .find(|state| state.as_str() == word)
    }
}

/// A grant, without its secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantRow {
    /// A short stable id: the first 12 hex digits of the SHA-256 of the access token.
    pub id: String,
    /// The consumer's name in the fleet file.
    pub consumer: String,
    /// The consumer key.
    pub consumer_key: String,
    /// The server's name in the fleet file, for people.
    pub server: String,
    /// The server's base URL, which identifies it.
    pub server_url: String,
    /// The user who gave it, as the server spells the name.
    pub user: String,
    /// When the user gave it.
    pub created: Timestamp,
    /// When the server issued this access token: `created`, or the last renewal.
    pub issued: Timestamp,
    /// `oauth_expires_in`: so many seconds after `issued` the access token expires.
    pub expires_in: Option<u64>,
    /// `oauth_authorization_expires_in`: so many seconds after `issued` it can no longer be renewed.
    pub session_expires_in: Option<u64>,
    /// Whether there is a session handle to renew it with.
    pub renewable: bool,
    /// Where it stands.
    pub state: GrantState,
    /// When the server said so.
    pub checked: Option<Timestamp>,
    /// What a reader should know of the state, such as that an answer was lost.
    pub note: Option<String>,
}

impl GrantRow {
    /// When the access token expires, as far as the server said.
    pub fn expires(&self) -> Option<Timestamp> {
        after(self.issued, self.expires_in?)
    }

    /// Until when it can be renewed, as far as the server said.
    pub fn session_ends(&self) -> Option<Timestamp> {
        after(self.issued, self.session_expires_in?)
    }
}

fn after(start: Timestamp, seconds: u64) -> Option<Timestamp> {
    let span = SignedDuration::from_secs(i64::try_from(seconds).ok()?);
    start.checked_add(span).ok()
}

/// What of a grant is sealed.
#[derive(Clone)]
pub struct GrantSecrets {
    /// The access token.
    pub token: SecretString,
    /// Its secret, which RSA-SHA1 does not use.
    pub secret: SecretString,
    /// The session handle, where there is one.
    pub session_handle: Option<SecretString>,
}

impl GrantSecrets {
    /// Whether both are the same texts.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let texts = |of: &Self| {
            [
                Some(&of.token),
                Some(&of.secret),
                of.session_handle.as_ref(),
            ]
            .map(|text| {
                text.map(|text| text.expose_secret().to_owned())
                    .map(Zeroizing::new)
            })
        };
        texts(self) == texts(other)
    }
}

impl fmt::Debug for GrantSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GrantSecrets").finish_non_exhaustive()
    }
}

//! Why grants were not listed or not revoked.

use std::{fmt, time::Duration};

use atl_client::{ClientError, Failure};
use atl_oauth::OauthError;
use atl_store::{OutsideError, StoreError};

use crate::{RedactedPage, Strange};

/// Why grants were not listed or not revoked. It names a grant by its id, never by its token.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokensError {
    /// The request failed.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The signed call failed, or was refused for another reason than its token.
    #[error(transparent)]
    Oauth(#[from] OauthError),
    /// What should be the page of access tokens cannot be read as one. This never means that there are none.
    #[error("{server}: the page of access tokens was not understood: {saw}")]
    NotUnderstood {
        /// The server.
        server: Box<str>,
        /// Where the page is.
        page: Box<str>,
        /// What it is instead.
        saw: Strange,
        /// A copy of it without its secrets, for whoever is to find out why.
        redacted: RedactedPage,
    },
    /// An expired token cannot sign its own revocation.
    #[error("{server}: grant {id} has expired, so it cannot revoke itself")]
    Expired {
        /// The server.
        server: Box<str>,
        /// The grant.
        id: Box<str>,
        /// Where its user can remove it.
        page: Box<str>,
    },
    /// A grant is revoked by the user who gave it and by nobody else.
    #[error("{server}: `{account}` may not revoke grant {id}: another user gave it")]
    NotTheirs {
        /// The server.
        server: Box<str>,
        /// Who is signed in.
        account: Box<str>,
        /// The grant.
        id: Box<str>,
    },
    /// A call as a user was taken for that of another.
    #[error("{server}: a call as `{wanted}` was taken for one of `{actual}`")]
    SomebodyElse {
        /// The server.
        server: Box<str>,
        /// Whose it was to be.
        wanted: Box<str>,
        /// Whose it was.
        actual: Box<str>,
    },
    /// The server knows no such user, so nobody can act as that user.
    #[error("{server}: there is no user `{user}`")]
    UnknownUser {
        /// The server.
        server: Box<str>,
        /// The user.
        user: Box<str>,
    },
    /// Nobody can act as this user.
    #[error(
        "{server}: no call can be made as `{user}`: the user may not log in, or the consumer may not impersonate"
    )]
    NotAllowed {
        /// The server.
        server: Box<str>,
        /// The user.
        user: Box<str>,
    },
    /// It is not known how this product lists its users.
    #[error("{server}: it is not known how this product lists its users")]
    NoUserList {
        /// The server.
        server: Box<str>,
    },
    /// A list that comes in parts does not end.
    #[error("{server}: {what} gives the same part of its list again and again")]
    Endless {
        /// The server.
        server: Box<str>,
        /// `METHOD path`.
        what: Box<str>,
    },
    /// A personal access token that nobody but its user can delete.
    #[error(
        "{server}: personal access tokens of this product are seen and deleted by their own users only"
    )]
    OwnersOnly {
        /// The server.
        server: Box<str>,
    },
    /// The server did not say that it revoked the grant.
    #[error("{server}: the revocation of grant {id} was answered with {status} and {got}")]
    NotRevoked {
        /// The server.
        server: Box<str>,
        /// The grant.
        id: Box<str>,
        /// Where its user can remove it.
        page: Box<str>,
        /// The status.
        status: u16,
        /// What came with it.
        got: Unexpected,
    },
    /// The database of a product could not be read.
    #[error("{server}: its database could not be read")]
    Database {
        /// The server.
        server: Box<str>,
        /// The cause.
        #[source]
        source: Box<OutsideError>,
    },
    /// The database is not that of a Jira.
    #[error(
        "{server}: the database `{database}` is not that of a Jira: it has no tables `oauthsptoken` and `oauthspconsumer`"
    )]
    NoJira {
        /// The server.
        server: Box<str>,
        /// The database.
        database: Box<str>,
        /// Whether it seems to be that of a Confluence.
        confluence: bool,
    },
    /// The database has the tables of a Jira more than once.
    #[error("{server}: the database `{database}` has the tables of a Jira in several schemas: {}", schemas.join(", "))]
    SeveralJiras {
        /// The server.
        server: Box<str>,
        /// The database.
        database: Box<str>,
        /// The schemas.
        schemas: Vec<String>,
    },
    /// The store could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Nothing was imported for the server.
    #[error("{server}: no export of its database was imported")]
    NothingImported {
        /// The server.
        server: Box<str>,
    },
    /// The database server is too old to compute digests.
    #[error(
        "{server}: the database `{database}` is on PostgreSQL {version}, which cannot compute a SHA-256"
    )]
    DatabaseTooOld {
        /// The server.
        server: Box<str>,
        /// The database.
        database: Box<str>,
        /// Its major version.
        version: i64,
    },
}

/// What came in place of nothing, which is how a server says that it revoked a grant.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unexpected {
    /// A page for people.
    Page {
        /// Its title.
        title: Option<String>,
    },
    /// Text that is no page.
    Text,
    /// Nothing, with another status.
    Nothing,
}

impl fmt::Display for Unexpected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Page { title: Some(title) } => write!(f, "a page titled `{title}`"),
            Self::Page { title: None } => f.write_str("a page"),
            Self::Text => f.write_str("text that says nothing known"),
            Self::Nothing => f.write_str("nothing else"),
        }
    }
}

impl TokensError {
    /// What went wrong with the database of a server.
    pub(crate) fn database(server: &str, source: OutsideError) -> Self {
        Self::Database {
            server: server.into(),
            source: source.into(),
        }
    }

    /// A stable `snake_case` name for scripts.
    pub fn code(&self) -> &str {
        match self {
            Self::Client(error) => error.code(),
            Self::Oauth(error) => error.code(),
            Self::NotUnderstood { .. } => "page_not_understood",
            Self::Expired { .. } => "grant_expired",
            Self::NotTheirs { .. } => "grant_of_another_user",
            Self::SomebodyElse { .. } => "acts_as_somebody_else",
            Self::UnknownUser { .. } => "unknown_user",
            Self::NotAllowed { .. } => "user_not_allowed",
            Self::NoUserList { .. } => "no_user_list",
            Self::Endless { .. } => "endless_list",
            Self::OwnersOnly { .. } => "owners_only",
            Self::NotRevoked { .. } => "not_revoked",
            Self::Database { source, .. } => source.code(),
            Self::NoJira { .. } => "database_not_jira",
            Self::SeveralJiras { .. } => "database_ambiguous",
            Self::DatabaseTooOld { .. } => "database_too_old",
            Self::Store(error) => error.code(),
            Self::NothingImported { .. } => "nothing_imported",
        }
    }

    /// What to do about it.
    pub fn advice(&self) -> String {
        match self {
            Self::Client(ClientError::Status { status, basic_disabled: false, .. }) => match status {
                401 | 403 => "check that this account may use the server, and that nothing before the server keeps `/plugins/servlet/` from it".into(),
                404 => "check `url` in the fleet file, and that the server's OAuth plugin is enabled".into(),
                _ => "look at the server's log; run it again when it is well".into(),
            },
            Self::Client(error) => error.advice(),
            Self::Oauth(error) => error.advice(),
            Self::NotUnderstood { page, saw: Strange::Other { .. }, .. } => format!(
                "open {page} in a browser as this user: where it is a page of access tokens, please report its HTML without the tokens; where it is not, look for a sign-in portal before the server"
            ),
            Self::NotUnderstood { page, .. } => format!(
                "open {page} in a browser as this user to see and revoke the grants, and please report its HTML without the tokens"
            ),
            Self::Expired { page, .. } => format!(
                "it is of no use as it is, but its session may still renew it: sign in as its user to remove it, or have the user remove it at {page}"
            ),
            Self::Database { source, .. } => source.advice(),
            Self::NoJira { confluence: true, .. } => "it seems to be that of a Confluence: use `tokens sql --product confluence` and `tokens import`".into(),
            Self::NoJira { .. } => "check the name of the database in `database` of the fleet file; only a Jira is read this way".into(),
            Self::SeveralJiras { schemas, .. } => format!(
                "say which one this user is to read: `ALTER ROLE ... SET search_path = \"{}\"`",
                schemas.first().map_or("jira", String::as_str)
            ),
            Self::DatabaseTooOld { .. } => "read from a copy on PostgreSQL 11 or newer; a token is never read to compute its digest here".into(),
            Self::Store(error) => error.advice(),
            Self::NothingImported { server } => format!("run what `atl-admin tokens sql` prints on its database, then `atl-admin tokens import FILE -s {server}`"),
            Self::NotTheirs { .. } => "sign in as the user who gave it, or revoke it with a call that it signs itself".into(),
            Self::SomebodyElse { actual, .. } => format!("the user may have been renamed: try `{actual}`"),
            Self::UnknownUser { .. } => "check the name; where the user was deleted, the server drops the grants with their next use".into(),
            Self::NotAllowed { .. } => "a database or an export shows the grants of such users; they end with the consumer, or when the user may log in again and revokes them".into(),
            Self::NoUserList { .. } => "name the users with `--users FILE`".into(),
            Self::Endless { .. } => "something before the server may drop the query of requests; name the users with `--users FILE`".into(),
            Self::OwnersOnly { .. } => "ask the user to delete it, or have the administrator delete it on the user's page in the administration".into(),
            Self::NotRevoked { page, status, .. } => match status {
                404 | 405 => format!("this server takes no such call: have the user remove the grant at {page}"),
                401 | 403 => format!("the server kept its user out: have the user remove the grant at {page}, or delete the application link"),
                200..300 | 500.. => format!("see with `atl-admin tokens verify` whether it is gone; if not, have the user remove it at {page}"),
                _ => format!("have the user remove the grant at {page}"),
            },
        }
    }

    /// What kind of failure it is.
    pub fn failure(&self) -> Failure {
        match self {
            Self::Client(error) => error.failure(),
            Self::Oauth(error) => error.failure(),
            Self::Expired { .. }
            | Self::NotTheirs { .. }
            | Self::NotAllowed { .. }
            | Self::OwnersOnly { .. }
            | Self::NotRevoked {
                status: 401 | 403, ..
            } => Failure::Refused,
            Self::Database { source, .. } => match **source {
                OutsideError::Refused { .. } | OutsideError::NoRight { .. } => Failure::Refused,
                OutsideError::InvalidUrl { .. } | OutsideError::NotPostgres { .. } => {
                    Failure::Failed
                }
                _ => Failure::Unreachable,
            },
            Self::NotUnderstood { .. }
            | Self::NoJira { .. }
            | Self::SeveralJiras { .. }
            | Self::DatabaseTooOld { .. }
            | Self::SomebodyElse { .. }
            | Self::Endless { .. }
            | Self::NothingImported { .. }
            | Self::NotRevoked {
                status: 200..300 | 500..,
                ..
            } => Failure::Unreachable,
            Self::Store(_)
            | Self::UnknownUser { .. }
            | Self::NoUserList { .. }
            | Self::NotRevoked { .. } => Failure::Failed,
        }
    }

    /// Whether a grant may be revoked although this is an error.
    pub fn may_have_happened(&self) -> bool {
        match self {
            Self::Client(error) => error.may_have_happened(),
            Self::Oauth(error) => error.may_have_happened(),
            Self::NotRevoked { status, .. } => matches!(status, 200..300 | 500..),
            _ => false,
        }
    }

    /// A copy of the page that was not understood, without its secrets.
    pub fn redacted(&self) -> Option<&RedactedPage> {
        match self {
            Self::NotUnderstood { redacted, .. } => Some(redacted),
            _ => None,
        }
    }

    /// Whether the next user is likely to meet the same: the server or the consumer is the matter, not a user or a page.
    pub(crate) fn is_general(&self) -> bool {
        matches!(self, Self::Oauth(_)) && !matches!(self.failure(), Failure::Failed)
            || matches!(self, Self::Client(_)) && matches!(self.failure(), Failure::Unreachable)
    }

    /// How long to wait before the same may succeed, where that may be: a server that is down or busy now need not be later.
    pub(crate) fn may_pass_after(&self) -> Option<Duration> {
        let (Self::Client(error) | Self::Oauth(OauthError::Client(error))) = self else {
            return None;
        };
        match error {
            ClientError::RateLimited { retry_after, .. } => Some(retry_after.unwrap_or_default()),
            ClientError::Connection { .. }
            | ClientError::Status {
                status: 500..=599, ..
            } => Some(Duration::ZERO),
            _ => None,
        }
    }
}

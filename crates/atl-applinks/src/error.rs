//! Why an operation on application links failed.

use atl_client::{ClientError, Failure};

/// Why an operation on application links failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ApplinksError {
    /// The request failed.
    #[error(transparent)]
    Client(#[from] ClientError),

    /// The server's application links are too old to have REST for consumers (protocol.md 0).
    #[error("{server} has application links {version}, which have no REST interface for consumers")]
    UnsupportedVersion {
        /// The server.
        server: String,
        /// Its `applinksVersion`.
        version: String,
    },

    /// The server's application links are older than 5.2 and have no OAuth matrix (protocol.md 1.12).
    #[error(
        "{server} has application links {version}, which have no REST interface for two-legged OAuth"
    )]
    NoMatrix {
        /// The server.
        server: String,
        /// Its `applinksVersion`.
        version: String,
    },

    /// There is no link of this id.
    #[error("{server} has no application link `{id}`")]
    NoSuchLink {
        /// The server.
        server: String,
        /// The id.
        id: String,
    },

    /// A link with this application URL, or with the id computed from it, exists already.
    #[error("{server} already has the application link `{id}` for `{url}`")]
    DuplicateLink {
        /// The server.
        server: String,
        /// The application URL.
        url: String,
        /// The id of the link that is there.
        id: String,
    },

    /// The link was created, but neither the answer nor the list of links says its id.
    #[error("{server} created an application link for `{url}` without telling its id")]
    IdUnknown {
        /// The server.
        server: String,
        /// The application URL.
        url: String,
        /// Why the id could not be found out, unless the server just did not say it.
        source: Option<Box<Self>>,
    },

    /// The link is a system link, which only a system administrator may change.
    #[error("{server} does not let this account change the system link `{id}`")]
    SystemLink {
        /// The server.
        server: String,
        /// The id.
        id: String,
    },

    /// The server refused what was sent.
    #[error("{server} refused {what}: {}", said(.words))]
    Rejected {
        /// The server.
        server: String,
        /// What was sent.
        what: String,
        /// The server's own words.
        words: String,
    },

    /// The server could not read the public key of a consumer.
    #[error("{server} refused the public key of consumer `{key}`: {}", said(.words))]
    InvalidPublicKey {
        /// The server.
        server: String,
        /// The consumer key.
        key: String,
        /// The server's own words.
        words: String,
    },

    /// A field of a consumer is empty that the server cannot do without; nothing was sent.
    #[error("consumer `{key}` for {server} has an empty {field}")]
    EmptyField {
        /// The server.
        server: String,
        /// The consumer key.
        key: String,
        /// `key`, `name` or `public key`.
        field: &'static str,
    },

    /// Only a system administrator may do this.
    #[error("{server} lets only a system administrator set {what}")]
    NeedsSystemAdministrator {
        /// The server.
        server: String,
        /// What was to be set.
        what: &'static str,
    },

    /// Incoming OAuth was to be enabled where no consumer is registered, and the server could not fetch one.
    #[error("{server} has no consumer for the application link `{id}` and could not fetch one")]
    ConsumerUnavailable {
        /// The server.
        server: String,
        /// The id.
        id: String,
    },

    /// The write was done, but the outgoing providers that it disturbed could not be put back.
    #[error("{server} did not take back the outgoing providers of the application link `{id}`")]
    NotRestored {
        /// The server.
        server: String,
        /// The id.
        id: String,
        /// Why.
        source: Box<Self>,
    },

    /// The admin form came back with errors; nothing was saved.
    #[error("{server} refused the admin form of the application link `{id}`: {words}")]
    FormRefused {
        /// The server.
        server: String,
        /// The id.
        id: String,
        /// The server's own words.
        words: String,
    },

    /// The admin form led to another page: sign-in, elevation, or anything else.
    #[error(
        "{server} answered the admin form of the application link `{id}` with a redirect to `{to}`"
    )]
    FormRedirected {
        /// The server.
        server: String,
        /// The id.
        id: String,
        /// The path it led to.
        to: String,
    },

    /// The admin form was answered with a page that is not that form.
    #[error(
        "{server} answered the admin form of the application link `{id}` with the page `{title}`"
    )]
    FormUnreadable {
        /// The server.
        server: String,
        /// The id.
        id: String,
        /// The title of the page.
        title: String,
        /// Whether the form had been sent.
        sent: bool,
    },
}

fn said(words: &str) -> &str {
    if words.is_empty() {
        "no reason given"
    } else {
        words
    }
}

impl ApplinksError {
    /// A stable `snake_case` name for scripts.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Client(error) => error.code(),
            Self::UnsupportedVersion { .. } => "unsupported_version",
            Self::NoMatrix { .. } => "two_legged_unsupported",
            Self::NoSuchLink { .. } => "no_such_link",
            Self::DuplicateLink { .. } => "duplicate_link",
            Self::IdUnknown { .. } => "link_id_unknown",
            Self::SystemLink { .. } => "system_link",
            Self::Rejected { .. } => "rejected",
            Self::InvalidPublicKey { .. } => "invalid_public_key",
            Self::EmptyField { .. } => "empty_field",
            Self::NeedsSystemAdministrator { .. } => "needs_system_administrator",
            Self::ConsumerUnavailable { .. } => "consumer_unavailable",
            Self::NotRestored { .. } => "providers_not_restored",
            Self::FormRefused { .. } => "form_refused",
            Self::FormRedirected { .. } => "form_redirected",
            Self::FormUnreadable { .. } => "form_unreadable",
        }
    }

    /// What to do about it.
    pub fn advice(&self) -> String {
        match self {
            Self::Client(error) => return error.advice(),
            Self::UnsupportedVersion { .. } => {
                "upgrade the product; until then its administration pages are the only way to set up incoming OAuth"
            }
            Self::NoMatrix { .. } => {
                "leave `two_legged` off for this server, set it up in the server's administration pages, or upgrade the product"
            }
            Self::NoSuchLink { .. } => {
                "somebody may have deleted the link just now; run `plan` to see what is there"
            }
            Self::DuplicateLink { .. } => {
                "look at the link with `links show`; use it, delete it, or choose another application URL"
            }
            Self::IdUnknown { .. } => {
                "run the command again: the link is then found by its application URL"
            }
            Self::SystemLink { .. } => {
                "leave the link alone: the product made it for itself; a system administrator could change it"
            }
            Self::Rejected { .. } => {
                "mend what the server complains about and run the command again; nothing was changed"
            }
            Self::InvalidPublicKey { .. } => {
                "the server takes RSA public keys as `BEGIN PUBLIC KEY` only; `keys check FILE` says what a file holds and how to convert it"
            }
            Self::EmptyField { .. } => "fill the field in; the server cannot store a consumer without it",
            Self::NeedsSystemAdministrator { .. } => {
                "use the account of a system administrator for this server, or leave this setting off"
            }
            Self::ConsumerUnavailable { .. } => {
                "register the consumer first, then switch incoming OAuth on"
            }
            Self::NotRestored { source, .. } => {
                return format!(
                    "check the outgoing authentication of this link in the server's administration pages; cause: {}",
                    source.advice()
                );
            }
            Self::FormRefused { .. } => {
                "mend what the server complains about and run the command again; nothing was saved"
            }
            Self::FormRedirected { .. } => {
                "use an account that may administer application links, and sign in once in a browser where the server asks for more than a password"
            }
            Self::FormUnreadable { sent: false, .. } => {
                "open the link in the server's administration pages with the same account and see what stands there instead of the form"
            }
            Self::FormUnreadable { sent: true, .. } => {
                "look at the link in the server's administration pages: the form may or may not have been saved"
            }
        }
        .to_owned()
    }

    /// What kind of failure it is.
    pub fn failure(&self) -> Failure {
        match self {
            Self::Client(error) => error.failure(),
            Self::SystemLink { .. }
            | Self::NeedsSystemAdministrator { .. }
            | Self::FormRedirected { .. } => Failure::Refused,
            Self::FormUnreadable { .. } => Failure::Unreachable,
            Self::NotRestored { source, .. } => source.failure(),
            _ => Failure::Failed,
        }
    }

    /// Whether the write may have taken effect although its answer was lost or unreadable.
    pub fn may_have_happened(&self) -> bool {
        match self {
            Self::Client(error) => error.may_have_happened(),
            Self::IdUnknown { .. } | Self::NotRestored { .. } => true,
            Self::FormUnreadable { sent, .. } => *sent,
            _ => false,
        }
    }
}

//! Application links and their incoming consumers over the admin REST API (protocol.md 1).

use atl_client::{Client, ClientError, Failure};

/// The id a server computes for a generic link from its application URL (protocol.md 1.8), lower case with dashes.
pub fn link_id(_application_url: &str) -> String {
    todo!()
}

/// One application link, as the server lists it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ApplicationLink {
    /// Its id.
    pub id: String,
    /// `generic`, `jira`, ...
    pub type_id: String,
    /// Its name, perhaps suffixed by the server.
    pub name: String,
    /// The display URL.
    pub display_url: String,
    /// The application URL; system links have none.
    pub rpc_url: Option<String>,
    /// Whether it is the primary link of its type.
    pub primary: bool,
    /// Whether it is a system link.
    pub system: bool,
}

/// A generic link to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLink {
    /// The wanted name.
    pub name: String,
    /// Application URL and display URL.
    pub url: String,
}

/// The incoming consumer of a link, as the server prints it (protocol.md 1.3).
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Consumer {
    /// The consumer key.
    pub key: String,
    /// Its name.
    pub name: String,
    /// Its description.
    pub description: Option<String>,
    /// The public key: bare base64 of the `SubjectPublicKeyInfo` DER.
    pub public_key: Option<String>,
    /// The registered callback.
    pub callback: Option<String>,
    /// Whether two-legged OAuth is on.
    pub two_lo_allowed: bool,
    /// The user that two-legged calls run as.
    pub executing_two_lo_user: Option<String>,
    /// Whether two-legged OAuth with impersonation is on.
    pub two_lo_impersonation_allowed: bool,
}

/// A consumer to register (protocol.md 1.7: the fields a generic link applies).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewConsumer {
    /// The consumer key.
    pub key: String,
    /// Its name; the server answers 500 without one.
    pub name: String,
    /// Its description.
    pub description: Option<String>,
    /// The public key: bare base64 of the `SubjectPublicKeyInfo` DER.
    pub public_key: String,
    /// The callback.
    pub callback: Option<String>,
}

/// One half of the OAuth matrix (protocol.md 1.12).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Flags {
    /// OAuth (three-legged) is on.
    pub enabled: bool,
    /// Two-legged OAuth is on.
    pub two_lo: bool,
    /// Two-legged OAuth with impersonation is on.
    pub two_lo_impersonation: bool,
}

/// The OAuth matrix of a link (protocol.md 1.12).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Matrix {
    /// What the server lets in.
    pub incoming: Flags,
    /// What the server sends out; echoed on every write.
    pub outgoing: Flags,
}

/// An outgoing authentication provider of a link (protocol.md 1.6); `config` may hold secrets and is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Provider {
    /// The API class name.
    pub class: String,
    /// Its configuration.
    pub config: Vec<(String, String)>,
}

/// Why an operation on application links failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ApplinksError {
    /// The request failed.
    #[error(transparent)]
    Client(#[from] ClientError),
}

impl ApplinksError {
    /// A stable snake_case name for scripts.
    pub fn code(&self) -> &'static str {
        todo!()
    }
    /// What to do about it.
    pub fn advice(&self) -> String {
        todo!()
    }
    /// What kind of failure it is.
    pub fn failure(&self) -> Failure {
        todo!()
    }
    /// Whether the write may have taken effect although its answer was lost or unreadable.
    pub fn may_have_happened(&self) -> bool {
        todo!()
    }
}

/// The application links of one server.
#[derive(Debug)]
pub struct Applinks<'c> {
    _client: &'c Client,
}

impl<'c> Applinks<'c> {
    /// Chooses the paths by the manifest's `applinksVersion` (protocol.md 0): 4.x or 5 and later; 3.x is refused with advice.
    pub fn open(_client: &'c Client) -> Result<Self, ApplinksError> {
        todo!()
    }
    /// Whether this server has the 2LO matrix (application links 5.2 and later).
    pub fn has_matrix(&self) -> bool {
        todo!()
    }
    /// All links.
    pub fn list(&self) -> Result<Vec<ApplicationLink>, ApplinksError> {
        todo!()
    }
    /// Creates a generic link and returns its id; a duplicate URL is an error of its own.
    pub fn create(&self, _link: &NewLink) -> Result<String, ApplinksError> {
        todo!()
    }
    /// Changes name or display URL; the application URL cannot change.
    pub fn update(&self, _link: &ApplicationLink) -> Result<(), ApplinksError> {
        todo!()
    }
    /// Deletes a link, its consumer and all tokens of that consumer key; one already gone is success.
    pub fn delete(&self, _id: &str) -> Result<(), ApplinksError> {
        todo!()
    }
    /// The incoming consumer; `None` where there is none (or no such link: the server does not tell).
    pub fn consumer(&self, _id: &str) -> Result<Option<Consumer>, ApplinksError> {
        todo!()
    }
    /// Registers or overwrites the incoming consumer; resets 2LO on a generic link.
    pub fn put_consumer(&self, _id: &str, _consumer: &NewConsumer) -> Result<(), ApplinksError> {
        todo!()
    }
    /// The OAuth matrix; an error below application links 5.2.
    pub fn matrix(&self, _id: &str) -> Result<Matrix, ApplinksError> {
        todo!()
    }
    /// Writes the OAuth matrix; rewrites outgoing providers as well (put them back after).
    pub fn put_matrix(&self, _id: &str, _matrix: &Matrix) -> Result<(), ApplinksError> {
        todo!()
    }
    /// The outgoing providers.
    pub fn providers(&self, _id: &str) -> Result<Vec<Provider>, ApplinksError> {
        todo!()
    }
    /// Writes one outgoing provider.
    pub fn put_provider(&self, _id: &str, _provider: &Provider) -> Result<(), ApplinksError> {
        todo!()
    }
    /// Removes the incoming consumer and every token of its key: the matrix from 5.2 on, the admin form before.
    pub fn disable_incoming(&self, _id: &str) -> Result<(), ApplinksError> {
        todo!()
    }
    /// Saves consumer, 2LO flags and executing user through the admin form (protocol.md 1.11); needs a system
    /// administrator, and the server appends `/` to a callback that has none.
    pub fn save_form(
        &self,
        _id: &str,
        _consumer: &NewConsumer,
        _two_lo: bool,
        _execute_as: Option<&str>,
        _impersonation: bool,
    ) -> Result<(), ApplinksError> {
        todo!()
    }
    /// Whether the signed-in account is a system administrator, where the server can tell without a change.
    pub fn is_system_administrator(&self) -> Result<Option<bool>, ApplinksError> {
        todo!()
    }
    /// Whether Basic authentication is allowed, where the server says so (protocol.md 5.2).
    pub fn basic_allowed(&self) -> Result<Option<bool>, ApplinksError> {
        todo!()
    }
}

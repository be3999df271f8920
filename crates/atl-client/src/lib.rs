//! An authenticated HTTP client for one Atlassian Data Center server.

use std::{fmt, time::Duration};

use secrecy::SecretString;
use url::Url;

/// The base URL of a server: absolute http(s), context path kept, no trailing slash, no credentials, query or fragment.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct BaseUrl(Url);

impl BaseUrl {
    /// Parses and normalises.
    pub fn parse(_text: &str) -> Result<Self, BaseUrlError> {
        todo!()
    }
    /// The URL of `path` (which may carry a query) below this base.
    pub fn join(&self, _path: &str) -> Url {
        todo!()
    }
    /// The text without a trailing slash.
    pub fn as_str(&self) -> &str {
        todo!()
    }
    /// Whether the host is this machine (`localhost`, 127.0.0.0/8, `::1`).
    pub fn is_loopback(&self) -> bool {
        todo!()
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a text is no base URL.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum BaseUrlError {}

/// The product behind a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Product {
    /// Jira.
    Jira,
    /// Confluence.
    Confluence,
    /// Bitbucket, whose `typeId` is `stash`.
    Bitbucket,
    /// Bamboo.
    Bamboo,
    /// Anything else with a manifest.
    Other,
}

/// How to sign in with a password (cli.md section 2, `login:`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Login {
    /// Basic, and a session where the server says that Basic is disabled.
    #[default]
    Auto,
    /// Basic only.
    Basic,
    /// A session only.
    Session,
}

/// Who signs in.
#[derive(Debug, Clone)]
pub enum Credentials {
    /// Nobody.
    Anonymous,
    /// A user with a password.
    Password {
        /// The user.
        username: String,
        /// The password.
        password: SecretString,
        /// How to sign in.
        login: Login,
    },
    /// A personal access token.
    Token {
        /// The token.
        token: SecretString,
        /// The account it must turn out to be, where the fleet file names one.
        username: Option<String>,
    },
}

/// TLS material, as PEM.
#[derive(Debug, Clone, Default)]
pub struct Tls {
    /// Certificates to trust beside the system's.
    pub ca_pem: Option<Vec<u8>>,
    /// Client certificate chain and its unencrypted key.
    pub client_pem: Option<SecretString>,
}

/// One server to talk to.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// Its name in the fleet file.
    pub name: String,
    /// Where it is.
    pub base_url: BaseUrl,
    /// The base URL the server takes its own for, where a proxy rewrites it; signatures are made over it.
    pub sign_as: Option<BaseUrl>,
    /// The product, where the fleet file says it.
    pub product: Option<Product>,
    /// Who signs in.
    pub credentials: Credentials,
    /// TLS material.
    pub tls: Tls,
    /// The proxy to use; loopback never goes through a proxy of the environment.
    pub proxy: Option<Url>,
    /// The total time one request may take; connecting may take at most 10 s of it.
    pub timeout: Duration,
    /// Whether credentials may go over plain http to other than loopback.
    pub allow_http: bool,
}

/// What the anonymous manifest says (protocol.md 6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// The server's own application id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// `jira`, `confluence`, `stash`, ...
    pub type_id: String,
    /// The product version.
    pub version: String,
    /// The version of the application links plugin, such as `9.1.4`.
    pub applinks_version: String,
    /// The base URL the server is configured with.
    pub url: String,
}

/// Who is signed in, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The user name, as the server says it.
    pub username: String,
    /// How.
    pub method: Method,
}

/// How a request is authenticated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Basic authentication.
    Basic,
    /// A session cookie.
    Session,
    /// A personal access token.
    Token,
}

/// Whether a request may be sent again when its answer is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// It changes nothing: lost answers, 429 and 503 are tried again with back-off.
    Safe,
    /// It changes something: only a 429 (refused before anything was done) is tried again.
    Never,
}

/// A body to send.
#[derive(Debug, Clone)]
pub enum Body {
    /// None.
    Empty,
    /// `application/json`.
    Json(serde_json::Value),
    /// `application/x-www-form-urlencoded`.
    Form(Vec<(String, String)>),
}

/// One request below the base URL.
#[derive(Debug, Clone)]
pub struct Request {
    /// `GET`, `PUT`, ...
    pub method: &'static str,
    /// Relative to the base URL, no leading slash needed, may carry a query.
    pub path: String,
    /// Further headers.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Body,
    /// Whether it may be repeated.
    pub repeat: Repeat,
}

/// An answer, whatever its status; redirects, refused sign-ins, CAPTCHA, websudo and rate limits never get here.
#[derive(Debug, Clone)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Header names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, capped.
    pub body: Vec<u8>,
    /// `METHOD path`, for error messages.
    pub what: String,
    /// The server's name, for error messages.
    pub server: String,
}

impl Response {
    /// All values of a header.
    pub fn header_values<'a>(&'a self, _name: &str) -> Vec<&'a str> {
        todo!()
    }
    /// The body as text, invalid UTF-8 replaced.
    pub fn text(&self) -> String {
        todo!()
    }
    /// The JSON body of a 2xx answer; anything else is a typed error.
    pub fn json<T: serde::de::DeserializeOwned>(&self) -> Result<T, ClientError> {
        todo!()
    }
    /// This answer where it is 2xx, else the typed error for it.
    pub fn success(self) -> Result<Self, ClientError> {
        todo!()
    }
}

/// What kind of failure an error is, which decides status and exit code (cli.md section 1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Failure {
    /// The server could not be reached or did not answer as such a server does: exit 3, `unreachable`.
    Unreachable,
    /// Sign-in or permission refused: exit 4, `refused`.
    Refused,
    /// Anything else: exit 1, `failed`.
    Failed,
}

/// Why a request did not do what it was sent for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {}

impl ClientError {
    /// A stable snake_case name for scripts (`error.code` of cli.md section 3).
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
    /// Whether the request may have taken effect although its answer was lost or unreadable.
    pub fn may_have_happened(&self) -> bool {
        todo!()
    }
}

/// HTTP connections that servers with the same TLS and proxy settings share.
#[derive(Debug, Default)]
pub struct Transport(());

/// A client for one server. One thread uses it at a time; nothing is sent until it is asked something.
#[derive(Debug)]
pub struct Client(());

impl Client {
    /// Checks the configuration (plain http, TLS material); sends nothing.
    pub fn new(_config: ServerConfig, _transport: &Transport) -> Result<Self, ClientError> {
        todo!()
    }
    /// The server's name in the fleet file.
    pub fn server(&self) -> &str {
        todo!()
    }
    /// Where it is.
    pub fn base_url(&self) -> &BaseUrl {
        todo!()
    }
    /// The base URL that signatures are made over.
    pub fn signing_base_url(&self) -> &BaseUrl {
        todo!()
    }
    /// The manifest, read anonymously and kept.
    pub fn manifest(&self) -> Result<&Manifest, ClientError> {
        todo!()
    }
    /// The product: what the fleet file says, else what the manifest says.
    pub fn product(&self) -> Result<Product, ClientError> {
        todo!()
    }
    /// Signs in once, and makes sure that the server says it is the expected account.
    pub fn sign_in(&self) -> Result<Account, ClientError> {
        todo!()
    }
    /// Sends as the signed-in account, elevating where the server asks for it.
    pub fn send(&self, _request: &Request) -> Result<Response, ClientError> {
        todo!()
    }
    /// Sends without credentials or cookies, on a new connection where `fresh`; for signed and anonymous calls.
    pub fn send_bare(&self, _request: &Request, _fresh: bool) -> Result<Response, ClientError> {
        todo!()
    }
    /// Ends a session, where there is one.
    pub fn sign_out(&self) {
        todo!()
    }
    /// How far the server's clock is ahead of ours, in seconds, by the last `Date` header seen.
    pub fn clock_skew(&self) -> Option<i64> {
        todo!()
    }
}

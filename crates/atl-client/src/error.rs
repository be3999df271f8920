//! Everything that can go wrong between us and one server.

use std::time::Duration;

use crate::{ConnectionFault, ElevationProblem, Refusal, Unreadable};

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
pub enum ClientError {
    /// Credentials would have gone over plain http to another machine.
    #[error("{server}: credentials for {base_url} would cross the network unencrypted")]
    PlainHttp {
        /// The server.
        server: Box<str>,
        /// Where it is.
        base_url: Box<str>,
    },
    /// TLS material that cannot be used.
    #[error("{server}: `{which}` cannot be used")]
    TlsMaterial {
        /// The server.
        server: Box<str>,
        /// The key of the fleet file.
        which: &'static str,
        /// What is wrong with it, where TLS says so.
        source: Option<reqwest::Error>,
    },
    /// HTTP could not be set up.
    #[error("{server}: the HTTP client cannot be set up")]
    Setup {
        /// The server.
        server: Box<str>,
        /// Why.
        source: reqwest::Error,
    },
    /// A request that HTTP cannot carry, such as a header with a line break.
    #[error("{server}: {what} cannot be sent, its {part} is not valid")]
    InvalidRequest {
        /// The server.
        server: Box<str>,
        /// `METHOD path`.
        what: Box<str>,
        /// Which part of it.
        part: Box<str>,
    },
    /// The connection failed.
    #[error("{server}: {fault} ({what} at {base_url})")]
    Connection {
        /// The server.
        server: Box<str>,
        /// Where it is.
        base_url: Box<str>,
        /// `METHOD path`.
        what: Box<str>,
        /// How.
        fault: ConnectionFault,
        /// Whether the request may have been sent.
        sent: bool,
        /// The cause.
        source: reqwest::Error,
    },
    /// The answer was a redirect, which is never followed.
    #[error("{server}: {what} was redirected ({status}) to {to}")]
    Redirected {
        /// The server.
        server: Box<str>,
        /// `METHOD path`.
        what: Box<str>,
        /// The status.
        status: u16,
        /// Where to, without query.
        to: Box<str>,
        /// The base URL to use instead, where the redirect tells it.
        base_url: Option<Box<str>>,
    },
    /// The answer was a redirect to the sign-in page.
    #[error("{server}: {what} was sent to the sign-in page")]
    LoginPage {
        /// The server.
        server: Box<str>,
        /// `METHOD path`.
        what: Box<str>,
    },
    /// Signing in was refused.
    #[error("{server}: {refusal}")]
    SignIn {
        /// The server.
        server: Box<str>,
        /// Why.
        refusal: Refusal,
    },
    /// A secure administrator session was asked for and not got.
    #[error("{server}: {what} asks for a secure administrator session (websudo), and {problem}")]
    Elevation {
        /// The server.
        server: Box<str>,
        /// `METHOD path`.
        what: Box<str>,
        /// Why there is none.
        problem: ElevationProblem,
    },
    /// The server's rate limit.
    #[error("{server}: {what} was refused by the rate limit of the server (429)")]
    RateLimited {
        /// The server.
        server: Box<str>,
        /// `METHOD path`.
        what: Box<str>,
        /// When the server wants to be asked again.
        retry_after: Option<Duration>,
    },
    /// Any other status that is not 2xx.
    #[error("{server}: {what} was answered with {status}{}", message.as_ref().map(|said| format!(": {said}")).unwrap_or_default())]
    Status {
        /// The server.
        server: Box<str>,
        /// `METHOD path`.
        what: Box<str>,
        /// The status.
        status: u16,
        /// Whether it says that Basic authentication is disabled.
        basic_disabled: bool,
        /// What the body says, on one line.
        message: Option<Box<str>>,
    },
    /// There is no manifest: not such a server, or not its base URL.
    #[error("{server}: {base_url} does not answer as an Atlassian server ({saw})")]
    NotAtlassian {
        /// The server.
        server: Box<str>,
        /// Where.
        base_url: Box<str>,
        /// What came instead of the manifest.
        saw: Box<str>,
    },
    /// A good answer whose body cannot be read.
    #[error("{server}: the answer to {what} cannot be read: {why}")]
    Unreadable {
        /// The server.
        server: Box<str>,
        /// `METHOD path`.
        what: Box<str>,
        /// What is wrong with it.
        why: Unreadable,
    },
}

impl ClientError {
    /// A stable `snake_case` name for scripts (`error.code` of cli.md section 3).
    pub fn code(&self) -> &'static str {
        match self {
            Self::PlainHttp { .. } => "plain_http",
            Self::TlsMaterial { .. } => "tls_material",
            Self::Setup { .. } => "http_setup",
            Self::InvalidRequest { .. } => "invalid_request",
            Self::Connection { fault, .. } => fault.code(),
            Self::Redirected { .. } => "redirected",
            Self::LoginPage { .. } => "login_page",
            Self::SignIn { refusal, .. } => refusal.code(),
            Self::Elevation { .. } => "websudo",
            Self::RateLimited { .. } => "rate_limited",
            Self::Status {
                basic_disabled: true,
                ..
            } => "basic_disabled",
            Self::Status { status, .. } => match status {
                401 => "unauthorized",
                403 => "forbidden",
                404 => "not_found",
                407 => "proxy",
                409 => "conflict",
                500..=599 => "server_error",
                _ => "http_status",
            },
            Self::NotAtlassian { .. } => "not_atlassian",
            Self::Unreadable { why, .. } => match why {
                Unreadable::Html { .. } => "html",
                Unreadable::TooLarge { .. } => "too_large",
                _ => "unreadable",
            },
        }
    }

    /// What to do about it.
    pub fn advice(&self) -> String {
        match self {
            Self::PlainHttp { .. } => "use an https URL, or `--allow-http` where the network is trusted".into(),
            Self::TlsMaterial { .. } => {
                "give PEM text: certificates for `ca_file`; a certificate chain and its unencrypted key for the client certificate"
                    .into()
            }
            Self::Setup { .. } => "install the system's CA certificates, or give `tls: { ca_file: ... }`".into(),
            Self::InvalidRequest { .. } => "remove line breaks and control characters from it".into(),
            Self::Connection { fault, .. } => fault.advice().into(),
            Self::Redirected { base_url: Some(base_url), .. } => format!("use `url: {base_url}` for this server"),
            Self::Redirected { .. } => {
                "use the base URL that the server is configured with, context path included; check what stands before it".into()
            }
            Self::LoginPage { .. } => "check that the account may use this server; the session may have ended, run it again".into(),
            Self::SignIn { refusal, .. } => refusal.advice(),
            Self::Elevation { problem, .. } => problem.advice().into(),
            Self::RateLimited { retry_after, .. } => match retry_after {
                Some(wait) if !wait.is_zero() => format!(
                    "run it again in {} s, or exempt the account from rate limiting",
                    wait.as_secs()
                ),
                _ => "run it again later, or exempt the account from rate limiting".into(),
            },
            Self::Status { basic_disabled: true, .. } => Refusal::BasicDisabled.advice(),
            Self::Status { status, message, .. } => status_advice(*status, message.as_deref()).into(),
            Self::NotAtlassian { .. } => {
                "check `url`: host, port and context path; a sign-in portal or a proxy before the server must let REST calls through"
                    .into()
            }
            Self::Unreadable { why: Unreadable::Html { .. }, .. } => {
                "check `url` with its context path, and whether a sign-in portal or an error page stands before the server".into()
            }
            Self::Unreadable { .. } => "look at the server's log; run it again with `--trace-http`".into(),
        }
    }

    /// What kind of failure it is.
    pub fn failure(&self) -> Failure {
        match self {
            Self::Connection { .. }
            | Self::Redirected { .. }
            | Self::RateLimited { .. }
            | Self::NotAtlassian { .. }
            | Self::Unreadable { .. }
            | Self::Status {
                status: 407 | 500..=599,
                ..
            } => Failure::Unreachable,
            Self::LoginPage { .. }
            | Self::SignIn { .. }
            | Self::Elevation { .. }
            | Self::Status {
                status: 401 | 403, ..
            } => Failure::Refused,
            Self::PlainHttp { .. }
            | Self::TlsMaterial { .. }
            | Self::Setup { .. }
            | Self::InvalidRequest { .. }
            | Self::Status { .. } => Failure::Failed,
        }
    }

    /// Whether the request may have taken effect although its answer was lost or unreadable.
    pub fn may_have_happened(&self) -> bool {
        match self {
            Self::Connection { sent, .. } => *sent,
            Self::Unreadable { .. } => true,
            Self::Status { status, .. } => *status >= 500,
            _ => false,
        }
    }
}

fn status_advice(status: u16, message: Option<&str>) -> &'static str {
    match status {
        401 => "use an account that is an administrator of this server",
        403 if message.is_some_and(|said| said.contains("XSRF")) => {
            "something between us and the server strips the `X-Atlassian-Token` header; let it through"
        }
        403 => {
            "the account lacks the permission, or an allow-list of addresses is set; use a system administrator"
        }
        404 => {
            "check that the server has this resource in its version, and that the context path in `url` is right"
        }
        407 => "give the proxy's user and password in `proxy`",
        409 => "the server's own data stand against it; read its message",
        500..=599 => "look at the server's log; run it again when it is well",
        _ => "read the server's message and its log",
    }
}

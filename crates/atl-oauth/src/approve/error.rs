//! Why a request token was not approved headlessly.

use std::fmt;

use atl_client::{ClientError, Failure};

use crate::problem::{Problem, ProblemKind};

/// Why a request token was not approved headlessly, or its verifier not read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ApproveError {
    /// A request failed, or the user could not sign in.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The server lets nobody decide about this request token.
    #[error("{server}: {what} was refused: {problem}")]
    Refused {
        /// The server's name.
        server: String,
        /// `METHOD path`.
        what: String,
        /// Why.
        problem: Box<Problem>,
    },
    /// A page came that is not understood.
    #[error("{server}: the page that {what} was answered with is not understood: {doubt}{}", title.as_ref().map(|title| format!(" (its title is `{title}`)")).unwrap_or_default())]
    PageNotUnderstood {
        /// The server's name.
        server: String,
        /// `METHOD path`.
        what: String,
        /// What is wrong with it.
        doubt: PageDoubt,
        /// Its title.
        title: Option<String>,
    },
    /// The server did not take the XSRF token that its own page carried.
    #[error("{server}: the XSRF token of the authorization page was refused")]
    XsrfRefused {
        /// The server's name.
        server: String,
    },
    /// A redirect that leads neither to the sign-in page nor to a callback.
    #[error("{server}: {what} was redirected to {to}, which is no callback")]
    StrayRedirect {
        /// The server's name.
        server: String,
        /// `METHOD path`.
        what: String,
        /// Where to, without query.
        to: String,
        /// Whether the approval had been sent.
        sent: bool,
    },
    /// The callback came without a verifier, as in version 1.0 of the protocol.
    #[error("{server}: the callback carries no verifier")]
    NoVerifier {
        /// The server's name.
        server: String,
    },
    /// The page or the callback is of another request token.
    #[error("{server}: {what} was answered for another request token")]
    ForeignToken {
        /// The server's name.
        server: String,
        /// `METHOD path`.
        what: String,
        /// Whether the approval had been sent.
        sent: bool,
    },
}

/// What is not understood about a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PageDoubt {
    /// There is nothing to approve with.
    NoForm,
    /// There are several forms to approve with.
    SeveralForms,
    /// Its form leads away from this server.
    ElsewhereBound,
    /// The approval was sent, and the same page asks for it again.
    AskedAgain,
    /// The approval was sent, and no verifier is on the page.
    NoVerifier,
    /// The approval was sent, and more than one word on the page could be the verifier.
    SeveralVerifiers,
}

impl fmt::Display for PageDoubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoForm => "it has no form with a control named `approve`",
            Self::SeveralForms => "it has more than one form with a control named `approve`",
            Self::ElsewhereBound => "its form leads to another server",
            Self::AskedAgain => "it asks for the approval again",
            Self::NoVerifier => "it shows no verifier",
            Self::SeveralVerifiers => "more than one word on it could be the verifier",
        })
    }
}

impl ApproveError {
    /// A stable `snake_case` name for scripts.
    pub fn code(&self) -> &str {
        match self {
            Self::Client(error) => error.code(),
            Self::Refused { problem, .. } if problem.kind == ProblemKind::TokenExpired => {
                "request_token_expired"
            }
            Self::Refused { problem, .. } => problem.code(),
            Self::PageNotUnderstood { .. } => "page_not_understood",
            Self::XsrfRefused { .. } => "xsrf_refused",
            Self::StrayRedirect { .. } => "stray_redirect",
            Self::NoVerifier { .. } => "no_verifier",
            Self::ForeignToken { .. } => "foreign_token",
        }
    }

    /// What to do about it.
    pub fn advice(&self) -> String {
        match self {
            Self::Client(error) => client_advice(error),
            Self::Refused { problem, .. } => refusal_advice(problem),
            Self::PageNotUnderstood {
                doubt: PageDoubt::ElsewhereBound,
                ..
            } => "use the base URL that the server is configured with as `url`, or give it as `sign_as`".to_owned(),
            Self::PageNotUnderstood { .. } => "approve in a browser: run `atl-admin authorize` without `--headless`; a page that asks for consent or for a new password may stand before it".to_owned(),
            Self::XsrfRefused { .. } => "make sure that nothing in between strips cookies, and that a load balancer keeps a session on one node; then run `atl-admin authorize` again".to_owned(),
            Self::StrayRedirect { .. } => "sign in with a browser as this user and see where it leads; then run `atl-admin authorize` again".to_owned(),
            Self::NoVerifier { .. } => "something in between took `oauth_verifier` away or changed `oauth_callback`: look for a proxy that rewrites addresses, then run `atl-admin authorize` again".to_owned(),
            Self::ForeignToken { .. } => "look for a proxy or cache that mixes up answers, then run `atl-admin authorize` again".to_owned(),
        }
    }

    /// What kind of failure it is.
    pub fn failure(&self) -> Failure {
        match self {
            Self::Client(error) => error.failure(),
            Self::Refused { problem, .. } if problem.kind == ProblemKind::TokenExpired => {
                Failure::Failed
            }
            Self::Refused { .. } | Self::XsrfRefused { .. } => Failure::Refused,
            Self::PageNotUnderstood { .. } | Self::StrayRedirect { .. } => Failure::Unreachable,
            Self::NoVerifier { .. } | Self::ForeignToken { .. } => Failure::Failed,
        }
    }

    /// Whether the request token may have been approved all the same. Nobody has its verifier then, and it expires by
    /// itself; no grant comes of it.
    pub fn may_have_happened(&self) -> bool {
        match self {
            Self::Client(error) => error.may_have_happened(),
            Self::PageNotUnderstood { doubt, .. } => {
                matches!(doubt, PageDoubt::NoVerifier | PageDoubt::SeveralVerifiers)
            }
            Self::StrayRedirect { sent, .. } | Self::ForeignToken { sent, .. } => *sent,
            Self::NoVerifier { .. } => true,
            Self::Refused { .. } | Self::XsrfRefused { .. } => false,
        }
    }
}

/// What the client advises is meant for administrators; this is about a user who approves.
fn client_advice(error: &ClientError) -> String {
    const BROWSER: &str = "run `atl-admin authorize` without `--headless`";
    match error.code() {
        "no_credentials" => {
            format!("give the user's `password` under `grants` of the fleet file, or {BROWSER}")
        }
        "two_step" | "no_session_login" => format!("approve in a browser: {BROWSER}"),
        "unauthorized" | "forbidden" => format!(
            "check that the user may use this server, and that nothing before it refuses the page; or {BROWSER}"
        ),
        _ => error.advice(),
    }
}

/// A refusal here is about the request token.
fn refusal_advice(problem: &Problem) -> String {
    match problem.kind {
        ProblemKind::TokenExpired => {
            "run `atl-admin authorize` again: a request token lives for ten minutes".to_owned()
        }
        ProblemKind::TokenUsed => {
            "somebody has decided about this request token already: run `atl-admin authorize` again"
                .to_owned()
        }
        ProblemKind::TokenRejected => {
            "the server does not know its own request token any more, as after a restart or on \
             another node: run `atl-admin authorize` again"
                .to_owned()
        }
        _ => problem.advice(),
    }
}

//! Why a signed call was not made or not understood.

use atl_client::{ClientError, Failure, Response};
use atl_keys::SignError;

use crate::problem::Problem;

/// Why a signed call was not made or not understood.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OauthError {
    /// The request failed.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// No signature was made.
    #[error("the call could not be signed")]
    Sign(#[from] SignError),
    /// No nonce was made.
    #[error("the operating system gave no random bits for a nonce")]
    Random {
        /// What it said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A call was to be made as a user without a name.
    #[error("a call as a user needs the name of one")]
    NobodyNamed,
    /// The server answered, and its answer says nothing about the key.
    #[error("{server}: {what} was answered with {status} and {reason}, which says nothing")]
    Unclear {
        /// The server's name.
        server: String,
        /// `METHOD path`.
        what: String,
        /// The status code.
        status: u16,
        /// What was wrong with it.
        reason: Unclear,
    },
    /// The server refused a signed call, and said why.
    #[error("{server}: {what} was refused: {problem}")]
    Refused {
        /// The server's name.
        server: String,
        /// `METHOD path`.
        what: String,
        /// Why.
        problem: Box<Problem>,
    },
    /// The user denied the request.
    #[error("{server}: the request was denied on the authorization page")]
    Denied {
        /// The server's name.
        server: String,
    },
    /// The request token expired before the dance ended.
    #[error("{server}: the request token expired before it was exchanged")]
    RequestTokenExpired {
        /// The server's name.
        server: String,
    },
    /// The server does not accept the verifier for this request token.
    #[error("{server}: the verifier was refused")]
    VerifierRefused {
        /// The server's name.
        server: String,
    },
}

/// What makes an answer say nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unclear {
    /// A page for people, as sign-in pages and proxies send.
    Page,
    /// A refusal without an OAuth challenge.
    NoChallenge,
    /// A refusal that explains itself to people rather than with `oauth_problem`.
    Unexplained,
    /// 200 with something else than a user name.
    NotAUser,
    /// 200 without a request token.
    NoToken,
    /// A request token without `oauth_callback_confirmed=true`.
    NotConfirmed,
    /// 200 with nobody's name, where a user was due.
    Nobody,
    /// No `oauth_problem` where one was due.
    NoProblem,
    /// A failure of the server, or of a gateway before it.
    Failing,
    /// A status that such a server does not answer here.
    Status,
}

impl Unclear {
    fn advice(self) -> &'static str {
        match self {
            Self::Page => {
                "a sign-in page or a proxy answered in place of the product: exempt `/plugins/servlet/` from single sign-on, and check `url` in the fleet file"
            }
            Self::NoChallenge => {
                "the OAuth plugin is off, or something in between strips the `Authorization` or `WWW-Authenticate` header: ask whoever runs the proxy"
            }
            Self::Unexplained => {
                "something refused the call before OAuth looked at it: look into the server's log, and for a gateway that answers in its place"
            }
            Self::Nobody => {
                "the call was taken for an anonymous one: something in between strips the `Authorization` header, or the OAuth plugin is off"
            }
            Self::NotAUser | Self::NoProblem | Self::Status => {
                "this is not how such a server answers here: check `url` in the fleet file, and whether its application links and OAuth plugins are enabled"
            }
            Self::Failing => {
                "the server or a gateway before it is failing: look into its log, and run again when it is well"
            }
            Self::NoToken => {
                "the call reached no OAuth servlet, or its parameters were lost on the way: check that proxies pass POST requests and the `Authorization` header on unchanged"
            }
            Self::NotConfirmed => {
                "the server did not see `oauth_callback`, so it is no OAuth 1.0a server: check `url` in the fleet file"
            }
        }
    }
}

impl std::fmt::Display for Unclear {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Page => "a page for people",
            Self::NoChallenge => "no OAuth challenge",
            Self::Unexplained | Self::NoProblem => "no `oauth_problem`",
            Self::NotAUser => "something that is no user name",
            Self::Nobody => "the name of nobody",
            Self::NoToken => "no request token",
            Self::NotConfirmed => "a request token without `oauth_callback_confirmed`",
            Self::Failing => "no answer of its own",
            Self::Status => "nothing that was expected",
        })
    }
}

impl OauthError {
    /// A stable `snake_case` name for scripts.
    pub fn code(&self) -> &str {
        match self {
            Self::Client(error) => error.code(),
            Self::Sign(_) => "signing_failed",
            Self::Random { .. } => "no_randomness",
            Self::NobodyNamed => "nobody_named",
            Self::Unclear { .. } => "answer_unclear",
            Self::Refused { problem, .. } => problem.code(),
            Self::Denied { .. } => "denied",
            Self::RequestTokenExpired { .. } => "request_token_expired",
            Self::VerifierRefused { .. } => "verifier_refused",
        }
    }

    /// What to do about it.
    pub fn advice(&self) -> String {
        match self {
            Self::Client(error) => error.advice(),
            Self::Sign(_) => "check the key with `atl-admin keys check`".to_owned(),
            Self::Random { .. } => {
                "make the operating system's random source available to this process".to_owned()
            }
            Self::NobodyNamed => "leave out users without a name".to_owned(),
            Self::Unclear { reason, .. } => reason.advice().to_owned(),
            Self::Refused { problem, .. } => problem.advice(),
            Self::Denied { .. } => "ask the user to approve it, and run `atl-admin authorize` again".to_owned(),
            Self::RequestTokenExpired { .. } => "run `atl-admin authorize` again and approve within ten minutes".to_owned(),
            Self::VerifierRefused { .. } => "run `atl-admin authorize` again and give the verifier of that very dance: six letters and digits, upper and lower case matter".to_owned(),
        }
    }

    /// What kind of failure it is.
    pub fn failure(&self) -> Failure {
        match self {
            Self::Client(error) => error.failure(),
            Self::Sign(_)
            | Self::Random { .. }
            | Self::NobodyNamed
            | Self::RequestTokenExpired { .. } => Failure::Failed,
            Self::Unclear { .. } => Failure::Unreachable,
            Self::Refused { .. } | Self::Denied { .. } | Self::VerifierRefused { .. } => {
                Failure::Refused
            }
        }
    }

    /// Whether the call may have taken effect although its answer was lost or unreadable.
    pub fn may_have_happened(&self) -> bool {
        match self {
            Self::Client(error) => error.may_have_happened(),
            Self::Unclear { status, .. } => matches!(status, 200..300 | 500..),
            _ => false,
        }
    }

    pub(crate) fn refused(response: &Response, problem: Problem) -> Self {
        Self::Refused {
            server: response.server.clone(),
            what: response.what.clone(),
            problem: Box::new(problem),
        }
    }
}

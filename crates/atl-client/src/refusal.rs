//! Why a server did not let somebody in.

use crate::Product;

/// Why signing in was refused. A refused password is never sent again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The configuration names nobody.
    #[error("no credentials are configured")]
    NoCredentials,
    /// The password, or the user name, is wrong.
    #[error("the password of `{username}` was refused")]
    WrongPassword {
        /// Who.
        username: Box<str>,
    },
    /// The personal access token is unknown, expired or revoked.
    #[error("the personal access token was refused")]
    TokenRefused,
    /// A CAPTCHA or a lock-out stands before the account: even the right password fails.
    #[error("the account `{username}` is locked behind a CAPTCHA after failed sign-ins")]
    Captcha {
        /// Who.
        username: Box<str>,
        /// Where it can be cleared.
        login_page: Box<str>,
    },
    /// The server does not take Basic authentication.
    #[error("Basic authentication is disabled on this server")]
    BasicDisabled,
    /// Credentials were sent, and the server says that nobody is signed in.
    #[error("the server ignored the credentials and says that nobody is signed in")]
    Anonymous,
    /// Somebody else is signed in.
    #[error("the server says that `{actual}` is signed in, not `{expected}`")]
    SomebodyElse {
        /// Who should be.
        expected: Box<str>,
        /// Who is.
        actual: Box<str>,
    },
    /// The account has two-step verification.
    #[error("the server asks `{username}` for a second step")]
    TwoStep {
        /// Who.
        username: Box<str>,
    },
    /// The tokens of this product never reach the admin REST API.
    #[error("a personal access token cannot administer {}", product.name())]
    TokenCannotAdminister {
        /// The product.
        product: Product,
    },
    /// No way to get a session is known, or none that was tried is there.
    #[error("no way to get a session was found")]
    NoSessionLogin,
}

impl Refusal {
    /// A stable name for scripts.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::NoCredentials => "no_credentials",
            Self::WrongPassword { .. } => "wrong_password",
            Self::TokenRefused => "token_refused",
            Self::Captcha { .. } => "captcha",
            Self::BasicDisabled => "basic_disabled",
            Self::Anonymous => "anonymous",
            Self::SomebodyElse { .. } => "somebody_else",
            Self::TwoStep { .. } => "two_step",
            Self::TokenCannotAdminister { .. } => "token_cannot_administer",
            Self::NoSessionLogin => "no_session_login",
        }
    }

    pub(crate) fn advice(&self) -> String {
        match self {
            Self::NoCredentials => "give `admin:` with `username` and `password`, or with `token`".into(),
            Self::WrongPassword { .. } => {
                "correct the user name or the password; it was sent once and is not tried again, so that no lock-out follows".into()
            }
            Self::TokenRefused => "make a new token in the profile of an administrator".into(),
            Self::Captcha { login_page, .. } => format!(
                "sign in once with a browser at {login_page} to clear it, or have an administrator reset the failed login count"
            ),
            Self::BasicDisabled => {
                "set `login: auto` or `login: session`, use a token, or allow Basic authentication on API calls".into()
            }
            Self::Anonymous => {
                "check that the token or password is valid on this server, and that no proxy strips the Authorization header".into()
            }
            Self::SomebodyElse { .. } => "give the credentials of the expected account, or correct `username`".into(),
            Self::TwoStep { .. } => {
                "use an account without two-step verification, a personal access token, or `login: basic`".into()
            }
            Self::TokenCannotAdminister { .. } => "use `username` and `password` of a system administrator for this server".into(),
            Self::NoSessionLogin => "use `login: basic` or a token for this server".into(),
        }
    }
}

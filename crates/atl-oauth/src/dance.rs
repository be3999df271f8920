//! The three-legged dance as states: a value of one state has only what is legal in it (protocol.md 2.2 to 2.4).
//!
//! [`Pending`] is a request token that nobody has decided on. An [`Approval`] makes it [`Approved`], which is exchanged
//! for an [`AccessToken`]. It is always version 1.0a: a callback is sent, and the verifier comes back.

use std::fmt;

use atl_client::{BaseUrl, Client};
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use crate::{
    answer::unclear,
    callback::Approval,
    error::{OauthError, Unclear},
    problem::ProblemKind,
    rfc5849::percent_encode,
    signed::{Parameters, send},
    signer::ConsumerSigner,
    token::{ACCESS_TOKEN, AccessToken, access_token, field, post, secret, token_fields},
    whoami::KeyState,
};

pub(crate) const REQUEST_TOKEN: &str = "plugins/servlet/oauth/request-token";
const AUTHORIZE: &str = "plugins/servlet/oauth/authorize";

/// How long a request token lives out of the box, in seconds (protocol.md 2.5); the server does not say.
pub const REQUEST_TOKEN_LIFETIME: i64 = 600;

/// A request token that nobody has decided on yet, as far as we know.
pub struct Pending {
    server: String,
    base_url: BaseUrl,
    token: SecretString,
    asked: Timestamp,
}

/// A request token that a user approved, with its verifier.
pub struct Approved {
    server: String,
    token: SecretString,
    verifier: SecretString,
}

/// What a user has decided about a request token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Nothing yet.
    Undecided,
    /// Approved; the verifier went to the callback, or stands on the page.
    Approved,
    /// Denied.
    Denied,
    /// Nothing in time.
    Expired,
}

impl Pending {
    /// Asks for a request token. `callback` is `oob` or an absolute http or https URL.
    ///
    /// # Errors
    /// Where the server was not reached or refused, or did not confirm the callback.
    pub fn ask(
        client: &Client,
        signer: &ConsumerSigner<'_>,
        callback: &str,
    ) -> Result<Self, OauthError> {
        Self::ask_on(client, signer, callback, false)
    }

    fn ask_on(
        client: &Client,
        signer: &ConsumerSigner<'_>,
        callback: &str,
        fresh: bool,
    ) -> Result<Self, OauthError> {
        let parameters = Parameters {
            oauth: &[("oauth_callback", callback)],
            fresh,
            ..Parameters::default()
        };
        let asked = Timestamp::now();
        let answer = send(client, signer, parameters, &post(REQUEST_TOKEN))?;
        if let Some(problem) = answer.problem {
            return Err(OauthError::refused(&answer.response, problem));
        }
        let fields = token_fields(&answer.response)?;
        if field(&fields, "oauth_callback_confirmed") != Some("true") {
            return Err(unclear(&answer.response, Unclear::NotConfirmed));
        }
        Ok(Self {
            server: client.server().to_owned(),
            base_url: client.base_url().clone(),
            token: secret(&fields, "oauth_token"),
            asked,
        })
    }

    /// The request token.
    pub fn token(&self) -> &SecretString {
        &self.token
    }

    /// The page where the user decides.
    pub fn authorize_url(&self) -> Url {
        self.base_url.join(&self.authorize_path())
    }

    pub(crate) fn authorize_path(&self) -> String {
        let token = percent_encode(self.token.expose_secret());
        format!("{AUTHORIZE}?oauth_token={token}")
    }

    /// When the request token expires, unless the server was set up otherwise.
    pub fn expires(&self) -> Timestamp {
        let lifetime = SignedDuration::from_secs(REQUEST_TOKEN_LIFETIME);
        self.asked.checked_add(lifetime).unwrap_or(self.asked)
    }

    /// Asks the server what the user has decided: an exchange without a verifier, which never succeeds and uses nothing
    /// up (protocol.md 2.4).
    ///
    /// # Errors
    /// Where the server was not reached, or refused for another reason.
    pub fn poll(
        &self,
        client: &Client,
        signer: &ConsumerSigner<'_>,
    ) -> Result<Decision, OauthError> {
        let parameters = Parameters {
            token: Some(self.token.expose_secret()),
            ..Parameters::default()
        };
        let answer = send(client, signer, parameters, &post(ACCESS_TOKEN))?;
        let Some(problem) = answer.problem else {
            return Err(unclear(&answer.response, Unclear::NoProblem));
        };
        match problem.kind {
            ProblemKind::PermissionUnknown => Ok(Decision::Undecided),
            // Nothing else is left out, so a server that does not say what is absent means the verifier too.
            ProblemKind::ParameterAbsent
                if problem.parameters.is_empty()
                    || problem
                        .parameters
                        .iter()
                        .any(|name| name == "oauth_verifier") =>
            {
                Ok(Decision::Approved)
            }
            ProblemKind::PermissionDenied => Ok(Decision::Denied),
            ProblemKind::TokenExpired => Ok(Decision::Expired),
            _ => Err(OauthError::refused(&answer.response, problem)),
        }
    }

    /// Takes what came back from the user.
    ///
    /// # Errors
    /// [`OauthError::Denied`].
    pub fn decided(self, approval: Approval) -> Result<Approved, OauthError> {
        let Self { server, token, .. } = self;
        match approval {
            Approval::Verifier(verifier) => Ok(Approved {
                server,
                token,
                verifier,
            }),
            Approval::Denied => Err(OauthError::Denied { server }),
        }
    }
}

impl Approved {
    /// Exchanges the request token. Where the answer is lost, [`OauthError::may_have_happened`] is true: the grant may
    /// exist on the server, and nobody can use it.
    ///
    /// # Errors
    /// [`OauthError::VerifierRefused`], [`OauthError::RequestTokenExpired`], [`OauthError::Denied`], and where the
    /// server was not reached or refused otherwise.
    pub fn exchange(
        &self,
        client: &Client,
        signer: &ConsumerSigner<'_>,
    ) -> Result<AccessToken, OauthError> {
        let parameters = Parameters {
            token: Some(self.token.expose_secret()),
            oauth: &[("oauth_verifier", self.verifier.expose_secret())],
            ..Parameters::default()
        };
        let server = self.server.clone();
        access_token(client, signer, parameters).map_err(|error| match error {
            OauthError::Refused { problem, .. } if problem.kind == ProblemKind::TokenRejected => {
                OauthError::VerifierRefused { server }
            }
            OauthError::Refused { problem, .. } if problem.kind == ProblemKind::TokenExpired => {
                OauthError::RequestTokenExpired { server }
            }
            OauthError::Refused { problem, .. }
                if problem.kind == ProblemKind::PermissionDenied =>
            {
                OauthError::Denied { server }
            }
            other => other,
        })
    }
}

/// Proves a key after a write: a signed request-token call on a new connection (protocol.md 2.2). Where the answer is
/// lost, it may be asked again: a request token that nobody approves expires by itself.
///
/// # Errors
/// Where the server was not reached, or its answer says nothing about the key.
pub fn prove(client: &Client, signer: &ConsumerSigner<'_>) -> Result<KeyState, OauthError> {
    match Pending::ask_on(client, signer, "oob", true) {
        Ok(_) => Ok(KeyState::Accepted),
        Err(OauthError::Refused { problem, .. }) => Ok(KeyState::of(*problem)),
        Err(error) => Err(error),
    }
}

impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pending")
            .field("server", &self.server)
            .field("asked", &self.asked)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Approved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Approved")
            .field("server", &self.server)
            .finish_non_exhaustive()
    }
}

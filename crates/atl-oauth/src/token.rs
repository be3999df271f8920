//! Access tokens, and renewing them (protocol.md 2.4).

use std::fmt;

use atl_client::{Client, Repeat, Request, Response};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};

use crate::{
    answer::{is_page, refusal, unclear},
    error::{OauthError, Unclear},
    problem::form_body,
    rfc5849::Parameter,
    signed::{Parameters, send},
    signer::ConsumerSigner,
};

pub(crate) const ACCESS_TOKEN: &str = "plugins/servlet/oauth/access-token";

/// An access token as a server gave it out.
#[derive(Clone)]
pub struct AccessToken {
    /// The token.
    pub token: SecretString,
    /// Its secret, which RSA-SHA1 does not use.
    pub secret: SecretString,
    /// `oauth_expires_in`, in seconds, where the server said it.
    pub expires_in: Option<u64>,
    /// `oauth_session_handle`, which renews it.
    pub session_handle: Option<SecretString>,
    /// `oauth_authorization_expires_in`, in seconds: how long it can be renewed.
    pub session_expires_in: Option<u64>,
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessToken")
            .field("id", &token_id(&self.token))
            .field("expires_in", &self.expires_in)
            .field("session_expires_in", &self.session_expires_in)
            .finish_non_exhaustive()
    }
}

/// The id that stands for a token wherever one is shown: the first 12 hex digits of its SHA-256 (cli.md section 3).
pub fn token_id(token: &SecretString) -> String {
    let digest = Sha256::digest(token.expose_secret().as_bytes());
    let first = digest.iter().take(6);
    let number = first.fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    format!("{number:012x}")
}

/// Whether two tokens are the same, in a time that does not tell how much of them is.
pub(crate) fn is_same(a: &SecretString, b: &SecretString) -> bool {
    let digest = |token: &SecretString| Sha256::digest(token.expose_secret().as_bytes());
    digest(a) == digest(b)
}

/// Renews an access token by its session handle. The old token is dead as soon as the server has answered; where the
/// answer is lost, [`OauthError::may_have_happened`] is true and the old token tells.
///
/// # Errors
/// Where the server was not reached, refused, or answered with something else than a token.
pub fn renew(
    client: &Client,
    signer: &ConsumerSigner<'_>,
    token: &SecretString,
    session_handle: &SecretString,
) -> Result<AccessToken, OauthError> {
    let parameters = Parameters {
        token: Some(token.expose_secret()),
        oauth: &[("oauth_session_handle", session_handle.expose_secret())],
        ..Parameters::default()
    };
    access_token(client, signer, parameters)
}

/// Asks the access-token endpoint, which answers an exchange and a renewal alike.
pub(crate) fn access_token(
    client: &Client,
    signer: &ConsumerSigner<'_>,
    parameters: Parameters<'_>,
) -> Result<AccessToken, OauthError> {
    let answer = send(client, signer, parameters, &post(ACCESS_TOKEN))?;
    if let Some(problem) = answer.problem {
        return Err(OauthError::refused(&answer.response, problem));
    }
    let fields = token_fields(&answer.response)?;
    let seconds = |name: &str| field(&fields, name).and_then(|value| value.parse().ok());
    Ok(AccessToken {
        token: secret(&fields, "oauth_token"),
        secret: secret(&fields, "oauth_token_secret"),
        expires_in: seconds("oauth_expires_in"),
        session_handle: field(&fields, "oauth_session_handle").map(SecretString::from),
        session_expires_in: seconds("oauth_authorization_expires_in"),
    })
}

/// A POST without a body: all its parameters are in the header.
pub(crate) fn post(path: &str) -> Request {
    Request {
        method: "POST".into(),
        repeat: Repeat::Never,
        ..Request::get(path)
    }
}

/// The fields of an answer that gives out a token. A GET of these endpoints would be answered 200 with nothing, so
/// nothing is not enough. Content types are not trusted.
pub(crate) fn token_fields(response: &Response) -> Result<Vec<Parameter>, OauthError> {
    if response.status != 200 {
        return Err(unclear(response, refusal(response)));
    }
    let fields = form_body(&response.text()).unwrap_or_default();
    if field(&fields, "oauth_token").is_some() && field(&fields, "oauth_token_secret").is_some() {
        return Ok(fields);
    }
    let reason = if is_page(response) {
        Unclear::Page
    } else {
        Unclear::NoToken
    };
    Err(unclear(response, reason))
}

/// The value of a field that is not empty.
pub(crate) fn field<'f>(fields: &'f [Parameter], name: &str) -> Option<&'f str> {
    fields
        .iter()
        .find(|(found, value)| found == name && !value.is_empty())
        .map(|(_, value)| value.as_str())
}

pub(crate) fn secret(fields: &[Parameter], name: &str) -> SecretString {
    field(fields, name).unwrap_or_default().into()
}

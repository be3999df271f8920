//! Two-legged calls as a user who gave no grant: impersonation (protocol.md 2.8).
//!
//! A name that the server does not know makes the call an anonymous one rather than an error. So an answer is that of a
//! user only where who-am-I, asked in the same way, names that user.

use atl_client::{Client, Request};

use crate::{
    error::OauthError,
    signed::{Answer, Parameters, send},
    signer::ConsumerSigner,
};

/// Sends a request as a user, signed as [`send`] signs.
///
/// # Errors
/// [`OauthError::NobodyNamed`] for an empty name, which servers read as no impersonation at all; and as [`send`].
pub fn send_as(
    client: &Client,
    signer: &ConsumerSigner<'_>,
    user: &str,
    request: &Request,
) -> Result<Answer, OauthError> {
    send(client, signer, named(user)?, request)
}

/// The parameters of a call as this user, who must have a name.
pub(crate) fn named(user: &str) -> Result<Parameters<'_>, OauthError> {
    if user.trim().is_empty() {
        return Err(OauthError::NobodyNamed);
    }
    Ok(Parameters::as_user(user))
}

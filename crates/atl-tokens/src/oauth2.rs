//! Grants of OAuth 2, ended by those who gave them (protocol.md 3.3, 4.4).

use atl_client::{Body, Client, Repeat, Request, Response};
use atl_oauth::{ConsumerSigner, rfc5849::percent_encode, send_as};

use crate::{
    GrantKind, Revoked, TokensError,
    as_user::{accepted, refused_as},
    server_side_id,
};

const REVOKE: &str = "rest/oauth2/latest/revoke";

/// Anonymous: 401 where there is a provider of OAuth 2, 404 where there is none (protocol.md 4.4).
const PRESENCE: &str = "rest/oauth2/latest/client";

/// Ends an OAuth 2 grant as the signed-in account, which must be the user who gave it. `handle` is what its revoke URL
/// ends in.
///
/// # Errors
/// [`TokensError::NotTheirs`] for the grant of another user; and where the account could not be signed in, or the server
/// was not reached or refused.
pub fn revoke_oauth2_signed_in(client: &Client, handle: &str) -> Result<Revoked, TokensError> {
    let account = client.sign_in()?;
    let response = client.send(&revocation(handle))?;
    if response.status == 401 {
        return Err(TokensError::NotTheirs {
            server: client.server().into(),
            account: account.username.into(),
            id: id_of(client, handle).into(),
        });
    }
    judge(client, response)
}

/// Ends an OAuth 2 grant as the user who gave it, through a consumer that may impersonate. Inferred, and not tried on a
/// real product.
///
/// # Errors
/// As [`revoke_as`](crate::revoke_as).
pub fn revoke_oauth2_as(
    client: &Client,
    signer: &ConsumerSigner<'_>,
    user: &str,
    handle: &str,
) -> Result<Revoked, TokensError> {
    let response = accepted(send_as(client, signer, user, &revocation(handle))?)?;
    if response.status == 401 {
        return Err(refused_as(client, signer, user, &id_of(client, handle)));
    }
    judge(client, response)
}

fn revocation(handle: &str) -> Request {
    Request {
        method: "POST".into(),
        repeat: Repeat::Never,
        body: Body::Empty,
        ..Request::get(format!("{REVOKE}/{}", percent_encode(handle)))
    }
}

fn id_of(client: &Client, handle: &str) -> String {
    server_side_id(GrantKind::Oauth2, client.base_url().as_str(), handle)
}

/// 404 means that it is gone only where there is a provider: without one, everything is a 404.
fn judge(client: &Client, response: Response) -> Result<Revoked, TokensError> {
    if response.status == 404 && client.send_bare(&Request::get(PRESENCE), false)?.status == 401 {
        return Ok(Revoked::AlreadyGone);
    }
    response.success()?;
    Ok(Revoked::Now)
}

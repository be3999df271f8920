//! A user's own grants on a server: listed and revoked (protocol.md 3.1, 3.2).

use atl_client::{Client, Response};
use atl_oauth::{ConsumerSigner, OauthError, Parameters, Problem, ProblemKind, send, token_id};
use secrecy::{ExposeSecret as _, SecretString};

use crate::{
    PageRow, TokensError,
    servlet::{judge, list, page_url, revocation, understood},
};

/// What became of a grant that was to be revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revoked {
    /// The server took it, and says that it is revoked.
    Now,
    /// The server did not know it any more.
    AlreadyGone,
}

/// Reads the grants that the signed-in account gave, from the page that the server shows it: those of OAuth 1, and those
/// of OAuth 2 after them.
///
/// # Errors
/// [`TokensError::NotUnderstood`] where the page is not known to be that page, or a row on it is not clear; and where
/// the account could not be signed in, or the server was not reached or refused.
pub fn read_page(client: &Client) -> Result<Vec<PageRow>, TokensError> {
    client.sign_in()?;
    let answer = client.send(&list())?.success()?;
    understood(client, &answer)
}

/// Revokes a grant with a call that is signed with its own token, for which nobody need be signed in. `signer` is that of
/// the consumer key the grant was given to: signed with another, it would be taken for gone.
///
/// # Errors
/// [`TokensError::Expired`], since such a token signs nothing any more; [`TokensError::NotRevoked`], also where the
/// answer may mean that it was revoked; and where the server was not reached, or refused the signature.
pub fn revoke_signed(
    client: &Client,
    signer: &ConsumerSigner<'_>,
    token: &SecretString,
) -> Result<Revoked, TokensError> {
    let parameters = Parameters {
        token: Some(token.expose_secret()),
        ..Parameters::default()
    };
    let answer = send(client, signer, parameters, &revocation(token))?;
    match answer.problem {
        None => judge(client, &answer.response, token).map(|()| Revoked::Now),
        Some(problem) => refused(client, &answer.response, problem, token),
    }
}

/// Revokes a grant as the signed-in account, which must be the user who gave it. The server does not say whether there
/// was such a grant.
///
/// # Errors
/// [`TokensError::NotTheirs`] for the grant of another user; [`TokensError::NotRevoked`], also where the answer may mean
/// that it was revoked; and where the account could not be signed in, or the server was not reached.
pub fn revoke_signed_in(client: &Client, token: &SecretString) -> Result<(), TokensError> {
    let account = client.sign_in()?;
    let answer = client.send(&revocation(token))?;
    if answer.status == 401 {
        return Err(TokensError::NotTheirs {
            server: client.server().into(),
            account: account.username.into(),
            id: token_id(token).into(),
        });
    }
    judge(client, &answer, token)
}

/// What a refused signature says of the token. A token that the server rejects is unknown to it, as far as this consumer
/// is concerned: revoked, replaced by a renewal, or gone with its consumer or its user (protocol.md 2.8, 3.5).
fn refused(
    client: &Client,
    response: &Response,
    problem: Problem,
    token: &SecretString,
) -> Result<Revoked, TokensError> {
    match problem.kind {
        ProblemKind::TokenRejected | ProblemKind::TokenRevoked => Ok(Revoked::AlreadyGone),
        ProblemKind::TokenExpired => Err(TokensError::Expired {
            server: client.server().into(),
            id: token_id(token).into(),
            page: page_url(client),
        }),
        _ => Err(OauthError::Refused {
            server: response.server.clone(),
            what: response.what.clone(),
            problem: Box::new(problem),
        }
        .into()),
    }
}

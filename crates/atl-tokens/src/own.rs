//! A user's own grants on a server: listed and revoked (protocol.md 3.1, 3.2).

use atl_client::{Client, Request, Response};
use atl_oauth::{ConsumerSigner, OauthError, Parameters, Problem, ProblemKind, send, token_id};
use secrecy::{ExposeSecret as _, SecretString};

use crate::{
    PageGrant, Strange, TokensError,
    error::Unexpected,
    page::{self, title},
};

/// Lists with GET, revokes with POST.
const ACCESS_TOKENS: &str = "plugins/servlet/oauth/users/access-tokens";

/// What became of a grant that was to be revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revoked {
    /// The server took it, and says that it is revoked.
    Now,
    /// The server did not know it any more.
    AlreadyGone,
}

/// Reads the grants that the signed-in account gave, from the page that the server shows it. It shows OAuth 2 grants as
/// well, which are left out.
///
/// # Errors
/// [`TokensError::NotUnderstood`] where the page is not known to be that page, or a row on it is not clear; and where
/// the account could not be signed in, or the server was not reached or refused.
pub fn read_page(client: &Client) -> Result<Vec<PageGrant>, TokensError> {
    client.sign_in()?;
    let request = Request::get(ACCESS_TOKENS).header("Accept", "text/html");
    let answer = client.send(&request)?.success()?;
    page::read(&answer.text()).map_err(|saw| TokensError::NotUnderstood {
        server: client.server().into(),
        page: page_url(client),
        saw: match saw {
            Strange::Other { title } => Strange::Other {
                title: title.map(|title| answer.secrets.hide(&title)),
            },
            saw => saw,
        },
    })
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

fn revocation(token: &SecretString) -> Request {
    let fields = vec![("token".to_owned(), token.expose_secret().to_owned())];
    Request::post_form(ACCESS_TOKENS, fields)
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

/// 200 with nothing means that it is revoked; nothing else does.
fn judge(client: &Client, response: &Response, token: &SecretString) -> Result<(), TokensError> {
    let text = response.text();
    let body = text.trim();
    if response.status == 200 && body.is_empty() {
        return Ok(());
    }
    let hide = |title: String| {
        let shown = response.secrets.hide(&title);
        shown.replace(token.expose_secret(), "[redacted]")
    };
    Err(TokensError::NotRevoked {
        server: client.server().into(),
        id: token_id(token).into(),
        page: page_url(client),
        status: response.status,
        got: if body.starts_with('<') {
            Unexpected::Page {
                title: title(body).map(hide),
            }
        } else if body.is_empty() {
            Unexpected::Nothing
        } else {
            Unexpected::Text
        },
    })
}

/// The page where a person can do the same.
fn page_url(client: &Client) -> Box<str> {
    client.base_url().join(ACCESS_TOKENS).as_str().into()
}

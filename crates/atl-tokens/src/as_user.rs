//! The page and the grants of another user, through a consumer that may impersonate (protocol.md 2.8, 3.2): inferred, and
//! not tried on a real product.

use atl_client::{Client, ClientError, Response};
use atl_oauth::{
    Answer, ConsumerSigner, OauthError, Problem, RunsAs, send_as, token_id, whoami_as,
};
use secrecy::SecretString;

use crate::{
    PageRow, Revoked, TokensError,
    servlet::{judge, list, revocation, understood},
};

/// What came of reading the page of another user.
#[derive(Debug, Clone)]
pub enum PageAs {
    /// The server says that it is the page of this user.
    Of {
        /// The user, as the server says the name.
        user: String,
        /// The grants on the page.
        rows: Vec<PageRow>,
    },
    /// The server knows no such user.
    Unknown,
    /// The user may not log in, or the consumer may not impersonate.
    NotAllowed,
}

/// Reads the page of another user. It counts only where who-am-I, asked in the same way, names that user, since a call as
/// somebody unknown goes on as nobody's.
///
/// # Errors
/// [`TokensError::NotUnderstood`] as [`read_page`](crate::read_page); [`TokensError::SomebodyElse`] where the server
/// takes the call for another user's; and where it was not reached, or refused the signature.
pub fn read_page_as(
    client: &Client,
    signer: &ConsumerSigner<'_>,
    user: &str,
) -> Result<PageAs, TokensError> {
    let name = match who(client, signer, user)? {
        Who::User(name) => name,
        Who::Unknown => return Ok(PageAs::Unknown),
        Who::NotAllowed => return Ok(PageAs::NotAllowed),
    };
    let answer = match send_as(client, signer, user, &list()) {
        // The page sends nobody to sign in: the user may have gone in between.
        Err(error @ OauthError::Client(ClientError::Redirected { .. })) => {
            return match who(client, signer, user)? {
                Who::User(_) => Err(error.into()),
                Who::Unknown => Ok(PageAs::Unknown),
                Who::NotAllowed => Ok(PageAs::NotAllowed),
            };
        }
        answer => answer?,
    };
    let response = accepted(answer)?;
    if response.status == 401 && response.text().trim().is_empty() {
        return Ok(PageAs::NotAllowed);
    }
    let rows = understood(client, &response.success()?)?;
    Ok(PageAs::Of { user: name, rows })
}

/// Revokes a grant as the user who gave it. The server does not say whether there was such a grant.
///
/// # Errors
/// [`TokensError::NotTheirs`] for the grant of another user; [`TokensError::UnknownUser`] and
/// [`TokensError::NotAllowed`] where nobody can act as the user; [`TokensError::NotRevoked`], also where the answer may
/// mean that it was revoked; and where the server was not reached, or refused the signature.
pub fn revoke_as(
    client: &Client,
    signer: &ConsumerSigner<'_>,
    user: &str,
    token: &SecretString,
) -> Result<Revoked, TokensError> {
    let answer = match send_as(client, signer, user, &revocation(token)) {
        Err(OauthError::Client(ClientError::Redirected { .. })) => None,
        answer => Some(accepted(answer?)?),
    };
    match answer {
        Some(response) if response.status != 401 => {
            judge(client, &response, token).map(|()| Revoked::Now)
        }
        _ => Err(refused_as(client, signer, user, &token_id(token))),
    }
}

/// Why a call as a user was refused that only the user who gave the grant may make.
pub(crate) fn refused_as(
    client: &Client,
    signer: &ConsumerSigner<'_>,
    user: &str,
    id: &str,
) -> TokensError {
    let server = || client.server().into();
    match who(client, signer, user) {
        Ok(Who::User(account)) => TokensError::NotTheirs {
            server: server(),
            account: account.into(),
            id: id.into(),
        },
        Ok(Who::Unknown) => TokensError::UnknownUser {
            server: server(),
            user: user.into(),
        },
        Ok(Who::NotAllowed) => TokensError::NotAllowed {
            server: server(),
            user: user.into(),
        },
        Err(error) => error,
    }
}

/// The answer to a signature that was not refused.
pub(crate) fn accepted(answer: Answer) -> Result<Response, TokensError> {
    match answer.problem {
        None => Ok(answer.response),
        Some(problem) => Err(refused(&answer.response, problem)),
    }
}

pub(crate) fn refused(response: &Response, problem: Problem) -> TokensError {
    let problem = Box::new(problem);
    OauthError::Refused {
        server: response.server.clone(),
        what: response.what.clone(),
        problem,
    }
    .into()
}

/// Whose a call as a user is.
enum Who {
    User(String),
    Unknown,
    NotAllowed,
}

fn who(client: &Client, signer: &ConsumerSigner<'_>, user: &str) -> Result<Who, TokensError> {
    let runs_as = whoami_as(client, signer, user)?;
    let is_theirs = runs_as.is(user);
    match runs_as {
        RunsAs::User(name) if is_theirs => Ok(Who::User(name)),
        RunsAs::User(actual) => Err(TokensError::SomebodyElse {
            server: client.server().into(),
            wanted: user.into(),
            actual: actual.into(),
        }),
        RunsAs::Nobody => Ok(Who::Unknown),
        RunsAs::Refused => Ok(Who::NotAllowed),
    }
}

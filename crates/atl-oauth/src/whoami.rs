//! Asking with a signature who it stands for: the product's whoami, which changes nothing (protocol.md 6).

use atl_client::{Client, Request, Response};
use secrecy::{ExposeSecret as _, SecretString};

use crate::{
    answer::{is_challenged, is_page, is_user, refusal, unclear},
    error::{OauthError, Unclear},
    problem::{Problem, ProblemKind},
    signed::{Parameters, send},
    signer::ConsumerSigner,
};

/// Text; empty for nobody.
pub(crate) const WHOAMI: &str = "plugins/servlet/applinks/whoami";

/// What the server makes of a consumer key and a signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyState {
    /// The signature was accepted.
    Accepted,
    /// The server knows no such consumer key.
    ConsumerUnknown,
    /// The server knows the consumer key and refused the call.
    Refused(Problem),
}

/// What the server makes of an access token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenState {
    /// It stands for this user.
    Active {
        /// The user, as the server says the name.
        user: String,
    },
    /// It has expired.
    Expired,
    /// It is not accepted any more.
    Rejected(Problem),
    /// Its user may not sign in any more: deactivated, or without a licence (protocol.md 3.5).
    NotAllowed,
}

/// Asks without leaving a trace: a signed two-legged GET of whoami (cli.md 4.3, protocol.md 2.8). 200 with at most a
/// user name, or 401 with an empty body and a bare OAuth challenge, means that the key was accepted.
///
/// # Errors
/// Where the server was not reached, or its answer says nothing about the key.
pub fn look(client: &Client, signer: &ConsumerSigner<'_>) -> Result<KeyState, OauthError> {
    match whoami(client, signer, Parameters::two_legged())? {
        (_, Some(problem)) => Ok(KeyState::of(problem)),
        (response, None) => match body(&response)? {
            Body::User(_) | Body::NotAllowed => Ok(KeyState::Accepted),
        },
    }
}

/// Asks for whom an access token stands, with one signed GET.
///
/// # Errors
/// Where the server was not reached, refused the signature rather than the token, or its answer says nothing about it.
pub fn token_state(
    client: &Client,
    signer: &ConsumerSigner<'_>,
    token: &SecretString,
) -> Result<TokenState, OauthError> {
    let parameters = Parameters {
        token: Some(token.expose_secret()),
        ..Parameters::default()
    };
    let (response, problem) = whoami(client, signer, parameters)?;
    let Some(problem) = problem else {
        return match body(&response)? {
            Body::User(user) if user.is_empty() => Err(unclear(&response, Unclear::Nobody)),
            Body::User(user) => Ok(TokenState::Active { user }),
            Body::NotAllowed => Ok(TokenState::NotAllowed),
        };
    };
    TokenState::of(&problem).ok_or_else(|| OauthError::refused(&response, problem))
}

impl TokenState {
    /// What a refusal says of the token that a call was made with; `None` where it is about something else.
    pub fn of(problem: &Problem) -> Option<Self> {
        match problem.kind {
            ProblemKind::TokenExpired => Some(Self::Expired),
            ProblemKind::TokenRejected
            | ProblemKind::TokenRevoked
            | ProblemKind::TokenUsed
            | ProblemKind::TokenNotAuthorized
            | ProblemKind::PermissionDenied
            | ProblemKind::PermissionUnknown
            | ProblemKind::ConsumerKeyUnknown
            | ProblemKind::ConsumerKeyRejected
            | ProblemKind::ConsumerKeyRefused
            | ProblemKind::UserRefused => Some(Self::Rejected(problem.clone())),
            _ => None,
        }
    }
}

impl KeyState {
    pub(crate) fn of(problem: Problem) -> Self {
        if problem.kind == ProblemKind::ConsumerKeyUnknown {
            Self::ConsumerUnknown
        } else {
            Self::Refused(problem)
        }
    }
}

pub(crate) fn whoami(
    client: &Client,
    signer: &ConsumerSigner<'_>,
    parameters: Parameters<'_>,
) -> Result<(Response, Option<Problem>), OauthError> {
    let answer = send(client, signer, parameters, &Request::get(WHOAMI))?;
    Ok((answer.response, answer.problem))
}

/// An answer of whoami to a signature that was accepted.
pub(crate) enum Body {
    /// A user name, or nothing for nobody.
    User(String),
    /// An empty 401 with a challenge that names no problem.
    NotAllowed,
}

pub(crate) fn body(response: &Response) -> Result<Body, OauthError> {
    let text = response.text();
    let body = text.trim();
    let reason = match response.status {
        200 if is_page(response) => Unclear::Page,
        200 if is_user(response, body) => return Ok(Body::User(body.to_owned())),
        200 => Unclear::NotAUser,
        401 if !is_challenged(response) => Unclear::NoChallenge,
        401 if body.is_empty() => return Ok(Body::NotAllowed),
        _ => refusal(response),
    };
    Err(unclear(response, reason))
}

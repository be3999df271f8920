//! What a consumer may do on a server, asked without leaving a trace.

use atl_client::{Client, Repeat, Request, Response};
use atl_keys::{RsaSha1Signer, SignError};

use crate::{
    answer::{refusal, unclear},
    dance::REQUEST_TOKEN,
    error::{OauthError, Unclear},
    impersonate::named,
    problem::ProblemKind,
    signed::{Parameters, send},
    signer::ConsumerSigner,
    token::post,
    whoami::{Body, body, whoami},
};

/// Whom two-legged calls run as, plain ones or such that impersonate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunsAs {
    /// This user.
    User(String),
    /// Nobody: as an anonymous call.
    Nobody,
    /// They are refused although the signature is good: two-legged OAuth, or impersonation, is off, or the user that they
    /// would run as may not sign in.
    Refused,
}

/// Asks whom two-legged calls run as, with one of them (protocol.md 2.8).
///
/// # Errors
/// Where the server was not reached, refused the signature, or its answer says nothing.
pub fn runs_as(client: &Client, signer: &ConsumerSigner<'_>) -> Result<RunsAs, OauthError> {
    asked_whom(client, signer, Parameters::two_legged())
}

/// Asks whom calls run as that are to be made as this user: two-legged OAuth with impersonation (protocol.md 2.8). A
/// server that does not know the user goes on as nobody, so only an answer with the user's name means that a call in the
/// same mode is answered as to that user.
///
/// # Errors
/// [`OauthError::NobodyNamed`] for an empty name, and as [`runs_as`].
pub fn whoami_as(
    client: &Client,
    signer: &ConsumerSigner<'_>,
    user: &str,
) -> Result<RunsAs, OauthError> {
    asked_whom(client, signer, named(user)?)
}

/// The same on a new connection, which another node of a cluster may answer.
///
/// # Errors
/// As [`whoami_as`].
pub fn whoami_as_anew(
    client: &Client,
    signer: &ConsumerSigner<'_>,
    user: &str,
) -> Result<RunsAs, OauthError> {
    let parameters = Parameters {
        fresh: true,
        ..named(user)?
    };
    asked_whom(client, signer, parameters)
}

fn asked_whom(
    client: &Client,
    signer: &ConsumerSigner<'_>,
    parameters: Parameters<'_>,
) -> Result<RunsAs, OauthError> {
    let (response, problem) = whoami(client, signer, parameters)?;
    if let Some(problem) = problem {
        return Err(OauthError::refused(&response, problem));
    }
    RunsAs::of(&response)
}

impl RunsAs {
    /// Whether it is this user. Servers do not tell names by case.
    pub fn is(&self, user: &str) -> bool {
        matches!(self, Self::User(name) if name.to_lowercase() == user.to_lowercase())
    }

    /// What an answer of whoami says to a signature that was accepted.
    pub(crate) fn of(response: &Response) -> Result<Self, OauthError> {
        Ok(match body(response)? {
            Body::User(user) if user.is_empty() => Self::Nobody,
            Body::User(user) => Self::User(user),
            Body::NotAllowed => Self::Refused,
        })
    }
}

/// Asks whether users may grant this consumer anything (three-legged OAuth), by a request-token call that can only be
/// refused: its callback is no URL, and its signature is none. The server looks at the right before either
/// (protocol.md 2.2), so that a refusal for them means yes. It gives out no token and notes no nonce.
///
/// # Errors
/// Where the server was not reached, knows no such consumer, or its answer says nothing about the right.
pub fn users_may_grant(client: &Client, consumer_key: &str) -> Result<bool, OauthError> {
    let signer = ConsumerSigner::new(consumer_key, &NoKey);
    let parameters = Parameters {
        oauth: &[("oauth_callback", "none")],
        ..Parameters::default()
    };
    let request = Request {
        repeat: Repeat::Safe,
        ..post(REQUEST_TOKEN)
    };
    let answer = send(client, &signer, parameters, &request)?;
    let Some(problem) = answer.problem else {
        let reason = match answer.response.status {
            200 => Unclear::NoProblem,
            _ => refusal(&answer.response),
        };
        return Err(unclear(&answer.response, reason));
    };
    match &problem.kind {
        ProblemKind::PermissionDenied => Ok(false),
        kind if comes_after_the_consumer(kind) => Ok(true),
        _ => Err(OauthError::refused(&answer.response, problem)),
    }
}

/// Whether a server complains of this only once it has found the consumer and its rights (protocol.md 2.2, 2.8).
fn comes_after_the_consumer(kind: &ProblemKind) -> bool {
    matches!(
        kind,
        ProblemKind::ParameterRejected
            | ProblemKind::SignatureMethodRejected
            | ProblemKind::VersionRejected
            | ProblemKind::TimestampRefused
            | ProblemKind::NonceUsed
            | ProblemKind::SignatureInvalid
    )
}

/// Asks whether the server knows a consumer key, on a new connection and with a signature that is none: it looks for the
/// consumer before anything else (protocol.md 2.8). It leaves no trace, and no private key is needed.
///
/// # Errors
/// Where the server was not reached, or its answer says nothing about the consumer key.
pub fn knows_consumer(client: &Client, consumer_key: &str) -> Result<bool, OauthError> {
    let signer = ConsumerSigner::new(consumer_key, &NoKey);
    let parameters = Parameters {
        fresh: true,
        ..Parameters::two_legged()
    };
    let (response, problem) = whoami(client, &signer, parameters)?;
    let Some(problem) = problem else {
        let reason = match response.status {
            200 => Unclear::NoProblem,
            _ => refusal(&response),
        };
        return Err(unclear(&response, reason));
    };
    match &problem.kind {
        ProblemKind::ConsumerKeyUnknown => Ok(false),
        kind if comes_after_the_consumer(kind) => Ok(true),
        _ => Err(OauthError::refused(&response, problem)),
    }
}

/// Signs with no key at all.
struct NoKey;

impl RsaSha1Signer for NoKey {
    fn sign_rsa_sha1(&self, _message: &[u8]) -> Result<Vec<u8>, SignError> {
        Ok(vec![0; 256])
    }
}

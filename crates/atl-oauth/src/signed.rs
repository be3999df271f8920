//! One signed call on the wire.

use std::{
    thread,
    time::{Duration, Instant},
};

use atl_client::{Body, Client, ClientError, Repeat, Request, Response};
use backon::{BackoffBuilder as _, ExponentialBuilder};

use crate::{
    error::OauthError,
    problem::{Problem, ProblemKind},
    signer::{Call, ConsumerSigner, sign},
};

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// The answer, whatever its status.
    pub response: Response,
    /// The `oauth_problem` in it, where it names one.
    pub problem: Option<Problem>,
}

/// What is signed beside the request: `oauth_token` and further `oauth_` parameters (see [`Call`]).
#[derive(Clone, Copy, Default)]
pub struct Parameters<'a> {
    /// `oauth_token`; `Some("")` is two-legged OAuth (protocol.md 2.8).
    pub token: Option<&'a str>,
    /// Further `oauth_` parameters.
    pub oauth: &'a [(&'a str, &'a str)],
    /// Whether to use a new connection, which another node of a cluster may answer.
    pub fresh: bool,
}

/// How long a call that is safe to repeat is made again, and how often.
const PATIENCE: Duration = Duration::from_secs(10);
const REPETITIONS: usize = 2;

/// Signs a request and sends it. A form body is signed, any other is not (RFC 5849, section 3.4.1.3). The client repeats
/// no signed call, since a signature is good for one use; where the request is safe to repeat, or the server has seen
/// the nonce before, it is signed anew here.
///
/// # Errors
/// Where no signature can be made, or the server was not reached. A refusal is an answer.
pub fn send(
    client: &Client,
    signer: &ConsumerSigner<'_>,
    parameters: Parameters<'_>,
    request: &Request,
) -> Result<Answer, OauthError> {
    let started = Instant::now();
    let mut pauses = ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(200))
        .with_max_times(REPETITIONS)
        .with_jitter()
        .build();
    loop {
        let outcome = with_fresh_nonce(client, signer, parameters, request);
        let pause = match wait_wanted(&outcome) {
            Some(wanted) if request.repeat == Repeat::Safe => {
                pauses.next().map(|pause| pause.max(wanted))
            }
            _ => None,
        };
        match pause {
            Some(pause) if started.elapsed() + pause < PATIENCE => thread::sleep(pause),
            _ => return outcome,
        }
    }
}

/// Sends once more where the server has seen the nonce before: it did nothing then.
fn with_fresh_nonce(
    client: &Client,
    signer: &ConsumerSigner<'_>,
    parameters: Parameters<'_>,
    request: &Request,
) -> Result<Answer, OauthError> {
    let answer = once(client, signer, parameters, request)?;
    match &answer.problem {
        Some(problem) if problem.kind == ProblemKind::NonceUsed => {
            once(client, signer, parameters, request)
        }
        _ => Ok(answer),
    }
}

fn once(
    client: &Client,
    signer: &ConsumerSigner<'_>,
    parameters: Parameters<'_>,
    request: &Request,
) -> Result<Answer, OauthError> {
    let form = match &request.body {
        Body::Form(fields) => fields.as_slice(),
        _ => &[],
    };
    let call = Call {
        method: request.method,
        url: &client.signing_base_url().join(&request.path),
        form,
        token: parameters.token,
        oauth: parameters.oauth,
    };
    let signed = sign(signer, &call)?;
    let mut request = request.clone();
    request
        .headers
        .push(("Authorization".to_owned(), signed.authorization));
    let response = client.send_bare(&request, parameters.fresh)?;
    let challenges = response.header_values("www-authenticate");
    let mut problem = Problem::read(&challenges, &response.text(), &signed.base_string);
    if let Some(problem) = &mut problem {
        problem.clock_skew = problem.clock_skew.or_else(|| client.clock_skew());
    }
    Ok(Answer { response, problem })
}

/// How long to wait before the same is asked again, where that may help: after a lost answer, 429 and 503.
fn wait_wanted(outcome: &Result<Answer, OauthError>) -> Option<Duration> {
    match outcome {
        Err(OauthError::Client(ClientError::RateLimited { retry_after, .. })) => {
            Some(retry_after.unwrap_or_default())
        }
        Err(OauthError::Client(ClientError::Connection { sent: true, .. })) => Some(Duration::ZERO),
        Ok(answer) if answer.response.status == 503 && answer.problem.is_none() => {
            Some(Duration::ZERO)
        }
        _ => None,
    }
}

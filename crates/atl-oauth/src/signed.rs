//! One signed call on the wire.

use std::{
    borrow::Cow,
    thread,
    time::{Duration, Instant},
};

use atl_client::{Body, Client, ClientError, Incoming, Repeat, Request, Response};
use backon::{BackoffBuilder as _, ExponentialBuilder};
use secrecy::SecretString;

use crate::{
    error::OauthError,
    problem::{Problem, ProblemKind},
    rfc5849::{self, Parameter},
    signer::{Call, ConsumerSigner, sign},
};

/// What came back.
#[derive(Debug)]
pub struct Answer<R = Response> {
    /// The answer, whatever its status.
    pub response: R,
    /// The `oauth_problem` in it, where it names one.
    pub problem: Option<Problem>,
}

/// What is signed beside the request: `oauth_token`, further `oauth_` parameters (see [`Call`]) and whom it stands for.
#[derive(Clone, Copy, Default)]
pub struct Parameters<'a> {
    /// `oauth_token`; `Some("")` is two-legged OAuth (protocol.md 2.8).
    pub token: Option<&'a str>,
    /// Further `oauth_` parameters.
    pub oauth: &'a [(&'a str, &'a str)],
    /// As which user a two-legged call is to be made: impersonation, which a consumer needs the right to. A server takes
    /// a user that it does not know for nobody (protocol.md 2.8).
    pub requestor: Option<&'a str>,
    /// Whether to use a new connection, which another node of a cluster may answer.
    pub fresh: bool,
}

impl<'a> Parameters<'a> {
    /// Of a two-legged call for nobody, or for the user that the server runs such calls as.
    pub fn two_legged() -> Self {
        Self {
            token: Some(""),
            ..Self::default()
        }
    }

    /// Of a two-legged call as this user.
    pub fn as_user(user: &'a str) -> Self {
        Self {
            requestor: Some(user),
            ..Self::two_legged()
        }
    }
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
    patiently(request.repeat, || {
        once(client, signer, parameters, request, |request| {
            client.send_bare(request, parameters.fresh)
        })
    })
}

/// The same for an answer of any size, which is not held in memory. Redirects and rate limits are answers as well.
///
/// # Errors
/// As [`send`]. Once there is an answer, nothing is sent again, even where its body breaks off.
pub fn open(
    client: &Client,
    signer: &ConsumerSigner<'_>,
    parameters: Parameters<'_>,
    request: &Request,
) -> Result<Answer<Incoming>, OauthError> {
    let mut answer = patiently(request.repeat, || {
        once(client, signer, parameters, request, |request| {
            client.open(request)
        })
    })?;
    if let Some(token) = parameters.token {
        let head = &mut answer.response.head;
        head.secrets = head.secrets.and(&SecretString::from(token));
    }
    Ok(answer)
}

/// Repeats what is safe to repeat, and what the server refused for a nonce that it has seen before: it did nothing then.
fn patiently<R: AsRef<Response>>(
    repeat: Repeat,
    mut attempt: impl FnMut() -> Result<Answer<R>, OauthError>,
) -> Result<Answer<R>, OauthError> {
    let started = Instant::now();
    let mut pauses = ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(200))
        .with_max_times(REPETITIONS)
        .with_jitter()
        .build();
    loop {
        let mut outcome = attempt();
        if outcome.as_ref().is_ok_and(is_nonce_used) {
            outcome = attempt();
        }
        let pause = match wait_wanted(&outcome) {
            Some(wanted) if repeat == Repeat::Safe => pauses.next().map(|pause| pause.max(wanted)),
            _ => None,
        };
        match pause {
            Some(pause) if started.elapsed() + pause < PATIENCE => thread::sleep(pause),
            _ => return outcome,
        }
    }
}

fn is_nonce_used<R>(answer: &Answer<R>) -> bool {
    let problem = answer.problem.as_ref();
    problem.is_some_and(|problem| problem.kind == ProblemKind::NonceUsed)
}

fn once<R: AsRef<Response>>(
    client: &Client,
    signer: &ConsumerSigner<'_>,
    parameters: Parameters<'_>,
    request: &Request,
    send: impl FnOnce(&Request) -> Result<R, ClientError>,
) -> Result<Answer<R>, OauthError> {
    let mut request = request.clone();
    if let Some(user) = parameters.requestor {
        add_requestor(&mut request.path, user);
    }
    let call = Call {
        method: &request.method,
        url: &client.signing_base_url().join(&request.path),
        form: &signed_form(&request),
        token: parameters.token,
        oauth: parameters.oauth,
    };
    let signed = sign(signer, &call)?;
    request
        .headers
        .push(("Authorization".to_owned(), signed.authorization));
    let response = send(&request)?;
    let head = response.as_ref();
    let challenges = head.header_values("www-authenticate");
    let mut problem = Problem::read(&challenges, &head.text(), &signed.base_string);
    if let Some(problem) = &mut problem {
        problem.clock_skew = problem.clock_skew.or_else(|| client.clock_skew());
    }
    Ok(Answer { response, problem })
}

/// Adds the parameter that impersonates to the query, where it is signed like any other (protocol.md 2.8).
fn add_requestor(path: &mut String, user: &str) {
    let separator = if !path.contains('?') {
        "?"
    } else if path.ends_with(['?', '&']) {
        ""
    } else {
        "&"
    };
    path.push_str(separator);
    path.push_str("xoauth_requestor_id=");
    path.push_str(&rfc5849::percent_encode(user));
}

/// The parameters of a body that are signed: those of a form that is posted, since containers read no forms of other
/// methods (protocol.md 2.6).
fn signed_form(request: &Request) -> Cow<'_, [Parameter]> {
    match &request.body {
        _ if request.method != "POST" => Cow::default(),
        Body::Form(fields) => Cow::Borrowed(fields),
        Body::Raw {
            content_type,
            bytes,
        } if is_form(content_type) => {
            Cow::Owned(rfc5849::form_parameters(&String::from_utf8_lossy(bytes)))
        }
        _ => Cow::default(),
    }
}

/// Whether a content type is that of forms, whatever its parameters.
pub fn is_form(content_type: &str) -> bool {
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

/// How long to wait before the same is asked again, where that may help: after a lost answer, 429 and 503.
fn wait_wanted<R: AsRef<Response>>(outcome: &Result<Answer<R>, OauthError>) -> Option<Duration> {
    match outcome {
        Err(OauthError::Client(ClientError::RateLimited { retry_after, .. })) => {
            Some(retry_after.unwrap_or_default())
        }
        Err(OauthError::Client(ClientError::Connection { sent: true, .. })) => Some(Duration::ZERO),
        Err(_) => None,
        Ok(answer) => {
            let response = answer.response.as_ref();
            (matches!(response.status, 429 | 503) && answer.problem.is_none())
                .then(|| response.retry_after().unwrap_or_default())
        }
    }
}

//! The two proofs of a key: looking, and asking for a request token.

use std::{
    thread,
    time::{Duration, Instant},
};

use atl_client::{Body, Client, ClientError, Redirect, Repeat, Request, Response};

use backon::{BackoffBuilder as _, ExponentialBuilder};

use crate::{
    error::{OauthError, Unclear},
    header,
    problem::{Problem, ProblemKind, form_body},
    signer::{Call, ConsumerSigner, sign},
};

/// What a server makes of a consumer key and a signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyState {
    /// The signature was accepted.
    Accepted,
    /// The server knows no such consumer key.
    ConsumerUnknown,
    /// The server knows the consumer key and refused the call.
    Refused(Problem),
}

/// Asks without leaving a trace: a signed two-legged GET of whoami (cli.md 4.3, protocol.md 2.8). 200 with at most a
/// user name, or 401 with an empty body and a bare OAuth challenge, means that the key was accepted.
///
/// # Errors
/// Where the server was not reached, or its answer says nothing about the key.
pub fn look(client: &Client, signer: &ConsumerSigner<'_>) -> Result<KeyState, OauthError> {
    LOOK.ask(client, signer)
}

/// Proves a key after a write: a signed request-token call on a new connection (protocol.md 2.2). Where the answer is
/// lost, it may be asked again: a request token that nobody approves expires by itself.
///
/// # Errors
/// Where the server was not reached, or its answer says nothing about the key.
pub fn prove(client: &Client, signer: &ConsumerSigner<'_>) -> Result<KeyState, OauthError> {
    PROVE.ask(client, signer)
}

/// A signed call that shows what the server makes of a key.
struct Question {
    method: &'static str,
    path: &'static str,
    token: Option<&'static str>,
    oauth: &'static [(&'static str, &'static str)],
    repeat: Repeat,
    fresh: bool,
    /// Whether an answer that names no problem accepts the signature.
    accepts: fn(&Response) -> Result<(), Unclear>,
}

const LOOK: Question = Question {
    method: "GET",
    path: "plugins/servlet/applinks/whoami",
    token: Some(""),
    oauth: &[],
    repeat: Repeat::Safe,
    fresh: false,
    accepts: look_accepts,
};

const PROVE: Question = Question {
    method: "POST",
    path: "plugins/servlet/oauth/request-token",
    token: None,
    oauth: &[("oauth_callback", "oob")],
    repeat: Repeat::Never,
    fresh: true,
    accepts: prove_accepts,
};

/// How long a question that is safe to repeat is asked again, and how often.
const PATIENCE: Duration = Duration::from_secs(10);
const REPETITIONS: usize = 2;

impl Question {
    /// Asks until there is an answer or patience ends. The client repeats no signed call, since a signature is good for
    /// one use, so that each try is signed anew here.
    fn ask(&self, client: &Client, signer: &ConsumerSigner<'_>) -> Result<KeyState, OauthError> {
        let started = Instant::now();
        let mut pauses = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(200))
            .with_max_times(REPETITIONS)
            .with_jitter()
            .build();
        loop {
            let outcome = self.ask_with_fresh_nonce(client, signer);
            let pause = match wait_wanted(&outcome) {
                Some(wanted) if self.repeat == Repeat::Safe => {
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

    /// Asks once more where the server has seen the nonce before.
    fn ask_with_fresh_nonce(
        &self,
        client: &Client,
        signer: &ConsumerSigner<'_>,
    ) -> Result<KeyState, OauthError> {
        match self.ask_once(client, signer)? {
            KeyState::Refused(problem) if problem.kind == ProblemKind::NonceUsed => {
                self.ask_once(client, signer)
            }
            answer => Ok(answer),
        }
    }

    fn ask_once(
        &self,
        client: &Client,
        signer: &ConsumerSigner<'_>,
    ) -> Result<KeyState, OauthError> {
        let call = Call {
            method: self.method,
            url: &client.signing_base_url().join(self.path),
            form: &[],
            token: self.token,
            oauth: self.oauth,
        };
        let signed = sign(signer, &call)?;
        let request = Request {
            method: self.method,
            path: self.path.to_owned(),
            headers: vec![("Authorization".to_owned(), signed.authorization)],
            body: Body::Empty,
            repeat: Repeat::Never,
            redirect: Redirect::Refuse,
        };
        let response = client.send_bare(&request, self.fresh)?;

        let challenges = response.header_values("www-authenticate");
        let Some(mut problem) = Problem::read(&challenges, &response.text(), &signed.base_string)
        else {
            return match (self.accepts)(&response) {
                Ok(()) => Ok(KeyState::Accepted),
                Err(reason) => Err(OauthError::Unclear {
                    server: response.server,
                    what: response.what,
                    status: response.status,
                    reason,
                }),
            };
        };
        if problem.kind == ProblemKind::ConsumerKeyUnknown {
            return Ok(KeyState::ConsumerUnknown);
        }
        problem.clock_skew = problem.clock_skew.or_else(|| client.clock_skew());
        Ok(KeyState::Refused(problem))
    }
}

/// How long to wait before the same is asked again, where that may help: after a lost answer, 429 and 503.
fn wait_wanted(outcome: &Result<KeyState, OauthError>) -> Option<Duration> {
    match outcome {
        Err(OauthError::Client(ClientError::RateLimited { retry_after, .. })) => {
            Some(retry_after.unwrap_or_default())
        }
        Err(
            OauthError::Client(ClientError::Connection { sent: true, .. })
            | OauthError::Unclear { status: 503, .. },
        ) => Some(Duration::ZERO),
        _ => None,
    }
}

/// What whoami answers to a signature it accepts (protocol.md 2.8, 6): 200 with the user or nothing, or, where the
/// consumer may not make two-legged calls, an empty 401 with a challenge that names no problem.
fn look_accepts(response: &Response) -> Result<(), Unclear> {
    let text = response.text();
    let body = text.trim();
    match response.status {
        200 if is_page(response) => Err(Unclear::Page),
        200 if is_user(response, body) => Ok(()),
        200 => Err(Unclear::NotAUser),
        401 if !is_challenged(response) => Err(Unclear::NoChallenge),
        401 if body.is_empty() => Ok(()),
        _ => Err(refusal(response)),
    }
}

/// What request-token answers to a signature it accepts (protocol.md 2.2). A GET of it would be answered 200 with
/// nothing, so nothing is not enough.
fn prove_accepts(response: &Response) -> Result<(), Unclear> {
    if response.status != 200 {
        return Err(refusal(response));
    }
    if is_page(response) {
        return Err(Unclear::Page);
    }
    let parameters = form_body(&response.text()).unwrap_or_default();
    let is = |name: &str, fits: fn(&str) -> bool| {
        parameters
            .iter()
            .any(|(found, value)| found == name && fits(value))
    };
    let filled = |value: &str| !value.is_empty();
    if !is("oauth_token", filled) || !is("oauth_token_secret", filled) {
        Err(Unclear::NoToken)
    } else if !is("oauth_callback_confirmed", |value| value == "true") {
        Err(Unclear::NotConfirmed)
    } else {
        Ok(())
    }
}

/// Why a refusal without `oauth_problem` says nothing.
fn refusal(response: &Response) -> Unclear {
    match response.status {
        401 | 403 if is_challenged(response) => Unclear::Unexplained,
        401 | 403 if is_page(response) => Unclear::Page,
        401 | 403 => Unclear::NoChallenge,
        500.. => Unclear::Failing,
        _ => Unclear::Status,
    }
}

fn is_challenged(response: &Response) -> bool {
    response
        .header_values("www-authenticate")
        .into_iter()
        .any(|value| header::read(value).is_some())
}

/// One line of text without markup, or nothing. What says that it is anything but `text/plain` is no user name either.
fn is_user(response: &Response, body: &str) -> bool {
    let plain = content_types(response).all(|value| value.starts_with("text/plain"));
    plain
        && body.chars().count() <= 255
        && !body.chars().any(|c| c.is_control() || "<>{}".contains(c))
}

fn is_page(response: &Response) -> bool {
    content_types(response).any(|value| value.contains("html"))
        || response.text().trim_start().starts_with('<')
}

fn content_types(response: &Response) -> impl Iterator<Item = String> {
    response
        .header_values("content-type")
        .into_iter()
        .map(str::to_ascii_lowercase)
}

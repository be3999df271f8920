//! Signed access to everything else (protocol.md 2.8).

use super::message::Message;
use super::problem::{Failure, Problem, challenge};
use super::verify::verify;
use crate::call::Call;
use crate::directory::Consumer;
use crate::reply::Reply;
use crate::state::State;
use crate::token::TokenKind;

/// Whoever lacks one of these is a guest, not a fraud.
const ALL_SIX: [&str; 6] = [
    "oauth_consumer_key",
    "oauth_token",
    "oauth_signature_method",
    "oauth_signature",
    "oauth_timestamp",
    "oauth_nonce",
];

/// The endpoints of the dance look at their parameters themselves.
const DANCE: [&str; 3] = [
    "/plugins/servlet/oauth/request-token",
    "/plugins/servlet/oauth/access-token",
    "/plugins/servlet/oauth/authorize",
];

/// User agents that OAuth leaves alone.
const WEBDAV: [&str; 3] = ["WebDAVFS/", "WebDAVLib", "Microsoft-WebDAV-MiniRedir"];

/// Whether a request counts as signed.
pub(crate) fn is_attempt(call: &Call) -> bool {
    let agent = call.header("user-agent").unwrap_or_default();
    if DANCE.contains(&call.path.as_str()) || WEBDAV.iter().any(|webdav| agent.starts_with(webdav))
    {
        return false;
    }
    let message = Message::of(call);
    ALL_SIX.iter().all(|name| message.get(name).is_some())
}

/// Who signed: a user, or `None` for an accepted signature that stands for nobody.
pub(crate) fn sign_in(state: &mut State, call: &Call) -> Result<Option<String>, Reply> {
    let outcome = match Message::of(call) {
        message if message.get("oauth_token") == Some("") => two_legged(state, call, &message),
        message => three_legged(state, call, &message),
    };
    outcome.map_err(|refusal| match refusal {
        Refusal::Failure(Failure::Problem(problem)) => problem.reply(&state.base_url),
        Refusal::Failure(Failure::Crash) => {
            Reply::empty(500).challenge(&challenge(&state.base_url))
        }
        Refusal::NotAllowed => Reply::empty(401),
    })
}

enum Refusal {
    Failure(Failure),
    /// The 401 that says nothing: 2LO or impersonation is off, or the user may not log in.
    NotAllowed,
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::Failure(problem.into())
    }
}

fn two_legged(
    state: &mut State,
    call: &Call,
    message: &Message,
) -> Result<Option<String>, Refusal> {
    let consumer = consumer_of(state, call, message.need("oauth_consumer_key")?)?;
    verify(state, call, message, &consumer.public_key)?;
    let user = match call
        .param("xoauth_requestor_id")
        .or_else(|| call.param("user_id"))
    {
        Some(_) if !consumer.impersonation => return Err(Refusal::NotAllowed),
        // Nobody of that name: the request goes on, as nobody.
        Some(user) => state.users.get(user).map(|user| user.name.clone()),
        None if !consumer.two_legged => return Err(Refusal::NotAllowed),
        None => consumer.execute_as.filter(|user| !user.is_empty()),
    };
    may_log_in(state, user)
}

fn three_legged(
    state: &mut State,
    call: &Call,
    message: &Message,
) -> Result<Option<String>, Refusal> {
    let rejected = || Problem::new("token_rejected");
    let value = message.need("oauth_token")?;
    let token = state.token(value).ok_or_else(rejected)?;
    if token.kind != TokenKind::Access || message.need("oauth_consumer_key")? != token.consumer_key
    {
        return Err(rejected().into());
    }
    if token.is_expired(state.now()) {
        return Err(Problem::new("token_expired").into());
    }
    let consumer = consumer_of(state, call, &token.consumer_key)?;
    verify(state, call, message, &consumer.public_key)?;
    if !consumer.three_legged {
        return Err(Problem::new("permission_denied").into());
    }
    may_log_in(state, token.user)
}

pub(super) fn consumer_of(state: &State, call: &Call, key: &str) -> Result<Consumer, Problem> {
    state
        .seen(call)
        .consumers
        .get(key)
        .cloned()
        .ok_or_else(|| Problem::new("consumer_key_unknown"))
}

fn may_log_in(state: &State, user: Option<String>) -> Result<Option<String>, Refusal> {
    match user {
        Some(name) if state.users.get(&name).is_none_or(|user| !user.active) => {
            Err(Refusal::NotAllowed)
        }
        user => Ok(user),
    }
}

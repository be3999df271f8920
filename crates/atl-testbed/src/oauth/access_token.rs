//! The access-token endpoint: exchange and renewal (protocol.md 2.4).

use super::base_string::form;
use super::message::Message;
use super::problem::{Failure, Problem, answer};
use super::resource::consumer_of;
use super::verify::verify;
use crate::call::Call;
use crate::reply::Reply;
use crate::state::{State, random_text};
use crate::token::{Decision, Token, TokenKind, TokenSession};

/// Gives out an access token for a request token, or for an older access token and its session handle; or says why
/// not, and takes nothing away.
pub(crate) fn access_token(state: &mut State, call: &Call) -> Reply {
    let outcome = granted(state, call);
    answer(state, outcome)
}

fn granted(state: &mut State, call: &Call) -> Result<Reply, Failure> {
    let message = Message::of(call);
    // An empty token is no token here (protocol.md 7).
    let value = message
        .get("oauth_token")
        .filter(|value| !value.is_empty())
        .ok_or_else(|| Problem::absent(&["oauth_token"]))?;
    let old = state
        .token(value)
        .ok_or_else(|| Problem::new("token_rejected"))?;
    let now = state.now();
    let session_created = match old.kind {
        TokenKind::Request => {
            check_request_token(&message, &old, now)?;
            now
        }
        TokenKind::Access => check_session(&message, &old, now)?,
    };
    // The key of the token's consumer, whoever the request says it comes from.
    let consumer = consumer_of(state, call, &old.consumer_key)?;
    verify(state, call, &message, &consumer.public_key)?;

    let lifetimes = &state.settings.lifetimes;
    let session = TokenSession {
        handle: random_text(32),
        created: session_created,
        renewed: now,
        ttl: lifetimes.of_session(),
    };
    let params = [
        ("oauth_token", random_text(32)),
        ("oauth_token_secret", old.secret.clone()),
        ("oauth_expires_in", lifetimes.of_access_token().to_string()),
        ("oauth_session_handle", session.handle.clone()),
        ("oauth_authorization_expires_in", session.ttl.to_string()),
    ]
    .map(|(name, value)| (name.to_owned(), value));
    state.tokens.remove(&old.value);
    state.put_token(Token {
        value: params[0].1.clone(),
        kind: TokenKind::Access,
        callback: None,
        decision: None,
        session: Some(session),
        created: now,
        ttl: state.settings.lifetimes.of_access_token(),
        ..old
    });
    Ok(Reply::body(200, "text/plain", form(&params)))
}

/// Whether a request token may be exchanged.
fn check_request_token(message: &Message, token: &Token, now: i64) -> Result<(), Failure> {
    let problem = |name| Err(Problem::new(name).into());
    if token.is_expired(now) {
        return problem("token_expired");
    }
    let verifier = match &token.decision {
        None => return problem("permission_unknown"),
        Some(Decision::Denied) => return problem("permission_denied"),
        Some(Decision::Approved { verifier }) => verifier,
    };
    if message.get("oauth_consumer_key") != Some(&token.consumer_key) {
        return problem("token_rejected");
    }
    // Version 1.0 ignores the verifier.
    if token.callback.is_some() && message.need("oauth_verifier")? != verifier {
        return problem("token_rejected");
    }
    Ok(())
}

/// Whether an access token may be renewed; gives the creation time of its session. That the token itself has expired
/// does not matter.
fn check_session(message: &Message, token: &Token, now: i64) -> Result<i64, Failure> {
    let rejected = || Problem::new("token_rejected");
    let session = token.session.as_ref().ok_or_else(rejected)?;
    if message.need("oauth_session_handle")? != session.handle {
        return Err(rejected().into());
    }
    if session.is_over(now) {
        return Err(Problem::new("permission_denied").into());
    }
    Ok(session.created)
}

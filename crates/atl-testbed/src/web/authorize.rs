//! The page on which a user approves or denies a request token (protocol.md 2.3).

use super::layout::{self, Ask};
use super::{carrying, page, xsrf};
use crate::call::Call;
use crate::identity::Caller;
use crate::oauth::{Problem, form};
use crate::reply::Reply;
use crate::state::State;
use crate::token::{Token, TokenKind};

const PATH: &str = "/plugins/servlet/oauth/authorize";

pub(super) fn answer(state: &mut State, call: &Call, caller: &Caller) -> Reply {
    if !matches!(call.method.as_str(), "GET" | "POST") {
        return Reply::empty(405);
    }
    let token = match pending(state, call) {
        Ok(token) => token,
        Err(problem) => return refuse(state, &problem),
    };
    let Some(user) = &caller.user else {
        return to_login(state, call, &token);
    };
    if call.method == "GET" {
        return ask(state, call, &token, user);
    }
    if !xsrf::is_valid(state, call) {
        return page::message(state, 403, "Forbidden", "Xsrf token validation failed");
    }
    if call.param("approve").is_some() {
        match state.approve(&token.value, user) {
            Some(verifier) => decided(state, call, &token, Outcome::Approved(&verifier)),
            None => refuse(state, &Problem::new("token_used")),
        }
    } else if call.param("deny").is_some() {
        state.deny(&token.value, Some(user));
        decided(state, call, &token, Outcome::Denied)
    } else {
        ask(state, call, &token, user)
    }
}

/// What is wrong with a token, as a page.
fn refuse(state: &State, problem: &Problem) -> Reply {
    let said = format!("This request cannot be approved: {}.", problem.name);
    page::message(state, problem.status(), "OAuth Error", &said)
        .challenge(&problem.challenge(&state.base_url))
}

/// The request token to decide about, or what is wrong with it. Nobody need be signed in to be told.
fn pending(state: &mut State, call: &Call) -> Result<Token, Problem> {
    let value = call
        .param("oauth_token")
        .ok_or_else(|| Problem::absent(&["oauth_token"]))?;
    let token = state
        .token(value)
        .filter(|token| token.kind == TokenKind::Request)
        .ok_or_else(|| Problem::new("token_rejected"))?;
    if token.decision.is_some() {
        return Err(Problem::new("token_used"));
    }
    if token.is_expired(state.now()) {
        return Err(Problem::new("token_expired"));
    }
    Ok(token)
}

/// To the sign-in page, with the whole URL of this page to come back to, also after a POST.
fn to_login(state: &State, call: &Call, token: &Token) -> Reply {
    let mut query = vec![("oauth_token".to_owned(), token.value.clone())];
    if let Some(callback) = call.param("oauth_callback") {
        query.push(("oauth_callback".to_owned(), callback.to_owned()));
    }
    let destination = format!("{}{PATH}?{}", state.base_url, form(&query));
    let (page, parameter) = state.kind.login_page();
    carrying(state, page, parameter, &destination)
}

fn ask(state: &State, call: &Call, token: &Token, user: &str) -> Reply {
    let (xsrf_token, new) = xsrf::token(state, call);
    let mut hidden = vec![
        ("oauth_token", token.value.as_str()),
        (xsrf::PARAMETER, &xsrf_token),
    ];
    if let Some(callback) = call.param("oauth_callback") {
        hidden.push(("oauth_callback", callback));
    }
    let ask = Ask {
        consumer: consumer_name(state, call, token),
        user,
        action: &format!("{}{PATH}", state.context),
        hidden: &hidden,
    };
    let reply = layout::ask(state, &ask)
        .header("x-frame-options", "SAMEORIGIN")
        .header("content-security-policy", "frame-ancestors 'self'");
    xsrf::remember(state, reply, &xsrf_token, new)
}

fn consumer_name<'a>(state: &'a State, call: &Call, token: &'a Token) -> &'a str {
    let consumer = state.seen(call).consumers.get(&token.consumer_key);
    consumer.map_or(&token.consumer_key, |consumer| &consumer.name)
}

/// What became of the request token.
#[derive(Clone, Copy)]
enum Outcome<'a> {
    Approved(&'a str),
    Denied,
}

/// Back to the consumer; where there is no way back, a page that says what was decided.
fn decided(state: &State, call: &Call, token: &Token, outcome: Outcome<'_>) -> Reply {
    let registered = state
        .seen(call)
        .consumers
        .get(&token.consumer_key)
        .and_then(|consumer| consumer.callback.as_deref());
    let name = consumer_name(state, call, token);
    let oauth_token = ("oauth_token", token.value.as_str());
    // Version 1.0 knows no verifier, and its consumer is not told of a denial either.
    let Some(asked) = token.callback.as_deref() else {
        return match (call.param("oauth_callback").or(registered), outcome) {
            (Some(callback), _) => back(callback, &[oauth_token]),
            (None, Outcome::Approved(_)) => layout::approved(state, name, None),
            (None, Outcome::Denied) => layout::denied(state, name),
        };
    };
    // Nobody can come back to `oob`: it counts as no callback at all.
    let callback = Some(asked).filter(|asked| *asked != "oob").or(registered);
    match (callback, outcome) {
        (Some(callback), Outcome::Approved(verifier)) => {
            back(callback, &[oauth_token, ("oauth_verifier", verifier)])
        }
        (Some(callback), Outcome::Denied) => {
            back(callback, &[oauth_token, ("oauth_verifier", "denied")])
        }
        (None, Outcome::Approved(verifier)) => layout::approved(state, name, Some(verifier)),
        (None, Outcome::Denied) => layout::denied(state, name),
    }
}

/// A redirect to a callback with parameters appended, whatever its own query may be.
fn back(callback: &str, params: &[(&str, &str)]) -> Reply {
    let params: Vec<(String, String)> = params
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let separator = if callback.contains('?') { '&' } else { '?' };
    Reply::redirect(&format!("{callback}{separator}{}", form(&params)))
}

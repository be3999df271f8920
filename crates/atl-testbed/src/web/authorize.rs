//! The page on which a user approves or denies a request token (protocol.md 2.3).

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
        Err(problem) => {
            let said = format!("This request cannot be approved: {}.", problem.name);
            return page::message(state, problem.status(), "OAuth Error", &said)
                .challenge(&problem.challenge(&state.base_url));
        }
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
        let verifier = state.approve(&token.value, user);
        decided(state, call, &token, verifier.as_deref())
    } else if call.param("deny").is_some() {
        state.deny(&token.value, Some(user));
        decided(state, call, &token, None)
    } else {
        ask(state, call, &token, user)
    }
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
    let consumer = state.seen(call).consumers.get(&token.consumer_key);
    let name = consumer.map_or(token.consumer_key.as_str(), |consumer| &consumer.name);
    let callback = call
        .param("oauth_callback")
        .map(|callback| page::hidden("oauth_callback", callback));
    let body = format!(
        "<p>The application <strong>{}</strong> would like to have read and write access to your data as {}.</p>\n\
         <form id=\"authorize\" method=\"post\" action=\"{}{PATH}\">{}{}{}\
         <input type=\"submit\" name=\"approve\" value=\"Allow\"> \
         <input type=\"submit\" name=\"deny\" value=\"Deny\"></form>",
        page::text(name),
        page::text(user),
        state.context,
        page::hidden("oauth_token", &token.value),
        callback.unwrap_or_default(),
        page::hidden(xsrf::PARAMETER, &xsrf_token),
    );
    let reply = page::page(state, 200, "Authorize", &body)
        .header("x-frame-options", "SAMEORIGIN")
        .header("content-security-policy", "frame-ancestors 'self'");
    xsrf::remember(state, reply, &xsrf_token, new)
}

/// Back to the consumer; where there is no way back, a page that says what was decided.
fn decided(state: &State, call: &Call, token: &Token, verifier: Option<&str>) -> Reply {
    let registered = state
        .seen(call)
        .consumers
        .get(&token.consumer_key)
        .and_then(|consumer| consumer.callback.as_deref());
    // Version 1.0 knows no verifier, and is not told of a denial either.
    let Some(asked) = token.callback.as_deref() else {
        return match call.param("oauth_callback").or(registered) {
            Some(callback) => back(callback, vec![("oauth_token", &token.value)]),
            None => without_callback(state, verifier.is_some(), None),
        };
    };
    // Nobody can come back to `oob`: it counts as no callback at all.
    let callback = Some(asked).filter(|asked| *asked != "oob").or(registered);
    match callback {
        Some(callback) => {
            let verifier = verifier.unwrap_or("denied");
            let params = vec![
                ("oauth_token", token.value.as_str()),
                ("oauth_verifier", verifier),
            ];
            back(callback, params)
        }
        None => without_callback(state, verifier.is_some(), verifier),
    }
}

/// A redirect to a callback with parameters appended, whatever its own query may be.
fn back(callback: &str, params: Vec<(&str, &str)>) -> Reply {
    let params: Vec<(String, String)> = params
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let separator = if callback.contains('?') { '&' } else { '?' };
    Reply::redirect(&format!("{callback}{separator}{}", form(&params)))
}

fn without_callback(state: &State, approved: bool, verifier: Option<&str>) -> Reply {
    let (title, said) = match (approved, verifier) {
        (true, Some(verifier)) => (
            "Access Approved",
            format!(
                "<p>Your verification code is <strong>{verifier}</strong>.</p>\
                 <p>You will need to enter this exact text when prompted.</p>"
            ),
        ),
        (true, None) => (
            "Access Approved",
            "<p>You may close this window and go on.</p>".to_owned(),
        ),
        (false, _) => (
            "Access Denied",
            format!(
                "<p>You have denied the request.</p><p><a id=\"continue-link\" href=\"{}/\">Continue</a></p>",
                state.base_url
            ),
        ),
    };
    page::page(state, 200, title, &said)
}

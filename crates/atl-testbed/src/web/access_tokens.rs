//! A user's access tokens: the page that lists them, and the call that revokes one (protocol.md 3.1 and 3.2).

use super::layout::{self, Row};
use super::{oddity, page, to_login, xsrf};
use crate::call::Call;
use crate::identity::Caller;
use crate::reply::Reply;
use crate::state::State;
use crate::token::{Token, TokenKind};

pub(super) fn answer(state: &mut State, call: &Call, caller: &Caller) -> Reply {
    match call.method.as_str() {
        "GET" => list(state, call, caller),
        "POST" => revoke(state, call, caller),
        _ => Reply::empty(405),
    }
}

/// The grants of the caller and of nobody else, those of OAuth 2 last; an administrator's page is no different.
fn list(state: &State, call: &Call, caller: &Caller) -> Reply {
    let Some(user) = caller.user.as_deref() else {
        return to_login(state, call);
    };
    let mut tokens: Vec<&Token> = state
        .tokens
        .values()
        .filter(|token| token.kind == TokenKind::Access && token.user.as_deref() == Some(user))
        .collect();
    tokens.sort_by_key(|token| (token.created, &token.value));
    let (consumers, language) = (&state.seen(call).consumers, state.settings.language);
    let tokens = tokens
        .into_iter()
        .map(|token| Row::new(token, consumers.get(&token.consumer_key), language));
    let oauth2 = state.sorted_oauth2_grants().into_iter();
    let oauth2 = oauth2.filter(|grant| grant.user == user);
    let rows: Vec<Row> = tokens
        .chain(oauth2.map(|grant| Row::of_oauth2(grant, &state.base_url)))
        .collect();
    let last = rows.last().map(Row::consumer);
    oddity::apply(state, call, layout::tokens(state, &rows), last)
}

fn revoke(state: &mut State, call: &Call, caller: &Caller) -> Reply {
    if let Some(status) = state.settings.no_revocation {
        return page::message(state, status, "Error", "This page takes no such request.");
    }
    if state.settings.xsrf_filter && !call.waives_xsrf() && !xsrf::is_valid(state, call) {
        return Reply::text(403, "XSRF check failed");
    }
    let Some(user) = caller.user.as_deref() else {
        return Reply::empty(401);
    };
    let Some(value) = call.param("token") else {
        return Reply::empty(400);
    };
    match state.token(value) {
        Some(token) if token.user.as_deref() != Some(user) => Reply::empty(401),
        Some(token) => {
            state.tokens.remove(&token.value);
            Reply::empty(200)
        }
        None => Reply::empty(200),
    }
}

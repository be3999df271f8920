//! XSRF tokens of pages (protocol.md 2.3).

use crate::call::Call;
use crate::identity::session_id;
use crate::reply::Reply;
use crate::spec::Kind;
use crate::state::{State, random_text};

/// The name of the parameter.
pub(super) const PARAMETER: &str = "atl_token";

/// The token that a page of this call carries, and whether the browser must yet be told it.
pub(super) fn token(state: &State, call: &Call) -> (String, bool) {
    stored(state, call).map_or_else(|| (random_text(40), true), |token| (token, false))
}

/// Tells the browser its token where it has none.
pub(super) fn remember(state: &State, reply: Reply, token: &str, new: bool) -> Reply {
    if new {
        reply.cookie(state.kind.xsrf_cookie(), token, &state.context)
    } else {
        reply
    }
}

/// Whether the form carries the token that was stored.
pub(super) fn is_valid(state: &State, call: &Call) -> bool {
    let stored = stored(state, call);
    stored.is_some() && stored.as_deref() == call.param(PARAMETER)
}

/// Confluence binds the token to the session, the others to a cookie.
fn stored(state: &State, call: &Call) -> Option<String> {
    let session = session_id(state, call).and_then(|id| state.sessions.get(id));
    match session {
        Some(session) if state.kind == Kind::Confluence => Some(session.xsrf.clone()),
        _ => call.cookie(state.kind.xsrf_cookie()).map(str::to_owned),
    }
}

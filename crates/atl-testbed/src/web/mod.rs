//! What is below the base URL and not REST.

use url::form_urlencoded::byte_serialize;

use crate::call::Call;
use crate::identity::Caller;
use crate::reply::Reply;
use crate::state::State;

/// To the product's sign-in page, and back again afterwards (protocol.md 5.1).
pub(crate) fn to_login(state: &State, call: &Call) -> Reply {
    let (page, parameter) = state.kind.login_page();
    let destination = if call.raw_query.is_empty() {
        call.path.clone()
    } else {
        format!("{}?{}", call.path, call.raw_query)
    };
    let destination: String = byte_serialize(destination.as_bytes()).collect();
    Reply::redirect(&format!(
        "{}{page}?{parameter}={destination}",
        state.base_url
    ))
}

pub(crate) fn rest_session(
    _state: &mut State,
    _call: &Call,
    _caller: &Caller,
    _segments: &[&str],
) -> Option<Reply> {
    None
}

pub(crate) fn answer(
    _state: &mut State,
    _call: &Call,
    _caller: &Caller,
    _segments: &[&str],
) -> Reply {
    Reply::empty(404)
}

//! What is below the base URL and not REST: sign-in, elevation, the admin form, the pages of the dance, pages for people.

mod access_tokens;
mod authorize;
mod consumer_form;
mod elevation;
mod language;
mod layout;
mod oddity;
mod page;
mod sign_in;
mod xsrf;

use url::form_urlencoded::byte_serialize;

use crate::call::Call;
use crate::identity::Caller;
use crate::reply::Reply;
use crate::state::State;

pub use language::Language;
pub use layout::Layout;
pub use oddity::Oddity;
pub(crate) use sign_in::rest_session;

/// To the product's sign-in page, and back again afterwards (protocol.md 5.1).
pub(crate) fn to_login(state: &State, call: &Call) -> Reply {
    let (page, parameter) = state.kind.login_page();
    with_destination(state, page, parameter, call)
}

/// A redirect that carries where the caller wanted to go.
fn with_destination(state: &State, page: &str, parameter: &str, call: &Call) -> Reply {
    let destination = if call.raw_query.is_empty() {
        call.path.clone()
    } else {
        format!("{}?{}", call.path, call.raw_query)
    };
    carrying(state, page, parameter, &destination)
}

/// A redirect that carries a destination, which is a path below the base URL or a whole URL.
fn carrying(state: &State, page: &str, parameter: &str, destination: &str) -> Reply {
    let destination: String = byte_serialize(destination.as_bytes()).collect();
    Reply::redirect(&format!(
        "{}{page}?{parameter}={destination}",
        state.base_url
    ))
}

/// Back to where the caller wanted to go.
fn to_destination(state: &State, destination: Option<&str>) -> Reply {
    Reply::redirect(&resolved(state, destination.unwrap_or_default()))
}

/// The whole URL of a destination; where that would be another server, the first page instead.
fn resolved(state: &State, destination: &str) -> String {
    let path = destination
        .strip_prefix(&state.base_url)
        .unwrap_or(destination);
    let path = if path.starts_with('/') && !path.starts_with("//") {
        path
    } else {
        "/"
    };
    format!("{}{path}", state.base_url)
}

pub(crate) fn answer(state: &mut State, call: &Call, caller: &Caller, segments: &[&str]) -> Reply {
    const FORM: [&str; 6] = ["plugins", "servlet", "applinks", "auth", "conf", "oauth"];
    if let Some(["add-consumer-manually", id, "INBOUND"]) = segments.strip_prefix(&FORM) {
        return consumer_form::answer(state, call, caller, id);
    }
    match segments {
        ["plugins", "servlet", "oauth", "authorize"] => {
            return authorize::answer(state, call, caller);
        }
        ["plugins", "servlet", "oauth", "users", "access-tokens"] => {
            return access_tokens::answer(state, call, caller);
        }
        _ => {}
    }
    if let Some(reply) = sign_in::answer(state, call).or_else(|| elevation::answer(state, call)) {
        return reply;
    }
    match (call.method.as_str(), segments) {
        ("GET", []) if caller.user.is_none() => to_login(state, call),
        ("GET", []) => page::links(state, call, caller),
        _ => page::message(state, 404, "Not found", "There is no such page."),
    }
}

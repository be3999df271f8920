//! The provider of OAuth 2, as far as grants are ended by those who gave them (protocol.md 4.4).

use serde_json::{Value, json};

use crate::call::Call;
use crate::identity::Caller;
use crate::reply::Reply;
use crate::state::State;

/// Answers what is below `rest/oauth2/VERSION`. Bodies and statuses of refusals are inferred, save that an anonymous look
/// at the clients says whether there is a provider at all.
pub(super) fn answer(state: &mut State, call: &Call, caller: &Caller, resource: &[&str]) -> Reply {
    if !state.generation.has_oauth2() {
        return Reply::empty(404);
    }
    let secure = call.scheme == "https" && state.base_url.starts_with("https:");
    if state.settings.oauth2_needs_https && !secure {
        return refusal(400, "invalid_request", "https is required");
    }
    match (call.method.as_str(), resource) {
        ("GET", ["client"]) if caller.is_sysadmin(state) => clients(state),
        ("GET", ["client"]) => refusal(401, "unauthorized", "not a system administrator"),
        ("POST", ["revoke", id]) => revoke(state, caller, id),
        _ => Reply::empty(404),
    }
}

fn refusal(status: u16, error: &str, description: &str) -> Reply {
    Reply::json(
        status,
        &json!({ "error": error, "error_description": description }),
    )
}

/// The clients that somebody granted something, and nothing of them but their names.
fn clients(state: &State) -> Reply {
    let mut names: Vec<&str> = state.oauth2.values().map(|it| it.client.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    Reply::json(
        200,
        &names
            .iter()
            .map(|name| json!({ "name": name }))
            .collect::<Value>(),
    )
}

/// Ends a grant of the caller; nobody ends another's, administrators included.
fn revoke(state: &mut State, caller: &Caller, id: &str) -> Reply {
    let Some(user) = &caller.user else {
        return refusal(401, "unauthorized", "not signed in");
    };
    match state.oauth2.get(id) {
        None => refusal(404, "not_found", "no such token"),
        Some(grant) if grant.user != *user => refusal(401, "unauthorized", "not your token"),
        Some(_) => {
            state.oauth2.remove(id);
            Reply::empty(200)
        }
    }
}

//! Personal access tokens of Jira and Confluence (protocol.md 4.1). They speak JSON only, and nothing says that they ask
//! for an elevated session.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::entity::without_nulls;
use crate::call::Call;
use crate::identity::Caller;
use crate::personal::Pat;
use crate::reply::Reply;
use crate::state::State;

/// How many a page has where nobody says.
const PAGE: usize = 20;

/// Answers what is below `rest/pat/VERSION`.
pub(super) fn answer(state: &mut State, call: &Call, caller: &Caller, resource: &[&str]) -> Reply {
    if !state.generation.has_pats() {
        return Reply::empty(404);
    }
    let Some(user) = caller.user.as_deref() else {
        return refusal(401, "the caller is not signed in");
    };
    match (call.method.as_str(), resource) {
        ("GET", ["tokens"]) => {
            let own = state.sorted_pats().into_iter();
            let own = own.filter(|pat| pat.user == user).map(entity);
            Reply::json(200, &own.collect())
        }
        ("POST" | "GET", ["tokens", "search", ..]) | ("DELETE", ["admin", "tokens"])
            if !caller.is_sysadmin(state) =>
        {
            refusal(403, "the caller is not a system administrator")
        }
        ("POST", ["tokens", "search"]) => search(state, call),
        ("GET", ["tokens", "search", "user"]) => users(state, call),
        ("DELETE", ["admin", "tokens"]) => delete_all(state, call),
        ("GET", ["tokens", id]) => match named(state, id).filter(|pat| pat.user == user) {
            Some(pat) => Reply::json(200, &entity(pat)),
            None => refusal(404, "there is no such token"),
        },
        ("DELETE", ["tokens", id]) => match named(state, id) {
            Some(pat) if pat.user != user && !caller.is_admin(state) => {
                refusal(401, "the token is another user's")
            }
            Some(pat) => {
                let id = pat.id;
                state.remove_pat(id);
                Reply::empty(204)
            }
            None => Reply::empty(204),
        },
        _ => Reply::empty(404),
    }
}

fn named<'a>(state: &'a State, id: &str) -> Option<&'a Pat> {
    state.pat(id.parse().ok()?)
}

fn refusal(status: u16, error: &str) -> Reply {
    let exception = match status {
        400 => "ValidationException",
        404 => "NotFoundException",
        _ => "AuthorisationException",
    };
    Reply::json(status, &json!({ "exception": exception, "error": error }))
}

/// A token, without the token itself.
fn entity(pat: &Pat) -> Value {
    without_nulls(json!({
        "id": pat.id,
        "name": pat.name,
        "createdAt": moment(pat.created),
        "expiringAt": pat.expires.map(moment),
        "lastAccessedAt": pat.last_used.map(moment),
    }))
}

fn moment(seconds: i64) -> String {
    Timestamp::from_second(seconds)
        .unwrap_or_default()
        .strftime("%Y-%m-%dT%H:%M:%S.000+00:00")
        .to_string()
}

/// What is known of the user of a token; of one who is gone, the key.
fn profile(state: &State, name: &str) -> Value {
    let user = state.users.get(name);
    without_nulls(json!({
        "userKey": state.user_key(name),
        "username": user.map(|user| &user.name),
        "fullName": user.map(|user| &user.display_name),
        "email": user.map(|user| &user.email),
    }))
}

/// All tokens, or those of some users or of one name, in the order of their numbers whatever order is asked for. Pages
/// are counted from 0, which is inferred.
fn search(state: &State, call: &Call) -> Reply {
    let Ok(wanted) = serde_json::from_slice::<Value>(&call.body) else {
        return refusal(400, "the body is not JSON");
    };
    let number = |name: &str| {
        let number = wanted.get(name).and_then(Value::as_u64);
        number.and_then(|number| usize::try_from(number).ok())
    };
    let (page, limit) = (
        number("page").unwrap_or(0),
        number("limit").unwrap_or(PAGE).max(1),
    );
    let keys = wanted.get("userKeys").and_then(Value::as_array);
    let keys = keys.filter(|keys| !keys.is_empty());
    let name = wanted.get("name").and_then(Value::as_str);
    let mut found = state.sorted_pats();
    found.retain(|pat| {
        let key = state.user_key(&pat.user);
        keys.is_none_or(|keys| keys.iter().any(|wanted| wanted == key))
            && name.is_none_or(|name| pat.name == name)
    });
    let values: Vec<Value> = found
        .iter()
        .skip(page.saturating_mul(limit))
        .take(limit)
        .map(|pat| {
            let mut value = entity(pat);
            value["userProfileResource"] = profile(state, &pat.user);
            value
        })
        .collect();
    let pages = found.len().div_ceil(limit);
    Reply::json(
        200,
        &json!({
            "values": values, "page": page, "size": values.len(), "isLastPage": page + 1 >= pages,
            "totalPages": pages,
        }),
    )
}

/// The users whose names contain a text.
fn users(state: &State, call: &Call) -> Reply {
    let text = call.query_param("contains").unwrap_or_default();
    let limit = call.query_param("limit").and_then(|it| it.parse().ok());
    let found = state
        .users
        .values()
        .filter(|user| user.name.contains(text) || user.display_name.contains(text))
        .take(limit.unwrap_or(PAGE))
        .map(|user| profile(state, &user.name));
    Reply::json(200, &found.collect())
}

/// Deletes the tokens of a list of ids, whoever they are of; what is not there is passed over.
fn delete_all(state: &mut State, call: &Call) -> Reply {
    let Ok(ids) = serde_json::from_slice::<Vec<u64>>(&call.body) else {
        return refusal(400, "the body is not a list of ids");
    };
    for id in ids {
        state.remove_pat(id);
    }
    Reply::empty(204)
}

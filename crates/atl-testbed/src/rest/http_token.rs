//! Personal access tokens of Bitbucket (protocol.md 4.2) and of Bamboo (protocol.md 4.3).

use serde_json::{Value, json};

use super::{entity, entity::without_nulls, paging};
use crate::call::Call;
use crate::identity::Caller;
use crate::personal::Pat;
use crate::reply::Reply;
use crate::state::State;

/// Bitbucket's, below `rest/access-tokens/VERSION/users/SLUG`: for their user and for administrators.
pub(super) fn of_bitbucket(
    state: &mut State,
    call: &Call,
    caller: &Caller,
    slug: &str,
    resource: &[&str],
) -> Reply {
    if !state.generation.has_pats() {
        return Reply::empty(404);
    }
    let owner = state.users.values().find(|user| user.slug() == slug);
    let owner = owner.map(|user| user.name.clone());
    let own = caller.user.is_some() && caller.user == owner;
    if !own && !caller.is_admin(state) {
        return entity::errors(401, "You are not permitted to access this resource");
    }
    let Some(owner) = owner else {
        return entity::errors(404, "The user does not exist");
    };
    let mut pats = state.sorted_pats();
    pats.retain(|pat| pat.user == owner);
    let one = |id: &str| pats.iter().find(|pat| pat.id.to_string() == id).copied();
    match (call.method.as_str(), resource) {
        ("GET", []) => Reply::json(
            200,
            &paging::of_bitbucket(call, pats, |pat| token(state, pat)),
        ),
        ("GET", [id]) => match one(id) {
            Some(pat) => Reply::json(200, &token(state, pat)),
            None => entity::errors(404, "The token does not exist"),
        },
        ("DELETE", [id]) => {
            if let Some(id) = one(id).map(|pat| pat.id) {
                state.remove_pat(id);
            }
            Reply::empty(204)
        }
        _ => Reply::empty(405),
    }
}

/// A token of Bitbucket's, whose id is a text and whose dates are milliseconds.
fn token(state: &State, pat: &Pat) -> Value {
    let milliseconds = |seconds: i64| seconds * 1000;
    without_nulls(json!({
        "id": pat.id.to_string(),
        "name": pat.name,
        "createdDate": milliseconds(pat.created),
        "expiryDate": pat.expires.map(milliseconds),
        "lastAuthenticated": pat.last_used.map(milliseconds),
        "permissions": ["PROJECT_READ", "REPO_READ"],
        "user": state.users.get(&pat.user).map(entity::bitbucket_user),
    }))
}

/// Bamboo's, and only the caller's own; how they are listed is inferred.
pub(super) fn of_bamboo(state: &State, caller: &Caller) -> Reply {
    if !state.generation.has_pats() {
        return Reply::empty(404);
    }
    let Some(user) = &caller.user else {
        return Reply::empty(401);
    };
    let own = state.sorted_pats().into_iter();
    let own = own
        .filter(|pat| pat.user == *user)
        .map(|pat| json!({ "id": pat.id, "name": pat.name, "permissions": ["READ"] }));
    Reply::json(200, &own.collect())
}

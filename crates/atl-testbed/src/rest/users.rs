//! The users of a product, listed as its documentation says.

use serde_json::{Value, json};

use super::entity;
use super::paging::{self, Window};
use crate::call::Call;
use crate::identity::Caller;
use crate::reply::Reply;
use crate::state::State;
use crate::user::User;
use crate::wire::Format;

/// Jira's `rest/api/2/user/search`: those whose name, display name or address contains a text, and all for a dot; 50 at a
/// time or up to 1000, without a word on how many there are. Those who may not log in are left out unless they are asked
/// for.
pub(super) fn of_jira(state: &State, call: &Call, caller: &Caller) -> Reply {
    let refused = |status: u16, message: &str| {
        Reply::json(status, &json!({ "errorMessages": [message], "errors": {} }))
    };
    if caller.user.is_none() {
        return refused(401, "You are not authenticated.");
    }
    let Some(text) = call.query_param("username").filter(|text| !text.is_empty()) else {
        return refused(400, "The username query parameter was not provided");
    };
    let text = text.to_lowercase();
    let is_on = |name, usual| {
        call.query_param(name)
            .map_or(usual, |value| value == "true")
    };
    let (active, inactive) = (
        is_on("includeActive", true),
        is_on("includeInactive", false),
    );
    let found = state.users.values().filter(|user| {
        let texts = [&user.name, &user.display_name, &user.email];
        (if user.active { active } else { inactive })
            && (text == "." || texts.iter().any(|it| it.to_lowercase().contains(&text)))
    });
    let window = Window::of(call, ["startAt", "maxResults"], 50, 1000);
    let (part, _) = window.cut(found.collect());
    let entities = part.into_iter().map(|user| {
        json!({
            "self": format!("{}/rest/api/2/user?username={}", state.base_url, user.name),
            "key": user.key,
            "name": user.name,
            "emailAddress": user.email,
            "displayName": user.display_name,
            "active": user.active,
        })
    });
    Reply::json(200, &entities.collect())
}

/// Confluence's `rest/api/group/NAME/member`, 200 at a time at most. Everybody is in one group, and whoever may not log in
/// stays in it, which is inferred.
pub(super) fn of_confluence(state: &State, call: &Call, caller: &Caller, group: &str) -> Reply {
    let refused = |status: u16, message: &str| {
        Reply::json(status, &json!({ "statusCode": status, "message": message }))
    };
    if caller.user.is_none() {
        return refused(403, "not permitted to use Confluence");
    }
    if group != "confluence-users" {
        return refused(404, "No group found with this name");
    }
    let window = Window::of(call, ["start", "limit"], 200, 200);
    let (part, more) = window.cut(state.users.values().collect());
    let results: Vec<Value> = part.into_iter().map(entity::confluence_user).collect();
    let mut links = json!({ "self": format!("{}/rest/api/group/{group}/member", state.base_url) });
    if more {
        let (start, limit) = (window.start + window.limit, window.limit);
        let path = format!("/rest/api/group/{group}/member");
        links["next"] = json!(format!("{path}?limit={limit}&start={start}"));
    }
    Reply::json(
        200,
        &json!({
            "size": results.len(), "start": window.start, "limit": window.limit, "results": results, "_links": links,
        }),
    )
}

/// Bitbucket's `rest/api/1.0/users`, page by page, for all who are signed in.
pub(super) fn of_bitbucket(state: &State, call: &Call, caller: &Caller) -> Reply {
    if caller.user.is_none() {
        return entity::errors(401, "You are not permitted to access this resource");
    }
    let users: Vec<&User> = state.users.values().collect();
    Reply::json(
        200,
        &paging::of_bitbucket(call, users, entity::bitbucket_user),
    )
}

/// Bamboo's `rest/api/latest/admin/users`, for administrators; its `size` is that of the whole list, which is inferred.
pub(super) fn of_bamboo(
    state: &State,
    call: &Call,
    caller: &Caller,
    format: Option<Format>,
) -> Reply {
    if !caller.is_admin(state) {
        return Reply::empty(if caller.user.is_some() { 403 } else { 401 });
    }
    let window = Window::of(call, ["start", "limit"], 25, 1000);
    let (part, _) = window.cut(state.users.values().collect());
    let results = part.into_iter().map(|user: &User| {
        json!({ "name": user.name, "fullName": user.display_name, "email": user.email })
    });
    let entity = json!({
        "results": results.collect::<Value>(), "start": window.start, "limit": window.limit,
        "size": state.users.len(),
    });
    format.map_or_else(
        || Reply::empty(406),
        |format| format.reply(200, "users", &entity),
    )
}

//! What is not application links: who am I, server information, sessions, the switch for Basic.

use serde_json::{Value, json};

use super::{entity, http_token, oauth2, pat, users};
use crate::call::Call;
use crate::identity::Caller;
use crate::reply::Reply;
use crate::spec::Kind;
use crate::state::State;
use crate::wire::{Format, flag};

/// Answers `plugin/version/resource`.
pub(super) fn answer(
    state: &mut State,
    call: &Call,
    caller: &Caller,
    format: Option<Format>,
    segments: &[&str],
) -> Reply {
    match (state.kind, call.method.as_str(), segments) {
        (_, method, ["basicauth", "1.0" | "latest", "config"]) => {
            basic_config(state, call, caller, method)
        }
        (_, _, ["oauth2", "1.0" | "latest", resource @ ..]) => {
            oauth2::answer(state, call, caller, resource)
        }
        (Kind::Jira | Kind::Confluence, _, ["pat", "1.0" | "latest", resource @ ..]) => {
            pat::answer(state, call, caller, resource)
        }
        (
            Kind::Bitbucket,
            _,
            [
                "access-tokens",
                "1.0" | "latest",
                "users",
                slug,
                resource @ ..,
            ],
        ) => http_token::of_bitbucket(state, call, caller, slug, resource),
        (Kind::Bamboo, "GET", ["api", "latest" | "1.0", "access-token"]) => {
            http_token::of_bamboo(state, caller)
        }
        (Kind::Jira, "GET", ["api", "2" | "latest", "user", "search"]) => {
            users::of_jira(state, call, caller)
        }
        (Kind::Confluence, "GET", ["api", "group", name, "member"]) => {
            users::of_confluence(state, call, caller, name)
        }
        (Kind::Bitbucket, "GET", ["api", "1.0" | "latest", "users"]) => {
            users::of_bitbucket(state, call, caller)
        }
        (Kind::Bamboo, "GET", ["api", "latest" | "1.0", "admin", "users"]) => {
            users::of_bamboo(state, call, caller, format)
        }
        (Kind::Jira, "GET", ["api", "2" | "latest", "myself"]) => jira_myself(state, caller),
        (Kind::Jira, "GET", ["api", "2" | "latest", "serverInfo"]) => jira_server_info(state),
        (Kind::Confluence, "GET", ["api", "user", "current"]) => confluence_current(state, caller),
        (Kind::Bitbucket, "GET", ["api", "1.0" | "latest", "application-properties"]) => {
            let (version, build) = state.kind.version(state.generation);
            let build = build.to_string();
            Reply::json(
                200,
                &json!({ "version": version, "buildNumber": build, "buildDate": "0", "displayName": "Bitbucket" }),
            )
        }
        (Kind::Bitbucket, "GET", ["api", "1.0" | "latest", "users", slug]) => {
            bitbucket_user(state, caller, slug)
        }
        (Kind::Bamboo, "GET", ["api", "latest" | "1.0", "currentUser"]) => {
            let Some(user) = caller.known(state) else {
                return Reply::empty(401);
            };
            let entity =
                json!({ "name": user.name, "fullName": user.display_name, "email": user.email });
            format.map_or_else(
                || Reply::empty(406),
                |format| format.reply(200, "user", &entity),
            )
        }
        (Kind::Bamboo, "GET", ["api", "latest" | "1.0", "info"]) => {
            let (version, build) = state.kind.version(state.generation);
            let entity = json!({
                "version": version, "edition": "", "buildDate": "2024-01-01T00:00:00.000Z", "buildNumber": build,
                "state": "RUNNING",
            });
            format.map_or_else(
                || Reply::empty(406),
                |format| format.reply(200, "info", &entity),
            )
        }
        _ => crate::web::rest_session(state, call, caller, segments)
            .unwrap_or_else(|| Reply::empty(404)),
    }
}

fn jira_myself(state: &State, caller: &Caller) -> Reply {
    let Some(user) = caller.known(state) else {
        return Reply::json(
            401,
            &json!({ "errorMessages": ["You are not authenticated."], "errors": {} }),
        );
    };
    let entity = json!({
        "self": format!("{}/rest/api/2/user?username={}", state.base_url, user.name),
        "key": user.key,
        "name": user.name,
        "emailAddress": user.email,
        "avatarUrls": {},
        "displayName": user.display_name,
        "active": user.active,
        "timeZone": "UTC",
        "locale": "en_US",
    });
    Reply::json(200, &entity)
}

fn jira_server_info(state: &State) -> Reply {
    let (version, build) = state.kind.version(state.generation);
    let numbers: Vec<u32> = version
        .split('.')
        .filter_map(|number| number.parse().ok())
        .collect();
    Reply::json(
        200,
        &json!({
            "baseUrl": state.base_url,
            "version": version,
            "versionNumbers": numbers,
            "deploymentType": "Server",
            "buildNumber": build,
            "buildDate": "2024-01-01T00:00:00.000+0000",
            "scmInfo": "0000000000000000000000000000000000000000",
            "serverTitle": "Jira",
        }),
    )
}

fn confluence_current(state: &State, caller: &Caller) -> Reply {
    match caller.known(state) {
        Some(user) => Reply::json(200, &entity::confluence_user(user)),
        None if state.settings.anonymous_access => Reply::json(
            200,
            &json!({ "type": "anonymous", "displayName": "Anonymous", "_links": {} }),
        ),
        None => Reply::json(
            403,
            &json!({ "statusCode": 403, "message": "not permitted to use Confluence" }),
        ),
    }
}

fn bitbucket_user(state: &State, caller: &Caller, slug: &str) -> Reply {
    if caller.user.is_none() {
        return entity::errors(401, "You are not permitted to access this resource");
    }
    match state.users.values().find(|user| user.slug() == slug) {
        Some(user) => Reply::json(200, &entity::bitbucket_user(user)),
        None => entity::errors(404, "The user does not exist"),
    }
}

/// The switch for Basic, for system administrators (protocol.md 5.2).
fn basic_config(state: &mut State, call: &Call, caller: &Caller, method: &str) -> Reply {
    if !caller.is_sysadmin(state) {
        return Reply::empty(if caller.user.is_some() { 403 } else { 401 });
    }
    let settings = &mut state.settings;
    match method {
        "GET" => Reply::json(
            200,
            &json!({
                "block-requests": !settings.basic_allowed,
                "allowed-paths": settings.allowed_paths,
                "allowed-users": settings.allowed_users,
                "show-warning-message": settings.show_warning,
            }),
        ),
        "PUT" => {
            let Ok(body) = serde_json::from_slice::<Value>(&call.body) else {
                return Reply::empty(400);
            };
            let texts = |name: &str| {
                let texts = body.get(name)?.as_array()?;
                Some(
                    texts
                        .iter()
                        .filter_map(Value::as_str)
                        .map(str::to_owned)
                        .collect::<Vec<_>>(),
                )
            };
            if body.get("block-requests").is_some() {
                settings.basic_allowed = !flag(&body, "block-requests");
            }
            if body.get("show-warning-message").is_some() {
                settings.show_warning = flag(&body, "show-warning-message");
            }
            if let Some(paths) = texts("allowed-paths") {
                settings.allowed_paths = paths;
            }
            if let Some(users) = texts("allowed-users") {
                settings.allowed_users = users;
            }
            Reply::empty(204)
        }
        _ => Reply::empty(405),
    }
}

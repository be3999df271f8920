//! Websudo: elevating a session before it may administer (protocol.md 5.3).

use super::{page, to_destination, with_destination, xsrf};
use crate::call::Call;
use crate::identity::{SignIn, check_password, session_id};
use crate::reply::Reply;
use crate::spec::{Generation, Kind};
use crate::state::State;

/// How a product elevates.
struct Elevation {
    page: &'static str,
    action: &'static str,
    password: &'static str,
    destination: &'static str,
}

/// Bitbucket's elevation is not known (protocol.md 9.6); Bamboo has one from the next generation on.
fn elevation(state: &State) -> Option<Elevation> {
    match state.kind {
        Kind::Jira => Some(Elevation {
            page: "/secure/admin/WebSudoAuthenticate!default.jspa",
            action: "/secure/admin/WebSudoAuthenticate.jspa",
            password: "webSudoPassword",
            destination: "webSudoDestination",
        }),
        Kind::Confluence => Some(Elevation {
            page: "/authenticate.action",
            action: "/doauthenticate.action",
            password: "password",
            destination: "destination",
        }),
        Kind::Bamboo if state.generation == Generation::Next => Some(Elevation {
            page: "/admin/webSudoDefault.action",
            action: "/admin/webSudoSubmit.action",
            password: "password",
            destination: "web_sudo_destination",
        }),
        Kind::Bamboo | Kind::Bitbucket => None,
    }
}

/// To the page that asks for the password again.
pub(super) fn to_elevation(state: &State, call: &Call) -> Reply {
    match elevation(state) {
        Some(elevation) => with_destination(state, elevation.page, elevation.destination, call),
        None => page::message(
            state,
            401,
            "Administrator access",
            "Elevate your session first.",
        ),
    }
}

pub(super) fn answer(state: &mut State, call: &Call) -> Option<Reply> {
    let elevation = elevation(state)?;
    match call.method.as_str() {
        "GET" if call.path == elevation.page => Some(show(state, call, &elevation, "")),
        "POST" if call.path == elevation.action => Some(elevate(state, call, &elevation)),
        _ => None,
    }
}

fn elevate(state: &mut State, call: &Call, elevation: &Elevation) -> Reply {
    let id = session_id(state, call).unwrap_or_default().to_owned();
    let Some(user) = state.sessions.get(&id).map(|session| session.user.clone()) else {
        return super::to_login(state, call);
    };
    // Confluence did not ask for a token before the next generation.
    let free = state.kind == Kind::Confluence && state.generation < Generation::Next;
    if !free && !call.waives_xsrf() && !xsrf::is_valid(state, call) {
        return show(state, call, elevation, "XSRF security token missing");
    }
    if check_password(
        state,
        &user,
        call.param(elevation.password).unwrap_or_default(),
    ) != SignIn::Accepted
    {
        return show(state, call, elevation, "The password is not correct.");
    }
    if let Some(session) = state.sessions.get_mut(&id) {
        session.elevated = true;
    }
    let reply = to_destination(state, call.param(elevation.destination));
    if state.kind == Kind::Jira {
        reply.header("x-atlassian-websudo", "Has-Authentication")
    } else {
        reply
    }
}

fn show(state: &State, call: &Call, elevation: &Elevation, error: &str) -> Reply {
    let (token, new) = xsrf::token(state, call);
    let body = format!(
        "<p class=\"error\">{}</p>\n<form method=\"post\" action=\"{}{}\">{}{}{}{}\
         <button name=\"authenticate\" value=\"Confirm\">Confirm</button></form>",
        page::text(error),
        state.context,
        elevation.action,
        page::input("password", elevation.password, "Password", ""),
        page::hidden(
            elevation.destination,
            call.param(elevation.destination).unwrap_or("/")
        ),
        page::hidden("webSudoIsPost", "false"),
        page::hidden(xsrf::PARAMETER, &token),
    );
    xsrf::remember(
        state,
        page::page(state, 200, "Administrator access", &body),
        &token,
        new,
    )
}

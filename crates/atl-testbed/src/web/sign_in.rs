//! Signing in with a user name and a password (protocol.md 5.1).

use serde_json::{Value, json};

use super::{page, resolved, to_destination, xsrf};
use crate::call::Call;
use crate::identity::{Caller, SignIn, check_password, refuse, session_id};
use crate::reply::Reply;
use crate::spec::{Generation, Kind};
use crate::state::{Session, State, random_text};
use crate::wire::text;

/// A sign-in form: where it is posted to and what its fields are called.
struct Form {
    action: &'static str,
    user: &'static str,
    password: &'static str,
    destination: &'static str,
}

fn form(kind: Kind) -> Form {
    let seraph = |action| Form {
        action,
        user: "os_username",
        password: "os_password",
        destination: "os_destination",
    };
    match kind {
        Kind::Jira => seraph("/login.jsp"),
        Kind::Confluence => seraph("/dologin.action"),
        Kind::Bamboo => seraph("/userlogin.action"),
        Kind::Bitbucket => Form {
            action: "/j_atl_security_check",
            user: "j_username",
            password: "j_password",
            destination: "next",
        },
    }
}

/// The sign-in page and what its form is posted to. The next generation has no form, only a script.
pub(super) fn answer(state: &mut State, call: &Call) -> Option<Reply> {
    let form = form(state.kind);
    let (page, _) = state.kind.login_page();
    if call.method == "GET" && call.path == page {
        return Some(show(state, call, &form, ""));
    }
    if call.method != "POST" || call.path != form.action {
        return None;
    }
    if state.generation == Generation::Next {
        return Some(show(state, call, &form, ""));
    }
    // Bamboo alone asks for an XSRF token here.
    if state.kind == Kind::Bamboo && !call.waives_xsrf() && !xsrf::is_valid(state, call) {
        return Some(show(state, call, &form, "XSRF security token missing"));
    }
    let user = call.param(form.user).unwrap_or_default();
    let outcome = check_password(state, user, call.param(form.password).unwrap_or_default());
    let reply = match outcome {
        SignIn::Accepted => {
            let reply = to_destination(state, call.param(form.destination));
            open_session(state, user, reply)
        }
        SignIn::WrongPassword => show(
            state,
            call,
            &form,
            "Sorry, your username and password are incorrect.",
        ),
        SignIn::Denied => show(
            state,
            call,
            &form,
            "Sorry, you must also enter the CAPTCHA.",
        ),
    };
    Some(if state.kind == Kind::Bitbucket {
        reply
    } else {
        reply.header("x-seraph-loginreason", outcome.reason())
    })
}

/// The sign-in page, wherever somebody is.
pub(super) fn form_page(state: &State, call: &Call) -> Reply {
    show(state, call, &form(state.kind), "")
}

fn show(state: &State, call: &Call, form: &Form, error: &str) -> Reply {
    let (token, new) = xsrf::token(state, call);
    let scripted = state.generation == Generation::Next;
    let destination = call.param(form.destination).unwrap_or_default();
    let destination = if scripted {
        resolved(state, destination)
    } else {
        destination.to_owned()
    };
    let fields = [
        page::input("text", form.user, "User name", ""),
        page::input("password", form.password, "Password", ""),
        page::hidden(form.destination, &destination),
        page::hidden(xsrf::PARAMETER, &token),
    ]
    .concat();
    let body = if scripted {
        script(state, form, &fields)
    } else {
        // By these ids scripts tell the old form from the new one.
        let (id, remember) = match state.kind {
            Kind::Bamboo => ("loginForm", "os_cookie"),
            Kind::Bitbucket => ("form-login", "_atl_remember_me"),
            Kind::Jira | Kind::Confluence => ("login-form", "os_cookie"),
        };
        format!(
            "<p class=\"error\">{}</p>\n<form id=\"{id}\" method=\"post\" action=\"{}{}\">{fields}\
             <label><input type=\"checkbox\" id=\"login-form-remember-me\" name=\"{remember}\" value=\"true\"> Remember me</label>\
             <button name=\"login\" value=\"Log in\">Log in</button></form>",
            page::text(error),
            state.context,
            form.action
        )
    };
    xsrf::remember(state, page::page(state, 200, "Sign in", &body), &token, new)
}

/// The page of the next generation signs in by script.
fn script(state: &State, form: &Form, fields: &str) -> String {
    let Form {
        user,
        password,
        destination,
        ..
    } = form;
    let context = &state.context;
    format!(
        "<p class=\"error\" id=\"error\"></p>\n<form id=\"two-step\">{fields}<button>Continue</button></form>\n\
         <script>\n\
         const form = document.getElementById('two-step');\n\
         form.addEventListener('submit', async (event) => {{\n\
           event.preventDefault();\n\
           const field = (name) => form.elements[name].value;\n\
           const answer = await fetch('{context}/rest/tsv/1.0/authenticate', {{ method: 'POST',\n\
             headers: {{ 'Content-Type': 'application/json', 'X-Atlassian-Token': 'no-check' }},\n\
             body: JSON.stringify({{ username: field('{user}'), password: field('{password}'), rememberMe: false }}) }});\n\
           if (answer.ok) location = field('{destination}');\n\
           else document.getElementById('error').textContent = 'Sorry, that did not work.';\n\
         }});\n\
         </script>"
    )
}

/// Opens a session and hands its cookies out.
fn open_session(state: &mut State, user: &str, reply: Reply) -> Reply {
    let id = random_text(32);
    let session = Session {
        user: user.to_owned(),
        elevated: false,
        xsrf: random_text(40),
    };
    let reply = reply.cookie(state.kind.session_cookie(), &id, &state.context);
    let reply = if state.kind == Kind::Jira {
        reply.cookie(state.kind.xsrf_cookie(), &session.xsrf, &state.context)
    } else {
        reply
    };
    state.sessions.insert(id, session);
    reply
}

/// Sessions over REST: Jira's own, and the two-step verification endpoint of the next generation.
pub(crate) fn rest_session(
    state: &mut State,
    call: &Call,
    caller: &Caller,
    segments: &[&str],
) -> Option<Reply> {
    match (state.kind, call.method.as_str(), segments) {
        (Kind::Jira, "POST", ["auth", "1" | "latest", "session"]) => {
            Some(jira_session(state, call))
        }
        (Kind::Jira, "GET", ["auth", "1" | "latest", "session"]) => Some(match &caller.user {
            Some(user) => Reply::json(
                200,
                &json!({
                    "self": format!("{}/rest/api/latest/user?username={user}", state.base_url),
                    "name": user,
                    "loginInfo": login_info(state, user),
                }),
            ),
            None => Reply::json(
                401,
                &json!({ "errorMessages": ["You are not authenticated."], "errors": {} }),
            ),
        }),
        (Kind::Jira, "DELETE", ["auth", "1" | "latest", "session"]) => {
            let id = session_id(state, call)?.to_owned();
            Some(Reply::empty(if state.sessions.remove(&id).is_some() {
                204
            } else {
                401
            }))
        }
        (Kind::Jira, "DELETE", ["auth", "1" | "latest", "websudo"]) => {
            let id = session_id(state, call)?.to_owned();
            state.sessions.get_mut(&id)?.elevated = false;
            Some(Reply::empty(204))
        }
        (_, "POST", ["tsv", "1.0" | "latest", "authenticate"])
            if state.generation == Generation::Next =>
        {
            Some(two_step(state, call))
        }
        _ => None,
    }
}

fn credentials(call: &Call) -> Option<(String, String)> {
    let body: Value = serde_json::from_slice(&call.body).ok()?;
    Some((
        text(&body, "username")?.to_owned(),
        text(&body, "password")?.to_owned(),
    ))
}

fn jira_session(state: &mut State, call: &Call) -> Reply {
    let Some((user, password)) = credentials(call) else {
        return Reply::empty(400);
    };
    let outcome = check_password(state, &user, &password);
    if outcome == SignIn::Denied {
        return refuse(state, outcome);
    }
    if outcome != SignIn::Accepted {
        let body = json!({ "errorMessages": ["Login failed"], "errors": {} });
        return Reply::json(401, &body).header("x-seraph-loginreason", outcome.reason());
    }
    let reply = open_session(state, &user, Reply::empty(200));
    let cookie = state.kind.session_cookie();
    let value = reply.cookie_value(cookie).unwrap_or_default().to_owned();
    let body = json!({ "session": { "name": cookie, "value": value }, "loginInfo": login_info(state, &user) });
    let Reply {
        status,
        headers,
        body,
    } = Reply::json(200, &body);
    let headers = headers.into_iter().chain(reply.headers).collect();
    Reply {
        status,
        headers,
        body,
    }
    .header("x-seraph-loginreason", "OK")
}

fn login_info(state: &State, user: &str) -> Value {
    let failed = state
        .sign_ins
        .get(user)
        .map_or(0, |sign_ins| sign_ins.in_a_row);
    json!({ "failedLoginCount": failed, "loginCount": 1, "previousLoginTime": "2024-01-01T00:00:00.000+0000" })
}

/// Body and failure statuses of the real thing are not known (protocol.md 9.7): a 401 or 403 and an empty object.
fn two_step(state: &mut State, call: &Call) -> Reply {
    let Some((user, password)) = credentials(call) else {
        return Reply::empty(400);
    };
    let outcome = check_password(state, &user, &password);
    match outcome {
        SignIn::Accepted => open_session(state, &user, Reply::json(200, &json!({}))),
        SignIn::WrongPassword => Reply::json(401, &json!({})),
        SignIn::Denied => Reply::json(403, &json!({})),
    }
    .header("x-seraph-loginreason", outcome.reason())
}

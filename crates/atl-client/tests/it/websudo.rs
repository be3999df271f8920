//! Secure administrator sessions.

use std::sync::atomic::{AtomicBool, Ordering};

use atl_client::{ClientError, ElevationProblem, Failure, Login, Request};

use crate::wire::{Act, Wire, answer, html, password, redirect, with_header};

const DEMAND: &str = r#"{"status-code":401,"message":"This resource requires WebSudo."}"#;

/// A product that elevates at `path` when `field` carries the password and `token`, if any, is there.
fn elevating(
    type_id: &'static str,
    version: &'static str,
    path: &'static str,
    field: &'static str,
    token: &'static str,
) -> Wire {
    let elevated = AtomicBool::new(false);
    Wire::product(type_id, version, move |seen, _| {
        let name = seen
            .path
            .split('?')
            .next()
            .unwrap_or_default()
            .trim_start_matches("/ctx/")
            .to_owned();
        if seen.is("GET", "/ctx/plugins/servlet/applinks/whoami") {
            answer(200, "admin")
        } else if seen.method == "POST" && name == path {
            let good = seen.body.contains(&format!("{field}=hunter2")) && seen.body.contains(token);
            elevated.fetch_or(good, Ordering::SeqCst);
            if good {
                redirect("/ctx/admin")
            } else {
                html(200, &format!("<input name={field}>"))
            }
        } else if seen.is("GET", "/ctx/authenticate.action") {
            html(200, "<form><input name=atl_token value=t0k3n></form>")
        } else if name.starts_with("rest/x") {
            if elevated.load(Ordering::SeqCst) {
                answer(200, "{}")
            } else {
                answer(401, DEMAND)
            }
        } else if name == "plugins/form" {
            redirect(if elevated.load(Ordering::SeqCst) {
                "./saved"
            } else {
                demand_page(type_id)
            })
        } else {
            with_header(
                with_header(answer(200, "{}"), "set-cookie", "S=1; Path=/"),
                "set-cookie",
                "atlassian.xsrf.token=t0k3n; Path=/",
            )
        }
    })
}

fn demand_page(type_id: &str) -> &'static str {
    match type_id {
        "jira" => "/ctx/secure/admin/WebSudoAuthenticate!default.jspa?webSudoDestination=x",
        "confluence" => "/ctx/authenticate.action?destination=x",
        _ => "/ctx/admin/webSudoDefault.action?web_sudo_destination=x",
    }
}

fn products() -> [Wire; 3] {
    [
        elevating(
            "jira",
            "9.12.0",
            "secure/admin/WebSudoAuthenticate.jspa",
            "webSudoPassword",
            "atl_token=t0k3n",
        ),
        elevating(
            "confluence",
            "10.1.0",
            "doauthenticate.action",
            "password",
            "atl_token=t0k3n",
        ),
        elevating(
            "bamboo",
            "10.2.0",
            "admin/webSudoSubmit.action",
            "password",
            "",
        ),
    ]
}

#[test]
fn a_session_is_elevated_once_and_the_request_repeated() {
    for wire in products() {
        let client = wire.client(password(Login::Session));
        for _ in 0..2 {
            assert_eq!(
                client
                    .send(&Request::put_json("rest/x", serde_json::json!({})))
                    .unwrap()
                    .status,
                200
            );
        }
        assert_eq!(
            wire.passwords(),
            2,
            "one sign-in, one elevation: {:?}",
            wire.lines()
        );
        assert_eq!(
            wire.lines()
                .iter()
                .filter(|line| *line == "PUT rest/x")
                .count(),
            3
        );
    }
}

#[test]
fn a_form_that_leads_to_the_elevation_page_is_repeated() {
    for wire in products() {
        let client = wire.client(password(Login::Session));
        let form = Request::post_form("plugins/form", vec![("a".into(), "b c".into())])
            .returning_redirects();
        let response = client.send(&form).unwrap();
        assert_eq!(response.header_values("Location"), ["./saved"]);
        assert!(wire.seen().iter().any(|seen| seen.body == "a=b+c"));
    }
}

#[track_caller]
fn problem(error: &ClientError) -> ElevationProblem {
    assert_eq!(
        (error.code(), error.failure()),
        ("websudo", Failure::Refused)
    );
    match error {
        ClientError::Elevation { problem, .. } => *problem,
        other => panic!("no elevation: {other:?}"),
    }
}

#[test]
fn a_refused_elevation_is_not_tried_again() {
    let wire = elevating(
        "jira",
        "9.12.0",
        "secure/admin/WebSudoAuthenticate.jspa",
        "webSudoPassword",
        "no such token",
    );
    let client = wire.client(password(Login::Session));
    for _ in 0..2 {
        let error = client.send(&Request::get("rest/x")).unwrap_err();
        assert_eq!(problem(&error), ElevationProblem::Refused);
    }
    assert_eq!(wire.passwords(), 2);
}

#[test]
fn without_a_known_elevation_there_is_advice() {
    let wire = elevating("stash", "8.19.0", "", "", "");
    let error = wire
        .client(password(Login::Session))
        .send(&Request::get("rest/x"))
        .unwrap_err();
    assert_eq!(problem(&error), ElevationProblem::Unknown);
    assert!(error.advice().contains("login: basic"));
}

#[test]
fn an_elevation_that_changes_nothing_is_an_error() {
    let wire = Wire::product("jira", "9.12.0", |seen, _| match seen.path.as_str() {
        "/ctx/plugins/servlet/applinks/whoami" => answer(200, "admin"),
        "/ctx/rest/x" => answer(401, DEMAND),
        _ => Act::Answer(302, vec![("location", "/ctx/admin".into())], String::new()),
    });
    let client = wire.client(password(Login::Session));
    assert_eq!(
        problem(&client.send(&Request::get("rest/x")).unwrap_err()),
        ElevationProblem::Ignored
    );
}

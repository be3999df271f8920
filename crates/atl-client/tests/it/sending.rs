//! What goes out with every request, and what its answers become.

use std::{
    sync::{
        Arc, Barrier,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use atl_client::{
    ClientError, Credentials, Failure, Login, Product, Redirect, Repeat, Request, ServerConfig,
    Transport,
};
use serde::Deserialize;

use crate::wire::{Wire, answer, client, config, html, manifest, password, redirect, with_header};

#[derive(Debug, Deserialize)]
struct Thing {
    #[serde(rename = "links")]
    _links: Vec<u32>,
}

fn anonymous(respond: fn() -> crate::wire::Act) -> (Wire, atl_client::Client) {
    let wire = Wire::start(move |_, _| respond());
    let client = wire.client(Credentials::Anonymous);
    (wire, client)
}

#[test]
fn every_request_carries_what_these_servers_want() {
    let (wire, client) = anonymous(|| answer(200, "{}"));
    client.send(&Request::get("rest/a")).unwrap();
    client
        .send(&Request::put_json("/rest/b", serde_json::json!({"a": 1})))
        .unwrap();
    client
        .send(&Request::delete("rest/c").header("Accept", "text/html"))
        .unwrap();
    client
        .send(&Request::post_form(
            "rest/d",
            vec![("a".into(), "1&2".into())],
        ))
        .unwrap();
    let seen = wire.seen();
    let column = |name: &str| {
        seen.iter()
            .map(|seen| seen.header(name).to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        column("accept"),
        [
            "application/json",
            "application/json",
            "text/html",
            "application/json"
        ]
    );
    assert_eq!(
        column("x-atlassian-token"),
        ["", "no-check", "no-check", "no-check"]
    );
    assert_eq!(
        column("content-type"),
        [
            "",
            "application/json",
            "",
            "application/x-www-form-urlencoded"
        ]
    );
    assert_eq!(column("content-length"), ["", "7", "0", "7"]);
    assert!(
        column("user-agent")
            .iter()
            .all(|agent| agent.starts_with("atl-admin/"))
    );
    assert!(column("authorization").concat().is_empty());
    assert_eq!(seen[1].body, r#"{"a":1}"#);
    assert_eq!(seen[3].body, "a=1%262");
    assert_eq!(seen[1].path, "/ctx/rest/b");
}

#[test]
fn fresh_calls_open_a_connection_each() {
    let (wire, client) = anonymous(|| answer(200, "{}"));
    for fresh in [false, false, true, true] {
        client.send_bare(&Request::get("rest/a"), fresh).unwrap();
    }
    let connections: Vec<usize> = wire.seen().iter().map(|seen| seen.connection).collect();
    assert_eq!(connections, [0, 0, 1, 2]);
}

#[test]
fn bare_calls_carry_neither_credentials_nor_cookies() {
    let wire = Wire::product("jira", "9.12.0", |_, _| {
        with_header(answer(200, "admin"), "set-cookie", "S=1; Path=/")
    });
    let client = wire.client(password(Login::Session));
    client.sign_in().unwrap();
    client.send_bare(&Request::get("rest/a"), false).unwrap();
    let last = wire.seen().pop().unwrap();
    assert_eq!(
        (last.header("cookie"), last.header("authorization")),
        ("", "")
    );
}

#[test]
fn statuses_become_typed_errors_with_what_the_server_said() {
    #[track_caller]
    fn check(respond: fn() -> crate::wire::Act, code: &str, failure: Failure, says: &str) {
        let (_wire, client) = anonymous(respond);
        let response = client
            .send(&Request::put_json("rest/a?secret=1", serde_json::json!({})))
            .unwrap();
        let error = response.success().unwrap_err();
        assert_eq!((error.code(), error.failure()), (code, failure));
        let text = error.to_string();
        assert!(
            text.starts_with("prod: PUT rest/a was answered with"),
            "{text}"
        );
        assert!(text.contains(says), "{text}");
        assert!(!error.advice().is_empty());
    }
    check(
        || answer(401, r#"{"status-code":401,"message":"not an admin"}"#),
        "unauthorized",
        Failure::Refused,
        "not an admin",
    );
    check(
        || answer(403, r#"{"message":"no"}"#),
        "forbidden",
        Failure::Refused,
        "403: no",
    );
    check(
        || html(403, "XSRF check failed"),
        "forbidden",
        Failure::Refused,
        "XSRF",
    );
    check(|| answer(404, ""), "not_found", Failure::Failed, "404");
    check(
        || answer(409, r#"{"status":409,"message":["taken"]}"#),
        "conflict",
        Failure::Failed,
        "taken",
    );
    check(
        || answer(400, r#"{"status":400,"message":["bad\u0007"]}"#),
        "http_status",
        Failure::Failed,
        "400: bad",
    );
    check(
        || html(500, "<title>Oops</title>"),
        "server_error",
        Failure::Unreachable,
        "Oops",
    );
}

#[test]
fn unreadable_bodies_are_told_apart() {
    #[track_caller]
    fn check(respond: fn() -> crate::wire::Act, code: &str, says: &str) {
        let (_wire, client) = anonymous(respond);
        let error = client
            .send(&Request::get("rest/a"))
            .unwrap()
            .json::<Thing>()
            .unwrap_err();
        assert_eq!(
            (error.code(), error.failure()),
            (code, Failure::Unreachable)
        );
        assert!(error.may_have_happened());
        assert!(error.to_string().contains(says), "{error}");
    }
    check(
        || html(200, "<html><title>Log in</title>"),
        "html",
        "`Log in`",
    );
    check(|| answer(200, " <html>"), "html", "HTML");
    check(
        || answer(200, r#"{"links":[1,"#),
        "unreadable",
        "ends early",
    );
    check(
        || answer(200, r#"{"links":[1,"secret"]}"#),
        "unreadable",
        "`links[1]`",
    );
    check(|| answer(200, "nonsense"), "unreadable", "not JSON");
    check(
        || answer(200, r#"{"links":[]} x"#),
        "unreadable",
        "not JSON",
    );
    let (_wire, client) = anonymous(|| with_header(answer(200, "{}"), "content-encoding", "gzip"));
    let error = client.send(&Request::get("rest/a")).unwrap_err();
    assert_eq!(error.code(), "unreadable");
    let (_wire, client) = anonymous(|| answer(200, r#"{"links":[1,"secret"]}"#));
    let error = client
        .send(&Request::get("rest/a"))
        .unwrap()
        .json::<Thing>()
        .unwrap_err();
    assert!(!format!("{error} {error:?}").contains("secret"));
}

#[test]
fn a_body_without_end_is_not_read() {
    let (_wire, client) = anonymous(|| answer(200, &"x".repeat(9 * 1024 * 1024)));
    let error = client.send(&Request::get("rest/a")).unwrap_err();
    assert_eq!(error.code(), "too_large");
}

#[test]
fn redirects_are_refused_with_the_base_url_to_use() {
    let (wire, client) =
        anonymous(|| redirect("https://me:hunter2@jira.example.com/jira/rest/a?token=hunter2"));
    let error = client.send(&Request::get("rest/a")).unwrap_err();
    assert_eq!(
        (error.code(), error.failure()),
        ("redirected", Failure::Unreachable)
    );
    assert!(
        error
            .advice()
            .contains("`url: https://jira.example.com/jira`")
    );
    assert!(!format!("{error} {error:?} {}", error.advice()).contains("hunter2"));
    let mut request = Request::get("rest/a");
    request.redirect = Redirect::Return;
    assert_eq!(client.send(&request).unwrap().status, 302);
    assert_eq!(wire.seen().len(), 2, "nothing is followed");
}

#[test]
fn a_redirect_to_the_sign_in_page_is_a_refusal() {
    let wire = Wire::product("confluence", "8.7.2", |seen, _| {
        if seen.path.contains("whoami") {
            answer(200, "admin")
        } else {
            redirect("/ctx/login.action?os_destination=x")
        }
    });
    let form = Request::post_form("plugins/form", Vec::new()).returning_redirects();
    let error = wire.client(password(Login::Auto)).send(&form).unwrap_err();
    assert_eq!(
        (error.code(), error.failure()),
        ("login_page", Failure::Refused)
    );
}

#[test]
fn a_redirect_that_was_asked_for_may_lead_to_a_page_of_somebody_else_that_is_called_alike() {
    for location in [
        "https://deploy.example.com/login.action?a=1",
        "http://127.0.0.1:1/authenticate.action?a=1",
    ] {
        let wire = Wire::product("confluence", "8.7.2", move |seen, _| {
            if seen.path.contains("whoami") {
                answer(200, "admin")
            } else {
                redirect(location)
            }
        });
        let form = Request::post_form("plugins/form", Vec::new()).returning_redirects();
        let answer = wire.client(password(Login::Auto)).send(&form).unwrap();
        assert_eq!(answer.header_values("location"), [location]);
    }
}

#[test]
fn the_manifest_says_what_a_server_is() {
    let wire = Wire::start(|_, _| {
        with_header(
            manifest("stash", "8.19.0"),
            "date",
            "Thu, 01 Jan 1970 00:00:00 GMT",
        )
    });
    let known = wire.client(Credentials::Anonymous);
    assert_eq!(known.clock_skew(), None);
    assert_eq!(known.product().unwrap(), Product::Bitbucket);
    let manifest = known.manifest().unwrap();
    assert_eq!(
        (
            manifest.version.as_str(),
            manifest.applinks_version.as_str()
        ),
        ("8.19.0", "9.1.4")
    );
    assert!(known.clock_skew().unwrap() < -1_000_000_000);
    assert_eq!(wire.seen().len(), 1);
    let told = client(ServerConfig {
        product: Some(Product::Jira),
        ..config(&wire.base_url(), Credentials::Anonymous)
    });
    assert_eq!(
        (told.product().unwrap(), told.detected_product().unwrap()),
        (Product::Jira, Product::Bitbucket)
    );
}

#[test]
fn what_is_no_such_server_gets_no_password() {
    #[track_caller]
    fn check(respond: fn() -> crate::wire::Act) {
        let wire = Wire::start(move |_, _| respond());
        let error = wire.client(password(Login::Auto)).sign_in().unwrap_err();
        assert_eq!(
            (error.code(), error.failure()),
            ("not_atlassian", Failure::Unreachable)
        );
        assert_eq!(wire.passwords(), 0);
    }
    check(|| html(200, "<title>nginx</title>"));
    check(|| html(404, "gone"));
    check(|| answer(200, "[]"));
    check(|| answer(200, "hello"));
    check(|| answer(200, r#"{"id":1}"#));
}

#[test]
fn throttled_requests_are_tried_again_and_given_up() {
    #[track_caller]
    fn check(status: u16, repeat: Repeat, good_after: usize, tries: usize, last: Option<u16>) {
        let wire = Wire::start(move |_, before| {
            let act = answer(if before < good_after { status } else { 200 }, "{}");
            with_header(act, "retry-after", "0")
        });
        let mut request = Request::get("rest/a");
        request.repeat = repeat;
        let outcome = wire.client(Credentials::Anonymous).send(&request);
        assert_eq!(outcome.as_ref().ok().map(|response| response.status), last);
        assert_eq!(wire.seen().len(), tries);
        if let Err(error) = outcome {
            assert_eq!(
                (error.code(), error.failure()),
                ("rate_limited", Failure::Unreachable)
            );
        }
    }
    check(429, Repeat::Safe, 2, 3, Some(200));
    check(429, Repeat::Never, 1, 2, Some(200));
    check(429, Repeat::Never, 9, 3, None);
    check(503, Repeat::Safe, 1, 2, Some(200));
    check(503, Repeat::Safe, 9, 3, Some(503));
    check(503, Repeat::Never, 9, 1, Some(503));
    check(500, Repeat::Safe, 9, 1, Some(500));
}

#[test]
fn a_longer_wait_than_there_is_time_is_not_begun() {
    #[track_caller]
    fn check(value: &'static str) {
        let wire = Wire::start(move |_, _| with_header(answer(429, ""), "retry-after", value));
        let error = wire
            .client(Credentials::Anonymous)
            .send(&Request::get("rest/a"))
            .unwrap_err();
        let ClientError::RateLimited {
            retry_after: Some(wait),
            ..
        } = error
        else {
            panic!("{error:?}");
        };
        assert!(wait.as_secs() >= 3600);
        assert_eq!(wire.seen().len(), 1);
    }
    check("3600");
    check("Fri, 01 Jan 2100 00:00:00 GMT");
}

#[test]
fn a_signed_request_is_good_for_one_use() {
    let wire = Wire::start(|_, _| answer(429, ""));
    let request = Request::get("rest/a").header("Authorization", "OAuth oauth_nonce=\"1\"");
    let error = wire
        .client(Credentials::Anonymous)
        .send_bare(&request, false)
        .unwrap_err();
    assert_eq!(error.code(), "rate_limited");
    assert_eq!(wire.seen().len(), 1);
}

#[test]
fn passwords_do_not_cross_the_network_in_plain_http() {
    let far = config("http://jira.example.com", password(Login::Auto));
    let error = atl_client::Client::new(far.clone(), &Transport::default()).unwrap_err();
    assert_eq!(
        (error.code(), error.failure()),
        ("plain_http", Failure::Failed)
    );
    client(ServerConfig {
        allow_http: true,
        ..far.clone()
    });
    client(ServerConfig {
        credentials: Credentials::Anonymous,
        ..far
    });
    client(config("https://jira.example.com", password(Login::Auto)));
}

#[test]
fn no_more_requests_are_under_way_than_the_client_lets_through() {
    let (now, most, two) = (
        AtomicUsize::new(0),
        Arc::new(AtomicUsize::new(0)),
        Barrier::new(2),
    );
    let highest = Arc::clone(&most);
    let wire = Wire::start(move |_, _| {
        highest.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        // Nobody is answered alone, so that two are let through.
        two.wait();
        now.fetch_sub(1, Ordering::SeqCst);
        answer(200, "{}")
    });
    let client = wire.client(Credentials::Anonymous).at_most(2);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| client.send_bare(&Request::get("rest/a"), false).unwrap());
        }
    });
    assert_eq!(most.load(Ordering::SeqCst), 2);
}

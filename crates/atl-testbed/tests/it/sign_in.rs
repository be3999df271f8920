//! Signing in, elevating, and being refused (protocol.md 5).

use std::time::Duration;

use atl_testbed::{
    ADMIN, ADMIN_PASSWORD, AuthenticatedBy, Generation, Kind, RateLimit, Server, ServerSpec,
    Setting,
};
use reqwest::blocking::{Client, Response};
use reqwest::header::{CONTENT_TYPE, LOCATION};
use serde_json::{Value, json};

use crate::support::{client, estate, jira};

const LINKS: &str = "/rest/applinks/1.0/applicationlink";

fn browser() -> Client {
    Client::builder()
        .cookie_store(true)
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap()
}

fn url(server: &Server, path: &str) -> String {
    format!("{}{path}", server.base_url())
}

/// The value of a hidden field of a page.
fn field(page: &str, name: &str) -> String {
    page.split(&format!("name=\"{name}\" value=\""))
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap()
        .to_owned()
}

fn sign_in(browser: &Client, server: &Server, password: &str) -> Response {
    let user = [
        ("os_username", ADMIN),
        ("os_password", password),
        ("os_destination", "/x?y=1"),
    ];
    match server.kind() {
        Kind::Jira => browser.post(url(server, "/login.jsp")).form(&user).send(),
        Kind::Confluence => browser
            .post(url(server, "/dologin.action"))
            .form(&user)
            .send(),
        Kind::Bamboo => {
            let page = browser
                .get(url(server, "/userlogin!doDefault.action"))
                .send()
                .unwrap()
                .text()
                .unwrap();
            assert!(page.contains("loginForm"));
            let token = field(&page, "atl_token");
            let [a, b, c] = user;
            browser
                .post(url(server, "/userlogin.action"))
                .form(&[a, b, c, ("atl_token", &token)])
                .send()
        }
        Kind::Bitbucket => browser
            .post(url(server, "/j_atl_security_check"))
            .form(&[
                ("j_username", ADMIN),
                ("j_password", password),
                ("next", "/x?y=1"),
            ])
            .send(),
    }
    .unwrap()
}

#[test]
fn every_legacy_form_opens_a_session() {
    for kind in [Kind::Jira, Kind::Confluence, Kind::Bitbucket, Kind::Bamboo] {
        let estate = estate(ServerSpec::new(kind).context("/ctx"));
        let server = estate.server(0);
        let browser = browser();
        assert_eq!(sign_in(&browser, server, "wrong").status(), 200, "{kind:?}");
        let answer = sign_in(&browser, server, ADMIN_PASSWORD);
        assert_eq!(
            answer.headers()[LOCATION],
            url(server, "/x?y=1"),
            "{kind:?}"
        );
        assert_eq!(
            browser
                .get(url(server, "/plugins/servlet/applinks/whoami"))
                .send()
                .unwrap()
                .text()
                .unwrap(),
            ADMIN
        );
        let last = server.log().pop().unwrap();
        assert_eq!(last.authenticated_by, AuthenticatedBy::Session);
        assert!(
            server
                .log()
                .iter()
                .all(|exchange| !format!("{exchange:?}").contains(ADMIN_PASSWORD))
        );
        assert_eq!((server.writes(), server.failed_sign_ins(ADMIN)), (0, 1));
    }
}

#[test]
fn the_next_generation_signs_in_by_script() {
    for kind in [Kind::Jira, Kind::Confluence, Kind::Bitbucket, Kind::Bamboo] {
        let estate = estate(ServerSpec::new(kind).generation(Generation::Next));
        let server = estate.server(0);
        let browser = browser();
        if kind != Kind::Bamboo {
            assert_eq!(
                sign_in(&browser, server, ADMIN_PASSWORD).status(),
                200,
                "the form is gone from {kind:?}"
            );
        }
        let answer = browser
            .post(url(server, "/rest/tsv/1.0/authenticate?os_authType=none"))
            .json(&json!({ "username": ADMIN, "password": ADMIN_PASSWORD, "rememberMe": false }))
            .send()
            .unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(
            browser
                .get(url(server, "/plugins/servlet/applinks/whoami"))
                .send()
                .unwrap()
                .text()
                .unwrap(),
            ADMIN
        );
    }
}

#[test]
fn jira_signs_in_over_rest() {
    let estate = jira();
    let jira = estate.server(0);
    let browser = browser();
    let post = |password: &str| {
        let body = json!({ "username": ADMIN, "password": password });
        browser
            .post(url(jira, "/rest/auth/1/session"))
            .json(&body)
            .send()
            .unwrap()
    };
    let status = || {
        browser
            .get(url(jira, "/rest/auth/1/session"))
            .send()
            .unwrap()
            .status()
            .as_u16()
    };
    assert_eq!(post("wrong").status(), 401);
    assert_eq!(status(), 401);
    let session: Value = post(ADMIN_PASSWORD).json().unwrap();
    assert_eq!(session["session"]["name"], "JSESSIONID");
    assert_eq!(status(), 200);
    assert_eq!(
        browser
            .delete(url(jira, "/rest/auth/1/session"))
            .send()
            .unwrap()
            .status(),
        204
    );
    assert_eq!(status(), 401);
}

#[test]
fn a_session_must_elevate_and_basic_need_not() {
    for (kind, generation) in [
        (Kind::Jira, Generation::Current),
        (Kind::Confluence, Generation::Current),
        (Kind::Confluence, Generation::Next),
        (Kind::Bamboo, Generation::Next),
    ] {
        let estate = estate(ServerSpec::new(kind).generation(generation));
        let server = estate.server(0);
        let browser = browser();
        if generation == Generation::Next {
            let body = json!({ "username": ADMIN, "password": ADMIN_PASSWORD });
            browser
                .post(url(server, "/rest/tsv/1.0/authenticate"))
                .json(&body)
                .send()
                .unwrap();
        } else {
            sign_in(&browser, server, ADMIN_PASSWORD);
        }
        let list = || {
            browser
                .get(url(server, LINKS))
                .header("accept", "application/json")
                .send()
                .unwrap()
        };
        let refused = list();
        assert_eq!(refused.status(), 401);
        assert_eq!(
            refused.json::<Value>().unwrap()["message"],
            "This resource requires WebSudo."
        );

        let post = |password: &str| {
            let (page, action, fields) = match kind {
                Kind::Jira => (
                    "/secure/admin/WebSudoAuthenticate!default.jspa",
                    "/secure/admin/WebSudoAuthenticate.jspa",
                    ("webSudoPassword", "webSudoDestination"),
                ),
                Kind::Confluence => (
                    "/authenticate.action",
                    "/doauthenticate.action",
                    ("password", "destination"),
                ),
                _ => (
                    "/admin/webSudoDefault.action",
                    "/admin/webSudoSubmit.action",
                    ("password", "web_sudo_destination"),
                ),
            };
            let page = browser
                .get(url(server, page))
                .send()
                .unwrap()
                .text()
                .unwrap();
            let token = field(&page, "atl_token");
            let form = [
                ("atl_token", token.as_str()),
                (fields.0, password),
                (fields.1, "/"),
            ];
            browser
                .post(url(server, action))
                .form(&form)
                .send()
                .unwrap()
        };
        assert_eq!(post("wrong").status(), 200, "{kind:?}");
        assert_eq!(list().status(), 401);
        let elevated = post(ADMIN_PASSWORD);
        assert_eq!(elevated.status(), 302, "{kind:?} {generation:?}");
        assert_eq!(
            elevated.headers().contains_key("x-atlassian-websudo"),
            kind == Kind::Jira
        );
        assert_eq!(list().status(), 200);
        assert_eq!(server.writes(), 0, "elevating is no write");
    }
}

#[test]
fn basic_can_be_off() {
    for kind in [Kind::Confluence, Kind::Bitbucket] {
        let estate = estate(ServerSpec::new(kind).generation(Generation::Next));
        let server = estate.server(0);
        let get = || {
            client()
                .get(url(server, LINKS))
                .basic_auth(ADMIN, Some("wrong"))
                .send()
                .unwrap()
        };
        let refused = get();
        assert_eq!(refused.status(), 403);
        let body: Value = refused.json().unwrap();
        assert_eq!(
            body["message"],
            "Basic Authentication has been disabled on this instance."
        );
        assert_eq!(
            server.failed_sign_ins(ADMIN),
            0,
            "the password is not even looked at"
        );
        server.set(Setting::BasicAllowed(true));
        assert_eq!(get().status(), 401);
    }
}

#[test]
fn a_captcha_stands_before_the_right_password_too() {
    let estate = jira();
    let jira = estate.server(0);
    jira.set(Setting::CaptchaAfter(Some(2)));
    let get = |password: &str| {
        client()
            .get(url(jira, LINKS))
            .basic_auth(ADMIN, Some(password))
            .send()
            .unwrap()
    };
    let wrong = get("wrong");
    assert_eq!(
        (
            wrong.status().as_u16(),
            &wrong.headers()["x-seraph-loginreason"]
        ),
        (401, &"AUTHENTICATED_FAILED".parse().unwrap())
    );
    assert_eq!(get("wrong").status(), 401);
    let denied = get(ADMIN_PASSWORD);
    assert_eq!(denied.status(), 403);
    assert_eq!(
        denied.headers()["x-seraph-loginreason"],
        "AUTHENTICATION_DENIED"
    );
    let reason = denied.headers()["x-authentication-denied-reason"]
        .to_str()
        .unwrap();
    assert_eq!(
        reason,
        format!("CAPTCHA_CHALLENGE; login-url={}/login.jsp", jira.base_url())
    );
}

#[test]
fn a_stale_session_spoils_basic_on_rest() {
    let estate = jira();
    let jira = estate.server(0);
    let get = |cookie: &str| {
        client()
            .get(url(jira, LINKS))
            .basic_auth(ADMIN, Some(ADMIN_PASSWORD))
            .header("cookie", cookie)
            .send()
            .unwrap()
    };
    assert_eq!(get("JSESSIONID=gone").status(), 401);
    assert_eq!(get("other=1").status(), 200);
}

#[test]
fn an_unknown_token_is_nobodys() {
    let estate = jira();
    let jira = estate.server(0);
    let whoami = |token: &str| {
        let response = client()
            .get(url(jira, "/plugins/servlet/applinks/whoami"))
            .bearer_auth(token)
            .send()
            .unwrap();
        let user = response.headers()["x-ausername"]
            .to_str()
            .unwrap()
            .to_owned();
        (response.status().as_u16(), user, response.text().unwrap())
    };
    assert_eq!(
        whoami("unknown"),
        (200, "anonymous".to_owned(), String::new())
    );
    assert_eq!(
        whoami(&jira.add_access_token(ADMIN)),
        (200, ADMIN.to_owned(), ADMIN.to_owned())
    );
}

#[test]
fn a_bitbucket_token_never_administers() {
    let estate = estate(ServerSpec::new(Kind::Bitbucket));
    let server = estate.server(0);
    let token = server.add_access_token(ADMIN);
    let get = |path: &str| {
        client()
            .get(url(server, path))
            .bearer_auth(&token)
            .send()
            .unwrap()
    };
    assert_eq!(get(LINKS).status(), 401);
    assert_eq!(
        get("/rest/api/1.0/application-properties").headers()["x-ausername"],
        ADMIN
    );
    assert_eq!(get("/plugins/servlet/applinks/whoami").status(), 302);
}

#[test]
fn a_bucket_runs_empty() {
    let rate = RateLimit {
        limit: 2,
        fill_rate: 1,
        interval: Duration::from_hours(1),
    };
    let estate = estate(ServerSpec::new(Kind::Jira).setting(Setting::RateLimit(Some(rate))));
    let jira = estate.server(0);
    let get = || {
        let request = client()
            .get(url(jira, LINKS))
            .basic_auth(ADMIN, Some(ADMIN_PASSWORD));
        request.header("accept", "application/json").send().unwrap()
    };
    for left in ["1", "0"] {
        let passed = get();
        assert_eq!(
            (passed.status().as_u16(), &passed.headers()["retry-after"]),
            (200, &"0".parse().unwrap())
        );
        assert_eq!(passed.headers()["x-ratelimit-remaining"], left);
    }
    let refused = get();
    assert_eq!(
        (refused.status().as_u16(), &refused.headers()["retry-after"]),
        (429, &"3600".parse().unwrap())
    );
    assert_eq!(refused.headers()[CONTENT_TYPE], "application/json");
}

#[test]
fn a_post_without_a_type_is_forged_unless_it_says_otherwise() {
    let estate = jira();
    let jira = estate.server(0);
    let post = |token: Option<&str>| {
        let request = client()
            .post(url(jira, &format!("{LINKS}/primary/x")))
            .basic_auth(ADMIN, Some(ADMIN_PASSWORD));
        let request = match token {
            Some(token) => request.header("x-atlassian-token", token),
            None => request,
        };
        let response = request.send().unwrap();
        (response.status().as_u16(), response.text().unwrap())
    };
    assert_eq!(post(None), (403, "XSRF check failed".to_owned()));
    assert_eq!(post(Some("no-check")).0, 500, "past the check");
    assert_eq!(post(Some("nocheck")).0, 500);
}

#[test]
fn each_product_says_who_is_asking() {
    for (kind, path, name) in [
        (Kind::Jira, "/rest/api/2/myself", "name"),
        (Kind::Confluence, "/rest/api/user/current", "username"),
        (Kind::Bamboo, "/rest/api/latest/currentUser", "name"),
    ] {
        let estate = estate(ServerSpec::new(kind));
        let server = estate.server(0);
        let get = || {
            client()
                .get(url(server, path))
                .header("accept", "application/json")
        };
        let known: Value = get()
            .basic_auth(ADMIN, Some(ADMIN_PASSWORD))
            .send()
            .unwrap()
            .json()
            .unwrap();
        assert_eq!(known[name], ADMIN);
        let anonymous = get().send().unwrap().status().as_u16();
        assert_eq!(
            anonymous,
            if kind == Kind::Confluence { 200 } else { 401 },
            "{kind:?}"
        );
    }
}

#[test]
fn basic_that_is_spelled_otherwise_must_elevate() {
    let estate = jira();
    let jira = estate.server(0);
    let credentials = "YWRtaW46YWRtaW4tc2VjcmV0LTE=";
    let get = |scheme: &str| {
        let request = client()
            .get(url(jira, LINKS))
            .header("authorization", format!("{scheme} {credentials}"));
        request.send().unwrap().status().as_u16()
    };
    assert_eq!((get("Basic"), get("basic")), (200, 401));
}

#[test]
fn a_browser_must_come_from_here() {
    let estate = jira();
    let jira = estate.server(0);
    let post = |origin: Option<&str>| {
        let body = json!({ "username": ADMIN, "password": ADMIN_PASSWORD });
        let request = client()
            .post(url(jira, "/rest/auth/1/session"))
            .header("user-agent", "Mozilla/5.0")
            .json(&body);
        let request = match origin {
            Some(origin) => request.header("origin", origin),
            None => request,
        };
        request.send().unwrap().status().as_u16()
    };
    let home = jira.base_url().replace("/jira", "");
    assert_eq!(
        (
            post(None),
            post(Some("https://evil.example.com")),
            post(Some(&home))
        ),
        (403, 403, 200)
    );
}

#[test]
fn basic_is_switched_by_system_administrators() {
    let estate = jira();
    let jira = estate.server(0);
    let config = "/rest/basicauth/1.0/config";
    let put = |user: &str, password: &str, body: &Value| {
        let request = client()
            .put(url(jira, config))
            .basic_auth(user, Some(password))
            .json(body);
        request.send().unwrap().status().as_u16()
    };
    let block = json!({ "block-requests": true, "allowed-paths": ["/rest/basicauth/*"], "allowed-users": ["manager"] });
    assert_eq!(put("manager", "manager-secret-1", &block), 403);
    assert_eq!(put(ADMIN, ADMIN_PASSWORD, &block), 204);
    let list = |user: &str, password: &str| {
        client()
            .get(url(jira, LINKS))
            .basic_auth(user, Some(password))
            .send()
            .unwrap()
            .status()
            .as_u16()
    };
    assert_eq!(
        (
            list(ADMIN, ADMIN_PASSWORD),
            list("manager", "manager-secret-1")
        ),
        (403, 200)
    );
    let shown = client()
        .get(url(jira, config))
        .basic_auth(ADMIN, Some(ADMIN_PASSWORD))
        .send()
        .unwrap();
    assert_eq!(
        shown.json::<Value>().unwrap()["block-requests"],
        true,
        "this path is allowed"
    );
}

#[test]
fn no_password_shows() {
    let estate = jira();
    let shown = format!(
        "{estate:?} {:?}",
        atl_testbed::User::new(ADMIN, ADMIN_PASSWORD, atl_testbed::Role::Admin)
    );
    assert!(!shown.contains(ADMIN_PASSWORD), "{shown}");
}

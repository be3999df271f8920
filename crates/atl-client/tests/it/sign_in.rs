//! Who gets in, how, and with how many requests that carry the password.

use atl_client::{ClientError, Credentials, Failure, Login, Method, Refusal, Request};

use crate::wire::{
    Act, PASSWORD, Seen, Wire, answer, html, password, redirect, token, with_header,
};

const WHOAMI: &str = "/ctx/plugins/servlet/applinks/whoami";
const DISABLED: &str = r#"{"message":"Basic Authentication has been disabled on this instance."}"#;

/// Whoami says `admin` to those with the cookie `S=1`, and nothing to others.
fn session_only(seen: &Seen) -> Option<Act> {
    if !seen.is("GET", WHOAMI) {
        return None;
    }
    Some(
        match (seen.header("cookie"), seen.header("authorization")) {
            (_, basic) if !basic.is_empty() => answer(403, DISABLED),
            (cookie, _) if cookie.contains("S=1") => answer(200, "admin"),
            _ => answer(200, ""),
        },
    )
}

fn with_session(act: Act) -> Act {
    with_header(act, "set-cookie", "S=1; Path=/ctx; HttpOnly")
}

#[track_caller]
fn refusal(error: &ClientError) -> Refusal {
    assert_eq!(error.failure(), Failure::Refused);
    assert!(!error.advice().is_empty());
    match error {
        ClientError::SignIn { refusal, .. } => refusal.clone(),
        other => panic!("no refused sign-in: {other:?}"),
    }
}

#[test]
fn basic_signs_in_and_the_server_says_who_it_is() {
    let wire = Wire::product("jira", "9.12.0", |_, _| answer(200, "admin\n"));
    let client = wire.client(password(Login::Auto));
    let account = client.sign_in().unwrap();
    assert_eq!(
        (account.username.as_str(), account.method),
        ("admin", Method::Basic)
    );
    client.sign_in().unwrap();
    assert_eq!(
        wire.lines(),
        [
            "GET rest/applinks/1.0/manifest",
            "GET plugins/servlet/applinks/whoami"
        ]
    );
    let manifest = &wire.seen()[0];
    assert_eq!(manifest.header("authorization"), "");
}

#[test]
fn bamboo_needs_its_query_with_basic() {
    let wire = Wire::product("bamboo", "9.6.0", |_, _| answer(200, "admin"));
    let client = wire.client(password(Login::Basic));
    client.send(&Request::get("rest/x?a=1")).unwrap();
    assert_eq!(
        wire.lines()[1..],
        [
            "GET plugins/servlet/applinks/whoami?os_authType=basic",
            "GET rest/x?a=1&os_authType=basic"
        ]
    );
}

#[test]
fn a_refused_password_is_sent_exactly_once() {
    #[track_caller]
    fn check(login: Login, respond: fn(&Seen) -> Act, expected: &Refusal) {
        let wire = Wire::product("jira", "9.12.0", move |seen, _| respond(seen));
        let client = wire.client(password(login));
        for _ in 0..3 {
            assert_eq!(&refusal(&client.sign_in().unwrap_err()), expected);
            assert_eq!(
                &refusal(&client.send(&Request::get("rest/x")).unwrap_err()),
                expected
            );
        }
        assert_eq!(wire.passwords(), 1, "{:?}", wire.lines());
    }
    let wrong = Refusal::WrongPassword {
        username: "Admin".into(),
    };
    check(
        Login::Auto,
        |_| {
            answer(
                401,
                "Basic Authentication Failure - Reason : AUTHENTICATED_FAILED",
            )
        },
        &wrong,
    );
    check(
        Login::Basic,
        |_| {
            with_header(
                answer(200, ""),
                "x-seraph-loginreason",
                "AUTHENTICATED_FAILED",
            )
        },
        &wrong,
    );
    check(Login::Auto, |_| answer(200, ""), &Refusal::Anonymous);
    check(
        Login::Auto,
        |_| redirect("/ctx/login.jsp?os_destination=x"),
        &Refusal::Anonymous,
    );
    check(
        Login::Session,
        |_| answer(401, r#"{"errorMessages":["Login failed"]}"#),
        &wrong,
    );
    check(
        Login::Basic,
        |_| answer(403, DISABLED),
        &Refusal::BasicDisabled,
    );
    check(
        Login::Auto,
        |_| answer(200, "root"),
        &Refusal::SomebodyElse {
            expected: "Admin".into(),
            actual: "root".into(),
        },
    );
}

#[test]
fn a_captcha_is_never_made_worse() {
    #[track_caller]
    fn check(login: Login, respond: fn(&Seen) -> Act) {
        let wire = Wire::product("jira", "9.12.0", move |seen, _| respond(seen));
        let client = wire.client(password(login));
        for _ in 0..2 {
            assert!(matches!(
                refusal(&client.sign_in().unwrap_err()),
                Refusal::Captcha { .. }
            ));
        }
        assert_eq!(wire.passwords(), 1, "{:?}", wire.lines());
    }
    let headers: fn(&Seen) -> Act = |_| {
        with_header(
            answer(403, ""),
            "x-authentication-denied-reason",
            "CAPTCHA_CHALLENGE; login-url=http://e/login.jsp",
        )
    };
    check(Login::Auto, headers);
    check(Login::Session, headers);
    check(Login::Auto, |_| {
        with_header(
            answer(401, ""),
            "x-seraph-loginreason",
            "AUTHENTICATED_FAILED, AUTHENTICATION_DENIED",
        )
    });
    check(Login::Auto, |_| {
        answer(
            401,
            "Basic Authentication Failure - Reason : AUTHENTICATION_DENIED",
        )
    });
    check(Login::Session, |_| answer(403, "{}"));
}

#[test]
fn a_captcha_in_a_form_is_seen() {
    let wire = Wire::product("confluence", "8.7.2", |_, _| {
        html(200, "<form><input name=os_captcha></form>")
    });
    let error = wire.client(password(Login::Session)).sign_in().unwrap_err();
    assert!(matches!(refusal(&error), Refusal::Captcha { .. }));
    assert_eq!(wire.passwords(), 1);
}

#[test]
fn where_basic_is_disabled_auto_gets_a_session() {
    #[track_caller]
    fn check(
        type_id: &'static str,
        version: &'static str,
        respond: fn(&Seen) -> Act,
        expected: &[&str],
    ) {
        let wire = Wire::product(type_id, version, move |seen, _| {
            session_only(seen).unwrap_or_else(|| respond(seen))
        });
        let client = wire.client(password(Login::Auto));
        assert_eq!(client.sign_in().unwrap().method, Method::Session);
        let lines = wire.lines();
        assert_eq!(lines[2..lines.len() - 1], *expected, "{type_id} {version}");
        let last = wire.seen().pop().unwrap();
        assert_eq!(
            (last.header("cookie"), last.header("authorization")),
            ("S=1", "")
        );
    }
    let tsv = "POST rest/tsv/1.0/authenticate?os_authType=none";
    let fine: fn(&Seen) -> Act = |_| with_session(answer(200, "{}"));
    let no_tsv: fn(&Seen) -> Act = |seen| {
        if seen.path.contains("tsv") {
            answer(404, "")
        } else {
            with_session(redirect("/ctx/"))
        }
    };
    let only_tsv: fn(&Seen) -> Act = |seen| {
        if seen.path.contains("tsv") {
            with_session(answer(200, "{}"))
        } else {
            html(404, "gone")
        }
    };
    let no_page: fn(&Seen) -> Act = |seen| {
        if seen.method == "GET" {
            html(404, "no such page")
        } else {
            with_session(redirect("/ctx/"))
        }
    };
    check("jira", "9.12.0", fine, &["POST rest/auth/1/session"]);
    check("jira", "10.3.0", fine, &[tsv]);
    check("jira", "10.3.0", no_tsv, &[tsv, "POST rest/auth/1/session"]);
    check(
        "jira",
        "9.17.0",
        only_tsv,
        &["POST rest/auth/1/session", "POST login.jsp", tsv],
    );
    check("confluence", "8.7.2", fine, &["POST dologin.action"]);
    check(
        "confluence",
        "10.1.0",
        no_tsv,
        &[tsv, "POST dologin.action"],
    );
    check("stash", "8.19.0", fine, &["POST j_atl_security_check"]);
    check("stash", "10.1.0", fine, &[tsv]);
    check(
        "bamboo",
        "9.6.0",
        fine,
        &[
            "GET userlogin!doDefault.action?os_destination=",
            "POST userlogin.action",
        ],
    );
    check(
        "bamboo",
        "9.6.0",
        no_page,
        &[
            "GET userlogin!doDefault.action?os_destination=",
            "POST userlogin.action",
        ],
    );
    check("bamboo", "10.2.0", fine, &[tsv]);
}

#[test]
fn the_form_of_bamboo_carries_the_token_of_its_page() {
    let wire = Wire::product("bamboo", "9.6.0", |seen, _| {
        session_only(seen).unwrap_or_else(|| match seen.method.as_str() {
            "GET" => html(
                200,
                "<form><input type=hidden name=atl_token value=t0k3n></form>",
            ),
            _ if seen.body.contains("atl_token=t0k3n") => with_session(redirect("/ctx/")),
            _ => html(200, "XSRF"),
        })
    });
    assert_eq!(
        wire.client(password(Login::Session))
            .sign_in()
            .unwrap()
            .method,
        Method::Session
    );
}

#[test]
fn a_form_that_came_back_is_a_wrong_password() {
    let wire = Wire::product("confluence", "8.7.2", |seen, _| {
        session_only(seen).unwrap_or_else(|| html(200, "<form><input name=os_password></form>"))
    });
    let error = wire.client(password(Login::Session)).sign_in().unwrap_err();
    assert_eq!(
        refusal(&error),
        Refusal::WrongPassword {
            username: "Admin".into()
        }
    );
    assert_eq!(wire.passwords(), 1);
}

#[test]
fn a_second_step_is_an_error_of_its_own() {
    let wire = Wire::product("jira", "10.3.0", |seen, _| {
        session_only(seen).unwrap_or_else(|| answer(200, r#"{"nextStep":"TOTP"}"#))
    });
    let error = wire.client(password(Login::Session)).sign_in().unwrap_err();
    assert_eq!(
        refusal(&error),
        Refusal::TwoStep {
            username: "Admin".into()
        }
    );
    assert_eq!(wire.passwords(), 1);
}

#[test]
fn basic_disabled_at_the_first_rest_call_falls_back_and_repeats() {
    let respond = |seen: &Seen, _| match seen.path.as_str() {
        WHOAMI => answer(200, "admin"),
        "/ctx/rest/auth/1/session" => with_session(answer(200, "{}")),
        _ if seen.header("authorization").is_empty() => answer(200, r#"{"done":true}"#),
        _ => answer(403, DISABLED),
    };
    let wire = Wire::product("jira", "9.12.0", respond);
    let client = wire.client(password(Login::Auto));
    let response = client
        .send(&Request::put_json("rest/x", serde_json::json!({})))
        .unwrap();
    assert_eq!(
        (response.status, client.sign_in().unwrap().method),
        (200, Method::Session)
    );
    assert_eq!(
        wire.lines()
            .iter()
            .filter(|line| *line == "PUT rest/x")
            .count(),
        2
    );

    let wire = Wire::product("jira", "9.12.0", respond);
    let response = wire
        .client(password(Login::Basic))
        .send(&Request::get("rest/x"))
        .unwrap();
    let error = response.success().unwrap_err();
    assert_eq!(
        (error.code(), error.failure()),
        ("basic_disabled", Failure::Refused)
    );
}

#[test]
fn tokens_are_sent_as_bearer_and_checked() {
    let wire = Wire::product("jira", "9.12.0", |seen, _| {
        answer(
            200,
            if seen.header("authorization") == "Bearer hunter2" {
                "admin"
            } else {
                ""
            },
        )
    });
    assert_eq!(
        wire.client(token()).sign_in().unwrap().method,
        Method::Token
    );
    let other = Credentials::Token {
        token: PASSWORD.into(),
        username: Some("bot".into()),
    };
    let error = wire.client(other).sign_in().unwrap_err();
    assert_eq!(error.code(), "somebody_else");

    let silent = Wire::product("jira", "9.12.0", |_, _| answer(200, ""));
    assert_eq!(
        refusal(&silent.client(token()).sign_in().unwrap_err()),
        Refusal::Anonymous
    );
    let refused = Wire::product("jira", "9.12.0", |_, _| answer(401, ""));
    assert_eq!(
        refusal(&refused.client(token()).sign_in().unwrap_err()),
        Refusal::TokenRefused
    );
}

#[test]
fn a_token_is_not_sent_to_bitbucket() {
    let wire = Wire::product("stash", "8.19.0", |_, _| answer(200, "admin"));
    let error = wire.client(token()).sign_in().unwrap_err();
    assert_eq!(error.code(), "token_cannot_administer");
    assert_eq!(wire.passwords() + wire.seen().len(), 1);
}

#[test]
fn a_lost_answer_to_a_sign_in_is_not_asked_for_again() {
    let wire = Wire::product("jira", "9.12.0", |_, _| Act::Bytes(Vec::new()));
    let error = wire.client(password(Login::Auto)).sign_in().unwrap_err();
    assert_eq!(error.failure(), Failure::Unreachable);
    assert_eq!(wire.passwords(), 1);
}

#[test]
fn signing_out_ends_the_session() {
    let wire = Wire::product("jira", "9.12.0", |seen, _| {
        session_only(seen).unwrap_or_else(|| with_session(answer(200, "{}")))
    });
    let client = wire.client(password(Login::Session));
    client.sign_in().unwrap();
    client.sign_out();
    client.sign_out();
    let lines = wire.lines();
    assert_eq!(lines.last().unwrap(), "DELETE rest/auth/1/session");
    assert_eq!(
        lines
            .iter()
            .filter(|line| line.starts_with("DELETE"))
            .count(),
        1
    );
}

//! Signing in on servers that make it hard

use atl_testbed::{ADMIN, ALICE, ALICE_PASSWORD, Generation, Kind, Server, ServerSpec, Setting};
use serde_json::Value;

use crate::estate::{Fleet, KINDS, server};

/// Every command that signs in says the same of one server.
#[track_caller]
fn check(fleet: &Fleet, expected: (&str, &str), code: i32) {
    for command in ["apply", "plan", "links list"] {
        let (document, exit) = fleet.json(command);
        let entry = &document["servers"][0];
        let error = &entry["error"];
        assert_eq!(
            (entry["status"].as_str(), error["code"].as_str(), exit),
            (Some(expected.0), Some(expected.1), code),
            "{command}: {document:#}"
        );
        assert_ne!(error["advice"], "", "{command}");
        assert_eq!(fleet.writes(), 0, "{command}");
    }
}

/// Whether somebody was let in without a password or with one.
fn let_in(server: &Server) -> bool {
    server.log().iter().any(|exchange| exchange.user.is_some())
}

#[test]
fn a_wrong_password_is_sent_once() {
    for kind in KINDS {
        for login in ["auto", "basic", "session"] {
            let fleet = Fleet::of(kind).with("ATL_ADMIN_PASSWORD", "wrong-secret");
            fleet.edit("password: ", &format!("login: {login}\n    password: "));
            for (command, tries) in [("apply", 1), ("plan", 2), ("check", 3)] {
                let run = fleet.run(&format!("{command} -o json"));
                assert_eq!(run.code, Some(4), "{kind:?} {login}: {}", run.shown());
                assert!(!run.shown().contains("wrong-secret"), "{}", run.shown());
                assert_eq!(
                    fleet.first().failed_sign_ins(ADMIN),
                    tries,
                    "{kind:?} {login} {command}"
                );
            }
            check(&fleet, ("refused", "wrong_password"), 4);
            assert!(!let_in(fleet.first()));
        }
    }
}

#[test]
fn an_account_that_may_not_administer_is_refused() {
    for kind in KINDS {
        let fleet = Fleet::of(kind).with("ATL_ADMIN_PASSWORD", ALICE_PASSWORD);
        fleet.edit(&format!("username: {ADMIN}"), &format!("username: {ALICE}"));
        assert_eq!(fleet.run("links adopt").code, Some(4), "{kind:?}");
        for command in ["apply", "plan", "links list"] {
            let (document, exit) = fleet.json(command);
            let entry = &document["servers"][0];
            assert_eq!(
                (entry["status"].as_str(), exit),
                (Some("refused"), 4),
                "{kind:?} {command}: {document:#}"
            );
            let advice = entry["error"]["advice"].as_str().unwrap();
            assert!(
                advice.contains("administrator"),
                "{kind:?} {command}: {entry:#}"
            );
        }
        assert_eq!(
            (fleet.writes(), fleet.first().failed_sign_ins(ALICE)),
            (0, 0),
            "{kind:?}"
        );
        let (document, exit) = fleet.json("check");
        assert_eq!(
            (
                verdict(&document, "credentials"),
                verdict(&document, "admin")
            ),
            ("pass", "fail"),
            "{document:#}"
        );
        assert_eq!(exit, 4);
    }
}

#[test]
fn a_token_that_the_server_ignores_is_refused() {
    for kind in [Kind::Jira, Kind::Confluence, Kind::Bamboo] {
        let fleet = Fleet::of(kind).with("PAT", "nobody-s-token");
        fleet.add_to(fleet.first().name(), "admin: { token: '${env:PAT}' }");
        check(&fleet, ("refused", "anonymous"), 4);
        let run = fleet.run("check");
        assert_eq!(run.code, Some(4), "{}", run.shown());
        assert!(!run.shown().contains("nobody-s-token"));
    }
}

#[test]
fn a_token_administers_but_not_on_bitbucket() {
    for kind in KINDS {
        let fleet = Fleet::of(kind);
        let token = fleet.first().add_access_token(ADMIN);
        let fleet = fleet.with("PAT", &token);
        fleet.add_to(fleet.first().name(), "admin: { token: '${env:PAT}' }");
        if kind == Kind::Bitbucket {
            check(&fleet, ("refused", "token_cannot_administer"), 4);
            assert_eq!(verdict(&fleet.json("check").0, "credentials"), "fail");
        } else {
            let run = fleet.run("apply -vvv --trace-http");
            assert_eq!(run.code, Some(0), "{}", run.shown());
            assert!(!run.shown().contains(&token));
        }
    }
}

#[test]
fn a_session_is_used_where_basic_is_disabled() {
    for kind in KINDS {
        let fleet = Fleet::new([ServerSpec::new(kind).setting(Setting::BasicAllowed(false))]);
        let (document, exit) = fleet.json("check");
        assert_eq!(
            (verdict(&document, "basic"), exit),
            ("warn", 0),
            "{kind:?}: {document:#}"
        );
        let (document, exit) = fleet.json("apply");
        assert_eq!(
            (&document["servers"][0]["changes"][1]["verified"], exit),
            (&Value::Bool(true), 0),
            "{document:#}"
        );

        fleet.edit("password: ", "login: basic\n    password: ");
        fleet.forget();
        check(&fleet, ("refused", "basic_disabled"), 4);
        assert_eq!(verdict(&fleet.json("check").0, "basic"), "fail");
    }
}

#[test]
fn a_captcha_is_never_made_worse() {
    for kind in KINDS {
        let fleet = Fleet::new([ServerSpec::new(kind).setting(Setting::CaptchaAfter(Some(1)))])
            .with("ATL_ADMIN_PASSWORD", "wrong-secret");
        assert_eq!(fleet.run("apply").code, Some(4));
        let fleet = fleet.with("ATL_ADMIN_PASSWORD", atl_testbed::ADMIN_PASSWORD);
        let before = fleet.first().failed_sign_ins(ADMIN);
        let (document, exit) = fleet.json("apply");
        let error = &document["servers"][0]["error"];
        assert_eq!(
            (error["code"].as_str(), exit),
            (Some("captcha"), 4),
            "{kind:?}: {document:#}"
        );
        assert!(
            error["advice"]
                .as_str()
                .unwrap()
                .contains(&fleet.first().base_url()),
            "{error:#}"
        );
        assert_eq!(
            fleet.first().failed_sign_ins(ADMIN),
            before + 1,
            "{kind:?}: one attempt a run"
        );
        assert_eq!(
            verdict(&fleet.json("check").0, "captcha"),
            "fail",
            "{kind:?}"
        );
        assert_eq!(fleet.writes(), 0);
    }
}

#[test]
fn a_session_becomes_an_administrator_session_where_it_must() {
    // Bamboo has these sessions from its version 10 on.
    let specs = [Kind::Jira, Kind::Confluence, Kind::Bamboo].map(|kind| {
        ServerSpec::new(kind)
            .generation(Generation::Next)
            .setting(Setting::Websudo(true))
    });
    let fleet = Fleet::new(specs);
    fleet.edit("password: ", "login: session\n    password: ");
    let (document, exit) = fleet.json("apply");
    assert_eq!(exit, 0, "{document:#}");
    let (checked, _) = fleet.json("check");
    for one in fleet.estate.servers() {
        assert_eq!(
            server(&document, one.name())["changes"][1]["verified"],
            true
        );
        assert_eq!(
            status(server(&checked, one.name()), "websudo"),
            "warn",
            "{}",
            one.name()
        );
        let elevated = one.log().iter().any(|exchange| {
            exchange.method == "POST"
                && ["WebSudo", "doauthenticate", "webSudoSubmit"]
                    .iter()
                    .any(|part| exchange.path.contains(part))
        });
        assert!(elevated, "{}", one.name());
    }
}

/// What a check of the only server came to.
#[track_caller]
fn verdict<'v>(document: &'v Value, check: &str) -> &'v str {
    status(&document["servers"][0], check)
}

#[track_caller]
fn status<'v>(server: &'v Value, check: &str) -> &'v str {
    let checks = server["checks"].as_array().unwrap();
    let found = checks.iter().find(|entry| entry["check"] == check);
    found
        .and_then(|entry| entry["status"].as_str())
        .unwrap_or_else(|| panic!("no `{check}` in {server:#}"))
}

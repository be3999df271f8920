//! Servers that are down, hang, reset or are something else, and what that makes of a run

use atl_testbed::{
    ADMIN, ADMIN_PASSWORD, AuthenticatedBy, Fault, Kind, Matcher, Role, ServerSpec, User, When,
};
use serde_json::{Value, json};

use crate::{
    estate::{Fleet, KINDS, URL, link_by_hand, server},
    wire::Wire,
};

/// `plan`, `apply` and `links list` cannot tell, `check` says so, and no password was sent.
#[track_caller]
fn cannot_tell(fleet: &Fleet, expected: &str) {
    // Nobody waits for what hangs; everything else gets the time it needs on a busy machine.
    let timeout = if expected == "timeout" { "1s" } else { "20s" };
    for command in ["plan", "plan --detailed-exitcode", "apply", "links list"] {
        let (document, code) = fleet.json(&format!("{command} --timeout {timeout}"));
        let entry = &document["servers"][0];
        assert_eq!(
            (
                entry["status"].as_str(),
                entry["error"]["code"].as_str(),
                code
            ),
            (Some("unreachable"), Some(expected), 3),
            "{command}: {document:#}"
        );
        let text = |key: &str| entry["error"][key].as_str().unwrap().to_owned();
        assert!(
            text("message").contains("jira") && text("advice").len() > 20,
            "{entry:#}"
        );
    }
    let run = fleet.run(&format!("check --timeout {timeout}"));
    assert_eq!(run.code, Some(3), "{}", run.shown());
    let log = fleet.first().log();
    assert!(
        log.iter()
            .all(|exchange| exchange.authenticated_by == AuthenticatedBy::Nothing)
    );
}

#[test]
fn a_server_that_breaks_down_is_told_from_one_that_is_in_order() {
    for (fault, expected) in [
        (Fault::Html, "not_atlassian"),
        (
            Fault::Answer(200, r#"{"hello":"world"}"#.into()),
            "not_atlassian",
        ),
        (Fault::Answer(200, "{".into()), "not_atlassian"),
        (Fault::Answer(404, "not found".into()), "not_atlassian"),
        (Fault::Hang, "timeout"),
        (Fault::Reset(When::Before), "connection_reset"),
        (Fault::Truncate, "truncated"),
        (Fault::Unavailable, "server_error"),
    ] {
        let fleet = Fleet::of(Kind::Jira);
        fleet.first().set(fault.clone());
        cannot_tell(&fleet, expected);
    }
    let fleet = Fleet::of(Kind::Jira);
    fleet.first().stop();
    cannot_tell(&fleet, "connection_refused");
}

#[test]
fn a_web_server_is_no_product() {
    for (status, kind, body) in [
        ("200 OK", "text/html", "<title>It works</title>"),
        ("200 OK", "application/json", r#"{"typeId":7}"#),
        ("404 Not Found", "text/plain", "nothing here"),
    ] {
        let fleet = Fleet::of(Kind::Jira);
        let web = Wire::web(status, kind, body);
        fleet.edit(&fleet.first().base_url(), &web.url());
        cannot_tell(&fleet, "not_atlassian");
        assert_eq!(fleet.requests(), 0);
    }
}

/// A fault after the sign-in is noted on the server, too.
#[test]
fn html_where_links_were_due_is_not_an_empty_list() {
    let fleet = Fleet::of(Kind::Confluence);
    fleet
        .first()
        .set(Fault::Html.on(Matcher::path("/applicationlink")));
    for command in ["plan", "apply", "links list"] {
        let (document, code) = fleet.json(command);
        assert_eq!(
            (document["servers"][0]["error"]["code"].as_str(), code),
            (Some("html"), 3),
            "{command}: {document:#}"
        );
    }
    assert_eq!(fleet.writes(), 0);
}

#[test]
fn five_broken_servers_do_not_stop_or_hide_the_other_fifteen() {
    let specs =
        (0..20).map(|number| ServerSpec::new(KINDS[number % 4]).name(&format!("s{number}")));
    let fleet = Fleet::new(specs);
    fleet.server("s1").stop();
    fleet.server("s4").set(Fault::Hang);
    fleet.server("s8").set(Fault::Html);
    fleet.server("s13").set(Fault::Reset(When::Before));
    fleet
        .server("s19")
        .put_user(User::new(ADMIN, "changed", Role::SysAdmin));
    let broken = [
        ("s1", "connection_refused", "unreachable"),
        ("s4", "timeout", "unreachable"),
        ("s8", "not_atlassian", "unreachable"),
        ("s13", "connection_reset", "unreachable"),
        ("s19", "wrong_password", "refused"),
    ];

    let (document, code) = fleet.json("apply --timeout 4s");
    assert_eq!(code, 5, "{document:#}");
    let entries = document["servers"].as_array().unwrap();
    assert_eq!(entries.len(), 20);
    for entry in entries {
        match broken.iter().find(|(name, ..)| entry["server"] == *name) {
            Some((name, error, status)) => {
                assert_eq!(
                    (&entry["error"]["code"], &entry["status"]),
                    (&json!(error), &json!(status)),
                    "{entry:#}"
                );
                assert!(
                    entry["error"]["message"].as_str().unwrap().contains(name),
                    "{entry:#}"
                );
                assert!(
                    !entry["error"]["advice"].as_str().unwrap().is_empty(),
                    "{entry:#}"
                );
            }
            None => assert!(
                entry["status"] == "ok"
                    && entry["changes"]
                        .as_array()
                        .unwrap()
                        .iter()
                        .all(|change| change["verified"] == true),
                "{entry:#}"
            ),
        }
    }
    assert_eq!(
        document["summary"],
        json!({"create": 30, "update": 0, "delete": 0, "unchanged": 0, "failed": 0})
    );

    let run = fleet.run("apply --timeout 4s");
    assert_eq!(run.code, Some(5));
    for (name, error, _) in broken {
        let advice = server(&document, name)["error"]["advice"].as_str().unwrap();
        let told = run
            .stdout
            .lines()
            .find(|line| line.starts_with(&format!("error: {name}: ")));
        assert!(
            told.is_some_and(|line| line.contains(error)),
            "{name}: {}",
            run.stdout
        );
        assert!(
            run.stdout.contains(&format!("hint: {advice}")),
            "{name}: {}",
            run.stdout
        );
    }
}

#[test]
fn exit_codes_of_fleets_that_ended_in_different_ways() {
    #[derive(Clone, Copy)]
    enum Server {
        Fine,
        Refusing,
        Down,
        Failing,
    }
    use Server::{Down, Failing, Fine, Refusing};
    #[track_caller]
    fn check(servers: [Server; 2], apply: i32, plan: i32, checked: i32) {
        let fleet = Fleet::new(["s0", "s1"].map(|name| ServerSpec::new(Kind::Jira).name(name)));
        for (server, fate) in fleet.estate.servers().iter().zip(servers) {
            match fate {
                Fine => {}
                Refusing => server.put_user(User::new(ADMIN, "changed", Role::SysAdmin)),
                Down => server.stop(),
                Failing => drop(link_by_hand(server, URL, "other")),
            }
        }
        let codes = ["plan", "plan --detailed-exitcode", "check", "apply"]
            .map(|command| fleet.run(command).code.unwrap());
        let detailed = if plan == 0 { 10 } else { plan };
        assert_eq!(codes, [plan, detailed, checked, apply]);
    }
    check([Fine, Fine], 0, 0, 0);
    check([Refusing, Refusing], 4, 4, 4);
    check([Down, Down], 3, 3, 3);
    check([Refusing, Down], 1, 3, 3);
    check([Fine, Refusing], 5, 3, 4);
    check([Fine, Down], 5, 3, 3);
    check([Failing, Failing], 1, 1, 1);
    check([Failing, Fine], 5, 1, 1);
    check([Failing, Down], 1, 3, 1);
}

#[test]
fn the_password_never_crosses_to_another_host() {
    let fleet = Fleet::of(Kind::Jira);
    let web = Wire::redirect(fleet.first().base_url());
    fleet.edit(&fleet.first().base_url(), &web.url());
    let (document, code) = fleet.json("apply");
    let error: &Value = &document["servers"][0]["error"];
    assert_eq!(
        (error["code"].as_str(), code),
        (Some("redirected"), 3),
        "{document:#}"
    );
    assert_eq!(
        error["advice"],
        format!("use `url: {}` for this server", fleet.first().base_url())
    );
    assert_eq!((fleet.requests(), web.requests()), (0, 1));
    assert!(!document.to_string().contains(ADMIN_PASSWORD));
}

//! `check`

use std::collections::BTreeSet;

use atl_testbed::{Kind, MANAGER, MANAGER_PASSWORD, ServerSpec, Setting};
use serde_json::{Value, json};

use crate::estate::{CONSUMER, Fleet, KINDS, URL, keys, link_by_hand, server};

const NAMES: [&str; 16] = [
    "reach",
    "tls",
    "product",
    "credentials",
    "admin",
    "sysadmin",
    "basic",
    "captcha",
    "websudo",
    "clock",
    "base_url",
    "key",
    "link",
    "consumer",
    "grant",
    "auditor",
];

fn checks(server: &Value) -> &[Value] {
    server["checks"].as_array().unwrap()
}

/// The check of this name on the first server.
#[track_caller]
fn named<'v>(document: &'v Value, name: &str) -> &'v Value {
    let found = checks(&document["servers"][0])
        .iter()
        .find(|check| check["check"] == name);
    found.unwrap_or_else(|| panic!("no `{name}` in {document:#}"))
}

#[test]
fn makes_every_check_on_every_server_and_changes_nothing() {
    let fleet = Fleet::new(KINDS.map(ServerSpec::new));
    fleet.server("bamboo").stop();
    let files = fleet.env.files();
    let (document, code) = fleet.json("check");
    assert_eq!(code, 3, "{document:#}");
    assert_eq!(
        keys(&document),
        BTreeSet::from(["format_version", "servers"])
    );
    for entry in document["servers"].as_array().unwrap() {
        assert_eq!(keys(entry), BTreeSet::from(["server", "checks"]));
        let names: BTreeSet<_> = checks(entry)
            .iter()
            .map(|check| check["check"].as_str().unwrap())
            .collect();
        assert_eq!(names, BTreeSet::from(NAMES), "{entry:#}");
        assert_eq!(checks(entry).len(), NAMES.len(), "{entry:#}");
        for check in checks(entry) {
            let mut fields = keys(check);
            fields.remove("consumer");
            assert_eq!(
                fields,
                BTreeSet::from(["check", "status", "message", "advice"]),
                "{check:#}"
            );
            let status = check["status"].as_str().unwrap();
            assert!(
                ["pass", "warn", "fail", "skip"].contains(&status),
                "{check:#}"
            );
            assert!(!check["message"].as_str().unwrap().is_empty(), "{check:#}");
            let advised = check["advice"]
                .as_str()
                .is_some_and(|advice| !advice.is_empty());
            assert_eq!(advised, ["warn", "fail"].contains(&status), "{check:#}");
        }
    }
    let down = server(&document, "bamboo");
    assert!(
        checks(down).iter().all(|check| check["status"]
            == if check["check"] == "reach" {
                "fail"
            } else {
                "skip"
            }),
        "{down:#}"
    );
    assert_eq!((fleet.writes(), fleet.env.files()), (0, files));
}

#[test]
fn what_is_not_there_yet_is_a_warning_and_what_is_proven_passes() {
    let fleet = Fleet::of(Kind::Jira);
    let of = |document: &Value| {
        ["key", "link", "consumer"].map(|name| {
            let check = named(document, name);
            assert_eq!(check["consumer"], CONSUMER);
            check["status"].as_str().unwrap().to_owned()
        })
    };
    let (document, code) = fleet.json("check");
    assert_eq!((of(&document), code), (["warn"; 3].map(str::to_owned), 0));
    assert_eq!(fleet.run("apply").code, Some(0));
    fleet.forget();
    let (document, code) = fleet.json("check");
    assert_eq!(
        (of(&document), code, fleet.writes()),
        (["pass"; 3].map(str::to_owned), 0, 0)
    );
    assert!(
        fleet
            .first()
            .log()
            .iter()
            .all(|exchange| !exchange.path.contains("request-token"))
    );
}

#[test]
fn what_apply_would_refuse_is_found_before() {
    let fleet = Fleet::of(Kind::Confluence);
    link_by_hand(fleet.first(), URL, "theirs");
    let (document, code) = fleet.json("check");
    let link = named(&document, "link");
    assert_eq!((&link["status"], code), (&json!("fail"), 1), "{document:#}");
    assert!(
        link["message"].as_str().unwrap().contains("`theirs`"),
        "{link:#}"
    );

    let fleet = Fleet::provisioned();
    let (document, code) = fleet.json("check --store sqlite:empty.db");
    assert_eq!(
        (&named(&document, "key")["status"], code),
        (&json!("fail"), 1),
        "{document:#}"
    );

    let fleet = Fleet::provisioned();
    fleet
        .first()
        .set(Setting::SeenAs(Some("https://internal:7999".to_owned())));
    let (document, code) = fleet.json("check");
    let base_url = named(&document, "base_url");
    assert_eq!(
        (&base_url["status"], code),
        (&json!("fail"), 1),
        "{document:#}"
    );
    assert!(
        base_url["message"].as_str().unwrap().contains("internal"),
        "{base_url:#}"
    );

    let fleet =
        Fleet::new([ServerSpec::new(Kind::Jira).generation(atl_testbed::Generation::Ancient)]);
    let (document, code) = fleet.json("check");
    assert_eq!(
        (&named(&document, "product")["status"], code),
        (&json!("fail"), 1),
        "{document:#}"
    );
}

#[test]
fn a_link_whose_name_was_taken_is_a_warning() {
    let fleet = Fleet::of(Kind::Jira);
    link_by_hand(fleet.first(), "https://elsewhere.example.com", "Deploy bot");
    assert_eq!(fleet.run("apply").code, Some(0));
    assert_eq!(fleet.link().name, "Deploy bot - 2");
    let (document, code) = fleet.json("check");
    let link = named(&document, "link");
    assert_eq!((&link["status"], code), (&json!("warn"), 0), "{document:#}");
    assert!(
        link["message"]
            .as_str()
            .unwrap()
            .contains("`Deploy bot - 2`"),
        "{link:#}"
    );
    assert_eq!(fleet.run("plan --detailed-exitcode").code, Some(0));
}

#[test]
fn an_administrator_need_not_be_a_system_administrator() {
    let fleet = Fleet::of(Kind::Jira).with("ATL_ADMIN_PASSWORD", MANAGER_PASSWORD);
    fleet.edit("username: admin", &format!("username: {MANAGER}"));
    let (document, code) = fleet.json("check");
    let sysadmin = named(&document, "sysadmin");
    assert_eq!(
        (
            &named(&document, "admin")["status"],
            &sysadmin["status"],
            code
        ),
        (&json!("pass"), &json!("pass"), 0),
        "{document:#}"
    );
    assert!(
        sysadmin["message"]
            .as_str()
            .unwrap()
            .contains("not a system administrator"),
        "{sysadmin:#}"
    );
    assert_eq!(fleet.run("apply").code, Some(0));

    // Impersonation is for system administrators.
    fleet.edit(
        "    name: Deploy bot\n",
        "    name: Deploy bot\n    two_legged: { enabled: true, impersonation: true }\n",
    );
    let (document, code) = fleet.json("check");
    assert_eq!(
        (&named(&document, "sysadmin")["status"], code),
        (&json!("fail"), 1),
        "{document:#}"
    );
    fleet.forget();
    let (document, code) = fleet.json("apply");
    assert_eq!((code, fleet.writes()), (1, 0), "{document:#}");
}

#[test]
fn the_clock_fails_only_from_where_signatures_are_refused() {
    for (skew, expected) in [
        (0, "pass"),
        (120, "warn"),
        (-120, "warn"),
        (310, "fail"),
        (-310, "fail"),
    ] {
        let fleet = Fleet::new([ServerSpec::new(Kind::Bamboo).setting(Setting::ClockSkew(skew))]);
        let (document, code) = fleet.json("check");
        assert_eq!(
            named(&document, "clock")["status"],
            expected,
            "{skew}: {document:#}"
        );
        assert_eq!(code, i32::from(expected == "fail"), "{skew}");
    }
}

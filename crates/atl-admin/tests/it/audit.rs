//! `audit`: what the rules find on servers.

use std::collections::BTreeSet;

use atl_testbed::{Consumer, Kind, Link, ServerSpec, Setting, Token};
use serde_json::json;

use crate::{
    audits::{found, links_of, of_rule},
    estate::{CONSUMER, Fleet, KINDS, URL, keys, link_by_hand},
    keys_age::age,
};

const ELSEWHERE: &str = "https://elsewhere.example.com";

/// Servers with which nothing is wrong: they have what the fleet file says, and take no passwords on their REST API.
pub(crate) fn clean(specs: impl IntoIterator<Item = ServerSpec>) -> Fleet {
    let specs = specs.into_iter();
    let fleet = Fleet::new(specs.map(|spec| spec.setting(Setting::BasicAllowed(false))));
    let run = fleet.run("apply");
    assert_eq!(run.code, Some(0), "{}", run.shown());
    fleet.forget();
    fleet
}

/// Puts a consumer with this public key on a link at [`ELSEWHERE`], after a change to it.
fn other(fleet: &Fleet, public_key: &str, change: impl FnOnce(&mut Consumer)) -> String {
    let server = fleet.first();
    let id = server.add_link(Link::generic("Other", ELSEWHERE));
    let mut consumer = Consumer::new("other", "Other", public_key).unwrap();
    change(&mut consumer);
    server.put_consumer(Some(id), consumer);
    id.to_string()
}

#[test]
fn a_clean_fleet_has_no_findings_and_its_coverage_says_what_was_seen() {
    let fleet = clean(KINDS.map(ServerSpec::new));
    let (document, code) = fleet.audit("--fail-on low");
    assert_eq!((found(&document), code), (vec![], 0), "{document:#}");
    assert_eq!(
        keys(&document),
        BTreeSet::from([
            "format_version",
            "grants",
            "coverage",
            "findings",
            "accepted",
            "summary"
        ])
    );
    assert_eq!(document["format_version"], "1.0");
    for name in ["jira", "wiki", "git", "bamboo"] {
        let line = links_of(&document, name);
        assert_eq!(
            (&line["complete"], &line["error"]),
            (&json!(false), &json!(null))
        );
        let note = line["note"].as_str().unwrap();
        for rule in ["ATL-CONSUMER-NO-LINK", "ATL-GRANT-ORPHAN"] {
            assert!(note.contains(rule), "{note}");
        }
        assert!(!note.contains("ATL-BASIC-ENABLED"), "{note}");
    }
}

#[test]
fn keys_and_callbacks_and_addresses_are_judged() {
    let weak = include_str!("../../../../fixtures/keys/rsa-1024.pub.pem");
    let fleet = clean([ServerSpec::new(Kind::Jira)]);
    let id = other(&fleet, weak, |consumer| {
        consumer.callback = Some("http://elsewhere.example.com/back".to_owned());
    });
    let (document, code) = fleet.audit("");
    assert_eq!(
        (found(&document), code),
        (
            vec![
                "jira ATL-KEY-WEAK consumer other".to_owned(),
                "jira ATL-CALLBACK-HTTP consumer other".to_owned(),
                format!("jira ATL-LINK-UNMANAGED link {id}"),
            ],
            0
        ),
        "{document:#}"
    );
    let finding = of_rule(&document, "ATL-KEY-WEAK");
    assert_eq!(
        keys(finding),
        BTreeSet::from([
            "id", "rule", "severity", "server", "subject", "message", "advice", "baseline"
        ])
    );
    assert_eq!(finding["severity"], "high");
    assert!(finding["message"].as_str().unwrap().contains("1024 bits"));

    let sample = include_str!("../../../../fixtures/keys/sample-2048.pub.pem");
    let fleet = clean([ServerSpec::new(Kind::Jira)]);
    other(&fleet, sample, |_| ());
    let (document, _) = fleet.audit("");
    of_rule(&document, "ATL-KEY-SAMPLE");
}

#[test]
fn a_key_on_several_consumers_is_found_across_servers() {
    let fleet = clean(KINDS.map(ServerSpec::new));
    link_by_hand(fleet.server("jira"), ELSEWHERE, "one");
    link_by_hand(fleet.server("git"), ELSEWHERE, "two");
    // The same consumer on several servers is as it should be.
    link_by_hand(fleet.server("bamboo"), ELSEWHERE, "two");
    let (document, _) = fleet.audit("");
    let shared: Vec<_> = found(&document)
        .into_iter()
        .filter(|one| one.contains("SHARED"))
        .collect();
    assert_eq!(
        shared,
        [
            "bamboo ATL-KEY-SHARED consumer two",
            "git ATL-KEY-SHARED consumer two",
            "jira ATL-KEY-SHARED consumer one",
        ]
    );
    let (document, _) = fleet.audit("-s jira");
    assert!(!found(&document).concat().contains("SHARED"));
}

#[test]
fn an_old_key_is_found_by_the_policy_of_its_consumer() {
    let fleet = clean([ServerSpec::new(Kind::Jira)]);
    fleet.edit(
        "    callback:",
        "    policy: { max_key_age: 365d }\n    callback:",
    );
    age(&fleet, 24 * 364);
    assert_eq!(found(&fleet.audit("").0), [""; 0]);
    age(&fleet, 24 * 366);
    let expected = format!("jira ATL-KEY-OLD consumer {CONSUMER}");
    assert_eq!(found(&fleet.audit("").0), [expected]);
}

#[test]
fn links_are_judged() {
    let fleet = clean([ServerSpec::new(Kind::Confluence)]);
    let server = fleet.first();
    let idle = server.add_link(Link::generic("Idle", "http://idle.example.com"));
    let calls = server.add_link(Link::generic("Calls", "https://calls.example.com"));
    server.add_provider(
        calls,
        "com.atlassian.applinks.api.auth.types.OAuthAuthenticationProvider",
        &[],
    );
    let twice = server.add_link(Link::generic("Twice", "https://CALLS.example.com/"));
    let mut system = Link::generic("System", "http://system.example.com");
    system.system = true;
    server.add_link(system);
    let (document, _) = fleet.audit("");
    let mut expected: Vec<_> = [
        ("HTTP", idle),
        ("NO-CONSUMER", idle),
        ("NO-CONSUMER", twice),
        ("DUPLICATE", calls),
        ("DUPLICATE", twice),
        ("UNMANAGED", idle),
        ("UNMANAGED", calls),
        ("UNMANAGED", twice),
    ]
    .map(|(rule, id)| format!("wiki ATL-LINK-{rule} link {id}"))
    .into();
    expected.sort();
    let mut findings = found(&document);
    findings.sort();
    assert_eq!(findings, expected, "{document:#}");
}

#[test]
fn drift_from_the_fleet_file_is_found() {
    let fleet = clean([ServerSpec::new(Kind::Jira)]);
    let link = fleet.link().id;
    fleet.first().edit_consumer(CONSUMER, |consumer| {
        consumer.callback = Some("https://attacker.example.com".to_owned());
    });
    let (document, _) = fleet.audit("");
    assert_eq!(
        found(&document),
        [format!("jira ATL-LINK-DRIFT link {link}")],
        "{document:#}"
    );
    let message = &of_rule(&document, "ATL-LINK-DRIFT")["message"];
    assert!(
        message
            .as_str()
            .unwrap()
            .contains("https://attacker.example.com"),
        "{message}"
    );
    // Another consumer key at our address, which leaves ours behind where nothing but a database shows it.
    let public_key = include_str!("../../../../fixtures/keys/another.pub.pem");
    let consumer = Consumer::new("strange", "Strange", public_key).unwrap();
    fleet.first().put_consumer(Some(link), consumer);
    let (document, _) = fleet.audit("");
    let message = &of_rule(&document, "ATL-LINK-DRIFT")["message"];
    assert!(
        message
            .as_str()
            .unwrap()
            .contains("its consumer key is `strange`, not `deploy-bot`"),
        "{message}"
    );
    assert_eq!(fleet.run(&format!("links show {URL}")).code, Some(0));
}

#[test]
fn two_legged_oauth_is_judged() {
    let another = include_str!("../../../../fixtures/keys/another.pub.pem");
    let fleet = clean([ServerSpec::new(Kind::Jira)]);
    other(&fleet, another, |consumer| {
        consumer.two_legged = true;
        consumer.impersonation = true;
        consumer.execute_as = Some("Admin".to_owned());
    });
    let (document, _) = fleet.audit("-v");
    for rule in ["ATL-2LO-ON", "ATL-2LO-IMPERSONATION", "ATL-2LO-ADMIN"] {
        assert_eq!(of_rule(&document, rule)["subject"], "consumer other");
    }
    fleet.first().edit_consumer("other", |consumer| {
        consumer.execute_as = Some("svc-deploy".to_owned());
    });
    let (document, _) = fleet.audit("");
    assert!(!found(&document).concat().contains("2LO-ADMIN"));
}

#[test]
fn basic_authentication_is_judged_where_the_server_tells() {
    let fleet = clean([ServerSpec::new(Kind::Jira)]);
    fleet.first().set(Setting::BasicAllowed(true));
    let (document, _) = fleet.audit("");
    assert_eq!(found(&document), ["jira ATL-BASIC-ENABLED server"]);
    // An administrator who is no system administrator may not read the setting.
    fleet.edit("username: admin", "username: manager");
    let fleet = fleet.with("ATL_ADMIN_PASSWORD", atl_testbed::MANAGER_PASSWORD);
    let (document, code) = fleet.audit("");
    assert_eq!((found(&document), code), (vec![], 0), "{document:#}");
    let note = &links_of(&document, "jira")["note"];
    assert!(
        note.as_str().unwrap().contains("ATL-BASIC-ENABLED"),
        "{note}"
    );
}

#[test]
fn grants_of_the_store_are_judged() {
    let fleet = clean([ServerSpec::new(Kind::Jira)]);
    fleet.grant(1, "alice");
    fleet.edit(
        "    callback:",
        "    policy: { max_grant_age: 90d }\n    callback:",
    );
    // Its thousand seconds are over within thirty days.
    let (document, _) = fleet.audit("--source store");
    let grant = document["grants"][0]["id"].as_str().unwrap();
    assert_eq!(
        found(&document),
        [format!("jira ATL-GRANT-EXPIRING grant {grant}")],
        "{document:#}"
    );
    let mut old = crate::grants::row(fleet.first(), 2, "bob");
    old.created = "2020-01-02T03:04:05Z".parse().unwrap();
    old.expires_in = Some(3_000_000_000);
    fleet.keep(&old);
    let (document, _) = fleet.audit("--source store --user bob");
    let message = of_rule(&document, "ATL-GRANT-OLD")["message"]
        .as_str()
        .unwrap();
    assert_eq!(
        message,
        "the grant of `bob` to `Deploy bot` was given on 2020-01-02, and `policy.max_grant_age` is 90d"
    );
    // A limit is for what is listed, not for what is judged.
    let (document, _) = fleet.audit("--source store --limit 1 --sort created");
    assert_eq!(document["grants"].as_array().unwrap().len(), 1);
    assert_eq!(found(&document).len(), 2, "{document:#}");
}

#[test]
fn an_auditor_that_was_left_is_found_and_removed() {
    let fleet = clean([ServerSpec::new(Kind::Jira)]);
    fleet.first().set(Setting::BasicAllowed(true));
    fleet.leave_auditor_on(0);
    fleet.first().set(Setting::BasicAllowed(false));
    let (document, _) = fleet.audit("");
    // It has a rule of its own: others keep silent about it.
    assert_eq!(found(&document).len(), 1, "{document:#}");
    of_rule(&document, "ATL-AUDITOR-LEFT");

    let (removed, code) = fleet.json("audit --remove-auditor");
    assert_eq!(
        (code, &removed["auditors"][0]["state"]),
        (0, &json!("removed"))
    );
    fleet.has_no_auditor("after --remove-auditor");
    let (document, _) = fleet.audit("");
    assert_eq!(found(&document), [""; 0], "{document:#}");
    let run = fleet.run("audit --remove-auditor");
    assert_eq!(
        (run.code, run.stdout.as_str()),
        (Some(0), ""),
        "{}",
        run.shown()
    );
}

#[test]
fn a_selected_consumer_is_all_that_is_judged() {
    let fleet = clean([ServerSpec::new(Kind::Jira)]);
    fleet.first().set(Setting::BasicAllowed(true));
    link_by_hand(fleet.first(), "http://elsewhere.example.com", "theirs");
    let link = fleet.link().id;
    fleet.first().edit_consumer(CONSUMER, |consumer| {
        consumer.callback = Some("http://deploy.example.com".to_owned());
    });
    let (document, _) = fleet.audit(&format!("-c {CONSUMER}"));
    assert_eq!(
        found(&document),
        [
            format!("jira ATL-LINK-DRIFT link {link}"),
            format!("jira ATL-CALLBACK-HTTP consumer {CONSUMER}"),
        ],
        "{document:#}"
    );
}

#[test]
fn what_servers_say_is_data() {
    let fleet = clean([ServerSpec::new(Kind::Jira)]);
    let key = "a\u{1b}[31m\"<script>";
    link_by_hand(fleet.first(), "http://elsewhere.example.com", key);
    let (document, _) = fleet.audit("");
    assert_eq!(of_rule(&document, "ATL-LINK-HTTP")["server"], "jira");
    let run = fleet.run("audit -v");
    assert!(!run.stdout.contains('\u{1b}'), "{}", run.stdout);
    fleet
        .first()
        .add_token(Token::access("granted", key, "alice"));
    assert_eq!(fleet.run("audit -o csv").code, Some(0));
}

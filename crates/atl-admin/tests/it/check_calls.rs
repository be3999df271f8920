//! `check`: what is wrong with signed calls, in the check that says what to do about it

use atl_testbed::{
    Consumer, Fault, Kind, MANAGER, MANAGER_PASSWORD, Matcher, Role, Rule, ServerSpec, Setting,
    User,
};
use serde_json::Value;

use crate::estate::{CONSUMER, Fleet, KINDS};

const WHOAMI: &str = "/plugins/servlet/applinks/whoami";
const ANOTHER: &str = include_str!("../../../../fixtures/keys/another.pub.pem");

/// The check of this name on the first server.
#[track_caller]
pub(crate) fn named<'v>(document: &'v Value, name: &str) -> &'v Value {
    let checks = document["servers"][0]["checks"].as_array().unwrap();
    let found = checks.iter().find(|check| check["check"] == name);
    found.unwrap_or_else(|| panic!("no `{name}` in {document:#}"))
}

/// `check` says this in the check of this name, and ends with this code.
#[track_caller]
pub(crate) fn says(fleet: &Fleet, name: &str, status: &str, words: &[&str], code: i32) -> Value {
    fleet.forget();
    let (document, exit) = fleet.json("check");
    let check = named(&document, name);
    assert_eq!(
        (&check["status"], exit),
        (&status.into(), code),
        "{document:#}"
    );
    let text = check.to_string();
    for word in words {
        assert!(text.contains(word), "no `{word}` in {check:#}");
    }
    assert_eq!(fleet.writes(), 0);
    document
}

/// The names of the checks that failed.
fn failed(document: &Value) -> Vec<&str> {
    let checks = document["servers"][0]["checks"].as_array().unwrap();
    let failed = checks.iter().filter(|check| check["status"] == "fail");
    failed
        .map(|check| check["check"].as_str().unwrap())
        .collect()
}

/// A server of this kind, provisioned, that answers signed calls like this; signing in asks the same page once before.
fn answering(status: u16, body: &str) -> Fleet {
    let fleet = Fleet::provisioned();
    let fault = Fault::Answer(status, body.to_owned()).on(Matcher::path(WHOAMI));
    fleet.first().set(fault.after(1));
    fleet
}

#[test]
fn every_problem_is_told_in_the_check_that_it_belongs_to() {
    for (status, body, check, words) in [
        (
            400,
            "version_rejected&oauth_acceptable_versions=1.0-1.0",
            "consumer",
            "it takes 1.0-1.0",
        ),
        (
            400,
            "parameter_absent&oauth_parameters_absent=oauth_nonce",
            "consumer",
            "`oauth_nonce` did not reach the server",
        ),
        (
            400,
            "parameter_rejected&oauth_parameters_rejected=oauth_token",
            "consumer",
            "saw `oauth_token` twice",
        ),
        (
            400,
            "signature_method_rejected",
            "consumer",
            "application links take RSA-SHA1",
        ),
        (
            400,
            "timestamp_refused&oauth_acceptable_timestamps=1700000300-1700000900",
            "clock",
            "2023-11-14T22:18:20Z to 2023-11-14T22:28:20Z",
        ),
        (401, "nonce_used", "consumer", "reached the server twice"),
        (401, "token_used", "consumer", "begin the dance again"),
        (401, "token_expired", "consumer", "too old"),
        (401, "token_revoked", "consumer", "holds no such token"),
        (401, "token_rejected", "consumer", "holds no such token"),
        (
            401,
            "token_not_authorized",
            "consumer",
            "nobody has approved",
        ),
        (401, "signature_invalid", "key", "compare fingerprints"),
        (401, "consumer_key_unknown", "consumer", "stale cache"),
        (
            401,
            "consumer_key_rejected",
            "consumer",
            "whether the link was blocked",
        ),
        (
            401,
            "additional_authorization_required",
            "consumer",
            "does not cover this call",
        ),
        (401, "permission_unknown", "consumer", "nobody has approved"),
        (
            401,
            "permission_denied",
            "consumer",
            "enable incoming OAuth",
        ),
        (503, "user_refused", "consumer", "does not let this user in"),
        (
            503,
            "consumer_key_refused",
            "consumer",
            "whether the link was blocked",
        ),
        (
            403,
            "something_new",
            "consumer",
            "none of the documented answers",
        ),
    ] {
        let fleet = answering(status, &format!("oauth_problem={body}"));
        let document = says(&fleet, check, "fail", &[words], 1);
        let expected = match check {
            "consumer" => vec!["consumer"],
            "clock" => vec!["clock", "consumer"],
            _ => vec![check, "consumer"],
        };
        assert_eq!(failed(&document), expected, "{body}");
    }
}

#[test]
fn an_answer_that_says_nothing_is_no_verdict_on_the_links() {
    for (status, body) in [
        (200, "<p>Please sign in"),
        (401, "who are you?"),
        (404, "not here"),
    ] {
        let document = says(
            &answering(status, body),
            "consumer",
            "fail",
            &["which says nothing"],
            3,
        );
        assert_eq!(named(&document, "admin")["status"], "pass", "{document:#}");
        assert_eq!(failed(&document), ["consumer"]);
    }
}

#[test]
fn a_key_mismatch_names_the_fingerprint_here_and_the_fingerprint_there() {
    let fleet = Fleet::provisioned();
    let (listed, _) = fleet.json("keys list");
    let here = listed["keys"][0]["fingerprint"].as_str().unwrap();
    fleet.env.fixture("another.pub.pem");
    let (shown, _) = fleet.json("keys show another.pub.pem");
    let there = shown["key"]["fingerprint"].as_str().unwrap();
    says(&fleet, "key", "pass", &[here], 0);

    let another = Consumer::new(CONSUMER, CONSUMER, ANOTHER)
        .unwrap()
        .public_key;
    fleet
        .first()
        .edit_consumer(CONSUMER, |consumer| consumer.public_key = another);
    let document = says(&fleet, "key", "fail", &[here, there, "keys import"], 1);
    assert_eq!(failed(&document), ["key", "consumer"]);
    // With no key here there is nothing to compare.
    let (document, code) = fleet.json("check --store sqlite:empty.db");
    let key = named(&document, "key")["message"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(
        code == 1 && key.contains("no keypair is here") && key.contains(there),
        "{key}"
    );
}

#[test]
fn a_key_file_that_was_replaced_is_a_mismatch_until_it_is_applied() {
    let fleet = Fleet::of(Kind::Jira);
    fleet.edit(
        "    name: Deploy bot\n",
        "    name: Deploy bot\n    keypair: { private_key_file: bot.pem }\n",
    );
    let generate = "keys generate --out bot.pem --no-passphrase --bits 2048 --force";
    for apply in ["apply", "apply --yes"] {
        let made = fleet.run(generate);
        assert_eq!(made.code, Some(0), "{}", made.shown());
        if apply != "apply" {
            let words = ["`jira` holds SHA256:", "here is SHA256:", "atl-admin apply"];
            says(&fleet, "key", "fail", &words, 1);
        }
        assert_eq!(fleet.run(apply).code, Some(0));
        says(&fleet, "key", "pass", &["from a file"], 0);
    }
}

#[test]
fn the_address_that_the_server_sees_is_what_to_sign_for() {
    for kind in KINDS {
        let fleet = Fleet::new([ServerSpec::new(kind).context("/app")]);
        let name = fleet.first().name().to_owned();
        assert_eq!(fleet.run("apply").code, Some(0));
        let url = fleet.first().base_url();
        says(
            &fleet,
            "base_url",
            "pass",
            &["accepts calls signed for", &url],
            0,
        );

        let seen = "https://internal:7999/app";
        fleet
            .first()
            .set(Setting::SeenAs(Some("https://internal:7999".to_owned())));
        let advice = format!("set `sign_as: {seen}`");
        let document = says(&fleet, "base_url", "fail", &[&advice, "proxyName"], 1);
        assert_eq!(failed(&document), ["base_url", "consumer"]);

        // What is advised helps, and the check says which of the two addresses is which.
        fleet.add_to(&name, &format!("sign_as: {seen}"));
        says(&fleet, "base_url", "pass", &[seen, "`sign_as`", &url], 0);

        // A wrong one is named, with the right one.
        fleet.edit(
            &format!("sign_as: {seen}"),
            "sign_as: https://wrong.example.com/app",
        );
        let words = ["`sign_as` is https://wrong.example.com/app", &advice];
        says(&fleet, "base_url", "fail", &words, 1);
        fleet.first().set(Setting::SeenAs(None));
        says(&fleet, "base_url", "fail", &["take `sign_as`", &url], 1);
    }
}

#[test]
fn a_proxy_that_changes_calls_is_told_from_one_that_changes_the_address() {
    let fleet = Fleet::provisioned();
    let encoded = format!("{}{WHOAMI}", fleet.first().base_url())
        .replace(':', "%253A")
        .replace('/', "%252F");
    let body = format!(
        "oauth_problem=signature_invalid&oauth_signature_base_string=HEAD%26{encoded}%26oauth_token%253D"
    );
    let rule: Rule = Fault::Answer(401, body).on(Matcher::path(WHOAMI));
    fleet.first().set(rule.after(1));
    let words = ["the method `HEAD`, `GET` was signed", "changes requests"];
    says(&fleet, "base_url", "fail", &words, 1);
}

#[test]
fn a_clock_is_judged_by_what_signatures_came_to() {
    let fleet = Fleet::provisioned();
    fleet.first().set(Setting::ClockSkew(600));
    let words = [
        "timestamp_refused",
        "is accepted",
        "ahead of this machine's",
    ];
    let document = says(&fleet, "clock", "fail", &words, 1);
    assert_eq!(failed(&document), ["clock", "consumer"]);
}

#[test]
fn two_legged_calls_are_said_to_run_as_somebody() {
    for kind in KINDS {
        let fleet = Fleet::of(kind);
        assert_eq!(fleet.run("apply").code, Some(0));
        says(&fleet, "consumer", "pass", &["two-legged OAuth is off"], 0);
        let edit = |edit: fn(&mut Consumer)| fleet.first().edit_consumer(CONSUMER, edit);
        edit(|consumer| consumer.two_legged = true);
        says(
            &fleet,
            "consumer",
            "pass",
            &["two-legged calls run as nobody"],
            0,
        );
        edit(|consumer| {
            consumer.execute_as = Some(MANAGER.to_owned());
            consumer.impersonation = true;
        });
        let words = ["two-legged calls run as `manager`, with impersonation"];
        says(&fleet, "consumer", "pass", &words, 0);
        fleet.first().put_user(User {
            active: false,
            ..User::new(MANAGER, MANAGER_PASSWORD, Role::Admin)
        });
        let words = [
            "two-legged calls are refused: `manager`",
            "activate that account",
        ];
        says(&fleet, "consumer", "fail", &words, 1);
    }
}

#[test]
fn two_legged_oauth_that_differs_from_the_fleet_file_is_named() {
    let fleet = Fleet::provisioned();
    fleet.edit(
        "    name: Deploy bot\n",
        "    name: Deploy bot\n    two_legged: { enabled: true }\n",
    );
    let words = [
        "two-legged OAuth: enabled is false, to be true",
        "two-legged OAuth is off",
    ];
    says(&fleet, "consumer", "warn", &words, 0);
    assert_eq!(fleet.run("apply").code, Some(0));
    says(
        &fleet,
        "consumer",
        "pass",
        &["two-legged calls run as nobody"],
        0,
    );
}

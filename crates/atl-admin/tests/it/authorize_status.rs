//! `authorize --status`: how the grants stand, and which ones are missing.

use atl_testbed::{ALICE, BOB, Fault, Kind, Matcher, ServerSpec};
use serde_json::{Value, json};

use crate::{
    dances::{access_tokens, failure},
    estate::{CONSUMER, Fleet},
};

const STATUS: &str = "authorize --status";

fn jira() -> Fleet {
    Fleet::granting([ServerSpec::new(Kind::Jira)])
}

fn dance(fleet: &Fleet) {
    let (report, exit) = fleet.report("authorize --headless");
    assert_eq!(exit, 0, "{report:#}");
    fleet.forget();
}

#[track_caller]
fn statuses(report: &Value) -> Vec<&str> {
    let grants = report["grants"].as_array().unwrap().iter();
    grants
        .map(|grant| grant["status"].as_str().unwrap())
        .collect()
}

#[test]
fn what_works_is_said_to() {
    let fleet = jira();
    dance(&fleet);
    let (report, exit) = fleet.report(STATUS);
    assert_eq!(
        (statuses(&report).as_slice(), exit),
        (["active"].as_slice(), 0)
    );
    assert_eq!(report["failed"], json!([]));
    assert_eq!(fleet.first().log().len(), 1, "one signed call");
}

#[test]
fn what_is_dead_is_a_finding_and_is_remembered() {
    let fleet = jira();
    dance(&fleet);
    let token = access_tokens(fleet.first()).remove(0);
    fleet.first().age_tokens(200_000_000);
    let (report, exit) = fleet.report(STATUS);
    assert_eq!(
        (statuses(&report).as_slice(), exit),
        (["expired"].as_slice(), 10)
    );
    fleet.first().remove_token(&token.value);
    let (report, exit) = fleet.report(STATUS);
    assert_eq!(
        (statuses(&report).as_slice(), exit),
        (["rejected"].as_slice(), 10)
    );
    let (list, _) = fleet.json("tokens list --source store");
    assert_eq!(statuses(&list), ["rejected"]);
}

#[test]
fn what_was_never_given_is_a_finding() {
    let fleet = jira();
    // No store is needed to know that.
    let run = fleet.run(&format!("{STATUS} -o json --store sqlite:none.db"));
    assert_eq!(run.code, Some(10), "{}", run.shown());
    assert!(!fleet.env.files().contains(&"none.db".to_owned()));

    fleet.wants(&[ALICE, BOB]);
    let (report, exit) = fleet.report("authorize --headless --user alice");
    assert_eq!(exit, 0, "{report:#}");
    let (report, exit) = fleet.report(STATUS);
    assert_eq!(
        (statuses(&report).as_slice(), exit),
        (["active"].as_slice(), 10)
    );
    let missing = failure(&report);
    assert_eq!(
        (&missing["server"], &missing["consumer"], &missing["user"]),
        (&json!("jira"), &json!(CONSUMER), &json!(BOB))
    );
    assert_eq!(missing["error"]["code"], "not_granted");
    let run = fleet.run(STATUS);
    assert!(
        run.stderr
            .contains("jira: `deploy-bot` for `bob`: no grant"),
        "{}",
        run.shown()
    );

    let (report, exit) = fleet.report(&format!("{STATUS} --user ALICE"));
    assert_eq!(
        (statuses(&report).as_slice(), exit),
        (["active"].as_slice(), 0)
    );
}

#[test]
fn grants_that_the_file_does_not_want_are_asked_about_too() {
    let fleet = jira();
    dance(&fleet);
    fleet.wants(&[]);
    let (report, exit) = fleet.report(STATUS);
    assert_eq!(
        (statuses(&report).as_slice(), exit),
        (["active"].as_slice(), 0)
    );
}

/// Could not look never reads as clean, nor as dead.
#[test]
fn what_cannot_be_asked_is_not_known() {
    let fleet = jira();
    dance(&fleet);
    fleet.first().set(Fault::Html.on(Matcher::path("/whoami")));
    let (report, exit) = fleet.report(STATUS);
    assert_eq!(
        (statuses(&report).as_slice(), exit),
        (["unknown"].as_slice(), 3)
    );
    fleet.first().stop();
    let (report, exit) = fleet.report(STATUS);
    assert_eq!(
        (statuses(&report).as_slice(), exit),
        (["unknown"].as_slice(), 3)
    );
    let (list, _) = fleet.json("tokens list --source store");
    assert_eq!(statuses(&list), ["active"], "what was known is kept");
}

#[test]
fn it_needs_neither_passwords_nor_a_person() {
    let fleet = jira();
    dance(&fleet);
    fleet.edit("${env:ALICE_PASSWORD}", "${env:NOT_SET}");
    let run = fleet.run(&format!("{STATUS} --no-input"));
    assert_eq!(run.code, Some(0), "{}", run.shown());
    for line in ["--headless", "--oob", "--no-browser", "--port 4000"] {
        let run = fleet.run(&format!("{STATUS} {line}"));
        assert_eq!(run.code, Some(2), "{line}: {}", run.shown());
    }
}

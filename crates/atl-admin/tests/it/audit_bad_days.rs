//! `audit` where something cannot be looked at: that is said, and is never clean.

use std::process::Stdio;

use atl_testbed::{
    ADMIN, ADMIN_PASSWORD, Fault, Kind, Link, Matcher, Role, ServerSpec, Setting, User, When,
};
use serde_json::json;

use crate::{
    audit::clean,
    audits::{found, links_of},
    env::Run,
    estate::Fleet,
};

#[test]
fn a_server_that_is_down_does_not_hide_the_others() {
    let fleet = clean(["a", "b"].map(|name| ServerSpec::new(Kind::Jira).name(name)));
    fleet.server("b").set(Setting::BasicAllowed(true));
    fleet.server("a").stop();
    let (document, code) = fleet.audit("--fail-on low");
    assert_eq!(
        (found(&document), code),
        (vec!["b ATL-BASIC-ENABLED server".to_owned()], 3),
        "{document:#}"
    );
    let line = links_of(&document, "a");
    assert_eq!(
        (&line["complete"], &line["error"]["code"]),
        (&json!(false), &json!("connection_refused"))
    );
    assert_eq!(links_of(&document, "b")["error"], json!(null));
    let run = fleet.run("audit");
    assert_eq!(run.code, Some(3));
    assert!(
        run.stderr.contains("[connection_refused]"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_refused_sign_in_is_tried_once_and_told_from_findings() {
    let fleet = clean([ServerSpec::new(Kind::Jira)]);
    let fleet = fleet.with("ATL_ADMIN_PASSWORD", "wrong");
    let before = fleet.first().failed_sign_ins(ADMIN);
    let (document, code) = fleet.audit("--fail-on low");
    assert_eq!((found(&document), code), (vec![], 4), "{document:#}");
    assert_eq!(fleet.first().failed_sign_ins(ADMIN), before + 1);
}

/// Two more links, and the path of the second one's consumer.
fn two_links() -> (Fleet, Matcher) {
    let fleet = clean([ServerSpec::new(Kind::Jira)]);
    let server = fleet.first();
    server.add_link(Link::generic("Idle", "https://idle.example.com"));
    let second = server.add_link(Link::generic("Other", "http://other.example.com"));
    let path = Matcher::path(&format!("{second}/authentication/consumer"));
    (fleet, path)
}

/// What was seen is judged; what was not seen is no finding, and exit code and coverage say so.
#[track_caller]
fn is_half_seen(fleet: &Fleet, run: &Run) {
    let document = run.json();
    assert_eq!(run.code, Some(3), "{}", run.shown());
    let line = links_of(&document, "jira");
    assert_eq!(line["complete"], false);
    assert!(line["error"]["code"].is_string(), "{document:#}");
    let id = |url: &str| fleet.first().link(url).unwrap().id;
    let (idle, other) = (
        id("https://idle.example.com"),
        id("http://other.example.com"),
    );
    let mut expected = [
        format!("jira ATL-LINK-HTTP link {other}"),
        format!("jira ATL-LINK-NO-CONSUMER link {idle}"),
        format!("jira ATL-LINK-UNMANAGED link {other}"),
        format!("jira ATL-LINK-UNMANAGED link {idle}"),
    ];
    expected.sort();
    let mut findings = found(&document);
    findings.sort();
    assert_eq!(findings, expected, "{document:#}");
}

#[test]
fn what_was_read_before_a_failure_counts() {
    let (fleet, path) = two_links();
    let fault = Fault::Answer(500, String::new());
    fleet.first().set(fault.on(path));
    is_half_seen(&fleet, &fleet.run("audit --source store -o json"));
}

#[test]
fn rights_may_be_withdrawn_in_the_middle() {
    let (fleet, path) = two_links();
    let hold = fleet.first().hold(path, When::Before);
    let mut command = fleet.command("audit --source store -o json");
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    assert!(hold.wait_reached());
    let demoted = User::new(ADMIN, ADMIN_PASSWORD, Role::User);
    fleet.first().put_user(demoted);
    hold.release();
    let output = child.wait_with_output().unwrap();
    is_half_seen(&fleet, &fleet.env.ran(output));
}

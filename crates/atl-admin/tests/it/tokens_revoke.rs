//! `tokens revoke`: the server does not hold the token any more, and neither does the store.

use atl_testbed::{
    ALICE, ALICE_PASSWORD, BOB, Exchange, Fault, Kind, Matcher, Role, ServerSpec, User, When,
};
use serde_json::{Value, json};

use crate::{
    env::Run,
    estate::{Fleet, KINDS},
    grants::{TTL, id, token},
};

const PAGE: &str = "/oauth/users/access-tokens";

fn revocation() -> Matcher {
    Matcher::method("POST").at(PAGE)
}

fn question() -> Matcher {
    Matcher::method("GET").at("/applinks/whoami")
}

/// Two grants of a provisioned Jira.
fn granted() -> Fleet {
    let fleet = Fleet::provisioned();
    fleet.grant(1, ALICE);
    fleet.grant(2, BOB);
    fleet
}

/// The same, with alice's password in the fleet file.
fn with_password(password: &str) -> Fleet {
    let fleet = granted().with("ALICE_PASSWORD", password);
    fleet.edit(
        "    callback:",
        "    grants:\n      - user: alice\n        password: ${env:ALICE_PASSWORD}\n    callback:",
    );
    fleet
}

/// The numbers of the grants that the server and the store still have; they agree.
#[track_caller]
fn left(fleet: &Fleet) -> Vec<u32> {
    let alive: Vec<u32> = (1..=20).filter(|&number| held(fleet, number)).collect();
    let ids: Vec<String> = alive.iter().map(|&number| id(number)).collect();
    assert_eq!(stored(fleet), ids);
    alive
}

fn held(fleet: &Fleet, number: u32) -> bool {
    let tokens = fleet.first().tokens();
    tokens.iter().any(|known| known.value == token(number))
}

fn stored(fleet: &Fleet) -> Vec<String> {
    let mut ids: Vec<String> = fleet
        .listed()
        .iter()
        .map(|grant| grant["id"].as_str().unwrap().to_owned())
        .collect();
    ids.sort();
    ids
}

#[track_caller]
fn outcomes(fleet: &Fleet) -> Vec<String> {
    let (history, _) = fleet.json("history");
    let steps = history["journal"].as_array().unwrap().iter();
    steps
        .filter(|step| step["action"] == "grant revoke")
        .map(|step| step["outcome"].as_str().unwrap().to_owned())
        .collect()
}

#[track_caller]
fn ended(run: &Run, code: i32) {
    assert_eq!(run.code, Some(code), "{}", run.shown());
}

#[test]
fn a_grant_revokes_itself() {
    let fleet = granted();
    let run = fleet.run(&format!("tokens revoke {} --yes", id(1)));
    insta::assert_snapshot!(run.stderr, @"will revoke grant 010000000000 of `alice` for `deploy-bot` on `jira`");
    assert!(
        run.stdout.contains("rejected") && run.stdout.contains("revoked"),
        "{}",
        run.shown()
    );
    ended(&run, 0);
    assert_eq!(
        (left(&fleet), outcomes(&fleet)),
        (vec![2], vec!["done".to_owned()])
    );
    let posts = fleet.first().log();
    let posts: Vec<&Exchange> = posts
        .iter()
        .filter(|exchange| exchange.method == "POST")
        .collect();
    assert_eq!(posts.len(), 1, "nobody signed in");
}

#[test]
fn something_must_say_which() {
    let fleet = granted();
    for line in [
        "tokens revoke --yes",
        "tokens revoke --yes --sort user --limit 1",
    ] {
        let run = fleet.run(line);
        ended(&run, 2);
        assert!(
            run.stderr.contains("nothing says which grants"),
            "{}",
            run.shown()
        );
    }
    // Nobody can be asked, and nobody said yes.
    let run = fleet.run("tokens revoke -s jira");
    ended(&run, 2);
    assert!(run.stderr.contains("Revoke 2 grants?"), "{}", run.shown());
    assert_eq!(fleet.requests(), 0);
    assert_eq!(left(&fleet), [1, 2]);
    ended(&fleet.run("tokens revoke --user bob --yes"), 0);
    assert_eq!(left(&fleet), [1]);
    ended(&fleet.run("tokens revoke -c deploy-bot --yes"), 0);
    assert_eq!(left(&fleet), [0; 0]);
}

#[test]
fn a_dry_run_sends_nothing() {
    let fleet = granted();
    for format in ["json", "ndjson", "table"] {
        let run = fleet.run(&format!("tokens revoke --user bob --dry-run -o {format}"));
        ended(&run, 0);
        assert!(
            run.stdout.contains(&id(2)) && !run.stdout.contains(&id(1)),
            "{}",
            run.shown()
        );
        assert_eq!(run.stderr, "nothing was revoked: this was a dry run\n");
    }
    assert_eq!(fleet.requests(), 0);
    assert_eq!(left(&fleet), [1, 2]);
}

#[test]
fn a_grant_that_is_gone_already_is_success() {
    let fleet = granted();
    fleet.first().remove_token(&token(1));
    let (report, code) = fleet.json(&format!("tokens revoke {} --yes", id(1)));
    assert_eq!(
        (code, &report["grants"][0]["note"]),
        (0, &json!("it was gone already"))
    );
    assert_eq!(left(&fleet), [2]);

    // What an earlier run revoked is no mistake either, and nothing else is revoked in its place.
    let run = fleet.run(&format!("tokens revoke {} --yes", id(1)));
    ended(&run, 0);
    assert!(
        run.stderr
            .contains("grant 010000000000 of `alice` on `jira` was revoked before, on 20"),
        "{}",
        run.shown()
    );
    assert_eq!(left(&fleet), [2]);
    let run = fleet.run(&format!("tokens revoke {} --yes", id(9)));
    ended(&run, 1);
    assert!(
        run.stderr.contains("no grant of the selected"),
        "{}",
        run.shown()
    );
}

/// Where the page for it answers otherwise than calls do, the token is asked about.
#[test]
fn a_grant_that_is_gone_is_success_also_where_the_page_says_no() {
    for status in [401, 404] {
        let fleet = granted();
        fleet.first().remove_token(&token(1));
        let no = Fault::Answer(status, String::new());
        fleet.first().set(no.on(revocation()));
        let (report, code) = fleet.json(&format!("tokens revoke {} --yes", id(1)));
        assert_eq!(
            (code, &report["grants"][0]["note"]),
            (0, &json!("it was gone already")),
            "{report:#}"
        );
        assert_eq!(left(&fleet), [2]);
    }
}

#[test]
fn an_expired_grant_is_revoked_as_its_user() {
    let fleet = with_password(ALICE_PASSWORD);
    fleet.first().age_tokens(TTL + 10);
    ended(&fleet.run("tokens verify"), 10);
    ended(&fleet.run("tokens revoke --user alice --yes"), 0);
    assert_eq!(left(&fleet), [2]);

    // The fleet file has no password of bob.
    let (report, code) = fleet.json("tokens revoke --user bob --yes");
    let error = &report["failed"][0]["error"];
    assert_eq!((code, &error["code"]), (4, &json!("grant_expired")));
    let advice = error["advice"].as_str().unwrap();
    for part in [PAGE, "password of `bob` under `grants`", "renew"] {
        assert!(advice.contains(part), "{advice}");
    }
    assert_eq!(left(&fleet), [2]);
}

/// A password is needed for nothing but expired grants.
#[test]
fn a_password_that_is_not_needed_need_not_be_there() {
    let fleet = with_password(ALICE_PASSWORD);
    fleet.edit("ALICE_PASSWORD", "NO_PASSWORD");
    ended(&fleet.run("tokens revoke --user alice --yes"), 0);
    let fleet = with_password(ALICE_PASSWORD);
    fleet.edit("ALICE_PASSWORD", "NO_PASSWORD");
    fleet.first().age_tokens(TTL + 10);
    // Only the server knows yet.
    let (report, code) = fleet.json("tokens revoke --user alice --yes");
    assert_eq!(
        (code, &report["failed"][0]["error"]["code"]),
        (4, &json!("grant_expired"))
    );
    let run = fleet.run("tokens revoke --user alice --yes");
    ended(&run, 2);
    assert!(run.stderr.contains("NO_PASSWORD"), "{}", run.shown());
}

#[test]
fn a_wrong_password_is_sent_once() {
    let fleet = with_password("wrong");
    fleet.grant(3, ALICE);
    fleet.first().age_tokens(TTL + 10);
    ended(&fleet.run("tokens verify"), 10);
    let (report, code) = fleet.json("tokens revoke --user alice --yes");
    assert_eq!(code, 4, "{report:#}");
    assert_eq!(report["failed"].as_array().unwrap().len(), 2);
    assert_eq!(fleet.first().failed_sign_ins(ALICE), 1);
    assert_eq!(left(&fleet), [1, 2, 3]);
}

#[test]
fn a_user_who_may_not_sign_in_keeps_the_grant_and_the_advice_says_what_remains() {
    let fleet = granted();
    let user = User::new(ALICE, ALICE_PASSWORD, Role::User);
    fleet.first().put_user(User {
        active: false,
        ..user
    });
    let (report, code) = fleet.json("tokens revoke --user alice --yes");
    let error = &report["failed"][0]["error"];
    assert_eq!(
        (code, &error["code"]),
        (4, &json!("not_revoked")),
        "{report:#}"
    );
    assert!(
        error["advice"]
            .as_str()
            .unwrap()
            .contains("delete the application link")
    );
    assert_eq!(left(&fleet), [1, 2]);
}

/// A server that says it revoked the grant and did not.
#[test]
fn a_revocation_is_read_back() {
    let fleet = granted();
    fleet
        .first()
        .set(Fault::Answer(200, String::new()).on(revocation()));
    let (report, code) = fleet.json("tokens revoke --user alice --yes");
    assert_eq!(
        (code, &report["failed"][0]["error"]["code"]),
        (1, &json!("still_active"))
    );
    assert_eq!(
        (left(&fleet), outcomes(&fleet)),
        (vec![1, 2], vec!["failed".to_owned()])
    );
}

#[test]
fn a_lost_answer_is_resolved_by_asking() {
    for fault in [
        Fault::Reset(When::Before),
        Fault::Reset(When::After),
        Fault::Truncate,
        Fault::Html,
        Fault::Unavailable,
    ] {
        let fleet = granted();
        fleet.first().set(fault.clone().on(revocation()).times(1));
        let run = fleet.run("tokens revoke --user alice --yes");
        ended(&run, 0);
        assert_eq!(
            (left(&fleet), outcomes(&fleet)),
            (vec![2], vec!["done".to_owned()]),
            "{fault:?}"
        );
    }
    let fleet = granted();
    fleet
        .first()
        .set(Fault::Reset(When::Before).on(revocation()));
    ended(&fleet.run("tokens revoke --user alice --yes"), 3);
    assert_eq!(
        (left(&fleet), outcomes(&fleet)),
        (vec![1, 2], vec!["failed".to_owned()])
    );
}

#[test]
fn what_nobody_can_ask_about_is_settled_later() {
    for (when, held_after) in [(When::After, vec![2]), (When::Before, vec![1, 2])] {
        let fleet = granted();
        fleet
            .first()
            .set(Fault::Reset(when).on(revocation()).times(1));
        fleet.first().set(Fault::Html.on(question()));
        let (report, code) = fleet.json("tokens revoke --user alice --yes");
        assert_eq!(
            (code, &report["failed"][0]["error"]["code"]),
            (3, &json!("revocation_unclear"))
        );
        let (list, _) = fleet.json("tokens list --source store --user alice");
        assert_eq!(list["grants"][0]["status"], "unknown");
        fleet.first().clear_faults();
        ended(&fleet.run("tokens verify"), 0);
        assert_eq!(left(&fleet), held_after);
        ended(&fleet.run(&format!("tokens revoke {} --yes", id(1))), 0);
        assert_eq!(left(&fleet), [2]);
        assert!(!outcomes(&fleet).contains(&"open".to_owned()));
    }
}

#[test]
fn a_kill_at_any_point_leaves_nothing_unknown() {
    for (matcher, when) in [
        (revocation(), When::Before),
        (revocation(), When::After),
        (question(), When::Before),
    ] {
        let fleet = granted();
        let hold = fleet.first().hold_one(matcher, 0, when);
        let running = fleet.start("tokens revoke --user alice --yes");
        assert!(hold.wait_reached());
        running.kill();
        assert!(hold.wait_gone());
        hold.release();
        ended(&fleet.run(&format!("tokens revoke {} --yes", id(1))), 0);
        assert_eq!(left(&fleet), [2]);
        assert!(!outcomes(&fleet).contains(&"open".to_owned()));
    }
}

#[test]
fn much_at_once_needs_force_or_names() {
    let many = || {
        let fleet = Fleet::provisioned();
        for number in 1..=12 {
            fleet.grant(number, ALICE);
        }
        fleet
    };
    let fleet = many();
    let run = fleet.run("tokens revoke -s jira --yes");
    ended(&run, 1);
    assert!(
        run.stderr.contains("12 of the 12 grants") && run.stderr.contains("--force"),
        "{}",
        run.shown()
    );
    assert_eq!(fleet.requests(), 0);
    ended(&fleet.run("tokens revoke -s jira --limit 9 --yes"), 0);
    assert_eq!(left(&fleet), [10, 11, 12]);
    for line in ["-s jira --force", "--user alice", "-c deploy-bot"] {
        let fleet = many();
        ended(&fleet.run(&format!("tokens revoke {line} --yes")), 0);
        assert_eq!(left(&fleet), [0; 0], "{line}");
    }
}

#[test]
fn some_revoked_and_some_not_is_5() {
    let fleet = Fleet::new([Kind::Jira, Kind::Confluence].map(ServerSpec::new));
    ended(&fleet.run("apply"), 0);
    fleet.grant_on(fleet.server("jira"), 1, ALICE);
    fleet.grant_on(fleet.server("wiki"), 2, ALICE);
    fleet.server("wiki").stop();
    let (report, code) = fleet.json("tokens revoke --user alice --yes");
    assert_eq!(
        (code, &report["failed"][0]["server"]),
        (5, &json!("wiki")),
        "{report:#}"
    );
    assert_eq!(stored(&fleet), [id(2)]);
}

#[test]
fn without_a_store_there_is_nothing_to_revoke() {
    let fleet = Fleet::of(Kind::Jira);
    let (report, code) = fleet.json("tokens revoke -s jira --yes");
    assert_eq!((code, &report["grants"]), (0, &json!([])));
    ended(&fleet.run("tokens revoke 0123 --yes"), 1);
    assert_eq!(fleet.env.files(), ["fleet.yaml"]);
}

#[test]
fn every_product_revokes() {
    for kind in KINDS {
        let fleet = Fleet::of(kind);
        ended(&fleet.run("apply"), 0);
        fleet.grant(1, ALICE);
        let run = fleet.run("tokens revoke --user alice --yes");
        ended(&run, 0);
        assert_eq!(left(&fleet), [0; 0], "{kind:?}");
    }
}

/// The fleet file may name another consumer key by now.
#[test]
fn a_grant_signs_as_the_consumer_key_it_was_given_to() {
    let fleet = granted();
    fleet.edit("    callback:", "    key: another-key\n    callback:");
    ended(&fleet.run("tokens revoke --user alice --yes"), 0);
    assert_eq!(left(&fleet), [2]);
}

#[test]
fn ndjson_tells_of_each_grant() {
    let fleet = granted();
    let run = fleet.run("tokens revoke --user alice --yes -o ndjson");
    let names: Vec<Value> = run
        .stdout
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["event"].clone())
        .collect();
    assert_eq!(names, ["begin_grants", "step", "grant"]);
}

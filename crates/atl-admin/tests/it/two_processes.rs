//! Two runs at once: no duplicate link, no key that nobody has, and each one says why it stopped.

use atl_testbed::{Kind, Matcher, When};
use serde_json::Value;

use crate::{
    env::Run,
    estate::{CONSUMER, Fleet, URL, server},
};

/// The error of the only server.
#[track_caller]
fn error(run: &Run) -> Value {
    server(&run.json(), "jira")["error"].clone()
}

/// Exactly one link with our consumer, whose key the store has, so that nothing is left to do.
#[track_caller]
fn settled(fleet: &Fleet, flags: &str) {
    let jira = fleet.first();
    assert_eq!((jira.links().len(), jira.consumers().len()), (1, 1));
    fleet.forget();
    let (document, code) = fleet.json(&format!("apply {flags}"));
    assert_eq!((code, fleet.writes()), (0, 0), "{document:#}");
    let changes = server(&document, "jira")["changes"].as_array().unwrap();
    assert!(
        changes.iter().any(|change| change["verified"] == true),
        "{document:#}"
    );
}

/// The second run starts while the first one is in the middle of a write.
#[test]
fn the_second_one_is_told_who_holds_the_lock() {
    for path in ["/applicationlink", "/consumer"] {
        let fleet = Fleet::of(Kind::Jira);
        let hold = fleet
            .first()
            .hold_one(Matcher::method("PUT").at(path), 0, When::Before);
        let first = fleet.start("apply -o json");
        assert!(hold.wait_reached());
        let second = fleet.run("apply -o json");
        assert_eq!(second.code, Some(1), "{path}: {}", second.shown());
        let error = error(&second);
        assert_eq!(error["code"], "locked");
        let message = error["message"].as_str().unwrap();
        assert!(
            message.contains("`apply` of ") && message.contains(" since "),
            "{message}"
        );
        assert!(
            error["advice"].as_str().unwrap().contains("wait"),
            "{error}"
        );
        hold.release();
        let first = first.end();
        assert_eq!(first.code, Some(0), "{path}: {}", first.shown());
        settled(&fleet, "");
    }
}

/// The second run looked before the first one wrote, and would write after it.
#[test]
fn what_was_planned_before_is_not_done_after() {
    let fleet = Fleet::of(Kind::Jira);
    // The last request of a look is the signed call; the sign-in asks for the same.
    let hold = fleet
        .first()
        .hold_one(Matcher::path("/whoami"), 1, When::After);
    let second = fleet.start("apply -o json");
    assert!(hold.wait_reached());
    let first = fleet.run("apply -o json");
    assert_eq!(first.code, Some(0), "{}", first.shown());
    let registered = fleet.first().consumer(CONSUMER);
    fleet.forget();
    hold.release();
    let second = second.end();
    assert_eq!(second.code, Some(1), "{}", second.shown());
    assert_eq!(error(&second)["code"], "moved_on", "{}", second.shown());
    assert_eq!(fleet.writes(), 0);
    assert_eq!(fleet.first().consumer(CONSUMER), registered);
    let (keys, _) = fleet.json("keys list");
    assert_eq!(
        keys["keys"].as_array().unwrap().len(),
        1,
        "one keypair for both"
    );
    settled(&fleet, "");
}

/// The second run looks while the first one writes: what it finds half done is not taken for somebody else's.
#[test]
fn a_key_registered_while_another_one_looks_is_not_a_strangers() {
    for request in [0, 1] {
        let fleet = Fleet::of(Kind::Jira);
        let asked = Matcher::path("/whoami");
        let hold = fleet.first().hold_one(asked, request, When::Before);
        let second = fleet.start("apply -o json");
        assert!(hold.wait_reached());
        let first = fleet.run("apply -o json");
        assert_eq!(first.code, Some(0), "{}", first.shown());
        hold.release();
        let second = second.end();
        assert_eq!(second.code, Some(0), "{}", second.shown());
        settled(&fleet, "");
    }
}

/// Whatever the order, as many runs as there are cores and more.
#[test]
fn many_at_once_end_well() {
    let fleet = Fleet::of(Kind::Jira);
    let running: Vec<_> = (0..4).map(|_| fleet.start("apply -o json")).collect();
    for run in running {
        let run = run.end();
        match run.code {
            Some(0) => {}
            Some(1) => {
                let error = error(&run);
                let known = ["locked", "moved_on"].contains(&error["code"].as_str().unwrap());
                assert!(known, "{error:#}");
            }
            _ => panic!("{}", run.shown()),
        }
    }
    let (document, code) = fleet.json("apply");
    assert_eq!(code, 0, "{document:#}");
    let (keys, _) = fleet.json("keys list");
    assert_eq!(
        keys["keys"].as_array().unwrap().len(),
        1,
        "one keypair for all"
    );
    settled(&fleet, "");
}

const OTHER_STORE: &str = "--store sqlite:other.db --store-key file:other.key";

/// A second administrator with a store of his own cannot have the private key.
#[test]
fn another_store_never_overwrites() {
    let fleet = Fleet::provisioned();
    let registered = fleet.first().consumer(CONSUMER);
    let run = fleet.run(&format!("apply -o json {OTHER_STORE}"));
    assert_eq!(run.code, Some(1), "{}", run.shown());
    assert_eq!(error(&run)["code"], "unknown_key");
    assert_eq!(fleet.writes(), 0);
    assert_eq!(fleet.first().consumer(CONSUMER), registered);
}

/// The same, while the other one is in the middle of it.
#[test]
fn another_store_stops_where_the_first_one_was_quicker() {
    let fleet = Fleet::of(Kind::Jira);
    let create = Matcher::method("PUT").at("/applicationlink");
    let hold = fleet.first().hold_one(create, 0, When::Before);
    let second = fleet.start(&format!("apply -o json {OTHER_STORE}"));
    assert!(hold.wait_reached());
    let first = fleet.run("apply");
    assert_eq!(first.code, Some(0), "{}", first.shown());
    let registered = fleet.first().consumer(CONSUMER);
    hold.release();
    let second = second.end();
    assert_eq!(second.code, Some(1), "{}", second.shown());
    assert_eq!(
        fleet
            .first()
            .links()
            .iter()
            .filter(|link| link.rpc_url == URL)
            .count(),
        1
    );
    assert_eq!(fleet.first().consumer(CONSUMER), registered);
    settled(&fleet, "");
}

/// One of two is killed; the lock dies with it.
#[test]
fn the_lock_of_a_killed_one_is_free() {
    let fleet = Fleet::of(Kind::Jira);
    let hold = fleet
        .first()
        .hold_one(Matcher::method("PUT").at("/consumer"), 0, When::Before);
    let first = fleet.start("apply");
    assert!(hold.wait_reached());
    let refused = fleet.run("apply -o json");
    assert_eq!(error(&refused)["code"], "locked", "{}", refused.shown());
    first.kill();
    let again = fleet.run("apply");
    assert_eq!(again.code, Some(0), "{}", again.shown());
    settled(&fleet, "");
}

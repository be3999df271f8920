//! How old keys are: `keys list`, and `policy.max_key_age` in `check`.

use atl_testbed::{Kind, ServerSpec};
use jiff::{SignedDuration, Timestamp};
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::estate::{CONSUMER, Fleet};

/// The one keypair of the store.
#[track_caller]
pub(crate) fn the_key(fleet: &Fleet) -> Value {
    let (listed, _) = fleet.json("keys list");
    let [key] = listed["keys"].as_array().unwrap().as_slice() else {
        panic!("not one keypair: {listed:#}");
    };
    key.clone()
}

/// Has every keypair of the store made, and proven, so many hours ago.
pub(crate) fn age(fleet: &Fleet, hours: i64) {
    let then = Timestamp::now() - SignedDuration::from_hours(hours);
    let then = format!("{then:.9}");
    let store = Connection::open(fleet.env.path("home/data/atl-admin/store.db")).unwrap();
    for sql in [
        "UPDATE keypairs SET created = ?1",
        "UPDATE registrations SET proven = ?1",
    ] {
        assert!(store.execute(sql, [&then]).unwrap() > 0);
    }
}

#[test]
fn a_list_says_how_old_where_and_when_proven() {
    let fleet = Fleet::new([Kind::Jira, Kind::Confluence].map(ServerSpec::new));
    assert_eq!(fleet.run("apply").code, Some(0));
    age(&fleet, 24 * 40);
    let key = the_key(&fleet);
    assert!(key["age"].as_u64().unwrap() >= 40 * 86_400, "{key:#}");
    assert_eq!(key["servers"], json!(["jira", "wiki"]));
    let registered = key["registered"].as_array().unwrap();
    for (place, name) in registered.iter().zip(["jira", "wiki"]) {
        assert_eq!(place["server"], name);
        assert_eq!(place["server_url"], fleet.server(name).base_url());
        assert!(place["proven"].as_str().unwrap().ends_with('Z'));
    }
    let fleet = fleet.with("COLUMNS", "80");
    let run = fleet.run("keys list");
    let id = key["id"].as_str().unwrap();
    assert_eq!(
        run.ok(),
        format!(
            "ID            CONSUMER    BITS  STATE   AGE  SERVER  PROVEN\n\
             {id}  deploy-bot  3072  active  40d  jira    40d ago\n\
             {id}  deploy-bot  3072  active  40d  wiki    40d ago\n"
        )
    );
    let run = fleet.run(&format!("keys show {id}"));
    assert!(
        run.ok()
            .contains("jira (proven 40d ago), wiki (proven 40d ago)"),
        "{}",
        run.shown()
    );
    let csv = fleet.run("keys list -o csv");
    let head = "id,consumer,bits,fingerprint,created,state,servers,age";
    assert_eq!(csv.ok().lines().next(), Some(head));
}

/// The check of the key on the first server, and the exit code.
fn key_check(fleet: &Fleet) -> (Value, i32) {
    let (document, code) = fleet.json("check");
    let checks = document["servers"][0]["checks"].as_array().unwrap();
    let key = checks.iter().find(|check| check["check"] == "key").unwrap();
    (key.clone(), code)
}

#[test]
fn a_key_older_than_its_policy_is_a_warning_that_names_rotate() {
    let fleet = Fleet::provisioned();
    age(&fleet, 24 * 30);
    assert_eq!(key_check(&fleet).0["status"], "pass", "without a policy");
    fleet.edit(
        "    callback:",
        "    policy: { max_key_age: 31d }\n    callback:",
    );
    let (key, code) = key_check(&fleet);
    assert_eq!((&key["status"], code), (&json!("pass"), 0), "{key:#}");
    assert!(key["message"].as_str().unwrap().contains("30d old"));

    fleet.edit("max_key_age: 31d", "max_key_age: 30d");
    let (key, code) = key_check(&fleet);
    assert_eq!((&key["status"], code), (&json!("warn"), 0), "{key:#}");
    let message = key["message"].as_str().unwrap();
    assert!(
        message.contains("30d old") && message.contains("`policy.max_key_age` is 30d"),
        "{message}"
    );
    let advice = key["advice"].as_str().unwrap();
    let command = format!("`atl-admin rotate -c {CONSUMER} --if-older-than policy`");
    assert!(advice.contains(&command), "{advice}");
    assert_eq!(fleet.writes(), 0);
}

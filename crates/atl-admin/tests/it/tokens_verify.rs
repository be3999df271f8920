//! `tokens verify`: one signed call a grant, and the store says what came of it.

use atl_store::GrantState;
use atl_testbed::{ALICE, ALICE_PASSWORD, BOB, Fault, Kind, Role, Server, ServerSpec, Token, User};
use serde_json::{Value, json};

use crate::{
    estate::{CONSUMER, Fleet, URL},
    grants::{TTL, alive, id, row, token},
};

#[track_caller]
fn only(document: &Value) -> &Value {
    let grants = document["grants"].as_array().unwrap();
    assert_eq!(grants.len(), 1, "{document:#}");
    &grants[0]
}

#[test]
fn an_active_grant_is_asked_about_with_one_call() {
    let fleet = Fleet::provisioned();
    fleet.grant(1, ALICE);
    fleet.grant(2, BOB);
    let run = fleet.run("tokens verify");
    assert_eq!(run.code, Some(0), "{}", run.shown());
    assert!(
        run.stdout.ends_with("2 grants: 2 active\n"),
        "{}",
        run.shown()
    );
    assert_eq!(fleet.requests(), 2);
    for grant in fleet.listed() {
        assert_eq!(grant["status"], "active");
        assert_ne!(grant["checked"], Value::Null);
    }
    let (report, code) = fleet.json(&format!("tokens verify {}", id(2)));
    assert_eq!((code, &only(&report)["user"]), (0, &json!(BOB)));
    assert_eq!((fleet.requests(), &report["failed"]), (3, &json!([])));
}

/// Every way in which a token dies: the store says so afterwards, and why.
#[test]
fn a_dead_grant_is_found_whatever_it_died_of() {
    #[track_caller]
    fn check(name: &str, kill: impl FnOnce(&Server), status: &str, why: &str) {
        let fleet = Fleet::provisioned();
        fleet.grant(1, ALICE);
        kill(fleet.first());
        for times in ["once", "twice"] {
            let (report, code) = fleet.json("tokens verify");
            let grant = only(&report);
            assert_eq!(
                (code, &report["failed"]),
                (10, &json!([])),
                "{name}: {report:#}"
            );
            assert_eq!(grant["status"], status, "{name}: {grant:#}");
            let note = grant["note"].as_str().unwrap_or_default();
            assert!(note.contains(why), "{name} {times}: {note}");
            let listed = fleet.listed();
            assert_eq!(
                (&listed[0]["status"], &listed[0]["note"]),
                (&grant["status"], &grant["note"]),
                "{name}"
            );
        }
    }
    let no_token = "the server holds no such token";
    let revoked = |server: &Server| assert!(server.remove_token(&token(1)));
    check("revoked on the page", revoked, "rejected", no_token);
    let renewed = |server: &Server| {
        let old = alive(server, 1);
        server.remove_token(&old.value);
        let value = token(9);
        server.add_token(Token { value, ..old });
    };
    check("renewed elsewhere", renewed, "rejected", no_token);
    let consumer = |server: &Server| server.remove_consumer(CONSUMER);
    check("consumer deleted", consumer, "rejected", no_token);
    let link = |server: &Server| {
        let link = server.link(URL).unwrap();
        assert!(server.delete_link(link.id));
    };
    check("link deleted", link, "rejected", no_token);
    let user = |server: &Server| server.remove_user(ALICE);
    check("user removed", user, "rejected", no_token);
    let deactivated = |server: &Server| {
        let user = User::new(ALICE, ALICE_PASSWORD, Role::User);
        server.put_user(User {
            active: false,
            ..user
        });
    };
    check(
        "user deactivated",
        deactivated,
        "rejected",
        "may not sign in any more",
    );
    let aged = |server: &Server| server.age_tokens(TTL + 10);
    check("its time is over", aged, "expired", "");
    let long_ago = |server: &Server| server.age_tokens(1_000_000);
    check("its session is over", long_ago, "expired", "");
}

#[test]
fn a_user_who_may_sign_in_again_has_an_active_grant_again() {
    let fleet = Fleet::provisioned();
    fleet.grant(1, ALICE);
    let alice = User::new(ALICE, ALICE_PASSWORD, Role::User);
    let active = false;
    fleet.first().put_user(User {
        active,
        ..alice.clone()
    });
    assert_eq!(fleet.run("tokens verify").code, Some(10));
    fleet.first().put_user(alice);
    assert_eq!(fleet.run("tokens verify").code, Some(0));
    assert_eq!(
        (&fleet.listed()[0]["status"], &fleet.listed()[0]["note"]),
        (&json!("active"), &Value::Null)
    );
}

#[test]
fn a_grant_of_a_user_with_another_name_says_so() {
    let fleet = Fleet::provisioned();
    fleet.grant(1, ALICE);
    let old = alive(fleet.first(), 1);
    let user = Some(BOB.to_owned());
    fleet.first().add_token(Token { user, ..old });
    let (report, code) = fleet.json("tokens verify");
    assert_eq!(code, 0, "{report:#}");
    assert_eq!(
        only(&report)["note"],
        "it stands for `bob` now, and `alice` gave it"
    );
}

/// What could not be asked about is never taken for good, and keeps what is known of it.
#[test]
fn a_server_that_is_down_is_not_clean() {
    let fleet = Fleet::new([Kind::Jira, Kind::Confluence].map(ServerSpec::new));
    assert_eq!(fleet.run("apply").code, Some(0));
    fleet.grant_on(fleet.server("jira"), 1, ALICE);
    fleet.grant_on(fleet.server("wiki"), 2, ALICE);
    fleet.grant_on(fleet.server("wiki"), 3, BOB);
    fleet.server("wiki").stop();
    fleet.first().remove_token(&token(1));
    let (report, code) = fleet.json("tokens verify");
    assert_eq!(code, 3, "could not look beats what was found: {report:#}");
    let statuses: Vec<_> = report["grants"]
        .as_array()
        .unwrap()
        .iter()
        .map(|grant| grant["status"].as_str().unwrap())
        .collect();
    assert_eq!(statuses, ["rejected", "unknown", "unknown"]);
    let failed = report["failed"].as_array().unwrap();
    assert_eq!(failed.len(), 2, "{report:#}");
    assert_eq!(
        (
            &failed[0]["server"],
            &failed[0]["id"],
            &failed[0]["error"]["code"]
        ),
        (&json!("wiki"), &json!(id(2)), &json!("connection_refused"))
    );
    let (list, _) = fleet.json("tokens list --source store -s wiki");
    assert_eq!(list["grants"][0]["status"], "active");

    let run = fleet.run("tokens verify");
    assert!(
        run.stdout.ends_with("3 grants: 1 rejected, 2 unknown\n"),
        "{}",
        run.shown()
    );
    assert_eq!(
        run.stderr.matches("error: wiki: ").count(),
        1,
        "{}",
        run.shown()
    );
}

#[test]
fn a_key_that_the_server_does_not_hold_is_a_refusal() {
    let fleet = Fleet::provisioned();
    fleet.grant(1, ALICE);
    let other = include_str!("../../../../fixtures/keys/another.pub.pem");
    let other = atl_testbed::Consumer::new("x", "x", other).unwrap();
    fleet
        .first()
        .edit_consumer(CONSUMER, |consumer| consumer.public_key = other.public_key);
    let (report, code) = fleet.json("tokens verify");
    assert_eq!(code, 4, "{report:#}");
    assert_eq!(report["failed"][0]["error"]["code"], "signature_invalid");
    assert_eq!(
        fleet.listed()[0]["status"],
        "active",
        "nothing is known of it"
    );
}

#[test]
fn without_the_private_key_nobody_can_ask() {
    let fleet = Fleet::provisioned();
    fleet.grant(1, ALICE);
    fleet.env.fixture("pkcs8.pub.pem");
    fleet.edit(
        "    callback:",
        "    keypair: { public_key_file: pkcs8.pub.pem }\n    callback:",
    );
    let (report, code) = fleet.json("tokens verify");
    assert_eq!((code, fleet.requests()), (3, 0), "{report:#}");
    assert_eq!(
        report["failed"][0]["error"]["code"],
        "private_key_elsewhere"
    );
}

/// Whoever holds the lock may be renewing the grant: then its old token is refused, and that says nothing.
#[test]
fn a_refusal_while_another_process_works_on_it_says_nothing() {
    let fleet = Fleet::provisioned();
    fleet.grant(1, ALICE);
    let store = fleet.store();
    let lock = store.lock(&fleet.first().base_url(), CONSUMER).unwrap();
    assert_eq!(fleet.run("tokens verify").code, Some(0));
    fleet.first().remove_token(&token(1));
    let (report, code) = fleet.json("tokens verify");
    assert_eq!(code, 3, "{report:#}");
    let error = &report["failed"][0]["error"];
    assert_eq!(error["code"], "locked");
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .contains("`test` of somebody"),
        "{error}"
    );
    assert_eq!(fleet.listed()[0]["status"], "active");
    drop(lock);
    assert_eq!(fleet.run("tokens verify").code, Some(10));
}

#[test]
fn an_answer_that_says_nothing_is_not_clean() {
    for fault in [
        Fault::Html,
        Fault::Unavailable,
        Fault::TooManyRequests(1),
        Fault::Truncate,
    ] {
        let fleet = Fleet::provisioned();
        fleet.grant(1, ALICE);
        fleet.first().set(fault.clone());
        let (report, code) = fleet.json("tokens verify");
        assert_eq!(code, 3, "{fault:?}: {report:#}");
        assert_eq!(fleet.listed()[0]["status"], "active", "{fault:?}");
    }
}

#[test]
fn grants_that_the_fleet_file_does_not_name_are_spoken_of() {
    let fleet = Fleet::provisioned();
    fleet.grant(1, ALICE);
    let mut other = row(fleet.first(), 2, BOB);
    "https://old.example.com".clone_into(&mut other.server_url);
    fleet.keep(&other);
    let run = fleet.run("tokens verify");
    assert_eq!(
        (run.code, fleet.requests()),
        (Some(0), 1),
        "{}",
        run.shown()
    );
    assert!(
        run.stderr.starts_with("1 grant of servers or consumers"),
        "{}",
        run.shown()
    );
    assert_eq!(fleet.run("tokens verify -s jira").stderr, "");
}

#[test]
fn a_status_chooses_by_what_is_known_before() {
    let fleet = Fleet::provisioned();
    fleet.grant(1, ALICE);
    fleet.grant(2, BOB);
    let store = fleet.store();
    store
        .set_grant_state(&id(2), GrantState::Unknown, None)
        .unwrap();
    let (report, code) = fleet.json("tokens verify --status unknown");
    assert_eq!((code, &only(&report)["id"]), (0, &json!(id(2))));
    assert_eq!(only(&report)["status"], "active");
}

#[test]
fn ndjson_tells_of_each_grant() {
    let fleet = Fleet::provisioned();
    fleet.grant(1, ALICE);
    fleet.first().stop();
    let run = fleet.run("tokens verify -o ndjson");
    let events: Vec<Value> = run
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let names: Vec<_> = events.iter().map(|event| &event["event"]).collect();
    assert_eq!(names, ["begin_grants", "grant", "grant_failed"]);
    assert_eq!(
        events[0],
        json!({"event": "begin_grants", "phase": "verify", "servers": 1, "grants": 1})
    );
    assert_eq!(events[2]["error"]["code"], "connection_refused");
}

//! `tokens renew`: the new token is in the store before anything else can fail, and the store never holds a dead one
//! without saying so.

use atl_store::GrantRow;
use atl_testbed::{ALICE, BOB, Fault, Kind, Matcher, ServerSpec, Setting, TokenKind, When};
use serde_json::{Value, json};

use crate::{
    estate::{CONSUMER, Fleet},
    grants::{SESSION, TTL, alive, id, row, token},
};

/// The call that renews.
fn renewal() -> Matcher {
    Matcher::method("POST").at("/oauth/access-token")
}

/// The question about a token.
fn question() -> Matcher {
    Matcher::method("GET").at("/applinks/whoami")
}

/// One grant of a provisioned Jira.
fn granted() -> Fleet {
    let fleet = Fleet::provisioned();
    fleet.grant(1, ALICE);
    fleet
}

/// The one grant that `tokens list` shows.
#[track_caller]
fn only(fleet: &Fleet) -> Value {
    let mut grants = fleet.listed();
    assert_eq!(grants.len(), 1, "{grants:#?}");
    grants.remove(0)
}

/// The outcomes of the journal's renewals, the newest first.
#[track_caller]
fn outcomes(fleet: &Fleet) -> Vec<String> {
    let (history, _) = fleet.json("history");
    let steps = history["journal"].as_array().unwrap().iter();
    steps
        .filter(|step| step["action"] == "grant renew")
        .map(|step| step["outcome"].as_str().unwrap().to_owned())
        .collect()
}

/// The access tokens that are alive on the first server.
fn tokens(fleet: &Fleet) -> usize {
    let tokens = fleet.first().tokens().into_iter();
    tokens
        .filter(|token| token.kind == TokenKind::Access)
        .count()
}

#[test]
fn a_grant_renewed_twice_still_works() {
    let fleet = granted();
    let created = only(&fleet)["created"].clone();
    let mut ids = vec![id(1)];
    for times in 1..=2 {
        let (report, code) = fleet.json("tokens renew");
        assert_eq!((code, &report["failed"]), (0, &json!([])), "{report:#}");
        let grant = only(&fleet);
        let new = grant["id"].as_str().unwrap().to_owned();
        assert!(!ids.contains(&new), "{new}");
        assert_eq!(
            report["grants"][0]["note"],
            format!("it was {} before", ids.last().unwrap())
        );
        ids.push(new);
        assert_eq!(
            (&grant["status"], &grant["created"]),
            (&json!("active"), &created)
        );
        assert_eq!(grant["note"], Value::Null);
        assert_eq!(
            (fleet.run("tokens verify").code, tokens(&fleet)),
            (Some(0), 1)
        );
        assert_eq!(outcomes(&fleet), vec!["done"; times]);
    }
}

#[test]
fn what_the_server_says_of_the_new_token_is_kept() {
    let fleet = granted();
    fleet.first().set(Setting::AccessTokenTtl(86_400));
    fleet.first().set(Setting::SessionTtl(Some(2 * 86_400)));
    assert_eq!(fleet.run("tokens renew").code, Some(0));
    let (list, _) = fleet.json("tokens list --source store --expires-in 25h");
    assert_eq!(list["grants"].as_array().unwrap().len(), 1);
    let (list, _) = fleet.json("tokens list --source store --expires-in 23h");
    assert_eq!(list["grants"], json!([]));
}

/// Only what expires within the time is renewed; the rest is told of and is no failure.
#[test]
fn what_expires_later_is_left_alone() {
    let fleet = granted();
    let long = GrantRow {
        expires_in: Some(100 * 86_400),
        ..row(fleet.first(), 2, BOB)
    };
    fleet.keep(&long);
    let endless = GrantRow {
        id: id(3),
        user: "carol".to_owned(),
        expires_in: None,
        ..long
    };
    fleet.keep(&endless);
    let (report, code) = fleet.json("tokens renew --expires-in 30d");
    assert_eq!(code, 0, "{report:#}");
    let notes: Vec<_> = report["grants"]
        .as_array()
        .unwrap()
        .iter()
        .map(|grant| {
            (
                grant["user"].as_str().unwrap(),
                grant["note"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        notes,
        [
            (ALICE, format!("it was {} before", id(1)).as_str()),
            (BOB, "not renewed: it expires in 99 days"),
            (
                "carol",
                "not renewed: the server did not say when it expires"
            ),
        ]
    );
    // Nothing is due any more, which is success too.
    fleet.first().set(Setting::AccessTokenTtl(31 * 86_400));
    assert_eq!(fleet.run("tokens renew --user alice").code, Some(0));
    fleet.forget();
    assert_eq!(fleet.run("tokens renew --expires-in 30d").code, Some(0));
    assert_eq!(fleet.requests(), 0);
}

#[test]
fn an_expired_grant_is_renewed_while_its_session_lasts() {
    let fleet = granted();
    fleet.first().age_tokens(TTL + 10);
    assert_eq!(fleet.run("tokens verify").code, Some(10));
    assert_eq!(fleet.run("tokens renew").code, Some(0));
    assert_eq!(only(&fleet)["status"], "active");
    assert_eq!(fleet.run("tokens verify").code, Some(0));
}

#[track_caller]
fn refused(fleet: &Fleet, code: &str) -> Value {
    let (report, exit) = fleet.json("tokens renew");
    let error = &report["failed"][0]["error"];
    assert_eq!((exit, &error["code"]), (1, &json!(code)), "{report:#}");
    let advice = error["advice"].as_str().unwrap();
    assert!(
        advice.contains("atl-admin authorize -s jira -c deploy-bot --user alice"),
        "{advice}"
    );
    report
}

#[test]
fn what_cannot_be_renewed_says_what_to_do() {
    let fleet = Fleet::provisioned();
    fleet.keep(&GrantRow {
        renewable: false,
        ..row(fleet.first(), 1, ALICE)
    });
    refused(&fleet, "not_renewable");
    assert_eq!(fleet.requests(), 0);

    let fleet = granted();
    fleet.first().age_tokens(SESSION + 10);
    refused(&fleet, "session_over");

    let fleet = granted();
    fleet.first().remove_token(&token(1));
    let report = refused(&fleet, "token_rejected");
    assert_eq!(report["grants"][0]["status"], "rejected");
    assert_eq!(only(&fleet)["status"], "rejected");

    // The session is another one, the token is as good as it was.
    let fleet = granted();
    let mut other = alive(fleet.first(), 1);
    other.session.as_mut().unwrap().handle = "x".repeat(32);
    fleet.first().add_token(other);
    let report = refused(&fleet, "token_rejected");
    assert_eq!(report["grants"][0]["status"], "active");
    assert_eq!(outcomes(&fleet), ["failed"]);
}

#[test]
fn some_renewed_and_some_not_is_5() {
    let fleet = granted();
    fleet.grant(2, BOB);
    fleet.first().remove_token(&token(2));
    let (report, code) = fleet.json("tokens renew");
    assert_eq!(code, 5, "{report:#}");
    let run = fleet.run("tokens renew --user bob");
    assert_eq!(run.code, Some(1), "{}", run.shown());
    assert!(
        run.stderr
            .contains("error: jira: grant 020000000000 of `bob` could not be renewed"),
        "{}",
        run.shown()
    );
}

/// The old token tells whether it happened, so that a call which did not is made again.
#[test]
fn a_renewal_that_did_not_happen_is_made_once_more() {
    for fault in [
        Fault::Reset(When::Before),
        Fault::Html,
        Fault::Unavailable,
        Fault::Answer(500, String::new()),
    ] {
        let fleet = granted();
        fleet.first().set(fault.clone().on(renewal()).times(1));
        let (report, code) = fleet.json("tokens renew");
        assert_eq!(code, 0, "{fault:?}: {report:#}");
        assert_eq!(
            (fleet.run("tokens verify").code, tokens(&fleet)),
            (Some(0), 1)
        );
        assert_eq!(outcomes(&fleet), ["done"], "{fault:?}");

        // Where it keeps failing, the grant is what it was.
        let fleet = granted();
        fleet.first().set(fault.clone().on(renewal()));
        let (report, code) = fleet.json("tokens renew");
        assert_eq!(code, 3, "{fault:?}: {report:#}");
        assert_eq!(
            (&only(&fleet)["id"], &only(&fleet)["status"]),
            (&json!(id(1)), &json!("active"))
        );
        assert_eq!(outcomes(&fleet), ["failed"], "{fault:?}");
    }
}

#[test]
fn a_renewal_whose_answer_is_lost_is_found_out() {
    for fault in [Fault::Reset(When::After), Fault::Truncate] {
        let fleet = granted();
        fleet.first().set(fault.clone().on(renewal()).times(1));
        refused(&fleet, "renewal_lost");
        let grant = only(&fleet);
        assert_eq!(
            (&grant["id"], &grant["status"]),
            (&json!(id(1)), &json!("rejected"))
        );
        let note = grant["note"].as_str().unwrap();
        assert!(
            note.contains("the new token was lost: authorize again"),
            "{note}"
        );
        assert_eq!(outcomes(&fleet), ["failed"], "{fault:?}");
        // Asking again does not forget why.
        assert_eq!(fleet.run("tokens verify").code, Some(10));
        assert_eq!(only(&fleet)["note"], note);
    }
}

/// While nobody knows what became of a renewal, the store says so, and the next run that works on grants asks.
#[test]
fn a_renewal_that_nobody_can_ask_about_is_settled_later() {
    for (when, status, code) in [(When::After, "rejected", 10), (When::Before, "active", 0)] {
        let fleet = granted();
        fleet.first().set(Fault::Reset(when).on(renewal()).times(1));
        fleet.first().set(Fault::Html.on(question()));
        let (report, exit) = fleet.json("tokens renew");
        assert_eq!(exit, 3, "{report:#}");
        assert_eq!(report["failed"][0]["error"]["code"], "renewal_unclear");
        let check = |at: &str| {
            let grant = only(&fleet);
            assert_eq!(grant["status"], "unknown", "{at}: {grant:#}");
            let note = grant["note"].as_str().unwrap();
            assert!(
                note.contains("`atl-admin tokens verify` asks the server"),
                "{at}: {note}"
            );
            assert_eq!(outcomes(&fleet), ["open"], "{at}");
        };
        check("after the run");
        assert_eq!(fleet.run("tokens verify").code, Some(3));
        check("after asking in vain");
        fleet.first().clear_faults();
        assert_eq!(fleet.run("tokens verify").code, Some(code));
        assert_eq!(only(&fleet)["status"], status);
        assert_eq!(outcomes(&fleet), ["failed"]);
    }
}

#[test]
fn a_kill_between_answer_and_store_is_found_by_the_next_run() {
    for (when, status, note) in [
        (When::After, "rejected", json!("the new token was lost")),
        (When::Before, "active", Value::Null),
    ] {
        let fleet = granted();
        let hold = fleet.first().hold_one(renewal(), 0, when);
        let running = fleet.start("tokens renew");
        assert!(hold.wait_reached());
        running.kill();
        assert!(hold.wait_gone());
        hold.release();
        assert_eq!(fleet.run("apply").code, Some(0), "it leaves grants alone");
        assert_eq!(only(&fleet)["status"], "unknown", "nobody has asked yet");
        let (report, _) = fleet.json("tokens verify");
        let grant = &report["grants"][0];
        assert_eq!(grant["status"], status, "{when:?}: {grant:#}");
        let said = grant["note"].as_str().unwrap_or_default();
        assert!(said.contains(note.as_str().unwrap_or_default()), "{said}");
        assert_eq!(grant["note"].is_null(), note.is_null());
        assert_eq!(outcomes(&fleet), ["failed"]);
        let again = fleet.run("tokens renew");
        assert_eq!(
            again.code == Some(0),
            status == "active",
            "{}",
            again.shown()
        );
    }
}

/// The question that follows a renewal finds the new token in the store already.
#[test]
fn a_kill_after_the_new_token_is_stored_loses_nothing() {
    let fleet = granted();
    let hold = fleet.first().hold_one(question(), 0, When::Before);
    let running = fleet.start("tokens renew");
    assert!(hold.wait_reached());
    running.kill();
    assert!(hold.wait_gone());
    hold.release();
    assert_eq!(fleet.run("tokens verify").code, Some(0));
    assert_ne!(only(&fleet)["id"], id(1));
    assert_eq!(outcomes(&fleet), ["done"]);
}

#[test]
fn an_interrupted_run_finishes_the_grant_that_it_is_at() {
    let fleet = granted();
    fleet.grant(2, BOB);
    let hold = fleet.first().hold_one(renewal(), 0, When::After);
    let running = fleet.start("tokens renew");
    let run = running.interrupt_held(&hold, "press Ctrl-C again");
    assert_eq!(run.code, Some(130), "{}", run.shown());
    assert_eq!(fleet.run("tokens verify").code, Some(0));
    let ids: Vec<_> = fleet
        .listed()
        .iter()
        .map(|grant| grant["id"].clone())
        .collect();
    assert!(ids[0] != id(1) && ids[1] == id(2), "{ids:?}");
    assert_eq!(outcomes(&fleet), ["done"]);
}

#[test]
fn one_process_at_a_time_renews_a_grant() {
    let fleet = granted();
    let store = fleet.store();
    let lock = store.lock(&fleet.first().base_url(), CONSUMER).unwrap();
    let (report, code) = fleet.json("tokens renew");
    assert_eq!(
        (code, &report["failed"][0]["error"]["code"]),
        (1, &json!("locked"))
    );
    assert_eq!(fleet.writes(), 0);
    drop(lock);
    assert_eq!(fleet.run("tokens renew").code, Some(0));
}

#[test]
fn servers_that_answer_are_renewed_beside_one_that_does_not() {
    let fleet = Fleet::new([Kind::Jira, Kind::Confluence].map(ServerSpec::new));
    assert_eq!(fleet.run("apply").code, Some(0));
    fleet.grant_on(fleet.server("jira"), 1, ALICE);
    fleet.grant_on(fleet.server("wiki"), 2, ALICE);
    fleet.server("wiki").stop();
    let (report, code) = fleet.json("tokens renew");
    assert_eq!(code, 5, "{report:#}");
    let (report, code) = fleet.json("tokens renew -s wiki");
    assert_eq!(
        (code, &report["failed"][0]["error"]["code"]),
        (3, &json!("connection_refused"))
    );
    assert_eq!(
        report["grants"][0]["status"], "active",
        "nothing was done to it"
    );

    // Nor to the others of that server, which is not asked again and again.
    fleet.grant_on(fleet.server("wiki"), 3, BOB);
    let (report, code) = fleet.json("tokens renew -s wiki");
    assert_eq!((code, &report["failed"].as_array().unwrap().len()), (3, &2));
    assert_eq!(report["grants"][1]["status"], "active");
}

/// No file may grow beyond so many blocks of 1024 bytes, which is what a full disk comes to: wherever that stops the run,
/// the store says what became of each grant once it can be written again.
#[test]
#[cfg(unix)]
fn a_full_disk_loses_no_token_in_silence() {
    const GRANTS: u32 = 4;
    let (mut untouched, mut lost) = (0, 0);
    // With less than this nothing can be opened; see `disk.rs`.
    for blocks in (30..).step_by(2) {
        let fleet = Fleet::provisioned();
        (1..=GRANTS).for_each(|number| fleet.grant(number, ALICE));
        let run = fleet
            .env
            .shell(&format!("ulimit -f {blocks}; atl-admin tokens renew"));
        fleet.hides_secrets(&run);
        if run.code == Some(0) {
            break;
        }
        let expected = [Some(1), Some(5)];
        assert!(expected.contains(&run.code), "{blocks}: {}", run.shown());

        let (report, _) = fleet.json("tokens verify");
        assert_eq!(
            (tokens(&fleet), report["grants"].as_array().unwrap().len()),
            (4, 4)
        );
        let alive = fleet.first().tokens();
        for number in 1..=GRANTS {
            let mut grants = report["grants"].as_array().unwrap().iter();
            let old = grants.find(|grant| grant["id"] == id(number));
            let renewed = alive.iter().all(|known| known.value != token(number));
            match old {
                Some(grant) if renewed => {
                    lost += 1;
                    assert_eq!(grant["status"], "rejected", "{blocks}: {grant:#}");
                    let note = grant["note"].as_str().unwrap();
                    assert!(note.contains("authorize again"), "{blocks}: {note}");
                    assert!(
                        run.shown().contains("could not be stored"),
                        "{}",
                        run.shown()
                    );
                }
                Some(grant) => {
                    untouched += 1;
                    assert_eq!(grant["status"], "active", "{blocks}: {grant:#}");
                }
                None => assert!(renewed, "{blocks}: {report:#}"),
            }
        }
        assert!(!outcomes(&fleet).contains(&"open".to_owned()), "{blocks}");
    }
    assert!(untouched > 0 && lost > 0, "{untouched}, {lost}");
}

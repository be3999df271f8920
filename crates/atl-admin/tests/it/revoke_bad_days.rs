//! `tokens revoke` through an auditor on bad days: answers that are lost, rights that are withdrawn, users who are no users,
//! and kills.

use std::collections::BTreeSet;

use atl_testbed::{ALICE, BOB, Exchange, Fault, Kind, Matcher, Rule, User, When};
use serde_json::json;

use crate::{
    estate::Fleet,
    killing::{in_halves, kill_at, points},
    revoke_leaver::{failed, nothing_left_behind, populated, tables, without},
};

const LINE: &str = "tokens revoke --user alice --with-auditor --yes";

fn revocation() -> Matcher {
    Matcher::method("POST").at("/oauth/users/access-tokens")
}

fn jira() -> Fleet {
    populated(&[Kind::Jira], &[ALICE, BOB])
}

/// Alice has nothing any more, and the others have what they had.
#[track_caller]
fn only_alice_is_gone(fleet: &Fleet, before: &BTreeSet<(String, String)>, at: &str) {
    assert_eq!(tables(fleet), without(before, &[ALICE]), "{at}");
    nothing_left_behind(fleet, at);
}

#[test]
fn a_lost_answer_is_resolved_by_looking_again() {
    let fleet = jira();
    let before = tables(&fleet);
    for (when, passing) in [(When::Before, 0), (When::After, 1)] {
        let lost = Rule::new(Fault::Reset(when)).on(revocation());
        fleet.first().set(lost.after(passing).times(1));
    }
    let (report, code) = fleet.json(LINE);
    assert_eq!((code, failed(&report)), (0, BTreeSet::new()), "{report:#}");
    only_alice_is_gone(&fleet, &before, "lost");
}

/// A server that says yes and does nothing is found out.
#[test]
fn a_revocation_is_proven_by_the_page() {
    let fleet = jira();
    let before = tables(&fleet);
    let nothing = Rule::new(Fault::Answer(200, String::new())).on(revocation());
    fleet.first().set(nothing.times(1));
    let (report, code) = fleet.json(LINE);
    let expected = BTreeSet::from([("jira", "still_active")]);
    assert_eq!((code, failed(&report)), (5, expected), "{report:#}");
    fleet.first().clear_faults();
    assert_eq!(fleet.run(LINE).code, Some(0));
    only_alice_is_gone(&fleet, &before, "the second run");
}

#[test]
fn rights_that_are_withdrawn_in_the_middle_lose_nothing() {
    let fleet = jira();
    let before = tables(&fleet);
    let refused = Rule::new(Fault::Answer(401, String::new())).on(revocation());
    fleet.first().set(refused.after(1));
    let (report, code) = fleet.json(LINE);
    assert_eq!(code, 5, "{report:#}");
    assert_eq!(report["failed"].as_array().unwrap().len(), 2, "{report:#}");
    let lost: Vec<_> = before.difference(&tables(&fleet)).cloned().collect();
    assert!(lost.iter().all(|(user, _)| user == ALICE), "{lost:?}");
    nothing_left_behind(&fleet, "refused");
    fleet.first().clear_faults();
    assert_eq!(fleet.run(LINE).code, Some(0));
    only_alice_is_gone(&fleet, &before, "with rights again");
}

#[test]
fn an_unknown_user_has_nothing_and_one_who_may_not_log_in_is_told_of() {
    let fleet = jira();
    let before = tables(&fleet);
    let (report, code) = fleet.json("tokens revoke --user nobody --with-auditor --yes");
    assert_eq!((code, &report["grants"]), (0, &json!([])), "{report:#}");
    fleet.first().put_user(User {
        active: false,
        ..User::ordinary(ALICE)
    });
    let (report, _) = fleet.json("tokens revoke --user alice --with-auditor --kind oauth1 --yes");
    let coverage = report["coverage"].to_string();
    assert!(coverage.contains("may not log in"), "{report:#}");
    assert_eq!(tables(&fleet), before);
    nothing_left_behind(&fleet, "nobody");
}

#[test]
#[cfg(unix)]
fn ctrl_c_takes_the_auditor_down() {
    let fleet = jira();
    let before = tables(&fleet);
    let hold = fleet.first().hold_one(revocation(), 1, When::Before);
    let running = fleet.start(LINE);
    let run = running.interrupt_held(&hold, "interrupted: finishing the steps that are under way");
    assert_eq!(run.code, Some(130), "{}", run.shown());
    nothing_left_behind(&fleet, "interrupted");
    assert!(tables(&fleet).len() > without(&before, &[ALICE]).len());
    assert_eq!(fleet.run(LINE).code, Some(0));
    only_alice_is_gone(&fleet, &before, "after Ctrl-C");
}

#[test]
fn a_kill_at_every_write_is_finished_by_the_next_run() {
    let undisturbed = jira();
    let run = undisturbed.run(LINE);
    assert_eq!(run.code, Some(0), "{}", run.shown());
    // The auditor that reads the pages first is that of `tokens list`; from its end on it is another one.
    let log = undisturbed.first().log();
    let is_end = |exchange: &Exchange| {
        exchange.method == "DELETE" && exchange.path.contains("/applicationlink/")
    };
    let first = log.iter().position(is_end).unwrap();
    let mut points = points(&undisturbed, false, Exchange::is_write);
    points.retain(|point| {
        let request = point.request as usize;
        request > first && log[request].is_write()
    });
    in_halves("tokens revoke", "to be killed at", &points, |half| {
        for point in half {
            let fleet = jira();
            let before = tables(&fleet);
            kill_at(&fleet, LINE, point);
            let at = format!("killed {point}");
            let run = fleet.run(LINE);
            assert_eq!(run.code, Some(0), "{at}: {}", run.shown());
            only_alice_is_gone(&fleet, &before, &at);
        }
    });
}

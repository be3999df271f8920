//! `rotate` while something else happens: other runs, other stores, revocations, deletions, Ctrl-C, and the commands that
//! sign in the middle of a rotation that has not ended.

use atl_testbed::{ALICE, BOB, Kind, Matcher, ServerSpec, TokenKind, When};
use serde_json::{Value, json};

use crate::{
    dances::granted_by,
    estate::{CONSUMER, Fleet},
    killing::no_open_step,
    rotate_bad_days::{ended, put},
};

const ROTATE: &str = "rotate --yes --settle 10s -o json";

fn jira() -> Fleet {
    Fleet::with_grants([ServerSpec::new(Kind::Jira)])
}

/// The only rotation of a run.
#[track_caller]
fn rotation(run: &crate::env::Run) -> Value {
    let report = run.json();
    let rotations = report["rotations"].as_array().unwrap();
    assert_eq!(rotations.len(), 1, "{report:#}");
    rotations[0].clone()
}

/// Takes the grants of a user away on the server.
fn revoke(fleet: &Fleet, user: &str) {
    for token in fleet.first().tokens() {
        if token.kind == TokenKind::Access && token.user.as_deref() == Some(user) {
            fleet.first().remove_token(&token.value);
        }
    }
}

#[test]
fn the_second_of_two_is_told_who_holds_the_lock() {
    for when in [When::Before, When::After] {
        let fleet = jira();
        let hold = fleet.first().hold_one(put(), 0, when);
        let first = fleet.start(ROTATE);
        assert!(hold.wait_reached());
        let second = fleet.run(ROTATE);
        assert_eq!(second.code, Some(1), "{}", second.shown());
        let refused = rotation(&second);
        assert_eq!(ended(&refused), ("failed", "locked"), "{refused:#}");
        let message = refused["error"]["message"].as_str().unwrap();
        assert!(
            message.contains("`rotate` of ") && message.contains(" since "),
            "{message}"
        );
        // `apply` and `--resume` are told so too, and change nothing.
        let run = fleet.run("apply");
        assert!(run.stderr.contains("`rotate` of "), "{}", run.shown());
        let run = fleet.run("rotate --resume");
        assert!(run.stderr.contains("`rotate` of "), "{}", run.shown());
        hold.release();
        let first = first.end();
        assert_eq!(first.code, Some(0), "{}", first.shown());
        assert_eq!(rotation(&first)["after"], fleet.held());
        fleet.rotated_or_not("two at once");
    }
}

/// The second one looked before the first one wrote, and would write after it.
#[test]
fn what_was_seen_before_is_not_rotated_after() {
    let fleet = jira();
    let hold = fleet
        .first()
        .hold_one(Matcher::path("/whoami"), 1, When::After);
    let second = fleet.start(ROTATE);
    assert!(hold.wait_reached());
    let first = fleet.run(ROTATE);
    assert_eq!(first.code, Some(0), "{}", first.shown());
    let new = fleet.held();
    fleet.forget();
    hold.release();
    let second = second.end();
    assert_eq!(second.code, Some(1), "{}", second.shown());
    let code = rotation(&second)["error"]["code"].clone();
    assert!(
        [json!("moved_on"), json!("key_not_accepted")].contains(&code),
        "{}",
        second.shown()
    );
    assert_eq!((fleet.writes(), fleet.held()), (0, new));
    fleet.rotated_or_not("two at once");
}

const OTHER_STORE: &str = "--store sqlite:other.db";

/// Two administrators with a copy of one store each, which no lock joins: the fingerprint is read once more immediately
/// before the PUT.
#[test]
fn separate_stores_stop_at_the_fingerprint() {
    let fleet = jira();
    fs_err::copy(
        fleet.env.path("home/data/atl-admin/store.db"),
        fleet.env.path("other.db"),
    )
    .unwrap();
    let undisturbed = fleet.run(ROTATE);
    assert_eq!(undisturbed.code, Some(0), "{}", undisturbed.shown());
    let log = fleet.first().log();
    let put = log
        .iter()
        .position(atl_testbed::Exchange::is_write)
        .unwrap();
    assert_eq!(log[put - 1].method, "GET");
    assert!(
        log[put - 1].path.ends_with("/authentication/consumer"),
        "{}",
        log[put - 1].path
    );

    // Both stores have the same key again.
    fs_err::copy(
        fleet.env.path("home/data/atl-admin/store.db"),
        fleet.env.path("other.db"),
    )
    .unwrap();
    let last = u32::try_from(put - 1).unwrap();
    let hold = fleet.first().hold_one(Matcher::any(), last, When::Before);
    let ours = fleet.start(ROTATE);
    assert!(hold.wait_reached());
    let theirs = fleet.run(&format!("{ROTATE} {OTHER_STORE}"));
    assert_eq!(theirs.code, Some(0), "{}", theirs.shown());
    let new = fleet.held();
    fleet.forget();
    hold.release();
    let ours = ours.end();
    assert_eq!(ours.code, Some(1), "{}", ours.shown());
    assert_eq!(
        ended(&rotation(&ours)),
        ("failed", "moved_on"),
        "{}",
        ours.shown()
    );
    assert_eq!((fleet.writes(), fleet.held()), (0, new));
    no_open_step(&fleet, "moved on");
    let run = fleet.run(&format!("plan --detailed-exitcode {OTHER_STORE}"));
    assert_eq!(run.code, Some(0), "{}", run.shown());
    let rotations = fleet.rotations("rotate --yes", 1);
    assert_eq!(ended(&rotations[0]), ("failed", "unknown_key"));
}

#[test]
fn a_grant_that_was_revoked_before_counts_out() {
    let fleet = jira();
    revoke(&fleet, BOB);
    let run = fleet.run(ROTATE);
    assert_eq!(run.code, Some(0), "{}", run.shown());
    let rotation = rotation(&run);
    assert_eq!(rotation["state"], "verified");
    let counts =
        ["grants_before", "grants_checked", "grants_ok"].map(|name| rotation[name].clone());
    assert_eq!(counts, [json!(1), json!(2), json!(1)], "{rotation:#}");
    let warning = "of `bob` is rejected: it was revoked or ended apart from the rotation";
    assert!(run.stderr.contains(warning), "{}", run.stderr);
    fleet.holds_the_active_key("revoked before");
}

#[test]
fn a_grant_that_is_revoked_meanwhile_counts_out() {
    let fleet = jira();
    let hold = fleet.first().hold_one(put(), 0, When::After);
    let running = fleet.start(ROTATE);
    assert!(hold.wait_reached());
    revoke(&fleet, BOB);
    hold.release();
    let run = running.end();
    assert_eq!(run.code, Some(0), "{}", run.shown());
    let rotation = rotation(&run);
    let counts =
        ["grants_before", "grants_checked", "grants_ok"].map(|name| rotation[name].clone());
    assert_eq!(counts, [json!(2), json!(2), json!(1)], "{rotation:#}");
    assert!(
        run.stderr.contains("of `bob` is rejected"),
        "{}",
        run.stderr
    );
    assert_eq!(granted_by(fleet.first()), [ALICE]);
    fleet.holds_the_active_key("revoked meanwhile");
}

#[test]
fn a_link_that_is_deleted_meanwhile() {
    for when in [When::Before, When::After] {
        let fleet = jira();
        let hold = fleet.first().hold_one(put(), 0, when);
        let running = fleet.start("rotate --yes --settle 1s -o json");
        assert!(hold.wait_reached());
        fleet.first().delete_link(fleet.link().id);
        hold.release();
        let run = running.end();
        assert_eq!(run.code, Some(1), "{}", run.shown());
        assert_eq!(
            ended(&rotation(&run)),
            ("failed", "consumer_gone"),
            "{}",
            run.shown()
        );
        no_open_step(&fleet, "deleted");
        let run = fleet.run("apply");
        assert_eq!(run.code, Some(0), "{}", run.shown());
        fleet.holds_the_active_key("made again");
    }
}

#[test]
#[cfg(unix)]
fn ctrl_c_ends_the_rotation_under_way_well_and_begins_none() {
    let fleet = Fleet::with_grants([ServerSpec::new(Kind::Jira), ServerSpec::new(Kind::Bamboo)]);
    let old = fleet.held();
    let hold = fleet.first().hold_one(put(), 0, When::Before);
    let running = fleet.start(&format!("{ROTATE} -p 1"));
    let run = running.interrupt_held(&hold, "interrupted: finishing the steps that are under way");
    assert_eq!(run.code, Some(130), "{}", run.shown());
    assert!(
        run.stderr.contains("what was done is in the journal"),
        "{}",
        run.stderr
    );
    let report = run.json();
    let states: Vec<_> = report["rotations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["state"].clone())
        .collect();
    assert_eq!(states, ["verified", "pending"], "{report:#}");
    assert_ne!(fleet.held(), old);
    assert_eq!(fleet.server("bamboo").writes(), 0);
    fleet.is_sound();
    // Twice is at once, and the next run finds out.
    fleet.first().clear_faults();
    let hold = fleet.first().hold_one(put(), 0, When::After);
    let mut running = fleet.start(&format!("{ROTATE} -s jira"));
    assert!(hold.wait_reached());
    running.interrupt();
    running.wait_said("press Ctrl-C again");
    running.interrupt();
    let run = running.end();
    assert_eq!(run.code, Some(130), "{}", run.shown());
    fleet.first().clear_faults();
    fleet.rotations("rotate --resume", 0);
    fleet.is_sound();
}

/// In the middle of a rotation that has not ended, the server is asked which key it holds, whichever it is.
#[test]
fn every_command_that_signs_asks_which_key_the_server_holds() {
    for when in [When::Before, When::After] {
        let at = format!("killed {when:?} the PUT");
        let fleet = jira();
        let old = fleet.held();
        let hold = fleet.first().hold_one(put(), 0, when);
        let running = fleet.start(ROTATE);
        assert!(hold.wait_reached());
        // What is held stays held: let go, it could still take effect.
        running.kill();
        assert_eq!(fleet.held() == old, when == When::Before);
        fleet.forget();

        let run = fleet.run("request --as alice GET plugins/servlet/applinks/whoami");
        assert_eq!(
            (run.code, run.stdout.trim()),
            (Some(0), ALICE),
            "{at}: {}",
            run.stderr
        );
        let (report, code) = fleet.report("tokens verify");
        assert_eq!(code, 0, "{at}: {report:#}");
        let (report, code) = fleet.report("tokens renew");
        assert_eq!(code, 0, "{at}: {report:#}");
        let (report, code) = fleet.report("authorize --status");
        assert_eq!(code, 0, "{at}: {report:#}");
        let run = fleet.run("check");
        assert_eq!(run.code, Some(0), "{at}: {}", run.shown());
        let (plan, code) = fleet.json("plan --detailed-exitcode");
        assert_eq!(code, 0, "{at}: {plan:#}");
        revoke(&fleet, BOB);
        let (report, code) = fleet.report("tokens verify --user bob");
        assert_eq!(code, 10, "{at}: {report:#}");
        let (report, code) = fleet.report("authorize --headless");
        assert_eq!(code, 0, "{at}: {report:#}");
        assert_eq!(granted_by(fleet.first()).len(), 2, "{at}");
        let puts = fleet
            .first()
            .log()
            .into_iter()
            .filter(|exchange| exchange.method == "PUT");
        assert_eq!(puts.count(), 0, "{at}: none of them settles it");

        let rotations = fleet.rotations("rotate --resume", i32::from(when == When::Before));
        assert_eq!(rotations.len(), 1);
        no_open_step(&fleet, &at);
        fleet.holds_the_active_key(&at);
        let consumer = fleet.first().consumer(CONSUMER).unwrap();
        assert!(consumer.three_legged);
    }
}

//! The proof, and nodes of a cluster that learn of a change late (cli.md 4.3).

use std::time::Duration;

use atl_fleet::{Applied, Exit, Kind, PlanOptions, of_apply};
use atl_testbed::{Fault, Matcher, Rule, Setting};

use crate::rig::{Rig, change, code};

fn request_token() -> Matcher {
    Matcher::path("/plugins/servlet/oauth/request-token")
}

fn unknown() -> Fault {
    Fault::Answer(401, "oauth_problem=consumer_key_unknown".to_owned())
}

fn proofs(rig: &Rig) -> Vec<u16> {
    let log = rig.server().log();
    log.iter()
        .filter(|exchange| exchange.path.ends_with("/request-token"))
        .map(|exchange| exchange.status)
        .collect()
}

#[test]
fn a_refusal_right_after_the_write_is_asked_again() {
    let rig = Rig::jira();
    rig.server()
        .set(Rule::new(unknown()).on(request_token()).times(2));
    let applied = rig.provision();
    assert_eq!(
        change(&applied.servers[0], Kind::Consumer).verified,
        Some(true)
    );
    assert_eq!(proofs(&rig), [401, 401, 200]);
}

#[test]
fn a_second_node_that_catches_up_is_waited_for() {
    let rig = Rig::jira();
    rig.server().set(Setting::TwoNodes {
        catch_up_after: Some(3),
    });
    let applied = rig.provision();
    assert_eq!(
        change(&applied.servers[0], Kind::Consumer).verified,
        Some(true),
        "{applied:#?}"
    );
    rig.server().sync();
    rig.assert_settled();
}

#[test]
fn a_key_that_is_never_accepted_is_not_verified() {
    let rig = Rig::jira();
    rig.server().set(unknown().on(request_token()));
    let settle = Duration::from_millis(400);
    let applied = rig.apply_settling(&PlanOptions::default(), settle);
    assert_eq!(of_apply(&applied), Exit::Failed);
    assert_eq!(code(&applied.servers[0]), Some("key_not_accepted"));
    let (link, consumer) = (
        change(&applied.servers[0], Kind::Link),
        change(&applied.servers[0], Kind::Consumer),
    );
    assert_eq!(
        (link.result, link.verified),
        (Some(Applied::Applied), Some(false))
    );
    assert_eq!(
        (consumer.result, consumer.verified),
        (Some(Applied::Failed), Some(false))
    );
    assert!(proofs(&rig).len() > 1);

    // What is in the journal and the store is enough for the next run.
    rig.server().clear_faults();
    rig.server().clear_log();
    rig.provision();
    assert_eq!(rig.server().writes(), 0);
    rig.assert_settled();
}

#[test]
fn a_skewed_clock_is_refused_before_anything_is_written() {
    let rig = Rig::jira();
    rig.server().set(Setting::ClockSkew(4000));
    let applied = rig.apply(&PlanOptions::default());
    assert_eq!(code(&applied.servers[0]), Some("clock"), "{applied:#?}");
    assert_eq!(rig.server().writes(), 0);
    assert!(proofs(&rig).is_empty());
}

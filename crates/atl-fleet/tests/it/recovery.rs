//! Killed, interrupted or two at once: the next run finishes, and nothing is lost or done twice (cli.md 4.7).

use std::{
    sync::{
        Barrier,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use atl_fleet::{Applied, Event, Kind, Plan, PlanOptions, RunOptions};
use atl_store::{Outcome, Step};
use atl_testbed::{Link, Matcher, When};
use serde_json::{Value, json};

use crate::rig::{DEPLOY, Rig, change, code, run, writes};

/// Writes down a step as a killed run leaves it.
fn left_open(rig: &Rig, action: &str, detail: Value) {
    let step = Step {
        run: "killed".to_owned(),
        command: "apply".to_owned(),
        action: action.to_owned(),
        server: "jira".to_owned(),
        server_url: rig.ready().servers[0].config.base_url.as_str().to_owned(),
        consumer: Some("deploy-bot".to_owned()),
        detail,
        os_user: "tester".to_owned(),
        host: "here".to_owned(),
        account: Some("admin".to_owned()),
    };
    rig.store().begin(&step).unwrap();
}

/// How the step of the killed run was settled.
fn outcome(rig: &Rig) -> Outcome {
    let journal = rig.store().journal(99).unwrap();
    let row = journal.iter().find(|row| row.step.run == "killed").unwrap();
    row.outcome.clone().unwrap()
}

fn link_create() -> Value {
    let id = Link::generic("", DEPLOY).id;
    json!({ "application_url": DEPLOY, "link_id": id, "consumer_key": "deploy-bot" })
}

#[test]
fn killed_before_the_link_was_created() {
    let rig = Rig::jira();
    left_open(&rig, "link create", link_create());
    rig.provision();
    assert!(matches!(outcome(&rig), Outcome::Failed(_)));
    assert_eq!(rig.store().links_made().unwrap().len(), 1);
    rig.assert_settled();
}

#[test]
fn killed_after_the_link_was_created() {
    let rig = Rig::jira();
    left_open(&rig, "link create", link_create());
    rig.server().add_link(Link::generic("Deploy bot", DEPLOY));
    rig.provision();
    assert_eq!(outcome(&rig), Outcome::Done);
    assert_eq!(rig.server().links().len(), 1);
    assert_eq!(rig.store().links_made().unwrap().len(), 1, "it is ours");
    rig.assert_settled();
}

/// A store that knows the keypair and nothing else, as after a kill between the write and the record of it.
fn forget_records(rig: &Rig) {
    let store = rig.store();
    for row in store.registrations().unwrap() {
        store
            .forget_registration(&row.consumer, &row.server_url)
            .unwrap();
    }
}

#[test]
fn killed_after_the_consumer_was_registered() {
    let rig = Rig::jira();
    rig.provision();
    forget_records(&rig);
    let fingerprint = rig.keypairs()[0].fingerprint.to_string();
    left_open(&rig, "consumer put", json!({ "fingerprint": fingerprint }));
    rig.server().clear_log();
    rig.provision();
    assert!(writes(rig.server()).is_empty());
    assert_eq!(outcome(&rig), Outcome::Done);
    assert!(rig.store().registrations().unwrap()[0].proven.is_some());
    rig.assert_settled();
}

#[test]
fn killed_before_the_consumer_was_registered() {
    let rig = Rig::jira();
    rig.provision();
    rig.server().remove_consumer("deploy-bot");
    let fingerprint = rig.keypairs()[0].fingerprint.to_string();
    left_open(&rig, "consumer put", json!({ "fingerprint": fingerprint }));
    rig.provision();
    assert!(matches!(outcome(&rig), Outcome::Failed(_)));
    assert_eq!(rig.keypairs().len(), 1);
    rig.assert_settled();
}

#[test]
fn killed_between_the_consumer_and_its_two_legged_flags() {
    let rig = Rig::jira();
    rig.provision();
    let id = rig.server().link(DEPLOY).unwrap().id;
    let two_legged = json!({ "enabled": true, "impersonation": true, "execute_as": null });
    let detail = json!({ "link_id": id, "two_legged": two_legged, "providers": {} });
    left_open(&rig, "keep two-legged OAuth", detail);
    rig.provision();
    let consumer = rig.server().consumer("deploy-bot").unwrap();
    assert_eq!((consumer.two_legged, consumer.impersonation), (true, true));
    assert_eq!(outcome(&rig), Outcome::Done);
    rig.assert_settled();
}

#[test]
fn killed_when_all_was_put_back_already() {
    let rig = Rig::jira();
    rig.provision();
    let id = rig.server().link(DEPLOY).unwrap().id;
    let two_legged = json!({ "enabled": true, "impersonation": false, "execute_as": null });
    let detail = json!({ "link_id": id, "two_legged": two_legged, "providers": {} });
    left_open(&rig, "keep two-legged OAuth", detail);
    rig.server()
        .edit_consumer("deploy-bot", |consumer| consumer.two_legged = true);
    rig.server().clear_log();
    rig.provision();
    assert!(writes(rig.server()).is_empty());
    assert_eq!(outcome(&rig), Outcome::Done);
}

/// Killed while it deleted a link, which the file wants absent, or no longer names.
#[test]
fn killed_while_the_link_was_deleted() {
    for (took_effect, named) in [(true, true), (false, true), (true, false), (false, false)] {
        let rig = Rig::jira();
        rig.provision();
        let id = rig.server().link(DEPLOY).unwrap().id;
        left_open(&rig, "link delete", json!({ "link_id": id }));
        if took_effect {
            rig.server().delete_link(id);
        }
        if named {
            rig.deploy_bot("    state: absent\n");
        } else {
            rig.consumers("  other-bot: { url: \"https://other.example.com\" }\n");
        }
        let applied = rig.apply(&PlanOptions {
            prune: true,
            ..PlanOptions::default()
        });
        assert_eq!(code(&applied.servers[0]), None, "{applied:#?}");
        assert_eq!(outcome(&rig) == Outcome::Done, took_effect);
        assert!(rig.server().link(DEPLOY).is_none());
        let left = |consumer: &str| consumer == "deploy-bot";
        let store = rig.store();
        assert!(
            !store
                .links_made()
                .unwrap()
                .iter()
                .any(|link| left(&link.consumer))
        );
        assert!(
            !store
                .registrations()
                .unwrap()
                .iter()
                .any(|row| left(&row.consumer))
        );
        assert_eq!(store.open_steps().unwrap(), []);
    }
}

/// Applies, interrupted when this step is about to be taken.
fn interrupted_at(rig: &Rig, wanted: &str) -> Plan {
    let interrupted = AtomicBool::new(false);
    let sink = |event: &Event<'_>| {
        if let Event::Step { action, .. } = event
            && *action == wanted
        {
            interrupted.store(true, Ordering::Relaxed);
        }
    };
    let options = RunOptions {
        parallel: 1,
        sink: &sink,
        ..run(&interrupted)
    };
    rig.apply_run(&rig.store(), &PlanOptions::default(), options)
}

#[test]
fn an_interrupted_run_skips_what_is_left_and_the_next_one_finishes() {
    let rig = Rig::new(
        (0..2)
            .map(|_| atl_testbed::ServerSpec::new(atl_testbed::Kind::Jira))
            .collect(),
    );
    let applied = interrupted_at(&rig, "link create");
    for plan in &applied.servers {
        assert_eq!(code(plan), Some("interrupted"), "{applied:#?}");
        assert_eq!(change(plan, Kind::Consumer).result, Some(Applied::Skipped));
    }
    let created = change(&applied.servers[0], Kind::Link);
    assert_eq!(created.result, Some(Applied::Applied));
    let other = change(&applied.servers[1], Kind::Link);
    assert_eq!(other.result, Some(Applied::Skipped));
    assert_eq!(writes(rig.server()), ["PUT applicationlink"]);
    assert!(writes(rig.estate.server(1)).is_empty());
    rig.provision();
    assert_eq!(rig.server().links().len(), 1);
    assert_eq!(rig.keypairs().len(), 1);
    rig.assert_settled();
}

#[test]
fn a_run_interrupted_while_it_writes_finishes_that_step_and_loses_nothing() {
    let rig = Rig::jira();
    let applied = interrupted_at(&rig, "consumer put");
    let consumer = change(&applied.servers[0], Kind::Consumer);
    assert_eq!(consumer.result, Some(Applied::Applied), "{applied:#?}");
    assert!(rig.server().consumer("deploy-bot").is_some());
    rig.server().clear_log();
    rig.provision();
    assert!(writes(rig.server()).is_empty());
    rig.assert_settled();
}

#[test]
fn a_run_interrupted_before_it_looked_sends_nothing() {
    let rig = Rig::jira();
    let interrupted = AtomicBool::new(true);
    let applied = rig.apply_run(&rig.store(), &PlanOptions::default(), run(&interrupted));
    assert_eq!(code(&applied.servers[0]), Some("interrupted"));
    assert_eq!(rig.server().log().len(), 0);
}

#[test]
fn two_runs_at_once_register_one_key_on_one_link() {
    let rig = Rig::jira();
    let barrier = Barrier::new(2);
    let both = || {
        let store = rig.store();
        barrier.wait();
        let interrupted = AtomicBool::new(false);
        rig.apply_run(&store, &PlanOptions::default(), run(&interrupted))
    };
    let plans = thread::scope(|scope| {
        let runs = [scope.spawn(both), scope.spawn(both)];
        runs.map(|run| run.join().unwrap())
    });
    for plan in &plans {
        let code = code(&plan.servers[0]);
        assert!(
            matches!(code, None | Some("locked" | "moved_on")),
            "{plan:#?}"
        );
    }
    assert!(plans.iter().any(|plan| code(&plan.servers[0]).is_none()));
    assert_eq!(rig.server().links().len(), 1);
    assert_eq!(rig.keypairs().len(), 1);
    rig.assert_settled();
}

#[test]
fn a_run_that_meets_another_says_who_is_at_work() {
    let rig = Rig::jira();
    let matcher = Matcher::method("PUT").at("/authentication/consumer");
    let hold = rig.server().hold(matcher, When::Before);
    thread::scope(|scope| {
        let first = scope.spawn(|| rig.provision());
        assert!(hold.wait_reached());
        let second = rig.apply_settling(&PlanOptions::default(), Duration::ZERO);
        let error = second.servers[0].error.clone().unwrap();
        assert_eq!(error.code, "locked", "{second:#?}");
        assert!(error.message.contains("tester"), "{}", error.message);
        hold.release();
        first.join().unwrap();
    });
    assert_eq!(rig.server().links().len(), 1);
    rig.assert_settled();
}

//! Auditor consumers that a run left: a run that ends at any request, and what the next one finds and removes.

use std::{
    collections::BTreeMap,
    sync::{Mutex, atomic::AtomicBool},
    time::Duration,
};

use atl_fleet::{
    Event, PlanOptions, Ready, RunOptions, Status, adopt,
    auditor::{
        AuditorState, EndedAuditor, LeftAuditor, find, left_behind, remove, remove_left_behind,
    },
    check::{CheckStatus, check},
    links,
};
use atl_oauth::whoami_as;
use atl_store::{Outcome, Step, Store};
use atl_testbed::{
    ALICE, Consumer, Exchange, Fault, Kind, Link, Matcher, Rule, ServerSpec, Setting, When,
};
use serde_json::json;

use crate::{
    auditor::{assert_none_left, set_up},
    rig::{DEPLOY, Rig, info, run},
};

/// The whole life of an auditor; whether nothing went wrong.
fn live(ready: &Ready, store: &Store, run: RunOptions<'_>) -> bool {
    let Ok(auditor) = set_up(ready, store, run) else {
        return false;
    };
    let used = whoami_as(auditor.client(), &auditor.signer(), ALICE).is_ok();
    auditor.take_down().is_ok() && used
}

/// Leaves an auditor on the first server: its take-down does not get through.
fn leave(rig: &Rig) {
    let (ready, store, interrupted) = (rig.ready(), rig.store(), AtomicBool::new(false));
    let auditor = set_up(&ready, &store, run(&interrupted)).unwrap();
    rig.server().set(Fault::Answer(500, String::new()));
    drop(auditor);
    rig.server().clear_faults();
    rig.server().clear_log();
}

fn cleared(rig: &Rig, store: &Store) -> Vec<EndedAuditor> {
    let interrupted = AtomicBool::new(false);
    remove_left_behind(&rig.ready(), store, &info(), run(&interrupted)).unwrap()
}

fn states(ended: &[EndedAuditor]) -> Vec<AuditorState> {
    ended.iter().map(|ended| ended.state).collect()
}

/// From one request on the server gives no good answer any more, as if the run had died: before or after that request took
/// effect.
#[test]
fn a_run_that_ends_at_any_request_leaves_what_the_next_one_removes() {
    let undisturbed = Rig::jira();
    let (ready, store, interrupted) = (
        undisturbed.ready(),
        undisturbed.store(),
        AtomicBool::new(false),
    );
    assert!(live(&ready, &store, run(&interrupted)));
    let log = undisturbed.server().log();
    let first = log.iter().position(Exchange::is_write).unwrap();
    let points: Vec<(usize, When)> = (first..log.len())
        .flat_map(|request| [(request, When::Before), (request, When::After)])
        .collect();
    std::thread::scope(|scope| {
        let log = &log;
        for half in points.chunks(points.len().div_ceil(4)) {
            scope.spawn(move || {
                let rig = Rig::jira();
                for (request, when) in half {
                    let shown = &log[*request];
                    let at = format!("{when:?} {request}, {} {}", shown.method, shown.path);
                    ends_at(&rig, u32::try_from(*request).unwrap(), *when, &at);
                }
                let (store, interrupted) = (rig.store(), AtomicBool::new(false));
                assert!(live(&rig.ready(), &store, run(&interrupted)));
            });
        }
    });
}

fn ends_at(rig: &Rig, request: u32, when: When, at: &str) {
    let (ready, store, interrupted) = (rig.ready(), rig.store(), AtomicBool::new(false));
    let options = RunOptions {
        settle: Duration::ZERO,
        ..run(&interrupted)
    };
    let dead = || Fault::Answer(500, String::new()).on(Matcher::any());
    match when {
        When::Before => rig.server().set(dead().after(request)),
        When::After => {
            let lost = Fault::Reset(When::After).on(Matcher::any());
            rig.server().set(lost.after(request).times(1));
            rig.server().set(dead().after(request + 1));
        }
    }
    live(&ready, &store, options);
    rig.server().clear_faults();

    let ended = cleared(rig, &store);
    let known = ended.iter().all(|ended| {
        ended.error.is_none() && matches!(ended.state, AuditorState::Removed | AuditorState::Gone)
    });
    assert!(known, "{at}: {ended:#?}");
    assert_none_left(rig, rig.server(), at);
    assert_eq!(cleared(rig, &store), [], "{at}");
}

#[test]
fn one_that_was_left_is_removed_and_the_journal_says_by_whom() {
    let rig = Rig::jira();
    leave(&rig);
    let store = rig.store();
    let [left] = left_behind(&rig.ready(), &store)
        .unwrap()
        .try_into()
        .unwrap();
    assert_eq!(left.server, rig.server().name());
    let begun = left.begun.clone().unwrap();
    assert_eq!(
        (begun.os_user.as_str(), begun.host.as_str()),
        ("tester", "here")
    );
    // A run that is killed leaves the step under way open as well.
    let [open] = store.open_steps().unwrap().try_into().unwrap();
    store
        .begin(&Step {
            action: "auditor consumer".to_owned(),
            ..open.step.clone()
        })
        .unwrap();

    let told = Mutex::new(Vec::new());
    let interrupted = AtomicBool::new(false);
    let options = RunOptions {
        sink: &|event| {
            if let Event::Auditor(ended) = event {
                told.lock().unwrap().push((*ended).clone());
            }
        },
        ..run(&interrupted)
    };
    let ended = remove_left_behind(&rig.ready(), &store, &info(), options).unwrap();
    assert_eq!(states(&ended), [AuditorState::Removed]);
    assert_eq!((&ended[0].auditor, ended[0].status()), (&left, Status::Ok));
    assert_eq!(*told.lock().unwrap(), ended);
    assert_none_left(&rig, rig.server(), "removed");

    let rows = store.journal(100).unwrap();
    let outcomes: BTreeMap<&str, &Outcome> = rows
        .iter()
        .rev()
        .map(|row| (row.step.action.as_str(), row.outcome.as_ref().unwrap()))
        .collect();
    let failed = "the run ended without removing the auditor consumer; a later run removed it";
    assert_eq!(outcomes["auditor"], &Outcome::Failed(failed.to_owned()));
    assert_eq!(outcomes["auditor remove"], &Outcome::Done);
    let killed = outcomes["auditor consumer"];
    assert!(matches!(killed, Outcome::Unknown(_)), "{killed:?}");
}

/// The journal is not sealed: whoever can write it must not be able to have other links deleted.
#[test]
fn a_journal_that_names_another_link_has_nothing_deleted() {
    let rig = Rig::jira();
    rig.provision();
    leave(&rig);
    let store = rig.store();
    let link = rig.server().link(DEPLOY).unwrap();
    let [open] = store.open_steps().unwrap().try_into().unwrap();
    store
        .begin(&Step {
            detail: json!({
                "link_id": link.id.to_string(),
                "application_url": DEPLOY,
                "consumer_key": "deploy-bot",
            }),
            ..open.step
        })
        .unwrap();
    let interrupted = AtomicBool::new(false);
    let options = RunOptions {
        settle: Duration::ZERO,
        ..run(&interrupted)
    };
    let ended = remove_left_behind(&rig.ready(), &store, &info(), options).unwrap();
    assert_eq!(
        states(&ended),
        [AuditorState::Removed, AuditorState::Left],
        "{ended:#?}"
    );
    assert_eq!(rig.server().links(), [link]);
    assert!(rig.server().consumer("deploy-bot").is_some());
}

#[test]
fn the_next_auditor_on_a_server_removes_the_last_one_first() {
    let rig = Rig::jira();
    leave(&rig);
    let left = rig.server().links().remove(0).rpc_url;
    let (ready, store, interrupted) = (rig.ready(), rig.store(), AtomicBool::new(false));
    let auditor = set_up(&ready, &store, run(&interrupted)).unwrap();
    assert_eq!(rig.server().link(&left), None);
    assert_eq!(rig.server().links().len(), 1);
    auditor.take_down().unwrap();
    assert_none_left(&rig, rig.server(), "next");
}

#[test]
fn what_somebody_removed_by_hand_is_gone_and_no_failure() {
    let by_hand: [fn(&Rig, &Link); 2] = [
        |rig, link| assert!(rig.server().delete_link(link.id)),
        |rig, link| {
            rig.server()
                .remove_consumer(link.consumer_key.as_ref().unwrap());
        },
    ];
    let expected = [AuditorState::Gone, AuditorState::Removed];
    for (take_away, expected) in by_hand.into_iter().zip(expected) {
        let rig = Rig::jira();
        leave(&rig);
        take_away(&rig, &rig.server().links()[0]);
        assert_eq!(states(&cleared(&rig, &rig.store())), [expected]);
        assert_none_left(&rig, rig.server(), "by hand");
    }
}

#[test]
fn one_that_a_living_run_uses_is_left_alone() {
    let rig = Rig::jira();
    let (ready, store, interrupted) = (rig.ready(), rig.store(), AtomicBool::new(false));
    let auditor = set_up(&ready, &store, run(&interrupted)).unwrap();
    rig.server().clear_log();

    let other = rig.store();
    let ended = cleared(&rig, &other);
    assert_eq!(states(&ended), [AuditorState::InUse]);
    let trouble = ended[0].error.as_ref().unwrap();
    assert!(trouble.message.contains("tester on here"), "{trouble:?}");
    assert_eq!(rig.server().log().len(), 0);

    // Neither plans nor `--prune` are about it.
    let prune = PlanOptions {
        prune: true,
        ..PlanOptions::default()
    };
    let applied = rig.apply(&prune);
    assert_eq!(applied.summary.delete, 0, "{applied:#?}");
    assert_eq!(rig.server().links().len(), 2);
    let as_alice = whoami_as(auditor.client(), &auditor.signer(), ALICE);
    assert!(as_alice.is_ok(), "{as_alice:?}");
    auditor.take_down().unwrap();
    assert_eq!(cleared(&rig, &other), []);
    assert_eq!(rig.server().links().len(), 1);
}

/// A link below the auditors' host that this store knows nothing of.
fn of_another_store(rig: &Rig) -> Link {
    let mark = "0123456789abcdef";
    let url = format!("https://{mark}.auditor.atl-admin.invalid");
    let id = rig
        .server()
        .add_link(Link::generic("atl-admin auditor (temporary)", &url));
    let key = include_str!("../../../../fixtures/keys/another.pub.pem");
    let key = Consumer::new(&format!("atl-admin-auditor-{mark}"), "Auditor", key).unwrap();
    rig.server().put_consumer(Some(id), key);
    rig.server().link(&url).unwrap()
}

#[test]
fn those_of_other_stores_are_found_by_their_links_and_removed_where_that_is_asked_for() {
    let rig = Rig::jira();
    leave(&rig);
    let other = of_another_store(&rig);
    let (ready, store, interrupted) = (rig.ready(), rig.store(), AtomicBool::new(false));
    let found = find(&ready, Some(&store), run(&interrupted)).unwrap();
    assert_eq!(
        (found.len(), found[0].status),
        (1, Status::Ok),
        "{found:#?}"
    );
    let left = &found[0].left;
    assert_eq!(left.len(), 2, "{found:#?}");
    let [ours, theirs]: [Vec<&LeftAuditor>; 2] = [true, false].map(|ours| {
        left.iter()
            .filter(|left| left.begun.is_some() == ours)
            .collect()
    });
    assert_eq!((ours.len(), theirs.len()), (1, 1), "{found:#?}");
    assert_eq!(theirs[0].link_id, other.id.to_string());
    assert_eq!(Some(&theirs[0].consumer_key), other.consumer_key.as_ref());
    assert_eq!(rig.server().writes(), 0);

    // What only the journal knows of is removed by whatever runs next, and nothing else.
    assert_eq!(states(&cleared(&rig, &store)), [AuditorState::Removed]);
    assert_eq!(rig.server().links().len(), 1);
    let ended = remove(&ready, &store, left, &info(), run(&interrupted)).unwrap();
    let mut states = states(&ended);
    states.sort_by_key(|state| *state == AuditorState::Removed);
    assert_eq!(states, [AuditorState::Gone, AuditorState::Removed]);
    assert_none_left(&rig, rig.server(), "both");
}

#[test]
fn a_server_that_is_down_keeps_its_own_and_stops_nobody() {
    let rig = Rig::new((0..3).map(|_| ServerSpec::new(Kind::Jira)).collect());
    let (ready, store, interrupted) = (rig.ready(), rig.store(), AtomicBool::new(false));
    let servers = rig.estate.servers();
    for (server, ready) in servers.iter().zip(&ready.servers) {
        let one = Ready {
            servers: vec![ready.clone()],
            ..rig.ready()
        };
        let auditor = set_up(&one, &store, run(&interrupted)).unwrap();
        server.set(Fault::Answer(500, String::new()));
        drop(auditor);
    }
    servers[0].clear_faults();
    servers[2].clear_faults();
    let ended = cleared(&rig, &store);
    assert_eq!(
        states(&ended),
        [
            AuditorState::Removed,
            AuditorState::Left,
            AuditorState::Removed
        ]
    );
    let trouble = ended[1].error.as_ref().unwrap();
    assert_eq!(
        (trouble.code.as_str(), ended[1].status()),
        ("auditor_left", Status::Unreachable)
    );
    assert!(trouble.advice.contains("-s jira-2"), "{trouble:?}");
    assert_eq!(store.open_steps().unwrap().len(), 1);
    let found = find(&ready, Some(&store), run(&interrupted)).unwrap();
    let seen: Vec<_> = found.iter().map(|on| (on.status, on.left.len())).collect();
    assert_eq!(
        seen,
        [(Status::Ok, 0), (Status::Unreachable, 1), (Status::Ok, 0)]
    );
    servers[1].clear_faults();
    assert_eq!(states(&cleared(&rig, &store)), [AuditorState::Removed]);
    for server in servers {
        assert_none_left(&rig, server, server.name());
    }
}

#[test]
fn many_stand_side_by_side_and_one_refusal_is_its_own() {
    let rig = Rig::new((0..4).map(|_| ServerSpec::new(Kind::Jira)).collect());
    rig.estate.server(1).set(Setting::ClockSkew(4000));
    let (ready, store, interrupted) = (rig.ready(), rig.store(), AtomicBool::new(false));
    let done: Vec<bool> = std::thread::scope(|scope| {
        let running: Vec<_> = ready
            .servers
            .iter()
            .map(|server| {
                let one = Ready {
                    servers: vec![server.clone()],
                    ..ready.clone()
                };
                let (store, interrupted) = (&store, &interrupted);
                scope.spawn(move || live(&one, store, run(interrupted)))
            })
            .collect();
        running
            .into_iter()
            .map(|running| running.join().unwrap())
            .collect()
    });
    assert_eq!(done, [true, false, true, true]);
    for server in rig.estate.servers() {
        assert_none_left(&rig, server, server.name());
    }
}

/// A node that is late has the consumer still: it is not gone before every node says so.
#[test]
fn a_consumer_that_another_node_still_knows_is_not_gone() {
    let rig = Rig::jira();
    let (ready, store, interrupted) = (rig.ready(), rig.store(), AtomicBool::new(false));
    let options = RunOptions {
        settle: Duration::from_millis(300),
        ..run(&interrupted)
    };
    let auditor = set_up(&ready, &store, options).unwrap();
    rig.server().set(Setting::TwoNodes {
        catch_up_after: None,
    });
    let trouble = auditor.take_down().unwrap_err();
    assert_eq!(trouble.code, "auditor_left", "{trouble:?}");
    assert_eq!(store.open_steps().unwrap().len(), 1);
    rig.server().sync();
    assert_eq!(states(&cleared(&rig, &store)), [AuditorState::Gone]);
    assert_none_left(&rig, rig.server(), "two nodes");
}

#[track_caller]
fn checked(rig: &Rig, expected: CheckStatus, words: &str) {
    let (store, interrupted) = (rig.store(), AtomicBool::new(false));
    rig.server().clear_log();
    let report = check(&rig.ready(), Some(&store), run(&interrupted)).unwrap();
    let checks = &report.servers[0].checks;
    let place = checks.iter().position(|check| check.check == "auditor");
    let found = &checks[place.unwrap()];
    assert_eq!(found.status, expected, "{found:#?}");
    assert!(found.message.contains(words), "{found:#?}");
    let advised = found
        .advice
        .as_ref()
        .is_some_and(|advice| advice.contains("audit --remove-auditor"));
    let wants = matches!(expected, CheckStatus::Fail | CheckStatus::Warn);
    assert_eq!(advised, wants, "{found:#?}");
    assert_eq!(place, Some(checks.len() - 1), "{report:#?}");
    assert_eq!(rig.server().writes(), 0);
}

#[test]
fn check_finds_what_was_left_by_the_journal_and_by_the_server() {
    let rig = Rig::jira();
    checked(&rig, CheckStatus::Pass, "no auditor consumer");
    leave(&rig);
    checked(&rig, CheckStatus::Fail, "`apply` of tester on here");
    let links = Matcher::path("/applicationlink");
    rig.server()
        .set(Fault::Answer(500, String::new()).on(links));
    checked(&rig, CheckStatus::Skip, "open in the journal");
    rig.server().set(Fault::Unavailable);
    checked(&rig, CheckStatus::Skip, "not reached");
    rig.server().clear_faults();

    let link = rig.server().links().remove(0);
    let consumer = rig.server().consumers().remove(0);
    rig.server().delete_link(link.id);
    checked(&rig, CheckStatus::Warn, "is gone from the server");
    rig.server().put_consumer(None, consumer);
    checked(&rig, CheckStatus::Fail, "may act as any user");
    rig.server()
        .remove_consumer(link.consumer_key.as_ref().unwrap());
    cleared(&rig, &rig.store());
    checked(&rig, CheckStatus::Pass, "no auditor consumer");
    of_another_store(&rig);
    checked(&rig, CheckStatus::Fail, "another store or machine");
}

#[test]
fn links_show_it_as_what_it_is_and_it_is_not_adopted() {
    let rig = Rig::jira();
    leave(&rig);
    let theirs = rig
        .server()
        .add_link(Link::generic("Other", "https://other.example.com"));
    let key = include_str!("../../../../fixtures/keys/another.pub.pem");
    let consumer = Consumer::new("other", "Other", key).unwrap();
    rig.server().put_consumer(Some(theirs), consumer);
    let interrupted = AtomicBool::new(false);
    let listed = links::list(&rig.ready(), run(&interrupted)).unwrap();
    let auditors: Vec<_> = listed[0].links.iter().map(|entry| entry.auditor).collect();
    assert_eq!(auditors, [true, false]);
    let adopted: Vec<_> = adopt(&listed).into_iter().map(|one| one.name).collect();
    assert_eq!(adopted, ["other"]);
}

/// A store that fails in the middle keeps nobody from removing what it knows of.
#[test]
fn a_store_that_is_lost_while_it_stands_does_not_keep_it_there() {
    let rig = Rig::jira();
    let (ready, store, interrupted) = (rig.ready(), rig.store(), AtomicBool::new(false));
    let auditor = set_up(&ready, &store, run(&interrupted)).unwrap();
    let [open] = store.open_steps().unwrap().try_into().unwrap();
    store.finish(open.id, &Outcome::Done).unwrap();
    let trouble = auditor.take_down().unwrap_err();
    assert_eq!(trouble.code, "step_not_open");
    assert!(
        trouble.message.contains("was removed from `jira`"),
        "{trouble:?}"
    );
    assert_none_left(&rig, rig.server(), "the server");
}

#[test]
fn a_lost_answer_to_the_removal_is_looked_up() {
    for matcher in [
        Matcher::method("PUT").at("/oauth"),
        Matcher::method("DELETE"),
    ] {
        for when in [When::Before, When::After] {
            let rig = Rig::jira();
            leave(&rig);
            let rule = Rule::new(Fault::Reset(when)).on(matcher.clone()).times(1);
            rig.server().set(rule);
            let ended = cleared(&rig, &rig.store());
            assert_eq!(
                states(&ended),
                [AuditorState::Removed],
                "{when:?} {matcher:?}"
            );
            assert_none_left(&rig, rig.server(), "looked up");
        }
    }
}

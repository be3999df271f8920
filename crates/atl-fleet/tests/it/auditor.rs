//! The auditor consumer: set up, used as other users, taken down; and who is refused one.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use atl_client::Request;
use atl_fleet::{Event, Ready, RunOptions, Status, Trouble, auditor::Auditor};
use atl_oauth::{Parameters, RunsAs, send, whoami_as};
use atl_store::{Outcome, Store};
use atl_testbed::{
    ADMIN, ALICE, AuthenticatedBy, BOB, Fault, Generation, Kind, MANAGER, MANAGER_PASSWORD,
    Matcher, Rule, Server, ServerSpec, Setting, Token, When,
};

use crate::rig::{Rig, info, run};

const TOKENS: &str = "plugins/servlet/oauth/users/access-tokens";

/// Sets one up on the first server.
pub(crate) fn set_up<'a>(
    ready: &Ready,
    store: &'a Store,
    run: RunOptions<'a>,
) -> Result<Auditor<'a>, Trouble> {
    Auditor::set_up(&ready.servers[0], store, &info(), run)
}

/// Neither the server nor the journal knows of an auditor.
#[track_caller]
pub(crate) fn assert_none_left(rig: &Rig, server: &Server, at: &str) {
    let links: Vec<_> = server.links().into_iter().map(|link| link.name).collect();
    assert_eq!(links, Vec::<String>::new(), "{at}");
    assert_eq!(server.consumers(), [], "{at}");
    assert_eq!(rig.store().open_steps().unwrap(), [], "{at}");
}

/// Alice's page as the auditor sees it.
fn page_as(auditor: &Auditor<'_>, user: &str) -> String {
    let request = Request::get(TOKENS).header("Accept", "text/html");
    let parameters = Parameters::as_user(user);
    let answer = send(auditor.client(), &auditor.signer(), parameters, &request).unwrap();
    assert_eq!(answer.problem, None);
    assert_eq!(answer.response.status, 200);
    answer.response.text()
}

fn as_whom(auditor: &Auditor<'_>, user: &str) -> RunsAs {
    whoami_as(auditor.client(), &auditor.signer(), user).unwrap()
}

fn named(user: &str) -> RunsAs {
    RunsAs::User(user.to_owned())
}

#[test]
fn every_product_lets_an_auditor_read_the_page_of_any_user() {
    let products = [Kind::Jira, Kind::Confluence, Kind::Bitbucket, Kind::Bamboo];
    for kind in products {
        for generation in [Generation::Current, Generation::Next] {
            let rig = Rig::new(vec![
                ServerSpec::new(kind)
                    .generation(generation)
                    .context("/base"),
            ]);
            let (server, ready, store) = (rig.server(), rig.ready(), rig.store());
            server.add_token(Token::access("token-of-alice", "other-bot", ALICE));
            server.add_token(Token::access("token-of-bob", "other-bot", BOB));
            let interrupted = AtomicBool::new(false);
            let auditor = set_up(&ready, &store, run(&interrupted)).unwrap();

            assert_eq!(auditor.server(), server.name());
            for user in [ALICE, BOB, ADMIN] {
                assert_eq!(as_whom(&auditor, user), named(user));
            }
            assert_eq!(as_whom(&auditor, "no such user"), RunsAs::Nobody);
            let page = page_as(&auditor, ALICE);
            assert!(page.contains("token-of-alice"), "{page}");
            assert!(!page.contains("token-of-bob"), "{page}");

            // What is revoked as Alice is gone, and nothing of Bob's can be.
            let revoke = |token: &str| {
                let field = vec![("token".to_owned(), token.to_owned())];
                let request = Request::post_form(TOKENS, field);
                let signer = auditor.signer();
                let parameters = Parameters::as_user(ALICE);
                let answer = send(auditor.client(), &signer, parameters, &request).unwrap();
                answer.response.status
            };
            assert_eq!(
                (revoke("token-of-alice"), revoke("token-of-bob")),
                (200, 401)
            );
            let left: Vec<_> = server.tokens().into_iter().map(|left| left.value).collect();
            assert_eq!(left, ["token-of-bob"]);

            auditor.take_down().unwrap();
            assert_none_left(&rig, server, server.name());
        }
    }
}

/// Several threads may make calls with one.
#[test]
fn an_auditor_can_be_shared() {
    fn shared<T: Send + Sync>() {}
    shared::<Auditor<'_>>();
}

#[test]
fn no_credential_of_the_administrator_gets_into_a_signed_call() {
    let rig = Rig::new(vec![
        ServerSpec::new(Kind::Jira).generation(Generation::Next),
    ]);
    let (ready, store, interrupted) = (rig.ready(), rig.store(), AtomicBool::new(false));
    let auditor = set_up(&ready, &store, run(&interrupted)).unwrap();
    rig.server().clear_log();
    page_as(&auditor, ALICE);
    as_whom(&auditor, "Zoë & Søn");
    for exchange in rig.server().log() {
        assert_eq!(exchange.header("cookie"), None);
        assert_eq!(exchange.header("authorization"), Some("OAuth ***"));
        assert_eq!(exchange.authenticated_by, AuthenticatedBy::OAuth);
    }
    auditor.take_down().unwrap();
}

#[test]
fn the_journal_has_what_removal_needs_and_the_store_no_key() {
    let rig = Rig::jira();
    let (ready, store, interrupted) = (rig.ready(), rig.store(), AtomicBool::new(false));
    let auditor = set_up(&ready, &store, run(&interrupted)).unwrap();

    let open = store.open_steps().unwrap();
    let [step] = open.as_slice() else {
        panic!("not one open step: {open:#?}");
    };
    let [link] = rig.server().links().try_into().unwrap();
    let key = link.consumer_key.clone().unwrap();
    assert!(
        key.starts_with("atl-admin-auditor-") && key.len() == 34,
        "{key}"
    );
    assert!(
        link.rpc_url.ends_with(".auditor.atl-admin.invalid"),
        "{link:?}"
    );
    assert!(link.name.contains("auditor"), "{link:?}");
    let detail = step.step.detail.as_object().unwrap();
    assert_eq!(detail.len(), 3, "{detail:?}");
    assert_eq!(detail["link_id"], link.id.to_string());
    assert_eq!(detail["application_url"], link.rpc_url);
    assert_eq!(detail["consumer_key"], key);
    let consumer = rig.server().consumer(&key).unwrap();
    assert!(consumer.impersonation && consumer.description.is_some());

    auditor.take_down().unwrap();
    assert_eq!(store.keypairs().unwrap(), []);
    assert_eq!(store.links_made().unwrap(), []);
    assert_eq!(store.registrations().unwrap(), []);
    let mut history: Vec<_> = store
        .journal(100)
        .unwrap()
        .into_iter()
        .map(|row| (row.step.action, row.outcome))
        .collect();
    history.reverse();
    let done = Some(Outcome::Done);
    let actions = [
        "auditor",
        "auditor link",
        "auditor consumer",
        "auditor impersonation",
    ];
    assert_eq!(
        history,
        actions.map(|action| (action.to_owned(), done.clone()))
    );
}

/// Nothing was written anywhere, and no step was begun.
#[track_caller]
fn assert_refused(rig: &Rig, code: &str, status: Status) {
    let (ready, store, interrupted) = (rig.ready(), rig.store(), AtomicBool::new(false));
    let trouble = set_up(&ready, &store, run(&interrupted)).unwrap_err();
    assert_eq!(
        (trouble.code.as_str(), trouble.status),
        (code, status),
        "{trouble:?}"
    );
    assert!(trouble.message.contains("jira"), "{trouble:?}");
    assert!(!trouble.advice.is_empty(), "{trouble:?}");
    assert_eq!(rig.server().writes(), 0);
    assert_eq!(store.journal(100).unwrap(), []);
}

#[test]
fn an_administrator_who_is_no_system_administrator_is_refused_before_any_write() {
    let rig = Rig::jira();
    rig.administer_as(MANAGER, MANAGER_PASSWORD);
    assert_refused(&rig, "not_sysadmin", Status::Refused);
}

#[test]
fn a_server_without_a_matrix_is_refused_before_any_write() {
    for generation in [Generation::Legacy, Generation::Transitional] {
        let rig = Rig::new(vec![ServerSpec::new(Kind::Jira).generation(generation)]);
        assert_refused(&rig, "two_legged_unsupported", Status::Failed);
    }
    let rig = Rig::new(vec![
        ServerSpec::new(Kind::Jira).generation(Generation::Ancient),
    ]);
    assert_refused(&rig, "unsupported_version", Status::Failed);
}

#[test]
fn a_clock_that_is_wrong_is_refused_before_any_write() {
    let rig = Rig::jira();
    rig.server().set(Setting::ClockSkew(4000));
    assert_refused(&rig, "clock", Status::Failed);
}

#[test]
fn a_second_one_on_the_same_server_is_refused_while_the_first_stands() {
    let rig = Rig::jira();
    let (ready, store, interrupted) = (rig.ready(), rig.store(), AtomicBool::new(false));
    let auditor = set_up(&ready, &store, run(&interrupted)).unwrap();
    rig.server().clear_log();
    let other = rig.store();
    let trouble = set_up(&ready, &other, run(&interrupted)).unwrap_err();
    assert_eq!(trouble.code, "locked");
    assert_eq!(rig.server().log().len(), 0);
    auditor.take_down().unwrap();
    set_up(&ready, &other, run(&interrupted))
        .unwrap()
        .take_down()
        .unwrap();
    assert_none_left(&rig, rig.server(), "in turn");
}

/// A server that does not say who is a system administrator says so when impersonation is switched on.
#[test]
fn where_the_server_does_not_tell_its_own_refusal_counts() {
    let silent = || Rule::new(Fault::Answer(404, String::new())).on(Matcher::path("/basicauth/"));
    let rig = Rig::jira();
    rig.server().set(silent());
    let (ready, store, interrupted) = (rig.ready(), rig.store(), AtomicBool::new(false));
    let auditor = set_up(&ready, &store, run(&interrupted)).unwrap();
    auditor.take_down().unwrap();
    assert_none_left(&rig, rig.server(), "a system administrator");

    rig.administer_as(MANAGER, MANAGER_PASSWORD);
    let trouble = set_up(&rig.ready(), &store, run(&interrupted)).unwrap_err();
    assert_eq!(
        (trouble.code.as_str(), trouble.status),
        ("not_sysadmin", Status::Refused)
    );
    assert_none_left(&rig, rig.server(), "an administrator");
}

fn writes() -> [Matcher; 5] {
    [
        Matcher::method("PUT").at("/applicationlink"),
        Matcher::method("PUT").at("/authentication/consumer"),
        Matcher::method("PUT").at("/status/"),
        Matcher::method("DELETE"),
        // Disabling writes the matrix a second time.
        Matcher::method("PUT").at("/oauth"),
    ]
}

#[test]
fn a_write_whose_answer_is_lost_takes_effect_once() {
    let faults = [
        Fault::Reset(When::Before),
        Fault::Reset(When::After),
        Fault::Truncate,
        Fault::TooManyRequests(0),
    ];
    for (place, matcher) in writes().into_iter().enumerate() {
        for fault in faults.clone() {
            let at = format!("{fault:?} on {matcher:?}");
            let rig = Rig::jira();
            let (ready, store, interrupted) = (rig.ready(), rig.store(), AtomicBool::new(false));
            let passing = u32::from(place == 4);
            let rule = Rule::new(fault).on(matcher.clone()).after(passing).times(1);
            rig.server().set(rule);
            let auditor = set_up(&ready, &store, run(&interrupted)).expect(&at);
            assert_eq!(as_whom(&auditor, ALICE), named(ALICE), "{at}");
            assert_eq!(rig.server().links().len(), 1, "{at}");
            auditor.take_down().expect(&at);
            assert_none_left(&rig, rig.server(), &at);
        }
    }
}

#[test]
fn a_second_node_that_catches_up_is_waited_for() {
    let rig = Rig::jira();
    rig.server().set(Setting::TwoNodes {
        catch_up_after: Some(3),
    });
    let (ready, store, interrupted) = (rig.ready(), rig.store(), AtomicBool::new(false));
    let auditor = set_up(&ready, &store, run(&interrupted)).unwrap();
    let refused = |server: &Server| {
        let log = server.log();
        let refused = log.iter().filter(|exchange| exchange.status == 401);
        refused.filter(|exchange| exchange.node == 2).count()
    };
    assert!(refused(rig.server()) > 0, "the second node was never late");
    // Whichever node is asked, it knows the auditor.
    for _ in 0..4 {
        let anew = Parameters {
            fresh: true,
            ..Parameters::as_user(ALICE)
        };
        let request = Request::get("plugins/servlet/applinks/whoami");
        let answer = send(auditor.client(), &auditor.signer(), anew, &request).unwrap();
        assert_eq!(answer.response.text(), ALICE);
    }
    auditor.take_down().unwrap();
    rig.server().sync();
    assert_none_left(&rig, rig.server(), "two nodes");
}

#[test]
fn a_node_that_never_hears_of_it_ends_the_set_up_and_nothing_stays() {
    let rig = Rig::jira();
    rig.server().set(Setting::TwoNodes {
        catch_up_after: None,
    });
    let (ready, store, interrupted) = (rig.ready(), rig.store(), AtomicBool::new(false));
    let options = RunOptions {
        settle: Duration::from_millis(500),
        ..run(&interrupted)
    };
    let trouble = set_up(&ready, &store, options).unwrap_err();
    assert_eq!(trouble.status, Status::Failed, "{trouble:?}");
    rig.server().sync();
    assert_none_left(&rig, rig.server(), "two nodes");
}

/// Ctrl-C before each step: what was made until then is removed.
#[test]
fn an_interruption_leaves_nothing() {
    for last in ["auditor link", "auditor consumer", "auditor impersonation"] {
        let rig = Rig::jira();
        let (ready, store, interrupted) = (rig.ready(), rig.store(), AtomicBool::new(false));
        let sink = |event: &Event<'_>| {
            if matches!(event, Event::Step { action, .. } if *action == last) {
                interrupted.store(true, Ordering::Relaxed);
            }
        };
        let options = RunOptions {
            sink: &sink,
            ..run(&interrupted)
        };
        let set_up = set_up(&ready, &store, options);
        // The last step is finished, and so is what comes after it.
        match set_up {
            Ok(auditor) => auditor.take_down().unwrap(),
            Err(trouble) => assert_eq!(trouble.code, "interrupted", "{last}"),
        }
        assert_none_left(&rig, rig.server(), last);
    }
}

#[test]
fn one_that_is_dropped_is_taken_down_and_a_failure_of_that_is_a_warning() {
    let rig = Rig::jira();
    let (ready, store, interrupted) = (rig.ready(), rig.store(), AtomicBool::new(false));
    let warned = Mutex::new(Vec::new());
    let sink = |event: &Event<'_>| {
        if let Event::Warning { message, .. } = event {
            warned.lock().unwrap().push((*message).to_owned());
        }
    };
    let options = RunOptions {
        sink: &sink,
        settle: Duration::ZERO,
        ..run(&interrupted)
    };
    drop(set_up(&ready, &store, options).unwrap());
    assert_none_left(&rig, rig.server(), "dropped");
    assert_eq!(*warned.lock().unwrap(), Vec::<String>::new());

    let auditor = set_up(&ready, &store, options).unwrap();
    rig.server().set(Fault::Unavailable);
    drop(auditor);
    let warnings = warned.lock().unwrap().clone();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("--remove-auditor"), "{warnings:?}");
    assert_eq!(store.open_steps().unwrap().len(), 1);
}

#[test]
fn rights_that_are_withdrawn_meanwhile_are_a_failure_that_names_the_way_out() {
    let rig = Rig::jira();
    let (ready, store, interrupted) = (rig.ready(), rig.store(), AtomicBool::new(false));
    let auditor = set_up(&ready, &store, run(&interrupted)).unwrap();
    rig.server().put_user(atl_testbed::User::new(
        ADMIN,
        atl_testbed::ADMIN_PASSWORD,
        atl_testbed::Role::User,
    ));
    let trouble = auditor.take_down().unwrap_err();
    assert_eq!(
        (trouble.code.as_str(), trouble.status),
        ("auditor_left", Status::Refused),
        "{trouble:?}"
    );
    assert!(
        trouble.advice.contains("audit --remove-auditor -s jira"),
        "{trouble:?}"
    );
    assert_eq!(store.open_steps().unwrap().len(), 1);
}

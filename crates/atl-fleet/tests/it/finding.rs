//! Finding our link, and what may stand in its place (cli.md 4.3, 4.6 and "What is ours").

use std::{sync::atomic::AtomicBool, thread};

use atl_fleet::{Action, Event, Exit, Kind, PlanOptions, RunOptions, of_apply};
use atl_keys::{KeySize, Keypair};
use atl_testbed::{Consumer, Link, Matcher, PublicKey, Token, When};

use crate::rig::{DEPLOY, Rig, change, code, fields, run, writes};

fn stranger(key: &str) -> Consumer {
    let keypair = Keypair::generate(KeySize::Bits2048).unwrap();
    Consumer::new(key, "Somebody", &keypair.public_key().to_one_line()).unwrap()
}

fn refused_with(rig: &Rig, expected: &str) {
    let before = (rig.server().links(), rig.server().consumers());
    let applied = rig.apply(&PlanOptions::default());
    assert_eq!(code(&applied.servers[0]), Some(expected), "{applied:#?}");
    assert_eq!(of_apply(&applied), Exit::Failed);
    assert!(writes(rig.server()).is_empty());
    assert_eq!((rig.server().links(), rig.server().consumers()), before);
}

#[test]
fn a_link_is_found_by_its_application_url_whatever_its_id() {
    let rig = Rig::jira();
    let mut link = Link::generic("Deploy bot", DEPLOY);
    link.id = "11111111-2222-4333-8444-555555555555".parse().unwrap();
    let id = rig.server().add_link(link);
    let applied = rig.provision();
    let planned = change(&applied.servers[0], Kind::Link);
    assert_eq!(
        (planned.action, planned.link_id.as_str()),
        (Action::None, id.to_string().as_str())
    );
    assert_eq!(rig.server().links().len(), 1);
    assert_eq!(
        rig.server().links()[0].consumer_key.as_deref(),
        Some("deploy-bot")
    );
    assert_eq!(rig.store().links_made().unwrap(), []);
    rig.assert_settled();
}

#[test]
fn a_link_that_was_relocated_is_refused() {
    let rig = Rig::jira();
    let mut link = Link::generic("Deploy bot", DEPLOY);
    link.rpc_url = "https://elsewhere.example.com".to_owned();
    rig.server().add_link(link);
    refused_with(&rig, "relocated");
}

#[test]
fn a_link_to_a_product_at_our_url_is_refused() {
    let rig = Rig::jira();
    let id = "11111111-2222-4333-8444-555555555555".parse().unwrap();
    rig.server()
        .add_link(Link::product("confluence", id, "Wiki", DEPLOY));
    refused_with(&rig, "foreign_link");
}

#[test]
fn a_taken_name_gets_a_number_and_that_is_no_difference() {
    let rig = Rig::jira();
    rig.server()
        .add_link(Link::generic("Deploy bot", "https://other.example.com"));
    rig.provision();
    assert_eq!(rig.server().link(DEPLOY).unwrap().name, "Deploy bot - 2");
    rig.assert_settled();
}

#[test]
fn a_consumer_key_owned_by_another_link_is_refused() {
    let rig = Rig::jira();
    let other = rig
        .server()
        .add_link(Link::generic("Other", "https://other.example.com"));
    rig.server()
        .put_consumer(Some(other), stranger("deploy-bot"));
    rig.server()
        .add_token(Token::access("t", "deploy-bot", "alice"));
    refused_with(&rig, "consumer_key_taken");
    let message = rig.plan(&PlanOptions::default()).servers[0]
        .error
        .clone()
        .unwrap()
        .message;
    assert!(message.contains("the link `Other`"), "{message}");
    assert_eq!(rig.server().tokens().len(), 1);
}

#[test]
fn an_orphaned_consumer_key_is_refused() {
    let rig = Rig::jira();
    rig.server().put_consumer(None, stranger("deploy-bot"));
    refused_with(&rig, "consumer_key_taken");
    rig.server().add_link(Link::generic("Deploy bot", DEPLOY));
    refused_with(&rig, "consumer_key_taken");
}

/// The orphan appears after the plan was made, so that nothing about our own link has changed.
#[test]
fn a_consumer_key_taken_after_the_look_is_refused_before_the_put() {
    let rig = Rig::jira();
    let interrupted = AtomicBool::new(false);
    let sink = |event: &Event<'_>| {
        if let Event::Begin { phase: "apply", .. } = event {
            rig.server().put_consumer(None, stranger("deploy-bot"));
        }
    };
    let options = RunOptions {
        sink: &sink,
        ..run(&interrupted)
    };
    let applied = rig.apply_run(&rig.store(), &PlanOptions::default(), options);
    assert_eq!(
        code(&applied.servers[0]),
        Some("consumer_key_taken"),
        "{applied:#?}"
    );
    assert!(writes(rig.server()).is_empty());
}

/// Holds the create back while somebody else makes a link to the same URL.
fn race(make: impl FnOnce(&atl_testbed::Server)) -> (Rig, atl_fleet::Plan) {
    let rig = Rig::jira();
    let matcher = Matcher::method("PUT").at("/applicationlink");
    let hold = rig.server().hold(matcher, When::Before);
    let applied = thread::scope(|scope| {
        let apply = scope.spawn(|| rig.apply(&PlanOptions::default()));
        assert!(hold.wait_reached());
        make(rig.server());
        hold.release();
        apply.join().unwrap()
    });
    (rig, applied)
}

#[test]
fn a_bare_link_made_by_somebody_between_look_and_create_is_used_and_is_not_ours() {
    let (rig, applied) = race(|server| {
        server.add_link(Link::generic("Theirs", DEPLOY));
    });
    assert_eq!(of_apply(&applied), Exit::Done, "{applied:#?}");
    assert_eq!(rig.server().links().len(), 1);
    assert!(rig.server().consumer("deploy-bot").is_some());
    assert_eq!(rig.store().links_made().unwrap(), []);
    rig.assert_settled();
}

#[test]
fn a_link_with_a_consumer_made_by_somebody_between_look_and_create_is_left_alone() {
    let (rig, applied) = race(|server| {
        let id = server.add_link(Link::generic("Theirs", DEPLOY));
        server.put_consumer(Some(id), stranger("theirs"));
    });
    assert_eq!(code(&applied.servers[0]), Some("moved_on"), "{applied:#?}");
    assert!(rig.server().consumer("deploy-bot").is_none());
    assert_eq!(
        rig.server().links()[0].consumer_key.as_deref(),
        Some("theirs")
    );
    refused_with_foreign(&rig);
}

fn refused_with_foreign(rig: &Rig) {
    rig.server().clear_log();
    refused_with(rig, "foreign_consumer");
}

/// Every field that we set and somebody changed.
#[test]
fn drift_of_every_field_is_found_and_mended() {
    let rig = Rig::jira();
    rig.deploy_bot("    description: Deploys things\n");
    rig.provision();
    let key = rig.keypairs()[0].public_key.clone();
    let edit = |change: fn(&mut Consumer)| rig.server().edit_consumer("deploy-bot", change);
    let check = |expected: &str| {
        rig.server().clear_log();
        let applied = rig.provision();
        let changed: Vec<_> = applied.servers[0].changes.iter().flat_map(fields).collect();
        assert_eq!(changed, [expected], "{applied:#?}");
        assert_eq!(applied.summary.update, 1);
        rig.assert_settled();
    };
    edit(|consumer| consumer.name = "Renamed".to_owned());
    check("name");
    edit(|consumer| consumer.description = None);
    check("description");
    edit(|consumer| consumer.description = Some("Else".to_owned()));
    check("description");
    edit(|consumer| consumer.callback = Some("https://evil.example.com/".to_owned()));
    check("callback");
    edit(|consumer| consumer.callback = None);
    check("callback");
    let id = rig.server().link(DEPLOY).unwrap().id;
    rig.server().edit_link(id, |link| {
        link.display_url = "https://evil.example.com".to_owned();
    });
    check("display_url");
    assert_eq!(rig.server().link(DEPLOY).unwrap().display_url, DEPLOY);
    let consumer = rig.server().consumer("deploy-bot").unwrap();
    assert_eq!(consumer.public_key, PublicKey::from_rest(&key).unwrap());
    // A renamed link is no difference.
    rig.server()
        .edit_link(id, |link| link.name = "Deploy bot - 7".to_owned());
    rig.assert_settled();
}

#[test]
fn a_consumer_that_was_removed_by_hand_is_registered_again_with_the_same_key() {
    let rig = Rig::jira();
    rig.provision();
    let key = rig.keypairs()[0].public_key.clone();
    rig.server().remove_consumer("deploy-bot");
    let applied = rig.provision();
    assert_eq!(
        change(&applied.servers[0], Kind::Consumer).action,
        Action::Create
    );
    assert_eq!(
        rig.server()
            .consumer("deploy-bot")
            .unwrap()
            .public_key
            .one_line(),
        key
    );
    assert_eq!(rig.keypairs().len(), 1);
    rig.assert_settled();
}

//! Which key is registered, and that it is in the store first (cli.md 4.2, 4.8 and "Keypairs").

use std::{sync::atomic::AtomicBool, thread};

use atl_fleet::{Action, Applied, Exit, Kind, PlanOptions, Status, look, of_apply};
use atl_keys::{KeySize, Keypair, PrivateFormat};
use atl_store::KeyState;
use atl_testbed::{Kind as Product, Matcher, ServerSpec, When};

use crate::rig::{DEPLOY, Rig, change, code, fields, info, run, writes};

fn new_key() -> Keypair {
    Keypair::generate(KeySize::Bits2048).unwrap()
}

fn replace_keys() -> PlanOptions {
    PlanOptions {
        replace_keys: true,
        ..PlanOptions::default()
    }
}

/// The public key that a server holds for `deploy-bot`.
fn held(rig: &Rig, place: usize) -> String {
    let consumer = rig.estate.server(place).consumer("deploy-bot").unwrap();
    consumer.public_key.one_line()
}

#[test]
fn the_key_is_in_the_store_before_its_public_half_leaves() {
    let rig = Rig::jira();
    let matcher = Matcher::method("PUT").at("/authentication/consumer");
    let hold = rig.server().hold(matcher, When::Before);
    thread::scope(|scope| {
        let apply = scope.spawn(|| rig.provision());
        assert!(hold.wait_reached());
        assert!(rig.server().consumer("deploy-bot").is_none());
        let rows = rig.keypairs();
        assert_eq!(rows.len(), 1);
        let unsealed = rig.store().keypair(&rows[0].fingerprint).unwrap().unwrap();
        assert_eq!(unsealed.public_key().to_one_line(), rows[0].public_key);
        let open = rig.store().open_steps().unwrap();
        assert_eq!(open.len(), 1);
        assert_eq!(open[0].step.action, "consumer put");
        hold.release();
        apply.join().unwrap();
    });
    assert_eq!(held(&rig, 0), rig.keypairs()[0].public_key);
    rig.assert_settled();
}

#[test]
fn an_empty_store_against_a_provisioned_fleet_is_refused_and_nothing_is_written() {
    let rig = Rig::jira();
    rig.provision();
    let (before, empty) = (held(&rig, 0), rig.store_named("other.db"));
    rig.server().clear_log();
    let interrupted = AtomicBool::new(false);
    let applied = rig.apply_run(&empty, &PlanOptions::default(), run(&interrupted));
    assert_eq!(code(&applied.servers[0]), Some("unknown_key"));
    assert_eq!(applied.servers[0].status, Status::Failed);
    assert_eq!(of_apply(&applied), Exit::Failed);
    assert!(writes(rig.server()).is_empty());
    assert_eq!(held(&rig, 0), before);
    assert_eq!(empty.keypairs().unwrap(), []);
    assert_eq!(empty.journal(9).unwrap(), []);

    let ready = rig.ready();
    let looked = look(&ready, Some(&empty), &replace_keys(), run(&interrupted)).unwrap();
    assert_eq!(looked.confirmations().len(), 1);
    let replaced = looked.apply(&info(), run(&interrupted)).unwrap();
    assert_eq!(of_apply(&replaced), Exit::Done, "{replaced:#?}");
    let consumer = change(&replaced.servers[0], Kind::Consumer);
    assert_eq!(fields(consumer), ["public_key"]);
    assert_eq!(
        (consumer.result, consumer.verified),
        (Some(Applied::Applied), Some(true))
    );
    assert_eq!(held(&rig, 0), empty.keypairs().unwrap()[0].public_key);
}

#[test]
fn an_imported_key_is_taken_over_where_a_server_holds_it() {
    let rig = Rig::jira();
    rig.provision();
    let key = rig
        .store()
        .keypair(&rig.keypairs()[0].fingerprint)
        .unwrap()
        .unwrap();
    let other = rig.store_named("other.db");
    other
        .add_keypair("deploy-bot", &key, KeyState::Active)
        .unwrap();
    rig.server().clear_log();
    let interrupted = AtomicBool::new(false);
    let applied = rig.apply_run(&other, &PlanOptions::default(), run(&interrupted));
    assert_eq!(of_apply(&applied), Exit::Done, "{applied:#?}");
    assert!(writes(rig.server()).is_empty());
    let registrations = other.registrations().unwrap();
    assert_eq!(registrations[0].fingerprint, key.fingerprint());
    assert!(registrations[0].proven.is_some());
}

#[test]
fn a_key_in_a_private_file_is_registered_proven_and_kept_out_of_the_store() {
    let rig = Rig::jira();
    let key = new_key();
    fs_err::write(
        rig.path("bot.pem"),
        key.to_pem(PrivateFormat::Pkcs8).unwrap(),
    )
    .unwrap();
    rig.deploy_bot("    keypair: { private_key_file: bot.pem }\n");
    let applied = rig.provision();
    assert_eq!(
        change(&applied.servers[0], Kind::Consumer).verified,
        Some(true)
    );
    assert_eq!(held(&rig, 0), key.public_key().to_one_line());
    assert_eq!(rig.keypairs(), []);
    rig.assert_settled();
}

#[test]
fn of_a_public_file_nothing_is_verified_and_that_is_no_failure() {
    let rig = Rig::jira();
    let key = new_key();
    fs_err::write(rig.path("bot.pub"), key.public_key().to_pem()).unwrap();
    rig.deploy_bot("    keypair: { public_key_file: bot.pub }\n");
    let applied = rig.provision();
    let consumer = change(&applied.servers[0], Kind::Consumer);
    assert_eq!(
        (consumer.result, consumer.verified),
        (Some(Applied::Applied), None)
    );
    assert_eq!(held(&rig, 0), key.public_key().to_one_line());
    assert!(
        rig.server()
            .log()
            .iter()
            .all(|exchange| !exchange.path.contains("request-token"))
    );
    rig.assert_settled();
}

#[test]
fn a_partly_rotated_fleet_plans_empty_and_a_new_server_gets_the_newest_key() {
    let rig = Rig::new((0..3).map(|_| ServerSpec::new(Product::Jira)).collect());
    rig.deploy_bot("    servers: [jira, jira-2]\n");
    rig.provision();
    let store = rig.store();
    let newer = new_key();
    store
        .add_keypair("deploy-bot", &newer, KeyState::Active)
        .unwrap();
    let second = rig.estate.server(1);
    second.edit_consumer("deploy-bot", |consumer| {
        let mut rotated =
            atl_testbed::Consumer::new("deploy-bot", "x", &newer.public_key().to_one_line())
                .unwrap();
        std::mem::swap(&mut consumer.public_key, &mut rotated.public_key);
    });
    let mut registration = store
        .registrations()
        .unwrap()
        .into_iter()
        .find(|row| row.server == "jira-2")
        .unwrap();
    registration.fingerprint = newer.fingerprint();
    store.record_registration(&registration).unwrap();
    rig.assert_settled();

    rig.deploy_bot("");
    let applied = rig.provision();
    assert_eq!((applied.summary.create, applied.summary.update), (2, 0));
    assert_eq!(held(&rig, 2), newer.public_key().to_one_line());
    assert_ne!(held(&rig, 0), held(&rig, 1));
    rig.assert_settled();
}

#[test]
fn a_key_that_somebody_put_back_by_hand_is_replaced_by_the_recorded_one() {
    let rig = Rig::jira();
    rig.provision();
    let older = new_key();
    rig.store()
        .add_keypair("deploy-bot", &older, KeyState::Retired)
        .unwrap();
    let foreign = atl_testbed::Consumer::new(
        "deploy-bot",
        "Deploy bot",
        &older.public_key().to_one_line(),
    )
    .unwrap();
    rig.server().edit_consumer("deploy-bot", |consumer| {
        consumer.public_key = foreign.public_key;
    });
    let applied = rig.provision();
    assert_eq!(
        change(&applied.servers[0], Kind::Consumer).action,
        Action::Update
    );
    assert_ne!(held(&rig, 0), older.public_key().to_one_line());
    assert_eq!(
        rig.server().link(DEPLOY).unwrap().consumer_key.as_deref(),
        Some("deploy-bot")
    );
    rig.assert_settled();
}

//! What is ours and what is not: foreign consumers, shared keys, `state: absent`, `--prune` (cli.md "What is ours").

use atl_fleet::{Action, Applied, Exit, Kind, Plan, PlanOptions, of_apply};
use atl_keys::{KeySize, Keypair};
use atl_testbed::{Consumer, Generation, Kind as Product, Link, ServerSpec, Token};

use crate::rig::{DEPLOY, Rig, change, code, writes};

const OTHER: &str = "https://other.example.com";

fn stranger(key: &str) -> Consumer {
    let keypair = Keypair::generate(KeySize::Bits2048).unwrap();
    Consumer::new(key, "Somebody", &keypair.public_key().to_one_line()).unwrap()
}

fn replacing() -> PlanOptions {
    PlanOptions {
        replace_consumer: true,
        ..PlanOptions::default()
    }
}

fn pruning() -> PlanOptions {
    PlanOptions {
        prune: true,
        ..PlanOptions::default()
    }
}

fn forced(options: PlanOptions) -> PlanOptions {
    PlanOptions {
        force: true,
        ..options
    }
}

fn refused(rig: &Rig, options: &PlanOptions, expected: &str) {
    rig.server().clear_log();
    let before = (rig.server().links(), rig.server().consumers());
    let applied = rig.apply(options);
    assert_eq!(code(&applied.servers[0]), Some(expected), "{applied:#?}");
    assert!(writes(rig.server()).is_empty());
    assert_eq!((rig.server().links(), rig.server().consumers()), before);
}

fn done(rig: &Rig, options: &PlanOptions) -> Plan {
    let applied = rig.apply(options);
    assert_eq!(of_apply(&applied), Exit::Done, "{applied:#?}");
    applied
}

#[test]
fn a_foreign_consumer_is_replaced_only_on_request_and_leaves_no_orphan() {
    for generation in [
        Generation::Legacy,
        Generation::Transitional,
        Generation::Current,
        Generation::Next,
    ] {
        let rig = Rig::new(vec![ServerSpec::new(Product::Jira).generation(generation)]);
        let link = rig.server().add_link(Link::generic("Theirs", DEPLOY));
        rig.server().put_consumer(Some(link), stranger("theirs"));
        rig.server()
            .add_token(Token::access("t", "theirs", "alice"));
        refused(&rig, &PlanOptions::default(), "foreign_consumer");
        assert_eq!(rig.server().tokens().len(), 1);

        let applied = done(&rig, &replacing());
        let consumer = change(&applied.servers[0], Kind::Consumer);
        assert_eq!(
            (consumer.action, consumer.result, consumer.verified),
            (Action::Update, Some(Applied::Applied), Some(true))
        );
        assert!(consumer.replaces_consumer() && consumer.kills_grants());
        let keys: Vec<_> = rig
            .server()
            .consumers()
            .into_iter()
            .map(|c| c.key)
            .collect();
        assert_eq!(keys, ["deploy-bot"], "{generation:?}");
        assert!(
            rig.server()
                .tokens()
                .iter()
                .all(|token| token.consumer_key != "theirs")
        );
        rig.assert_settled();
    }
}

#[test]
fn replacing_a_consumer_that_another_link_shares_needs_force() {
    let rig = Rig::jira();
    let ours = rig.server().add_link(Link::generic("Theirs", DEPLOY));
    let other = rig.server().add_link(Link::generic("Other", OTHER));
    rig.server().put_consumer(Some(ours), stranger("theirs"));
    rig.server().put_consumer(Some(other), stranger("theirs"));
    refused(&rig, &replacing(), "shared_key");
    done(&rig, &forced(replacing()));
    assert!(rig.server().consumer("theirs").is_none());
}

#[test]
fn an_absent_consumer_is_deleted_with_its_grants_and_stays_away() {
    let rig = Rig::jira();
    rig.provision();
    rig.server()
        .add_token(Token::access("t", "deploy-bot", "alice"));
    rig.deploy_bot("    state: absent\n");
    let applied = done(&rig, &PlanOptions::default());
    assert_eq!(applied.summary.delete, 1);
    let link = change(&applied.servers[0], Kind::Link);
    assert_eq!(
        (link.action, link.result, link.kills_grants_complete),
        (Action::Delete, Some(Applied::Applied), false)
    );
    assert_eq!(
        (rig.server().links(), rig.server().consumers()),
        (vec![], vec![])
    );
    assert_eq!(rig.store().links_made().unwrap(), []);
    assert_eq!(rig.store().registrations().unwrap(), []);
    assert_eq!(rig.keypairs().len(), 1);
    rig.server().clear_log();
    done(&rig, &PlanOptions::default());
    assert!(writes(rig.server()).is_empty());
    rig.assert_settled();

    // And back again, with the key that is still in the store.
    rig.deploy_bot("");
    rig.provision();
    assert_eq!(rig.keypairs().len(), 1);
}

#[test]
fn an_absent_consumer_deletes_nothing_that_is_not_its_own() {
    let rig = Rig::jira();
    rig.deploy_bot("    state: absent\n");
    let link = rig.server().add_link(Link::generic("Theirs", DEPLOY));
    refused(&rig, &PlanOptions::default(), "foreign_consumer");
    rig.server().put_consumer(Some(link), stranger("theirs"));
    refused(&rig, &PlanOptions::default(), "foreign_consumer");
    rig.server()
        .put_consumer(Some(link), stranger("deploy-bot"));
    let other = rig.server().add_link(Link::generic("Other", OTHER));
    rig.server()
        .put_consumer(Some(other), stranger("deploy-bot"));
    refused(&rig, &PlanOptions::default(), "shared_key");
    done(&rig, &forced(PlanOptions::default()));
    assert_eq!(rig.server().links().len(), 1);
}

#[test]
fn prune_deletes_only_what_this_tool_made_and_the_file_no_longer_names() {
    let rig = Rig::jira();
    rig.consumers(&format!(
        "  deploy-bot: {{ url: \"{DEPLOY}\" }}\n  other-bot: {{ url: \"{OTHER}\" }}\n"
    ));
    rig.provision();
    let by_hand = "https://by-hand.example.com";
    rig.server().add_link(Link::generic("By hand", by_hand));
    rig.deploy_bot("");
    rig.server().clear_log();
    rig.provision();
    assert_eq!(rig.server().links().len(), 3);

    // Somebody reused the link for another consumer: it is no longer ours.
    let link = rig.server().link(OTHER).unwrap().id;
    let ours = rig.server().consumer("other-bot").unwrap();
    rig.server().put_consumer(Some(link), stranger("theirs"));
    rig.server().clear_log();
    let applied = rig.apply(&pruning());
    assert_eq!(
        code(&applied.servers[0]),
        Some("foreign_consumer"),
        "{applied:#?}"
    );
    assert_eq!(rig.server().links().len(), 3);
    rig.server().remove_consumer("theirs");
    rig.server().put_consumer(Some(link), ours);

    let applied = done(&rig, &pruning());
    assert_eq!(applied.summary.delete, 1);
    assert!(rig.server().link(OTHER).is_none());
    assert!(rig.server().link(by_hand).is_some());
    assert!(rig.server().consumer("deploy-bot").is_some());
    assert_eq!(rig.store().links_made().unwrap().len(), 1);
    rig.server().clear_log();
    done(&rig, &pruning());
    assert!(writes(rig.server()).is_empty());
}

#[test]
fn prune_leaves_a_shared_key_and_unselected_consumers_alone() {
    let rig = Rig::jira();
    rig.consumers(&format!(
        "  deploy-bot: {{ url: \"{DEPLOY}\" }}\n  other-bot: {{ url: \"{OTHER}\" }}\n"
    ));
    rig.provision();
    rig.deploy_bot("");
    rig.provision();
    let selected = PlanOptions {
        consumers: vec!["deploy-bot".to_owned()],
        ..pruning()
    };
    rig.server().clear_log();
    done(&rig, &selected);
    assert!(writes(rig.server()).is_empty());

    let third = rig
        .server()
        .add_link(Link::generic("Third", "https://third.example.com"));
    let ours = rig.server().consumer("other-bot").unwrap();
    rig.server().put_consumer(Some(third), ours);
    refused(&rig, &pruning(), "shared_key");
    done(&rig, &forced(pruning()));
    assert!(rig.server().link(OTHER).is_none());
}

#[test]
fn a_consumer_that_moved_to_another_url_loses_its_former_link_to_prune_only() {
    let rig = Rig::jira();
    rig.provision();
    // Its key is still on the former link, which goes first.
    rig.consumers(&format!("  deploy-bot: {{ url: \"{OTHER}\" }}\n"));
    let applied = rig.apply(&pruning());
    assert_eq!(
        code(&applied.servers[0]),
        Some("consumer_key_taken"),
        "{applied:#?}"
    );
    assert_eq!(rig.server().links(), []);
    rig.provision();

    // With another key both are done in one run.
    rig.consumers(&format!(
        "  deploy-bot: {{ url: \"{DEPLOY}\", key: renamed }}\n"
    ));
    let applied = done(&rig, &pruning());
    assert_eq!((applied.summary.create, applied.summary.delete), (2, 1));
    assert!(rig.server().link(OTHER).is_none());
    assert!(rig.server().consumer("renamed").is_some());
    assert_eq!(rig.store().registrations().unwrap().len(), 1);
    assert_eq!(rig.keypairs().len(), 1);
    rig.assert_settled();
}

#[test]
fn a_refused_consumer_does_not_stop_the_others_on_its_server() {
    let rig = Rig::jira();
    let link = rig.server().add_link(Link::generic("Theirs", DEPLOY));
    rig.server().put_consumer(Some(link), stranger("theirs"));
    rig.consumers(&format!(
        "  deploy-bot: {{ url: \"{DEPLOY}\" }}\n  other-bot: {{ url: \"{OTHER}\" }}\n"
    ));
    let applied = rig.apply(&PlanOptions::default());
    assert_eq!(
        code(&applied.servers[0]),
        Some("foreign_consumer"),
        "{applied:#?}"
    );
    assert_eq!((applied.summary.create, applied.summary.failed), (2, 1));
    assert!(rig.server().consumer("other-bot").is_some());
    assert!(rig.server().consumer("theirs").is_some());
}

//! Keypairs, registrations and links: what goes in comes out.

use atl_keys::Fingerprint;
use atl_store::{KeyState, LinkMade, Registration};
use jiff::Timestamp;

use crate::place::{Kind, Place, keypairs, on_both};

on_both!(
    a_keypair_comes_back_whole,
    a_keypair_that_is_there_stays_as_it_is,
    a_consumer_has_its_newest_keypair_that_is_not_retired,
    a_keypair_is_not_given_to_a_second_consumer,
    one_registration_for_a_consumer_on_a_server,
    a_link_is_recorded_once,
);

fn a_keypair_comes_back_whole(kind: Kind) {
    let place = Place::on(kind);
    let [keypair, other] = keypairs();
    let added = place
        .open()
        .add_keypair("deploy-bot", keypair, KeyState::Pending)
        .unwrap();
    assert_eq!(added.fingerprint, keypair.fingerprint());
    assert_eq!(added.id, keypair.fingerprint().id());
    assert_eq!(added.public_key, keypair.public_key().to_one_line());
    assert_eq!(
        (added.consumer.as_str(), added.bits, added.state),
        ("deploy-bot", 2048, KeyState::Pending)
    );

    let again = place.open();
    assert_eq!(again.keypairs().unwrap(), [added]);
    let found = again.keypair(&keypair.fingerprint()).unwrap().unwrap();
    assert_eq!(*found.to_der().unwrap(), *keypair.to_der().unwrap());
    assert!(again.keypair(&other.fingerprint()).unwrap().is_none());
}

fn a_keypair_that_is_there_stays_as_it_is(kind: Kind) {
    let store = Place::on(kind).open();
    let [keypair, _] = keypairs();
    let first = store
        .add_keypair("bot", keypair, KeyState::Retired)
        .unwrap();
    for consumer in ["bot", "other"] {
        let again = store
            .add_keypair(consumer, keypair, KeyState::Active)
            .unwrap();
        assert_eq!(again, first);
    }
    assert!(store.keypair(&keypair.fingerprint()).unwrap().is_some());
}

fn a_consumer_has_its_newest_keypair_that_is_not_retired(kind: Kind) {
    let store = Place::on(kind).open();
    let [old, new] = keypairs();
    let made = store.keypair_or_add("bot", old).unwrap();
    assert_eq!(made.state, KeyState::Active);
    assert_eq!(store.keypair_or_add("bot", new).unwrap(), made);

    let newest = store.add_keypair("bot", new, KeyState::Pending).unwrap();
    assert_eq!(store.keypair_or_add("bot", old).unwrap(), newest);

    store
        .set_keypair_state(&new.fingerprint(), KeyState::Retired)
        .unwrap();
    assert_eq!(store.keypair_or_add("bot", new).unwrap(), made);
    let all = store.keypairs().unwrap();
    let states: Vec<_> = all
        .iter()
        .map(|row| (&row.fingerprint, row.state))
        .collect();
    assert_eq!(
        states,
        [
            (&old.fingerprint(), KeyState::Active),
            (&new.fingerprint(), KeyState::Retired)
        ]
    );
}

fn a_keypair_is_not_given_to_a_second_consumer(kind: Kind) {
    let store = Place::on(kind).open();
    let [keypair, unknown] = keypairs();
    store.keypair_or_add("bot", keypair).unwrap();
    let error = store.keypair_or_add("other", keypair).unwrap_err();
    assert_eq!(error.code(), "keypair_taken");
    assert_eq!(
        error.to_string(),
        format!(
            "keypair `{}` is already in the store, for consumer `bot` and active",
            keypair.fingerprint()
        )
    );
    let error = store
        .set_keypair_state(&unknown.fingerprint(), KeyState::Active)
        .unwrap_err();
    assert_eq!(error.code(), "keypair_unknown");
}

#[test]
fn only_a_retired_keypair_is_deleted() {
    let store = Place::new().open();
    let [keypair, other] = keypairs();
    let fingerprint = keypair.fingerprint();
    for state in [KeyState::Active, KeyState::Pending] {
        store.add_keypair("bot", keypair, state).unwrap();
        store.set_keypair_state(&fingerprint, state).unwrap();
        assert!(!store.delete_keypair(&fingerprint).unwrap(), "{state:?}");
    }
    store.add_keypair("bot", other, KeyState::Retired).unwrap();
    store
        .set_keypair_state(&fingerprint, KeyState::Retired)
        .unwrap();
    assert!(store.delete_keypair(&fingerprint).unwrap());
    assert!(!store.delete_keypair(&fingerprint).unwrap());
    assert!(store.keypair(&fingerprint).unwrap().is_none());
    let left = store.keypairs().unwrap();
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].fingerprint, other.fingerprint());
    // It may come back, as any key may.
    let again = store.add_keypair("bot", keypair, KeyState::Active).unwrap();
    assert_eq!(again.state, KeyState::Active);
}

fn registration(consumer: &str, server_url: &str, fingerprint: &Fingerprint) -> Registration {
    Registration {
        consumer: consumer.into(),
        server: "jira".into(),
        server_url: server_url.into(),
        consumer_key: consumer.into(),
        link_id: "f7b1".into(),
        fingerprint: fingerprint.clone(),
        proven: None,
    }
}

fn one_registration_for_a_consumer_on_a_server(kind: Kind) {
    let store = Place::on(kind).open();
    let [old, new] = keypairs().each_ref().map(atl_keys::Keypair::fingerprint);
    let first = registration("bot", "https://a.example", &old);
    let elsewhere = registration("bot", "https://b.example", &old);
    for registration in [&first, &elsewhere] {
        store.record_registration(registration).unwrap();
    }
    let replaced = Registration {
        proven: Some(Timestamp::now()),
        ..registration("bot", "https://a.example", &new)
    };
    store.record_registration(&replaced).unwrap();
    assert_eq!(
        store.registrations().unwrap(),
        [replaced, elsewhere.clone()]
    );

    store
        .forget_registration("bot", "https://a.example")
        .unwrap();
    store
        .forget_registration("bot", "https://a.example")
        .unwrap();
    assert_eq!(store.registrations().unwrap(), [elsewhere]);
}

fn a_link_is_recorded_once(kind: Kind) {
    let store = Place::on(kind).open();
    let link = LinkMade {
        server: "jira".into(),
        server_url: "https://a.example".into(),
        link_id: "f7b1".into(),
        application_url: "https://deploy.example.com".into(),
        consumer: "bot".into(),
        consumer_key: "bot-key".into(),
        created: Timestamp::now(),
    };
    let renamed = LinkMade {
        consumer: "robot".into(),
        ..link.clone()
    };
    let elsewhere = LinkMade {
        server_url: "https://b.example".into(),
        ..link.clone()
    };
    for link in [&link, &renamed, &elsewhere] {
        store.record_link(link).unwrap();
    }
    assert_eq!(store.links_made().unwrap(), [link, elsewhere.clone()]);

    store.forget_link("https://a.example", "f7b1").unwrap();
    assert_eq!(store.links_made().unwrap(), [elsewhere]);
}

//! A store is copied whole, in every direction, or not at all.

use atl_store::{KeyState, LinkMade, Outcome, Registration, Store};
use jiff::Timestamp;

use crate::imports::{import, packed};
use crate::place::{Kind, Place, grant, grant_secrets, keypairs, on_both, step};

on_both!(everything_arrives, a_place_that_has_a_store_is_refused);

/// A store with something in every table.
fn filled(kind: Kind) -> Place {
    let place = Place::on(kind);
    let store = place.open();
    let [one, other] = keypairs();
    store.add_keypair("bot", other, KeyState::Retired).unwrap();
    let row = store.add_keypair("bot", one, KeyState::Active).unwrap();
    store
        .record_registration(&Registration {
            consumer: "bot".into(),
            server: "jira".into(),
            server_url: "https://a.example".into(),
            consumer_key: "bot".into(),
            link_id: "f7b1".into(),
            fingerprint: row.fingerprint,
            proven: Some(Timestamp::now()),
        })
        .unwrap();
    store
        .record_link(&LinkMade {
            server: "jira".into(),
            server_url: "https://a.example".into(),
            link_id: "f7b1".into(),
            application_url: "https://deploy.example.com".into(),
            consumer: "bot".into(),
            consumer_key: "bot".into(),
            created: Timestamp::now(),
        })
        .unwrap();
    let done = store.begin(&step("link create")).unwrap();
    store.finish(done, &Outcome::Done).unwrap();
    store.begin(&step("consumer put")).unwrap();
    for id in ["000000000001", "000000000002"] {
        store
            .put_grant(&grant(id), &grant_secrets(id), &[])
            .unwrap();
    }
    let rows = packed((0..60_000).map(|number| format!("row {number}")));
    store
        .put_import(&import("https://a.example"), rows)
        .unwrap();
    place
}

fn everything_arrives(kind: Kind) {
    let from = filled(kind);
    for to in [Kind::Sqlite, Kind::Postgres] {
        if to == Kind::Postgres && crate::place::postgres("moving").is_none() {
            continue;
        }
        let target = Place::on(to);
        let before = from.files();
        let moved = Store::copy_to(&from.url(), &from.key(), &target.url()).unwrap();
        let counts = [
            moved.keypairs,
            moved.registrations,
            moved.links,
            moved.grants,
        ];
        assert_eq!((counts, moved.journal, moved.imports), ([2, 1, 1, 2], 2, 1));
        assert_eq!(from.files(), before, "the source is as it was");

        // It goes on where the other one was.
        let copy = Store::open(&target.url(), &from.key(), crate::place::holder()).unwrap();
        let open = copy.open_steps().unwrap();
        copy.finish(open[0].id, &Outcome::Done).unwrap();
        assert!(copy.begin(&step("link create")).unwrap() > open[0].id);
        let third = grant("000000000003");
        copy.put_grant(&third, &grant_secrets("three"), &[])
            .unwrap();
        assert_eq!(copy.grants().unwrap().len(), 3);
    }
}

fn a_place_that_has_a_store_is_refused(kind: Kind) {
    let from = filled(Kind::Sqlite);
    let target = Place::on(kind);
    drop(target.open());
    let before = target.files();
    let error = Store::copy_to(&from.url(), &from.key(), &target.url()).unwrap_err();
    assert_eq!(error.code(), "store_not_empty");
    assert_eq!(target.files(), before);

    let nothing = Place::on(kind);
    let error = Store::copy_to(&nothing.url(), &from.key(), &Place::new().url()).unwrap_err();
    assert_eq!(error.code(), "store_missing");
}

//! Every earlier schema is brought up to date with all that it held. `fixtures/store/` has a dump of each.

use std::path::PathBuf;

use atl_store::{Outcome, Store};
use rusqlite::Connection;
use rusqlite::types::FromSql;
use secrecy::ExposeSecret as _;

use crate::imports::{import, packed};
use crate::place::{Kind, Place, grant, grant_secrets, postgres};

const FIXTURE_KEY: &str = "atl-admin-store-key-v1:Zml4dHVyZXMvc3RvcmUgLSBub3QgYSByZWFsIGtleSE=";

fn fixture(name: &str) -> String {
    let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/store");
    fs_err::read_to_string(PathBuf::from(fixtures).join(name)).unwrap()
}

fn pragma<T: FromSql>(place: &Place, name: &str) -> T {
    Connection::open(place.store_file())
        .unwrap()
        .pragma_query_value(None, name, |row| row.get(0))
        .unwrap()
}

fn version(place: &Place) -> u32 {
    pragma(place, "user_version")
}

/// What a new store has.
fn newest() -> u32 {
    let place = Place::new();
    drop(place.open());
    version(&place)
}

fn put_key(place: &Place) {
    fs_err::create_dir_all(place.key_file().parent().unwrap()).unwrap();
    fs_err::write(place.key_file(), FIXTURE_KEY).unwrap();
}

/// A store of an earlier version.
fn store_of(version: u32) -> Place {
    let place = Place::new();
    put_key(&place);
    fs_err::create_dir_all(place.store_file().parent().unwrap()).unwrap();
    Connection::open(place.store_file())
        .unwrap()
        .execute_batch(&fixture(&format!("v{version}.sql")))
        .unwrap();
    place
}

/// All that the dumps hold.
fn check_content(store: &Store) {
    let keypairs = store.keypairs().unwrap();
    let [keypair] = &keypairs[..] else {
        panic!("{keypairs:?}");
    };
    assert_eq!(keypair.consumer, "deploy-bot");
    let private = store.keypair(&keypair.fingerprint).unwrap().unwrap();
    assert_eq!(private.fingerprint(), keypair.fingerprint);

    let registrations = store.registrations().unwrap();
    let [registration] = &registrations[..] else {
        panic!("{registrations:?}");
    };
    assert_eq!(registration.fingerprint, keypair.fingerprint);
    assert_eq!(store.links_made().unwrap()[0].link_id, registration.link_id);

    let journal = store.journal(9).unwrap();
    let outcomes: Vec<_> = journal.iter().map(|row| (row.id, &row.outcome)).collect();
    let failed = Outcome::Failed("the server answered 409".into());
    assert_eq!(
        outcomes,
        [(3, &None), (2, &Some(failed)), (1, &Some(Outcome::Done))]
    );
    assert_eq!(store.open_steps().unwrap(), journal[..1]);
}

#[test]
fn every_earlier_store_is_brought_up_to_date() {
    let newest = newest();
    assert!(newest > 1);
    for earlier in 1..newest {
        let place = store_of(earlier);
        assert_eq!(version(&place), earlier);
        check_content(&place.open());
        assert_eq!(version(&place), newest);
        assert_eq!(pragma::<String>(&place, "journal_mode"), "wal");

        let again = place.open();
        check_content(&again);
        let mut registration = again.registrations().unwrap().remove(0);
        let kept = registration.proven.is_some();
        assert_eq!(kept, earlier >= 2, "version 1 did not keep it");
        registration.proven = Some(jiff::Timestamp::now());
        again.record_registration(&registration).unwrap();
        assert_eq!(again.registrations().unwrap(), [registration]);

        check_grants(&again, earlier);
        check_imports(&again);
    }
}

/// Version 3 brought grants.
fn check_grants(store: &Store, earlier: u32) {
    let kept = store.grants().unwrap();
    assert_eq!(kept.len(), usize::from(earlier >= 3));
    for row in &kept {
        let secrets = store.grant_secrets(row).unwrap().unwrap();
        assert_eq!(secrets.token.expose_secret(), "fixture-token-5gTq8");
    }
    let row = grant("7b2f0c9b2d3e");
    store.put_grant(&row, &grant_secrets("t"), &[]).unwrap();
    assert!(store.grants().unwrap().contains(&row));
}

/// Version 4 brought imports.
fn check_imports(store: &Store) {
    assert_eq!(store.imports().unwrap(), []);
    let row = store
        .put_import(&import("https://a.example"), packed(["row".into()]))
        .unwrap();
    assert_eq!(store.imports().unwrap(), [row]);
}

#[test]
fn an_earlier_store_of_a_team_is_brought_up_to_date() {
    if postgres("an_earlier_store_of_a_team_is_brought_up_to_date").is_none() {
        return;
    }
    let place = Place::on(Kind::Postgres);
    put_key(&place);
    place
        .database()
        .client()
        .batch_execute(&fixture("v3.postgres.sql"))
        .unwrap();
    let before = place.dump();
    let looking = place.look();
    check_content(&looking);
    assert_eq!(looking.imports().unwrap(), []);
    assert_eq!(place.dump(), before, "looking changes nothing");

    check_content(&place.open());
    let again = place.open();
    check_content(&again);
    check_grants(&again, 3);
    check_imports(&again);
}

#[test]
fn looking_at_an_earlier_store_does_not_change_it() {
    for earlier in 1..newest() {
        let place = store_of(earlier);
        let before = place.files();
        check_content(&place.look());
        assert_eq!(place.files(), before);
    }
}

#[test]
fn a_wrong_key_migrates_nothing() {
    let place = store_of(1);
    fs_err::write(place.key_file(), FIXTURE_KEY.replace("Zml4", "AAAA")).unwrap();
    let before = place.files();
    assert_eq!(place.try_open().unwrap_err().code(), "store_key_wrong");
    assert_eq!(place.files(), before);
}

/// A migration that cannot go to its end is as if it had not begun.
#[test]
fn a_migration_is_whole_or_not_at_all() {
    let place = store_of(1);
    let database = Connection::open(place.store_file()).unwrap();
    database
        .execute_batch("CREATE TABLE journal_open (in_the_way TEXT)")
        .unwrap();
    drop(database);
    assert_eq!(place.try_open().unwrap_err().code(), "store_failed");
    assert_eq!(version(&place), 1);

    Connection::open(place.store_file())
        .unwrap()
        .execute_batch("DROP TABLE journal_open")
        .unwrap();
    check_content(&place.open());
}

//! What stands in the place of a store and is none: said, and left as it is.

use rusqlite::Connection;

use crate::place::{Place, holder, step};
use atl_store::{Store, StoreUrl};

/// A place where `spoil` had its way with a store that was there.
fn check(spoil: impl FnOnce(&Place), code: &str, message: &str) {
    let place = Place::new();
    let store = place.open();
    for _ in 0..200 {
        store.begin(&step("link create")).unwrap();
    }
    drop(store);
    spoil(&place);

    let before = place.files();
    let opened = place.try_open().and_then(|store| store.open_steps());
    let looked = place
        .try_look()
        .and_then(|store| store.unwrap().open_steps());
    for error in [opened.unwrap_err(), looked.unwrap_err()] {
        assert_eq!(error.code(), code, "{error}");
        let path = place.store_file().display().to_string();
        assert_eq!(error.to_string().replace(&path, "PATH"), message);
        assert!(!error.advice().is_empty());
    }
    assert_eq!(place.files(), before);
}

#[test]
fn a_file_of_another_kind() {
    let foreign = "`PATH` is not a store of atl-admin";
    check(
        |place| fs_err::write(place.store_file(), "version: 1\nservers: {}\n").unwrap(),
        "store_foreign",
        foreign,
    );
    check(
        |place| {
            fs_err::remove_file(place.store_file()).unwrap();
            Connection::open(place.store_file())
                .unwrap()
                .execute_batch("CREATE TABLE bookmarks (url TEXT)")
                .unwrap();
        },
        "store_foreign",
        foreign,
    );
}

#[test]
fn a_folder() {
    check(
        |place| {
            fs_err::remove_file(place.store_file()).unwrap();
            fs_err::create_dir_all(place.store_file()).unwrap();
        },
        "store_is_folder",
        "`PATH` is a folder, not a store",
    );
}

#[test]
fn a_damaged_file() {
    check(
        |place| fs_err::write(place.store_file(), "").unwrap(),
        "store_damaged",
        "the store `PATH` is damaged: the file is empty",
    );
    check(
        |place| {
            fs_err::rename(
                place.store_file(),
                place.store_file().with_extension("db-wal"),
            )
            .unwrap();
        },
        "store_damaged",
        "the store `PATH` is damaged: its file is gone and only its `-wal` file is left",
    );
    check(
        |place| {
            let mut bytes = fs_err::read(place.store_file()).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle..].fill(0xA5);
            fs_err::write(place.store_file(), bytes).unwrap();
        },
        "store_damaged",
        "the store `PATH` is damaged: database disk image is malformed",
    );
    check(
        |place| {
            Connection::open(place.store_file())
                .unwrap()
                .execute_batch("UPDATE journal SET started = 'yesterday' WHERE id = 7")
                .unwrap();
        },
        "store_damaged",
        "the store `PATH` is damaged: column `started` is unreadable",
    );
    check(
        |place| {
            Connection::open(place.store_file())
                .unwrap()
                .execute_batch("UPDATE meta SET value = CAST('scrypt:60:8:1:c2FsdHNhbHRzYWx0c2FsdA' AS BLOB) WHERE name = 'kdf'")
                .unwrap();
        },
        "store_damaged",
        "the store `PATH` is damaged: column `value` is unreadable",
    );
}

#[test]
fn a_store_of_a_newer_version() {
    check(
        |place| {
            Connection::open(place.store_file())
                .unwrap()
                .pragma_update(None, "user_version", 99)
                .unwrap();
        },
        "store_too_new",
        "the store `PATH` has schema 99, and this version knows schemas up to 4",
    );
}

/// A process that was stopped in the middle of writing.
#[test]
fn a_store_that_is_locked_too_long() {
    let place = Place::new();
    let store = place.open();
    let other = Connection::open(place.store_file()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = store.begin(&step("link create")).unwrap_err();
    assert_eq!(error.code(), "store_busy");
    assert!(store.journal(1).unwrap().is_empty(), "it can still be read");

    other.execute_batch("ROLLBACK").unwrap();
    store.begin(&step("link create")).unwrap();
}

#[test]
fn a_path_through_a_file() {
    let place = Place::new();
    drop(place.open());
    let url = StoreUrl::Sqlite(place.store_file().join("store.db"));
    let error = Store::open(&url, &place.key(), holder()).unwrap_err();
    assert_eq!(error.code(), "store_io");
}

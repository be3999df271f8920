//! The store key, and what others see of a store.

use std::path::Path;

use atl_store::{KeySource, KeyState, Store};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use secrecy::{ExposeSecret as _, SecretString};

use crate::place::{Kind, Place, holder, keypairs, on_both};

on_both!(
    a_key_file_is_made_once_and_used_again,
    two_stores_have_two_keys,
    an_existing_store_never_gets_a_new_key,
    a_key_file_may_be_moved_into_a_variable,
    a_passphrase_opens_what_it_sealed,
    a_wrong_key_is_noticed_before_anything_is_read,
    what_is_no_key_is_neither_a_key_nor_a_passphrase,
    no_secret_is_in_the_file_or_in_print,
    a_sealed_key_opens_only_in_its_place,
);

fn text(text: &str) -> KeySource {
    KeySource::Text(text.into())
}

fn check_refused(place: &Place, key: &KeySource, code: &str) {
    let before = place.files();
    let opened = Store::open(&place.url(), key, holder()).unwrap_err();
    let looked = Store::open_existing(&place.url(), key).unwrap_err();
    for error in [opened, looked] {
        assert_eq!(error.code(), code, "{error}");
        assert!(!error.advice().is_empty());
    }
    assert_eq!(place.files(), before);
}

fn a_key_file_is_made_once_and_used_again(kind: Kind) {
    let place = Place::on(kind);
    drop(place.open());
    let made = fs_err::read_to_string(place.key_file()).unwrap();
    assert!(made.starts_with("atl-admin-store-key-v1:"), "{made}");
    drop(place.open());
    assert_eq!(fs_err::read_to_string(place.key_file()).unwrap(), made);
}

fn two_stores_have_two_keys(kind: Kind) {
    let (one, other) = (Place::on(kind), Place::on(kind));
    drop((one.open(), other.open()));
    assert_ne!(
        fs_err::read(one.key_file()).unwrap(),
        fs_err::read(other.key_file()).unwrap()
    );
}

fn an_existing_store_never_gets_a_new_key(kind: Kind) {
    let place = Place::on(kind);
    drop(place.open());
    fs_err::remove_file(place.key_file()).unwrap();
    check_refused(&place, &place.key(), "store_key_missing");

    let message = place.try_open().unwrap_err().to_string();
    let store = match kind {
        Kind::Sqlite => place.store_file().display().to_string(),
        Kind::Postgres => place.url().to_string(),
    };
    for name in [store, place.key_file().display().to_string()] {
        assert!(message.contains(&name), "{message}");
    }
}

fn a_key_file_may_be_moved_into_a_variable(kind: Kind) {
    let place = Place::on(kind);
    drop(place.open());
    let key = fs_err::read_to_string(place.key_file()).unwrap();
    fs_err::remove_file(place.key_file()).unwrap();
    Store::open(&place.url(), &text(&key), holder()).unwrap();
}

fn a_passphrase_opens_what_it_sealed(kind: Kind) {
    let place = Place::on(kind);
    let [keypair, _] = keypairs();
    let store = Store::open(&place.url(), &text("correct horse"), holder()).unwrap();
    store.add_keypair("bot", keypair, KeyState::Active).unwrap();
    drop(store);

    let again = Store::open(&place.url(), &text("correct horse\n"), holder()).unwrap();
    let found = again.keypair(&keypair.fingerprint()).unwrap().unwrap();
    assert_eq!(found.fingerprint(), keypair.fingerprint());
    assert!(!place.key_file().exists());
    check_refused(&place, &text("wrong horse"), "store_key_wrong");
}

/// RFC 7914, with the parameters and the salt that the store records.
#[test]
fn a_passphrase_stands_for_a_key_made_by_scrypt() {
    let place = Place::new();
    drop(Store::open(&place.url(), &text("correct horse"), holder()).unwrap());
    let recorded: Vec<u8> = rusqlite::Connection::open(place.store_file())
        .unwrap()
        .query_row("SELECT value FROM meta WHERE name = 'kdf'", [], |row| {
            row.get(0)
        })
        .unwrap();
    let recorded = String::from_utf8(recorded).unwrap();
    let salt = recorded.strip_prefix("scrypt:15:8:3:").unwrap();
    let salt = STANDARD_NO_PAD.decode(salt).unwrap();

    let mut key = [0; 32];
    let params = scrypt::Params::new(15, 8, 3).unwrap();
    scrypt::scrypt(b"correct horse", &salt, &params, &mut key).unwrap();
    let key = format!("atl-admin-store-key-v1:{}", STANDARD.encode(key));
    Store::open(&place.url(), &text(&key), holder()).unwrap();
}

fn a_wrong_key_is_noticed_before_anything_is_read(kind: Kind) {
    let (place, other) = (Place::on(kind), Place::on(kind));
    drop((place.open(), other.open()));
    check_refused(&place, &other.key(), "store_key_wrong");
    check_refused(&place, &text("a passphrase"), "store_key_wrong");
}

fn what_is_no_key_is_neither_a_key_nor_a_passphrase(kind: Kind) {
    let place = Place::on(kind);
    drop(place.open());
    let whole = fs_err::read_to_string(place.key_file()).unwrap();
    let cut = &whole[..whole.len() - 9];

    for broken in ["", "hunter2", cut, "atl-admin-store-key-v1:", "\u{1}\u{2}"] {
        fs_err::write(place.key_file(), broken).unwrap();
        check_refused(&place, &place.key(), "store_key_invalid");
    }
    fs_err::write(place.key_file(), b"\xff\xfe").unwrap();
    check_refused(&place, &place.key(), "store_key_invalid");
    for broken in ["", " \n", cut] {
        check_refused(&place, &text(broken), "store_key_invalid");
    }
}

fn no_secret_is_in_the_file_or_in_print(kind: Kind) {
    let place = Place::on(kind);
    let [keypair, _] = keypairs();
    let store = place.open();
    store.add_keypair("bot", keypair, KeyState::Active).unwrap();
    let der = keypair.to_der().unwrap();
    // Its header is that of every key of this size; the numbers begin well before the middle.
    let secret = &der[der.len() / 2..][..32];
    assert_eq!(place.find(secret), None);
    let shown = format!("{store:?} {:?}", text("hunter2"));
    assert!(!shown.contains("hunter2"), "{shown}");

    let key = SecretString::from(fs_err::read_to_string(place.key_file()).unwrap());
    let error = Store::open(
        &place.url(),
        &KeySource::Text(key.expose_secret()[..40].into()),
        holder(),
    )
    .unwrap_err();
    assert!(
        !format!("{error:?} {error} {}", error.advice()).contains(&key.expose_secret()[23..40])
    );
}

/// A private half that was put in another consumer's row, or changed, does not open.
fn a_sealed_key_opens_only_in_its_place(kind: Kind) {
    for sql in [
        "UPDATE keypairs SET consumer = 'other' WHERE number = 1",
        "UPDATE keypairs SET sealed = (SELECT sealed FROM keypairs WHERE number = 2) WHERE number = 1",
        "UPDATE keypairs SET sealed = substr(sealed, 2) WHERE number = 1",
        "UPDATE keypairs SET sealed = substr(sealed, 1, 1) WHERE number = 1",
    ] {
        let place = Place::on(kind);
        let store = place.open();
        for keypair in keypairs() {
            store.add_keypair("bot", keypair, KeyState::Active).unwrap();
        }
        assert_eq!(place.tamper(sql), 1);

        let [moved, left] = keypairs()
            .each_ref()
            .map(|keypair| store.keypair(&keypair.fingerprint()));
        assert_eq!(
            moved.map(drop).unwrap_err().code(),
            "store_seal_broken",
            "{sql}"
        );
        assert!(left.unwrap().is_some());
    }
}

#[cfg(unix)]
mod modes {
    use std::fs::Permissions;
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs_err::metadata(path).unwrap().mode() & 0o7777
    }

    #[test]
    fn all_files_are_for_their_owner_only() {
        let place = Place::new();
        let store = place.open();
        let _lock = store.lock("https://jira.example.com", "bot").unwrap();
        store.begin(&crate::place::step("link create")).unwrap();
        let files = place.files();
        assert!(files.len() >= 4, "store, wal, key, lock: {files:?}");
        for (path, _) in files {
            assert_eq!(mode(&path), 0o600, "{}", path.display());
            assert_eq!(mode(path.parent().unwrap()), 0o700, "{}", path.display());
        }
        assert_eq!(store.warnings(), [""; 0]);
    }

    #[test]
    fn files_open_to_others_are_told_of() {
        let place = Place::new();
        drop(place.open());
        for path in [place.key_file(), place.store_file()] {
            fs_err::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        }
        for store in [place.open(), place.look()] {
            let [key, file] = store.warnings() else {
                panic!("{:?}", store.warnings());
            };
            assert!(key.contains("store.key` is open to others than its owner (mode 0640)"));
            assert!(file.contains("store.db` is open to others"), "{file}");
        }
        assert_eq!(mode(&place.key_file()), 0o640, "it is the user's to change");
    }
}

//! Grants: what goes in comes out, and only through the door.

use atl_store::{GrantRow, GrantSecrets, GrantState, Store};
use jiff::{SignedDuration, Timestamp};
use secrecy::ExposeSecret as _;

use crate::place::{Kind, Place, grant, grant_secrets, on_both};

on_both!(
    a_grant_comes_back_whole,
    what_the_server_did_not_say_stays_unsaid,
    grants_are_in_the_order_of_servers_consumers_and_users_and_the_oldest_first,
    a_token_is_in_the_store_once,
    a_renewed_grant_takes_the_place_of_the_old_one,
    a_grant_is_replaced_in_one_step_or_not_at_all,
    what_a_server_said_of_a_grant_is_kept_with_the_time,
    a_grant_that_is_not_there_is_said_to_be_missing,
    a_forgotten_grant_is_gone,
    no_token_is_in_the_files_or_in_print,
    sealed_secrets_open_only_in_their_place,
    names_of_the_fleet_file_are_no_part_of_the_seal,
    a_row_that_cannot_be_read_is_a_damaged_store,
);

/// Token, secret and session handle.
fn texts(secrets: &GrantSecrets) -> [&str; 3] {
    [
        Some(&secrets.token),
        Some(&secrets.secret),
        secrets.session_handle.as_ref(),
    ]
    .map(|text| text.map_or("", |text| text.expose_secret()))
}

fn check_opens(store: &Store, row: &GrantRow, secrets: &GrantSecrets) {
    let found = store.grant_secrets(row).unwrap().unwrap();
    assert_eq!(texts(&found), texts(secrets), "{row:?}");
}

/// A store with a grant in each of these rows, whose secrets begin with the id.
fn filled(kind: Kind, rows: &[GrantRow]) -> (Place, Store) {
    let place = Place::on(kind);
    let store = place.open();
    for row in rows {
        store.put_grant(row, &grant_secrets(&row.id), &[]).unwrap();
    }
    (place, store)
}

/// Changes the store behind its back, as it would not.
fn tamper(place: &Place, sql: &str) {
    assert_eq!(place.tamper(sql), 1, "{sql}");
}

fn a_grant_comes_back_whole(kind: Kind) {
    let place = Place::on(kind);
    let row = GrantRow {
        note: Some("caf\u{e9}".into()),
        ..grant("000000000001")
    };
    let secrets = grant_secrets("one");
    place.open().put_grant(&row, &secrets, &[]).unwrap();

    let again = place.open();
    assert_eq!(again.grants().unwrap(), std::slice::from_ref(&row));
    check_opens(&again, &row, &secrets);
    assert!(again.grant_secrets(&grant("0")).unwrap().is_none());
}

fn what_the_server_did_not_say_stays_unsaid(kind: Kind) {
    let place = Place::on(kind);
    let row = GrantRow {
        expires_in: None,
        session_expires_in: None,
        renewable: false,
        state: GrantState::Unknown,
        checked: None,
        ..grant("000000000001")
    };
    let secrets = GrantSecrets {
        session_handle: None,
        ..grant_secrets("one")
    };
    let store = place.open();
    store.put_grant(&row, &secrets, &[]).unwrap();
    assert_eq!(store.grants().unwrap(), std::slice::from_ref(&row));
    assert_eq!((row.expires(), row.session_ends()), (None, None));
    check_opens(&store, &row, &secrets);
}

#[test]
fn a_grant_ends_so_long_after_its_token_was_issued() {
    let issued: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    let row = GrantRow {
        created: issued - SignedDuration::from_hours(24),
        issued,
        expires_in: Some(60),
        session_expires_in: Some(90),
        ..grant("000000000001")
    };
    let shown = [row.expires(), row.session_ends()].map(|end| end.unwrap().to_string());
    assert_eq!(shown, ["2026-01-01T00:01:00Z", "2026-01-01T00:01:30Z"]);

    for endless in [u64::MAX, i64::MAX.unsigned_abs()] {
        let row = GrantRow {
            expires_in: Some(endless),
            ..row.clone()
        };
        assert_eq!(row.expires(), None, "no calendar has that day");
    }
}

fn grants_are_in_the_order_of_servers_consumers_and_users_and_the_oldest_first(kind: Kind) {
    let row = |id: &str, server: &str, consumer: &str, user: &str| GrantRow {
        server: server.into(),
        consumer: consumer.into(),
        user: user.into(),
        ..grant(id)
    };
    let (_place, store) = filled(
        kind,
        &[
            row("5", "wiki", "bot", "alice"),
            row("3", "jira", "bot", "bob"),
            row("4", "jira", "ci", "alice"),
            row("2", "jira", "bot", "alice"),
            row("1", "jira", "bot", "alice"),
        ],
    );
    let grants = store.grants().unwrap();
    let ids: Vec<_> = grants.iter().map(|row| row.id.as_str()).collect();
    assert_eq!(ids, ["2", "1", "3", "4", "5"]);
}

fn a_token_is_in_the_store_once(kind: Kind) {
    let row = grant("000000000001");
    let (_place, store) = filled(kind, &[row.clone(), grant("000000000002")]);
    let changed = GrantRow {
        state: GrantState::Expired,
        ..row
    };
    let secrets = grant_secrets("again");
    store.put_grant(&changed, &secrets, &[]).unwrap();
    let grants = store.grants().unwrap();
    assert_eq!(grants.len(), 2);
    assert!(grants.contains(&changed), "{grants:?}");
    check_opens(&store, &changed, &secrets);
}

fn a_renewed_grant_takes_the_place_of_the_old_one(kind: Kind) {
    let (old, other) = (grant("000000000001"), grant("000000000002"));
    let (_place, store) = filled(kind, &[old.clone(), other.clone()]);
    let new = grant("000000000003");
    let secrets = grant_secrets("new");
    store.put_grant(&new, &secrets, &[&old.id]).unwrap();

    assert_eq!(store.grants().unwrap(), [other, new.clone()]);
    assert!(store.grant_secrets(&old).unwrap().is_none());
    check_opens(&store, &new, &secrets);
}

/// A step that is not taken to its end leaves what was there.
fn a_grant_is_replaced_in_one_step_or_not_at_all(kind: Kind) {
    let old = grant("000000000001");
    let (place, store) = filled(kind, std::slice::from_ref(&old));
    place.refuse("grants");
    let new = grant("000000000002");
    let error = store.put_grant(&new, &grant_secrets("new"), &[&old.id]);
    assert_eq!(error.unwrap_err().code(), "store_failed");

    for store in [store, place.open()] {
        assert_eq!(store.grants().unwrap(), std::slice::from_ref(&old));
        check_opens(&store, &old, &grant_secrets(&old.id));
    }
}

fn what_a_server_said_of_a_grant_is_kept_with_the_time(kind: Kind) {
    let row = GrantRow {
        checked: None,
        ..grant("000000000001")
    };
    let (_place, store) = filled(kind, &[row.clone(), grant("000000000002")]);
    let said = [
        (GrantState::Expired, None),
        (
            GrantState::Unknown,
            Some("the answer to a renewal was lost"),
        ),
        (GrantState::Rejected, Some("token_rejected")),
        (GrantState::Active, None),
    ];
    for (state, note) in said {
        let before = Timestamp::now();
        store.set_grant_state(&row.id, state, note).unwrap();
        let [found, other] = &store.grants().unwrap()[..] else {
            panic!();
        };
        assert!(found.checked.unwrap() >= before, "{found:?}");
        let expected = GrantRow {
            state,
            note: note.map(Into::into),
            checked: found.checked,
            ..row.clone()
        };
        assert_eq!(found, &expected);
        assert_eq!((other.state, &other.note), (GrantState::Active, &None));
        check_opens(&store, found, &grant_secrets(&row.id));
    }
}

fn a_grant_that_is_not_there_is_said_to_be_missing(kind: Kind) {
    let (_place, store) = filled(kind, &[]);
    let error = store
        .set_grant_state("6a1f0c9b2d3e", GrantState::Active, None)
        .unwrap_err();
    assert_eq!(error.code(), "grant_unknown");
    assert!(error.to_string().contains("6a1f0c9b2d3e"), "{error}");
    assert!(error.advice().contains("tokens list"), "{error}");
}

fn a_forgotten_grant_is_gone(kind: Kind) {
    let row = grant("000000000001");
    let (place, store) = filled(kind, std::slice::from_ref(&row));
    assert!(store.forget_grant(&row.id).unwrap());
    assert!(!store.forget_grant(&row.id).unwrap(), "it was gone");
    for store in [store, place.open()] {
        assert_eq!(store.grants().unwrap(), []);
        assert!(store.grant_secrets(&row).unwrap().is_none());
    }
}

fn no_token_is_in_the_files_or_in_print(kind: Kind) {
    let row = grant("000000000001");
    let secrets = grant_secrets("hunter2");
    let place = Place::on(kind);
    let store = place.open();
    store.put_grant(&row, &secrets, &[]).unwrap();

    let look = |place: &Place| {
        for text in texts(&secrets) {
            assert_eq!(place.find(text.as_bytes()), None, "{text}");
        }
    };
    look(&place);
    let renewed = grant("000000000002");
    store.put_grant(&renewed, &secrets, &[&row.id]).unwrap();
    let found = store.grant_secrets(&renewed).unwrap().unwrap();
    tamper(&place, "UPDATE grants SET \"user\" = 'bob'");
    let error = store.grant_secrets(&store.grants().unwrap()[0]);
    let error = error.unwrap_err();
    let shown = format!("{found:?} {store:?} {error} {error:?} {}", error.advice());
    assert!(!shown.contains("hunter2"), "{shown}");
    drop(store);
    look(&place);
}

/// Secrets that were put in another grant's row, or changed, do not open.
fn sealed_secrets_open_only_in_their_place(kind: Kind) {
    for sql in [
        "UPDATE grants SET sealed = (SELECT sealed FROM grants WHERE number = 2) WHERE number = 1",
        "UPDATE grants SET sealed = substr(sealed, 2) WHERE number = 1",
        "UPDATE grants SET sealed = substr(sealed, 1, 1) WHERE number = 1",
        "UPDATE grants SET \"user\" = 'admin' WHERE number = 1",
        "UPDATE grants SET consumer_key = 'other' WHERE number = 1",
        "UPDATE grants SET server_url = 'https://evil.example' WHERE number = 1",
        "UPDATE grants SET id = '000000000009' WHERE number = 1",
    ] {
        let (place, store) = filled(kind, &[grant("000000000001"), grant("000000000002")]);
        tamper(&place, sql);
        let grants = store.grants().unwrap();
        let (left, moved): (Vec<_>, Vec<_>) =
            grants.iter().partition(|row| row.id == "000000000002");
        let error = store.grant_secrets(moved[0]).unwrap_err();
        assert_eq!(error.code(), "store_seal_broken", "{sql}");
        assert!(error.to_string().contains(&moved[0].id), "{error}");
        check_opens(&store, left[0], &grant_secrets("000000000002"));
    }
}

/// The name of a server or of a consumer may change in the fleet file.
fn names_of_the_fleet_file_are_no_part_of_the_seal(kind: Kind) {
    let row = grant("000000000001");
    let (place, store) = filled(kind, std::slice::from_ref(&row));
    tamper(&place, "UPDATE grants SET server = 'j', consumer = 'c'");
    let renamed = store.grants().unwrap().remove(0);
    assert_eq!((&*renamed.server, &*renamed.consumer), ("j", "c"));
    check_opens(&store, &renamed, &grant_secrets(&row.id));
}

fn a_row_that_cannot_be_read_is_a_damaged_store(kind: Kind) {
    for (sql, column) in [
        ("UPDATE grants SET state = 'fine'", "state"),
        ("UPDATE grants SET created = 'yesterday'", "created"),
        ("UPDATE grants SET issued = ''", "issued"),
        ("UPDATE grants SET checked = 'now'", "checked"),
        ("UPDATE grants SET expires_in = -1", "expires_in"),
        (
            "UPDATE grants SET session_expires_in = -1",
            "session_expires_in",
        ),
    ] {
        let (place, store) = filled(kind, &[grant("000000000001")]);
        tamper(&place, sql);
        let error = store.grants().unwrap_err();
        assert_eq!(error.code(), "store_damaged", "{sql}");
        assert!(
            error.to_string().contains(&format!("`{column}`")),
            "{error}"
        );
    }
}

//! Imports: what goes in comes out, by the million, and one of each server.

use std::ops::ControlFlow;

use atl_store::{ImportRow, Packer, Store};
use jiff::Timestamp;

use crate::place::{Kind, Place, on_both};

on_both!(
    rows_come_back_as_they_were_and_in_order,
    a_new_import_takes_the_place_of_the_former_one_of_its_server,
    an_import_is_whole_or_not_at_all,
    what_is_not_what_was_put_in_is_a_damaged_store,
    rows_of_two_imports_are_never_mixed,
    who_looks_sees_them_and_changes_nothing,
);

pub(crate) fn import(server_url: &str) -> ImportRow {
    let now = Timestamp::now();
    ImportRow {
        server: "jira".into(),
        server_url: server_url.into(),
        product: "jira".into(),
        file: "grants.csv".into(),
        exported: Some(now),
        imported: now,
        rows: 0,
    }
}

pub(crate) fn packed(rows: impl IntoIterator<Item = String>) -> Packer {
    let mut packer = Packer::default();
    rows.into_iter().for_each(|row| packer.add(&row));
    packer
}

/// As long and as varied as rows of grants.
fn row(number: u32) -> String {
    format!(
        "{{\"id\":\"{:012x}\",\"user\":\"caf\u{e9}-{}\"}}",
        u64::from(number) * 7_919_777_777,
        number % 500
    )
}

fn rows(store: &Store, server_url: &str) -> Vec<String> {
    let mut found = Vec::new();
    let import = store.import(server_url).unwrap().unwrap();
    let flow = import.each(&mut |row| {
        found.push(row.to_owned());
        Some(ControlFlow::Continue(()))
    });
    assert!(flow.unwrap().is_continue());
    assert_eq!(import.row.rows, found.len() as u64);
    found
}

const A: &str = "https://a.example";
const B: &str = "https://b.example";

fn rows_come_back_as_they_were_and_in_order(kind: Kind) {
    let place = Place::on(kind);
    let store = place.open();
    assert_eq!(store.imports().unwrap(), []);
    assert!(store.import(A).unwrap().is_none());
    // None, one, and more than one pack holds.
    for count in [0, 1, 70_000] {
        let put = store
            .put_import(&import(A), packed((0..count).map(row)))
            .unwrap();
        assert_eq!(put.rows, u64::from(count));
        let again = place.open();
        assert_eq!(again.imports().unwrap(), [put]);
        assert!(rows(&again, A).into_iter().eq((0..count).map(row)));
    }
    // Who has seen enough gets no more.
    let mut seen = 0;
    let flow = store.import(A).unwrap().unwrap().each(&mut |_| {
        seen += 1;
        Some(ControlFlow::Break(()))
    });
    assert_eq!((flow.unwrap(), seen), (ControlFlow::Break(()), 1));
}

fn a_new_import_takes_the_place_of_the_former_one_of_its_server(kind: Kind) {
    let place = Place::on(kind);
    let store = place.open();
    let put = |url, rows: &[&str]| {
        let rows = rows.iter().map(|row| (*row).to_owned());
        store.put_import(&import(url), packed(rows)).unwrap()
    };
    put(A, &["one", "two"]);
    let other = put(B, &["three"]);
    let newer = put(A, &["four"]);
    assert_eq!(store.imports().unwrap(), [newer, other]);
    assert_eq!(rows(&store, A), ["four"]);
    assert_eq!(rows(&store, B), ["three"]);
}

fn an_import_is_whole_or_not_at_all(kind: Kind) {
    let place = Place::on(kind);
    let store = place.open();
    let kept = store
        .put_import(&import(A), packed(["kept".into()]))
        .unwrap();
    place.refuse("imported_grants");
    let refused = store.put_import(&import(A), packed((0..9).map(row)));
    assert!(refused.is_err());
    assert_eq!(store.imports().unwrap(), [kept]);
    assert_eq!(rows(&store, A), ["kept"]);
}

fn what_is_not_what_was_put_in_is_a_damaged_store(kind: Kind) {
    let place = Place::on(kind);
    let store = place.open();
    let put = |count| {
        let rows = packed((0..count).map(row));
        store.put_import(&import(A), rows).unwrap();
    };
    let check = || {
        let import = store.import(A).unwrap().unwrap();
        let error = import.each(&mut |_| Some(ControlFlow::Continue(())));
        assert_eq!(error.unwrap_err().code(), "store_damaged");
    };
    put(9);
    let not_understood = store.import(A).unwrap().unwrap().each(&mut |_| None);
    assert_eq!(not_understood.unwrap_err().code(), "store_damaged");

    assert_eq!(place.tamper("UPDATE imports SET rows = 8"), 1);
    check();
    put(70_000);
    assert_eq!(
        place.tamper("DELETE FROM imported_grants WHERE number = 2"),
        1
    );
    check();
    put(9);
    let other = match kind {
        Kind::Sqlite => "UPDATE imported_grants SET pack = x'78016e6f7468696e67'",
        Kind::Postgres => "UPDATE imported_grants SET pack = '\\x78016e6f7468696e67'",
    };
    assert_eq!(place.tamper(other), 1);
    check();
}

fn rows_of_two_imports_are_never_mixed(kind: Kind) {
    let place = Place::on(kind);
    let store = place.open();
    let put = || store.put_import(&import(A), packed((0..70_000).map(row)));
    put().unwrap();
    let mut seen = 0;
    let replaced = store.import(A).unwrap().unwrap().each(&mut |_| {
        seen += 1;
        if seen == 1 {
            put().unwrap();
        }
        Some(ControlFlow::Continue(()))
    });
    assert_eq!(replaced.unwrap_err().code(), "import_replaced");
    assert!(seen < 70_000);
    assert!(rows(&store, A).into_iter().eq((0..70_000).map(row)));
}

fn who_looks_sees_them_and_changes_nothing(kind: Kind) {
    let place = Place::on(kind);
    place
        .open()
        .put_import(&import(A), packed((0..70_000).map(row)))
        .unwrap();
    let looking = place.look();
    assert!(rows(&looking, A).into_iter().eq((0..70_000).map(row)));
    let refused = looking.put_import(&import(A), packed([]));
    assert_eq!(refused.unwrap_err().code(), "store_looking_only");
}

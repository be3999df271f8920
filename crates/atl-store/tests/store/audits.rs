//! Audits: each is kept as what came and what went, and reads as it was.

use atl_store::{AuditKind, AuditMade, AuditRow, Comparison, Store, StoreError};
use jiff::Timestamp;

use crate::place::{Kind, Place, on_both};

on_both!(
    an_audit_reads_as_it_was_made,
    what_could_not_be_looked_at_stays,
    an_audit_is_whole_or_not_at_all,
);

fn row((key, body): (&str, &str)) -> AuditRow {
    AuditRow {
        key: key.to_owned(),
        body: body.to_owned(),
    }
}

fn put(
    store: &Store,
    made: i64,
    grants: &[(&str, &str)],
    stays: &dyn Fn(AuditKind, &AuditRow) -> bool,
) -> Result<i64, StoreError> {
    let comparison = Comparison {
        same: &|one, other| one == other,
        stays,
    };
    let made = Timestamp::from_second(made).unwrap();
    store.put_audit(
        made,
        &comparison,
        &mut |take| {
            for grant in grants {
                take(row(*grant));
            }
            Ok(())
        },
        &mut |take| {
            take(row(("f", "a finding")));
            Ok(())
        },
    )
}

fn grants(store: &Store, audit: &AuditMade) -> Vec<String> {
    let rows = store.audit_rows(audit, AuditKind::Grant, "").unwrap();
    let shown = rows.iter().map(|row| format!("{}={}", row.key, row.body));
    shown.collect()
}

fn an_audit_reads_as_it_was_made(kind: Kind) {
    let place = Place::on(kind);
    let store = place.open();
    assert_eq!(store.last_audit(None).unwrap(), None);
    let gone = |_: AuditKind, _: &AuditRow| false;
    put(&store, 100, &[("a", "1"), ("b", "1"), ("d", "1")], &gone).unwrap();
    put(&store, 200, &[("a", "1"), ("b", "2"), ("c", "1")], &gone).unwrap();
    put(&store, 300, &[], &gone).unwrap();
    let at = |time| {
        let until = Timestamp::from_second(time).unwrap();
        store.last_audit(Some(until)).unwrap()
    };
    assert_eq!(at(99), None);
    let [first, second, third] = [150, 200, 999].map(|time| at(time).unwrap());
    assert_eq!(grants(&store, &first), ["a=1", "b=1", "d=1"]);
    assert_eq!(grants(&store, &second), ["a=1", "b=2", "c=1"]);
    assert_eq!(grants(&store, &third), [""; 0]);
    assert_eq!((first.rows, second.rows, third.rows), (4, 4, 1));
    let findings = store.audit_rows(&third, AuditKind::Finding, "").unwrap();
    assert_eq!(findings, [row(("f", "a finding"))]);
    let behind = store.audit_rows(&second, AuditKind::Grant, "b").unwrap();
    assert_eq!(behind, [row(("c", "1"))]);
}

fn what_could_not_be_looked_at_stays(kind: Kind) {
    let place = Place::on(kind);
    let store = place.open();
    put(&store, 100, &[("a", "1"), ("b", "1")], &|_, _| false).unwrap();
    put(&store, 200, &[], &|_, row| row.key == "b").unwrap();
    let last = store.last_audit(None).unwrap().unwrap();
    assert_eq!(grants(&store, &last), ["b=1"]);
}

fn an_audit_is_whole_or_not_at_all(kind: Kind) {
    let place = Place::on(kind);
    let store = place.open();
    let comparison = Comparison {
        same: &|_, _| true,
        stays: &|_, _| false,
    };
    let broken = store.put_audit(
        Timestamp::now(),
        &comparison,
        &mut |take| {
            take(row(("f", "1")));
            Ok(())
        },
        &mut |_| {
            Err(StoreError::Spool {
                source: "gone".into(),
            })
        },
    );
    assert!(
        matches!(broken, Err(StoreError::Spool { .. })),
        "{broken:?}"
    );
    assert_eq!(store.last_audit(None).unwrap(), None);
    put(&store, 100, &[("a", "1")], &|_, _| false).unwrap();
}

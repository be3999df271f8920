//! The journal.

use atl_store::{Outcome, Step};
use proptest::prelude::*;

use crate::place::{Kind, Place, on_both, step};

on_both!(
    a_step_is_open_until_it_has_ended,
    the_newest_steps_come_first_and_open_ones_in_order,
);

fn a_step_is_open_until_it_has_ended(kind: Kind) {
    let place = Place::on(kind);
    let store = place.open();
    let begun = step("consumer put");
    let id = store.begin(&begun).unwrap();

    let again = place.open();
    let [row] = &again.open_steps().unwrap()[..] else {
        panic!("one step is open");
    };
    assert_eq!(
        (row.id, &row.step, &row.finished, &row.outcome),
        (id, &begun, &None, &None)
    );

    again.finish(id, &Outcome::Done).unwrap();
    assert!(store.open_steps().unwrap().is_empty());
    let [row] = &store.journal(9).unwrap()[..] else {
        panic!("one step is in the journal");
    };
    assert_eq!((row.id, &row.outcome), (id, &Some(Outcome::Done)));
    assert!(row.finished.unwrap() >= row.started);

    for gone in [id, id + 1] {
        let error = store.finish(gone, &Outcome::Done).unwrap_err();
        assert_eq!(error.code(), "step_not_open");
    }
}

fn the_newest_steps_come_first_and_open_ones_in_order(kind: Kind) {
    let store = Place::on(kind).open();
    let ids: Vec<i64> = (0..4)
        .map(|_| store.begin(&step("link create")).unwrap())
        .collect();
    store
        .finish(ids[1], &Outcome::Failed("409".into()))
        .unwrap();
    let id =
        |rows: Vec<atl_store::JournalRow>| rows.into_iter().map(|row| row.id).collect::<Vec<_>>();

    assert_eq!(id(store.journal(3).unwrap()), [ids[3], ids[2], ids[1]]);
    assert_eq!(id(store.journal(usize::MAX).unwrap()).len(), 4);
    assert_eq!(id(store.journal(0).unwrap()), [0; 0]);
    assert_eq!(id(store.open_steps().unwrap()), [ids[0], ids[2], ids[3]]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever the words are, the journal gives them back.
    #[test]
    fn a_step_comes_back_as_it_was(
        words in prop::array::uniform4("\\PC{0,20}"),
        optional in prop::array::uniform2(prop::option::of("\\PC{0,20}")),
        outcome in prop_oneof![
            Just(Outcome::Done),
            "\\PC{0,20}".prop_map(Outcome::Failed),
            "\\PC{0,20}".prop_map(Outcome::Unknown),
        ],
    ) {
        let [action, server, key, value] = words;
        let [consumer, account] = optional;
        let detail = serde_json::json!({ (key): value, "n": [1.5, null, true] });
        let begun = Step { action, server, consumer, account, detail, ..step("") };
        let store = Place::new().open();
        let id = store.begin(&begun).unwrap();
        store.finish(id, &outcome).unwrap();
        let row = store.journal(1).unwrap().remove(0);
        prop_assert_eq!((row.step, row.outcome), (begun, Some(outcome)));
    }
}

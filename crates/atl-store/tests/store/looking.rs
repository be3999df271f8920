//! Looking makes nothing, changes nothing and disturbs nobody.

use atl_store::{GrantState, KeyState, Outcome};

use crate::place::{Kind, Place, grant, grant_secrets, keypairs, on_both, step};

on_both!(
    no_store_is_none_and_stays_none,
    looking_sees_everything_and_leaves_the_files_alone,
    looking_sees_what_a_writer_has_not_folded_in_yet,
    looking_writes_nothing,
);

fn no_store_is_none_and_stays_none(kind: Kind) {
    let place = Place::on(kind);
    assert!(place.try_look().unwrap().is_none());
    assert!(!place.store_file().exists() && !place.key_file().exists());
    if kind == Kind::Postgres {
        assert_eq!(place.dump(), "", "no table");
    }
}

fn looking_sees_everything_and_leaves_the_files_alone(kind: Kind) {
    let place = Place::on(kind);
    let store = place.open();
    let [keypair, _] = keypairs();
    let row = store.add_keypair("bot", keypair, KeyState::Active).unwrap();
    let id = store.begin(&step("link create")).unwrap();
    let kept = grant("000000000001");
    store.put_grant(&kept, &grant_secrets("t"), &[]).unwrap();
    drop(store);
    let before = place.files();

    let looking = place.look();
    assert!(looking.grant_secrets(&kept).unwrap().is_some());
    assert_eq!(looking.grants().unwrap(), [kept]);
    assert_eq!(looking.keypairs().unwrap(), [row]);
    assert!(looking.keypair(&keypair.fingerprint()).unwrap().is_some());
    assert_eq!(looking.open_steps().unwrap()[0].id, id);
    assert_eq!(place.files(), before);
}

fn looking_sees_what_a_writer_has_not_folded_in_yet(kind: Kind) {
    let place = Place::on(kind);
    let writer = place.open();
    let id = writer.begin(&step("link create")).unwrap();
    let looking = place.look();
    writer.finish(id, &Outcome::Done).unwrap();
    assert_eq!(looking.open_steps().unwrap().len(), 1, "it is a copy");
    assert!(place.look().open_steps().unwrap().is_empty());
}

fn looking_writes_nothing(kind: Kind) {
    let place = Place::on(kind);
    let writer = place.open();
    let [keypair, _] = keypairs();
    let id = writer.begin(&step("link create")).unwrap();
    let kept = grant("000000000001");
    writer.put_grant(&kept, &grant_secrets("t"), &[]).unwrap();
    let looking = place.look();
    let before = place.files();
    let refused = [
        looking.begin(&step("link create")).map(drop),
        looking.finish(id, &Outcome::Done),
        looking.keypair_or_add("bot", keypair).map(drop),
        looking.delete_keypair(&keypair.fingerprint()).map(drop),
        looking.forget_registration("bot", "https://a.example"),
        looking.lock("https://a.example", "bot").map(drop),
        looking.put_grant(&grant("000000000002"), &grant_secrets("u"), &[&kept.id]),
        looking.set_grant_state(&kept.id, GrantState::Rejected, None),
        looking.forget_grant(&kept.id).map(drop),
    ];
    for result in refused {
        assert_eq!(result.unwrap_err().code(), "store_looking_only");
    }
    assert_eq!(place.files(), before);
}

//! `check`: the grants of a consumer, each asked about with one signed call

use atl_store::{GrantRow, GrantSecrets, GrantState, Holder, KeySource, Store, StoreUrl};
use atl_testbed::{ALICE, ALICE_PASSWORD, BOB, Fault, Matcher, Role, Token, User};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::{
    check_calls::{named, says},
    estate::{CONSUMER, Fleet},
};

const YEAR: u64 = 365 * 86_400;
const DAY: u64 = 86_400;

fn store(fleet: &Fleet) -> Store {
    let url = StoreUrl::Sqlite(fleet.env.path("home/data/atl-admin/store.db"));
    let key = KeySource::File(fleet.env.path("home/config/atl-admin/store.key"));
    let holder = Holder {
        user: "somebody".to_owned(),
        host: "elsewhere".to_owned(),
        command: "test".to_owned(),
    };
    Store::open(&url, &key, holder).unwrap()
}

/// A grant that was given a day ago for a year, and can be renewed for ten more days.
fn row(fleet: &Fleet, user: &str) -> GrantRow {
    let day_ago = Timestamp::now() - SignedDuration::from_secs(DAY.cast_signed());
    GrantRow {
        id: format!("{:012x}", user.len()),
        consumer: CONSUMER.to_owned(),
        consumer_key: CONSUMER.to_owned(),
        server: fleet.first().name().to_owned(),
        server_url: fleet.first().base_url(),
        user: user.to_owned(),
        created: day_ago,
        issued: day_ago,
        expires_in: Some(YEAR),
        session_expires_in: Some(YEAR + 10 * DAY),
        renewable: true,
        state: GrantState::Active,
        checked: None,
        note: None,
    }
}

fn keep(fleet: &Fleet, row: &GrantRow, token: &str) {
    let secrets = GrantSecrets {
        token: token.into(),
        secret: "secret".into(),
        session_handle: row.renewable.then(|| "handle".into()),
    };
    store(fleet).put_grant(row, &secrets, &[]).unwrap();
}

/// A provisioned Jira, and a grant of alice that works.
fn granted() -> Fleet {
    let fleet = Fleet::provisioned();
    let row = row(&fleet, ALICE);
    keep(&fleet, &row, "granted");
    fleet
        .first()
        .add_token(Token::access("granted", CONSUMER, ALICE));
    fleet
}

fn want(fleet: &Fleet, users: &str) {
    fleet.edit(
        "    name: Deploy bot\n",
        &format!("    name: Deploy bot\n    grants: [{users}]\n"),
    );
}

/// Status and user of every check of a grant.
fn grants(document: &Value) -> Vec<(&str, &str)> {
    let checks = document["servers"][0]["checks"].as_array().unwrap();
    let grants = checks.iter().filter(|check| check["check"] == "grant");
    grants
        .map(|check| {
            assert_eq!(check["consumer"], CONSUMER, "{check:#}");
            let text = |key: &str| check[key].as_str().unwrap();
            (text("status"), text("user"))
        })
        .collect()
}

#[test]
fn a_grant_that_works_passes_with_its_end_and_nothing_is_written_down() {
    let fleet = granted();
    let before = store(&fleet).grants().unwrap();
    let document = says(
        &fleet,
        "grant",
        "pass",
        &["`alice`", "works until 20", "can be renewed until 20"],
        0,
    );
    assert_eq!(grants(&document), [("pass", ALICE)]);
    assert_eq!(store(&fleet).grants().unwrap(), before);
    // It shows that users may grant: nobody has to ask for that.
    let log = fleet.first().log();
    assert!(
        log.iter()
            .all(|exchange| !exchange.path.contains("request-token"))
    );
}

#[test]
fn a_grant_that_is_wanted_and_not_there_is_a_warning() {
    let fleet = granted();
    want(&fleet, "{ user: Alice }, { user: bob }");
    let words = [
        "no grant of `bob`",
        "atl-admin authorize -s jira -c deploy-bot --user bob",
    ];
    let document = says(&fleet, "grant", "warn", &words, 0);
    assert_eq!(grants(&document), [("warn", BOB), ("pass", ALICE)]);

    let fleet = Fleet::of(atl_testbed::Kind::Bamboo);
    want(&fleet, "{ user: alice }");
    says(&fleet, "grant", "warn", &["no grant of `alice`"], 0);
}

#[test]
fn a_grant_that_ends_soon_is_a_warning_while_it_can_be_renewed_and_when_it_cannot() {
    let fleet = granted();
    let soon = GrantRow {
        expires_in: Some(20 * DAY),
        ..row(&fleet, ALICE)
    };
    keep(&fleet, &soon, "granted");
    says(
        &fleet,
        "grant",
        "warn",
        &[
            "works until 20",
            "tokens renew -s jira -c deploy-bot --user alice",
        ],
        0,
    );
    for (renewable, session) in [(false, None), (true, Some(DAY / 2))] {
        let row = GrantRow {
            renewable,
            session_expires_in: session,
            ..soon.clone()
        };
        keep(&fleet, &row, "granted");
        let words = [
            "it cannot be renewed",
            "tokens revoke 000000000005",
            "authorize -s jira",
        ];
        says(&fleet, "grant", "warn", &words, 0);
    }
    let open_end = GrantRow {
        expires_in: None,
        session_expires_in: None,
        ..soon
    };
    keep(&fleet, &open_end, "granted");
    says(&fleet, "grant", "pass", &["did not say until when"], 0);
}

#[test]
fn a_grant_that_is_dead_fails_with_what_it_died_of() {
    #[track_caller]
    fn check(kill: impl FnOnce(&Fleet), words: &[&str]) {
        let fleet = granted();
        kill(&fleet);
        let document = says(&fleet, "grant", "fail", words, 1);
        assert_eq!(grants(&document), [("fail", ALICE)]);
    }
    let expired = Token {
        ttl: 1,
        ..Token::access("granted", CONSUMER, ALICE)
    };
    let again = "authorize -s jira -c deploy-bot --user alice";
    check(
        |fleet| fleet.first().add_token(expired.clone()),
        &["has expired; it can be renewed until 20", "tokens renew"],
    );
    check(
        |fleet| {
            fleet.first().add_token(expired.clone());
            let row = GrantRow {
                renewable: false,
                ..row(fleet, ALICE)
            };
            keep(fleet, &row, "granted");
        },
        &["has expired\"", again],
    );
    check(
        |fleet| keep(fleet, &row(fleet, ALICE), "revoked"),
        &[
            "not accepted any more: token_rejected",
            "atl-admin authorize",
        ],
    );
    check(
        |fleet| {
            fleet.first().put_user(User {
                active: false,
                ..User::new(ALICE, ALICE_PASSWORD, Role::User)
            });
        },
        &[
            "`alice` may not sign in any more",
            "tokens revoke 000000000005",
        ],
    );
}

#[test]
fn a_grant_of_somebody_else_than_was_named_is_a_warning() {
    let fleet = granted();
    fleet
        .first()
        .add_token(Token::access("granted", CONSUMER, BOB));
    let words = [
        "that `alice` gave stands for `bob` now",
        "tokens revoke 000000000005",
    ];
    says(&fleet, "grant", "warn", &words, 0);
}

#[test]
fn a_dead_grant_beside_one_that_works_is_a_warning() {
    let fleet = granted();
    let old = GrantRow {
        id: "0123456789ab".to_owned(),
        ..row(&fleet, "ALICE")
    };
    keep(&fleet, &old, "revoked");
    let (document, code) = fleet.json("check");
    let mut found = grants(&document);
    found.sort_unstable();
    assert_eq!((found, code), (vec![("pass", ALICE), ("warn", "ALICE")], 0));
    assert!(
        document.to_string().contains("tokens revoke 0123456789ab"),
        "{document:#}"
    );
}

#[test]
fn three_legged_oauth_that_is_off_is_found_without_a_trace() {
    // With a grant that shows it, and where the first grant is yet to come.
    let wanting = Fleet::provisioned();
    want(&wanting, "{ user: alice }");
    says(
        &wanting,
        "consumer",
        "pass",
        &["users may grant it access"],
        0,
    );
    for (fleet, grant) in [(granted(), "fail"), (wanting, "warn")] {
        let before = fleet.first().tokens().len();
        let off = |consumer: &mut atl_testbed::Consumer| consumer.three_legged = false;
        fleet.first().edit_consumer(CONSUMER, off);
        let words = [
            "three-legged OAuth is off",
            "`permission_denied`",
            "switch incoming OAuth on",
        ];
        let document = says(&fleet, "consumer", "fail", &words, 1);
        assert_eq!(grants(&document), [(grant, ALICE)]);
        assert_eq!(fleet.first().tokens().len(), before);
    }
}

#[test]
fn where_the_consumer_is_gone_its_grants_are_dead() {
    let fleet = granted();
    fleet.first().remove_consumer(CONSUMER);
    let document = says(&fleet, "grant", "fail", &["token_rejected"], 1);
    assert_eq!(
        named(&document, "consumer")["status"],
        "warn",
        "{document:#}"
    );
}

#[test]
fn a_grant_that_cannot_be_asked_about_is_no_pass() {
    // Calls of the consumer are refused: that is what to mend first.
    let fleet = granted();
    let internal = Some("https://internal:7999".to_owned());
    fleet.first().set(atl_testbed::Setting::SeenAs(internal));
    says(&fleet, "grant", "skip", &["cannot be asked about"], 1);

    // The call with the grant is answered with a page: sign-in and the consumer's own call come first.
    let fleet = granted();
    let fault = Fault::Answer(200, "<p>Please sign in".to_owned());
    let fault = fault.on(Matcher::path("/applinks/whoami")).after(2);
    fleet.first().set(fault);
    says(&fleet, "grant", "fail", &["which says nothing"], 3);
}

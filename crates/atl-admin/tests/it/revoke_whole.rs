//! `tokens revoke --whole-consumer`: every grant to a consumer ends, and the consumer is afterwards what it was.

use atl_store::{GrantRow, GrantState};
use atl_testbed::{
    ADMIN, ADMIN_PASSWORD, ALICE, BOB, Consumer, Exchange, Flags, Kind, Link, Role, User,
};

use crate::{
    estate::{CONSUMER, Fleet, link_by_hand},
    grants::{id, row},
    killing::{in_halves, kill_at, points},
    revoke_leaver::{failed, nothing_left_behind, populated, tables},
};

const OUT: &str = "com.atlassian.applinks.api.auth.types.OAuthAuthenticationProvider";
const FLAGS: Flags = Flags {
    enabled: true,
    two_legged: true,
    impersonation: false,
};

/// A Jira where alice gave a grant that nothing at hand signs for.
fn jira() -> Fleet {
    let fleet = populated(&[Kind::Jira], &[ALICE, BOB]);
    fleet.first().set_matrix(fleet.link().id, FLAGS, FLAGS);
    let settings = [
        ("consumerKey.outbound", "ours"),
        (
            "serviceProvider.requestTokenUrl",
            "https://ci.example.com/request",
        ),
    ];
    fleet.first().add_provider(fleet.link().id, OUT, &settings);
    for (number, user) in [(1, ALICE), (2, BOB)] {
        fleet.grant(number, user);
        fleet.keep(&GrantRow {
            state: GrantState::Expired,
            ..row(fleet.first(), number, user)
        });
    }
    fleet
}

fn line() -> String {
    format!("tokens revoke {} --whole-consumer", id(1))
}

/// How many grants to the consumer there are.
fn to_consumer(fleet: &Fleet) -> usize {
    let tokens = fleet.first().tokens().into_iter();
    tokens
        .filter(|token| token.consumer_key == CONSUMER)
        .count()
}

fn registered(fleet: &Fleet) -> (Link, Option<Consumer>) {
    (fleet.link(), fleet.first().consumer(CONSUMER))
}

#[test]
fn it_ends_every_grant_and_leaves_the_consumer_as_it_was() {
    let fleet = jira();
    let (before, was) = (tables(&fleet), registered(&fleet));
    let run = fleet.run(&line());
    assert_eq!((run.code, fleet.writes()), (Some(2), 0), "{}", run.shown());

    let (report, code) = fleet.json(&format!("{} --yes", line()));
    assert_eq!(code, 0, "{report:#}");
    assert_eq!(report["grants"][0]["way"], "consumer");
    assert_eq!((to_consumer(&fleet), registered(&fleet)), (0, was));
    let lost = before.difference(&tables(&fleet)).count();
    assert_eq!(lost, 4, "both users' grants to it, and no other");
    assert!(fleet.listed().is_empty(), "the store keeps no dead token");
    nothing_left_behind(&fleet, "after");
}

#[test]
fn what_could_not_be_restored_is_not_removed() {
    let check = |prepare: fn(&Fleet), why: &str| {
        let fleet = jira();
        prepare(&fleet);
        let (before, was) = (tables(&fleet), registered(&fleet));
        let (report, code) = fleet.json(&format!("{} --yes", line()));
        assert_eq!(code, 1, "{report:#}");
        let expected = [("jira", "consumer_not_restorable")].into();
        assert_eq!(failed(&report), expected);
        let message = report["failed"][0]["error"]["message"].as_str().unwrap();
        assert!(message.contains(why), "{message}");
        assert_eq!((tables(&fleet), registered(&fleet)), (before, was));
    };
    let shared = |fleet: &Fleet| {
        link_by_hand(fleet.first(), "https://other.example.com", CONSUMER);
    };
    check(shared, "two links share its key");
    let executing = |fleet: &Fleet| {
        let edit = |consumer: &mut Consumer| consumer.execute_as = Some(BOB.to_owned());
        fleet.first().edit_consumer(CONSUMER, edit);
        let admin = User::new(ADMIN, ADMIN_PASSWORD, Role::Admin);
        fleet.first().put_user(admin);
    };
    check(executing, "only a system administrator");
}

#[test]
fn a_kill_at_any_write_is_finished_by_the_next_run_of_any_kind() {
    let line = format!("{} --yes", line());
    let undisturbed = jira();
    let run = undisturbed.run(&line);
    assert_eq!(run.code, Some(0), "{}", run.shown());
    let log = undisturbed.first().log();
    let mut points = points(&undisturbed, false, Exchange::is_write);
    points.retain(|point| log[point.request as usize].is_write());
    in_halves(
        "tokens revoke --whole-consumer",
        "to be killed at",
        &points,
        |half| {
            for point in half {
                let fleet = jira();
                let was = registered(&fleet);
                kill_at(&fleet, &line, point);
                let at = format!("killed {point}");
                let run = fleet.run("tokens revoke --user nobody --yes");
                assert_eq!(run.code, Some(0), "{at}: {}", run.shown());
                assert_eq!(registered(&fleet), was, "{at}");
                assert!([0, 4].contains(&to_consumer(&fleet)), "{at}");
                nothing_left_behind(&fleet, &at);
            }
        },
    );
}

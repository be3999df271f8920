//! The pages of many users, read as each of them.

use std::ops::ControlFlow;

use atl_client::{Client, Failure};
use atl_testbed::{
    ALICE, ALICE_PASSWORD, BOB, Fault, Generation, Matcher, OAuth2Grant, Population, RateLimit,
    Role, Server, Setting, User, When,
};
use atl_tokens::{
    Coverage, GrantEntry, Impersonated, Source as _, SourceKind, TokensError, UserStatus,
};

use crate::{FIRST, OF_BOB, SECOND, add_auditor, anonymous, auditor, fill, jira, products, read};

const PATH: &str = "users/access-tokens";

type Names = std::vec::IntoIter<Result<String, TokensError>>;

fn source<'a>(client: &'a Client, users: &[&str]) -> Impersonated<'a, Names> {
    let users: Vec<_> = users.iter().map(|user| Ok((*user).to_owned())).collect();
    Impersonated {
        client,
        signer: auditor(),
        users: users.into_iter(),
        list: "the users of a file".to_owned(),
        parallel: 4,
    }
}

fn read_as(server: &Server, users: &[&str]) -> (Vec<GrantEntry>, Coverage) {
    read(source(&anonymous(server), users))
}

/// So many users with one grant each.
fn crowd(server: &Server, users: usize) -> Population {
    let population = Population::of(users).granting("deploy-bot", |_| Some(1_762_128_000));
    server.populate(&population);
    population
}

fn names(population: &Population) -> Vec<&str> {
    population.users.iter().map(|user| &*user.name).collect()
}

#[test]
fn the_grants_of_each_user_are_found_on_every_product() {
    for generation in [Generation::Legacy, Generation::Current, Generation::Next] {
        let estate = products(generation);
        for server in estate.servers() {
            let name = format!("{} {generation:?}", server.name());
            fill(server);
            add_auditor(server);
            server.put_oauth2_grant(OAuth2Grant::new("app", BOB, 1_762_128_000));
            let (grants, coverage) = read_as(server, &[ALICE, BOB]);
            assert_eq!(grants.len(), 4, "{name}");
            let of = |user: &str| grants.iter().filter(|it| it.user == user).count();
            assert_eq!((of(ALICE), of(BOB)), (2, 2), "{name}");
            assert!(
                grants
                    .iter()
                    .all(|it| it.sources == [SourceKind::Impersonated])
            );
            assert_eq!((coverage.complete, &coverage.gap), (false, &None), "{name}");
            assert_eq!(
                coverage.note,
                "the pages of 2 users of the users of a file; impersonation: inferred, not tried on a real product"
            );
            assert_eq!(server.writes(), 0, "{name}");
            let printed = serde_json::to_string(&grants).unwrap();
            for token in [FIRST, SECOND, OF_BOB] {
                assert!(!printed.contains(token), "{printed}");
            }
        }
    }
}

/// A name that nobody has makes the call an anonymous one, and the page of nobody is not that of the user.
#[test]
fn users_who_are_unknown_or_may_not_log_in_are_named() {
    let estate = jira();
    let server = estate.server(0);
    fill(server);
    add_auditor(server);
    server.put_user(User {
        active: false,
        ..User::new(ALICE, ALICE_PASSWORD, Role::User)
    });
    let (grants, coverage) = read_as(server, &["carol", ALICE, BOB, "dave"]);
    assert_eq!(grants.len(), 1);
    assert_eq!(grants[0].user_status, Some(UserStatus::Active));
    assert_eq!(coverage.gap, None);
    let note = &coverage.note;
    assert!(note.contains("2 users unknown to the server: `"), "{note}");
    assert!(
        note.contains("`carol`") && note.contains("`dave`"),
        "{note}"
    );
    assert!(note.contains("1 user who may not log in"), "{note}");
    assert!(note.contains("`alice`"), "{note}");
    assert!(note.ends_with("impersonation: inferred, not tried on a real product"));
}

#[test]
fn every_user_takes_two_requests() {
    let estate = jira();
    let server = estate.server(0);
    fill(server);
    add_auditor(server);
    let population = crowd(server, 120);
    server.clear_log();
    let (grants, coverage) = read_as(server, &names(&population));
    assert_eq!(grants.len(), 120);
    assert_eq!(coverage.gap, None);
    assert_eq!(server.log().len(), 240);
}

/// Two nodes take turns by connection, so that one connection is all of one node.
#[test]
fn connections_are_kept() {
    let estate = jira();
    let server = estate.server(0);
    fill(server);
    add_auditor(server);
    let population = crowd(server, 10);
    let always = Some(0);
    server.set(Setting::TwoNodes {
        catch_up_after: always,
    });
    server.sync();
    server.clear_log();
    let client = anonymous(server);
    let mut source = source(&client, &names(&population));
    source.parallel = 1;
    let (grants, _) = read(source);
    assert_eq!(grants.len(), 10);
    let log = server.log();
    let first = log[0].node;
    assert_eq!(log.len(), 20);
    assert!(log.iter().all(|it| it.node == first), "{log:?}");
}

/// Connections that break, a rate limit with and without a time to wait, and a server that is away for a moment. Each
/// attempt has a signature of its own: the server refuses a nonce that it has seen.
#[test]
fn bad_moments_in_the_middle_cost_nobody_the_page() {
    let estate = jira();
    let server = estate.server(0);
    fill(server);
    add_auditor(server);
    let population = crowd(server, 24);
    for fault in [
        Fault::Reset(When::Before),
        Fault::Reset(When::After),
        Fault::Truncate,
        Fault::TooManyRequests(0),
        Fault::TooManyRequests(1),
        Fault::Unavailable,
    ] {
        let name = format!("{fault:?}");
        for path in ["whoami", PATH] {
            let rule = atl_testbed::Rule::new(fault.clone()).after(12).times(5);
            server.set(rule.on(Matcher::path(path)));
        }
        let (grants, coverage) = read_as(server, &names(&population));
        assert_eq!((grants.len(), &coverage.gap), (24, &None), "{name}");
        server.clear_faults();
    }
}

#[test]
fn a_rate_limit_of_the_server_is_honoured() {
    let estate = jira();
    let server = estate.server(0);
    fill(server);
    add_auditor(server);
    let population = crowd(server, 20);
    server.set(Setting::RateLimit(Some(RateLimit {
        limit: 1,
        fill_rate: 1,
        interval: std::time::Duration::from_millis(50),
    })));
    let (grants, coverage) = read_as(server, &names(&population));
    assert_eq!((grants.len(), coverage.gap), (20, None));
}

#[test]
fn one_user_whose_page_fails_is_named_and_stops_nobody() {
    let estate = jira();
    let server = estate.server(0);
    fill(server);
    add_auditor(server);
    let population = crowd(server, 30);
    let page = format!("<table><tr data-x={FIRST}><td>Bot</table>");
    server.set(Fault::Answer(200, page).on(Matcher::path(PATH)).times(1));
    let (grants, coverage) = read_as(server, &names(&population));
    assert_eq!(grants.len(), 29);
    let gap = coverage.gap.unwrap();
    assert_eq!(
        (&*gap.code, gap.failure),
        ("page_not_understood", Failure::Unreachable)
    );
    assert!(
        gap.message
            .contains("the pages of 1 user could not be read: `user000"),
        "{}",
        gap.message
    );
    let page = coverage.page.unwrap();
    assert!(!page.as_str().contains(FIRST), "{}", page.as_str());
    assert!(page.as_str().contains("<td>Bot"), "{}", page.as_str());
}

#[test]
fn a_consumer_that_may_not_impersonate_is_not_users_who_may_not_log_in() {
    let estate = jira();
    let server = estate.server(0);
    fill(server);
    add_auditor(server);
    server.edit_consumer("auditor", |consumer| consumer.impersonation = false);
    let (grants, coverage) = read_as(server, &[ALICE, BOB]);
    assert!(grants.is_empty());
    let gap = coverage.gap.unwrap();
    assert_eq!(
        (&*gap.code, gap.failure),
        ("impersonation_refused", Failure::Refused)
    );
    assert!(gap.message.contains("`alice`"), "{}", gap.message);

    let population = crowd(server, 300);
    server.clear_log();
    let (_, coverage) = read_as(server, &names(&population));
    assert_eq!(coverage.gap.unwrap().code, "impersonation_refused");
    assert!(server.log().len() < 100, "{}", server.log().len());
}

/// What was handed over before stays valid, and the rest is not asked for one by one.
#[test]
fn rights_that_are_withdrawn_in_the_middle_end_the_round() {
    let estate = jira();
    let server = estate.server(0);
    fill(server);
    add_auditor(server);
    let population = crowd(server, 400);
    let client = anonymous(server);
    let mut taken = 0;
    let coverage = source(&client, &names(&population)).read(&mut |_| {
        taken += 1;
        if taken == 10 {
            server.remove_consumer("auditor");
        }
        ControlFlow::Continue(())
    });
    assert!((10..40).contains(&taken), "{taken}");
    let gap = coverage.gap.unwrap();
    assert_eq!(
        (&*gap.code, gap.failure),
        ("consumer_key_unknown", Failure::Refused)
    );
    let note = coverage.note;
    assert!(
        note.contains("after many failures the others were not read"),
        "{note}"
    );
    assert!(server.log().len() < 200);
}

#[test]
fn a_server_that_goes_away_is_left_alone() {
    let estate = jira();
    let server = estate.server(0);
    fill(server);
    add_auditor(server);
    let population = crowd(server, 400);
    let client = anonymous(server);
    let mut taken = 0;
    let coverage = source(&client, &names(&population)).read(&mut |_| {
        taken += 1;
        if taken == 10 {
            server.stop();
        }
        ControlFlow::Continue(())
    });
    assert!((10..40).contains(&taken), "{taken}");
    assert_eq!(coverage.gap.unwrap().failure, Failure::Unreachable);
}

#[test]
fn a_list_of_users_that_breaks_off_is_a_gap() {
    let estate = jira();
    let server = estate.server(0);
    fill(server);
    add_auditor(server);
    let client = anonymous(server);
    let mut source = source(&client, &[]);
    let broken = TokensError::NoUserList {
        server: "jira".into(),
    };
    source.users = vec![Ok(ALICE.to_owned()), Err(broken), Ok(BOB.to_owned())].into_iter();
    let (grants, coverage) = read(source);
    assert_eq!(grants.len(), 2);
    assert_eq!(coverage.gap.unwrap().code, "no_user_list");
    assert!(coverage.note.contains("the list of users broke off"));
}

#[test]
fn reading_stops_where_nobody_wants_more() {
    let estate = jira();
    let server = estate.server(0);
    fill(server);
    add_auditor(server);
    let population = crowd(server, 400);
    server.clear_log();
    let client = anonymous(server);
    let mut taken = 0;
    let coverage = source(&client, &names(&population)).read(&mut |_| {
        taken += 1;
        ControlFlow::Break(())
    });
    assert_eq!(taken, 1);
    assert!(coverage.note.contains("not read to its end"));
    assert!(server.log().len() < 100, "{}", server.log().len());
}

//! Personal access tokens of everybody: found and deleted.

use std::ops::ControlFlow;

use atl_client::{Client, Failure, Login};
use atl_testbed::{
    ADMIN, ADMIN_PASSWORD, ALICE, ALICE_PASSWORD, Estate, Fault, Generation, Granted, Kind,
    MANAGER, MANAGER_PASSWORD, Matcher, Pat, Population, Server, ServerSpec,
};
use atl_tokens::{
    GrantKind, GrantStatus, Pats, Revoked, Source as _, SourceKind, UserStatus,
    delete_personal_token, server_side_id,
};
use jiff::Timestamp;

use crate::{jira, products, read, signed_in};

const DAY: i64 = 24 * 60 * 60;
const JANUARY: i64 = 1_735_689_600;

fn admin(server: &Server) -> Client {
    signed_in(server, ADMIN, ADMIN_PASSWORD, Login::Auto)
}

/// 250 users, of whom two in three have a token without an end, and one in five another with one; one is deactivated.
fn population() -> Population {
    let pat = |name: &str, days| Granted::Pat {
        name: name.to_owned(),
        days,
    };
    Population::of(250)
        .with_keys()
        .inactive(|number| number == 3)
        .granting(pat("laptop", None), |number| {
            (number % 3 != 1).then_some(JANUARY + number)
        })
        .granting(pat("ci", Some(90)), |number| {
            (number % 5 == 0).then_some(JANUARY + number)
        })
}

#[test]
fn every_token_of_everybody_is_found() {
    let estate = products(Generation::Next);
    let population = population();
    for server in estate.servers() {
        if server.kind() == Kind::Bamboo {
            continue;
        }
        let name = server.name();
        server.populate(&population);
        let (grants, coverage) = read(Pats::new(&admin(server), 4));
        assert_eq!(coverage.gap, None, "{name}: {coverage:?}");
        let per_user = server.kind() == Kind::Bitbucket;
        assert_eq!(coverage.complete, !per_user, "{name}: {coverage:?}");
        let handle = |pat: &Pat| pat.id.to_string();
        let mut expected: Vec<String> = server.pats().iter().map(handle).collect();
        let mut found: Vec<String> = grants.iter().map(|it| it.handle.clone().unwrap()).collect();
        expected.sort();
        found.sort();
        assert_eq!(found, expected, "{name}");
        for pat in server.pats() {
            let id = server_side_id(GrantKind::Pat, &server.base_url(), &handle(&pat));
            let grant = grants.iter().find(|grant| grant.id == id).unwrap();
            let at = |seconds: i64| Timestamp::from_second(seconds).unwrap();
            assert_eq!(grant.kind, GrantKind::Pat);
            assert_eq!(grant.sources, [SourceKind::Pat]);
            assert_eq!(grant.user, pat.user);
            assert_eq!(grant.name.as_deref(), Some(&*pat.name));
            assert_eq!(grant.created, Some(at(pat.created)));
            assert_eq!(grant.expires, pat.expires.map(at));
            assert_eq!(grant.endless, pat.expires.is_none());
            assert_eq!(grant.never_used, !per_user);
            let ended = pat.expires.is_some_and(|end| at(end) < Timestamp::now());
            let status = if ended {
                GrantStatus::Expired
            } else {
                GrantStatus::Active
            };
            assert_eq!(grant.status, status);
            let inactive = per_user && pat.user == "user00003";
            assert_eq!(
                grant.user_status == Some(UserStatus::Inactive),
                inactive,
                "{name} {grant:?}"
            );
        }
        assert_eq!(server.writes(), 0, "{name}");
    }
}

#[test]
fn what_a_token_says_of_its_use_and_of_a_user_who_is_gone() {
    let estate = jira();
    let server = estate.server(0);
    server.put_pat(Pat {
        last_used: Some(JANUARY + DAY),
        ..Pat::new(7, "carol", "old laptop", JANUARY)
    });
    let (grants, _) = read(Pats::new(&admin(server), 4));
    let [grant] = &grants[..] else {
        panic!("{grants:?}");
    };
    assert_eq!(grant.user, "carol");
    assert_eq!(grant.user_status, Some(UserStatus::Unknown));
    assert_eq!(grant.last_used, Timestamp::from_second(JANUARY + DAY).ok());
    assert!(!grant.never_used);
}

#[test]
fn a_version_without_tokens_has_none_and_that_is_no_gap() {
    let estate = products(Generation::Legacy);
    for server in estate.servers() {
        server.populate(&Population::of(30));
        let (grants, coverage) = read(Pats::new(&admin(server), 4));
        assert!(grants.is_empty());
        assert_eq!(coverage.gap, None, "{}", server.name());
        assert!(!coverage.complete, "{}", server.name());
        if server.kind() != Kind::Bamboo {
            let note = &coverage.note;
            assert!(note.contains("no personal access tokens"), "{note}");
        }
    }
}

#[test]
fn bamboo_shows_them_to_their_users_only() {
    let estate = Estate::start(vec![ServerSpec::new(Kind::Bamboo)]).unwrap();
    estate.server(0).add_access_token(ALICE);
    let (grants, coverage) = read(Pats::new(&admin(estate.server(0)), 4));
    assert!(grants.is_empty());
    assert_eq!((coverage.complete, coverage.gap), (false, None));
    assert!(
        coverage.note.contains("own users only"),
        "{}",
        coverage.note
    );
}

#[test]
fn a_search_that_is_refused_says_what_it_needs() {
    let estate = jira();
    let server = estate.server(0);
    server.add_access_token(ALICE);
    let manager = signed_in(server, MANAGER, MANAGER_PASSWORD, Login::Auto);
    let (grants, coverage) = read(Pats::new(&manager, 4));
    assert!(grants.is_empty());
    let gap = coverage.gap.unwrap();
    assert_eq!(
        (&*gap.code, gap.failure),
        ("search_refused", Failure::Refused)
    );
    assert!(
        gap.message.contains("not a system administrator"),
        "{}",
        gap.message
    );
    assert!(gap.advice.contains("Data Center licence"), "{}", gap.advice);
}

#[test]
fn a_search_that_breaks_off_or_never_ends_is_a_gap() {
    let estate = jira();
    let server = estate.server(0);
    server.populate(&population());
    let search = || Matcher::path("tokens/search");
    server.set(
        atl_testbed::Rule::new(Fault::Answer(500, String::new()))
            .on(search())
            .after(1),
    );
    let (grants, coverage) = read(Pats::new(&admin(server), 4));
    assert_eq!(grants.len(), 100);
    assert_eq!(coverage.gap.unwrap().code, "server_error");

    server.clear_faults();
    let same = r#"{"values":[{"id":1,"name":"x"}],"isLastPage":false}"#;
    server.set(Fault::Answer(200, same.to_owned()).on(search()));
    let (grants, coverage) = read(Pats::new(&admin(server), 4));
    assert_eq!(grants.len(), 3);
    assert_eq!(coverage.gap.unwrap().code, "endless_list");

    server.clear_faults();
    server.set(Fault::TooManyRequests(0).on(search()).times(2));
    let (grants, coverage) = read(Pats::new(&admin(server), 4));
    assert_eq!((grants.len(), coverage.gap), (216, None));
}

#[test]
fn reading_stops_where_nobody_wants_more() {
    let estate = products(Generation::Next);
    for server in estate.servers() {
        server.populate(&population());
        let mut taken = 0;
        let coverage = Pats::new(&admin(server), 4).read(&mut |_| {
            taken += 1;
            ControlFlow::Break(())
        });
        assert_eq!(taken, usize::from(server.kind() != Kind::Bamboo));
        assert!(!coverage.complete);
    }
}

#[test]
fn lists_of_single_users_that_fail_are_named_and_do_not_stop_the_others() {
    let estate = Estate::start(vec![ServerSpec::new(Kind::Bitbucket)]).unwrap();
    let server = estate.server(0);
    server.populate(&population());
    server.set(Fault::Answer(403, "{}".to_owned()).on(Matcher::path("users/user00002")));
    let (grants, coverage) = read(Pats::new(&admin(server), 4));
    assert_eq!(grants.len(), 215);
    let gap = coverage.gap.unwrap();
    assert_eq!((&*gap.code, gap.failure), ("forbidden", Failure::Refused));
    assert!(gap.message.contains("`user00002`"), "{}", gap.message);
}

#[test]
fn an_administrator_deletes_any_token_and_nobody_else_does() {
    let estate = products(Generation::Next);
    for server in estate.servers() {
        let name = server.name();
        server.add_access_token(ALICE);
        server.add_access_token(MANAGER);
        let [of_alice, of_manager] = [0, 1].map(|at| server.pats()[at].id.to_string());
        let delete =
            |client: &Client, user: &str, handle: &str| delete_personal_token(client, user, handle);
        if server.kind() == Kind::Bamboo {
            let error = delete(&admin(server), ALICE, &of_alice).unwrap_err();
            assert_eq!(
                (error.code(), error.failure()),
                ("owners_only", Failure::Refused)
            );
            assert_eq!(server.pats().len(), 2);
            continue;
        }
        let alice = signed_in(server, ALICE, ALICE_PASSWORD, Login::Auto);
        let error = delete(&alice, MANAGER, &of_manager).unwrap_err();
        assert_eq!(error.failure(), Failure::Refused, "{name}: {error}");
        assert_eq!(
            delete(&alice, ALICE, &of_alice).unwrap(),
            Revoked::Now,
            "{name}"
        );
        assert_eq!(server.pats().len(), 1, "{name}");
        let admin = admin(server);
        for _again in 0..2 {
            assert_eq!(
                delete(&admin, MANAGER, &of_manager).unwrap(),
                Revoked::Now,
                "{name}"
            );
        }
        assert!(server.pats().is_empty(), "{name}");
        let gone = Fault::Answer(404, "{}".to_owned()).on(Matcher::method("DELETE"));
        server.set(gone);
        assert_eq!(
            delete(&admin, MANAGER, "7").unwrap(),
            Revoked::AlreadyGone,
            "{name}"
        );
    }
}

#[test]
fn a_token_of_a_user_with_another_name_in_paths_is_deleted() {
    let estate = Estate::start(vec![ServerSpec::new(Kind::Bitbucket)]).unwrap();
    let server = estate.server(0);
    server.populate(&Population {
        users: vec![atl_testbed::User::ordinary("carol@example.com")],
        ..Population::default()
    });
    server.add_access_token("carol@example.com");
    let (grants, _) = read(Pats::new(&admin(server), 4));
    let [grant] = &grants[..] else {
        panic!("{grants:?}");
    };
    let handle = grant.handle.as_deref().unwrap();
    let revoked = delete_personal_token(&admin(server), &grant.user, handle).unwrap();
    assert_eq!(revoked, Revoked::Now);
    assert!(server.pats().is_empty());
}

/// Where a token of another is refused one by one, the list of ids for system administrators is tried.
#[test]
fn a_refused_deletion_is_tried_as_one_of_a_list() {
    let estate = jira();
    let server = estate.server(0);
    server.add_access_token(ALICE);
    let id = server.pats()[0].id.to_string();
    let one = format!("tokens/{id}");
    server.set(Fault::Answer(401, "{}".to_owned()).on(Matcher::method("DELETE").at(&one)));
    let revoked = delete_personal_token(&admin(server), ALICE, &id).unwrap();
    assert_eq!(revoked, Revoked::Now);
    assert!(server.pats().is_empty());
}

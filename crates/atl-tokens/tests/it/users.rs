//! The users that products list.

use atl_client::{Client, Failure, Login};
use atl_testbed::{
    ADMIN, ADMIN_PASSWORD, ALICE, ALICE_PASSWORD, Fault, Generation, Kind, Matcher, Population,
    Server, ServerSpec,
};
use atl_tokens::{ListedUser, TokensError, users};

use crate::{Estate, anonymous, jira, products, signed_in};

fn admin(server: &Server) -> Client {
    signed_in(server, ADMIN, ADMIN_PASSWORD, Login::Auto)
}

fn listed(client: &Client) -> Result<Vec<ListedUser>, TokensError> {
    users(client)?.collect()
}

/// More than any of them gives at a time, and some who may not log in.
#[test]
fn every_product_lists_all_its_users_a_part_at_a_time() {
    let estate = products(Generation::Current);
    let population = Population::of(1203).inactive(|number| number % 100 == 0);
    for server in estate.servers() {
        server.populate(&population);
        let listed = listed(&admin(server)).unwrap();
        let mut names: Vec<&str> = listed.iter().map(|user| &*user.name).collect();
        names.sort_unstable();
        let before = names.len();
        names.dedup();
        assert_eq!(names.len(), before, "{}", server.name());
        let all = population
            .users
            .iter()
            .all(|user| names.contains(&&*user.name));
        assert!(all && names.contains(&ADMIN), "{}", server.name());
        let inactive = listed.iter().filter(|user| user.active == Some(false));
        let says = listed.iter().any(|user| user.active.is_some());
        assert_eq!(
            inactive.count(),
            if says { 12 } else { 0 },
            "{}",
            server.name()
        );
        assert_eq!(server.writes(), 0);
        assert!(!users(&admin(server)).unwrap().note().is_empty());
    }
}

#[test]
fn a_user_of_bitbucket_has_another_name_in_paths() {
    let estate = Estate::start(vec![ServerSpec::new(Kind::Bitbucket)]).unwrap();
    let server = estate.server(0);
    server.populate(&Population {
        users: vec![atl_testbed::User::ordinary("carol@example.com")],
        ..Population::default()
    });
    let listed = listed(&admin(server)).unwrap();
    let carol = listed.iter().find(|user| user.name.starts_with("carol"));
    assert_eq!(carol.unwrap().slug, "carol_example.com");
}

#[test]
fn a_list_that_gives_the_same_for_ever_is_an_error() {
    let estate = jira();
    let server = estate.server(0);
    let body = r#"[{"name":"a"},{"name":"b"}]"#.to_owned();
    server.set(Fault::Answer(200, body).on(Matcher::path("user/search")));
    let admin = admin(server);
    let mut list = users(&admin).unwrap();
    let names: Vec<String> = list
        .by_ref()
        .map_while(Result::ok)
        .map(|user| user.name)
        .collect();
    assert_eq!(names, ["a", "b"]);
    assert!(list.next().is_none());

    let error = listed(&admin).unwrap_err();
    assert_eq!(error.code(), "endless_list");
    assert_eq!(error.failure(), Failure::Unreachable);
    assert!(error.to_string().contains("user/search"), "{error}");
}

#[test]
fn what_is_no_list_of_users_is_an_error() {
    let estate = jira();
    let server = estate.server(0);
    for (status, body, code) in [
        (200, r#"{"users":[]}"#, "unreadable"),
        (200, r#"[{"key":"a"}]"#, "unreadable"),
        (200, r#"[{"name":""}]"#, "unreadable"),
        (200, "<html></html>", "html"),
        (403, "{}", "forbidden"),
        (404, "{}", "not_found"),
    ] {
        server.clear_faults();
        server.set(Fault::Answer(status, body.to_owned()).on(Matcher::path("user/search")));
        let error = listed(&admin(server)).unwrap_err();
        assert_eq!(error.code(), code, "{body}: {error}");
    }
    server.clear_faults();
    let error = listed(&anonymous(server)).unwrap_err();
    assert_eq!(error.code(), "unauthorized", "{error}");
}

#[test]
fn a_list_is_for_administrators_where_the_product_says_so() {
    let estate = Estate::start(vec![ServerSpec::new(Kind::Bamboo)]).unwrap();
    let alice = signed_in(estate.server(0), ALICE, ALICE_PASSWORD, Login::Auto);
    let error = listed(&alice).unwrap_err();
    assert_eq!(
        (error.code(), error.failure()),
        ("forbidden", Failure::Refused)
    );
}

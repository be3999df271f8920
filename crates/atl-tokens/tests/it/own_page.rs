//! The page of the signed-in account as a source.

use std::ops::ControlFlow;

use atl_client::{Credentials, Failure, Login};
use atl_testbed::{
    ALICE, ALICE_PASSWORD, Estate, Fault, Kind, Layout, Matcher, OAuth2Grant, ServerSpec, Setting,
};
use atl_tokens::{GrantKind, GrantStatus, OwnPage, Source as _, SourceKind, server_side_id};
use jiff::Timestamp;

use crate::{FIRST, SECOND, client, fill, jira, read, signed_in};

const PATH: &str = "users/access-tokens";

#[test]
fn grants_of_both_kinds_are_rows_of_the_inventory() {
    let estate = jira();
    let server = estate.server(0);
    fill(server);
    server.set(Setting::Layout(Layout::Nested));
    let grant = OAuth2Grant::new("OAuth 2 app", ALICE, 1_762_128_000);
    server.put_oauth2_grant(grant.clone());
    let alice = signed_in(server, ALICE, ALICE_PASSWORD, Login::Auto);
    let (grants, coverage) = read(OwnPage::new(&alice));
    assert!(!coverage.complete);
    assert_eq!(coverage.note, "only the grants of alice");
    assert_eq!((coverage.gap, coverage.page), (None, None));
    assert_eq!(grants.len(), 3);
    for grant in &grants {
        assert_eq!((&*grant.server, &*grant.user), ("jira", ALICE));
        assert_eq!(grant.sources, [SourceKind::Page]);
        assert!(grant.created_approximate);
    }
    let id = server_side_id(GrantKind::Oauth2, &server.base_url(), &grant.id);
    let oauth2 = grants.iter().find(|grant| grant.id == id).unwrap();
    // The page lists what has expired until the server tidies up.
    assert_eq!(oauth2.status, GrantStatus::Expired);
    let mut others = grants.iter().filter(|grant| grant.id != id);
    assert!(others.all(|grant| grant.status == GrantStatus::Active));
    assert_eq!(oauth2.kind, GrantKind::Oauth2);
    assert_eq!(oauth2.handle.as_deref(), Some(&*grant.id));
    assert_eq!(oauth2.consumer_name.as_deref(), Some("OAuth 2 app"));
    let at = |seconds| Timestamp::from_second(seconds).ok();
    assert_eq!(oauth2.created, at(grant.created));
    assert_eq!(oauth2.expires, at(grant.expires));
    let printed = serde_json::to_string(&grants).unwrap();
    assert!(
        !printed.contains(FIRST) && !printed.contains(SECOND),
        "{printed}"
    );
}

#[test]
fn reading_stops_where_nobody_wants_more() {
    let estate = jira();
    let server = estate.server(0);
    fill(server);
    let alice = signed_in(server, ALICE, ALICE_PASSWORD, Login::Auto);
    let mut taken = 0;
    let coverage = OwnPage::new(&alice).read(&mut |_| {
        taken += 1;
        ControlFlow::Break(())
    });
    assert_eq!(taken, 1);
    assert!(coverage.note.ends_with("not read to its end"));
}

#[test]
fn a_page_that_was_not_understood_is_a_gap_that_keeps_the_page() {
    let estate = jira();
    let server = estate.server(0);
    fill(server);
    let page = format!("<ul><li id=\"{FIRST}\">Deploy bot</ul>");
    server.set(Fault::Answer(200, page).on(Matcher::path(PATH)));
    let alice = signed_in(server, ALICE, ALICE_PASSWORD, Login::Auto);
    let (grants, coverage) = read(OwnPage::new(&alice));
    assert!(grants.is_empty());
    let gap = coverage.gap.unwrap();
    assert_eq!(gap.code, "page_not_understood");
    assert_eq!(gap.failure, Failure::Unreachable);
    assert_eq!(
        coverage.page.unwrap().as_str(),
        r#"<ul><li id="[redacted]">Deploy bot</ul>"#
    );
}

#[test]
fn who_is_refused_sees_nothing_and_it_is_a_gap() {
    let estate = jira();
    let server = estate.server(0);
    fill(server);
    let stranger = signed_in(server, ALICE, "wrong", Login::Auto);
    let (grants, coverage) = read(OwnPage::new(&stranger));
    assert!(grants.is_empty());
    let gap = coverage.gap.unwrap();
    assert_eq!(
        (&*gap.code, gap.failure),
        ("wrong_password", Failure::Refused)
    );
}

/// Its tokens are good for `/rest` and not for pages (protocol.md 4.2).
#[test]
fn a_token_of_bitbucket_reads_no_page() {
    let estate = Estate::start(vec![ServerSpec::new(Kind::Bitbucket)]).unwrap();
    let server = estate.server(0);
    let token = server.add_access_token(ALICE);
    let credentials = Credentials::Token {
        token: token.into(),
        username: Some(ALICE.to_owned()),
    };
    let (grants, coverage) = read(OwnPage::new(&client(server, credentials)));
    assert!(grants.is_empty());
    let gap = coverage.gap.unwrap();
    assert_eq!(gap.code, "token_reads_no_pages");
    assert_eq!(gap.failure, Failure::Refused);
    assert!(gap.advice.contains("password"), "{}", gap.advice);
}

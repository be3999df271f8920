//! Grants to OAuth 2 clients: on the page of access tokens, and ended by their users (protocol.md 3.1 and 4.4).

use atl_testbed::{
    ADMIN, ADMIN_PASSWORD, ALICE, BOB, Generation, Kind, Layout, OAuth2Grant, Server, ServerSpec,
    Setting,
};

use crate::browser::{Browser, selector};
use crate::steps::grant;
use crate::support::{KEY, Signed, client, estate, json, provision, provisioned};

const PAGE: &str = "/plugins/servlet/oauth/users/access-tokens";

fn put(server: &Server, client: &str, user: &str) -> String {
    let grant = OAuth2Grant::new(client, user, 0);
    let id = grant.id.clone();
    server.put_oauth2_grant(grant);
    id
}

fn revoke(server: &Server, id: &str) -> reqwest::blocking::RequestBuilder {
    client()
        .post(format!(
            "{}/rest/oauth2/latest/revoke/{id}",
            server.base_url()
        ))
        .header("x-atlassian-token", "no-check")
}

fn status(request: reqwest::blocking::RequestBuilder) -> u16 {
    request.send().unwrap().status().as_u16()
}

fn of(user: &str, request: reqwest::blocking::RequestBuilder) -> u16 {
    status(request.basic_auth(user, Some(format!("{user}-secret-1"))))
}

#[test]
fn they_stand_after_the_others_with_a_url_in_place_of_a_token() {
    for layout in Layout::ALL.into_iter().chain(Layout::UNSEEN) {
        let estate = provisioned();
        let server = estate.server(0);
        server.set(Setting::Layout(layout));
        let id = put(server, "App & <more>", ALICE);
        let others = put(server, "App of bob", BOB);
        let token = grant(server, ALICE).field("oauth_token").unwrap();
        let page = Browser::of(server, ALICE).get(&format!("{}{PAGE}", server.base_url()));
        let body = &page.body;
        let url = format!("{}/rest/oauth2/latest/revoke/{id}", server.base_url());
        assert!(body.find(&token) < body.find(&url), "{layout:?} {body}");
        assert_eq!(body.matches(&id).count(), 1, "{layout:?} {body}");
        assert!(!body.contains(&others), "{layout:?} {body}");
        let html = page.html();
        assert_eq!(html.select(&selector(".revoke")).count(), 2, "{layout:?}");
        let text: String = html.root_element().text().collect();
        assert!(text.contains("App & <more>"), "{layout:?} {text}");
    }
}

#[test]
fn a_page_of_nothing_else_does_not_say_none() {
    for layout in Layout::ALL.into_iter().chain(Layout::UNSEEN) {
        let estate = provisioned();
        let server = estate.server(0);
        server.set(Setting::Layout(layout));
        put(server, "App", ALICE);
        let page = Browser::of(server, ALICE).get(&format!("{}{PAGE}", server.base_url()));
        assert!(
            !page.body.contains("None specified"),
            "{layout:?} {}",
            page.body
        );
    }
}

#[test]
fn their_users_end_them_and_nobody_else_does() {
    let estate = provisioned();
    let server = estate.server(0);
    let id = put(server, "App", ALICE);
    assert_eq!(status(revoke(server, &id)), 401);
    assert_eq!(of(BOB, revoke(server, &id)), 401);
    assert_eq!(of(ADMIN, revoke(server, &id)), 401);
    assert_eq!(server.oauth2_grants().len(), 1);
    assert_eq!(of(ALICE, revoke(server, &id)), 200);
    assert_eq!(server.oauth2_grants(), []);
    assert_eq!(of(ALICE, revoke(server, &id)), 404);
}

#[test]
fn a_post_without_a_body_needs_the_header_of_rest() {
    let estate = provisioned();
    let server = estate.server(0);
    let id = put(server, "App", ALICE);
    let url = format!("{}/rest/oauth2/1.0/revoke/{id}", server.base_url());
    assert_eq!(of(ALICE, client().post(url)), 403);
    assert_eq!(server.oauth2_grants().len(), 1);
}

#[test]
fn an_auditor_ends_them_as_their_users() {
    let estate = provisioned();
    let server = estate.server(0);
    server.edit_consumer("bot", |bot| bot.impersonation = true);
    let id = put(server, "App", ALICE);
    let revoke = |user| {
        let path = format!("/rest/oauth2/latest/revoke/{id}");
        let call = Signed::new("POST", &path, "bot")
            .with("oauth_token", "")
            .query("xoauth_requestor_id", user)
            .header("x-atlassian-token", "no-check");
        call.send(server, &KEY).status
    };
    assert_eq!(revoke(BOB), 401);
    assert_eq!(revoke("nobody"), 401);
    assert_eq!(revoke(ALICE), 200);
    assert_eq!(server.oauth2_grants(), []);
}

#[test]
fn https_may_be_asked_for() {
    let estate = provisioned();
    let server = estate.server(0);
    let id = put(server, "App", ALICE);
    server.set(Setting::OAuth2NeedsHttps(true));
    assert_eq!(of(ALICE, revoke(server, &id)), 400);
    assert_eq!(server.oauth2_grants().len(), 1);
}

#[test]
fn a_look_at_the_clients_tells_whether_there_is_a_provider() {
    for (generation, expected) in [(Generation::Transitional, 404), (Generation::Current, 401)] {
        let estate = estate(ServerSpec::new(Kind::Confluence).generation(generation));
        let server = estate.server(0);
        provision(server, &KEY);
        let url = format!("{}/rest/oauth2/latest/client", server.base_url());
        assert_eq!(status(client().get(&url)), expected);
        if expected == 401 {
            put(server, "App", ALICE);
            put(server, "App", BOB);
            let (_, clients) = json(server, "GET", "/rest/oauth2/latest/client", None);
            assert_eq!(clients, serde_json::json!([{ "name": "App" }]));
            let request = client().get(&url).basic_auth(ADMIN, Some(ADMIN_PASSWORD));
            assert_eq!(status(request), 200);
        }
    }
}

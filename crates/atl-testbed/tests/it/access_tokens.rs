//! A user's access tokens, listed and revoked (protocol.md 3.1 and 3.2).

use atl_testbed::{
    ADMIN, ADMIN_PASSWORD, ALICE, ALICE_PASSWORD, Kind, Server, ServerSpec, Setting,
};
use reqwest::blocking::{RequestBuilder, Response};

use crate::browser::Browser;
use crate::steps::{grant, parameter, request_token, whoami};
use crate::support::{KEY, Signed, client, estate, provision, provisioned};

const PATH: &str = "/plugins/servlet/oauth/users/access-tokens";

/// An access token of this user.
fn token_of(server: &Server, user: &str) -> String {
    grant(server, user).field("oauth_token").unwrap()
}

fn url(server: &Server) -> String {
    format!("{}{PATH}", server.base_url())
}

fn post(server: &Server, token: Option<&str>) -> RequestBuilder {
    let fields: Vec<(&str, &str)> = token.map(|token| ("token", token)).into_iter().collect();
    client().post(url(server)).form(&fields)
}

fn outcome(response: Response) -> (u16, String) {
    (response.status().as_u16(), response.text().unwrap())
}

fn said(status: u16) -> (u16, String) {
    (status, String::new())
}

fn as_alice(request: RequestBuilder) -> (u16, String) {
    let request = request.basic_auth(ALICE, Some(ALICE_PASSWORD));
    outcome(request.send().unwrap())
}

#[test]
fn the_page_lists_the_callers_tokens_only() {
    let estate = provisioned();
    let jira = estate.server(0);
    let (alice, bob) = (token_of(jira, "alice"), token_of(jira, "bob"));
    let asked = request_token(jira, Some("oob"));
    jira.approve(&asked, "alice");
    let page = Browser::of(jira, "alice").get(&url(jira));
    assert_eq!(page.header("content-type"), "text/html;charset=UTF-8");
    assert!(page.body.contains(&alice), "{}", page.body);
    let admin = Browser::of(jira, "admin").get(&url(jira));
    assert!(admin.body.contains("None specified"), "{}", admin.body);
    for (other, page) in [(&bob, &page), (&asked, &page), (&alice, &admin)] {
        assert!(!page.body.contains(other), "{}", page.body);
    }
}

#[test]
fn the_anonymous_are_led_through_the_sign_in_and_back() {
    let estate = provisioned();
    let jira = estate.server(0);
    let browser = Browser::new();
    let login = browser.get(&url(jira));
    assert_eq!(login.location().path(), "/jira/login.jsp");
    assert_eq!(
        parameter(&login.location(), "os_destination").as_deref(),
        Some(PATH)
    );
    let page = browser.sign_in(jira, &login, "alice");
    assert_eq!((page.status, page.url.as_str()), (200, url(jira).as_str()));
}

#[test]
fn a_user_revokes_and_revokes_again() {
    let estate = provisioned();
    let jira = estate.server(0);
    let token = token_of(jira, "alice");
    assert_eq!(as_alice(post(jira, Some(&token))), said(200));
    let dead = whoami(jira, &token).problem();
    assert_eq!(dead, (401, Some("token_rejected".to_owned())));
    assert_eq!(as_alice(post(jira, Some(&token))), said(200));
    assert_eq!(as_alice(post(jira, None)), said(400));
}

#[test]
fn nobody_revokes_for_others() {
    let estate = provisioned();
    let jira = estate.server(0);
    let token = token_of(jira, "bob");
    assert_eq!(as_alice(post(jira, Some(&token))), said(401));
    let admin = post(jira, Some(&token)).basic_auth(ADMIN, Some(ADMIN_PASSWORD));
    assert_eq!(outcome(admin.send().unwrap()), said(401));
    let anonymous = post(jira, Some(&token)).send().unwrap();
    assert_eq!(outcome(anonymous), said(401));
    assert_eq!(whoami(jira, &token).body, "bob");
}

#[test]
fn a_personal_access_token_will_do_but_not_on_bitbucket() {
    for (kind, status) in [(Kind::Jira, 200), (Kind::Bitbucket, 302)] {
        let estate = estate(ServerSpec::new(kind));
        let server = estate.server(0);
        provision(server, &KEY);
        let token = token_of(server, "alice");
        let bearer = server.add_access_token("alice");
        let page = client().get(url(server)).bearer_auth(&bearer).send();
        assert_eq!(page.unwrap().status(), status, "{kind:?}");
        let revoked = post(server, Some(&token)).bearer_auth(&bearer).send();
        assert_eq!(revoked.unwrap().status(), status, "{kind:?}");
        assert_eq!(server.tokens().is_empty(), kind == Kind::Jira, "{kind:?}");
    }
}

#[test]
fn a_token_revokes_itself() {
    let estate = provisioned();
    let jira = estate.server(0);
    let (token, other) = (token_of(jira, "alice"), token_of(jira, "alice"));
    let page = Signed::new("GET", PATH, "bot")
        .with("oauth_token", &token)
        .send(jira, &KEY);
    assert!(page.body.contains(&other), "{page:?}");
    let revoke = |value| {
        Signed::new("POST", PATH, "bot")
            .with("oauth_token", &token)
            .form("token", value)
            .send(jira, &KEY)
    };
    assert_eq!((revoke(&token).status, jira.tokens().len()), (200, 1));
    let gone = revoke(&other).problem();
    assert_eq!(gone, (401, Some("token_rejected".to_owned())));
}

#[test]
fn an_auditor_sees_and_revokes_as_each_user() {
    let estate = provisioned();
    let jira = estate.server(0);
    let (alice, bob) = (token_of(jira, "alice"), token_of(jira, "bob"));
    let call = |method, user| {
        Signed::new(method, PATH, "bot")
            .with("oauth_token", "")
            .query("xoauth_requestor_id", user)
    };
    assert_eq!(call("GET", "alice").send(jira, &KEY).status, 401);
    jira.edit_consumer("bot", |bot| bot.impersonation = true);
    let page = call("GET", "alice").send(jira, &KEY);
    assert!(page.body.contains(&alice), "{page:?}");
    assert!(!page.body.contains(&bob), "{page:?}");
    let revoke = |user, token| call("POST", user).form("token", token).send(jira, &KEY);
    assert_eq!(revoke("alice", &bob).status, 401);
    assert_eq!(revoke("bob", &bob).status, 200);
    assert_eq!(jira.tokens().len(), 1);
    // A name that nobody has is nobody.
    let nobody = call("GET", "nobody").send(jira, &KEY);
    assert_eq!(nobody.status, 302);
    assert_eq!(revoke("nobody", &alice).status, 401);
}

#[test]
fn the_handler_may_have_gone() {
    let estate = provisioned();
    let jira = estate.server(0);
    let token = token_of(jira, "alice");
    for status in [404, 405] {
        jira.set(Setting::NoRevocation(Some(status)));
        assert_eq!(as_alice(post(jira, Some(&token))).0, status);
        assert_eq!(Browser::of(jira, "alice").get(&url(jira)).status, 200);
    }
    assert_eq!(jira.tokens().len(), 1);
}

#[test]
fn a_filter_may_ask_for_more() {
    let estate = provisioned();
    let jira = estate.server(0);
    jira.set(Setting::XsrfFilter(true));
    let token = token_of(jira, "alice");
    assert_eq!(as_alice(post(jira, Some(&token))).0, 403);
    let waived = post(jira, Some(&token)).header("x-atlassian-token", "no-check");
    assert_eq!(as_alice(waived), said(200));
}

#[test]
fn a_restart_forgets_sessions_and_nonces_and_keeps_tokens() {
    let estate = provisioned();
    let jira = estate.server(0);
    let browser = Browser::of(jira, "alice");
    let token = token_of(jira, "alice");
    let call = Signed::whoami("bot").set("oauth_token", Some(&token));
    assert_eq!(call.send(jira, &KEY).body, "alice");
    let again = call.send(jira, &KEY).problem();
    assert_eq!(again, (401, Some("nonce_used".to_owned())));
    jira.restart().unwrap();
    assert_eq!(call.send(jira, &KEY).body, "alice");
    assert_eq!(browser.get(&url(jira)).status, 302);
}

//! The 2LO matrix (protocol.md 1.12) and the newer `applinks` resource (1.5).

use atl_testbed::{Flags, Kind, Link, MANAGER, MANAGER_PASSWORD, ServerSpec, Token};
use serde_json::{Value, json};

use crate::support::{client, estate, json, provisioned};

fn half(enabled: bool, two_legged: bool, impersonation: bool) -> Value {
    json!({ "enabled": enabled, "twoLoEnabled": two_legged, "twoLoImpersonationEnabled": impersonation })
}

#[test]
fn incoming_flags_change_and_the_executing_user_stays() {
    let estate = provisioned();
    let jira = estate.server(0);
    let path = format!("/rest/applinks/3.0/status/{}/oauth", jira.links()[0].id);
    jira.edit_consumer("bot", |bot| bot.execute_as = Some("alice".to_owned()));
    assert_eq!(
        json(jira, "GET", &path, None),
        (
            200,
            json!({ "incoming": half(true, false, false), "outgoing": half(false, false, false) })
        )
    );
    let body =
        json!({ "incoming": half(true, false, true), "outgoing": half(false, false, false) });
    assert_eq!(json(jira, "PUT", &path, Some(&body)).0, 204);
    let bot = jira.consumer("bot").unwrap();
    assert_eq!(
        (bot.two_legged, bot.impersonation),
        (true, true),
        "impersonation implies 2LO"
    );
    assert_eq!(bot.execute_as.as_deref(), Some("alice"));
}

#[test]
fn disabling_takes_consumer_and_tokens() {
    let estate = provisioned();
    let jira = estate.server(0);
    let path = format!("/rest/applinks/3.0/status/{}/oauth", jira.links()[0].id);
    jira.add_token(Token::access("t", "bot", "alice"));
    let body =
        json!({ "incoming": half(false, false, false), "outgoing": half(false, false, false) });
    for _ in 0..2 {
        assert_eq!(json(jira, "PUT", &path, Some(&body)).0, 204);
    }
    assert_eq!((jira.consumers(), jira.tokens()), (vec![], vec![]));
}

#[test]
fn enabling_without_a_consumer_is_a_conflict_that_leaves_outgoing_alone() {
    let estate = estate(ServerSpec::new(Kind::Jira));
    let jira = estate.server(0);
    let id = jira.add_link(Link::generic("Bot", "https://a.example.com"));
    let path = format!("/rest/applinks/3.0/status/{id}/oauth");
    let body = json!({ "incoming": half(true, true, false), "outgoing": half(true, false, false) });
    assert_eq!(json(jira, "PUT", &path, Some(&body)).0, 409);
    assert!(jira.links()[0].providers.is_empty());
}

#[test]
fn outgoing_is_rewritten_with_empty_configuration() {
    let estate = provisioned();
    let jira = estate.server(0);
    let id = jira.links()[0].id;
    let class = "com.atlassian.applinks.api.auth.types.OAuthAuthenticationProvider";
    let provider = format!("/rest/applinks/3.0/applicationlink/{id}/authentication/provider");
    let config =
        json!({ "provider": class, "config": { "serviceProvider.authorizeUrl": "/authorize" } });
    assert_eq!(json(jira, "PUT", &provider, Some(&config)).0, 201);
    let matrix = format!("/rest/applinks/3.0/status/{id}/oauth");
    let (_, seen) = json(jira, "GET", &matrix, None);
    assert_eq!(seen["outgoing"], half(true, false, false));
    assert_eq!(json(jira, "PUT", &matrix, Some(&seen)).0, 204);
    let (_, shown) = json(jira, "GET", &provider, None);
    assert_eq!(
        shown["authenticationProviders"][0]["config"],
        json!({}),
        "the configuration is gone"
    );
    jira.set_matrix(
        id,
        Flags::default(),
        Flags {
            enabled: true,
            ..Flags::default()
        },
    );
    assert_eq!(jira.links()[0].providers.len(), 1);
}

#[test]
fn who_may_put_a_matrix() {
    let estate = provisioned();
    let jira = estate.server(0);
    let url = format!(
        "{}/rest/applinks/3.0/status/{}/oauth",
        jira.base_url(),
        jira.links()[0].id
    );
    let put = |user: Option<(&str, &str)>, impersonation: bool| {
        let request = client()
            .put(&url)
            .json(&json!({ "incoming": half(true, true, impersonation), "outgoing": half(false, false, false) }));
        let request = match user {
            Some((user, password)) => request.basic_auth(user, Some(password)),
            None => request,
        };
        request.send().unwrap().status().as_u16()
    };
    assert_eq!(put(None, false), 401);
    assert_eq!(put(Some(("alice", "alice-secret-1")), false), 403);
    assert_eq!(
        put(Some((MANAGER, MANAGER_PASSWORD)), true),
        403,
        "impersonation is for system administrators"
    );
    assert_eq!(put(Some((MANAGER, MANAGER_PASSWORD)), false), 204);
    assert_eq!(
        client().get(&url).send().unwrap().status(),
        200,
        "the anonymous may look"
    );
}

#[test]
fn the_newer_resource_is_a_bare_array_and_deletes_with_204() {
    let estate = provisioned();
    let jira = estate.server(0);
    let (status, list) = json(
        jira,
        "GET",
        "/rest/applinks/3.0/applinks?property=oauth.incoming.consumerkey",
        None,
    );
    assert_eq!(
        (status, &list[0]["type"], &list[0]["primary"]),
        (200, &json!("generic"), &json!(true))
    );
    assert_eq!(
        list[0]["properties"],
        json!({ "oauth.incoming.consumerkey": "bot" })
    );
    let other = jira.add_link(Link::generic("Other", "https://other.example.com"));
    let path = format!("/rest/applinks/3.0/applinks/{other}");
    let taken = json!({ "name": "Bot", "rpcUrl": "https://other.example.com", "displayUrl": "https://x.example.com" });
    assert_eq!(json(jira, "PUT", &path, Some(&taken)).0, 409);
    assert_eq!(json(jira, "DELETE", &path, None), (204, Value::Null));
    assert_eq!(json(jira, "DELETE", &path, None).0, 404);
    assert_eq!(
        json(jira, "GET", "/rest/applinks/3.0/applinks/nonsense", None).0,
        400
    );
}

#[test]
fn what_a_provider_lacks() {
    let estate = provisioned();
    let jira = estate.server(0);
    let path = format!(
        "/rest/applinks/3.0/applicationlink/{}/authentication/provider",
        jira.links()[0].id
    );
    let class =
        |name: &str| format!("com.atlassian.applinks.api.auth.types.{name}AuthenticationProvider");
    let put = |user: (&str, &str), body: Value| {
        let request = client()
            .put(format!("{}{path}", jira.base_url()))
            .basic_auth(user.0, Some(user.1));
        request.json(&body).send().unwrap().status().as_u16()
    };
    let (admin, manager) = (("admin", "admin-secret-1"), (MANAGER, MANAGER_PASSWORD));
    let impersonation =
        json!({ "provider": class("TwoLeggedOAuthWithImpersonation"), "config": {} });
    assert_eq!(
        (
            put(manager, impersonation.clone()),
            put(admin, impersonation)
        ),
        (400, 201)
    );
    assert_eq!(
        put(admin, json!({ "provider": class("Unheard"), "config": {} })),
        400
    );
    assert_eq!(
        put(admin, json!({ "provider": class("OAuth") })),
        500,
        "config left out"
    );
    let one = format!("{path}/{}", class("TwoLeggedOAuthWithImpersonation"));
    assert_eq!(
        json(jira, "GET", &one, None).1["authenticationProviders"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    let all = format!(
        "/rest/applinks-oauth/1.0/applicationlink/{}/authentication",
        jira.links()[0].id
    );
    let (_, shown) = json(jira, "GET", &all, None);
    assert_eq!(shown["consumers"][0]["key"], "bot");
    assert_eq!(
        json(jira, "GET", &path.replace("3.0", "1.0"), None).0,
        404,
        "not in the first version"
    );
}

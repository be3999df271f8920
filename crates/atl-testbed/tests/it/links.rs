//! Application links (protocol.md 1.4).

use atl_testbed::{
    ALICE, ALICE_PASSWORD, Generation, Kind, Link, MANAGER, MANAGER_PASSWORD, ServerSpec, link_id,
};
use serde_json::{Value, json};

use crate::support::{client, estate, jira, json};

const LINKS: &str = "/rest/applinks/3.0/applicationlink";

#[test]
fn a_generic_link_comes_and_goes() {
    let estate = jira();
    let jira = estate.server(0);
    let body = json!({ "name": "Deploy", "rpcUrl": "https://a.example.com/", "displayUrl": "https://a.example.com/",
                       "typeId": "generic" });
    let (status, made) = json(jira, "PUT", LINKS, Some(&body));
    let id = link_id("https://a.example.com");
    assert_eq!(status, 201);
    assert_eq!(
        made["resources-created"][0]["href"],
        format!("{}{LINKS}/{id}", jira.base_url())
    );

    let (status, link) = json(jira, "GET", &format!("{LINKS}/{id}"), None);
    assert_eq!(
        (status, &link["rpcUrl"], &link["isPrimary"]),
        (200, &json!("https://a.example.com"), &json!(true))
    );

    let (status, refused) = json(jira, "PUT", LINKS, Some(&body));
    assert_eq!(
        (status, &refused["status"]),
        (400, &json!(400)),
        "the URL is taken: {refused}"
    );

    let (status, gone) = json(jira, "DELETE", &format!("{LINKS}/{id}"), None);
    assert_eq!((status, &gone["status-code"]), (200, &json!(200)));
    assert_eq!(jira.links(), []);
    assert_eq!(json(jira, "DELETE", &format!("{LINKS}/{id}"), None).0, 404);
}

#[test]
fn a_name_that_is_taken_gets_a_number() {
    let estate = jira();
    let jira = estate.server(0);
    for host in ["a", "b", "c"] {
        let url = format!("https://{host}.example.com");
        let body = json!({ "name": "Bot", "rpcUrl": url, "displayUrl": url, "typeId": "generic" });
        assert_eq!(json(jira, "PUT", LINKS, Some(&body)).0, 201);
    }
    let names: Vec<String> = jira.links().into_iter().map(|link| link.name).collect();
    assert_eq!(names, ["Bot", "Bot - 2", "Bot - 3"]);
}

#[test]
fn an_unknown_id_is_a_crash() {
    let estate = jira();
    let jira = estate.server(0);
    for id in ["11111111-1111-3111-8111-111111111111", "nonsense"] {
        let (status, body) = json(jira, "GET", &format!("{LINKS}/{id}"), None);
        assert_eq!((status, &body["status-code"]), (500, &json!(500)), "{id}");
    }
}

#[test]
fn xml_unless_json_is_asked_for() {
    let estate = jira();
    let jira = estate.server(0);
    jira.add_link(Link::generic("A <b> & c", "https://a.example.com"));
    let type_of = |path: &str, accept: Option<&str>| {
        let mut request = client()
            .get(format!("{}{path}", jira.base_url()))
            .basic_auth("admin", Some("admin-secret-1"));
        if let Some(accept) = accept {
            request = request.header("accept", accept);
        }
        let response = request.send().unwrap();
        (
            response.headers()["content-type"]
                .to_str()
                .unwrap()
                .to_owned(),
            response.text().unwrap(),
        )
    };
    let (kind, body) = type_of(LINKS, None);
    assert_eq!(kind, "application/xml");
    assert!(body.contains("<name>A &lt;b&gt; &amp; c</name>"), "{body}");
    assert!(
        body.contains("<applicationLinks><applicationLinks>"),
        "a list has no wrapper: {body}"
    );
    assert_eq!(type_of(LINKS, Some("*/*")).0, "application/xml");
    assert_eq!(
        type_of(LINKS, Some("application/json")).0,
        "application/json"
    );
    assert_eq!(
        type_of(&format!("{LINKS}.json"), None).0,
        "application/json"
    );
    assert_eq!(
        type_of(&format!("{LINKS}.xml"), Some("application/json")).0,
        "application/xml"
    );
}

#[test]
fn only_admins_are_let_in_and_the_refusal_is_always_401() {
    let estate = jira();
    let jira = estate.server(0);
    let url = format!("{}{LINKS}", jira.base_url());
    let get = || client().get(&url).header("accept", "application/json");
    assert_eq!(get().send().unwrap().status(), 401);
    assert_eq!(
        get()
            .basic_auth(ALICE, Some(ALICE_PASSWORD))
            .send()
            .unwrap()
            .status(),
        401
    );
    assert_eq!(
        get()
            .basic_auth(MANAGER, Some(MANAGER_PASSWORD))
            .send()
            .unwrap()
            .status(),
        200
    );
    let by_query = get()
        .query(&[("al_username", MANAGER), ("al_password", MANAGER_PASSWORD)])
        .send()
        .unwrap();
    assert_eq!(by_query.status(), 200);
    assert!(
        jira.log()
            .iter()
            .all(|exchange| !exchange.query.contains(MANAGER_PASSWORD)),
        "the log keeps no password"
    );
}

#[test]
fn an_update_keeps_the_url_and_the_names_of_others() {
    let estate = jira();
    let jira = estate.server(0);
    let id = jira.add_link(Link::generic("Bot", "https://a.example.com"));
    jira.add_link(Link::generic("Other", "https://b.example.com"));
    let path = format!("{LINKS}/{id}");
    let check = |body: Value, status: u16| {
        assert_eq!(json(jira, "POST", &path, Some(&body)).0, status, "{body}");
    };
    check(
        json!({ "name": "Other", "rpcUrl": "https://a.example.com", "typeId": "generic" }),
        400,
    );
    check(
        json!({ "name": "Bot", "rpcUrl": "https://c.example.com", "typeId": "generic" }),
        400,
    );
    check(
        json!({ "name": "Bot", "rpcUrl": "https://a.example.com", "typeId": "nonsense" }),
        400,
    );
    check(
        json!({ "name": "Bot 2", "rpcUrl": "https://a.example.com/", "typeId": "generic" }),
        200,
    );
    assert_eq!(jira.links()[0].name, "Bot 2");
    let unknown = format!("{LINKS}/{}", link_id("https://nowhere.example.com"));
    assert_eq!(
        json(jira, "POST", &unknown, Some(&json!({ "name": "x" }))).0,
        400
    );
    assert_eq!(
        json(jira, "PUT", &path, Some(&json!({}))).0,
        405,
        "no such method from version 2 on"
    );
}

#[test]
fn what_a_new_link_lacks() {
    let estate = jira();
    let jira = estate.server(0);
    let check = |body: Value, status: u16| {
        assert_eq!(json(jira, "PUT", LINKS, Some(&body)).0, status, "{body}");
    };
    check(
        json!({ "name": "a", "rpcUrl": "https://a.example.com", "typeId": "nonsense" }),
        400,
    );
    check(json!({ "name": "a", "typeId": "generic" }), 500);
    check(
        json!({ "name": "a", "rpcUrl": "https://a.example.com" }),
        500,
    );
    assert_eq!(jira.links(), []);
}

#[test]
fn a_system_link_hides_its_url_and_belongs_to_system_administrators() {
    let estate = jira();
    let jira = estate.server(0);
    let id = jira.add_link(Link {
        system: true,
        ..Link::generic("System", "https://a.example.com")
    });
    let path = format!("{LINKS}/{id}");
    let (_, link) = json(jira, "GET", &path, None);
    assert_eq!(
        (&link["isSystem"], link.get("rpcUrl")),
        (&json!(true), None)
    );
    let url = format!("{}{path}", jira.base_url());
    let delete = |user, password| {
        client()
            .delete(&url)
            .basic_auth(user, Some(password))
            .send()
            .unwrap()
            .status()
    };
    assert_eq!(delete(MANAGER, MANAGER_PASSWORD), 403);
    assert_eq!(delete("admin", "admin-secret-1"), 200);
}

#[test]
fn the_first_of_a_type_is_primary_until_another_is_made_so() {
    let estate = jira();
    let jira = estate.server(0);
    let first = jira.add_link(Link::generic("A", "https://a.example.com"));
    let second = jira.add_link(Link::generic("B", "https://b.example.com"));
    let primary = || json(jira, "GET", &format!("{LINKS}/primary/generic"), None).1["id"].clone();
    assert_eq!(primary(), json!(first));
    assert_eq!(
        json(
            jira,
            "POST",
            &format!("{LINKS}/primary/{second}"),
            Some(&json!({}))
        )
        .0,
        200
    );
    assert_eq!(primary(), json!(second));
    jira.delete_link(second);
    assert_eq!(primary(), json!(first));
    assert_eq!(
        json(jira, "GET", &format!("{LINKS}/primary/jira"), None).0,
        404
    );
    assert_eq!(
        json(jira, "GET", &format!("{LINKS}/type/nonsense"), None).0,
        400
    );
}

#[test]
fn the_manifest_is_open_and_tells_product_and_generation() {
    for (kind, generation, type_id, applinks) in [
        (Kind::Jira, Generation::Ancient, "jira", "3."),
        (Kind::Confluence, Generation::Legacy, "confluence", "4."),
        (Kind::Bamboo, Generation::Transitional, "bamboo", "5.0"),
        (Kind::Bitbucket, Generation::Current, "stash", "9.1.4"),
        (Kind::Jira, Generation::Next, "jira", "10."),
    ] {
        let estate = estate(ServerSpec::new(kind).generation(generation));
        let server = estate.server(0);
        let url = format!("{}/rest/applinks/1.0/manifest", server.base_url());
        let manifest: Value = client()
            .get(url)
            .header("accept", "application/json")
            .send()
            .unwrap()
            .json()
            .unwrap();
        assert_eq!(manifest["typeId"], type_id);
        assert!(
            manifest["applinksVersion"]
                .as_str()
                .unwrap()
                .starts_with(applinks),
            "{manifest}"
        );
        assert_eq!(manifest["url"], server.base_url());
        let newest = json(server, "GET", "/rest/applinks/3.0/applicationlink", None).0;
        assert_eq!(newest == 200, generation >= Generation::Transitional);
    }
}

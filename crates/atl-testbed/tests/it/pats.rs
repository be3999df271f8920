//! Personal access tokens over REST (protocol.md 4.1 to 4.3).

use atl_testbed::{
    ADMIN, ADMIN_PASSWORD, ALICE, ALICE_PASSWORD, BOB, BOB_PASSWORD, Generation, Kind, MANAGER,
    MANAGER_PASSWORD, Pat, Role, Server, ServerSpec, User,
};
use reqwest::blocking::RequestBuilder;
use serde_json::{Value, json};

use crate::browser::Browser;
use crate::support::{client, estate, jira};

const CREATED: i64 = 1_607_436_226;

fn ask(server: &Server, method: &str, path: &str) -> RequestBuilder {
    let url = format!("{}{path}", server.base_url());
    client().request(method.parse().unwrap(), url)
}

fn outcome(request: RequestBuilder) -> (u16, Value) {
    let response = request.send().unwrap();
    let status = response.status().as_u16();
    let body = response.text().unwrap();
    (status, serde_json::from_str(&body).unwrap_or(Value::Null))
}

fn said(server: &Server, user: &str, method: &str, path: &str) -> (u16, Value) {
    let password = format!("{user}-secret-1");
    outcome(ask(server, method, path).basic_auth(user, Some(password)))
}

fn search(server: &Server, user: &str, query: &Value) -> (u16, Value) {
    let password = format!("{user}-secret-1");
    let request = ask(server, "POST", "/rest/pat/latest/tokens/search");
    outcome(request.basic_auth(user, Some(password)).json(query))
}

/// Two of alice, one of bob, who is `JIRAUSER10200`.
fn fill(server: &Server) {
    server.put_user(User {
        key: "JIRAUSER10200".to_owned(),
        ..User::new(BOB, BOB_PASSWORD, Role::User)
    });
    server.put_pat(Pat {
        expires: Some(CREATED + 100),
        last_used: Some(CREATED + 10),
        ..Pat::new(1, ALICE, "old", CREATED)
    });
    server.put_pat(Pat::new(2, BOB, "of bob", CREATED));
    server.put_pat(Pat::new(3, ALICE, "new", CREATED + 1));
}

fn ids(values: &Value) -> Vec<u64> {
    let values = values.as_array().unwrap().iter();
    values.map(|it| it["id"].as_u64().unwrap()).collect()
}

fn left(server: &Server) -> Vec<u64> {
    server.pats().iter().map(|pat| pat.id).collect()
}

#[test]
fn everybody_sees_their_own() {
    let estate = jira();
    let server = estate.server(0);
    fill(server);
    let (status, own) = said(server, ALICE, "GET", "/rest/pat/1.0/tokens");
    assert_eq!(status, 200);
    let expected = json!([
        {
            "id": 1, "name": "old", "createdAt": "2020-12-08T14:03:46.000+00:00",
            "expiringAt": "2020-12-08T14:05:26.000+00:00", "lastAccessedAt": "2020-12-08T14:03:56.000+00:00",
        },
        { "id": 3, "name": "new", "createdAt": "2020-12-08T14:03:47.000+00:00" },
    ]);
    assert_eq!(own, expected);
    let (status, one) = said(server, ALICE, "GET", "/rest/pat/latest/tokens/3");
    assert_eq!((status, &one), (200, &expected[1]));
    for (user, id) in [(ALICE, "2"), (ADMIN, "2"), (ALICE, "9"), (ALICE, "x")] {
        let (status, error) = said(
            server,
            user,
            "GET",
            &format!("/rest/pat/latest/tokens/{id}"),
        );
        assert_eq!(status, 404, "{user} {id}");
        assert!(error["exception"].is_string() && error["error"].is_string());
    }
    let anonymous = outcome(ask(server, "GET", "/rest/pat/latest/tokens"));
    assert_eq!(anonymous.0, 401);
}

#[test]
fn owners_and_administrators_delete() {
    let estate = jira();
    let server = estate.server(0);
    fill(server);
    let delete = |user, id| {
        let path = format!("/rest/pat/latest/tokens/{id}");
        said(server, user, "DELETE", &path).0
    };
    assert_eq!((delete(ALICE, 2), left(server)), (401, vec![1, 2, 3]));
    assert_eq!((delete(ALICE, 1), left(server)), (204, vec![2, 3]));
    assert_eq!(delete(ALICE, 1), 204, "one that is gone is gone");
    assert_eq!((delete(MANAGER, 2), left(server)), (204, vec![3]));
}

#[test]
fn system_administrators_search_page_by_page() {
    let estate = jira();
    let server = estate.server(0);
    fill(server);
    let first = search(server, ADMIN, &json!({ "page": 0, "limit": 2 }));
    assert_eq!(first.0, 200);
    let facts = |page: &Value| {
        let of = |name: &str| page[name].clone();
        [of("page"), of("size"), of("isLastPage"), of("totalPages")]
    };
    assert_eq!(
        facts(&first.1),
        [json!(0), json!(2), json!(false), json!(2)]
    );
    assert_eq!(ids(&first.1["values"]), [1, 2]);
    assert_eq!(
        first.1["values"][1]["userProfileResource"],
        json!({ "userKey": "JIRAUSER10200", "username": "bob", "fullName": "bob", "email": "bob@example.com" })
    );
    let last = search(server, ADMIN, &json!({ "page": 1, "limit": 2 }));
    assert_eq!(facts(&last.1), [json!(1), json!(1), json!(true), json!(2)]);
    let found = |query| ids(&search(server, ADMIN, &query).1["values"]);
    assert_eq!(found(json!({})), [1, 2, 3]);
    assert_eq!(found(json!({ "userKeys": ["JIRAUSER10200"] })), [2]);
    assert_eq!(found(json!({ "userKeys": ["bob"] })), [0; 0]);
    assert_eq!(found(json!({ "name": "new", "userKeys": [] })), [3]);
    server.remove_user(ALICE);
    let (_, gone) = search(server, ADMIN, &json!({ "name": "new" }));
    assert_eq!(
        gone["values"][0]["userProfileResource"],
        json!({ "userKey": "alice" })
    );
}

#[test]
fn nobody_else_searches_or_deletes_many() {
    let estate = jira();
    let server = estate.server(0);
    fill(server);
    let delete = |user: &str, password: &str| {
        let request = ask(server, "DELETE", "/rest/pat/latest/admin/tokens");
        let request = request.basic_auth(user, Some(password)).json(&[1, 2, 77]);
        request.send().unwrap().status().as_u16()
    };
    for (user, password) in [(ALICE, ALICE_PASSWORD), (MANAGER, MANAGER_PASSWORD)] {
        assert_eq!(search(server, user, &json!({})).0, 403, "{user}");
        assert_eq!(delete(user, password), 403, "{user}");
        let users = said(server, user, "GET", "/rest/pat/latest/tokens/search/user");
        assert_eq!(users.0, 403, "{user}");
    }
    assert_eq!(left(server), [1, 2, 3]);
    assert_eq!(delete(ADMIN, ADMIN_PASSWORD), 204);
    assert_eq!(left(server), [3]);
    assert_eq!(search(server, ADMIN, &json!("x")).0, 200);
    let junk = ask(server, "DELETE", "/rest/pat/latest/admin/tokens");
    let junk = junk.basic_auth(ADMIN, Some(ADMIN_PASSWORD)).body("{}");
    assert_eq!(outcome(junk).0, 400);
    let users = said(
        server,
        ADMIN,
        "GET",
        "/rest/pat/latest/tokens/search/user?contains=bo",
    );
    assert_eq!(users.1.as_array().unwrap().len(), 1);
    assert_eq!(users.1[0]["userKey"], "JIRAUSER10200");
}

#[test]
fn a_search_changes_nothing_and_a_session_may_make_it() {
    let estate = jira();
    let server = estate.server(0);
    fill(server);
    let browser = Browser::of(server, ADMIN);
    server.clear_log();
    let url = format!("{}/rest/pat/latest/tokens/search", server.base_url());
    let answer = browser.post_json(&url, &json!({}));
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(server.writes(), 0);
}

#[test]
fn versions_that_are_too_old_have_none_of_it() {
    for kind in [Kind::Jira, Kind::Confluence, Kind::Bitbucket, Kind::Bamboo] {
        let estate = estate(ServerSpec::new(kind).generation(Generation::Transitional));
        for path in [
            "/rest/pat/latest/tokens",
            "/rest/access-tokens/latest/users/alice",
            "/rest/api/latest/access-token",
            "/rest/oauth2/latest/client",
        ] {
            let (status, _) = said(estate.server(0), ALICE, "GET", path);
            assert_eq!(status, 404, "{kind:?} {path}");
        }
    }
}

#[test]
fn a_token_that_ended_is_nobodys_and_one_that_is_used_says_so() {
    let estate = jira();
    let server = estate.server(0);
    fill(server);
    let value = |id| {
        let pats = server.pats();
        pats.into_iter().find(|pat| pat.id == id).unwrap().value
    };
    let whoami = |id| {
        let path = "/plugins/servlet/applinks/whoami";
        let request = ask(server, "GET", path).bearer_auth(value(id));
        request.send().unwrap().text().unwrap()
    };
    assert_eq!((whoami(1).as_str(), whoami(3).as_str()), ("", ALICE));
    let used: Vec<bool> = server
        .pats()
        .iter()
        .map(|it| it.last_used.is_some())
        .collect();
    assert_eq!(used, [true, false, true]);
    assert_eq!(server.pats()[0].last_used, Some(CREATED + 10));
}

#[test]
fn bitbucket_lists_them_user_by_user() {
    let estate = estate(ServerSpec::new(Kind::Bitbucket));
    let server = estate.server(0);
    fill(server);
    let path = |slug: &str| format!("/rest/access-tokens/latest/users/{slug}");
    let (status, page) = said(server, ALICE, "GET", &path(ALICE));
    assert_eq!(status, 200);
    assert_eq!(
        (&page["size"], &page["isLastPage"]),
        (&json!(2), &json!(true))
    );
    let first = &page["values"][0];
    assert_eq!(
        [&first["id"], &first["name"], &first["user"]["slug"]],
        ["1", "old", "alice"]
    );
    let thousands = |seconds| json!(seconds * 1000);
    assert_eq!(
        [
            &first["createdDate"],
            &first["expiryDate"],
            &first["lastAuthenticated"]
        ],
        [
            &thousands(CREATED),
            &thousands(CREATED + 100),
            &thousands(CREATED + 10)
        ]
    );
    let (_, part) = said(server, MANAGER, "GET", &format!("{}?limit=1", path(ALICE)));
    assert_eq!(
        [&part["isLastPage"], &part["nextPageStart"]],
        [&json!(false), &json!(1)]
    );
    let (_, rest) = said(server, MANAGER, "GET", &format!("{}?start=1", path(ALICE)));
    assert_eq!(rest["values"][0]["id"], "3");
    for (user, slug, status) in [
        (BOB, ALICE, 401),
        (ALICE, "nobody", 401),
        (ADMIN, "nobody", 404),
    ] {
        assert_eq!(
            said(server, user, "GET", &path(slug)).0,
            status,
            "{user} {slug}"
        );
    }
    assert_eq!(outcome(ask(server, "GET", &path(ALICE))).0, 401);
    assert_eq!(
        said(server, ALICE, "GET", &format!("{}/3", path(ALICE))).1["name"],
        "new"
    );
    assert_eq!(
        said(server, ALICE, "GET", &format!("{}/2", path(ALICE))).0,
        404
    );
}

#[test]
fn bitbucket_lets_owners_and_administrators_delete_but_no_token_of_theirs() {
    let estate = estate(ServerSpec::new(Kind::Bitbucket));
    let server = estate.server(0);
    fill(server);
    let path = "/rest/access-tokens/1.0/users/alice/1";
    assert_eq!(said(server, BOB, "DELETE", path).0, 401);
    let bearer = server.add_access_token(ADMIN);
    let by_token = |path| outcome(ask(server, "DELETE", path).bearer_auth(&bearer)).0;
    assert_eq!(by_token(path), 401);
    assert_eq!(left(server), [1, 2, 3, 4]);
    assert_eq!(said(server, ADMIN, "DELETE", path).0, 204);
    assert_eq!(said(server, ADMIN, "DELETE", path).0, 204, "it is gone");
    assert_eq!(by_token("/rest/access-tokens/1.0/users/admin/4"), 204);
    assert_eq!(left(server), [2, 3]);
}

#[test]
fn bamboo_lists_the_callers_own_only() {
    let estate = estate(ServerSpec::new(Kind::Bamboo));
    let server = estate.server(0);
    fill(server);
    let path = "/rest/api/latest/access-token";
    assert_eq!(ids(&said(server, ALICE, "GET", path).1), [1, 3]);
    assert_eq!(ids(&said(server, ADMIN, "GET", path).1), [0; 0]);
    assert_eq!(outcome(ask(server, "GET", path)).0, 401);
}

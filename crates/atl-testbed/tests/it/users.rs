//! The users of a product, listed over REST.

use atl_testbed::{
    ADMIN, ALICE, BOB, Estate, Kind, MANAGER, Population, Role, Server, ServerSpec, User,
};
use serde_json::Value;

use crate::support::{client, estate};

/// 1210 users, one of whom has a key of her own and one of whom may not log in.
fn crowded(kind: Kind) -> Estate {
    let estate = estate(ServerSpec::new(kind));
    let server = estate.server(0);
    server.populate(&Population::of(1203));
    server.put_user(User {
        key: "JIRAUSER10100".to_owned(),
        display_name: "Zoë Quick".to_owned(),
        email: "z.quick@example.org".to_owned(),
        ..User::new("zoe@example.org", "zoe-secret-1", Role::User)
    });
    server.put_user(User {
        active: false,
        ..User::ordinary("leaver")
    });
    estate
}

fn get(server: &Server, user: Option<&str>, path: &str) -> (u16, Value) {
    let request = client()
        .get(format!("{}{path}", server.base_url()))
        .header("accept", "application/json");
    let request = match user {
        Some(user) => request.basic_auth(user, Some(format!("{user}-secret-1"))),
        None => request,
    };
    let response = request.send().unwrap();
    let status = response.status().as_u16();
    let body = response.text().unwrap();
    (status, serde_json::from_str(&body).unwrap_or(Value::Null))
}

fn texts(values: &Value, name: &str) -> Vec<String> {
    let values = values.as_array().unwrap().iter();
    values
        .map(|it| it[name].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn jira_lists_all_for_a_dot() {
    let estate = crowded(Kind::Jira);
    let server = estate.server(0);
    let search = |query: &str| {
        let path = format!("/rest/api/2/user/search?{query}");
        let (status, found) = get(server, Some(ALICE), &path);
        assert_eq!(status, 200, "{query}");
        texts(&found, "name")
    };
    assert_eq!(search("username=.").len(), 50);
    let all = "username=.&includeInactive=true&maxResults=5000";
    let first = search(&format!("{all}&startAt=0"));
    let second = search(&format!("{all}&startAt=1000"));
    assert_eq!((first.len(), second.len()), (1000, 210));
    assert!(first.iter().all(|name| !second.contains(name)));
    assert!(search(&format!("{all}&startAt=2000")).is_empty());
    assert_eq!(search("username=leav"), [""; 0]);
    assert_eq!(search("username=leav&includeInactive=true"), ["leaver"]);
    assert!(search("username=.&includeActive=false&includeInactive=true") == ["leaver"]);
    let (_, zoe) = get(
        server,
        Some(ALICE),
        "/rest/api/2/user/search?username=quick",
    );
    let zoe = &zoe[0];
    assert_eq!(
        [
            &zoe["name"],
            &zoe["key"],
            &zoe["displayName"],
            &zoe["emailAddress"]
        ],
        [
            "zoe@example.org",
            "JIRAUSER10100",
            "Zoë Quick",
            "z.quick@example.org"
        ]
    );
    assert_eq!(zoe["active"], true);
    assert_eq!(
        get(server, None, "/rest/api/2/user/search?username=.").0,
        401
    );
    assert_eq!(get(server, Some(ALICE), "/rest/api/2/user/search").0, 400);
}

#[test]
fn confluence_lists_the_members_of_its_group() {
    let estate = crowded(Kind::Confluence);
    let server = estate.server(0);
    let path = "/rest/api/group/confluence-users/member";
    let (mut names, mut next) = (Vec::new(), Some(format!("{path}?limit=1000")));
    while let Some(path) = next {
        let (status, page) = get(server, Some(ALICE), &path);
        assert_eq!(status, 200);
        assert!(page["size"].as_u64() <= Some(200));
        names.extend(texts(&page["results"], "username"));
        next = page["_links"]["next"].as_str().map(str::to_owned);
    }
    assert_eq!(names.len(), 1210);
    let (_, last) = get(server, Some(ALICE), &format!("{path}?start=1209"));
    let zoe = &last["results"][0];
    assert_eq!(
        [
            &zoe["type"],
            &zoe["username"],
            &zoe["userKey"],
            &zoe["displayName"]
        ],
        ["known", "zoe@example.org", "JIRAUSER10100", "Zoë Quick"]
    );
    assert_eq!(get(server, None, path).0, 403);
    assert_eq!(
        get(server, Some(ALICE), "/rest/api/group/others/member").0,
        404
    );
}

#[test]
fn bitbucket_lists_page_by_page() {
    let estate = crowded(Kind::Bitbucket);
    let server = estate.server(0);
    let (mut slugs, mut start) = (Vec::new(), Some(0));
    while let Some(from) = start {
        let path = format!("/rest/api/1.0/users?limit=1000&start={from}");
        let (status, page) = get(server, Some(BOB), &path);
        assert_eq!((status, page["start"].as_u64()), (200, Some(from)));
        slugs.extend(texts(&page["values"], "slug"));
        start = page["nextPageStart"].as_u64();
        assert_eq!(page["isLastPage"].as_bool(), Some(start.is_none()));
    }
    assert_eq!(slugs.len(), 1210);
    assert_eq!(slugs.last().unwrap(), "zoe_example.org");
    let (_, few) = get(server, Some(BOB), "/rest/api/1.0/users");
    assert_eq!(few["size"], 25);
    assert_eq!(get(server, None, "/rest/api/1.0/users").0, 401);
}

#[test]
fn bamboo_lists_them_to_administrators() {
    let estate = crowded(Kind::Bamboo);
    let server = estate.server(0);
    let path = "/rest/api/latest/admin/users?limit=1000&start=1000";
    let (status, page) = get(server, Some(MANAGER), path);
    assert_eq!((status, page["size"].as_u64()), (200, Some(1210)));
    assert_eq!(texts(&page["results"], "name").len(), 210);
    assert_eq!(page["results"][209]["fullName"], "Zoë Quick");
    assert_eq!(page["results"][209]["email"], "z.quick@example.org");
    assert_eq!(get(server, Some(ADMIN), path).0, 200);
    assert_eq!(get(server, Some(ALICE), path).0, 403);
    assert_eq!(get(server, None, path).0, 401);
}

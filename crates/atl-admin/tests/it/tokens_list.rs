//! `tokens list`: what the store has, without asking anybody.

use atl_store::{GrantRow, GrantState};
use atl_testbed::{Kind, ServerSpec};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    env::Env,
    estate::{Fleet, keys},
    grants::{id, row},
};

const YEAR: u64 = 365 * 86_400;

/// Five grants. One that was given in 2001 came to its end long ago; the last two are of a server and of a consumer that
/// the fleet file does not name.
fn fleet() -> Fleet {
    let fleet = Fleet::new([Kind::Jira, Kind::Confluence].map(ServerSpec::new));
    let given = |server: &str, number, user: &str, date: &str| {
        let created: Timestamp = date.parse().unwrap();
        GrantRow {
            created,
            issued: created,
            expires_in: Some(100 * YEAR),
            ..row(fleet.server(server), number, user)
        }
    };
    fleet.keep(&given("jira", 0xa1, "alice", "2026-02-03T04:05:06Z"));
    fleet.keep(&GrantRow {
        expires_in: Some(YEAR),
        ..given("jira", 0xa2, "bob", "2001-02-03T04:05:06.789Z")
    });
    fleet.keep(&GrantRow {
        state: GrantState::Rejected,
        note: Some("it was revoked".to_owned()),
        expires_in: None,
        session_expires_in: None,
        renewable: false,
        ..given("wiki", 0xb1, "alice", "2026-01-01T00:00:00Z")
    });
    fleet.keep(&GrantRow {
        server: "old".to_owned(),
        server_url: "https://old.example.com".to_owned(),
        ..given("jira", 0xc1, "alice", "2026-01-01T00:00:00Z")
    });
    fleet.keep(&GrantRow {
        consumer: "gone-bot".to_owned(),
        ..given("jira", 0xc2, "bob", "2026-01-01T00:00:00Z")
    });
    fleet
}

fn ids(list: &Value) -> Vec<&str> {
    let grants = list["grants"].as_array().unwrap();
    grants
        .iter()
        .map(|grant| &grant["id"].as_str().unwrap()[..2])
        .collect()
}

#[test]
fn no_store_is_no_grants() {
    let fleet = Fleet::of(Kind::Jira);
    let run = fleet.run("tokens list --source store");
    insta::assert_snapshot!(run.shown(), @r"

    SERVER  SOURCE  SEEN  NOTE
    jira    store   part  only the grants that this store holds
    -- stderr
    no such grants were found; the coverage says where none could be seen
    -- exit 0
    ");
    let (list, code) = fleet.json("tokens list --source store");
    assert_eq!((code, &list["grants"]), (0, &json!([])));
    for line in ["tokens list --source store", "tokens verify"] {
        assert_eq!(fleet.run(line).code, Some(0), "{line}");
    }
    assert_eq!(fleet.env.files(), ["fleet.yaml"], "nothing was made");
}

#[test]
fn a_table_says_where_each_grant_stands_and_why() {
    let fleet = fleet();
    insta::assert_snapshot!(fleet.run("tokens list --source store").shown(), @r"
    ID            KIND    SERVER  USER   CONSUMER    STATUS    CREATED     EXPIRES     SOURCES  NOTE
    a10000000000  oauth1  jira    alice  deploy-bot  active    2026-02-03  2126-01-10  store    -
    a20000000000  oauth1  jira    bob    deploy-bot  expired   2001-02-03  2002-02-03  store    by its own end; the server
                                                                                                was not asked
    c20000000000  oauth1  jira    bob    gone-bot    unknown   2026-01-01  2125-12-08  store    its consumer is not in the
                                                                                                fleet file
    c10000000000  oauth1  old     alice  deploy-bot  unknown   2026-01-01  2125-12-08  store    its server is not in the
                                                                                                fleet file
    b10000000000  oauth1  wiki    alice  deploy-bot  rejected  2026-01-01  -           store    it was revoked

    SERVER  SOURCE  SEEN  NOTE
    jira    store   part  only the grants that this store holds
    wiki    store   part  only the grants that this store holds
    -- exit 0
    ");
    assert_eq!(fleet.requests(), 0, "no server is asked");
}

/// Neither the administrator's password nor that of the user is needed.
#[test]
fn no_secret_of_the_fleet_file_is_needed() {
    let fleet = fleet();
    let env = Env::new();
    env.write("fleet.yaml", &fleet.env.read("fleet.yaml"));
    assert_eq!(env.run("tokens list --source store").code, Some(0));
    assert_eq!(
        env.run("tokens list --source store -f other.yaml").code,
        Some(2)
    );
}

#[test]
fn the_document_has_the_promised_shape() {
    let fleet = fleet();
    let (list, _) = fleet.json("tokens list --source store -s jira");
    assert_eq!(
        keys(&list),
        ["format_version", "grants", "coverage", "findings"].into()
    );
    assert_eq!(
        list["coverage"],
        json!([{
            "server": "jira", "source": "store", "complete": false,
            "note": "only the grants that this store holds", "error": null
        }])
    );
    let mut grant = list["grants"][1].clone();
    for varying in [
        "renewable_until",
        "name",
        "consumer_registered",
        "user_status",
    ] {
        grant.as_object_mut().unwrap().remove(varying);
    }
    assert_eq!(
        grant,
        json!({
            "id": id(0xa2), "kind": "oauth1", "server": "jira", "user": "bob", "consumer": "deploy-bot",
            "consumer_key": "deploy-bot", "consumer_name": "Deploy bot", "created": "2001-02-03T04:05:06Z",
            "last_used": null, "expires": "2002-02-03T04:05:06Z", "checked": null, "status": "expired",
            "note": "by its own end; the server was not asked", "source": "store", "sources": ["store"],
            "created_approximate": false, "endless": false, "never_used": false, "scopes": [],
            "created_shown": null, "handle": null
        })
    );
}

#[test]
fn selection_and_filters_narrow_each_other_down() {
    let fleet = fleet();
    let check = |line: &str, expected: &[&str]| {
        let (list, code) = fleet.json(&format!("tokens list --source store {line}"));
        assert_eq!((code, ids(&list)), (0, expected.to_vec()), "{line}");
    };
    check("", &["a1", "a2", "c2", "c1", "b1"]);
    check("-s jira", &["a1", "a2", "c2"]);
    check("-c deploy-bot", &["a1", "a2", "b1"]);
    check("--user ALICE", &["a1", "c1", "b1"]);
    check("-s wiki --user alice --user bob", &["b1"]);
    check("--older-than 3650d", &["a2"]);
    check("-s jira --expires-in 30d", &["a2"]);
    check("--status expired --status rejected", &["a2", "b1"]);
    check("--status unknown", &["c2", "c1"]);
    check("--sort created --limit 2", &["a2", "c2"]);
    check("A1 b10", &["a1", "b1"]);
}

#[test]
fn an_id_that_names_no_grant_or_several_is_refused() {
    let fleet = fleet();
    let run = fleet.run("tokens list --source store a");
    assert_eq!(run.code, Some(2), "{}", run.shown());
    assert!(
        run.stderr.contains("a10000000000, a20000000000"),
        "{}",
        run.shown()
    );
    let run = fleet.run("tokens list --source store -s wiki a1");
    assert_eq!(run.code, Some(1), "{}", run.shown());
    assert!(
        run.stderr.contains("`atl-admin tokens list` shows"),
        "{}",
        run.shown()
    );
}

#[test]
fn grants_are_counted_by_user_consumer_or_server() {
    let fleet = fleet();
    insta::assert_snapshot!(fleet.run("tokens list --source store --by user").ok(), @r"
    USER   GRANTS  ACTIVE  EXPIRED  REJECTED  UNKNOWN
    alice  3       1       0        1         1
    bob    2       0       1        0         1

    SERVER  SOURCE  SEEN  NOTE
    jira    store   part  only the grants that this store holds
    wiki    store   part  only the grants that this store holds
    ");
    insta::assert_snapshot!(fleet.run("tokens list --source store --by server -o csv").stdout, @r"
    server,grants,active,expired,rejected,unknown
    jira,3,1,1,0,1
    old,1,0,0,0,1
    wiki,1,0,0,1,0
    ");
    let (groups, _) = fleet.json("tokens list --source store --by consumer -c deploy-bot -s jira");
    assert_eq!(
        groups["groups"],
        json!([{"consumer": "deploy-bot", "grants": 2, "active": 1, "expired": 1, "rejected": 0, "unknown": 0}])
    );
    assert_eq!(groups["coverage"][0]["source"], "store");
}

#[test]
fn every_format_shows_them() {
    let fleet = fleet();
    let run = fleet.run("tokens list --source store -s wiki -o csv");
    assert_eq!(
        run.stderr,
        "wiki: store: only the grants that this store holds\n"
    );
    let lines: Vec<_> = run.stdout.lines().collect();
    assert_eq!(
        lines[0],
        "id,server,user,consumer,status,created,expires,note,kind,consumer_key,consumer_name,renewable_until,checked,\
         source,sources,last_used,user_status,consumer_registered,name,scopes,created_approximate,created_shown,\
         endless,handle"
    );
    assert_eq!(
        lines[1],
        "b10000000000,wiki,alice,deploy-bot,rejected,2026-01-01T00:00:00Z,,it was revoked,oauth1,deploy-bot,\
         Deploy bot,,,store,store,,,,,,false,,false,"
    );
    let run = fleet.run("tokens list --source store -s wiki -o ndjson");
    let last = run.ok().lines().last().unwrap();
    let event: Value = serde_json::from_str(last).unwrap();
    assert_eq!(
        (&event["event"], &event["id"]),
        (&json!("grant"), &json!(id(0xb1)))
    );
    let yaml = fleet.run("tokens list --source store -o yaml");
    let yaml: Value = serde_yaml::from_str(yaml.ok()).unwrap();
    assert_eq!(yaml, fleet.json("tokens list --source store").0);
}

#[test]
fn a_server_of_another_name_keeps_its_grants_and_one_at_another_url_does_not() {
    let fleet = fleet();
    fleet.edit("  jira:\n", "  issues:\n");
    let (list, _) = fleet.json("tokens list --source store -s issues");
    assert_eq!(ids(&list), ["a1", "a2", "c2"]);
    assert_eq!(list["grants"][0]["server"], "issues");
    fleet.edit(&fleet.first().base_url(), "http://localhost:1/jira");
    let (list, _) = fleet.json("tokens list --source store --user bob");
    assert_eq!(
        list["grants"][0]["note"],
        "its server is not in the fleet file"
    );
}

#[test]
fn what_became_of_grants_is_counted_too() {
    let fleet = Fleet::provisioned();
    for (number, user) in [(1, "alice"), (2, "alice"), (3, "bob")] {
        fleet.grant(number, user);
    }
    insta::assert_snapshot!(fleet.run("tokens verify --by user").ok(), @r"
    USER   GRANTS  ACTIVE  EXPIRED  REJECTED  UNKNOWN
    alice  2       2       0        0         0
    bob    1       1       0        0         0
    ");
    for (line, groups) in [
        ("tokens renew --by consumer", json!([["deploy-bot", 3]])),
        (
            "tokens revoke --user alice --by user --dry-run",
            json!([["alice", 2]]),
        ),
        (
            "tokens revoke --user alice --by user --yes",
            json!([["alice", 2]]),
        ),
        ("tokens verify --by user", json!([["bob", 1]])),
    ] {
        let by = if line.contains("--by user") {
            "user"
        } else {
            "consumer"
        };
        let (document, code) = fleet.json(line);
        assert_eq!(code, 0, "{line}: {document:#}");
        let counted: Vec<_> = document["groups"]
            .as_array()
            .unwrap()
            .iter()
            .map(|group| json!([group[by], group["grants"]]))
            .collect();
        assert_eq!(json!(counted), groups, "{line}");
        assert_eq!(document["failed"], json!([]), "{line}");
        assert!(document["grants"].is_null(), "{line}");
    }
}

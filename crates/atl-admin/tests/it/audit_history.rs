//! `audit --since`: what is new and gone, and never more than was looked at.

use atl_testbed::{ALICE, BOB, Kind, SERVICE_USER, Server, Token, User};
use serde_json::{Value, json};

use crate::{
    estate::{CONSUMER, Fleet},
    grants::token,
};

fn give(server: &Server, number: u32, user: &str) {
    server.add_token(Token::access(&token(number), CONSUMER, user));
}

/// Whose grants are in a part of the difference, and how many there are.
fn users(document: &Value, part: &str) -> (Vec<String>, u64) {
    let part = &document["difference"][part];
    let rows = part["rows"].as_array().unwrap().iter();
    let users = rows.map(|row| row["user"].as_str().unwrap().to_owned());
    (users.collect(), part["total"].as_u64().unwrap())
}

#[test]
fn an_audit_tells_what_is_new_and_gone_since_the_one_before() {
    let fleet = Fleet::provisioned();
    let server = fleet.first();
    give(server, 1, ALICE);
    give(server, 2, BOB);
    give(server, 3, SERVICE_USER);

    let run = fleet.run("audit --with-auditor --since last -o json");
    assert_eq!(run.code, Some(0), "{}", run.shown());
    assert!(run.stderr.contains("no earlier audit"), "{}", run.shown());
    assert_eq!(run.json()["difference"], Value::Null);

    // One is revoked and one is given; one user may not log in any more, whose page nobody can read.
    server.remove_token(&token(1));
    give(server, 4, BOB);
    let mut all = server.users().into_iter();
    let user = all.find(|user| user.name == SERVICE_USER);
    server.put_user(User {
        active: false,
        ..user.unwrap()
    });
    let (document, code) = fleet.json("audit --with-auditor --since last");
    assert_eq!(code, 0, "{document:#}");
    assert_eq!(users(&document, "new_grants"), (vec![BOB.to_owned()], 1));
    assert_eq!(users(&document, "gone_grants"), (vec![ALICE.to_owned()], 1));
    assert_eq!(document["difference"]["changed_grants"]["total"], 0);

    // Who does not look does not say that something is gone.
    let (document, _) = fleet.json("audit --since last");
    for part in ["new_grants", "gone_grants"] {
        assert_eq!(users(&document, part), (vec![], 0), "{part}");
    }
    // What was not looked for then is there still.
    let (document, _) = fleet.json("audit --with-auditor --since last");
    for part in ["new_grants", "gone_grants"] {
        assert_eq!(users(&document, part), (vec![], 0), "{part}");
    }
    let table = fleet.run("audit --since last").stdout;
    let end = "nothing is new, gone or changed\n";
    assert!(table.ends_with(end), "{table}");
    let (document, _) = fleet.json("audit --since 2001-01-01");
    assert_eq!(document["difference"], json!(null));
}

#[test]
fn a_part_of_an_audit_is_compared_with_nothing() {
    let fleet = Fleet::of(Kind::Jira);
    for line in [
        "audit --since last --user alice",
        "audit --since last -c deploy-bot",
        "audit --since yesterday",
    ] {
        let run = fleet.run(line);
        assert_eq!(run.code, Some(2), "{line}: {}", run.shown());
    }
    assert_eq!(fleet.requests(), 0);
}

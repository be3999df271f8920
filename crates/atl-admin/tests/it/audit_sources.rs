//! `audit`: what the rules find among the grants that servers and databases show.

use atl_testbed::{Consumer, Kind, Link, Pat, Postgres, ServerSpec, Token, User};
use serde_json::json;

use crate::{
    audit::clean,
    audits::{found, links_of, of_rule},
    estate::{CONSUMER, link_by_hand},
};

/// 2020-01-01, longer ago than any rule is patient.
const LONG_AGO: i64 = 1_577_836_800;
const ELSEWHERE: &str = "https://elsewhere.example.com";

#[test]
fn personal_access_tokens_are_judged_as_far_as_the_server_tells() {
    for (kind, tells_use) in [(Kind::Jira, true), (Kind::Bitbucket, false)] {
        let fleet = clean([ServerSpec::new(kind)]);
        let server = fleet.first();
        server.put_pat(Pat::new(1, "alice", "forgotten", LONG_AGO));
        server.put_pat(Pat {
            expires: Some(LONG_AGO + 86_400 * 36_500),
            last_used: Some(LONG_AGO + 86_400),
            ..Pat::new(2, "bob", "put away", LONG_AGO)
        });
        let (document, code) = fleet.audit("--source pat");
        assert_eq!(code, 0, "{document:#}");
        let of = |rule: &str| {
            let findings = document["findings"].as_array().unwrap().iter();
            let findings = findings.filter(|finding| finding["rule"] == rule);
            let mut messages: Vec<_> = findings
                .map(|finding| finding["message"].as_str().unwrap().to_owned())
                .collect();
            messages.sort();
            messages
        };
        assert_eq!(
            of("ATL-PAT-ENDLESS"),
            ["the personal access token `forgotten` of `alice` never expires"]
        );
        let mut unused = vec![
            "the personal access token `forgotten` of `alice` was made on 2020-01-01 and never used",
            "the personal access token `put away` of `bob` was last used on 2020-01-02",
        ];
        if !tells_use {
            unused.remove(0);
        }
        assert_eq!(of("ATL-GRANT-UNUSED"), unused);
        assert_eq!(found(&document).len(), 1 + unused.len(), "{document:#}");
    }
}

#[test]
fn a_grant_to_a_consumer_that_nobody_manages_is_found_on_a_page() {
    let fleet = clean([ServerSpec::new(Kind::Confluence)]);
    link_by_hand(fleet.first(), ELSEWHERE, "theirs");
    for (number, key) in [(1, CONSUMER), (2, "theirs")] {
        let token = crate::grants::token(number);
        fleet.first().add_token(Token::access(&token, key, "admin"));
    }
    let (document, _) = fleet.audit("--source page");
    assert_eq!(
        document["grants"].as_array().unwrap().len(),
        2,
        "{document:#}"
    );
    let message = of_rule(&document, "ATL-GRANT-UNMANAGED")["message"].as_str();
    assert_eq!(
        message,
        Some(
            "the grant of `admin` to `theirs` is for consumer `theirs`, which the fleet file does not name"
        )
    );
}

#[test]
fn a_database_shows_what_nothing_else_does() {
    const TEST: &str = "a_database_shows_what_nothing_else_does";
    let database = match Postgres::shared() {
        Ok(postgres) => postgres.database(),
        Err(why) => return atl_testbed::skip(env!("CARGO_PKG_NAME"), TEST, why),
    };
    let fleet = clean([ServerSpec::new(Kind::Jira)]).with("JIRA_DB", &database.url());
    fleet.add_to("jira", "database: ${env:JIRA_DB}");
    let server = fleet.first();
    // Another consumer key on the same link, without disabling the first one.
    let id = server.add_link(Link::generic("Other", ELSEWHERE));
    let public_key = include_str!("../../../../fixtures/keys/another.pub.pem");
    for key in ["left", "theirs"] {
        server.put_consumer(Some(id), Consumer::new(key, key, public_key).unwrap());
    }
    for (number, key, user) in [
        (1, CONSUMER, "alice"),
        (2, "gone", "alice"),
        (3, CONSUMER, "bob"),
    ] {
        let token = crate::grants::token(number);
        server.add_token(Token::access(&token, key, user));
    }
    server.put_user(User {
        active: false,
        ..User::ordinary("bob")
    });
    server.write_database(&database);
    let (document, code) = fleet.audit("--source database");
    assert_eq!(code, 0, "{document:#}");
    let mut rules: Vec<_> = found(&document)
        .iter()
        .map(|one| one.split(' ').nth(1).unwrap().to_owned())
        .collect();
    rules.sort();
    assert_eq!(
        rules,
        [
            "ATL-CONSUMER-NO-LINK",
            "ATL-GRANT-INACTIVE-USER",
            "ATL-GRANT-ORPHAN",
            "ATL-LINK-UNMANAGED",
        ],
        "{document:#}"
    );
    let subject = |rule: &str| of_rule(&document, rule)["subject"].clone();
    assert_eq!(subject("ATL-CONSUMER-NO-LINK"), "consumer left");
    let line = links_of(&document, "jira");
    assert_eq!(line["complete"], json!(true), "{line:#}");

    // Without it, the same audit says that it could not look there.
    let (document, _) = fleet.audit("--source store");
    let note = links_of(&document, "jira")["note"].as_str().unwrap();
    assert!(note.contains("ATL-CONSUMER-NO-LINK"), "{note}");
    assert!(!found(&document).concat().contains("ORPHAN"));
}

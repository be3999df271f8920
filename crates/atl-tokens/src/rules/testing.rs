//! Facts for the tests of rules: all is well until a test changes something.

use std::{collections::BTreeMap, time::Duration};

use jiff::{SignedDuration, Timestamp};

use super::{
    ConsumerFacts, FleetFacts, Incoming, KeyFacts, LinkFacts, Rule, ServerFacts, TwoLeggedFacts,
    Wanted,
};
use crate::{Finding, days::DAY};

fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

pub(super) fn in_days_from_now(days: i32) -> Timestamp {
    now() + SignedDuration::from_hours(24 * i64::from(days))
}

pub(super) fn days_ago(days: u32) -> Timestamp {
    now() - age(days)
}

pub(super) fn age(days: u32) -> Duration {
    DAY * days
}

/// Exactly one finding of this rule is expected, or none; findings of other rules do not matter.
#[track_caller]
pub(super) fn expect(rule: Rule, findings: &[Finding], expected: bool) {
    let of_rule: Vec<_> = findings
        .iter()
        .filter(|finding| finding.rule == rule.id())
        .collect();
    assert_eq!(
        of_rule.len(),
        usize::from(expected),
        "{}: {findings:?}",
        rule.id()
    );
    for finding in of_rule {
        assert_eq!(finding.severity, rule.severity());
        assert!(!finding.message.is_empty() && !finding.advice.is_empty());
    }
}

/// On `jira` and on `wiki`, where nothing is wanted.
pub(super) fn fleet() -> FleetFacts {
    let wanted = Wanted {
        name: "deploy-bot".to_owned(),
        key: "bot".to_owned(),
        display_name: "Bot".to_owned(),
        url: "https://bot.example.com".to_owned(),
        callback: None,
        fingerprint: None,
        two_legged: None,
        max_key_age: None,
        max_grant_age: None,
        absent: false,
    };
    FleetFacts {
        now: now(),
        wanted: BTreeMap::from([
            ("jira".to_owned(), vec![wanted]),
            ("wiki".to_owned(), Vec::new()),
        ]),
        keys_made: BTreeMap::new(),
    }
}

pub(super) fn server(name: &str, links: Vec<LinkFacts>) -> ServerFacts {
    ServerFacts {
        server: name.to_owned(),
        links: Some(links),
        consumers: None,
        basic_allowed: Some(false),
        administrators: vec!["admin".to_owned()],
        auditors: Vec::new(),
    }
}

/// The link that the fleet file wants.
pub(super) fn link(id: &str, incoming: Incoming) -> LinkFacts {
    LinkFacts {
        id: id.to_owned(),
        name: "Bot".to_owned(),
        type_id: "generic".to_owned(),
        rpc_url: Some("https://bot.example.com".to_owned()),
        display_url: "https://bot.example.com".to_owned(),
        system: false,
        incoming,
        outgoing: Some(false),
    }
}

pub(super) fn consumer(key: &str) -> ConsumerFacts {
    ConsumerFacts {
        key: key.to_owned(),
        name: "Bot".to_owned(),
        public_key: Some(public_key(&format!("SHA256:{key}"))),
        callback: Some("https://bot.example.com/cb".to_owned()),
        two_legged: TwoLeggedFacts::default(),
    }
}

pub(super) fn public_key(fingerprint: &str) -> KeyFacts {
    KeyFacts {
        fingerprint: fingerprint.to_owned(),
        bits: 3072,
        weak: false,
        published: None,
    }
}

//! What an audit of three servers could have found, for tests of what is written of it.

use std::path::Path;

use atl_admin::report::Report;
use atl_client::Failure;
use atl_fleet::audit::{Accepted, Reported};
use atl_fleet::audit::{ChangedGrant, Difference, Excerpt};
use atl_tokens::{
    Coverage, Finding, Gap, GrantEntry, GrantKind, GrantStatus, LookedAt, SourceKind, UserStatus,
    rules::Rule,
};
use jiff::{SignedDuration, Timestamp, civil::date};

/// The name of a consumer that no report may take for anything else.
pub(crate) const SCRIPT: &str = "<script>alert(1)</script>";

pub(crate) const RULES: [Rule; 4] = [
    Rule::KeySample,
    Rule::GrantInactiveUser,
    Rule::GrantOld,
    Rule::PatEndless,
];

/// Everything that a report is made of.
pub(crate) struct Sample {
    pub(crate) fleet: &'static str,
    pub(crate) servers: Vec<String>,
    pub(crate) coverage: Vec<Coverage>,
    pub(crate) findings: Vec<Reported>,
    pub(crate) accepted: Vec<Reported>,
    pub(crate) grants: Vec<GrantEntry>,
    pub(crate) has_baseline: bool,
    pub(crate) difference: Option<Difference>,
}

impl Sample {
    /// Jira was looked at, Confluence in part, Bitbucket did not answer.
    pub(crate) fn new() -> Self {
        let down = Gap {
            code: "unreachable".to_owned(),
            message: "git: https://git.example.com does not answer: connection refused".to_owned(),
            advice: "look whether the server runs".to_owned(),
            failure: Failure::Unreachable,
        };
        Self {
            fleet: "fleet.yaml",
            servers: ["jira", "wiki", "git"].map(str::to_owned).into(),
            coverage: vec![
                Coverage::complete("jira", SourceKind::Database, "all OAuth 1.0a grants"),
                Coverage::complete(
                    "jira",
                    LookedAt::Links,
                    "application links and their consumers",
                ),
                Coverage::partial(
                    "wiki",
                    SourceKind::Page,
                    "only the grants of `admin`; not tokens (ATL-PAT-ENDLESS)",
                ),
                Coverage::failed("git", SourceKind::Pat, "no tokens were seen", down),
            ],
            findings: vec![
                reported(
                    Rule::GrantOld,
                    "jira",
                    "grant 0a1b2c3d4e5f",
                    "given 800 days ago by `alice`",
                ),
                reported(
                    Rule::KeySample,
                    "jira",
                    &format!("consumer {SCRIPT}"),
                    "its key is printed in a manual",
                ),
                reported(
                    Rule::GrantOld,
                    "wiki",
                    "grant 112233445566",
                    "given {0} days ago by [bob](http://evil)\u{1b}[2J",
                ),
            ],
            accepted: Vec::new(),
            grants: vec![
                grant("alice", "0a1b2c3d4e5f", 800),
                GrantEntry {
                    consumer: None,
                    consumer_name: Some(SCRIPT.to_owned()),
                    user_status: Some(UserStatus::Inactive),
                    ..grant("bob & \"co\"", "112233445566", 40)
                },
                GrantEntry {
                    kind: GrantKind::Pat,
                    server: "wiki".to_owned(),
                    name: Some("backup".to_owned()),
                    consumer: None,
                    endless: true,
                    ..grant("carol", "99887766aabb", 3)
                },
            ],
            has_baseline: false,
            difference: None,
        }
    }

    /// A baseline that has the first finding.
    pub(crate) fn with_baseline(mut self) -> Self {
        self.has_baseline = true;
        self.findings[0].baseline = true;
        self
    }

    /// A finding that somebody accepted for a time.
    pub(crate) fn with_accepted(mut self) -> Self {
        self.accepted = vec![Reported {
            accepted: Some(Accepted {
                reason: "the backup needs it".to_owned(),
                until: Some(date(2027, 1, 31)),
            }),
            ..reported(
                Rule::PatEndless,
                "wiki",
                "grant 99887766aabb",
                "carol's `backup` has no end",
            )
        }];
        self
    }

    /// Differences of each kind, of which not all are in the excerpt.
    pub(crate) fn with_difference(mut self) -> Self {
        fn excerpt<T>(rows: Vec<T>, total: u64) -> Excerpt<T> {
            Excerpt { rows, total }
        }
        self.difference = Some(Difference {
            since: now() - SignedDuration::from_hours(30 * 24),
            new_grants: excerpt(vec![self.grants[1].clone()], 1_200),
            gone_grants: excerpt(vec![grant("dave", "deadbeef0001", 500)], 1),
            changed_grants: excerpt(
                vec![ChangedGrant {
                    grant: self.grants[0].clone(),
                    what: "status: active -> expired".to_owned(),
                }],
                1,
            ),
            new_findings: excerpt(vec![self.findings[1].finding.clone()], 1),
            gone_findings: excerpt(Vec::new(), 0),
        });
        self
    }

    /// As many grants as are asked for, of many users, consumers and servers.
    pub(crate) fn with_grants(mut self, count: usize) -> Self {
        let servers = ["jira", "wiki", "git"];
        self.grants = (0..count)
            .zip(0_i64..)
            .map(|(index, number)| GrantEntry {
                server: servers[index % 3].to_owned(),
                consumer: Some(format!("bot-{}", index % 17)),
                last_used: Some(now() - SignedDuration::from_hours(number % 900)),
                expires: (index % 4 != 0)
                    .then(|| now() + SignedDuration::from_hours(number * 7 % 20_000)),
                ..grant(
                    &format!("user{index:05}"),
                    &format!("{index:012x}"),
                    number % 2_200,
                )
            })
            .collect();
        self
    }

    pub(crate) fn report(&self) -> Report<'_> {
        Report {
            made: now(),
            fleet: Path::new(self.fleet),
            servers: &self.servers,
            coverage: &self.coverage,
            rules: &RULES,
            findings: &self.findings,
            grants: &self.grants,
            accepted: &self.accepted,
            has_baseline: self.has_baseline,
            difference: self.difference.as_ref(),
        }
    }
}

fn reported(rule: Rule, server: &str, subject: &str, message: &str) -> Reported {
    let finding = Finding {
        rule: rule.id().to_owned(),
        severity: rule.severity(),
        server: server.to_owned(),
        subject: subject.to_owned(),
        message: message.to_owned(),
        advice: "revoke it, or have it given again".to_owned(),
    };
    Reported {
        id: finding.id(),
        finding,
        baseline: false,
        accepted: None,
    }
}

fn grant(user: &str, id: &str, days: i64) -> GrantEntry {
    GrantEntry {
        consumer: Some("deploy-bot".to_owned()),
        consumer_key: Some("deploy-bot".to_owned()),
        created: Some(now() - SignedDuration::from_hours(days * 24)),
        status: GrantStatus::Active,
        ..GrantEntry::new(GrantKind::Oauth1, id, "jira", user, SourceKind::Database)
    }
}

pub(crate) fn now() -> Timestamp {
    "2026-11-28T08:30:00.123456Z".parse().unwrap()
}

/// What one of the writers wrote.
pub(crate) fn written(
    sample: &Sample,
    writer: impl FnOnce(&Report<'_>, &mut Vec<u8>) -> std::io::Result<()>,
) -> String {
    let mut out = Vec::new();
    writer(&sample.report(), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

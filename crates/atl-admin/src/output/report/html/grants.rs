//! The grants: all of them in numbers, the first of them as rows.

use std::{
    collections::HashSet,
    hash::{BuildHasher as _, RandomState},
    io,
};

use atl_tokens::{GrantEntry, GrantKind, UserStatus};

use super::{
    charts::{Ages, Chart, Ends, Shares},
    words::{self, counted, day},
};
use crate::output::report::{Report, harmless, rows::for_each};

/// How many rows the table has at most: a browser still searches them while one types.
const MOST_ROWS: usize = 5_000;

/// What stands in the place of the consumer of a personal access token.
const OWN_TOKEN: &str = "own token";

/// The grants.
pub(super) struct Grants {
    total: u64,
    /// Hashes of their names: there may be many users.
    users: HashSet<u64>,
    /// How many there are of OAuth 1.0a, OAuth 2 and personal access tokens.
    kinds: [u64; 3],
    ages: Ages,
    ends: Ends,
    consumers: Shares,
    servers: Shares,
    rows: Vec<Row>,
}

impl Grants {
    pub(super) fn read(report: &Report<'_>) -> io::Result<Self> {
        let mut grants = Self {
            total: 0,
            users: HashSet::new(),
            kinds: [0; 3],
            ages: Ages::new(),
            ends: Ends::new(),
            consumers: Shares::default(),
            servers: Shares::default(),
            rows: Vec::new(),
        };
        let hasher = RandomState::new();
        for_each(
            report.grants,
            |error| error,
            |grant| {
                grants.total += 1;
                grants.users.insert(hasher.hash_one(&grant.user));
                grants.kinds[grant.kind as usize] += 1;
                grants.ages.add(grant, report.made);
                grants.ends.add(grant, report.made);
                let (consumer, key) = if grant.kind == GrantKind::Pat {
                    (OWN_TOKEN.to_owned(), String::new())
                } else {
                    consumer(grant)
                };
                grants.consumers.add(consumer, key);
                grants.servers.add(text(&grant.server), String::new());
                if grants.rows.len() < MOST_ROWS {
                    grants.rows.push(Row::new(grant));
                }
                Ok(())
            },
        )?;
        Ok(grants)
    }

    pub(super) fn total(&self) -> u64 {
        self.total
    }

    pub(super) fn users(&self) -> u64 {
        self.users.len() as u64
    }

    pub(super) fn charts(&self) -> Vec<Chart> {
        let by = |shares: &Shares, title, others| shares.chart(title, "Number of grants", others);
        vec![
            self.ages.chart(),
            self.ends.chart(),
            by(&self.consumers, "By consumer", "other consumer"),
            by(&self.servers, "By server", "other server"),
        ]
    }

    /// How many there are of each kind, in words.
    pub(super) fn kinds(&self) -> String {
        let kinds = [GrantKind::Oauth1, GrantKind::Oauth2, GrantKind::Pat];
        let counts = kinds
            .into_iter()
            .zip(self.kinds)
            .filter(|(_, count)| *count > 0);
        let words: Vec<_> = counts
            .map(|(kind, count)| match kind {
                GrantKind::Pat => counted(count, "personal access token"),
                _ => format!("{} of {}", counted(count, "grant"), of_kind(kind)),
            })
            .collect();
        words.join(", ")
    }

    /// How many of how many have rows, where not all have.
    pub(super) fn cut(&self) -> Option<String> {
        words::cut(self.rows.len(), self.total)
    }

    pub(super) fn into_rows(self) -> Vec<Row> {
        self.rows
    }
}

/// A grant, as it stands in tables.
pub(super) struct Row {
    pub(super) user: String,
    /// What is the matter with the user.
    pub(super) user_status: &'static str,
    pub(super) consumer: String,
    pub(super) consumer_key: String,
    pub(super) server: String,
    pub(super) kind: &'static str,
    pub(super) scopes: String,
    pub(super) created: String,
    pub(super) last_used: String,
    pub(super) ends: String,
    pub(super) status: &'static str,
    pub(super) note: String,
    pub(super) sources: String,
    pub(super) id: String,
}

impl Row {
    pub(super) fn new(grant: &GrantEntry) -> Self {
        let (consumer, consumer_key) = consumer(grant);
        let created = match (grant.created, &grant.created_shown) {
            (Some(time), _) if grant.created_approximate => format!("{} ±1 d", day(time)),
            (Some(time), _) => day(time),
            (None, Some(shown)) => format!("“{}”", text(shown)),
            (None, None) => String::new(),
        };
        let ends = match grant.expires {
            Some(time) => day(time),
            None if grant.endless => "never".to_owned(),
            None => String::new(),
        };
        let sources: Vec<_> = grant.sources.iter().map(|seen| seen.as_str()).collect();
        Self {
            user: text(&grant.user),
            user_status: match grant.user_status {
                Some(UserStatus::Inactive) => "inactive",
                Some(UserStatus::Unknown) => "gone",
                Some(UserStatus::Active) | None => "",
            },
            consumer,
            consumer_key,
            server: text(&grant.server),
            kind: of_kind(grant.kind),
            scopes: text(&grant.scopes.join(", ")),
            created,
            last_used: grant.last_used.map_or_else(String::new, day),
            ends,
            status: grant.status.as_str(),
            note: grant.note.as_deref().map_or_else(String::new, text),
            sources: sources.join(", "),
            id: text(&grant.id),
        }
    }
}

fn of_kind(kind: GrantKind) -> &'static str {
    match kind {
        GrantKind::Oauth1 => "OAuth 1.0a",
        GrantKind::Oauth2 => "OAuth 2",
        GrantKind::Pat => "personal token",
    }
}

/// What a consumer is called, and its key where that says more. A personal access token has its own name instead.
fn consumer(grant: &GrantEntry) -> (String, String) {
    if grant.kind == GrantKind::Pat {
        let name = grant.name.as_deref().map_or_else(String::new, text);
        return (OWN_TOKEN.to_owned(), name);
    }
    let key = grant.consumer_key.as_deref();
    let names = [
        grant.consumer.as_deref(),
        grant.consumer_name.as_deref(),
        key,
    ];
    match names.into_iter().flatten().next() {
        None => ("not known".to_owned(), String::new()),
        Some(name) => {
            let key = key.filter(|key| *key != name);
            (text(name), key.map_or_else(String::new, text))
        }
    }
}

fn text(text: &str) -> String {
    harmless(text).into_owned()
}

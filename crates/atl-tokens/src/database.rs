//! The database of a Jira: every grant there is, and every consumer (protocol.md 3.4, 4.1, 4.4).
//!
//! The database computes the digests, so that no token comes over the line.

mod query;
mod schema;

use std::ops::ControlFlow;
use std::time::Duration;

use atl_client::BaseUrl;
use atl_store::{OutsideDatabase, OutsideError, OutsideRow, PostgresUrl};
use jiff::Timestamp;
use secrecy::SecretString;

use crate::database::query::Query;
use crate::database::schema::{CWD_USER, Jira};
use crate::inventory::{
    Coverage, Found, Gap, GrantEntry, GrantKind, GrantStatus, RegisteredConsumer, Source,
    SourceKind, UserStatus, server_side_id,
};
use crate::{TokensError, moment};

/// How long one answer may take; a million grants come in many of them.
const LIMIT: Duration = Duration::from_mins(2);

/// A read-only connection to the PostgreSQL of a Jira.
#[derive(Debug)]
pub struct DatabaseSource {
    server: String,
    base_url: String,
    url: PostgresUrl,
}

impl DatabaseSource {
    /// The database of the server of this name. Nothing is connected yet.
    ///
    /// # Errors
    ///
    /// [`TokensError::Database`] where the URL is not that of a PostgreSQL database.
    pub fn new(server: &str, base_url: &BaseUrl, url: &SecretString) -> Result<Self, TokensError> {
        let url =
            OutsideDatabase::url(url).map_err(|error| TokensError::database(server, error))?;
        Ok(Self {
            server: server.to_owned(),
            base_url: base_url.to_string(),
            url,
        })
    }

    /// Lets a connection to another host be without TLS where the URL does not say `sslmode`.
    #[must_use]
    pub fn allow_plain(mut self, allow: bool) -> Self {
        self.url = self.url.allow_plain(allow);
        self
    }

    fn failed(&self, error: OutsideError) -> TokensError {
        TokensError::database(&self.server, error)
    }

    /// Reads what the tables hold; what is missing, or may not be read, is said at the end.
    fn look(
        &self,
        take: &mut dyn FnMut(Found) -> ControlFlow<()>,
    ) -> Result<ControlFlow<(), Seen>, TokensError> {
        let mut database =
            OutsideDatabase::open(&self.url, LIMIT).map_err(|error| self.failed(error))?;
        let jira = Jira::find(&self.server, &mut database)?;
        let mut seen = Seen::default();
        let consumers = query::consumers(&database, &jira).map_err(|error| self.failed(error))?;
        let told = database.rows(&consumers, &mut |row| {
            Ok(take(Found::Consumer(RegisteredConsumer {
                key: row.required_text(0)?.to_owned(),
                name: row.text(1)?.map(str::to_owned),
            })))
        });
        let mut flow = told.map_err(|error| self.failed(error))?;
        for kind in [GrantKind::Oauth1, GrantKind::Oauth2, GrantKind::Pat] {
            if flow.is_break() {
                break;
            }
            match query::grants(&database, &jira, kind) {
                Ok(Query::Ready { sql, exact, uses }) => {
                    let now = Timestamp::now();
                    let told = database.rows(&sql, &mut |row| {
                        let mut grant = self.grant(kind, row, exact, now)?;
                        grant.never_used = uses && grant.last_used.is_none();
                        Ok(take(Found::Grant(Box::new(grant))))
                    });
                    flow = told.map_err(|error| self.failed(error))?;
                    seen.kinds.push(kind);
                    seen.local_times |= !exact;
                }
                Ok(Query::NoTable(table)) => seen.missing.push((kind, table)),
                Err(error) if kind == GrantKind::Oauth1 => return Err(self.failed(error)),
                Err(error) => {
                    seen.refused.push(kind);
                    seen.gap.get_or_insert(Gap::from(&self.failed(error)));
                }
            }
        }
        seen.users = jira.table(CWD_USER).is_some();
        Ok(match flow {
            ControlFlow::Continue(()) => ControlFlow::Continue(seen),
            ControlFlow::Break(()) => ControlFlow::Break(()),
        })
    }

    fn grant(
        &self,
        kind: GrantKind,
        row: &OutsideRow<'_>,
        exact: bool,
        now: Timestamp,
    ) -> Result<GrantEntry, OutsideError> {
        let name = row.required_text(0)?;
        let (id, handle) = if kind == GrantKind::Oauth1 {
            (name.to_owned(), None)
        } else {
            let id = server_side_id(kind, &self.base_url, name);
            (id, Some(name.to_owned()))
        };
        let user = row.required_text(1)?;
        let text = |column| Ok::<_, OutsideError>(row.text(column)?.map(str::to_owned));
        let created = row.integer(8)?;
        let after = |start: Option<i64>, millis: Option<i64>| start?.checked_add(millis?);
        let end = row.integer(10)?.or(after(created, row.integer(9)?));
        let expires = end.and_then(moment::of_millis);
        let renewable_until = after(row.integer(11)?, row.integer(12)?).and_then(moment::of_millis);
        Ok(GrantEntry {
            user_status: row.integer(2)?.map(|number| match number {
                2 => UserStatus::Active,
                1 => UserStatus::Inactive,
                _ => UserStatus::Unknown,
            }),
            consumer_key: text(3)?,
            consumer_name: text(4)?,
            consumer_registered: row.flag(5)?,
            name: text(6)?,
            scopes: moment::words(row.text(7)?.unwrap_or_default()),
            created: created.and_then(moment::of_millis),
            created_approximate: !exact,
            last_used: row.integer(13)?.and_then(moment::of_millis),
            expires,
            endless: kind == GrantKind::Pat && expires.is_none(),
            renewable_until,
            checked: Some(now),
            status: if expires.is_some_and(|end| end < now) {
                GrantStatus::Expired
            } else {
                GrantStatus::Active
            },
            handle,
            ..GrantEntry::new(kind, id, &*self.server, user, SourceKind::Database)
        })
    }
}

impl Source for DatabaseSource {
    fn kind(&self) -> SourceKind {
        SourceKind::Database
    }

    fn read(&mut self, take: &mut dyn FnMut(Found) -> ControlFlow<()>) -> Coverage {
        let (server, kind) = (&*self.server, SourceKind::Database);
        match self.look(take) {
            Ok(ControlFlow::Continue(seen)) => match seen.gap.clone() {
                None => Coverage::complete(server, kind, seen.note()),
                Some(gap) => Coverage::failed(server, kind, seen.note(), gap),
            },
            Ok(ControlFlow::Break(())) => {
                Coverage::partial(server, kind, "stopped before the end of the database")
            }
            Err(error) => Coverage::failed(
                server,
                kind,
                "the database was not read, or not to its end",
                Gap::from(&error),
            ),
        }
    }
}

/// What was seen, and what not.
#[derive(Debug, Default)]
struct Seen {
    kinds: Vec<GrantKind>,
    missing: Vec<(GrantKind, &'static str)>,
    refused: Vec<GrantKind>,
    gap: Option<Gap>,
    /// Whether it was seen who may log in.
    users: bool,
    /// Whether some times are those of the server's clock, of an unknown zone.
    local_times: bool,
}

/// What grants of a kind are called.
fn called(kind: GrantKind) -> &'static str {
    match kind {
        GrantKind::Oauth1 => "OAuth 1.0a grants",
        GrantKind::Oauth2 => "OAuth 2 grants",
        GrantKind::Pat => "personal access tokens",
    }
}

impl Seen {
    fn note(&self) -> String {
        let kinds: Vec<_> = self.kinds.iter().copied().map(called).collect();
        let mut parts = vec![format!("every one of: {}", kinds.join(", "))];
        parts.extend(self.missing.iter().map(|(kind, table)| {
            let kind = called(*kind);
            format!("no {kind}: there is no table {table}")
        }));
        parts.extend(self.refused.iter().map(|kind| {
            let kind = called(*kind);
            format!("{kind} may not be read")
        }));
        if !self.users {
            parts.push("who may still log in was not seen".to_owned());
        }
        if self.local_times {
            let times =
                "some times are of the server's own clock and taken for UTC, up to 14 h off";
            parts.push(times.to_owned());
        }
        parts.push("the last use of OAuth 1.0a grants is not kept there".to_owned());
        parts.join("; ")
    }
}

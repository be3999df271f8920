//! Another program's PostgreSQL, to be read and never written: one transaction that the server itself keeps from writing.
//!
//! Nothing is set for longer than that transaction and no statement has a name, so that a pooler does no harm, and none of
//! it needs more than a replica has. Rows come through a cursor, so many at a time, and the next ones are asked for while
//! those are dealt with.

mod error;
mod table;

use std::ops::ControlFlow;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

pub use error::OutsideError;
use postgres::types::Type;
use postgres::{Client, Row};
use secrecy::{ExposeSecret as _, SecretString};
pub use table::{OutsideColumn, OutsideTable};

use super::{PostgresUrl, connection};
use crate::url::split_scheme;

/// How many rows come at a time.
const BATCH: usize = 5_000;

/// How long to wait for a lock: those who read wait only while a table is being changed.
const LOCK_PATIENCE: Duration = Duration::from_secs(5);

/// Which tables there are of these names, in any case, and what this user may read of them. Unlike those of the standard's
/// information schema, these catalogs also show what may not be read.
const TABLES: &str = "
    SELECT n.nspname::text, c.relname::text, array_position(current_schemas(false), n.nspname)::int8,
           has_schema_privilege(n.oid, 'USAGE'), a.attname::text, format_type(a.atttypid, NULL),
           has_column_privilege(c.oid, a.attnum, 'SELECT')
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND lower(c.relname) = ANY ($1)
    ORDER BY n.nspname, lower(c.relname), c.relname DESC, a.attnum";

/// A database of another program.
pub struct OutsideDatabase {
    client: Client,
    name: String,
    user: String,
    version: i64,
    limit: Duration,
}

impl std::fmt::Debug for OutsideDatabase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OutsideDatabase")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl OutsideDatabase {
    /// Reads the URL of a database. Nothing is connected.
    ///
    /// # Errors
    ///
    /// Where it is no URL of a PostgreSQL database. Of the URL, no more than its scheme is repeated.
    pub fn url(url: &SecretString) -> Result<PostgresUrl, OutsideError> {
        let text = url.expose_secret().trim();
        match split_scheme(text) {
            (Some("postgres" | "postgresql"), _) => text
                .parse()
                .map_err(|error: crate::StoreError| OutsideError::url(&error)),
            (Some(scheme), rest) if scheme == "jdbc" || rest.starts_with("//") => {
                Err(OutsideError::NotPostgres {
                    scheme: scheme.to_owned(),
                })
            }
            _ => Err(OutsideError::InvalidUrl {
                reason: "it does not begin with `postgres://`".to_owned(),
            }),
        }
    }

    /// Connects and begins the transaction in which everything is read; each answer may take as long as `limit`.
    ///
    /// # Errors
    ///
    /// Where the server cannot be reached, does not let this user in, or there is no TLS as the URL asks for.
    pub fn open(url: &PostgresUrl, limit: Duration) -> Result<Self, OutsideError> {
        let name = url.to_string();
        let mut client =
            connection::reach(url).map_err(|why| OutsideError::connecting(&name, why))?;
        let failed = |error| OutsideError::answered(&name, limit, error);
        // With row security on, rows would be left out without a word.
        let begin = format!(
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
             SET LOCAL statement_timeout = {}; SET LOCAL lock_timeout = {};
             SET LOCAL row_security = off; SET LOCAL cursor_tuple_fraction = 1",
            limit.as_millis().max(1),
            limit.min(LOCK_PATIENCE).as_millis().max(1)
        );
        client.batch_execute(&begin).map_err(failed)?;
        let who = "SELECT current_user::text, current_setting('server_version_num')::int8";
        let row = client.query_typed_one(who, &[]).map_err(failed)?;
        let (user, version) = (
            row.try_get(0).map_err(failed)?,
            row.try_get(1).map_err(failed)?,
        );
        Ok(Self {
            client,
            name,
            user,
            version,
            limit,
        })
    }

    /// How it is called, without a password.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The version of the server, such as 150004 for 15.4.
    pub fn version(&self) -> i64 {
        self.version
    }

    /// The tables and views of these names, which are in lower case, in whatever schema and case they are. Where two of
    /// one schema differ only in case, the one in lower case is meant.
    ///
    /// # Errors
    ///
    /// Where the database does not answer.
    pub fn tables(&mut self, names: &[&str]) -> Result<Vec<OutsideTable>, OutsideError> {
        let rows = self
            .client
            .query_typed(TABLES, &[(&names, Type::TEXT_ARRAY)])
            .map_err(|error| OutsideError::answered(&self.name, self.limit, error))?;
        let mut tables: Vec<OutsideTable> = Vec::new();
        for row in &rows {
            let row = self.row(row);
            let (schema, name) = (row.required_text(0)?, row.required_text(1)?);
            let column = OutsideColumn::new(
                row.required_text(4)?,
                row.required_text(5)?,
                row.flag(6)? == Some(true),
            );
            let same = |table: &OutsideTable| {
                table.schema == schema && table.name.eq_ignore_ascii_case(name)
            };
            match tables.iter_mut().find(|table| same(table)) {
                Some(table) if table.name == name => table.columns.push(column),
                Some(_) => {}
                None => tables.push(OutsideTable {
                    schema: schema.to_owned(),
                    name: name.to_owned(),
                    in_search_path: row.integer(2)?,
                    schema_is_open: row.flag(3)? == Some(true),
                    columns: vec![column],
                }),
            }
        }
        Ok(tables)
    }

    /// All of these columns of a table.
    ///
    /// # Errors
    ///
    /// Where one is missing, or this user may not read it.
    pub fn columns<'t, const N: usize>(
        &self,
        table: &'t OutsideTable,
        names: [&str; N],
    ) -> Result<[&'t OutsideColumn; N], OutsideError> {
        table.all(names, &self.name, &self.user)
    }

    /// Hands over what a query finds, row by row, until there is no more or `take` says to stop.
    ///
    /// # Errors
    ///
    /// Where the database does not answer, or `take` fails.
    pub fn rows(
        &mut self,
        query: &str,
        take: &mut dyn FnMut(&OutsideRow<'_>) -> Result<ControlFlow<()>, OutsideError>,
    ) -> Result<ControlFlow<()>, OutsideError> {
        let (name, limit) = (self.name.clone(), self.limit);
        let failed = |error| OutsideError::answered(&name, limit, error);
        let declare = format!("DECLARE atl_admin NO SCROLL CURSOR FOR {query}");
        self.client.batch_execute(&declare).map_err(failed)?;
        let client = &mut self.client;
        let flow = thread::scope(|scope| {
            let (sender, batches) = mpsc::sync_channel(1);
            scope.spawn(move || fetch_all(client, &sender));
            for rows in batches {
                for row in &rows.map_err(failed)? {
                    let row = OutsideRow {
                        row,
                        database: &name,
                    };
                    if take(&row)?.is_break() {
                        return Ok(ControlFlow::Break(()));
                    }
                }
            }
            Ok(ControlFlow::Continue(()))
        })?;
        self.client
            .batch_execute("CLOSE atl_admin")
            .map_err(failed)?;
        Ok(flow)
    }

    fn row<'r>(&'r self, row: &'r Row) -> OutsideRow<'r> {
        OutsideRow {
            row,
            database: &self.name,
        }
    }
}

/// Sends all that the cursor finds, until nobody takes it any more.
fn fetch_all(client: &mut Client, batches: &mpsc::SyncSender<Result<Vec<Row>, postgres::Error>>) {
    let fetch = format!("FETCH {BATCH} FROM atl_admin");
    loop {
        let rows = client.query_typed(&fetch, &[]);
        let more = rows.as_ref().is_ok_and(|rows| rows.len() == BATCH);
        if batches.send(rows).is_err() || !more {
            return;
        }
    }
}

/// A row that came back.
pub struct OutsideRow<'r> {
    row: &'r Row,
    database: &'r str,
}

impl OutsideRow<'_> {
    fn unreadable(&self, column: usize) -> OutsideError {
        OutsideError::Unreadable {
            database: self.database.to_owned(),
            column,
        }
    }

    /// The `text` in a column, counted from 0.
    ///
    /// # Errors
    ///
    /// Where the column is of another type.
    pub fn text(&self, column: usize) -> Result<Option<&str>, OutsideError> {
        self.row
            .try_get(column)
            .map_err(|_| self.unreadable(column))
    }

    /// The same where nothing is not allowed.
    ///
    /// # Errors
    ///
    /// Where there is nothing, or the column is of another type.
    pub fn required_text(&self, column: usize) -> Result<&str, OutsideError> {
        self.text(column)?.ok_or_else(|| self.unreadable(column))
    }

    /// The `int8` in a column.
    ///
    /// # Errors
    ///
    /// Where the column is of another type.
    pub fn integer(&self, column: usize) -> Result<Option<i64>, OutsideError> {
        self.row
            .try_get(column)
            .map_err(|_| self.unreadable(column))
    }

    /// The `bool` in a column.
    ///
    /// # Errors
    ///
    /// Where the column is of another type.
    pub fn flag(&self, column: usize) -> Result<Option<bool>, OutsideError> {
        self.row
            .try_get(column)
            .map_err(|_| self.unreadable(column))
    }
}

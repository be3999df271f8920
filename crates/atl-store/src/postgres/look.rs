//! Looking: a copy of the store, made in one transaction that reads only.

use postgres::Client;

use super::migrations::{self, Found};
use super::{Postgres, PostgresUrl, connection, fault, is_made, session};
use crate::StoreError;
use crate::sql::{Fault, Row};
use crate::sqlite::{Sqlite, TABLES};

/// Nothing is set for longer than the transaction, and no statement has a name, so that a pooler does no harm.
const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

impl Postgres {
    /// Whether there is a store; nothing is changed.
    pub(crate) fn exists(url: &PostgresUrl) -> Result<bool, StoreError> {
        let mut client = connection::connect(url)?;
        let found = migrations::version(&mut client);
        is_made(
            &url.name(),
            found.map_err(|fault| fault::told(&url.name(), fault))?,
        )
    }

    /// Copies a store; `None` where there is none.
    pub(crate) fn look(url: &PostgresUrl) -> Result<Option<Sqlite>, StoreError> {
        let mut client = connection::connect(url)?;
        let (found, tables) = read(&mut client).map_err(|fault| fault::told(&url.name(), fault))?;
        match found {
            Found::Version(version) if is_made(&url.name(), found)? => {
                Sqlite::copied(url.name(), version, &tables).map(Some)
            }
            found => is_made(&url.name(), found).map(|_| None),
        }
    }
}

fn read(client: &mut Client) -> Result<(Found, Vec<Vec<Row>>), Fault> {
    client.batch_execute(BEGIN)?;
    let found = migrations::version(client)?;
    let mut tables = Vec::new();
    if let Found::Version(version) = found
        && version <= migrations::latest()
    {
        for (table, since) in TABLES {
            let rows = if since <= version {
                client.query_typed(&format!("SELECT * FROM atl_admin.{table}"), &[])?
            } else {
                Vec::new()
            };
            let rows: Result<Vec<_>, Fault> = rows.iter().map(session::row).collect();
            tables.push(rows?);
        }
    }
    client.batch_execute("COMMIT")?;
    Ok((found, tables))
}

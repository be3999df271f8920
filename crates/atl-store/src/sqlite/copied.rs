//! A copy in memory, to look at, of a store that is in another kind of database.

use rusqlite::{Connection, params_from_iter, types};

use super::{Sqlite, fault, migrations};
use crate::StoreError;
use crate::sql::{Fault, Row, Value};
use crate::url::StoreName;

/// The tables of a store, which have the same columns in both kinds of database.
pub(crate) const TABLES: [&str; 6] = [
    "meta",
    "keypairs",
    "registrations",
    "links",
    "journal",
    "grants",
];

impl Sqlite {
    /// A copy of the rows of `TABLES`, as they are in a store of this schema version.
    pub(crate) fn copied(
        name: StoreName,
        version: u32,
        tables: &[Vec<Row>],
    ) -> Result<Self, StoreError> {
        let connection = fill(version, tables).map_err(|error| fault::told(&name, error))?;
        Ok(Self {
            name,
            connection,
            looking: true,
        })
    }
}

fn fill(version: u32, tables: &[Vec<Row>]) -> Result<Connection, Fault> {
    let mut connection = Connection::open_in_memory()?;
    let transaction = connection.transaction()?;
    migrations::run_to(&transaction, version)?;
    for (table, rows) in TABLES.iter().zip(tables) {
        for Row(columns) in rows {
            let names: Vec<_> = columns
                .iter()
                .map(|(name, _)| format!("\"{name}\""))
                .collect();
            let marks = vec!["?"; names.len()].join(", ");
            let insert = format!(
                "INSERT INTO {table} ({}) VALUES ({marks})",
                names.join(", ")
            );
            let values = columns.iter().map(|(_, value)| match value {
                Value::Null => types::Value::Null,
                Value::Integer(number) => types::Value::Integer(*number),
                Value::Text(text) => types::Value::Text(text.to_string()),
                Value::Blob(bytes) => types::Value::Blob(bytes.to_vec()),
            });
            transaction
                .prepare_cached(&insert)?
                .execute(params_from_iter(values))?;
        }
    }
    transaction.commit()?;
    Ok(connection)
}

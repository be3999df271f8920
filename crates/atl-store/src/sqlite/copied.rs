//! A copy to look at of a store that is in another kind of database.

use rusqlite::{Connection, params_from_iter, types};

use super::{Sqlite, fault, migrations};
use crate::StoreError;
use crate::sql::{Fault, Row, Value};
use crate::url::StoreName;

/// The tables of a store, which have the same columns in both kinds of database, and the schema version that brought each.
pub(crate) const TABLES: [(&str, u32); 10] = [
    ("meta", 1),
    ("keypairs", 1),
    ("registrations", 1),
    ("links", 1),
    ("journal", 1),
    ("grants", 3),
    ("imports", 4),
    ("imported_grants", 4),
    ("audits", 4),
    ("audit_rows", 4),
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

    /// The rows of `TABLES`.
    pub(crate) fn rows(&self) -> Result<Vec<Vec<Row>>, StoreError> {
        self.read(|sql| {
            let all = [
                "SELECT * FROM meta WHERE name IN ('kdf', 'key_check')",
                "SELECT * FROM keypairs ORDER BY number",
                "SELECT * FROM registrations",
                "SELECT * FROM links ORDER BY number",
                "SELECT * FROM journal ORDER BY id",
                "SELECT * FROM grants ORDER BY number",
                "SELECT * FROM imports",
                "SELECT * FROM imported_grants",
                "SELECT * FROM audits ORDER BY number",
                "SELECT * FROM audit_rows",
            ];
            all.into_iter()
                .map(|select| sql.query(select, &[]))
                .collect()
        })
    }
}

fn fill(version: u32, tables: &[Vec<Row>]) -> Result<Connection, Fault> {
    let mut connection = Connection::open("")?;
    let transaction = connection.transaction()?;
    migrations::run_to(&transaction, version)?;
    insert(&transaction, tables)?;
    transaction.commit()?;
    Ok(connection)
}

/// Puts the rows of `TABLES` into tables that are empty.
pub(super) fn insert(connection: &Connection, tables: &[Vec<Row>]) -> Result<(), Fault> {
    for ((table, _), rows) in TABLES.iter().zip(tables) {
        for row in rows {
            let values = row.0.iter().map(|(_, value)| match value {
                Value::Null => types::Value::Null,
                Value::Integer(number) => types::Value::Integer(*number),
                Value::Text(text) => types::Value::Text(text.to_string()),
                Value::Blob(bytes) => types::Value::Blob(bytes.to_vec()),
            });
            connection
                .prepare_cached(&row.insert_into(table))?
                .execute(params_from_iter(values))?;
        }
    }
    Ok(())
}

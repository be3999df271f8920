//! Statements on a connection to SQLite.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Statement};

use crate::sql::{Fault, Row, Sql, Value};

/// A connection, in a transaction or not.
pub(super) struct Session<'c>(pub(super) &'c Connection);

fn bind(statement: &mut Statement<'_>, values: &[Value<'_>]) -> Result<(), Fault> {
    for (index, value) in (1..).zip(values) {
        match value {
            Value::Null => statement.raw_bind_parameter(index, rusqlite::types::Null),
            Value::Integer(number) => statement.raw_bind_parameter(index, number),
            Value::Text(text) => statement.raw_bind_parameter(index, &**text),
            Value::Blob(bytes) => statement.raw_bind_parameter(index, &**bytes),
        }?;
    }
    Ok(())
}

impl Sql for Session<'_> {
    fn query(&mut self, sql: &'static str, values: &[Value<'_>]) -> Result<Vec<Row>, Fault> {
        let mut statement = self.0.prepare_cached(sql)?;
        let names: Vec<String> = statement.column_names().map(Into::into).collect();
        bind(&mut statement, values)?;
        let mut found = Vec::new();
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next()? {
            let mut columns = Vec::with_capacity(names.len());
            for (index, name) in names.iter().enumerate() {
                let value = match row.get_ref(index)? {
                    ValueRef::Integer(number) => Value::Integer(number),
                    ValueRef::Text(text) => {
                        let text = String::from_utf8_lossy(text).into_owned();
                        Value::Text(text.into())
                    }
                    ValueRef::Blob(bytes) => Value::Blob(bytes.to_vec().into()),
                    // No column of ours holds floating-point numbers.
                    ValueRef::Null | ValueRef::Real(_) => Value::Null,
                };
                columns.push((name.clone(), value));
            }
            found.push(Row(columns));
        }
        Ok(found)
    }

    fn execute(&mut self, sql: &'static str, values: &[Value<'_>]) -> Result<u64, Fault> {
        let mut statement = self.0.prepare_cached(sql)?;
        bind(&mut statement, values)?;
        Ok(statement.raw_execute()? as u64)
    }

    /// A transaction that writes keeps all others out.
    fn keypairs_alone(&mut self) -> Result<(), Fault> {
        Ok(())
    }
}

//! Statements on a connection to PostgreSQL.

use std::collections::HashMap;
use std::error::Error;

use postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use postgres::{Client, Statement};

use crate::sql::{Fault, Row, Sql, Value};

/// A connection to one backend.
pub(super) struct Session {
    pub(super) client: Client,
    pub(super) backend: i32,
    statements: HashMap<&'static str, Statement>,
}

impl Session {
    pub(super) fn new(client: Client, backend: i32) -> Self {
        Self {
            client,
            backend,
            statements: HashMap::new(),
        }
    }

    /// Puts a row into a table.
    pub(super) fn insert(&mut self, table: &str, row: &Row) -> Result<(), Fault> {
        let values: Vec<_> = row.0.iter().map(|(_, value)| value.clone()).collect();
        self.client
            .execute(&row.insert_into(table), &parameters(&values))?;
        Ok(())
    }

    fn prepared(&mut self, sql: &'static str) -> Result<Statement, Fault> {
        if let Some(statement) = self.statements.get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.client.prepare(sql)?;
        self.statements.insert(sql, statement.clone());
        Ok(statement)
    }
}

impl Sql for Session {
    fn query(&mut self, sql: &'static str, values: &[Value<'_>]) -> Result<Vec<Row>, Fault> {
        let statement = self.prepared(sql)?;
        let rows = self.client.query(&statement, &parameters(values))?;
        rows.iter().map(row).collect()
    }

    fn execute(&mut self, sql: &'static str, values: &[Value<'_>]) -> Result<u64, Fault> {
        let statement = self.prepared(sql)?;
        Ok(self.client.execute(&statement, &parameters(values))?)
    }

    fn keypairs_alone(&mut self) -> Result<(), Fault> {
        let lock = "LOCK TABLE keypairs IN SHARE ROW EXCLUSIVE MODE";
        Ok(self.client.batch_execute(lock)?)
    }
}

fn parameters<'v>(values: &'v [Value<'v>]) -> Vec<&'v (dyn ToSql + Sync)> {
    values
        .iter()
        .map(|value| {
            let value: &(dyn ToSql + Sync) = value;
            value
        })
        .collect()
}

/// A row as it is on both kinds of database.
pub(super) fn row(row: &postgres::Row) -> Result<Row, Fault> {
    let value = |(index, column): (usize, &postgres::Column)| {
        let value: Value<'static> = match *column.type_() {
            Type::INT8 => row.try_get::<_, Option<i64>>(index)?.into(),
            Type::BYTEA => row
                .try_get::<_, Option<Vec<u8>>>(index)?
                .map_or(Value::Null, |bytes| Value::Blob(bytes.into())),
            Type::VOID => Value::Null,
            Type::BOOL => row.try_get::<_, Option<bool>>(index)?.map(i64::from).into(),
            _ => row.try_get::<_, Option<String>>(index)?.into(),
        };
        Ok((column.name().to_owned(), value))
    };
    let values: Result<_, Fault> = row.columns().iter().enumerate().map(value).collect();
    Ok(Row(values?))
}

impl ToSql for Value<'_> {
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut postgres::types::private::BytesMut,
    ) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Integer(number) => number.to_sql(ty, out),
            // A text of PostgreSQL has no NUL, which a server's answer may have.
            Self::Text(text) if text.contains('\0') => {
                text.replace('\0', "\u{fffd}").to_sql(ty, out)
            }
            Self::Text(text) => (&**text).to_sql(ty, out),
            Self::Blob(bytes) => (&**bytes).to_sql(ty, out),
        }
    }

    fn accepts(ty: &Type) -> bool {
        [Type::INT8, Type::TEXT, Type::BYTEA].contains(ty)
    }

    to_sql_checked!();
}

//! What both kinds of database are given and give back: statements with `$1`, `$2`, ... in the order in which they
//! first stand there, values, and rows.

use std::borrow::Cow;

/// A value that a statement is given.
#[derive(Debug, Clone)]
pub(crate) enum Value<'v> {
    Null,
    Integer(i64),
    Text(Cow<'v, str>),
    Blob(Cow<'v, [u8]>),
}

impl<'v> From<&'v str> for Value<'v> {
    fn from(text: &'v str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Value<'_> {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl<'v> From<&'v String> for Value<'v> {
    fn from(text: &'v String) -> Self {
        text.as_str().into()
    }
}

impl From<i64> for Value<'_> {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl<'v> From<&'v [u8]> for Value<'v> {
    fn from(bytes: &'v [u8]) -> Self {
        Self::Blob(bytes.into())
    }
}

impl<T: Into<Self>> From<Option<T>> for Value<'_> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// A row that came back.
pub(crate) struct Row(pub(crate) Vec<(String, Value<'static>)>);

impl Row {
    /// The statement that puts it into a table.
    pub(crate) fn insert_into(&self, table: &str) -> String {
        let names: Vec<_> = self
            .0
            .iter()
            .map(|(name, _)| format!("\"{name}\""))
            .collect();
        let marks: Vec<_> = (1..=names.len())
            .map(|number| format!("${number}"))
            .collect();
        let (names, marks) = (names.join(", "), marks.join(", "));
        format!("INSERT INTO {table} ({names}) VALUES ({marks})")
    }

    fn value(&self, column: &'static str) -> Result<&Value<'static>, Fault> {
        let found = self.0.iter().find(|(name, _)| name == column);
        found
            .map(|(_, value)| value)
            .ok_or(Fault::Unreadable(column))
    }

    /// A text, where there is one.
    pub(crate) fn optional_text(&self, column: &'static str) -> Result<Option<String>, Fault> {
        match self.value(column)? {
            Value::Null => Ok(None),
            Value::Text(text) => Ok(Some(text.to_string())),
            _ => Err(Fault::Unreadable(column)),
        }
    }

    /// A text.
    pub(crate) fn text(&self, column: &'static str) -> Result<String, Fault> {
        self.optional_text(column)?.ok_or(Fault::Unreadable(column))
    }

    /// A number, where there is one.
    pub(crate) fn optional_integer(&self, column: &'static str) -> Result<Option<i64>, Fault> {
        match self.value(column)? {
            Value::Null => Ok(None),
            Value::Integer(number) => Ok(Some(*number)),
            _ => Err(Fault::Unreadable(column)),
        }
    }

    /// A number.
    pub(crate) fn integer(&self, column: &'static str) -> Result<i64, Fault> {
        self.optional_integer(column)?
            .ok_or(Fault::Unreadable(column))
    }

    /// Bytes.
    pub(crate) fn blob(&self, column: &'static str) -> Result<Vec<u8>, Fault> {
        match self.value(column)? {
            Value::Blob(bytes) => Ok(bytes.to_vec()),
            _ => Err(Fault::Unreadable(column)),
        }
    }

    /// A text as the value it stands for; one that stands for none is a damaged store.
    pub(crate) fn parsed<T>(
        &self,
        column: &'static str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<T, Fault> {
        self.optional(column, parse)?
            .ok_or(Fault::Unreadable(column))
    }

    /// The same, where there is a text.
    pub(crate) fn optional<T>(
        &self,
        column: &'static str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, Fault> {
        self.optional_text(column)?
            .map(|text| parse(&text).ok_or(Fault::Unreadable(column)))
            .transpose()
    }
}

/// What went wrong in a statement, or in reading a row.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The column does not hold what this tool writes there.
    Unreadable(&'static str),
    /// An error of SQLite.
    Sqlite(rusqlite::Error),
    /// An error of PostgreSQL or of the connection to it.
    Postgres(postgres::Error),
    /// The connection has another backend than the session began with.
    OtherBackend,
    /// The connection is gone.
    Lost,
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<postgres::Error> for Fault {
    fn from(error: postgres::Error) -> Self {
        Self::Postgres(error)
    }
}

/// Runs statements, in a transaction or without one.
pub(crate) trait Sql {
    /// All rows.
    fn query(&mut self, sql: &'static str, values: &[Value<'_>]) -> Result<Vec<Row>, Fault>;
    /// How many rows were changed.
    fn execute(&mut self, sql: &'static str, values: &[Value<'_>]) -> Result<u64, Fault>;
    /// Keeps other writers away from keypairs until the transaction has ended.
    fn keypairs_alone(&mut self) -> Result<(), Fault>;

    /// The first row.
    fn first(&mut self, sql: &'static str, values: &[Value<'_>]) -> Result<Option<Row>, Fault> {
        Ok(self.query(sql, values)?.into_iter().next())
    }
}

//! Rows on their way into a real PostgreSQL, many at once.

use std::io::Write as _;

use jiff::Timestamp;

use crate::postgres::PostgresDatabase;

/// A value of a row; `None` is NULL.
#[derive(Clone)]
pub(crate) struct Cell(Option<String>);

impl Cell {
    pub(crate) const NULL: Self = Self(None);

    /// A text, or NULL.
    pub(crate) fn text(text: Option<&str>) -> Self {
        Self(text.map(str::to_owned))
    }
}

/// The rows of one table, in the order in which its columns are named.
pub(crate) struct Rows {
    table: &'static str,
    columns: &'static str,
    text: String,
}

impl Rows {
    /// No rows yet; names are as SQL wants them.
    pub(crate) fn of(table: &'static str, columns: &'static str) -> Self {
        Self {
            table,
            columns,
            text: String::new(),
        }
    }

    pub(crate) fn add(&mut self, row: impl IntoIterator<Item = Cell>) {
        for (place, cell) in row.into_iter().enumerate() {
            if place > 0 {
                self.text.push('\t');
            }
            match cell.0 {
                None => self.text.push_str("\\N"),
                Some(text) if text.contains(['\\', '\t', '\n', '\r']) => {
                    self.text.extend(text.chars().flat_map(escaped));
                }
                Some(text) => self.text.push_str(&text),
            }
        }
        self.text.push('\n');
    }
}

/// A letter as COPY reads it.
fn escaped(letter: char) -> impl Iterator<Item = char> {
    let (escape, letter) = match letter {
        '\\' => (Some('\\'), '\\'),
        '\t' => (Some('\\'), 't'),
        '\n' => (Some('\\'), 'n'),
        '\r' => (Some('\\'), 'r'),
        other => (None, other),
    };
    escape.into_iter().chain([letter])
}

/// A cell that is not NULL.
pub(crate) fn cell(value: &dyn ToString) -> Cell {
    Cell(Some(value.to_string()))
}

/// Seconds since 1970 as a time of SQL in UTC; beyond the calendar, its end.
pub(crate) fn moment(seconds: i64) -> Cell {
    let moment = Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX);
    cell(&moment.strftime("%Y-%m-%d %H:%M:%S+00"))
}

/// Seconds as milliseconds, which are never more than eighteen digits.
pub(crate) fn millis(seconds: i64) -> i64 {
    seconds.saturating_mul(1000).min(999_999_999_999_999_999)
}

impl PostgresDatabase {
    /// Makes tables in place of those of the same names, and fills them; all or nothing.
    ///
    /// # Panics
    ///
    /// Where the server does not do it.
    #[expect(clippy::expect_used, reason = "a test without its database has failed")]
    pub(crate) fn replace(&self, drop: &str, schema: &str, tables: &[Rows]) {
        let mut client = self.client();
        let mut change = client.transaction().expect("a transaction begins");
        change.batch_execute(drop).expect("old tables are dropped");
        change.batch_execute(schema).expect("tables are created");
        for Rows {
            table,
            columns,
            text,
        } in tables
        {
            let mut copy = change
                .copy_in(&format!("COPY {table} ({columns}) FROM STDIN"))
                .expect("rows are taken");
            copy.write_all(text.as_bytes()).expect("rows are sent");
            copy.finish().expect("rows are stored");
        }
        change.commit().expect("the change is kept");
    }
}

//! Audits in SQL. A row is there from the audit that first had it until the one that did not have it any more.

use std::collections::VecDeque;

use jiff::Timestamp;

use super::{each, stamp, time};
use crate::audits::{AuditKind, AuditMade, AuditRow, Comparison};
use crate::sql::{Fault, Row, Sql, Value};

/// So many rows are read at once.
const PAGE: i64 = 1000;

fn audit(row: &Row) -> Result<AuditMade, Fault> {
    Ok(AuditMade {
        number: row.integer("number")?,
        made: row.parsed("made", time)?,
        rows: row.integer("rows")?.unsigned_abs(),
    })
}

/// The newest audit, or the newest one that is not newer than `until`.
pub(crate) fn last(
    sql: &mut dyn Sql,
    until: Option<Timestamp>,
) -> Result<Option<AuditMade>, Fault> {
    let select = "SELECT * FROM audits WHERE made <= $1 ORDER BY number DESC LIMIT 1";
    let until = until.map_or_else(|| "9999".to_owned(), stamp);
    sql.first(select, &[until.into()])?
        .as_ref()
        .map(audit)
        .transpose()
}

/// The next rows of an audit behind a key.
pub(crate) fn rows(
    sql: &mut dyn Sql,
    number: i64,
    kind: AuditKind,
    after: &str,
) -> Result<Vec<AuditRow>, Fault> {
    let select = "SELECT key, body FROM audit_rows
         WHERE kind = $1 AND first <= $2 AND (gone IS NULL OR gone > $3) AND key > $4 ORDER BY key LIMIT $5";
    let values = [
        kind.as_str().into(),
        number.into(),
        number.into(),
        after.into(),
        PAGE.into(),
    ];
    each(&sql.query(select, &values)?, |row| {
        Ok(AuditRow {
            key: row.text("key")?,
            body: row.text("body")?,
        })
    })
}

/// Puts an audit down, row by row in the order of the keys.
pub(crate) struct Writing<'a> {
    sql: &'a mut dyn Sql,
    comparison: &'a Comparison<'a>,
    previous: i64,
    number: i64,
    kind: AuditKind,
    /// The next rows of the audit before, and the key behind which there may be more.
    before: VecDeque<AuditRow>,
    after: Option<String>,
    count: i64,
}

impl<'a> Writing<'a> {
    /// Begins an audit, and its rows of one kind.
    pub(crate) fn begin(
        sql: &'a mut dyn Sql,
        made: Timestamp,
        comparison: &'a Comparison<'a>,
    ) -> Result<Self, Fault> {
        let previous = last(sql, None)?.map_or(0, |audit| audit.number);
        let insert = "INSERT INTO audits (made, rows) VALUES ($1, 0) RETURNING number";
        let row = sql.first(insert, &[stamp(made).into()])?;
        let number = row.ok_or(Fault::Unreadable("number"))?.integer("number")?;
        Ok(Self {
            sql,
            comparison,
            previous,
            number,
            kind: AuditKind::Finding,
            before: VecDeque::new(),
            after: Some(String::new()),
            count: 0,
        })
    }

    /// Goes on with the rows of another kind.
    pub(crate) fn of(&mut self, kind: AuditKind) {
        self.kind = kind;
        self.before.clear();
        self.after = Some(String::new());
    }

    /// The first row of the audit before that is not dealt with.
    fn peek(&mut self) -> Result<Option<&AuditRow>, Fault> {
        if self.before.is_empty()
            && let Some(after) = self.after.take()
        {
            let page = rows(self.sql, self.previous, self.kind, &after)?;
            self.after = page.last().map(|row| row.key.clone());
            self.before = page.into();
        }
        Ok(self.before.front())
    }

    /// Takes the next row; keys must come in order.
    pub(crate) fn row(&mut self, row: &AuditRow) -> Result<(), Fault> {
        self.count += 1;
        while self.peek()?.is_some_and(|before| before.key < row.key) {
            self.pass()?;
        }
        if self.peek()?.is_some_and(|before| before.key == row.key) {
            let before = self.before.pop_front();
            let same = |before: &AuditRow| (self.comparison.same)(&before.body, &row.body);
            if before.as_ref().is_some_and(same) {
                return Ok(());
            }
            self.end(&row.key)?;
        }
        let insert = "INSERT INTO audit_rows (kind, key, first, body) VALUES ($1, $2, $3, $4)";
        let values: [Value<'_>; 4] = [
            self.kind.as_str().into(),
            (&row.key).into(),
            self.number.into(),
            (&row.body).into(),
        ];
        self.sql.execute(insert, &values).map(drop)
    }

    /// Deals with a row that this audit does not have.
    fn pass(&mut self) -> Result<(), Fault> {
        let Some(row) = self.before.pop_front() else {
            return Ok(());
        };
        if (self.comparison.stays)(self.kind, &row) {
            self.count += 1;
            return Ok(());
        }
        self.end(&row.key)
    }

    fn end(&mut self, key: &str) -> Result<(), Fault> {
        let update =
            "UPDATE audit_rows SET gone = $1 WHERE kind = $2 AND key = $3 AND gone IS NULL";
        let values = [self.number.into(), self.kind.as_str().into(), key.into()];
        self.sql.execute(update, &values).map(drop)
    }

    /// Ends the rows of this kind: what the audit before had behind them is dealt with.
    pub(crate) fn close(&mut self) -> Result<(), Fault> {
        while self.peek()?.is_some() {
            self.pass()?;
        }
        let update = "UPDATE audits SET rows = $1 WHERE number = $2";
        let values = [self.count.into(), self.number.into()];
        self.sql.execute(update, &values).map(drop)
    }

    /// Its number.
    pub(crate) fn number(&self) -> i64 {
        self.number
    }
}

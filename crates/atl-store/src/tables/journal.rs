//! The journal in SQL.

use jiff::Timestamp;

use super::{each, stamp, time};
use crate::journal::{JournalRow, Outcome, Step};
use crate::sql::{Fault, Row, Sql};

pub(crate) fn begin(sql: &mut dyn Sql, step: &Step, started: Timestamp) -> Result<i64, Fault> {
    let begun = sql.first(
        "INSERT INTO journal
         (started, run, command, action, server, server_url, consumer, detail, os_user, host, account)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
         RETURNING id",
        &[
            stamp(started).into(),
            (&step.run).into(),
            (&step.command).into(),
            (&step.action).into(),
            (&step.server).into(),
            (&step.server_url).into(),
            step.consumer.as_ref().into(),
            step.detail.to_string().into(),
            (&step.os_user).into(),
            (&step.host).into(),
            step.account.as_ref().into(),
        ],
    )?;
    begun.ok_or(Fault::Unreadable("id"))?.integer("id")
}

pub(crate) fn finish(
    sql: &mut dyn Sql,
    id: i64,
    outcome: &Outcome,
    finished: Timestamp,
) -> Result<bool, Fault> {
    let (word, message) = outcome.parts();
    let changed = sql.execute(
        "UPDATE journal SET finished = $1, outcome = $2, message = $3 WHERE id = $4 AND finished IS NULL",
        &[
            stamp(finished).into(),
            word.into(),
            message.into(),
            id.into(),
        ],
    )?;
    Ok(changed == 1)
}

fn journal_row(row: &Row) -> Result<JournalRow, Fault> {
    let message = row.optional_text("message")?;
    Ok(JournalRow {
        id: row.integer("id")?,
        started: row.parsed("started", time)?,
        finished: row.optional("finished", time)?,
        step: Step {
            run: row.text("run")?,
            command: row.text("command")?,
            action: row.text("action")?,
            server: row.text("server")?,
            server_url: row.text("server_url")?,
            consumer: row.optional_text("consumer")?,
            detail: row.parsed("detail", |text| serde_json::from_str(text).ok())?,
            os_user: row.text("os_user")?,
            host: row.text("host")?,
            account: row.optional_text("account")?,
        },
        outcome: row.optional("outcome", |word| Outcome::from_parts(word, message.clone()))?,
    })
}

pub(crate) fn journal(sql: &mut dyn Sql, limit: usize) -> Result<Vec<JournalRow>, Fault> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let select = "SELECT * FROM journal ORDER BY id DESC LIMIT $1";
    each(&sql.query(select, &[limit.into()])?, journal_row)
}

pub(crate) fn open_steps(sql: &mut dyn Sql) -> Result<Vec<JournalRow>, Fault> {
    let select = "SELECT * FROM journal WHERE finished IS NULL ORDER BY id";
    each(&sql.query(select, &[])?, journal_row)
}

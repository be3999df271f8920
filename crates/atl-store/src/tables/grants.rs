//! Grants in SQL.

use jiff::Timestamp;

use super::{each, stamp, time};
use crate::grants::{GrantRow, GrantState};
use crate::sql::{Fault, Row, Sql};

fn grant_row(row: &Row) -> Result<GrantRow, Fault> {
    let seconds = |column| {
        row.optional_integer(column)?
            .map(|seconds| u64::try_from(seconds).map_err(|_| Fault::Unreadable(column)))
            .transpose()
    };
    Ok(GrantRow {
        id: row.text("id")?,
        consumer: row.text("consumer")?,
        consumer_key: row.text("consumer_key")?,
        server: row.text("server")?,
        server_url: row.text("server_url")?,
        user: row.text("user")?,
        created: row.parsed("created", time)?,
        issued: row.parsed("issued", time)?,
        expires_in: seconds("expires_in")?,
        session_expires_in: seconds("session_expires_in")?,
        renewable: row.integer("renewable")? != 0,
        state: row.parsed("state", GrantState::from_word)?,
        checked: row.optional("checked", time)?,
        note: row.optional_text("note")?,
    })
}

pub(crate) fn grants(sql: &mut dyn Sql) -> Result<Vec<GrantRow>, Fault> {
    let select = r#"SELECT * FROM grants ORDER BY server, server_url, consumer, "user", number"#;
    each(&sql.query(select, &[])?, grant_row)
}

pub(crate) fn sealed_grant(sql: &mut dyn Sql, id: &str) -> Result<Option<Vec<u8>>, Fault> {
    sql.first("SELECT sealed FROM grants WHERE id = $1", &[id.into()])?
        .map(|row| row.blob("sealed"))
        .transpose()
}

pub(crate) fn put_grant(
    sql: &mut dyn Sql,
    row: &GrantRow,
    sealed: &[u8],
    instead_of: &[&str],
) -> Result<(), Fault> {
    for id in instead_of.iter().chain([&row.id.as_str()]) {
        delete_grant(sql, id)?;
    }
    let seconds = |seconds: Option<u64>| seconds.and_then(|seconds| i64::try_from(seconds).ok());
    sql.execute(
        r#"INSERT INTO grants
         (id, consumer, consumer_key, server, server_url, "user", created, issued, expires_in, session_expires_in,
          renewable, state, checked, note, sealed)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)"#,
        &[
            (&row.id).into(),
            (&row.consumer).into(),
            (&row.consumer_key).into(),
            (&row.server).into(),
            (&row.server_url).into(),
            (&row.user).into(),
            stamp(row.created).into(),
            stamp(row.issued).into(),
            seconds(row.expires_in).into(),
            seconds(row.session_expires_in).into(),
            i64::from(row.renewable).into(),
            row.state.as_str().into(),
            row.checked.map(stamp).into(),
            row.note.as_ref().into(),
            sealed.into(),
        ],
    )
    .map(drop)
}

pub(crate) fn set_grant_state(
    sql: &mut dyn Sql,
    id: &str,
    state: GrantState,
    checked: Timestamp,
    note: Option<&str>,
) -> Result<bool, Fault> {
    let update = "UPDATE grants SET state = $1, checked = $2, note = $3 WHERE id = $4";
    let values = [
        state.as_str().into(),
        stamp(checked).into(),
        note.into(),
        id.into(),
    ];
    Ok(sql.execute(update, &values)? == 1)
}

pub(crate) fn delete_grant(sql: &mut dyn Sql, id: &str) -> Result<bool, Fault> {
    Ok(sql.execute("DELETE FROM grants WHERE id = $1", &[id.into()])? == 1)
}

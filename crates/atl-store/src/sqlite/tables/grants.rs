//! Grants in SQL.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, named_params, params};

use super::{all, change, optional, parsed, stamp, time, unreadable};
use crate::grants::{GrantRow, GrantState};

fn grant_row(row: &Row<'_>) -> rusqlite::Result<GrantRow> {
    let seconds = |column| -> rusqlite::Result<Option<u64>> {
        let seconds: Option<i64> = row.get(column)?;
        seconds
            .map(|seconds| u64::try_from(seconds).map_err(|_| unreadable(row, column)))
            .transpose()
    };
    Ok(GrantRow {
        id: row.get("id")?,
        consumer: row.get("consumer")?,
        consumer_key: row.get("consumer_key")?,
        server: row.get("server")?,
        server_url: row.get("server_url")?,
        user: row.get("user")?,
        created: parsed(row, "created", time)?,
        issued: parsed(row, "issued", time)?,
        expires_in: seconds("expires_in")?,
        session_expires_in: seconds("session_expires_in")?,
        renewable: row.get("renewable")?,
        state: parsed(row, "state", GrantState::from_word)?,
        checked: optional(row, "checked", time)?,
        note: row.get("note")?,
    })
}

pub(in crate::sqlite) fn grants(connection: &Connection) -> rusqlite::Result<Vec<GrantRow>> {
    let sql = "SELECT * FROM grants ORDER BY server, server_url, consumer, user, number";
    all(connection, sql, [], grant_row)
}

pub(in crate::sqlite) fn sealed_grant(
    connection: &Connection,
    id: &str,
) -> rusqlite::Result<Option<Vec<u8>>> {
    connection
        .query_row("SELECT sealed FROM grants WHERE id = ?1", [id], |row| {
            row.get(0)
        })
        .optional()
}

pub(in crate::sqlite) fn put_grant(
    connection: &Connection,
    row: &GrantRow,
    sealed: &[u8],
) -> rusqlite::Result<()> {
    let seconds = |seconds: Option<u64>| seconds.and_then(|seconds| i64::try_from(seconds).ok());
    change(
        connection,
        "INSERT OR REPLACE INTO grants
         (id, consumer, consumer_key, server, server_url, user, created, issued, expires_in, session_expires_in,
          renewable, state, checked, note, sealed)
         VALUES (:id, :consumer, :consumer_key, :server, :server_url, :user, :created, :issued, :expires_in,
                 :session_expires_in, :renewable, :state, :checked, :note, :sealed)",
        named_params! {
            ":id": row.id,
            ":consumer": row.consumer,
            ":consumer_key": row.consumer_key,
            ":server": row.server,
            ":server_url": row.server_url,
            ":user": row.user,
            ":created": stamp(row.created),
            ":issued": stamp(row.issued),
            ":expires_in": seconds(row.expires_in),
            ":session_expires_in": seconds(row.session_expires_in),
            ":renewable": row.renewable,
            ":state": row.state.as_str(),
            ":checked": row.checked.map(stamp),
            ":note": row.note,
            ":sealed": sealed,
        },
    )
    .map(drop)
}

pub(in crate::sqlite) fn set_grant_state(
    connection: &Connection,
    id: &str,
    state: GrantState,
    checked: Timestamp,
    note: Option<&str>,
) -> rusqlite::Result<bool> {
    let sql = "UPDATE grants SET state = ?2, checked = ?3, note = ?4 WHERE id = ?1";
    let changed = change(
        connection,
        sql,
        params![id, state.as_str(), stamp(checked), note],
    )?;
    Ok(changed == 1)
}

pub(in crate::sqlite) fn delete_grant(connection: &Connection, id: &str) -> rusqlite::Result<bool> {
    let changed = change(connection, "DELETE FROM grants WHERE id = ?1", [id])?;
    Ok(changed == 1)
}

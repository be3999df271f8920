//! Rows in SQL.

pub(super) mod grants;

use std::str::FromStr as _;

use atl_keys::Fingerprint;
use jiff::Timestamp;
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension as _, Params, Row, named_params, params};

use crate::database::SealedKeypair;
use crate::journal::{JournalRow, Outcome, Step};
use crate::rows::{KeyState, KeypairRow, LinkMade, Registration};
use crate::seal::SealHeader;

/// Times sort as text.
fn stamp(time: Timestamp) -> String {
    format!("{time:.9}")
}

/// A text column as the value it stands for; one that stands for none is a damaged store.
fn parsed<T>(
    row: &Row<'_>,
    column: &str,
    parse: impl Fn(&str) -> Option<T>,
) -> rusqlite::Result<T> {
    optional(row, column, parse)?.ok_or_else(|| unreadable(row, column))
}

fn optional<T>(
    row: &Row<'_>,
    column: &str,
    parse: impl Fn(&str) -> Option<T>,
) -> rusqlite::Result<Option<T>> {
    let text: Option<String> = row.get(column)?;
    text.map(|text| parse(&text).ok_or_else(|| unreadable(row, column)))
        .transpose()
}

fn unreadable(row: &Row<'_>, column: &str) -> rusqlite::Error {
    let index = row.as_ref().column_index(column).unwrap_or_default();
    rusqlite::Error::FromSqlConversionFailure(
        index,
        Type::Text,
        format!("column `{column}` is unreadable").into(),
    )
}

fn time(text: &str) -> Option<Timestamp> {
    Timestamp::from_str(text).ok()
}

fn fingerprint(text: &str) -> Option<Fingerprint> {
    text.parse().ok()
}

fn all<T>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    row: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    connection
        .prepare_cached(sql)?
        .query_map(params, row)?
        .collect()
}

fn change(connection: &Connection, sql: &str, params: impl Params) -> rusqlite::Result<usize> {
    connection.prepare_cached(sql)?.execute(params)
}

// What the store says about its key.

pub(super) fn seal_header(connection: &Connection) -> rusqlite::Result<SealHeader> {
    let kdf = connection.query_row(
        "SELECT CAST(value AS TEXT) AS value FROM meta WHERE name = 'kdf'",
        [],
        |row| parsed(row, "value", |text| text.parse().ok()),
    )?;
    let check = connection.query_row(
        "SELECT value FROM meta WHERE name = 'key_check'",
        [],
        |row| row.get(0),
    )?;
    Ok(SealHeader { kdf, check })
}

pub(super) fn put_seal_header(
    connection: &Connection,
    header: &SealHeader,
) -> rusqlite::Result<()> {
    let sql = "INSERT INTO meta (name, value) VALUES (?1, ?2)";
    change(
        connection,
        sql,
        params!["kdf", header.kdf.to_string().as_bytes()],
    )?;
    change(connection, sql, params!["key_check", header.check])?;
    Ok(())
}

// Keypairs.

fn keypair_row(row: &Row<'_>) -> rusqlite::Result<KeypairRow> {
    let fingerprint = parsed(row, "fingerprint", fingerprint)?;
    Ok(KeypairRow {
        id: fingerprint.id(),
        consumer: row.get("consumer")?,
        bits: row.get::<_, u16>("bits")?.into(),
        fingerprint,
        public_key: row.get("public_key")?,
        created: parsed(row, "created", time)?,
        state: parsed(row, "state", KeyState::from_word)?,
    })
}

pub(super) fn keypairs(connection: &Connection) -> rusqlite::Result<Vec<KeypairRow>> {
    all(
        connection,
        "SELECT * FROM keypairs ORDER BY number",
        [],
        keypair_row,
    )
}

pub(super) fn newest_keypair(
    connection: &Connection,
    consumer: &str,
) -> rusqlite::Result<Option<KeypairRow>> {
    connection
        .query_row(
            "SELECT * FROM keypairs WHERE consumer = ?1 AND state <> 'retired' ORDER BY number DESC LIMIT 1",
            [consumer],
            keypair_row,
        )
        .optional()
}

pub(super) fn sealed_keypair(
    connection: &Connection,
    fingerprint: &Fingerprint,
) -> rusqlite::Result<Option<SealedKeypair>> {
    connection
        .query_row(
            "SELECT consumer, sealed FROM keypairs WHERE fingerprint = ?1",
            [fingerprint.as_str()],
            |row| {
                Ok(SealedKeypair {
                    consumer: row.get("consumer")?,
                    sealed: row.get("sealed")?,
                })
            },
        )
        .optional()
}

pub(super) fn add_keypair(
    connection: &Connection,
    row: &KeypairRow,
    sealed: &[u8],
) -> rusqlite::Result<KeypairRow> {
    change(
        connection,
        "INSERT INTO keypairs (fingerprint, consumer, bits, public_key, sealed, created, state)
         VALUES (:fingerprint, :consumer, :bits, :public_key, :sealed, :created, :state)
         ON CONFLICT (fingerprint) DO NOTHING",
        named_params! {
            ":fingerprint": row.fingerprint.as_str(),
            ":consumer": row.consumer,
            ":bits": u16::try_from(row.bits).unwrap_or(u16::MAX),
            ":public_key": row.public_key,
            ":sealed": sealed,
            ":created": stamp(row.created),
            ":state": row.state.as_str(),
        },
    )?;
    connection.query_row(
        "SELECT * FROM keypairs WHERE fingerprint = ?1",
        [row.fingerprint.as_str()],
        keypair_row,
    )
}

pub(super) fn set_keypair_state(
    connection: &Connection,
    fingerprint: &Fingerprint,
    state: KeyState,
) -> rusqlite::Result<bool> {
    let changed = change(
        connection,
        "UPDATE keypairs SET state = ?2 WHERE fingerprint = ?1",
        params![fingerprint.as_str(), state.as_str()],
    )?;
    Ok(changed == 1)
}

pub(super) fn delete_keypair(
    connection: &Connection,
    fingerprint: &Fingerprint,
) -> rusqlite::Result<bool> {
    let sql = "DELETE FROM keypairs WHERE fingerprint = ?1 AND state = 'retired'";
    Ok(change(connection, sql, [fingerprint.as_str()])? == 1)
}

// Registrations.

pub(super) fn registrations(connection: &Connection) -> rusqlite::Result<Vec<Registration>> {
    let sql = "SELECT * FROM registrations ORDER BY server, server_url, consumer";
    all(connection, sql, [], |row| {
        Ok(Registration {
            consumer: row.get("consumer")?,
            server: row.get("server")?,
            server_url: row.get("server_url")?,
            consumer_key: row.get("consumer_key")?,
            link_id: row.get("link_id")?,
            fingerprint: parsed(row, "fingerprint", fingerprint)?,
            proven: optional(row, "proven", time)?,
        })
    })
}

pub(super) fn put_registration(
    connection: &Connection,
    registration: &Registration,
) -> rusqlite::Result<()> {
    change(
        connection,
        "INSERT OR REPLACE INTO registrations
         (consumer, server, server_url, consumer_key, link_id, fingerprint, proven)
         VALUES (:consumer, :server, :server_url, :consumer_key, :link_id, :fingerprint, :proven)",
        named_params! {
            ":consumer": registration.consumer,
            ":server": registration.server,
            ":server_url": registration.server_url,
            ":consumer_key": registration.consumer_key,
            ":link_id": registration.link_id,
            ":fingerprint": registration.fingerprint.as_str(),
            ":proven": registration.proven.map(stamp),
        },
    )
    .map(drop)
}

pub(super) fn delete_registration(
    connection: &Connection,
    consumer: &str,
    server_url: &str,
) -> rusqlite::Result<()> {
    let sql = "DELETE FROM registrations WHERE consumer = ?1 AND server_url = ?2";
    change(connection, sql, [consumer, server_url]).map(drop)
}

// Links made.

pub(super) fn links(connection: &Connection) -> rusqlite::Result<Vec<LinkMade>> {
    all(
        connection,
        "SELECT * FROM links ORDER BY number",
        [],
        |row| {
            Ok(LinkMade {
                server: row.get("server")?,
                server_url: row.get("server_url")?,
                link_id: row.get("link_id")?,
                application_url: row.get("application_url")?,
                consumer: row.get("consumer")?,
                consumer_key: row.get("consumer_key")?,
                created: parsed(row, "created", time)?,
            })
        },
    )
}

pub(super) fn add_link(connection: &Connection, link: &LinkMade) -> rusqlite::Result<()> {
    change(
        connection,
        "INSERT INTO links
         (server, server_url, link_id, application_url, consumer, consumer_key, created)
         VALUES (:server, :server_url, :link_id, :application_url, :consumer, :consumer_key, :created)
         ON CONFLICT (server_url, link_id) DO NOTHING",
        named_params! {
            ":server": link.server,
            ":server_url": link.server_url,
            ":link_id": link.link_id,
            ":application_url": link.application_url,
            ":consumer": link.consumer,
            ":consumer_key": link.consumer_key,
            ":created": stamp(link.created),
        },
    )
    .map(drop)
}

pub(super) fn delete_link(
    connection: &Connection,
    server_url: &str,
    link_id: &str,
) -> rusqlite::Result<()> {
    let sql = "DELETE FROM links WHERE server_url = ?1 AND link_id = ?2";
    change(connection, sql, [server_url, link_id]).map(drop)
}

// The journal.

pub(super) fn begin(
    connection: &Connection,
    step: &Step,
    started: Timestamp,
) -> rusqlite::Result<i64> {
    change(
        connection,
        "INSERT INTO journal
         (started, run, command, action, server, server_url, consumer, detail, os_user, host, account)
         VALUES (:started, :run, :command, :action, :server, :server_url, :consumer, :detail, :os_user, :host, :account)",
        named_params! {
            ":started": stamp(started),
            ":run": step.run,
            ":command": step.command,
            ":action": step.action,
            ":server": step.server,
            ":server_url": step.server_url,
            ":consumer": step.consumer,
            ":detail": step.detail.to_string(),
            ":os_user": step.os_user,
            ":host": step.host,
            ":account": step.account,
        },
    )?;
    Ok(connection.last_insert_rowid())
}

pub(super) fn finish(
    connection: &Connection,
    id: i64,
    outcome: &Outcome,
    finished: Timestamp,
) -> rusqlite::Result<bool> {
    let (word, message) = outcome.parts();
    let changed = change(
        connection,
        "UPDATE journal SET finished = ?2, outcome = ?3, message = ?4 WHERE id = ?1 AND finished IS NULL",
        params![id, stamp(finished), word, message],
    )?;
    Ok(changed == 1)
}

fn journal_row(row: &Row<'_>) -> rusqlite::Result<JournalRow> {
    let message: Option<String> = row.get("message")?;
    Ok(JournalRow {
        id: row.get("id")?,
        started: parsed(row, "started", time)?,
        finished: optional(row, "finished", time)?,
        step: Step {
            run: row.get("run")?,
            command: row.get("command")?,
            action: row.get("action")?,
            server: row.get("server")?,
            server_url: row.get("server_url")?,
            consumer: row.get("consumer")?,
            detail: parsed(row, "detail", |text| serde_json::from_str(text).ok())?,
            os_user: row.get("os_user")?,
            host: row.get("host")?,
            account: row.get("account")?,
        },
        outcome: optional(row, "outcome", |word| {
            Outcome::from_parts(word, message.clone())
        })?,
    })
}

pub(super) fn journal(connection: &Connection, limit: usize) -> rusqlite::Result<Vec<JournalRow>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let sql = "SELECT * FROM journal ORDER BY id DESC LIMIT ?1";
    all(connection, sql, [limit], journal_row)
}

pub(super) fn open_steps(connection: &Connection) -> rusqlite::Result<Vec<JournalRow>> {
    let sql = "SELECT * FROM journal WHERE finished IS NULL ORDER BY id";
    all(connection, sql, [], journal_row)
}

//! Rows in SQL, the same on SQLite and on PostgreSQL.

pub(crate) mod audits;
pub(crate) mod grants;
pub(crate) mod imports;
pub(crate) mod journal;

use std::str::FromStr as _;

use atl_keys::Fingerprint;
use jiff::Timestamp;

use crate::database::SealedKeypair;
use crate::rows::{KeyState, KeypairRow, LinkMade, Registration};
use crate::seal::SealHeader;
use crate::sql::{Fault, Row, Sql};

/// Times sort as text.
pub(crate) fn stamp(time: Timestamp) -> String {
    format!("{time:.9}")
}

fn time(text: &str) -> Option<Timestamp> {
    Timestamp::from_str(text).ok()
}

fn fingerprint(text: &str) -> Option<Fingerprint> {
    text.parse().ok()
}

fn each<T>(rows: &[Row], read: impl Fn(&Row) -> Result<T, Fault>) -> Result<Vec<T>, Fault> {
    rows.iter().map(read).collect()
}

// What the store says about its key.

pub(crate) fn seal_header(sql: &mut dyn Sql) -> Result<SealHeader, Fault> {
    let mut value = |name: &str| {
        sql.first("SELECT value FROM meta WHERE name = $1", &[name.into()])?
            .ok_or(Fault::Unreadable("value"))?
            .blob("value")
    };
    let kdf = String::from_utf8(value("kdf")?).map_err(|_| Fault::Unreadable("value"))?;
    Ok(SealHeader {
        kdf: kdf.parse().map_err(|()| Fault::Unreadable("value"))?,
        check: value("key_check")?,
    })
}

pub(crate) fn put_seal_header(sql: &mut dyn Sql, header: &SealHeader) -> Result<(), Fault> {
    let insert = "INSERT INTO meta (name, value) VALUES ($1, $2)";
    let kdf = header.kdf.to_string();
    sql.execute(insert, &["kdf".into(), kdf.as_bytes().into()])?;
    sql.execute(insert, &["key_check".into(), header.check[..].into()])?;
    Ok(())
}

// Keypairs.

fn keypair_row(row: &Row) -> Result<KeypairRow, Fault> {
    let fingerprint = row.parsed("fingerprint", fingerprint)?;
    Ok(KeypairRow {
        id: fingerprint.id(),
        consumer: row.text("consumer")?,
        bits: u16::try_from(row.integer("bits")?)
            .map_err(|_| Fault::Unreadable("bits"))?
            .into(),
        fingerprint,
        public_key: row.text("public_key")?,
        created: row.parsed("created", time)?,
        state: row.parsed("state", KeyState::from_word)?,
    })
}

pub(crate) fn keypairs(sql: &mut dyn Sql) -> Result<Vec<KeypairRow>, Fault> {
    each(
        &sql.query("SELECT * FROM keypairs ORDER BY number", &[])?,
        keypair_row,
    )
}

fn newest_keypair(sql: &mut dyn Sql, consumer: &str) -> Result<Option<KeypairRow>, Fault> {
    let select = "SELECT * FROM keypairs WHERE consumer = $1 AND state <> 'retired' ORDER BY number DESC LIMIT 1";
    sql.first(select, &[consumer.into()])?
        .as_ref()
        .map(keypair_row)
        .transpose()
}

pub(crate) fn sealed_keypair(
    sql: &mut dyn Sql,
    fingerprint: &Fingerprint,
) -> Result<Option<SealedKeypair>, Fault> {
    let select = "SELECT consumer, sealed FROM keypairs WHERE fingerprint = $1";
    let Some(row) = sql.first(select, &[fingerprint.as_str().into()])? else {
        return Ok(None);
    };
    Ok(Some(SealedKeypair {
        consumer: row.text("consumer")?,
        sealed: row.blob("sealed")?,
    }))
}

pub(crate) fn add_keypair(
    sql: &mut dyn Sql,
    row: &KeypairRow,
    sealed: &[u8],
) -> Result<KeypairRow, Fault> {
    sql.execute(
        "INSERT INTO keypairs (fingerprint, consumer, bits, public_key, sealed, created, state)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (fingerprint) DO NOTHING",
        &[
            row.fingerprint.as_str().into(),
            (&row.consumer).into(),
            i64::from(u16::try_from(row.bits).unwrap_or(u16::MAX)).into(),
            (&row.public_key).into(),
            sealed.into(),
            stamp(row.created).into(),
            row.state.as_str().into(),
        ],
    )?;
    let select = "SELECT * FROM keypairs WHERE fingerprint = $1";
    let kept = sql.first(select, &[row.fingerprint.as_str().into()])?;
    keypair_row(&kept.ok_or(Fault::Unreadable("fingerprint"))?)
}

pub(crate) fn keypair_or_add(
    sql: &mut dyn Sql,
    row: &KeypairRow,
    sealed: &[u8],
) -> Result<KeypairRow, Fault> {
    sql.keypairs_alone()?;
    match newest_keypair(sql, &row.consumer)? {
        Some(kept) => Ok(kept),
        None => add_keypair(sql, row, sealed),
    }
}

pub(crate) fn set_keypair_state(
    sql: &mut dyn Sql,
    fingerprint: &Fingerprint,
    state: KeyState,
) -> Result<bool, Fault> {
    let update = "UPDATE keypairs SET state = $1 WHERE fingerprint = $2";
    let values = [state.as_str().into(), fingerprint.as_str().into()];
    Ok(sql.execute(update, &values)? == 1)
}

pub(crate) fn delete_keypair(sql: &mut dyn Sql, fingerprint: &Fingerprint) -> Result<bool, Fault> {
    let delete = "DELETE FROM keypairs WHERE fingerprint = $1 AND state = 'retired'";
    Ok(sql.execute(delete, &[fingerprint.as_str().into()])? == 1)
}

// Registrations.

pub(crate) fn registrations(sql: &mut dyn Sql) -> Result<Vec<Registration>, Fault> {
    let select = "SELECT * FROM registrations ORDER BY server, server_url, consumer";
    each(&sql.query(select, &[])?, |row| {
        Ok(Registration {
            consumer: row.text("consumer")?,
            server: row.text("server")?,
            server_url: row.text("server_url")?,
            consumer_key: row.text("consumer_key")?,
            link_id: row.text("link_id")?,
            fingerprint: row.parsed("fingerprint", fingerprint)?,
            proven: row.optional("proven", time)?,
        })
    })
}

pub(crate) fn put_registration(
    sql: &mut dyn Sql,
    registration: &Registration,
) -> Result<(), Fault> {
    sql.execute(
        "INSERT INTO registrations (consumer, server_url, server, consumer_key, link_id, fingerprint, proven)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (consumer, server_url) DO UPDATE SET
         server = excluded.server, consumer_key = excluded.consumer_key, link_id = excluded.link_id,
         fingerprint = excluded.fingerprint, proven = excluded.proven",
        &[
            (&registration.consumer).into(),
            (&registration.server_url).into(),
            (&registration.server).into(),
            (&registration.consumer_key).into(),
            (&registration.link_id).into(),
            registration.fingerprint.as_str().into(),
            registration.proven.map(stamp).into(),
        ],
    )
    .map(drop)
}

pub(crate) fn delete_registration(
    sql: &mut dyn Sql,
    consumer: &str,
    server_url: &str,
) -> Result<(), Fault> {
    let delete = "DELETE FROM registrations WHERE consumer = $1 AND server_url = $2";
    sql.execute(delete, &[consumer.into(), server_url.into()])
        .map(drop)
}

// Links made.

pub(crate) fn links(sql: &mut dyn Sql) -> Result<Vec<LinkMade>, Fault> {
    each(
        &sql.query("SELECT * FROM links ORDER BY number", &[])?,
        |row| {
            Ok(LinkMade {
                server: row.text("server")?,
                server_url: row.text("server_url")?,
                link_id: row.text("link_id")?,
                application_url: row.text("application_url")?,
                consumer: row.text("consumer")?,
                consumer_key: row.text("consumer_key")?,
                created: row.parsed("created", time)?,
            })
        },
    )
}

pub(crate) fn add_link(sql: &mut dyn Sql, link: &LinkMade) -> Result<(), Fault> {
    sql.execute(
        "INSERT INTO links (server, server_url, link_id, application_url, consumer, consumer_key, created)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (server_url, link_id) DO NOTHING",
        &[
            (&link.server).into(),
            (&link.server_url).into(),
            (&link.link_id).into(),
            (&link.application_url).into(),
            (&link.consumer).into(),
            (&link.consumer_key).into(),
            stamp(link.created).into(),
        ],
    )
    .map(drop)
}

pub(crate) fn delete_link(sql: &mut dyn Sql, server_url: &str, link_id: &str) -> Result<(), Fault> {
    let delete = "DELETE FROM links WHERE server_url = $1 AND link_id = $2";
    sql.execute(delete, &[server_url.into(), link_id.into()])
        .map(drop)
}

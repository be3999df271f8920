//! One connection: made, told how to behave, and found out where a pooler would change it under us.

use std::time::Duration;

use postgres::{Client, Config, Error, SimpleQueryMessage};

use super::url::PostgresUrl;
use super::{fault, fault::told};
use crate::StoreError;
use crate::error::Cause;
use crate::sql::Fault;

/// How long the server may take to answer a connection, and a dead line to be noticed.
const PATIENCE: Duration = Duration::from_secs(10);
const DEAD_LINE: Duration = Duration::from_secs(30);

/// How a session behaves, where the server knows the setting. A commit is on disk before the step it announces is
/// taken; a lost client is noticed, so that its locks do not stay.
const SETTINGS: &str = "SELECT set_config(s.name, v.value, false) FROM (VALUES
    ('search_path', 'atl_admin'),
    ('synchronous_commit', 'on'),
    ('lock_timeout', '5s'),
    ('statement_timeout', '60s'),
    ('idle_session_timeout', '0'),
    ('tcp_keepalives_idle', '30'),
    ('tcp_keepalives_interval', '10'),
    ('tcp_keepalives_count', '3')
    ) AS v (name, value) JOIN pg_settings s ON s.name = v.name
    WHERE s.name <> 'synchronous_commit' OR s.setting = 'off'";

/// Why there is no connection.
pub(super) enum NotConnected {
    /// TLS could not be set up as the URL asks for.
    Tls(Cause),
    /// The connection was not made.
    Failed(Error),
}

/// Connects to a store, without a setting of a session: a look goes through a pooler too.
pub(super) fn connect(url: &PostgresUrl) -> Result<Client, StoreError> {
    reach(url).map_err(|why| match why {
        NotConnected::Tls(source) => StoreError::Tls {
            store: url.name(),
            source,
        },
        NotConnected::Failed(error) => fault::connecting(url.name(), error),
    })
}

/// Connects to any database.
pub(super) fn reach(url: &PostgresUrl) -> Result<Client, NotConnected> {
    let mode = url.tls_mode();
    let (negotiation, connector) = url.tls.connector(mode).map_err(NotConnected::Tls)?;
    let mut config = Config::clone(&url.config);
    config.ssl_mode(negotiation);
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(PATIENCE);
    }
    if config.get_application_name().is_none() {
        config.application_name("atl-admin");
    }
    config
        .keepalives_idle(DEAD_LINE)
        .tcp_user_timeout(DEAD_LINE);
    config.connect(connector).map_err(NotConnected::Failed)
}

/// Connects for work: to one backend, which stays the same. Gives its process id.
pub(super) fn connect_to_work(url: &PostgresUrl) -> Result<(Client, i32), StoreError> {
    let mut client = connect(url)?;
    let of_url = |error: Fault| told(&url.name(), error);
    let backend = backend(&mut client).map_err(of_url)?;
    if is_pooled(url, &mut client, backend).map_err(of_url)? {
        return Err(StoreError::Pooled { store: url.name() });
    }
    client
        .simple_query(SETTINGS)
        .map_err(|error| of_url(error.into()))?;
    Ok((client, backend))
}

/// Whether transactions of this connection go to different backends. A pooler that hands out the backend used last gives
/// ours to a second connection while that one is in a transaction; one that hands them out in turn gives us another.
/// Nothing is prepared or set here, which a pooler might not allow.
fn is_pooled(url: &PostgresUrl, client: &mut Client, first: i32) -> Result<bool, Fault> {
    for _ in 0..3 {
        if backend(client)? != first {
            return Ok(true);
        }
    }
    // Where no second connection is to be had, every transaction still compares the backend.
    let Ok(mut second) = connect(url) else {
        return Ok(false);
    };
    if second.is_valid(PATIENCE).is_err() {
        return Ok(false);
    }
    let taken = begin(&mut second)?;
    Ok(taken == first || backend(client)? != first)
}

/// The process id of the backend.
fn backend(client: &mut Client) -> Result<i32, Fault> {
    number(&client.simple_query("SELECT pg_backend_pid()")?)
}

/// Begins a transaction; the process id of the backend it is in.
pub(super) fn begin(client: &mut Client) -> Result<i32, Fault> {
    number(&client.simple_query("BEGIN; SELECT pg_backend_pid()")?)
}

fn number(answer: &[SimpleQueryMessage]) -> Result<i32, Fault> {
    let found = answer.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0)?.parse().ok(),
        _ => None,
    });
    found.ok_or(Fault::Lost)
}

//! The queries. All that find grants have the same columns, in this order:
//!
//! 0 digest or handle, 1 user, 2 whether the user may log in, 3 consumer key, 4 consumer name, 5 whether the consumer is
//! registered, 6 name, 7 scopes, 8 created, 9 how long it lives, 10 when it ends, 11 when the session was last renewed,
//! 12 how long the session lives, 13 last used. Times and durations are milliseconds.

use atl_store::{OutsideColumn, OutsideDatabase, OutsideError, OutsideTable};

use super::schema::{APP_USER, CWD_USER, Jira, OAUTH2_ACCESS, OAUTH2_CLIENT, OAUTH2_GRANT, PAT};
use crate::inventory::GrantKind;

/// A query, or why there is none.
pub(super) enum Query {
    Ready {
        sql: String,
        /// Whether its times are moments, not those of a clock in an unknown zone.
        exact: bool,
        /// Whether it tells of each when it was last used, or that it never was.
        uses: bool,
    },
    /// This Jira has no such table.
    NoTable(&'static str),
}

/// Every consumer.
pub(super) fn consumers(database: &OutsideDatabase, jira: &Jira) -> Result<String, OutsideError> {
    let table = &jira.consumer;
    let [key, name] = database.columns(table, ["consumer_key", "consumername"])?;
    Ok(format!(
        "SELECT {key}::text, {name}::text FROM {table} WHERE {key} IS NOT NULL"
    ))
}

/// Every grant of a kind.
pub(super) fn grants(
    database: &OutsideDatabase,
    jira: &Jira,
    kind: GrantKind,
) -> Result<Query, OutsideError> {
    match kind {
        GrantKind::Oauth1 => oauth1(database, jira),
        GrantKind::Oauth2 => oauth2(database, jira),
        GrantKind::Pat => pats(database, jira),
    }
}

/// Access tokens; what is asked for in a dance that has not ended is no grant.
fn oauth1(database: &OutsideDatabase, jira: &Jira) -> Result<Query, OutsideError> {
    let (table, consumers) = (&jira.token, &jira.consumer);
    let [token, kind, key, user, created, ttl] = database.columns(
        table,
        [
            "token",
            "token_type",
            "consumer_key",
            "username",
            "created",
            "ttl",
        ],
    )?;
    let [registered, name] = database.columns(consumers, ["consumer_key", "consumername"])?;
    let users = Users::of(database, jira, &format!("t.{user}"))?;
    let session = |name: &str| optional_millis(table, "t", name);
    let sql = format!(
        "SELECT left(encode(sha256(convert_to(t.{token}, 'UTF8')), 'hex'), 12), {user}, {status}, t.{key}::text, \
         c.{name}::text, c.{registered} IS NOT NULL, NULL::text, NULL::text, {created_millis}, t.{ttl}::int8, NULL::int8, \
         {renewed}, {session_ttl}, NULL::int8 \
         FROM {table} t LEFT JOIN {consumers} c ON c.{registered} = t.{key} {joins} \
         WHERE t.{kind} = 'ACCESS' AND t.{token} IS NOT NULL",
        user = users.name,
        status = users.status,
        joins = users.joins,
        created_millis = millis("t", created),
        renewed = session("session_last_renewal_time"),
        session_ttl = session("session_time_to_live"),
    );
    let exact = is_exact(created);
    Ok(Query::Ready {
        sql,
        exact,
        uses: false,
    })
}

/// Refresh tokens: each is a grant, which its id names and revokes. The table of clients has both its own ids and those
/// that clients show; tokens have been seen with either.
fn oauth2(database: &OutsideDatabase, jira: &Jira) -> Result<Query, OutsideError> {
    let Some(table) = jira.table(OAUTH2_GRANT) else {
        return Ok(Query::NoTable("AO_FE1BC5_REFRESH_TOKEN"));
    };
    let Some(clients) = jira.table(OAUTH2_CLIENT) else {
        return Ok(Query::NoTable("AO_FE1BC5_CLIENT"));
    };
    let [id, client, user, created] =
        database.columns(table, ["id", "client_id", "user_key", "created_at"])?;
    let [own_id, shown_id, name] = database.columns(clients, ["id", "client_id", "name"])?;
    let users = Users::of(database, jira, &format!("t.{user}"))?;
    // A refreshed grant is as old as its authorization.
    let created = table.column("authorization_date").unwrap_or(created);
    let scope = optional_text(table, "scope");
    let access = table
        .column("access_token_id")
        .zip(jira.readable(OAUTH2_ACCESS, ["id", "last_accessed"]));
    let used = access.map(|(token, (access, [id, used]))| {
        let join = format!("LEFT JOIN {access} a ON a.{id} = t.{token}");
        (millis("a", used), join)
    });
    let (last_used, join) = used.unwrap_or_else(|| ("NULL::int8".to_owned(), String::new()));
    let sql = format!(
        "SELECT t.{id}::text, {user}, {status}, COALESCE(c.{shown_id}, t.{client})::text, c.{name}::text, \
         c.{own_id} IS NOT NULL, NULL::text, {scope}, {created_millis}, NULL::int8, NULL::int8, NULL::int8, NULL::int8, \
         {last_used} \
         FROM {table} t LEFT JOIN {clients} c ON c.{own_id} = t.{client} OR c.{shown_id} = t.{client} {join} {joins} \
         WHERE t.{id} IS NOT NULL",
        user = users.name,
        status = users.status,
        joins = users.joins,
        created_millis = millis("t", created),
    );
    let exact = is_exact(created);
    Ok(Query::Ready {
        sql,
        exact,
        uses: false,
    })
}

/// Personal access tokens.
fn pats(database: &OutsideDatabase, jira: &Jira) -> Result<Query, OutsideError> {
    let Some(table) = jira.table(PAT) else {
        return Ok(Query::NoTable("AO_81F455_PERSONAL_TOKEN"));
    };
    let [id, user, name, created, expires] = database.columns(
        table,
        ["id", "user_key", "name", "created_at", "expiring_at"],
    )?;
    let users = Users::of(database, jira, &format!("t.{user}"))?;
    let sql = format!(
        "SELECT t.{id}::text, {user}, {status}, NULL::text, NULL::text, NULL::bool, t.{name}::text, NULL::text, \
         {created_millis}, NULL::int8, {expires_millis}, NULL::int8, NULL::int8, {used} \
         FROM {table} t {joins} WHERE t.{id} IS NOT NULL",
        user = users.name,
        status = users.status,
        joins = users.joins,
        created_millis = millis("t", created),
        expires_millis = millis("t", expires),
        used = optional_millis(table, "t", "last_accessed_at"),
    );
    let exact = is_exact(created);
    Ok(Query::Ready {
        sql,
        exact,
        uses: table.column("last_accessed_at").is_some(),
    })
}

/// How users are shown and where they stand: 2 who may log in, 1 who may not, 0 who is gone.
struct Users {
    name: String,
    status: String,
    joins: String,
}

impl Users {
    /// Of a column that holds user keys, or user names where the version knows no keys. Whoever is active in one of
    /// several directories is.
    fn of(database: &OutsideDatabase, jira: &Jira, key: &str) -> Result<Self, OutsideError> {
        let mut joins = Vec::new();
        let mut name = format!("lower({key})");
        let mut known = "TRUE".to_owned();
        if let Some(table) = jira.table(APP_USER) {
            let [user_key, user_name] = database.columns(table, ["user_key", "lower_user_name"])?;
            joins.push(format!("LEFT JOIN {table} u ON u.{user_key} = {key}"));
            name = format!("u.{user_name}");
            known = format!("u.{user_key} IS NOT NULL");
        }
        let mut status = "NULL::int8".to_owned();
        if let Some(table) = jira.table(CWD_USER) {
            let [user_name, active] = database.columns(table, ["lower_user_name", "active"])?;
            joins.push(format!(
                "LEFT JOIN (SELECT {user_name} AS name, bool_or({active}::int8 <> 0) AS active FROM {table} \
                 GROUP BY {user_name}) d ON d.name = {name}"
            ));
            status = format!(
                "CASE WHEN NOT ({known}) OR d.name IS NULL THEN 0 WHEN d.active THEN 2 ELSE 1 END::int8"
            );
        }
        Ok(Self {
            name: format!("COALESCE({name}, {key}, '')::text"),
            status,
            joins: joins.join(" "),
        })
    }
}

/// Whether a column holds moments: numbers and times with a zone do, other times are those of the server's clock.
fn is_exact(column: &OutsideColumn) -> bool {
    !column.kind.starts_with("timestamp") || column.kind.contains("with time zone")
}

/// A time, or a duration that is kept as one, in milliseconds: `extract` would give the same, a fifth more slowly.
fn millis(table: &str, column: &OutsideColumn) -> String {
    if column.kind.starts_with("timestamp") {
        format!("(date_part('epoch', {table}.{column}) * 1000)::int8")
    } else {
        format!("{table}.{column}::int8")
    }
}

fn optional_millis(table: &OutsideTable, alias: &str, name: &str) -> String {
    let column = table.column(name);
    column.map_or_else(|| "NULL::int8".to_owned(), |column| millis(alias, column))
}

fn optional_text(table: &OutsideTable, name: &str) -> String {
    let column = table.column(name);
    column.map_or_else(
        || "NULL::text".to_owned(),
        |column| format!("t.{column}::text"),
    )
}

//! What a Jira has in its database (protocol.md 3.4), in a real PostgreSQL.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::copy::{Cell, Rows, cell, millis, moment};
use crate::personal::Pat;
use crate::population::letters;
use crate::postgres::PostgresDatabase;
use crate::server::Server;
use crate::spec::ADMIN;
use crate::state::State;
use crate::token::{Decision, Token, TokenKind};

const SCHEMA: &str = include_str!("../../../fixtures/sql/jira-postgres.sql");

const DROP: &str = r#"DROP TABLE IF EXISTS app_user, cwd_user, oauthspconsumer, oauthsptoken, "AO_FE1BC5_CLIENT",
    "AO_FE1BC5_REDIRECT_URI", "AO_FE1BC5_AUTHORIZATION", "AO_FE1BC5_ACCESS_TOKEN", "AO_FE1BC5_REFRESH_TOKEN",
    "AO_81F455_PERSONAL_TOKEN""#;

/// Where the numbers of rows begin, as in every Jira.
const FIRST_ID: u64 = 10_000;

impl Server {
    /// Writes the users, consumers and grants that this server has now into the tables of a Jira, in place of what they
    /// held. Users are named by their keys there; one who is gone, whose key nobody knows, by name.
    ///
    /// # Panics
    ///
    /// Where the database does not take it.
    pub fn write_database(&self, database: &PostgresDatabase) {
        let tables = self.shared.with(|state| tables(state));
        database.replace(DROP, SCHEMA, &tables);
    }
}

impl PostgresDatabase {
    /// Adds grants to the tables of a Jira that [`Server::write_database`] made, a million in seconds: one a minute from
    /// 2020 on, of fifty consumers and of a tenth as many users, `crowd0000001` and on, every hundredth of whom may not log
    /// in.
    ///
    /// # Panics
    ///
    /// Where the tables are missing, or were filled so before.
    #[expect(clippy::expect_used, reason = "a test without its database has failed")]
    pub fn fill_with(&self, grants: u32) {
        let users = grants.div_ceil(10);
        let sql = format!(
            "INSERT INTO app_user SELECT 1000000 + n, 'JIRAUSER' || 1000000 + n, 'crowd' || lpad(n::text, 7, '0') \
               FROM generate_series(1, {users}) n;\n\
             INSERT INTO cwd_user SELECT 1000000 + n, 1, name, name, (n % 100 <> 0)::int, name, name || '@example.com' \
               FROM generate_series(1, {users}) n, LATERAL (SELECT 'crowd' || lpad(n::text, 7, '0')) it (name);\n\
             INSERT INTO oauthspconsumer (id, created, consumer_key, consumername, three_l_o_allowed) \
               SELECT 1000000 + n, timestamptz '2020-01-01 00:00:00Z', 'crowd-' || n, 'Consumer ' || n, 'true' \
               FROM generate_series(1, 50) n;\n\
             INSERT INTO oauthsptoken (id, created, token, token_secret, token_type, consumer_key, username, ttl, spauth, \
                 spversion, session_handle, session_creation_time, session_last_renewal_time, session_time_to_live) \
               SELECT 1000000 + n, created, md5('token ' || n), md5('secret ' || n), 'ACCESS', 'crowd-' || 1 + n % 50, \
                 'JIRAUSER' || 1000001 + n % {users}, 157680000000, 'AUTHORIZED', 'V_1_0_A', md5('handle ' || n), created, \
                 created, timestamptz 'epoch' + interval '160272000 s' \
               FROM generate_series(1, {grants}) n, \
                 LATERAL (SELECT timestamptz '2020-01-01 00:00:00Z' + n * interval '1 minute') it (created);\n\
             ANALYZE app_user; ANALYZE cwd_user; ANALYZE oauthspconsumer; ANALYZE oauthsptoken;"
        );
        self.client()
            .batch_execute(&sql)
            .expect("the tables take the grants");
    }
}

fn tables(state: &State) -> Vec<Rows> {
    let mut app_user = Rows::of("app_user", "id, user_key, lower_user_name");
    let mut cwd_user = Rows::of(
        "cwd_user",
        "id, directory_id, user_name, lower_user_name, active, display_name, email_address",
    );
    for (id, user) in (FIRST_ID..).zip(state.users.values()) {
        let lower = user.name.to_lowercase();
        app_user.add([cell(&id), cell(&user.key), cell(&lower)]);
        cwd_user.add([
            cell(&id),
            cell(&1),
            cell(&user.name),
            cell(&lower),
            cell(&u8::from(user.active)),
            cell(&user.display_name),
            cell(&user.email),
        ]);
    }
    let mut all = vec![app_user, cwd_user, consumers(state), tokens(state)];
    all.extend(oauth2(state));
    all.push(pats(state));
    all
}

fn consumers(state: &State) -> Rows {
    let mut rows = Rows::of(
        "oauthspconsumer",
        "id, consumer_key, consumername, public_key, description, callback, two_l_o_allowed, executing_two_l_o_user, \
         two_l_o_impersonation_allowed, three_l_o_allowed",
    );
    for (id, it) in (FIRST_ID..).zip(state.directory.consumers.values()) {
        rows.add([
            cell(&id),
            cell(&it.key),
            cell(&it.name),
            cell(&it.public_key.one_line()),
            Cell::text(it.description.as_deref()),
            Cell::text(it.callback.as_deref()),
            cell(&it.two_legged),
            Cell::text(it.execute_as.as_deref()),
            cell(&it.impersonation),
            cell(&it.three_legged),
        ]);
    }
    rows
}

fn tokens(state: &State) -> Rows {
    let mut rows = Rows::of(
        "oauthsptoken",
        "id, created, token, token_secret, token_type, consumer_key, username, ttl, spauth, callback, spverifier, spversion, \
         session_handle, session_creation_time, session_last_renewal_time, session_time_to_live",
    );
    let mut tokens: Vec<&Token> = state.tokens.values().collect();
    tokens.sort_by_key(|token| (token.created, &token.value));
    for (id, it) in (FIRST_ID..).zip(tokens) {
        let session = it.session.as_ref();
        rows.add([
            cell(&id),
            moment(it.created),
            cell(&it.value),
            cell(&it.secret),
            cell(&kind(it)),
            cell(&it.consumer_key),
            Cell::text(it.user.as_deref().map(|user| state.user_key(user))),
            cell(&millis(it.ttl)),
            cell(&authorization(it)),
            Cell::text(it.callback.as_deref()),
            Cell::text(verifier(it)),
            cell(&version(it)),
            session.map_or(Cell::NULL, |session| cell(&session.handle)),
            session.map_or(Cell::NULL, |session| moment(session.created)),
            session.map_or(Cell::NULL, |session| moment(session.renewed)),
            session.map_or(Cell::NULL, |session| moment(session.ttl)),
        ]);
    }
    rows
}

/// `REQUEST` or `ACCESS`.
pub(crate) fn kind(token: &Token) -> &'static str {
    match token.kind {
        TokenKind::Request => "REQUEST",
        TokenKind::Access => "ACCESS",
    }
}

/// What the user decided; of an access token, that he did.
pub(crate) fn authorization(token: &Token) -> &'static str {
    match (token.kind, &token.decision) {
        (TokenKind::Access, _) | (_, Some(Decision::Approved { .. })) => "AUTHORIZED",
        (_, Some(Decision::Denied)) => "DENIED",
        (_, None) => "NONE",
    }
}

pub(crate) fn verifier(token: &Token) -> Option<&str> {
    match &token.decision {
        Some(Decision::Approved { verifier }) => Some(verifier),
        _ => None,
    }
}

/// A request token without a callback is one of version 1.0; what an access token was exchanged for is forgotten here.
pub(crate) fn version(token: &Token) -> &'static str {
    match (token.kind, &token.callback) {
        (TokenKind::Request, None) => "V_1_0",
        _ => "V_1_0_A",
    }
}

/// Clients, access tokens and refresh tokens, one of each of the latter for every grant. What stands in the columns that
/// tie them together is inferred.
fn oauth2(state: &State) -> [Rows; 3] {
    let mut clients = Rows::of(
        r#""AO_FE1BC5_CLIENT""#,
        r#""CLIENT_ID", "CLIENT_SECRET", "ID", "NAME", "USER_KEY""#,
    );
    let names: BTreeSet<&str> = state.oauth2.values().map(|it| it.client.as_str()).collect();
    for name in names {
        clients.add([
            cell(&letters(&format!("{name} as shown"))),
            cell(&letters(&format!("{name} secret"))),
            cell(&letters(name)),
            cell(&name),
            cell(&state.user_key(ADMIN)),
        ]);
    }
    let mut access = Rows::of(
        r#""AO_FE1BC5_ACCESS_TOKEN""#,
        r#""ID", "AUTHORIZATION_CODE", "AUTHORIZATION_DATE", "CLIENT_ID", "CREATED_AT", "SCOPE", "USER_KEY""#,
    );
    let mut refresh = Rows::of(
        r#""AO_FE1BC5_REFRESH_TOKEN""#,
        r#""ID", "AUTHORIZATION_CODE", "AUTHORIZATION_DATE", "CLIENT_ID", "CREATED_AT", "SCOPE", "USER_KEY",
           "ACCESS_TOKEN_ID", "REFRESH_COUNT""#,
    );
    for it in state.sorted_oauth2_grants() {
        let of_both = [
            cell(&letters(&format!("{} code", it.id))),
            cell(&millis(it.created)),
            cell(&letters(&it.client)),
            cell(&millis(it.created)),
            cell(&it.scopes.join(" ")),
            cell(&state.user_key(&it.user)),
        ];
        let id = letters(&format!("{} access", it.id));
        access.add([cell(&id)].into_iter().chain(of_both.clone()));
        let last = [cell(&id), cell(&0)];
        refresh.add([cell(&it.id)].into_iter().chain(of_both).chain(last));
    }
    [clients, access, refresh]
}

/// A token without an end ends with the calendar, which is inferred like what else protocol.md does not give.
fn pats(state: &State) -> Rows {
    let mut rows = Rows::of(
        r#""AO_81F455_PERSONAL_TOKEN""#,
        r#""ID", "NAME", "USER_KEY", "CREATED_AT", "LAST_ACCESSED_AT", "HASHED_TOKEN", "TOKEN_ID", "EXPIRING_AT",
           "NOTIFICATION_STATE""#,
    );
    for it in state.sorted_pats() {
        rows.add([
            cell(&it.id),
            cell(&it.name),
            cell(&state.user_key(&it.user)),
            moment(it.created),
            it.last_used.map_or(Cell::NULL, moment),
            cell(&format!(
                "{{PKCS5S2}}{}",
                STANDARD.encode(letters(&it.value))
            )),
            cell(&token_id(it)),
            it.expires
                .map_or_else(|| cell(&"9999-12-31 00:00:00"), moment),
            cell(&"NOT_SENT"),
        ]);
    }
    rows
}

/// The twelve digits that a token begins with.
fn token_id(pat: &Pat) -> String {
    let text = STANDARD.decode(&pat.value).unwrap_or_default();
    let digits = text.split(|byte| *byte == b':').next().unwrap_or_default();
    String::from_utf8_lossy(digits).into_owned()
}

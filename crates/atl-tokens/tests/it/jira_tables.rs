//! The tables of a Jira in a real PostgreSQL, with what the tests need in them.

use atl_testbed::{Postgres, PostgresDatabase};

/// The tables as a Jira on PostgreSQL has them, in the schema of the search path.
pub(crate) const TABLES: &str = r"
CREATE TABLE oauthspconsumer (id numeric(18) PRIMARY KEY, created timestamp with time zone, consumer_key varchar(255),
    consumername varchar(255), public_key text, description text, callback text, two_l_o_allowed varchar(60),
    executing_two_l_o_user varchar(255), two_l_o_impersonation_allowed varchar(60), three_l_o_allowed varchar(60));
CREATE UNIQUE INDEX oauth_sp_consumer_key_index ON oauthspconsumer (consumer_key);
CREATE TABLE oauthsptoken (id numeric(18) PRIMARY KEY, created timestamp with time zone, token varchar(255),
    token_secret varchar(255), token_type varchar(60), consumer_key varchar(255), username varchar(255), ttl numeric(18),
    spauth varchar(60), callback text, spverifier varchar(255), spversion varchar(60), session_handle varchar(255),
    session_creation_time timestamp with time zone, session_last_renewal_time timestamp with time zone,
    session_time_to_live timestamp with time zone);
CREATE UNIQUE INDEX oauth_sp_token_index ON oauthsptoken (token);
CREATE TABLE app_user (id numeric(18) PRIMARY KEY, user_key varchar(255), lower_user_name varchar(255));
CREATE TABLE cwd_user (id numeric(18) PRIMARY KEY, directory_id numeric(18), user_name varchar(255),
    lower_user_name varchar(255), active numeric(9));
";

/// Those of its plugins for OAuth 2 and personal access tokens.
pub(crate) const PLUGIN_TABLES: &str = r#"
CREATE TABLE "AO_FE1BC5_CLIENT" ("CLIENT_ID" varchar(255) NOT NULL, "CLIENT_SECRET" varchar(255) NOT NULL,
    "ID" varchar(255) PRIMARY KEY, "NAME" varchar(255) NOT NULL, "SCOPE" varchar(255), "USER_KEY" varchar(255) NOT NULL);
CREATE TABLE "AO_FE1BC5_ACCESS_TOKEN" ("AUTHORIZATION_CODE" varchar(255) NOT NULL, "AUTHORIZATION_DATE" bigint NOT NULL,
    "CLIENT_ID" varchar(255) NOT NULL, "CREATED_AT" bigint NOT NULL, "ID" varchar(255) PRIMARY KEY,
    "LAST_ACCESSED" bigint, "SCOPE" varchar(255) NOT NULL, "USER_KEY" varchar(255) NOT NULL);
CREATE TABLE "AO_FE1BC5_REFRESH_TOKEN" ("ACCESS_TOKEN_ID" varchar(255), "AUTHORIZATION_CODE" varchar(255) NOT NULL,
    "AUTHORIZATION_DATE" bigint NOT NULL, "CLIENT_ID" varchar(255) NOT NULL, "CREATED_AT" bigint NOT NULL,
    "ID" varchar(255) PRIMARY KEY, "REFRESH_COUNT" integer, "SCOPE" varchar(255) NOT NULL, "USER_KEY" varchar(255) NOT NULL);
CREATE TABLE "AO_81F455_PERSONAL_TOKEN" ("CREATED_AT" timestamp without time zone, "EXPIRING_AT" timestamp without time zone,
    "HASHED_TOKEN" varchar(255) NOT NULL, "ID" bigint PRIMARY KEY, "LAST_ACCESSED_AT" timestamp without time zone,
    "NAME" varchar(255) NOT NULL, "NOTIFICATION_STATE" varchar(255), "TOKEN_ID" varchar(255) NOT NULL,
    "USER_KEY" varchar(255) NOT NULL);
"#;

/// Alice has a user key, bob may not log in, carol is gone, dora is in two directories and active in one. The grants are
/// alice's two and one of each of the others, of which one is an orphan and one is over; a dance has not ended.
pub(crate) const ROWS: &str = r"
INSERT INTO oauthspconsumer (id, consumer_key, consumername) VALUES
    (1, 'deploy-bot', 'Deploy bot'), (2, 'ci', 'CI & <more>'), (3, 'nobody', NULL);
INSERT INTO app_user VALUES (1, 'JIRAUSER10100', 'alice'), (2, 'bob', 'bob'), (4, 'dora', 'dora');
INSERT INTO cwd_user VALUES (1, 1, 'Alice', 'alice', 1), (2, 1, 'bob', 'bob', 0), (3, 1, 'dora', 'dora', 0),
    (4, 2, 'dora', 'dora', 1);
INSERT INTO oauthsptoken (id, token, token_secret, token_type, consumer_key, username, created, ttl, spauth,
    session_handle, session_last_renewal_time, session_time_to_live) VALUES
    (1, '5gTq8Zr1VbN3yKcW0uXhLmJf7sQe2DpA', 'secret-1', 'ACCESS', 'deploy-bot', 'JIRAUSER10100',
     '2026-03-01 10:00:00.123+02', 157680000000, 'AUTHORIZED', 'handle-1', '2026-03-01 10:00:00+02',
     timestamptz 'epoch' + interval '160272000 s'),
    (2, 'a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6', 'secret-2', 'ACCESS', 'ci', 'JIRAUSER10100',
     '2026-03-02 00:00:00+00', 157680000000, 'AUTHORIZED', NULL, NULL, NULL),
    (3, 'QwErTyUiOpAsDfGhJkLzXcVbNm012345', 'secret-3', 'ACCESS', 'deploy-bot', 'bob',
     '2020-01-01 00:00:00+00', 86400000, 'AUTHORIZED', NULL, NULL, NULL),
    (4, 'OrphanOrphanOrphanOrphanOrphan01', 'secret-4', 'ACCESS', 'gone-bot', 'carol',
     '2026-03-03 00:00:00+00', NULL, 'AUTHORIZED', NULL, NULL, NULL),
    (5, 'DoraDoraDoraDoraDoraDoraDoraDora', 'secret-5', 'ACCESS', 'ci', 'dora',
     '2026-03-04 00:00:00+00', 999999999999999999, 'AUTHORIZED', NULL, NULL, NULL),
    (6, 'RequestRequestRequestRequest0001', 'secret-6', 'REQUEST', 'ci', NULL,
     '2026-03-05 00:00:00+00', 600000, 'NONE', NULL, NULL, NULL);
";

/// A grant to an OAuth 2 client that was refreshed and used, one whose client is gone, and three personal access tokens:
/// one that ends, one that never does, and one that did.
pub(crate) const PLUGIN_ROWS: &str = r#"
INSERT INTO "AO_FE1BC5_CLIENT" VALUES ('public-id', 'client-secret', 'own-id', 'Reports', 'WRITE', 'admin');
INSERT INTO "AO_FE1BC5_ACCESS_TOKEN" VALUES
    ('code', 1772000000000, 'own-id', 1772900000000, 'access-1', 1772950000000, 'WRITE', 'JIRAUSER10100');
INSERT INTO "AO_FE1BC5_REFRESH_TOKEN" VALUES
    ('access-1', 'code', 1772000000000, 'own-id', 1772900000000, 'refresh-1', 3, 'READ,WRITE', 'JIRAUSER10100'),
    (NULL, 'code', 1772000001000, 'gone-id', 1772000001000, 'refresh-2', 0, 'READ', 'bob');
INSERT INTO "AO_81F455_PERSONAL_TOKEN" ("CREATED_AT", "EXPIRING_AT", "HASHED_TOKEN", "ID", "LAST_ACCESSED_AT", "NAME",
    "TOKEN_ID", "USER_KEY") VALUES
    ('2026-03-01 12:00:00', '2096-03-01 12:00:00', '{PKCS5S2}hash', 7, '2026-03-05 01:02:03.5', 'ci token', '742309342887',
     'JIRAUSER10100'),
    ('2026-03-01 12:00:00', '9999-12-31 00:00:00', '{PKCS5S2}hash', 8, NULL, 'endless', '742309342888', 'bob'),
    ('2020-03-01 12:00:00', '2020-04-01 12:00:00', '{PKCS5S2}hash', 9, NULL, 'over', '742309342889', 'bob');
"#;

/// An empty database; where there is no PostgreSQL, this test says that it was skipped.
pub(crate) fn empty(test: &str) -> Option<PostgresDatabase> {
    Postgres::shared()
        .map(Postgres::database)
        .map_err(|why| atl_testbed::skip(env!("CARGO_PKG_NAME"), test, why))
        .ok()
}

/// The same with this in it.
pub(crate) fn filled(test: &str, parts: &[&str]) -> Option<PostgresDatabase> {
    let database = empty(test)?;
    for part in parts {
        database.client().batch_execute(part).unwrap();
    }
    Some(database)
}

/// Everything that stands in the tables and must not leave them.
pub(crate) const SECRETS: [&str; 7] = [
    crate::FIRST,
    crate::SECOND,
    crate::OF_BOB,
    "secret-1",
    "handle-1",
    "client-secret",
    "PKCS5S2",
];

//! The database of a Jira as a source.

use std::fmt::Write as _;
use std::ops::ControlFlow;

use atl_client::BaseUrl;
use atl_testbed::PostgresDatabase;
use atl_tokens::{Coverage, DatabaseSource, Found, GrantEntry, GrantKind, Source, server_side_id};

use crate::jira_tables::{self, PLUGIN_ROWS, PLUGIN_TABLES, ROWS, SECRETS, TABLES};

pub(crate) const URL: &str = "https://jira.example.com";

fn source(url: &str) -> DatabaseSource {
    DatabaseSource::new("jira", &BaseUrl::parse(URL).unwrap(), &url.into()).unwrap()
}

/// What is found, in the order of its own text, and what is said of it.
pub(crate) fn all(source: &mut dyn Source) -> (Vec<GrantEntry>, Vec<String>, Coverage) {
    let (mut grants, mut consumers) = (Vec::new(), Vec::new());
    let coverage = source.read(&mut |found| {
        match found {
            Found::Grant(grant) => grants.push(*grant),
            Found::Consumer(consumer) => consumers.push(format!("{consumer:?}")),
        }
        ControlFlow::Continue(())
    });
    grants.sort_by_key(|grant| (grant.kind, grant.created, grant.name.clone()));
    consumers.sort();
    (grants, consumers, coverage)
}

fn read(url: &str) -> (Vec<GrantEntry>, Vec<String>, Coverage) {
    all(&mut source(url))
}

/// A grant in a line.
pub(crate) fn line(grant: &GrantEntry) -> String {
    let mut line = format!("{} {}", grant.id, grant.user);
    write!(line, " {:?} {:?}", grant.user_status.unwrap(), grant.status).unwrap();
    for part in [&grant.consumer_key, &grant.consumer_name, &grant.name] {
        write!(line, " {}", part.as_deref().unwrap_or("-")).unwrap();
    }
    write!(line, " {:?} {:?}", grant.consumer_registered, grant.scopes).unwrap();
    for time in [
        grant.created,
        grant.expires,
        grant.renewable_until,
        grant.last_used,
    ] {
        let time = time.map_or_else(|| "-".to_owned(), |time| time.to_string());
        write!(line, " {time}").unwrap();
    }
    line
}

/// The first digits of the digest of a token, as `printf %s TOKEN | sha256sum` gives them.
const DIGESTS: [&str; 5] = [
    "1f7f381568f2",
    "60647467f308",
    "89cb96f7ad59",
    "1815475821d9",
    "6eefb1f11da1",
];

/// What the tables hold, as lines.
pub(crate) fn expected() -> Vec<String> {
    let id = |kind, handle| server_side_id(kind, URL, handle);
    let (oauth2, pat) = (GrantKind::Oauth2, GrantKind::Pat);
    let [alice, also_alice, bob, carol, dora] = DIGESTS;
    vec![
        format!(
            "{bob} bob Inactive Expired deploy-bot Deploy bot - Some(true) [] 2020-01-01T00:00:00Z 2020-01-02T00:00:00Z - -"
        ),
        format!(
            "{alice} alice Active Active deploy-bot Deploy bot - Some(true) [] 2026-03-01T08:00:00.123Z 2031-02-28T08:00:00.123Z 2031-03-30T08:00:00Z -"
        ),
        format!(
            "{also_alice} alice Active Active ci CI & <more> - Some(true) [] 2026-03-02T00:00:00Z 2031-03-01T00:00:00Z - -"
        ),
        format!(
            "{carol} carol Unknown Active gone-bot - - Some(false) [] 2026-03-03T00:00:00Z - - -"
        ),
        format!(
            "{dora} dora Active Active ci CI & <more> - Some(true) [] 2026-03-04T00:00:00Z - - -"
        ),
        format!(
            "{} alice Active Active public-id Reports - Some(true) [\"READ\", \"WRITE\"] 2026-02-25T06:13:20Z - - 2026-03-08T06:06:40Z",
            id(oauth2, "refresh-1")
        ),
        format!(
            "{} bob Inactive Active gone-id - - Some(false) [\"READ\"] 2026-02-25T06:13:21Z - - -",
            id(oauth2, "refresh-2")
        ),
        format!(
            "{} bob Inactive Expired - - over None [] 2020-03-01T12:00:00Z 2020-04-01T12:00:00Z - -",
            id(pat, "9")
        ),
        format!(
            "{} alice Active Active - - ci token None [] 2026-03-01T12:00:00Z 2096-03-01T12:00:00Z - 2026-03-05T01:02:03.5Z",
            id(pat, "7")
        ),
        format!(
            "{} bob Inactive Active - - endless None [] 2026-03-01T12:00:00Z - - -",
            id(pat, "8")
        ),
    ]
}

/// The consumers in the tables, as lines.
pub(crate) fn expected_consumers() -> [String; 3] {
    let registered = |key: &str, name: Option<&str>| {
        format!("RegisteredConsumer {{ key: {key:?}, name: {name:?} }}")
    };
    [
        registered("ci", Some("CI & <more>")),
        registered("deploy-bot", Some("Deploy bot")),
        registered("nobody", None),
    ]
}

fn check_everything(database: &PostgresDatabase) -> Coverage {
    let (grants, consumers, coverage) = read(&database.url());
    let lines: Vec<_> = grants.iter().map(line).collect();
    assert_eq!(lines, expected());
    assert_eq!(consumers, expected_consumers());
    let endless: Vec<_> = grants.iter().filter(|grant| grant.endless).collect();
    assert_eq!(endless.len(), 1);
    assert_eq!(endless[0].handle.as_deref(), Some("8"));
    // The database does not tell of uses of OAuth 1.0a.
    let never_used = grants.iter().filter(|grant| grant.never_used);
    let never_used: Vec<_> = never_used.map(|grant| grant.handle.as_deref()).collect();
    assert_eq!(never_used, [Some("9"), Some("8")]);
    assert_eq!(grants[5].handle.as_deref(), Some("refresh-1"));
    assert_eq!(grants[0].handle, None);

    let shown = format!("{grants:?} {coverage:?}");
    for secret in SECRETS {
        assert!(!shown.contains(secret), "{secret}");
    }
    coverage
}

#[test]
fn everything_that_a_jira_keeps_is_found() {
    let test = "everything_that_a_jira_keeps_is_found";
    let parts = [TABLES, PLUGIN_TABLES, ROWS, PLUGIN_ROWS];
    let Some(database) = jira_tables::filled(test, &parts) else {
        return;
    };
    let coverage = check_everything(&database);
    assert!(coverage.complete);
    assert_eq!(coverage.gap, None);
    assert_eq!(
        coverage.note,
        "every one of: OAuth 1.0a grants, OAuth 2 grants, personal access tokens; some times are of the server's own \
         clock and taken for UTC, up to 14 h off; the last use of OAuth 1.0a grants is not kept there"
    );
    let (grants, ..) = read(&database.url());
    let approximate: Vec<_> = grants
        .iter()
        .map(|grant| grant.created_approximate)
        .collect();
    assert_eq!(
        approximate,
        [
            false, false, false, false, false, false, false, true, true, true
        ]
    );
}

/// The tables may be in another schema, with names in upper case, and no plugin may have added its own.
#[test]
fn the_tables_are_found_wherever_they_are() {
    let test = "the_tables_are_found_wherever_they_are";
    let elsewhere = "CREATE SCHEMA \"Jira 9\"; SET search_path = \"Jira 9\"";
    let shout = r#"DO $$ DECLARE c record; BEGIN
        FOR c IN SELECT table_name AS t, column_name AS n FROM information_schema.columns
            WHERE table_schema = 'Jira 9' AND column_name <> upper(column_name)
        LOOP EXECUTE format('ALTER TABLE "Jira 9".%I RENAME COLUMN %I TO %I', c.t, c.n, upper(c.n)); END LOOP;
        FOR c IN SELECT table_name AS t FROM information_schema.tables
            WHERE table_schema = 'Jira 9' AND table_name <> upper(table_name)
        LOOP EXECUTE format('ALTER TABLE "Jira 9".%I RENAME TO %I', c.t, upper(c.t)); END LOOP;
        END $$"#;
    let tables = [elsewhere, TABLES, PLUGIN_TABLES, ROWS, PLUGIN_ROWS].join(";");
    let Some(database) = jira_tables::filled(test, &[&tables, shout]) else {
        return;
    };
    assert!(check_everything(&database).complete);
    database
        .client()
        .batch_execute(
            r#"DROP TABLE "Jira 9"."AO_FE1BC5_CLIENT"; DROP TABLE "Jira 9"."AO_81F455_PERSONAL_TOKEN""#,
        )
        .unwrap();
    let (grants, _, coverage) = read(&database.url());
    assert_eq!(grants.len(), 5);
    assert!(coverage.complete, "{coverage:?}");
    assert_eq!(
        coverage.note,
        "every one of: OAuth 1.0a grants; no OAuth 2 grants: there is no table AO_FE1BC5_CLIENT; no personal access \
         tokens: there is no table AO_81F455_PERSONAL_TOKEN; the last use of OAuth 1.0a grants is not kept there"
    );

    // A copy beside it: the search path of the user decides.
    let copy = ["CREATE SCHEMA copy; SET search_path = copy", TABLES].join(";");
    database.client().batch_execute(&copy).unwrap();
    let (grants, _, coverage) = read(&database.url());
    let gap = coverage.gap.unwrap();
    assert_eq!((grants.len(), &*gap.code), (0, "database_ambiguous"));
    assert!(
        gap.message.ends_with("in several schemas: Jira 9, copy"),
        "{gap:?}"
    );
    let chosen = format!(
        "{}?options=-csearch_path%3D%22Jira%5C%209%22",
        database.url()
    );
    let (grants, _, coverage) = read(&chosen);
    assert_eq!((grants.len(), coverage.gap), (5, None));
}

/// As versions before user keys had it, on a database that keeps no time zones.
#[test]
fn an_old_jira_is_read_too() {
    let test = "an_old_jira_is_read_too";
    let tables = TABLES
        .replace("timestamp with time zone", "timestamp without time zone")
        .replace("session_creation_time", "unused_1")
        .replace("session_last_renewal_time", "unused_2")
        .replace("session_time_to_live", "unused_3");
    let rows = "INSERT INTO oauthspconsumer (id, consumer_key, consumername) VALUES (1, 'bot', 'Bot');
        INSERT INTO cwd_user VALUES (1, 1, 'Alice', 'alice', 1);
        INSERT INTO oauthsptoken (id, token, token_type, consumer_key, username, created, ttl) VALUES
        (1, '5gTq8Zr1VbN3yKcW0uXhLmJf7sQe2DpA', 'ACCESS', 'bot', 'Alice', '2026-03-01 10:00:00', 157680000000)";
    let Some(database) = jira_tables::filled(test, &[&tables, "DROP TABLE app_user", rows]) else {
        return;
    };
    let (grants, _, coverage) = read(&database.url());
    let lines: Vec<_> = grants.iter().map(line).collect();
    let expected =
        "alice Active Active bot Bot - Some(true) [] 2026-03-01T10:00:00Z 2031-02-28T10:00:00Z - -";
    assert_eq!(lines, [format!("{} {expected}", DIGESTS[0])]);
    assert!(grants[0].created_approximate);
    assert!(coverage.note.contains("up to 14 h off"), "{coverage:?}");

    database
        .client()
        .batch_execute("DROP TABLE cwd_user")
        .unwrap();
    let (grants, _, coverage) = read(&database.url());
    assert_eq!((&*grants[0].user, grants[0].user_status), ("alice", None));
    assert!(coverage.note.contains("who may still log in was not seen"));
}

#[test]
fn a_user_who_may_only_read_is_enough_and_told_what_is_missing() {
    let test = "a_user_who_may_only_read_is_enough_and_told_what_is_missing";
    let parts = [TABLES, PLUGIN_TABLES, ROWS, PLUGIN_ROWS];
    let Some(database) = jira_tables::filled(test, &parts) else {
        return;
    };
    let mut client = database.client();
    client
        .batch_execute(
            "CREATE ROLE reader LOGIN PASSWORD 'reads-only';
             ALTER ROLE reader SET default_transaction_read_only = on",
        )
        .unwrap();
    let url = database
        .url()
        .replace(&format!("atl:{}", database.password()), "reader:reads-only");
    // Each GRANT that is asked for brings it further, until nothing is missing.
    let mut found = Vec::new();
    for _ in 0..9 {
        let (grants, consumers, coverage) = read(&url);
        found.push((grants.len(), consumers.len()));
        let Some(gap) = coverage.gap else {
            break;
        };
        assert_eq!(gap.code, "database_no_right", "{gap:?}");
        assert_eq!(gap.failure, atl_client::Failure::Refused);
        assert!(!coverage.complete);
        assert!(!format!("{gap:?}").contains("reads-only"), "{gap:?}");
        client
            .batch_execute(gap.advice.split_once(": ").unwrap().1)
            .unwrap();
    }
    let kinds = [
        (0, 0),
        (0, 3),
        (0, 3),
        (0, 3),
        (5, 3),
        (5, 3),
        (7, 3),
        (10, 3),
    ];
    assert_eq!(found, kinds);
    // When grants were used last is not asked for.
    client
        .batch_execute("GRANT SELECT ON \"AO_FE1BC5_ACCESS_TOKEN\" TO reader")
        .unwrap();
    let as_reader = read(&url).0;
    let mut all = read(&database.url()).0;
    for (grant, other) in all.iter_mut().zip(&as_reader) {
        grant.checked = other.checked;
    }
    assert_eq!(as_reader, all);
}

#[test]
fn another_programs_database_is_not_taken_for_an_empty_jira() {
    let test = "another_programs_database_is_not_taken_for_an_empty_jira";
    let Some(database) = jira_tables::empty(test) else {
        return;
    };
    let gap = || read(&database.url()).2.gap.unwrap();
    assert_eq!(gap().code, "database_not_jira");
    database
        .client()
        .batch_execute("CREATE TABLE bandana (bandanakey text, bandanavalue text)")
        .unwrap();
    let advice = gap().advice;
    assert!(
        advice.contains("tokens sql --product confluence"),
        "{advice}"
    );
    database
        .client()
        .batch_execute(
            "CREATE TABLE oauthspconsumer (consumer_key text, consumername text);
             CREATE TABLE oauthsptoken (token text)",
        )
        .unwrap();
    let wrong = gap();
    assert_eq!(wrong.code, "database_schema");
    assert!(
        wrong
            .message
            .contains("no column `token_type` in `public.oauthsptoken`"),
        "{wrong:?}"
    );

    let nowhere = format!("postgres://atl:hunter2@127.0.0.1:1/{}", database.name());
    let (grants, consumers, coverage) = read(&nowhere);
    assert!(grants.is_empty() && consumers.is_empty());
    let gap = coverage.gap.unwrap();
    assert_eq!(gap.code, "database_unreachable");
    assert!(!gap.message.contains("hunter2"));
    let start = "jira: its database could not be read: the database `postgres://atl@127.0.0.1:1/";
    assert!(gap.message.starts_with(start), "{gap:?}");
}

#[test]
fn other_databases_are_refused_before_anything_is_connected() {
    for url in [
        "mysql://u:hunter2@h/jira",
        "jdbc:oracle:thin:@h:1521:jira",
        "hunter2",
    ] {
        let base_url = BaseUrl::parse(URL).unwrap();
        let error = DatabaseSource::new("jira", &base_url, &url.into()).unwrap_err();
        let text = format!("{error} {error:?} {}", error.advice());
        assert!(!text.contains("hunter2"), "{text}");
        if url != "hunter2" {
            assert_eq!(error.code(), "database_unsupported");
            assert!(text.contains("tokens import"), "{text}");
        }
    }
}

#[test]
fn who_has_seen_enough_stops_the_source() {
    let test = "who_has_seen_enough_stops_the_source";
    let many = "INSERT INTO oauthsptoken (id, token, token_type, consumer_key, username, created)
        SELECT 100 + n, 'many' || n, 'ACCESS', 'ci', 'dora', now() FROM generate_series(1, 12000) n";
    let Some(database) = jira_tables::filled(test, &[TABLES, ROWS, many]) else {
        return;
    };
    assert_eq!(read(&database.url()).0.len(), 12_005);
    for limit in [1, 4, 6_000] {
        let mut seen = 0;
        let coverage = source(&database.url()).read(&mut |_| {
            seen += 1;
            if seen == limit {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
        assert_eq!(seen, limit);
        assert!(!coverage.complete && coverage.gap.is_none(), "{coverage:?}");
    }
}

//! Another program's database is read, and nothing else.

use std::ops::ControlFlow;
use std::time::Duration;

use atl_store::{OutsideDatabase, OutsideError};
use atl_testbed::{Postgres, PostgresDatabase};

use crate::place::postgres;
use crate::pooler::Pooler;

const LONG: Duration = Duration::from_mins(1);

fn database(test: &str) -> Option<PostgresDatabase> {
    postgres(test).map(Postgres::database)
}

fn open(url: &str, limit: Duration) -> Result<OutsideDatabase, OutsideError> {
    OutsideDatabase::open(&OutsideDatabase::url(&url.into())?, limit)
}

/// The first column, up to a number of rows.
fn read(database: &mut OutsideDatabase, query: &str) -> Result<Vec<Option<i64>>, OutsideError> {
    let mut found = Vec::new();
    let flow = database.rows(query, &mut |row| {
        found.push(row.integer(0)?);
        Ok(ControlFlow::Continue(()))
    })?;
    assert!(flow.is_continue());
    Ok(found)
}

fn code<T>(result: Result<T, OutsideError>) -> &'static str {
    result.err().map_or("none", |error| error.code())
}

#[test]
fn rows_come_as_many_at_a_time_as_there_are() {
    let Some(database) = database("rows_come_as_many_at_a_time_as_there_are") else {
        return;
    };
    let mut outside = open(&database.url(), LONG).unwrap();
    for count in [0, 1, 4_999, 5_000, 5_001, 12_000] {
        let query = format!("SELECT generate_series(1, {count})::int8");
        let found = read(&mut outside, &query).unwrap();
        assert!(found.into_iter().eq((1..=count).map(Some)), "{count}");
    }
    // Who has seen enough gets no more, and may ask again.
    let mut seen = 0;
    let stopped = outside.rows("SELECT generate_series(1, 20000)::int8", &mut |_| {
        seen += 1;
        Ok(if seen == 7 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        })
    });
    assert_eq!((stopped.unwrap(), seen), (ControlFlow::Break(()), 7));
    let nothing = read(&mut outside, "SELECT NULL::int8").unwrap();
    assert_eq!(nothing, [None]);
    assert!(outside.version() >= 110_000);
}

#[test]
fn nothing_can_be_written() {
    let Some(database) = database("nothing_can_be_written") else {
        return;
    };
    let mut client = database.client();
    client
        .batch_execute("CREATE TABLE kept (n int8); INSERT INTO kept VALUES (7); CREATE SEQUENCE numbers;
                        CREATE FUNCTION sneaky() RETURNS int8 LANGUAGE sql AS 'DELETE FROM kept RETURNING n'")
        .unwrap();
    for query in ["SELECT sneaky()", "SELECT nextval('numbers')"] {
        let mut outside = open(&database.url(), LONG).unwrap();
        let error = read(&mut outside, query).unwrap_err();
        assert_eq!(error.code(), "database_refused", "{query}: {error:?}");
    }
    let kept: i64 = client.query_one("SELECT n FROM kept", &[]).unwrap().get(0);
    assert_eq!(kept, 7);
}

#[test]
fn all_answers_are_of_one_moment() {
    let Some(database) = database("all_answers_are_of_one_moment") else {
        return;
    };
    let mut client = database.client();
    client
        .batch_execute("CREATE TABLE t (n int8); INSERT INTO t VALUES (1)")
        .unwrap();
    let mut outside = open(&database.url(), LONG).unwrap();
    assert_eq!(read(&mut outside, "SELECT n FROM t").unwrap(), [Some(1)]);
    client.batch_execute("INSERT INTO t VALUES (2)").unwrap();
    assert_eq!(read(&mut outside, "SELECT n FROM t").unwrap(), [Some(1)]);
}

#[test]
fn a_table_is_found_in_whatever_schema_and_case_it_is() {
    let Some(database) = database("a_table_is_found_in_whatever_schema_and_case_it_is") else {
        return;
    };
    database
        .client()
        .batch_execute(
            r#"CREATE SCHEMA "Jira 9"; CREATE SCHEMA other;
               CREATE TABLE "Jira 9"."TOKEN" ("ID" numeric(18), "CREATED" timestamptz, dropped text);
               ALTER TABLE "Jira 9"."TOKEN" DROP COLUMN dropped;
               CREATE VIEW other.token AS SELECT 1::int8 AS id;
               CREATE TABLE public.token (id int8); CREATE TABLE public."Token" (other text)"#,
        )
        .unwrap();
    let mut outside = open(&database.url(), LONG).unwrap();
    let tables = outside.tables(&["token", "nothing"]).unwrap();
    let shown: Vec<_> = tables
        .iter()
        .map(|table| (table.to_string(), table.in_search_path))
        .collect();
    let place = |name: &str, place| (name.to_owned(), place);
    assert_eq!(
        shown,
        [
            place("\"Jira 9\".\"TOKEN\"", None),
            place("\"other\".\"token\"", None),
            place("\"public\".\"token\"", Some(1))
        ]
    );
    let [id, created] = outside.columns(&tables[0], ["id", "created"]).unwrap();
    assert_eq!(
        (id.to_string(), &*id.kind),
        ("\"ID\"".to_owned(), "numeric")
    );
    assert_eq!(created.kind, "timestamp with time zone");
    assert!(tables[0].column("dropped").is_none());
    assert!(tables[2].column("other").is_none());

    let error = outside.columns(&tables[0], ["id", "ttl"]).unwrap_err();
    assert_eq!(error.code(), "database_schema");
    assert!(
        error
            .to_string()
            .ends_with("has no column `ttl` in `Jira 9.TOKEN`")
    );
}

#[test]
fn a_missing_right_comes_with_the_statement_that_gives_it() {
    let Some(database) = database("a_missing_right_comes_with_the_statement_that_gives_it") else {
        return;
    };
    let mut client = database.client();
    client
        .batch_execute(
            "CREATE ROLE reader LOGIN PASSWORD 'reads-only';
             CREATE SCHEMA jira; CREATE TABLE jira.app_user (id int8, user_key text);
             CREATE TABLE jira.secret (id int8, token text)",
        )
        .unwrap();
    let url = database
        .url()
        .replace(&format!("atl:{}", database.password()), "reader:reads-only");
    let first = |url: &str| {
        let mut outside = open(url, LONG).unwrap();
        let tables = outside.tables(&["app_user"]).unwrap();
        outside
            .columns(&tables[0], ["id", "user_key"])
            .map(|columns| columns.map(|it| it.kind.clone()))
    };
    let error = first(&url).unwrap_err();
    assert_eq!(error.code(), "database_no_right");
    assert!(
        error
            .to_string()
            .starts_with("`reader` may not read `jira.app_user`")
    );
    let grant = error.advice().split_once(": ").unwrap().1.to_owned();
    client.batch_execute(&grant).unwrap();
    assert_eq!(first(&url).unwrap(), ["bigint", "text"]);

    // What was not asked for before is refused by the server.
    let mut outside = open(&url, LONG).unwrap();
    let error = read(&mut outside, "SELECT id FROM jira.secret").unwrap_err();
    assert_eq!(error.code(), "database_refused");
    assert!(format!("{error:?}").contains("secret"), "{error:?}");

    // Rows that the server would leave out without a word are an error.
    client
        .batch_execute("ALTER TABLE jira.app_user ENABLE ROW LEVEL SECURITY")
        .unwrap();
    let mut outside = open(&url, LONG).unwrap();
    let hidden = read(&mut outside, "SELECT id FROM jira.app_user");
    assert_eq!(code(hidden), "database_refused");
}

#[test]
fn what_is_in_the_way_is_told_apart() {
    let Some(database) = database("what_is_in_the_way_is_told_apart") else {
        return;
    };
    let url = database.url();
    let short = Duration::from_millis(50);
    let mut outside = open(&url, short).unwrap();
    assert_eq!(
        code(read(&mut outside, "SELECT 1::int8 FROM pg_sleep(60)")),
        "database_too_slow"
    );

    let mut client = database.client();
    client.batch_execute("CREATE TABLE t (n int8)").unwrap();
    client
        .batch_execute("BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
        .unwrap();
    let mut outside = open(&url, short).unwrap();
    let waited = code(read(&mut outside, "SELECT n FROM t"));
    assert!(
        ["database_busy", "database_too_slow"].contains(&waited),
        "{waited}"
    );
    client.batch_execute("ROLLBACK").unwrap();

    for query in [
        "SELECT n FROM nowhere",
        "SELECT wrong FROM t",
        "SELECT n FROM s.t",
    ] {
        let mut outside = open(&url, LONG).unwrap();
        assert_eq!(
            code(read(&mut outside, query)),
            "database_schema",
            "{query}"
        );
    }
    for query in ["SELECT 'text'", "SELECT 1::int4"] {
        let mut outside = open(&url, LONG).unwrap();
        assert_eq!(
            code(read(&mut outside, query)),
            "database_failed",
            "{query}"
        );
    }

    let mut outside = open(&url, LONG).unwrap();
    client
        .execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
             WHERE datname = current_database() AND application_name = 'atl-admin'",
            &[],
        )
        .unwrap();
    assert_eq!(
        code(read(&mut outside, "SELECT 1::int8")),
        "database_connection_lost"
    );
}

#[test]
fn who_does_not_get_in_learns_why_and_shows_no_password() {
    let Some(database) = database("who_does_not_get_in_learns_why_and_shows_no_password") else {
        return;
    };
    let port = std::net::TcpListener::bind(("127.0.0.1", 0))
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let there = database.url();
    let secret = database.password();
    for (url, expected) in [
        (there.replace(secret, "wrong-7Gq2"), "database_refused"),
        (there.replace(&format!(":{secret}"), ""), "database_refused"),
        (
            there.replace(database.name(), "nowhere"),
            "database_refused",
        ),
        (format!("{there}?sslmode=verify-full"), "database_tls"),
        (
            there.replace(&database.server().port().to_string(), &port.to_string()),
            "database_unreachable",
        ),
        (format!("{there}?sslmode={secret}"), "database_url_invalid"),
        (there.replace("postgres://", ""), "database_url_invalid"),
        (there.replace("postgres:", "mysql:"), "database_unsupported"),
        (format!("jdbc:{there}"), "database_unsupported"),
    ] {
        let error = open(&url, LONG).unwrap_err();
        assert_eq!(error.code(), expected, "{error:?}");
        let shown = format!("{error} {error:?} {}", error.advice());
        for secret in [secret, "wrong-7Gq2"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
    let outside = open(&there, LONG).unwrap();
    assert!(!format!("{outside:?} {}", outside.name()).contains(secret));
}

/// Of a pooler, nobody who comes after notices anything.
#[test]
fn a_pooler_in_transaction_mode_does_no_harm_and_takes_none() {
    let test = "a_pooler_in_transaction_mode_does_no_harm_and_takes_none";
    let Some(database) = database(test) else {
        return;
    };
    let settings = "pool_mode = transaction\ndefault_pool_size = 1";
    let Some(pooler) = Pooler::start(&database, settings) else {
        atl_testbed::skip(env!("CARGO_PKG_NAME"), test, "PgBouncer is not installed");
        return;
    };
    let url = format!(
        "postgres://atl@127.0.0.1:{}/{}",
        pooler.port,
        database.name()
    );
    for _ in 0..3 {
        let mut outside = open(&url, Duration::from_secs(7)).unwrap();
        outside.tables(&["pg_class"]).unwrap();
        let rows = read(&mut outside, "SELECT generate_series(1, 6000)::int8").unwrap();
        assert_eq!(rows.len(), 6_000);
        drop(outside);
    }
    let mut outside = open(&url, Duration::from_secs(9)).unwrap();
    let limit =
        "SELECT (extract(epoch FROM current_setting('statement_timeout')::interval) * 1000)::int8";
    assert_eq!(read(&mut outside, limit).unwrap(), [Some(9_000)]);
    drop(outside);
    let mut after = ::postgres::Client::connect(&url, ::postgres::NoTls).unwrap();
    let left = "SELECT current_setting('statement_timeout') || current_setting('transaction_read_only')
                || (SELECT count(*) FROM pg_prepared_statements) || (SELECT count(*) FROM pg_cursors)";
    let told = after.simple_query(left).unwrap();
    let ::postgres::SimpleQueryMessage::Row(row) = &told[1] else {
        panic!("{told:?}");
    };
    assert_eq!(row.get(0), Some("0off00"));
}

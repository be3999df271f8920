//! The printed queries on real databases, what they print imported, and that read back.

use std::io::Write as _;
use std::process::{Command, Stdio};

use atl_client::BaseUrl;
use atl_store::{Holder, ImportRow, KeySource, Store, StoreUrl};
use atl_testbed::PostgresDatabase;
use atl_tokens::{
    Coverage, Export, ExportDatabase, ExportProduct, ExportSource, GrantEntry, export_query,
};
use tempfile::TempDir;

use crate::database::{URL, all, expected, expected_consumers, line};
use crate::jira_tables::{self, PLUGIN_ROWS, PLUGIN_TABLES, ROWS, SECRETS, TABLES};
use crate::{confluence_tables, mariadb};

/// An empty store.
pub(crate) fn store() -> (TempDir, Store) {
    let folder = TempDir::new().unwrap();
    let url = StoreUrl::Sqlite(folder.path().join("store.db"));
    let key = KeySource::File(folder.path().join("store.key"));
    let holder = Holder {
        user: "alice".into(),
        host: "desk".into(),
        command: "tokens import".into(),
    };
    let store = Store::open(&url, &key, holder).unwrap();
    (folder, store)
}

pub(crate) fn base_url() -> BaseUrl {
    BaseUrl::parse(URL).unwrap()
}

/// Runs a query as its comment says; what is printed.
fn psql(database: &PostgresDatabase, query: &str) -> Vec<u8> {
    let mut client = Command::new("psql")
        .args([
            "--no-psqlrc",
            "--quiet",
            "--csv",
            "--file",
            "-",
            &database.url(),
        ])
        .env("PGOPTIONS", "-c default_transaction_read_only=on")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = client.stdin.take().unwrap();
    stdin.write_all(query.as_bytes()).unwrap();
    drop(stdin);
    let output = client.wait_with_output().unwrap();
    assert!(output.status.success(), "{query}");
    output.stdout
}

/// Imports what a query printed; all that the store gives back.
pub(crate) fn imported(
    file: &str,
    printed: &[u8],
    product: ExportProduct,
) -> (ImportRow, Vec<GrantEntry>, Vec<String>, Coverage) {
    for secret in SECRETS {
        assert!(
            !String::from_utf8_lossy(printed).contains(secret),
            "{secret}"
        );
    }
    let export = Export::read(file, printed).unwrap();
    assert_eq!(export.ignored, [""; 0]);
    let (_folder, store) = store();
    let row = export.store(&store, "jira", &base_url(), product).unwrap();
    let (grants, consumers, coverage) = all(&mut ExportSource::new(&store, "jira", &base_url()));
    assert_eq!(coverage.gap, None);
    (row, grants, consumers, coverage)
}

/// Without what is marked as of newer versions.
fn for_an_old_version(query: &str) -> String {
    let mut kept = Vec::new();
    let mut out = false;
    for line in query.lines() {
        out |= line.ends_with("from here");
        if !out {
            kept.push(line);
        }
        out &= !line.ends_with("to here");
    }
    kept.join("\n")
}

#[test]
fn a_jira_on_postgresql_is_exported_as_it_is_read() {
    let test = "a_jira_on_postgresql_is_exported_as_it_is_read";
    let parts = [TABLES, PLUGIN_TABLES, ROWS, PLUGIN_ROWS];
    let Some(database) = jira_tables::filled(test, &parts) else {
        return;
    };
    let query = export_query(ExportProduct::Jira, ExportDatabase::Postgres);
    let printed = psql(&database, query);
    let (row, grants, consumers, coverage) = imported("grants.csv", &printed, ExportProduct::Jira);
    assert_eq!(grants.iter().map(line).collect::<Vec<_>>(), expected());
    assert_eq!(consumers, expected_consumers());
    assert_eq!((row.rows, &*row.product), (13, "jira"));
    let approximate = grants.iter().map(|grant| grant.created_approximate);
    assert_eq!(
        approximate.filter(|it| *it).count(),
        3,
        "personal access tokens"
    );
    let endless = grants.iter().filter(|grant| grant.endless).count();
    assert_eq!(endless, 1);

    assert!(!coverage.complete, "it is not what is there now");
    let exported = row.exported.unwrap();
    assert!(exported <= row.imported);
    let note = format!(
        "13 rows of `grants.csv`, exported {exported:.0}, imported {:.0}; what changed since then is not in it",
        row.imported
    );
    assert_eq!(coverage.note, note);

    // An older version has no tables of plugins.
    let tables =
        r#"DROP TABLE "AO_FE1BC5_CLIENT", "AO_FE1BC5_REFRESH_TOKEN", "AO_81F455_PERSONAL_TOKEN""#;
    database.client().batch_execute(tables).unwrap();
    let printed = psql(&database, &for_an_old_version(query));
    let (_, grants, ..) = imported("grants.csv", &printed, ExportProduct::Jira);
    assert_eq!(grants.iter().map(line).collect::<Vec<_>>(), expected()[..5]);
}

/// The tables as a Jira on MySQL has them, and the same rows; its times are of a clock that is in UTC.
fn jira_on_mariadb() -> String {
    let tables = format!("{TABLES}{PLUGIN_TABLES}")
        .replace("timestamp with time zone", "datetime(6)")
        .replace("timestamp without time zone", "datetime(6)")
        .replace('"', "`")
        .replace("numeric(", "decimal(")
        .replace(" text", " longtext");
    let rows = format!("{ROWS}{PLUGIN_ROWS}")
        .replace("2026-03-01 10:00:00.123+02", "2026-03-01 08:00:00.123")
        .replace("2026-03-01 10:00:00+02", "2026-03-01 08:00:00")
        .replace("+00'", "'")
        .replace(
            "timestamptz 'epoch' + interval '160272000 s'",
            "'1975-01-30 00:00:00'",
        )
        .replace('"', "`");
    format!("{tables}{rows}")
}

#[test]
fn a_jira_on_mariadb_is_exported_the_same() {
    let Some(server) = mariadb::shared("a_jira_on_mariadb_is_exported_the_same") else {
        return;
    };
    server.batch("jira", &jira_on_mariadb());
    let query = export_query(ExportProduct::Jira, ExportDatabase::Mysql);
    let printed = server.batch("jira", query);
    let (row, grants, consumers, _) = imported("grants.tsv", &printed, ExportProduct::Jira);
    assert_eq!(grants.iter().map(line).collect::<Vec<_>>(), expected());
    assert_eq!(consumers, expected_consumers());
    assert!(row.exported.is_some());
    let approximate = grants.iter().filter(|grant| grant.created_approximate);
    assert_eq!(
        approximate.count(),
        8,
        "all but OAuth 2, which keeps numbers"
    );

    let printed = server.batch("jira", &for_an_old_version(query));
    let (_, grants, ..) = imported("grants.tsv", &printed, ExportProduct::Jira);
    assert_eq!(grants.iter().map(line).collect::<Vec<_>>(), expected()[..5]);
}

fn check_confluence(printed: &[u8]) {
    let (_, grants, consumers, coverage) =
        imported("grants.csv", printed, ExportProduct::Confluence);
    let lines: Vec<_> = grants
        .iter()
        .map(|grant| {
            let times = [grant.created, grant.expires, grant.renewable_until];
            let times =
                times.map(|time| time.map_or_else(|| "-".to_owned(), |time| time.to_string()));
            let key = grant.consumer_key.as_deref().unwrap();
            format!(
                "{} {} {key} {:?} {}",
                grant.id,
                grant.user,
                grant.status,
                times.join(" ")
            )
        })
        .collect();
    assert_eq!(
        lines,
        [
            "89cb96f7ad59 bob ci Expired 2020-01-01T00:00:00Z 2020-01-02T00:00:00Z -",
            "1f7f381568f2 alice a-key-that-is-too-long-for-a-row & <more> Active 2026-03-01T08:00:00.123Z 2031-02-28T08:00:00.123Z 2031-03-30T08:00:00Z",
            "60647467f308 alice ci Active 2026-03-02T00:00:00Z 2031-03-01T00:00:00Z -",
        ]
    );
    assert_eq!(consumers, [""; 0]);
    assert!(
        grants
            .iter()
            .all(|grant| !grant.created_approximate && grant.user_status.is_none())
    );
    assert!(coverage.note.contains("inferred"), "{coverage:?}");
}

#[test]
fn a_confluence_on_postgresql_is_exported() {
    let test = "a_confluence_on_postgresql_is_exported";
    let rows = confluence_tables::rows("bandana");
    let Some(database) = jira_tables::filled(test, &[confluence_tables::TABLE[0], &rows]) else {
        return;
    };
    let query = export_query(ExportProduct::Confluence, ExportDatabase::Postgres);
    check_confluence(&psql(&database, query));
}

#[test]
fn a_confluence_on_mariadb_is_exported() {
    let Some(server) = mariadb::shared("a_confluence_on_mariadb_is_exported") else {
        return;
    };
    let rows = confluence_tables::rows("BANDANA");
    server.batch(
        "confluence",
        &format!("{};\n{rows}", confluence_tables::TABLE[1]),
    );
    let query = export_query(ExportProduct::Confluence, ExportDatabase::Mysql);
    check_confluence(&server.batch("confluence", query));
}

#[test]
fn where_nothing_was_imported_that_is_said() {
    let (_folder, store) = store();
    let mut source = ExportSource::new(&store, "jira", &base_url());
    assert!(!source.is_imported());
    let (grants, consumers, coverage) = all(&mut source);
    assert!(grants.is_empty() && consumers.is_empty() && !coverage.complete);
    let gap = coverage.gap.unwrap();
    assert_eq!(gap.code, "nothing_imported");
    assert!(
        gap.advice
            .ends_with("`atl-admin tokens import FILE -s jira`"),
        "{gap:?}"
    );
}

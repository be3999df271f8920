//! Which store a text names.

use std::path::Path;

use atl_store::StoreUrl;

fn check(text: &str, path: &str) {
    let url: StoreUrl = text.parse().unwrap();
    assert_eq!(url, StoreUrl::Sqlite(path.into()), "{text}");
}

fn check_refused(text: &str, code: &str, message: &str) {
    let error = text.parse::<StoreUrl>().unwrap_err();
    assert_eq!((error.code(), error.to_string().as_str()), (code, message));
    assert!(error.advice().contains("sqlite:PATH"));
}

#[test]
fn a_path_with_or_without_scheme_is_a_file() {
    check("sqlite:store.db", "store.db");
    check("sqlite:/var/lib/store.db", "/var/lib/store.db");
    check("sqlite:///var/lib/store.db", "/var/lib/store.db");
    check("sqlite://data/store.db", "data/store.db");
    check("sqlite:a:b.db", "a:b.db");
    check("store.db", "store.db");
    check("./data/store.db", "./data/store.db");
    check("/a b/store.db", "/a b/store.db");
    check(r"C:\data\store.db", r"C:\data\store.db");
}

#[test]
fn what_is_no_file_is_refused_without_repeating_credentials() {
    check_refused(
        "mysql://bob:hunter2@db/atl",
        "store_url_unsupported",
        "`mysql:` stores are not in this version",
    );
    let invalid = |text, reason| {
        let message = format!("the store URL is not understood: {reason}");
        check_refused(text, "store_url_invalid", &message);
    };
    invalid("", "it names no file");
    invalid("sqlite:", "it names no file");
    invalid("sqlite://", "it names no file");
    invalid("sqlite::memory:", "a store in memory would lose its keys");
    invalid("sqlite:a\0b", "a path has no NUL character");
    invalid(
        "~/store.db",
        "`~` is not expanded here, write the whole path",
    );
}

fn check_database(text: &str, shown: &str) {
    let url: StoreUrl = text.parse().unwrap();
    let shown = shown.to_owned();
    assert_eq!(url.to_string(), shown);
    assert_eq!(format!("{url:?}"), format!("Postgres({shown})"));
}

#[test]
fn a_database_is_shown_without_its_password() {
    let plain = "postgres://bob@db:5432/atl";
    check_database("postgres://bob:hunter2@db:5432/atl", plain);
    check_database(
        "postgresql://bob:hunter2@db:5432/atl?sslmode=verify-full&sslrootcert=%2Fetc%2Fca.pem",
        plain,
    );
    check_database("postgres://db:5432/atl?user=bob&password=hunter2", plain);
    check_database(
        "postgres:///atl?host=/run/postgresql&user=bob",
        "postgres://bob@/run/postgresql/atl",
    );
}

#[test]
fn what_is_no_database_is_refused_without_repeating_its_password() {
    for (text, reason) in [
        ("postgres://bob:hunter2@db", "it names no database"),
        ("postgres:///atl", "it names no host"),
        (
            "postgres://bob:hunter2@db/atl?sslmode=always",
            "`sslmode` is one of disable, prefer, require, verify-ca and verify-full",
        ),
        (
            "postgres://bob:hunter2@db/atl?pasword=hunter2",
            "unknown option `pasword`",
        ),
    ] {
        let error = text.parse::<StoreUrl>().unwrap_err();
        let message = format!("the store URL is not understood: {reason}");
        assert_eq!(error.to_string(), message, "{text}");
        let all = format!("{error:?} {}", error.advice());
        assert!(!all.contains("hunter2"), "{all}");
    }
    let error = "postgres://bob:hunter2@db:port/atl"
        .parse::<StoreUrl>()
        .unwrap_err();
    let all = format!("{error} {error:?} {}", error.advice());
    assert!(!all.contains("hunter2"), "{all}");
}

#[test]
fn a_url_prints_as_it_is_written() {
    let url = StoreUrl::Sqlite(Path::new("/a/store.db").into());
    assert_eq!(url.to_string(), "sqlite:/a/store.db");
}

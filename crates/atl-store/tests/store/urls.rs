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
    for scheme in ["postgres", "postgresql", "mysql"] {
        check_refused(
            &format!("{scheme}://bob:hunter2@db/atl"),
            "store_url_unsupported",
            &format!("`{scheme}:` stores are not in this version"),
        );
    }
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

#[test]
fn a_url_prints_as_it_is_written() {
    let url = StoreUrl::Sqlite(Path::new("/a/store.db").into());
    assert_eq!(url.to_string(), "sqlite:/a/store.db");
}

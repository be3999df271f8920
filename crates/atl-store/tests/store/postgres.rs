//! What only a store on PostgreSQL has: TLS, passwords, poolers, and connections that get lost.

use atl_store::{KeyState, Outcome, Store, StoreError, StoreUrl};
use atl_testbed::PostgresDatabase;

use crate::place::{Kind, Place, holder, keypairs, postgres, step};
use crate::pooler::Pooler;

const SERVER: &str = "https://jira.example.com";

/// The place of a test; `None` where there is no PostgreSQL.
fn place(test: &str) -> Option<Place> {
    postgres(test).map(|_| Place::on(Kind::Postgres))
}

/// Opens the store of this URL, with what the environment would give.
fn open(place: &Place, url: &str, more: &[(&str, &str)]) -> Result<Store, StoreError> {
    let StoreUrl::Postgres(mut url) = url.parse().unwrap() else {
        panic!("{url}");
    };
    for (parameter, value) in more {
        url = url.or(parameter, value).unwrap();
    }
    Store::open(&StoreUrl::Postgres(url), &place.key(), holder())
}

/// Ends every connection to the database but the one that does it.
fn cut(database: &PostgresDatabase) {
    let sql = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
               WHERE datname = current_database() AND pid <> pg_backend_pid()";
    database.client().execute(sql, &[]).unwrap();
}

#[test]
fn tls_is_as_the_url_says() {
    let Some(place) = place("tls_is_as_the_url_says") else {
        return;
    };
    let database = place.database();
    let with = |parameters: &str| open(&place, &format!("{}?{parameters}", database.url()), &[]);
    let ca = database.server().file("ca.pem").display().to_string();
    let is_encrypted = || -> bool {
        let sql = "SELECT bool_or(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
                   WHERE application_name = 'atl-admin' AND datname = current_database()";
        database.client().query_one(sql, &[]).unwrap().get(0)
    };
    for (parameters, encrypted) in [
        ("sslmode=disable".to_owned(), false),
        ("sslmode=prefer".to_owned(), true),
        (String::new(), true),
        ("sslmode=require".to_owned(), true),
        (format!("sslmode=require&sslrootcert={ca}"), true),
        (format!("sslmode=verify-ca&sslrootcert={ca}"), true),
        (format!("sslmode=verify-full&sslrootcert={ca}"), true),
    ] {
        let store = with(&parameters).unwrap();
        assert_eq!(is_encrypted(), encrypted, "{parameters}");
        drop(store);
        cut(database);
    }

    let refused = |url: String| {
        let error = open(&place, &url, &[]).unwrap_err();
        assert_eq!(error.code(), "store_tls", "{url}: {error:?}");
    };
    let client = database.server().file("client.pem").display().to_string();
    refused(format!("{}?sslmode=verify-full", database.url()));
    refused(format!("{}?sslmode=verify-ca", database.url()));
    refused(format!(
        "{}?sslmode=require&sslrootcert={client}",
        database.url()
    ));
    // Another host needs a certificate that is known, unless something else is asked for.
    let elsewhere = |more: &str| {
        let other = database.url().replace("@localhost", "@db.example.com");
        format!("{other}?hostaddr=127.0.0.1&{more}")
    };
    refused(elsewhere(&format!("sslmode=verify-full&sslrootcert={ca}")));
    open(
        &place,
        &elsewhere(&format!("sslmode=verify-ca&sslrootcert={ca}")),
        &[],
    )
    .unwrap();
}

#[test]
fn a_client_certificate_signs_in() {
    let Some(place) = place("a_client_certificate_signs_in") else {
        return;
    };
    let database = place.database();
    let server = database.server();
    database
        .client()
        .batch_execute(
            "CREATE ROLE certified LOGIN; DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO certified', current_database()); END $$",
        )
        .unwrap();
    let url = format!(
        "postgres://certified@localhost:{}/{}",
        server.port(),
        database.name()
    );
    let file = |name: &str| server.file(name).display().to_string();
    let (certificate, key, ca) = (file("client.pem"), file("client.key"), file("ca.pem"));
    let more = [
        ("sslmode", "verify-full"),
        ("sslrootcert", &ca),
        ("sslcert", &certificate),
        ("sslkey", &key),
    ];
    open(&place, &url, &more).unwrap();
    let error = open(&place, &url, &more[..2]).unwrap_err();
    assert_eq!(error.code(), "store_refused", "{error:?}");
}

#[test]
fn a_wrong_password_is_refused_and_never_shown() {
    let Some(place) = place("a_wrong_password_is_refused_and_never_shown") else {
        return;
    };
    let database = place.database();
    let without = database
        .url()
        .replace(&format!(":{}", database.password()), "");
    assert!(open(&place, &without, &[("password", database.password())]).is_ok());
    for error in [
        open(&place, &without, &[("password", "hunter2")]).unwrap_err(),
        open(&place, &without, &[]).unwrap_err(),
        open(
            &place,
            &database.url().replace(database.name(), "nowhere"),
            &[],
        )
        .unwrap_err(),
    ] {
        assert_eq!(error.code(), "store_refused", "{error:?}");
        let shown = format!("{error} {error:?} {}", error.advice());
        for secret in ["hunter2", database.password()] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
    let port = format!(":{}/", database.server().port());
    let nowhere = database.url().replace(&port, ":1/");
    let error = open(&place, &nowhere, &[]).unwrap_err();
    assert_eq!(error.code(), "store_unreachable", "{error:?}");
}

#[test]
fn a_schema_of_another_program_and_a_newer_store_are_left_alone() {
    let Some(place) = place("a_schema_of_another_program_and_a_newer_store_are_left_alone") else {
        return;
    };
    let check = |code: &str| {
        let before = place.dump();
        assert_eq!(place.try_open().unwrap_err().code(), code);
        assert_eq!(place.try_look().unwrap_err().code(), code);
        assert_eq!(place.dump(), before);
    };
    let mut client = place.database().client();
    client
        .batch_execute("CREATE SCHEMA atl_admin; CREATE TABLE atl_admin.bookmarks (url TEXT)")
        .unwrap();
    check("store_foreign");
    client
        .batch_execute("DROP TABLE atl_admin.bookmarks")
        .unwrap();
    drop(place.open());
    place.tamper("UPDATE meta SET value = '99' WHERE name = 'version'");
    check("store_too_new");
}

#[test]
fn a_connection_lost_while_a_lock_is_held_is_an_error_until_it_is_dropped() {
    let Some(place) =
        place("a_connection_lost_while_a_lock_is_held_is_an_error_until_it_is_dropped")
    else {
        return;
    };
    let store = place.open();
    let lock = store.lock(SERVER, "bot").unwrap();
    let open_step = store.begin(&step("consumer put")).unwrap();
    cut(place.database());

    // The lock is free for others by now.
    let other = place.open();
    let theirs = other.lock(SERVER, "bot").unwrap();
    let [keypair, _] = keypairs();
    for _ in 0..2 {
        let lost = [
            store.finish(open_step, &Outcome::Done),
            store.begin(&step("link create")).map(drop),
            store.keypairs().map(drop),
            store
                .add_keypair("bot", keypair, KeyState::Active)
                .map(drop),
            store.lock(SERVER, "other").map(drop),
        ];
        for result in lost {
            assert_eq!(result.unwrap_err().code(), "store_connection_lost");
        }
    }
    drop(lock);
    assert_eq!(store.open_steps().unwrap()[0].id, open_step);
    let error = store.lock(SERVER, "bot").unwrap_err();
    assert_eq!(error.code(), "locked", "the lost one took no lock along");
    drop(theirs);
    drop(store.lock(SERVER, "bot").unwrap());
}

#[test]
fn a_connection_that_held_nothing_is_made_anew() {
    let Some(place) = place("a_connection_that_held_nothing_is_made_anew") else {
        return;
    };
    let store = place.open();
    cut(place.database());
    let id = store.begin(&step("link create")).unwrap();
    cut(place.database());
    assert_eq!(store.open_steps().unwrap()[0].id, id);
    drop(store.lock(SERVER, "bot").unwrap());
    cut(place.database());
    drop(store.lock(SERVER, "bot").unwrap());
}

#[test]
fn a_pooled_connection_is_refused_and_one_in_session_mode_is_not() {
    let test = "a_pooled_connection_is_refused_and_one_in_session_mode_is_not";
    let Some(place) = place(test) else {
        return;
    };
    let database = place.database();
    drop(place.open());
    let before = place.dump();
    for (settings, code) in [
        ("pool_mode = transaction", Some("store_pooled")),
        (
            "pool_mode = transaction\nserver_round_robin = 1\nmin_pool_size = 4",
            Some("store_pooled"),
        ),
        (
            "pool_mode = transaction\ndefault_pool_size = 1",
            Some("store_pooled"),
        ),
        ("pool_mode = session", None),
    ] {
        let Some(pooler) = Pooler::start(database, settings) else {
            atl_testbed::skip(env!("CARGO_PKG_NAME"), test, "PgBouncer is not installed");
            return;
        };
        let url = format!(
            "postgres://atl@127.0.0.1:{}/{}",
            pooler.port,
            database.name()
        );
        match (code, open(&place, &url, &[])) {
            (Some(code), result) => assert_eq!(result.unwrap_err().code(), code, "{settings}"),
            (None, result) => drop(result.unwrap().lock(SERVER, "bot").unwrap()),
        }
        assert_eq!(place.dump(), before, "{settings}");
        // To look does no harm.
        let url: StoreUrl = url.parse().unwrap();
        assert!(Store::open_existing(&url, &place.key()).unwrap().is_some());
        // It speaks no TLS.
        let url = format!("{url}?sslmode=require");
        let error = open(&place, &url, &[]).unwrap_err();
        assert_eq!(error.code(), "store_tls", "{error:?}");
    }
}

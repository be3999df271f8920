//! A folder with a store and its key, and values to put in.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use atl_keys::{KeySize, Keypair};
use atl_store::{
    GrantRow, GrantSecrets, GrantState, Holder, KeySource, Step, Store, StoreError, StoreUrl,
};
use atl_testbed::{Postgres, PostgresDatabase};
use jiff::Timestamp;
use rusqlite::Connection;
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

/// Which kind of database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
}

/// Makes of each function two tests, one on each kind of database.
macro_rules! on_both {
    ($($test:ident),* $(,)?) => {
        mod sqlite {
            $(#[test] fn $test() { super::$test(crate::place::Kind::Sqlite); })*
        }
        mod postgres {
            $(#[test] fn $test() {
                if crate::place::postgres(concat!(module_path!(), "::", stringify!($test))).is_some() {
                    super::$test(crate::place::Kind::Postgres);
                }
            })*
        }
    };
}
pub(crate) use on_both;

/// The server; where there is none, this test says that it was skipped.
pub(crate) fn postgres(test: &str) -> Option<&'static Postgres> {
    Postgres::shared()
        .map_err(|why| atl_testbed::skip(env!("CARGO_PKG_NAME"), test, why))
        .ok()
}

/// Where a store is to be made, its key elsewhere.
pub(crate) struct Place {
    folder: PathBuf,
    /// Removed with the place, except by those who only visit.
    _owned: Option<TempDir>,
    database: Option<PostgresDatabase>,
}

impl Place {
    /// For a SQLite store.
    pub(crate) fn new() -> Self {
        let owned = TempDir::new().unwrap();
        Self {
            folder: owned.path().to_owned(),
            _owned: Some(owned),
            database: None,
        }
    }

    pub(crate) fn on(kind: Kind) -> Self {
        let mut place = Self::new();
        if kind == Kind::Postgres {
            let database = Postgres::shared().unwrap().database();
            fs_err::write(place.url_file(), database.url()).unwrap();
            place.database = Some(database);
        }
        place
    }

    /// The place of another process.
    pub(crate) fn at(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            _owned: None,
            database: None,
        }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// In a folder whose name a URL would take for something else.
    pub(crate) fn store_file(&self) -> PathBuf {
        self.folder.join("d\u{e4}ta ?%41#/store.db")
    }

    pub(crate) fn key_file(&self) -> PathBuf {
        self.folder.join("config/store.key")
    }

    /// Tells other processes where a store is that is no file.
    fn url_file(&self) -> PathBuf {
        self.folder.join("url")
    }

    pub(crate) fn url(&self) -> StoreUrl {
        match fs_err::read_to_string(self.url_file()) {
            Ok(url) => url.parse().unwrap(),
            Err(_) => StoreUrl::Sqlite(self.store_file()),
        }
    }

    pub(crate) fn database(&self) -> &PostgresDatabase {
        self.database.as_ref().unwrap()
    }

    /// Changes a store behind its back; checks stand in the way of nothing. How many rows were changed.
    pub(crate) fn tamper(&self, sql: &str) -> u64 {
        let Some(database) = &self.database else {
            let database = Connection::open(self.store_file()).unwrap();
            database
                .pragma_update(None, "ignore_check_constraints", true)
                .unwrap();
            return database.execute(sql, []).unwrap() as u64;
        };
        let mut client = database.client();
        client
            .batch_execute(
                "SET search_path = atl_admin;
                 DO $$ DECLARE c record; BEGIN
                   FOR c IN SELECT conrelid::regclass AS t, conname FROM pg_constraint
                     WHERE contype = 'c' AND connamespace = 'atl_admin'::regnamespace
                   LOOP EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', c.t, c.conname); END LOOP;
                 END $$",
            )
            .unwrap();
        client.execute(sql, &[]).unwrap()
    }

    /// Makes every new row of a table fail.
    pub(crate) fn refuse(&self, table: &str) {
        match &self.database {
            None => Connection::open(self.store_file())
                .unwrap()
                .execute_batch(&format!(
                    "CREATE TRIGGER full BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'no'); END"
                ))
                .unwrap(),
            Some(database) => database
                .client()
                .batch_execute(&format!(
                    "ALTER TABLE atl_admin.{table} ADD CHECK (false) NOT VALID"
                ))
                .unwrap(),
        }
    }

    /// All that the database holds, as text: what a copy or a backup of it would show.
    pub(crate) fn dump(&self) -> String {
        let mut client = self.database().client();
        let tables = client
            .query("SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                 WHERE n.nspname = 'atl_admin' AND c.relkind = 'r' ORDER BY 1", &[])
            .unwrap();
        let mut text = String::new();
        for table in tables {
            let table: String = table.get(0);
            let sql = format!(
                "SELECT COALESCE(string_agg(t::text, chr(10) ORDER BY t::text), '') FROM atl_admin.{table} t"
            );
            let rows: String = client.query_one(&sql, &[]).unwrap().get(0);
            text.extend([table, rows].map(|part| part + "\n"));
        }
        text
    }

    pub(crate) fn key(&self) -> KeySource {
        KeySource::File(self.key_file())
    }

    pub(crate) fn try_open(&self) -> Result<Store, StoreError> {
        Store::open(&self.url(), &self.key(), holder())
    }

    pub(crate) fn open(&self) -> Store {
        self.try_open().unwrap()
    }

    pub(crate) fn try_look(&self) -> Result<Option<Store>, StoreError> {
        Store::open_existing(&self.url(), &self.key())
    }

    pub(crate) fn look(&self) -> Store {
        self.try_look().unwrap().unwrap()
    }

    /// Where these bytes are, in a file or in the database, if they are anywhere.
    pub(crate) fn find(&self, bytes: &[u8]) -> Option<String> {
        let has = |whole: &[u8]| whole.windows(bytes.len()).any(|window| window == bytes);
        if self.database.is_some() {
            let dump = self.dump();
            let hex = bytes.iter().fold(String::new(), |mut text, byte| {
                write!(text, "{byte:02x}").unwrap();
                text
            });
            if has(dump.as_bytes()) || dump.contains(&hex) {
                return Some("the database".into());
            }
        }
        let files = self.files().into_iter().map(|(path, _)| path);
        files
            .filter(|path| path.is_file())
            .find(|path| has(&fs_err::read(path).unwrap()))
            .map(|path| path.display().to_string())
    }

    /// The names and digests of all files, to see that nothing changed.
    pub(crate) fn files(&self) -> Vec<(PathBuf, String)> {
        let mut found = Vec::new();
        let mut folders = vec![self.folder.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs_err::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let digest = Sha256::digest(fs_err::read(&path).unwrap());
                    found.push((path, format!("{digest:x?}")));
                }
            }
        }
        if self.database.is_some() {
            found.push(("database".into(), self.dump()));
        }
        found.sort();
        found
    }
}

pub(crate) fn holder() -> Holder {
    Holder {
        user: "alice".into(),
        host: "desk".into(),
        command: "apply".into(),
    }
}

pub(crate) fn step(action: &str) -> Step {
    Step {
        run: "run-1".into(),
        command: "apply".into(),
        action: action.into(),
        server: "jira".into(),
        server_url: "https://jira.example.com".into(),
        consumer: Some("deploy-bot".into()),
        detail: serde_json::json!({"link_id": "f7b1", "fields": ["public_key", null]}),
        os_user: "alice".into(),
        host: "desk".into(),
        account: Some("admin".into()),
    }
}

/// Two keypairs, made once for all tests.
pub(crate) fn keypairs() -> &'static [Keypair; 2] {
    static MADE: LazyLock<[Keypair; 2]> =
        LazyLock::new(|| [(); 2].map(|()| Keypair::generate(KeySize::Bits2048).unwrap()));
    &MADE
}

/// A grant that can be renewed.
pub(crate) fn grant(id: &str) -> GrantRow {
    let now = Timestamp::now();
    GrantRow {
        id: id.into(),
        consumer: "bot".into(),
        consumer_key: "deploy-bot".into(),
        server: "jira".into(),
        server_url: "https://jira.example.com".into(),
        user: "alice".into(),
        created: now,
        issued: now,
        expires_in: Some(157_680_000),
        session_expires_in: Some(160_272_000),
        renewable: true,
        state: GrantState::Active,
        checked: Some(now),
        note: None,
    }
}

/// What belongs to it: three texts that begin with `name`.
pub(crate) fn grant_secrets(name: &str) -> GrantSecrets {
    GrantSecrets {
        token: format!("{name}-token-5gTq8").into(),
        secret: format!("{name}-secret-9sWx2").into(),
        session_handle: Some(format!("{name}-handle-3kLp7").into()),
    }
}

//! A folder with a store and its key, and values to put in.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use atl_keys::{KeySize, Keypair};
use atl_store::{
    GrantRow, GrantSecrets, GrantState, Holder, KeySource, Step, Store, StoreError, StoreUrl,
};
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

/// Where a store is to be made, its key elsewhere.
pub(crate) struct Place {
    folder: PathBuf,
    /// Removed with the place, except by those who only visit.
    _owned: Option<TempDir>,
}

impl Place {
    pub(crate) fn new() -> Self {
        let owned = TempDir::new().unwrap();
        Self {
            folder: owned.path().to_owned(),
            _owned: Some(owned),
        }
    }

    /// The place of another process.
    pub(crate) fn at(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            _owned: None,
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

    pub(crate) fn url(&self) -> StoreUrl {
        StoreUrl::Sqlite(self.store_file())
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

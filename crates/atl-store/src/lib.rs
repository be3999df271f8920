//! What must outlive a run: keypairs (sealed), which key is registered where, links this tool made, the journal.

use std::path::{Path, PathBuf};

use atl_keys::{Fingerprint, Keypair};
use jiff::Timestamp;
use secrecy::SecretString;

/// What unseals the store.
#[derive(Clone)]
pub struct StoreKey(());

impl StoreKey {
    /// A key or passphrase given as text (from an environment variable or a command).
    pub fn from_text(_text: &SecretString) -> Result<Self, StoreError> {
        todo!()
    }
    /// Reads a key file.
    pub fn read(_path: &Path) -> Result<Self, StoreError> {
        todo!()
    }
    /// Reads a key file, or makes it (0600, random) where there is none.
    pub fn read_or_create(_path: &Path) -> Result<Self, StoreError> {
        todo!()
    }
}

/// Which store.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreUrl {
    /// `sqlite:PATH`.
    Sqlite(PathBuf),
}

impl std::str::FromStr for StoreUrl {
    type Err = StoreError;
    fn from_str(_text: &str) -> Result<Self, Self::Err> {
        todo!()
    }
}

/// Where a keypair stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyState {
    /// In use, or ready to be used.
    Active,
    /// Made for a rotation that has not ended.
    Pending,
    /// Replaced.
    Retired,
}

/// A keypair, without its private half.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeypairRow {
    /// A short stable id: the first 12 hex digits of the SHA-256 behind the fingerprint.
    pub id: String,
    /// The consumer's name in the fleet file.
    pub consumer: String,
    /// The size.
    pub bits: usize,
    /// The fingerprint.
    pub fingerprint: Fingerprint,
    /// The public half in one line (base64 `SubjectPublicKeyInfo` DER).
    pub public_key: String,
    /// When it came into the store.
    pub created: Timestamp,
    /// Where it stands.
    pub state: KeyState,
}

/// Which key is registered for a consumer on a server. One per (consumer, server URL).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// The consumer's name in the fleet file.
    pub consumer: String,
    /// The server's name in the fleet file, for people.
    pub server: String,
    /// The server's base URL, which identifies it.
    pub server_url: String,
    /// The consumer key.
    pub consumer_key: String,
    /// The link.
    pub link_id: String,
    /// The key that is registered.
    pub fingerprint: Fingerprint,
    /// When the server last accepted a call signed with it.
    pub proven: Option<Timestamp>,
}

/// A link that this tool made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkMade {
    /// The server's name in the fleet file, for people.
    pub server: String,
    /// The server's base URL, which identifies it.
    pub server_url: String,
    /// The link.
    pub link_id: String,
    /// Its application URL.
    pub application_url: String,
    /// The consumer's name in the fleet file.
    pub consumer: String,
    /// The consumer key.
    pub consumer_key: String,
    /// When.
    pub created: Timestamp,
}

/// A step about to be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// One id a run, shared by its steps.
    pub run: String,
    /// `apply`, `links delete`, ...
    pub command: String,
    /// `link create`, `consumer put`, ...
    pub action: String,
    /// The server's name.
    pub server: String,
    /// The server's base URL.
    pub server_url: String,
    /// The consumer's name, where the step concerns one.
    pub consumer: Option<String>,
    /// What exactly, as data without secrets.
    pub detail: serde_json::Value,
    /// The operating system's user.
    pub os_user: String,
    /// The host.
    pub host: String,
    /// The account signed in on the server.
    pub account: Option<String>,
}

/// How a step ended.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase", tag = "outcome", content = "message")]
pub enum Outcome {
    /// It was done.
    Done,
    /// It failed, and the server was left as it was or as the message says.
    Failed(String),
    /// Whether it took effect is not known.
    Unknown(String),
}

/// A step of the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalRow {
    /// Its number.
    pub id: i64,
    /// When it was begun.
    pub started: Timestamp,
    /// When it ended; `None` for a step that a kill left open.
    pub finished: Option<Timestamp>,
    /// The step.
    pub step: Step,
    /// How it ended.
    pub outcome: Option<Outcome>,
}

/// Why the store did not do it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {}

impl StoreError {
    /// A stable snake_case name for scripts.
    pub fn code(&self) -> &'static str {
        todo!()
    }
    /// What to do about it.
    pub fn advice(&self) -> String {
        todo!()
    }
}

/// The store. Several threads may use it; several processes may have it open.
pub struct Store(());

/// The lock on one (server, consumer); released when dropped or when the process dies.
#[derive(Debug)]
pub struct Lock(());

impl Store {
    /// Opens, creates and migrates.
    pub fn open(_url: &StoreUrl, _key: &StoreKey) -> Result<Self, StoreError> {
        todo!()
    }
    /// Opens for looking only: no file is made, written or migrated; a store that does not exist is `None`.
    pub fn open_existing(
        _url: &StoreUrl,
        _key: impl FnOnce() -> Result<StoreKey, StoreError>,
    ) -> Result<Option<Self>, StoreError> {
        todo!()
    }
    /// All keypairs, oldest first.
    pub fn keypairs(&self) -> Result<Vec<KeypairRow>, StoreError> {
        todo!()
    }
    /// Unseals a keypair.
    pub fn keypair(&self, _fingerprint: &Fingerprint) -> Result<Option<Keypair>, StoreError> {
        todo!()
    }
    /// Adds a keypair; one that is there already is returned as it is.
    pub fn add_keypair(
        &self,
        _consumer: &str,
        _keypair: &Keypair,
        _state: KeyState,
    ) -> Result<KeypairRow, StoreError> {
        todo!()
    }
    /// The consumer's newest keypair that is not retired, or `made` where it has none: two processes get the same one.
    pub fn keypair_or_add(
        &self,
        _consumer: &str,
        _made: &Keypair,
    ) -> Result<KeypairRow, StoreError> {
        todo!()
    }
    /// All registrations.
    pub fn registrations(&self) -> Result<Vec<Registration>, StoreError> {
        todo!()
    }
    /// Records which key is registered for (consumer, server URL), replacing what was recorded.
    pub fn record_registration(&self, _registration: &Registration) -> Result<(), StoreError> {
        todo!()
    }
    /// Forgets a registration.
    pub fn forget_registration(
        &self,
        _consumer: &str,
        _server_url: &str,
    ) -> Result<(), StoreError> {
        todo!()
    }
    /// All links this tool made.
    pub fn links_made(&self) -> Result<Vec<LinkMade>, StoreError> {
        todo!()
    }
    /// Records a link made; one recorded already is left as it is.
    pub fn record_link(&self, _link: &LinkMade) -> Result<(), StoreError> {
        todo!()
    }
    /// Forgets a link.
    pub fn forget_link(&self, _server_url: &str, _link_id: &str) -> Result<(), StoreError> {
        todo!()
    }
    /// Writes a step down, durably, before it is taken.
    pub fn begin(&self, _step: &Step) -> Result<i64, StoreError> {
        todo!()
    }
    /// Writes down how it ended.
    pub fn finish(&self, _id: i64, _outcome: &Outcome) -> Result<(), StoreError> {
        todo!()
    }
    /// The newest `limit` steps, newest first.
    pub fn journal(&self, _limit: usize) -> Result<Vec<JournalRow>, StoreError> {
        todo!()
    }
    /// Takes the lock on (server URL, consumer), or says who holds it since when.
    pub fn lock(&self, _server_url: &str, _consumer: &str) -> Result<Lock, StoreError> {
        todo!()
    }
}

//! The lock on one consumer on one server, and who holds it.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use crate::StoreError;
use crate::database::Database;
use crate::lock_file::LockFile;

/// Who works with the store, for the message that another process gets.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Holder {
    /// The operating system's user.
    pub user: String,
    /// The host.
    pub host: String,
    /// The command, such as `apply`.
    pub command: String,
}

/// Who holds a lock, and since when.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct LockHolder {
    /// Who.
    #[serde(flatten)]
    pub holder: Holder,
    /// The process.
    pub pid: u32,
    /// Since when.
    pub since: Timestamp,
}

impl fmt::Display for LockHolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Holder {
            user,
            host,
            command,
        } = &self.holder;
        let Self { pid, since, .. } = self;
        write!(
            f,
            "`{command}` of {user} on {host} (process {pid}) since {since:.0}"
        )
    }
}

/// What is locked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LockTarget<'t> {
    pub(crate) server_url: &'t str,
    pub(crate) consumer: &'t str,
}

impl LockTarget<'_> {
    /// Eight bytes that stand for it.
    pub(crate) fn digest(&self) -> [u8; 8] {
        let digest = Sha256::digest(format!("{}\0{}", self.server_url, self.consumer));
        let mut first = [0; 8];
        first.copy_from_slice(&digest[..8]);
        first
    }

    /// The same as a number.
    pub(crate) fn number(&self) -> i64 {
        i64::from_be_bytes(self.digest())
    }

    /// The error of whoever comes second.
    pub(crate) fn locked_by(&self, holder: Option<LockHolder>) -> StoreError {
        StoreError::Locked {
            server_url: self.server_url.to_owned(),
            consumer: self.consumer.to_owned(),
            holder: holder.map(Box::new),
        }
    }
}

/// The lock on one (server, consumer); released when dropped or when the process dies.
#[derive(Debug)]
#[must_use = "the lock is released when this is dropped"]
pub struct Lock {
    _held: Held,
}

#[derive(Debug)]
enum Held {
    File(#[expect(dead_code, reason = "it is released when dropped")] LockFile),
    Session(#[expect(dead_code, reason = "it is released when dropped")] SessionLock),
}

/// A lock of the session that the store has with a database.
struct SessionLock {
    database: Arc<Mutex<Database>>,
    key: i64,
}

impl fmt::Debug for SessionLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionLock")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

impl Drop for SessionLock {
    fn drop(&mut self) {
        let mut database = self.database.lock().unwrap_or_else(PoisonError::into_inner);
        if let Database::Postgres(postgres) = &mut *database {
            postgres.unlock(self.key);
        }
    }
}

impl Lock {
    /// A lock file.
    pub(crate) fn file(file: LockFile) -> Self {
        Self {
            _held: Held::File(file),
        }
    }

    /// A lock of the session.
    pub(crate) fn session(database: Arc<Mutex<Database>>, key: i64) -> Self {
        Self {
            _held: Held::Session(SessionLock { database, key }),
        }
    }
}

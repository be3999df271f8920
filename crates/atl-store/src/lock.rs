//! One lock file per (server, consumer), in a folder beside the store. The operating system lets go of the lock when
//! its process dies, so the file may stay: it says who holds the lock, not that it is held.

use std::fmt;
use std::fs::{File, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::Path;

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use crate::rows::hex;
use crate::{StoreError, files};

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

/// The lock on one (server, consumer); released when dropped or when the process dies.
#[derive(Debug)]
#[must_use = "the lock is released when this is dropped"]
pub struct Lock {
    file: File,
}

impl Drop for Lock {
    /// The file stays, since removing it would let two processes lock two files of one name; it no longer names anyone.
    fn drop(&mut self) {
        drop(self.file.set_len(0));
        drop(self.file.unlock());
    }
}

impl Lock {
    /// Takes the lock, or says who holds it.
    pub(crate) fn take(
        folder: &Path,
        server_url: &str,
        consumer: &str,
        holder: &Holder,
    ) -> Result<Self, StoreError> {
        files::make_folder(folder)?;
        let digest = Sha256::digest(format!("{server_url}\0{consumer}"));
        let path = folder.join(format!("{}.lock", hex(&digest[..8])));
        let fault = |source| StoreError::io(&path, source);

        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&path).map_err(fault)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(StoreError::Locked {
                    server_url: server_url.to_owned(),
                    consumer: consumer.to_owned(),
                    holder: named_in(&mut file).map(Box::new),
                });
            }
            Err(TryLockError::Error(source)) => {
                return Err(StoreError::LockUnsupported { path, source });
            }
        }
        let lock = Self { file };
        lock.name(holder).map_err(fault)?;
        Ok(lock)
    }

    /// Writes into the file who holds it.
    fn name(&self, holder: &Holder) -> std::io::Result<()> {
        let holder = LockHolder {
            holder: holder.clone(),
            pid: std::process::id(),
            since: Timestamp::now(),
        };
        let mut file = &self.file;
        file.set_len(0)?;
        file.rewind()?;
        file.write_all(&serde_json::to_vec(&holder)?)
    }
}

/// Who the file names; `None` while its holder is still writing it.
fn named_in(file: &mut File) -> Option<LockHolder> {
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

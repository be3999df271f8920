//! One lock file per (server, consumer), in a folder beside the store. The operating system lets go of the lock when
//! its process dies, so the file may stay: it says who holds the lock, not that it is held.

use std::fs::{File, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::Path;

use crate::lock::{LockHolder, LockTarget};
use crate::rows::hex;
use crate::{StoreError, files};

/// The lock file of one (server, consumer); released when dropped or when the process dies.
#[derive(Debug)]
pub(crate) struct LockFile {
    file: File,
}

impl Drop for LockFile {
    /// The file stays, since removing it would let two processes lock two files of one name; it no longer names anyone.
    fn drop(&mut self) {
        drop(self.file.set_len(0));
        drop(self.file.unlock());
    }
}

impl LockFile {
    /// Takes the lock, or says who holds it.
    pub(crate) fn take(
        folder: &Path,
        target: &LockTarget<'_>,
        holder: &LockHolder,
    ) -> Result<Self, StoreError> {
        files::make_folder(folder)?;
        let path = folder.join(format!("{}.lock", hex(&target.digest())));
        let fault = |source| StoreError::io(&path, source);

        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&path).map_err(fault)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(target.locked_by(named_in(&mut file)));
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
    fn name(&self, holder: &LockHolder) -> std::io::Result<()> {
        let mut file = &self.file;
        file.set_len(0)?;
        file.rewind()?;
        file.write_all(&serde_json::to_vec(holder)?)
    }
}

/// Who the file names; `None` while its holder is still writing it.
fn named_in(file: &mut File) -> Option<LockHolder> {
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

//! Handing the new private key to whoever signs with it: a file that only its owner may read, and a command of the
//! user's that takes it from there.

use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use atl_keys::{Fingerprint, PrivateFormat};
use atl_store::{JournalRow, Outcome, Store, StoreError};
use serde_json::json;

use crate::{execute::Work, provision::Key, trouble::Trouble};

/// The journal's word for it.
pub(crate) const ACTION: &str = "hand over key";

/// What the command is told.
#[derive(Debug, Clone, Copy)]
pub struct HandOver<'a> {
    /// The server's name.
    pub server: &'a str,
    /// The consumer's name.
    pub consumer: &'a str,
    /// PKCS#8 PEM, 0600, deleted when the command has ended.
    pub private_key_file: &'a Path,
    /// The new key's fingerprint.
    pub fingerprint: &'a Fingerprint,
}

/// Runs the command; the error says why it failed, in words that follow "the command".
pub type Runner<'a> = &'a (dyn Fn(&HandOver<'_>) -> Result<(), String> + Sync);

/// A command that hands new keys over.
pub struct Exec<'a> {
    /// Where the file is made for as long as the command runs.
    pub folder: PathBuf,
    /// Runs it.
    pub run: Runner<'a>,
}

/// The command has ended well, and its file is gone.
pub(super) struct Handed<'a> {
    store: &'a Store,
    step: i64,
}

impl Handed<'_> {
    pub(super) fn close(self) -> Result<(), Trouble> {
        Ok(self.store.finish(self.step, &Outcome::Done)?)
    }
}

/// Writes the file, runs the command, removes the file. Its path is journaled before it is there, so that no run that is
/// killed leaves it for long.
pub(super) fn hand_over<'a>(
    work: &Work<'a>,
    consumer: &str,
    key: &Key,
    exec: &Exec<'_>,
) -> Result<Handed<'a>, Trouble> {
    let (store, server) = (work.execute.store, work.journal.server);
    let Some(private) = &key.private else {
        return Err(super::in_place::no_private_key(server, consumer, key));
    };
    let name = format!(
        "atl-admin-{}-{server}-{}.pem",
        work.execute.info.run,
        key.fingerprint.id()
    );
    let path = exec.folder.join(name);
    let step = work.journal.begin(
        consumer,
        ACTION,
        json!({ "path": path, "fingerprint": key.fingerprint }),
    )?;
    let pem = private.to_pem(PrivateFormat::Pkcs8)?;
    let handed = write(&path, pem.as_bytes())
        .map_err(|error| not_written(&path, &error))
        .and_then(|()| {
            (exec.run)(&HandOver {
                server,
                consumer,
                private_key_file: &path,
                fingerprint: &key.fingerprint,
            })
            .map_err(|why| failed(server, consumer, &why))
        });
    let removed = remove(&path).map_err(|error| not_removed(&path, &error));
    match handed.and(removed) {
        Ok(()) => Ok(Handed { store, step }),
        Err(trouble) => {
            store.finish(step, &Outcome::Failed(trouble.message.clone()))?;
            Err(trouble)
        }
    }
}

/// Removes the files that killed runs left, and closes their steps. Those of a run that goes on are locked.
///
/// # Errors
///
/// Where the store cannot be read or written.
pub fn remove_left_key_files(store: &Store) -> Result<(), StoreError> {
    for row in store.open_steps()? {
        if row.step.action != ACTION {
            continue;
        }
        let consumer = row.step.consumer.as_deref().unwrap_or_default();
        match store.lock(&row.step.server_url, consumer) {
            Ok(_lock) => close_left(store, &row)?,
            Err(StoreError::Locked { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn close_left(store: &Store, row: &JournalRow) -> Result<(), StoreError> {
    // Its holder may have closed it since the steps were read.
    if store.open_steps()?.iter().all(|open| open.id != row.id) {
        return Ok(());
    }
    let path = row.step.detail["path"].as_str().unwrap_or_default();
    let message = match remove(Path::new(path)) {
        Ok(()) => "the run was killed while the command ran; its key file is removed".to_owned(),
        Err(error) => format!(
            "the run was killed while the command ran; its key file could not be removed: {error}"
        ),
    };
    store.finish(row.id, &Outcome::Unknown(message))
}

fn write(path: &Path, contents: &[u8]) -> io::Result<()> {
    let mut options = fs_err::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    fs_err::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(contents)?;
    file.sync_all()
}

fn remove(path: &Path) -> io::Result<()> {
    match fs_err::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

fn failed(server: &str, consumer: &str, why: &str) -> Trouble {
    Trouble::own(
        "exec_failed",
        format!("the command of `--exec` for `{consumer}` on `{server}` {why}"),
        "see what it printed above, mend it, and rotate again; it must be safe to run twice",
    )
}

fn not_written(path: &Path, error: &io::Error) -> Trouble {
    Trouble::own(
        "key_file",
        format!("the key file for the command of `--exec` could not be written: {error}"),
        format!("make room, or see to the folder of `{}`", path.display()),
    )
}

fn not_removed(path: &Path, error: &io::Error) -> Trouble {
    Trouble::own(
        "key_file",
        format!(
            "the private key in `{}` could not be removed: {error}",
            path.display()
        ),
        "remove that file by hand",
    )
}

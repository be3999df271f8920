//! The file: recognised, made whole or not at all, opened to work with or copied to look at.

use std::io;
use std::path::Path;
use std::time::Duration;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::session::Session;
use super::{Sqlite, copied, fault, migrations};
use crate::seal::SealHeader;
use crate::sql::{Fault, Row};
use crate::url::StoreName;
use crate::{StoreError, files, tables};

/// What the header of the file says whose it is: `ATLA`.
const APPLICATION_ID: i32 = 0x4154_4C41;

/// How long to wait for another process; a transaction takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(5);

impl Sqlite {
    /// Whether there is a store. An empty file, or what is left of a store whose file is gone, is not "no store":
    /// making a new one there would destroy what may still be saved.
    pub(crate) fn exists(path: &Path) -> Result<bool, StoreError> {
        let damaged = |reason: &str| {
            Err(StoreError::Damaged {
                store: path.into(),
                reason: reason.to_owned(),
            })
        };
        match fs_err::metadata(path) {
            Ok(found) if found.is_dir() => Err(StoreError::IsFolder {
                path: path.to_owned(),
            }),
            Ok(found) if found.len() == 0 => damaged("the file is empty"),
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if wal_has_content(path) {
                    return damaged("its file is gone and only its `-wal` file is left");
                }
                Ok(false)
            }
            Err(source) => Err(StoreError::io(path, source)),
        }
    }

    /// Makes a store; where another process was first, does nothing.
    pub(crate) fn create(path: &Path, header: &SealHeader) -> Result<(), StoreError> {
        Self::make(path, |connection| {
            tables::put_seal_header(&mut Session(connection), header)
        })
    }

    /// Makes a store of these rows of `TABLES`.
    pub(crate) fn create_with(path: &Path, rows: &[Vec<Row>]) -> Result<(), StoreError> {
        Self::make(path, |connection| copied::insert(connection, rows))
    }

    fn make(
        path: &Path,
        fill: impl Fn(&Connection) -> Result<(), Fault>,
    ) -> Result<(), StoreError> {
        files::make_once(path, |draft| {
            let make = || -> Result<(), Fault> {
                let mut connection = Connection::open(draft)?;
                let transaction = connection.transaction()?;
                transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
                migrations::run(&transaction)?;
                fill(&transaction)?;
                transaction.commit()?;
                durable(&connection)?;
                connection.close().map_err(|(_, error)| error.into())
            };
            make().map_err(|error| fault::told(&path.into(), error))
        })
    }

    /// Opens a store to work with; it is not changed before `migrate`.
    pub(crate) fn open(path: &Path) -> Result<Self, StoreError> {
        let connection = connect(path)?;
        recognise(path, &connection)?;
        Ok(Self {
            name: path.into(),
            connection,
            looking: false,
        })
    }

    /// Copies a store to where nobody else sees it: to memory, and what is much to a file without a name. The file is opened for reading and writing all the same, so that SQLite can finish
    /// what a killed process left, and closed at once.
    pub(crate) fn look(path: &Path) -> Result<Self, StoreError> {
        let source = connect(path)?;
        let (source, found) = match recognise(path, &source) {
            Err(StoreError::Denied { .. }) if !wal_has_content(path) => {
                let source = connect_immutable(path)?;
                let found = recognise(path, &source);
                (source, found)
            }
            found => (source, found),
        };
        found?;
        let connection = copy(&source).map_err(|error| fault::told(&path.into(), error.into()))?;
        Ok(Self {
            name: path.into(),
            connection,
            looking: true,
        })
    }
}

/// Whether transactions wait in the `-wal` file.
fn wal_has_content(path: &Path) -> bool {
    fs_err::metadata(files::beside(path, "-wal")).is_ok_and(|wal| wal.len() > 0)
}

fn connect(path: &Path) -> Result<Connection, StoreError> {
    let open = || {
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        connection.busy_timeout(PATIENCE)?;
        Ok(connection)
    };
    open().map_err(|error: rusqlite::Error| fault::told(&path.into(), error.into()))
}

/// Opens a file in a folder that cannot be written, where SQLite cannot keep its helper files: nobody writes there.
fn connect_immutable(path: &Path) -> Result<Connection, StoreError> {
    let mut url = "file:".to_owned();
    for &byte in path.as_os_str().as_encoded_bytes() {
        if byte.is_ascii_alphanumeric() || b"/._-".contains(&byte) {
            url.push(char::from(byte));
        } else {
            url.push('%');
            url.push_str(&crate::rows::hex(&[byte]));
        }
    }
    url.push_str("?immutable=1");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    Connection::open_with_flags(url, flags).map_err(|error| fault::told(&path.into(), error.into()))
}

/// Durable commits, on macOS too; the file stays in WAL mode once it is.
pub(super) fn durable(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "fullfsync", true)?;
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))
}

/// Refuses a file of another program, and of a newer version of this one.
fn recognise(path: &Path, connection: &Connection) -> Result<(), StoreError> {
    let look = || {
        let id: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
        Ok((id, migrations::version(connection)?))
    };
    let (id, found) =
        look().map_err(|error: rusqlite::Error| fault::told(&path.into(), error.into()))?;
    let known = migrations::latest();
    let store = StoreName::from(path);
    if id != APPLICATION_ID {
        return Err(StoreError::Foreign { store });
    }
    if found > known {
        return Err(StoreError::TooNew {
            store,
            found,
            known,
        });
    }
    Ok(())
}

fn copy(source: &Connection) -> rusqlite::Result<Connection> {
    let mut copy = Connection::open("")?;
    let backup = Backup::new(source, &mut copy)?;
    match backup.step(-1)? {
        StepResult::Done => {}
        _ => {
            return Err(rusqlite::Error::SqliteFailure(
                rusqlite::ffi::Error {
                    code: ErrorCode::DatabaseBusy,
                    extended_code: rusqlite::ffi::SQLITE_BUSY,
                },
                None,
            ));
        }
    }
    drop(backup);
    Ok(copy)
}

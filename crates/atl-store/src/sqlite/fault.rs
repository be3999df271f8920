//! What an error of SQLite means for a user.

use rusqlite::ErrorCode;

use crate::StoreError;
use crate::sql::Fault;
use crate::url::StoreName;

/// Extended codes of I/O errors that are about writing; SQLite has them for a file size limit, a quota or a failing
/// disk, and `SQLITE_FULL` for a full one.
const WRITING: [i32; 7] = [
    rusqlite::ffi::SQLITE_IOERR_WRITE,
    rusqlite::ffi::SQLITE_IOERR_FSYNC,
    rusqlite::ffi::SQLITE_IOERR_DIR_FSYNC,
    rusqlite::ffi::SQLITE_IOERR_TRUNCATE,
    rusqlite::ffi::SQLITE_IOERR_SHMOPEN,
    rusqlite::ffi::SQLITE_IOERR_SHMSIZE,
    rusqlite::ffi::SQLITE_IOERR_SHMMAP,
];

/// The error of a store.
pub(super) fn told(store: &StoreName, error: Fault) -> StoreError {
    let error = match error {
        Fault::Sqlite(error) => error,
        Fault::Unreadable(column) => {
            return StoreError::Damaged {
                store: store.clone(),
                reason: format!("column `{column}` is unreadable"),
            };
        }
        Fault::Postgres(error) => {
            return StoreError::Database {
                store: store.clone(),
                source: error.into(),
            };
        }
        Fault::OtherBackend | Fault::Lost => {
            return StoreError::ConnectionLost {
                store: store.clone(),
                source: None,
            };
        }
    };
    let code = error.sqlite_error_code();
    let extended = error.sqlite_error().map(|error| error.extended_code);
    let store = store.clone();
    match (code, extended) {
        (Some(ErrorCode::NotADatabase), _) => StoreError::Foreign { store },
        (Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked), _) => {
            StoreError::Busy { store }
        }
        (Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied), _) => {
            StoreError::Denied {
                path: store.path(),
                source: error.into(),
            }
        }
        (Some(ErrorCode::DiskFull), _) => StoreError::Full {
            path: store.path(),
            source: error.into(),
        },
        (Some(ErrorCode::SystemIoFailure), Some(extended)) if WRITING.contains(&extended) => {
            StoreError::Full {
                path: store.path(),
                source: error.into(),
            }
        }
        (Some(ErrorCode::DatabaseCorrupt), _) => StoreError::Damaged {
            store,
            reason: error.to_string(),
        },
        _ => StoreError::Database {
            store,
            source: error.into(),
        },
    }
}

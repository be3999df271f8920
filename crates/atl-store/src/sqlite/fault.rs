//! What an error of SQLite means for a user.

use std::path::Path;

use rusqlite::{Error, ErrorCode};

use crate::StoreError;

/// Extended codes of I/O errors that are about writing; SQLite has them for a file size limit, a quota or a failing
/// disk, and `SQLITE_FULL` for a full one.
const WRITING: [i32; 6] = [
    rusqlite::ffi::SQLITE_IOERR_WRITE,
    rusqlite::ffi::SQLITE_IOERR_FSYNC,
    rusqlite::ffi::SQLITE_IOERR_DIR_FSYNC,
    rusqlite::ffi::SQLITE_IOERR_TRUNCATE,
    rusqlite::ffi::SQLITE_IOERR_SHMSIZE,
    rusqlite::ffi::SQLITE_IOERR_SHMMAP,
];

/// The error of a store at `path`.
pub(super) fn told(path: &Path, error: Error) -> StoreError {
    let path = path.to_owned();
    let code = error.sqlite_error_code();
    let extended = error.sqlite_error().map(|error| error.extended_code);
    match (code, extended) {
        (Some(ErrorCode::NotADatabase), _) => StoreError::Foreign { path },
        (Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked), _) => StoreError::Busy { path },
        (Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied), _) => {
            StoreError::Denied {
                path,
                source: error.into(),
            }
        }
        (Some(ErrorCode::DiskFull), _) => StoreError::Full {
            path,
            source: error.into(),
        },
        (Some(ErrorCode::SystemIoFailure), Some(extended)) if WRITING.contains(&extended) => {
            StoreError::Full {
                path,
                source: error.into(),
            }
        }
        (Some(ErrorCode::DatabaseCorrupt), _) => damaged(path, &error),
        (None, _) if is_about_a_value(&error) => damaged(path, &error),
        _ => StoreError::Database {
            path,
            source: error.into(),
        },
    }
}

fn damaged(path: std::path::PathBuf, error: &Error) -> StoreError {
    StoreError::Damaged {
        path,
        reason: error.to_string(),
    }
}

/// A value in a row that this tool did not write.
fn is_about_a_value(error: &Error) -> bool {
    matches!(
        error,
        Error::FromSqlConversionFailure(..)
            | Error::IntegralValueOutOfRange(..)
            | Error::InvalidColumnType(..)
            | Error::QueryReturnedNoRows
    )
}

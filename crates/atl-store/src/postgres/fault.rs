//! What an error of PostgreSQL, or of the connection to it, means for a user.

use postgres::Error;
use postgres::error::SqlState;

use crate::StoreError;
use crate::sql::Fault;
use crate::url::StoreName;

/// Whether the connection is gone with it.
pub(super) fn is_lost(fault: &Fault) -> bool {
    match fault {
        Fault::Lost => true,
        Fault::Postgres(error) => ends_connection(error),
        _ => false,
    }
}

/// The same of an error of the library.
pub(super) fn ends_connection(error: &Error) -> bool {
    let ended = error.code().is_some_and(|code| {
        code.code().starts_with("08")
            || [
                SqlState::ADMIN_SHUTDOWN,
                SqlState::CRASH_SHUTDOWN,
                SqlState::IDLE_SESSION_TIMEOUT,
                SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
            ]
            .contains(code)
    });
    ended || error.is_closed() || has_io_cause(error)
}

fn has_io_cause(error: &Error) -> bool {
    std::error::Error::source(error).is_some_and(<dyn std::error::Error>::is::<std::io::Error>)
}

/// What went wrong while a connection was made.
pub(super) fn connecting(store: StoreName, error: Error) -> StoreError {
    if error.code().is_some() {
        return told(&store, Fault::Postgres(error));
    }
    let stage = Stage::of(&error);
    let source = error.into();
    match stage {
        Stage::Tls => StoreError::Tls { store, source },
        Stage::SignIn => StoreError::Refused { store, source },
        Stage::Reach => StoreError::Unreachable { store, source },
    }
}

/// How far a connection came that the server said nothing of.
pub(super) enum Stage {
    /// To the server, perhaps.
    Reach,
    /// To TLS.
    Tls,
    /// To signing in.
    SignIn,
}

impl Stage {
    /// The library says what it was doing only in words.
    pub(super) fn of(error: &Error) -> Self {
        let text = error.to_string();
        if text.contains("TLS") {
            Self::Tls
        } else if text.contains("authentication") || text.contains("configuration") {
            Self::SignIn
        } else {
            Self::Reach
        }
    }
}

/// The error of a store.
pub(super) fn told(store: &StoreName, fault: Fault) -> StoreError {
    let store = store.clone();
    let lost = is_lost(&fault);
    let error = match fault {
        Fault::Unreadable(column) => {
            let reason = format!("column `{column}` is unreadable");
            return StoreError::Damaged { store, reason };
        }
        Fault::OtherBackend => return StoreError::Pooled { store },
        Fault::Lost => {
            let source = None;
            return StoreError::ConnectionLost { store, source };
        }
        Fault::Sqlite(error) => {
            let source = error.into();
            return StoreError::Database { store, source };
        }
        Fault::Postgres(error) => error,
    };
    if lost {
        let source = Some(error.into());
        return StoreError::ConnectionLost { store, source };
    }
    let code = error.code().cloned();
    let source = error.into();
    let Some(code) = code else {
        return StoreError::Database { store, source };
    };
    if [SqlState::LOCK_NOT_AVAILABLE, SqlState::QUERY_CANCELED].contains(&code)
        || code.code().starts_with("40")
    {
        return StoreError::Busy { store };
    }
    if [SqlState::DISK_FULL, SqlState::OUT_OF_MEMORY].contains(&code) {
        return StoreError::NoRoom { store, source };
    }
    let refused = [
        SqlState::INSUFFICIENT_PRIVILEGE,
        SqlState::READ_ONLY_SQL_TRANSACTION,
        SqlState::INVALID_CATALOG_NAME,
        SqlState::TOO_MANY_CONNECTIONS,
    ];
    if refused.contains(&code) || code.code().starts_with("28") {
        return StoreError::Refused { store, source };
    }
    StoreError::Database { store, source }
}

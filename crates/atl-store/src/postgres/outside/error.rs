//! What can go wrong with another program's database, and what to do about it. No password is in any of it.

use std::time::Duration;

use postgres::Error;
use postgres::error::SqlState;

use crate::StoreError;
use crate::error::Cause;
use crate::postgres::connection::NotConnected;
use crate::postgres::fault::{self, Stage};

/// Why another program's database was not read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OutsideError {
    /// The URL is not one.
    #[error("the URL of the database is not understood: {reason}")]
    InvalidUrl {
        /// What is wrong with it; nothing of the URL after its scheme, which may hold credentials.
        reason: String,
    },
    /// The URL names another kind of database.
    #[error("a database of `{scheme}:` cannot be read from here")]
    NotPostgres {
        /// The scheme of the URL.
        scheme: String,
    },
    /// The database server could not be reached.
    #[error("the database `{database}` could not be reached")]
    Unreachable {
        /// The database.
        database: String,
        /// The cause.
        #[source]
        source: Cause,
    },
    /// TLS could not be set up as the URL asks for.
    #[error("there is no secure connection to the database `{database}`")]
    Tls {
        /// The database.
        database: String,
        /// The cause.
        #[source]
        source: Cause,
    },
    /// The database server does not let this user in, or not do this.
    #[error("the database `{database}` refused")]
    Refused {
        /// The database.
        database: String,
        /// The cause.
        #[source]
        source: Cause,
    },
    /// This user may not read a table.
    #[error("`{user}` may not read `{table}` of the database `{database}`")]
    NoRight {
        /// The database.
        database: String,
        /// The table, with its schema.
        table: String,
        /// The user of the database.
        user: String,
        /// What gives the right.
        grant: String,
    },
    /// There is no such table or column.
    #[error("the database `{database}` has no {what}")]
    NoSuch {
        /// The database.
        database: String,
        /// What is missing.
        what: String,
    },
    /// An answer took too long.
    #[error("the database `{database}` took longer than {} s over one answer", limit.as_secs_f64())]
    TooSlow {
        /// The database.
        database: String,
        /// How long it may take.
        limit: Duration,
    },
    /// Something else was in the way: a lock, or what a replica had to replay.
    #[error("the database `{database}` gave way to something else")]
    Busy {
        /// The database.
        database: String,
        /// The cause.
        #[source]
        source: Cause,
    },
    /// The connection was lost in the middle.
    #[error("the connection to the database `{database}` was lost")]
    Lost {
        /// The database.
        database: String,
        /// The cause.
        #[source]
        source: Cause,
    },
    /// A value is of another type than it was asked for.
    #[error("column {column} of an answer of the database `{database}` is unreadable")]
    Unreadable {
        /// The database.
        database: String,
        /// Which one, from 0.
        column: usize,
    },
    /// The database did not answer for another reason.
    #[error("the database `{database}` could not be read")]
    Failed {
        /// The database.
        database: String,
        /// The cause.
        #[source]
        source: Cause,
    },
}

impl OutsideError {
    /// What is wrong with a URL; nothing of it is repeated.
    pub(super) fn url(error: &StoreError) -> Self {
        let reason = match error {
            StoreError::InvalidUrl { reason } => reason.clone(),
            other => other.to_string(),
        };
        Self::InvalidUrl { reason }
    }

    /// What went wrong while the connection was made.
    pub(super) fn connecting(database: &str, why: NotConnected) -> Self {
        let error = match why {
            NotConnected::Tls(source) => {
                let database = database.to_owned();
                return Self::Tls { database, source };
            }
            NotConnected::Failed(error) if error.code().is_some() => {
                return Self::answered(database, Duration::ZERO, error);
            }
            NotConnected::Failed(error) => error,
        };
        let database = database.to_owned();
        let stage = Stage::of(&error);
        let source = error.into();
        match stage {
            Stage::Tls => Self::Tls { database, source },
            Stage::SignIn => Self::Refused { database, source },
            Stage::Reach => Self::Unreachable { database, source },
        }
    }

    /// What went wrong in a query that may take so long.
    pub(super) fn answered(database: &str, limit: Duration, error: Error) -> Self {
        let database = database.to_owned();
        let code = error.code().cloned();
        let lost = fault::ends_connection(&error);
        let what = error.as_db_error().map(|told| told.message().to_owned());
        let source: Cause = error.into();
        let Some(code) = code else {
            return if lost {
                Self::Lost { database, source }
            } else {
                Self::Failed { database, source }
            };
        };
        let is = |codes: &[SqlState]| codes.contains(&code);
        if lost {
            Self::Lost { database, source }
        } else if is(&[SqlState::QUERY_CANCELED]) {
            Self::TooSlow { database, limit }
        } else if is(&[SqlState::LOCK_NOT_AVAILABLE]) || code.code().starts_with("40") {
            Self::Busy { database, source }
        } else if is(&[
            SqlState::UNDEFINED_TABLE,
            SqlState::UNDEFINED_COLUMN,
            SqlState::INVALID_SCHEMA_NAME,
        ]) {
            let what = what.unwrap_or_default();
            let what = format!("such table or column: {what}");
            Self::NoSuch { database, what }
        } else if code.code().starts_with("28")
            || is(&[
                SqlState::INSUFFICIENT_PRIVILEGE,
                SqlState::READ_ONLY_SQL_TRANSACTION,
                SqlState::INVALID_CATALOG_NAME,
                SqlState::TOO_MANY_CONNECTIONS,
            ])
        {
            Self::Refused { database, source }
        } else {
            Self::Failed { database, source }
        }
    }

    /// A stable `snake_case` name for scripts.
    pub fn code(&self) -> &'static str {
        match self {
            Self::InvalidUrl { .. } => "database_url_invalid",
            Self::NotPostgres { .. } => "database_unsupported",
            Self::Unreachable { .. } => "database_unreachable",
            Self::Tls { .. } => "database_tls",
            Self::Refused { .. } => "database_refused",
            Self::NoRight { .. } => "database_no_right",
            Self::NoSuch { .. } => "database_schema",
            Self::TooSlow { .. } => "database_too_slow",
            Self::Busy { .. } => "database_busy",
            Self::Lost { .. } => "database_connection_lost",
            Self::Unreadable { .. } | Self::Failed { .. } => "database_failed",
        }
    }

    /// What to do about it.
    pub fn advice(&self) -> String {
        match self {
            Self::InvalidUrl { .. } => "write `database: ${env:NAME}` in the fleet file, and `postgres://USER:PASSWORD@HOST/DATABASE` into that variable".into(),
            Self::NotPostgres { scheme } if scheme == "jdbc" => "write it as `postgres://USER:PASSWORD@HOST/DATABASE`, without `jdbc:`; for MySQL, Oracle and SQL Server use `tokens sql` and `tokens import`".into(),
            Self::NotPostgres { .. } => "only PostgreSQL is read from here: use `tokens sql` and `tokens import` for MySQL, Oracle and SQL Server".into(),
            Self::Unreachable { .. } => "check host and port of `database` in the fleet file, that the database server runs, and that it may be reached from here".into(),
            Self::Tls { .. } => "check `sslmode` and `sslrootcert` in the URL: without `sslmode` a database on another host needs TLS with a certificate of its name, from an authority of the system or of `sslrootcert`".into(),
            Self::Refused { .. } => "check user, password and database in the URL, and what this user may read".into(),
            Self::NoRight { grant, .. } => format!("let the owner of the database run: {grant}"),
            Self::NoSuch { .. } => "check that `database` in the fleet file is the database of this server, and of a version that has these tables".into(),
            Self::TooSlow { .. } => "run it again when the database has less to do, or read from a replica".into(),
            Self::Busy { .. } => "run it again; on a replica, `hot_standby_feedback` keeps it from giving way".into(),
            Self::Lost { .. } => "run it again; look at the log of the database server where it stays so".into(),
            Self::Unreadable { .. } | Self::Failed { .. } => "look at the log of the database server, and please report this where it says nothing".into(),
        }
    }
}

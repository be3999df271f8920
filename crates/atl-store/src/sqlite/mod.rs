//! The store in one SQLite file.
//!
//! The file is in WAL mode with `synchronous = FULL`: a commit is one flush instead of the four of a rollback journal,
//! those who look do not wait for those who write, and a kill at any point leaves the last whole transaction.

mod copied;
mod fault;
mod file;
mod migrations;
mod session;

use rusqlite::{Connection, ErrorCode, TransactionBehavior};

pub(crate) use copied::TABLES;
pub(crate) use migrations::latest;

use crate::StoreError;
use crate::sql::{Fault, Sql};
use crate::url::StoreName;
use session::Session;

/// An open store, or a copy of one to look at.
pub(crate) struct Sqlite {
    name: StoreName,
    connection: Connection,
    /// A copy, which must not be written: it would be lost.
    looking: bool,
}

impl Sqlite {
    /// Reads.
    pub(crate) fn read<T>(
        &self,
        work: impl FnOnce(&mut dyn Sql) -> Result<T, Fault>,
    ) -> Result<T, StoreError> {
        work(&mut Session(&self.connection)).map_err(|error| self.fault(error))
    }

    /// Writes in one transaction, which keeps other writers out from its beginning.
    pub(crate) fn write<T>(
        &mut self,
        work: impl FnOnce(&mut dyn Sql) -> Result<T, Fault>,
    ) -> Result<T, StoreError> {
        self.transact(|connection| work(&mut Session(connection)))
    }

    fn transact<T>(
        &mut self,
        work: impl FnOnce(&Connection) -> Result<T, Fault>,
    ) -> Result<T, StoreError> {
        let transact = || {
            let transaction = self
                .connection
                .transaction_with_behavior(TransactionBehavior::Immediate)?;
            let value = work(&transaction)?;
            transaction.commit()?;
            Ok(value)
        };
        transact().map_err(|error| self.fault(error))
    }

    /// Brings the schema up to date.
    pub(crate) fn migrate(&mut self) -> Result<(), StoreError> {
        let of_sqlite = |error: rusqlite::Error| fault::told(&self.name, error.into());
        if !self.looking {
            file::durable(&self.connection).map_err(of_sqlite)?;
        }
        if migrations::version(&self.connection).map_err(of_sqlite)? < latest() {
            self.transact(|connection| Ok(migrations::run(connection)?))?;
        }
        self.connection
            .pragma_update(None, "query_only", self.looking)
            .map_err(|error| self.fault(error.into()))
    }

    fn fault(&self, error: Fault) -> StoreError {
        match &error {
            Fault::Sqlite(error)
                if self.looking && error.sqlite_error_code() == Some(ErrorCode::ReadOnly) =>
            {
                let store = self.name.clone();
                StoreError::LookingOnly { store }
            }
            _ => fault::told(&self.name, error),
        }
    }
}

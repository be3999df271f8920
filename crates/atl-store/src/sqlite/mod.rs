//! The store in one SQLite file.
//!
//! The file is in WAL mode with `synchronous = FULL`: a commit is one flush instead of the four of a rollback journal,
//! those who look do not wait for those who write, and a kill at any point leaves the last whole transaction.

mod fault;
mod file;
mod migrations;
mod tables;

use std::path::PathBuf;

use atl_keys::Fingerprint;
use jiff::Timestamp;
use rusqlite::{Connection, ErrorCode, TransactionBehavior};

use crate::StoreError;
use crate::database::{Database, SealedKeypair};
use crate::grants::{GrantRow, GrantState};
use crate::journal::{JournalRow, Outcome, Step};
use crate::rows::{KeyState, KeypairRow, LinkMade, Registration};
use crate::seal::SealHeader;

/// An open store, or a copy of one in memory to look at.
pub(crate) struct Sqlite {
    path: PathBuf,
    connection: Connection,
    /// A copy in memory, which must not be written: it would be lost.
    looking: bool,
}

impl Sqlite {
    /// Reads.
    fn read<T>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        work(&self.connection).map_err(|error| self.fault(error))
    }

    /// Writes in one transaction, which keeps other writers out from its beginning.
    fn write<T>(
        &mut self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
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

    fn fault(&self, error: rusqlite::Error) -> StoreError {
        if self.looking && error.sqlite_error_code() == Some(ErrorCode::ReadOnly) {
            let path = self.path.clone();
            return StoreError::LookingOnly { path };
        }
        fault::told(&self.path, error)
    }
}

impl Database for Sqlite {
    fn seal_header(&mut self) -> Result<SealHeader, StoreError> {
        self.read(tables::seal_header)
    }

    fn migrate(&mut self) -> Result<(), StoreError> {
        if !self.looking {
            self.read(file::durable)?;
        }
        if self.read(migrations::version)? < migrations::latest() {
            self.write(migrations::run)?;
        }
        self.read(|connection| connection.pragma_update(None, "query_only", self.looking))
    }

    fn keypairs(&mut self) -> Result<Vec<KeypairRow>, StoreError> {
        self.read(tables::keypairs)
    }

    fn sealed_keypair(
        &mut self,
        fingerprint: &Fingerprint,
    ) -> Result<Option<SealedKeypair>, StoreError> {
        self.read(|connection| tables::sealed_keypair(connection, fingerprint))
    }

    fn add_keypair(&mut self, row: &KeypairRow, sealed: &[u8]) -> Result<KeypairRow, StoreError> {
        self.write(|connection| tables::add_keypair(connection, row, sealed))
    }

    fn keypair_or_add(
        &mut self,
        row: &KeypairRow,
        sealed: &[u8],
    ) -> Result<KeypairRow, StoreError> {
        self.write(
            |connection| match tables::newest_keypair(connection, &row.consumer)? {
                Some(kept) => Ok(kept),
                None => tables::add_keypair(connection, row, sealed),
            },
        )
    }

    fn set_keypair_state(
        &mut self,
        fingerprint: &Fingerprint,
        state: KeyState,
    ) -> Result<bool, StoreError> {
        self.write(|connection| tables::set_keypair_state(connection, fingerprint, state))
    }

    fn delete_keypair(&mut self, fingerprint: &Fingerprint) -> Result<bool, StoreError> {
        self.write(|connection| tables::delete_keypair(connection, fingerprint))
    }

    fn registrations(&mut self) -> Result<Vec<Registration>, StoreError> {
        self.read(tables::registrations)
    }

    fn put_registration(&mut self, registration: &Registration) -> Result<(), StoreError> {
        self.write(|connection| tables::put_registration(connection, registration))
    }

    fn delete_registration(&mut self, consumer: &str, server_url: &str) -> Result<(), StoreError> {
        self.write(|connection| tables::delete_registration(connection, consumer, server_url))
    }

    fn links(&mut self) -> Result<Vec<LinkMade>, StoreError> {
        self.read(tables::links)
    }

    fn add_link(&mut self, link: &LinkMade) -> Result<(), StoreError> {
        self.write(|connection| tables::add_link(connection, link))
    }

    fn delete_link(&mut self, server_url: &str, link_id: &str) -> Result<(), StoreError> {
        self.write(|connection| tables::delete_link(connection, server_url, link_id))
    }

    fn grants(&mut self) -> Result<Vec<GrantRow>, StoreError> {
        self.read(tables::grants::grants)
    }

    fn sealed_grant(&mut self, id: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.read(|connection| tables::grants::sealed_grant(connection, id))
    }

    fn put_grant(
        &mut self,
        row: &GrantRow,
        sealed: &[u8],
        instead_of: &[&str],
    ) -> Result<(), StoreError> {
        self.write(|connection| {
            for id in instead_of {
                tables::grants::delete_grant(connection, id)?;
            }
            tables::grants::put_grant(connection, row, sealed)
        })
    }

    fn set_grant_state(
        &mut self,
        id: &str,
        state: GrantState,
        checked: Timestamp,
        note: Option<&str>,
    ) -> Result<bool, StoreError> {
        self.write(|connection| {
            tables::grants::set_grant_state(connection, id, state, checked, note)
        })
    }

    fn delete_grant(&mut self, id: &str) -> Result<bool, StoreError> {
        self.write(|connection| tables::grants::delete_grant(connection, id))
    }

    fn begin(&mut self, step: &Step, started: Timestamp) -> Result<i64, StoreError> {
        self.write(|connection| tables::begin(connection, step, started))
    }

    fn finish(
        &mut self,
        id: i64,
        outcome: &Outcome,
        finished: Timestamp,
    ) -> Result<bool, StoreError> {
        self.write(|connection| tables::finish(connection, id, outcome, finished))
    }

    fn journal(&mut self, limit: usize) -> Result<Vec<JournalRow>, StoreError> {
        self.read(|connection| tables::journal(connection, limit))
    }

    fn open_steps(&mut self) -> Result<Vec<JournalRow>, StoreError> {
        self.read(tables::open_steps)
    }
}

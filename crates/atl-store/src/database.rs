//! The row-level operations of a store, on either kind of database. Secrets reach it sealed.

use atl_keys::Fingerprint;
use jiff::Timestamp;

use crate::StoreError;
use crate::audits::{AuditKind, AuditMade, AuditRow};
use crate::grants::{GrantRow, GrantState};
use crate::imports::ImportRow;
use crate::journal::{JournalRow, Outcome, Step};
use crate::postgres::Postgres;
use crate::rows::{KeyState, KeypairRow, LinkMade, Registration};
use crate::seal::SealHeader;
use crate::sql::{Fault, Sql};
use crate::sqlite::Sqlite;
use crate::tables;

/// The private half of a keypair as it is kept, and the consumer it is sealed for.
pub(crate) struct SealedKeypair {
    pub(crate) consumer: String,
    pub(crate) sealed: Vec<u8>,
}

/// An open store. Each method is one transaction, and what it wrote is durable when it returns.
pub(crate) enum Database {
    /// A file, or a copy of a store to look at.
    Sqlite(Sqlite),
    /// A team's.
    Postgres(Box<Postgres>),
}

impl Database {
    fn read<T>(
        &mut self,
        work: impl Fn(&mut dyn Sql) -> Result<T, Fault>,
    ) -> Result<T, StoreError> {
        match self {
            Self::Sqlite(sqlite) => sqlite.read(work),
            Self::Postgres(postgres) => postgres.read(work),
        }
    }

    /// Works in one transaction.
    pub(crate) fn write<T>(
        &mut self,
        work: impl FnOnce(&mut dyn Sql) -> Result<T, Fault>,
    ) -> Result<T, StoreError> {
        match self {
            Self::Sqlite(sqlite) => sqlite.write(work),
            Self::Postgres(postgres) => postgres.write(work),
        }
    }

    /// What the store says about its key; readable in every schema version.
    pub(crate) fn seal_header(&mut self) -> Result<SealHeader, StoreError> {
        self.read(tables::seal_header)
    }

    /// Makes the store ready to work with: the schema is brought up to date. Nothing is changed before.
    pub(crate) fn migrate(&mut self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(sqlite) => sqlite.migrate(),
            Self::Postgres(postgres) => postgres.migrate(),
        }
    }

    /// All keypairs, oldest first.
    pub(crate) fn keypairs(&mut self) -> Result<Vec<KeypairRow>, StoreError> {
        self.read(tables::keypairs)
    }

    /// The sealed private half.
    pub(crate) fn sealed_keypair(
        &mut self,
        fingerprint: &Fingerprint,
    ) -> Result<Option<SealedKeypair>, StoreError> {
        self.read(|sql| tables::sealed_keypair(sql, fingerprint))
    }

    /// Adds a keypair, or returns the row of that fingerprint.
    pub(crate) fn add_keypair(
        &mut self,
        row: &KeypairRow,
        sealed: &[u8],
    ) -> Result<KeypairRow, StoreError> {
        self.write(|sql| tables::add_keypair(sql, row, sealed))
    }

    /// Returns the consumer's newest keypair that is not retired, or does as `add_keypair`.
    pub(crate) fn keypair_or_add(
        &mut self,
        row: &KeypairRow,
        sealed: &[u8],
    ) -> Result<KeypairRow, StoreError> {
        self.write(|sql| tables::keypair_or_add(sql, row, sealed))
    }

    /// Whether there was such a keypair.
    pub(crate) fn set_keypair_state(
        &mut self,
        fingerprint: &Fingerprint,
        state: KeyState,
    ) -> Result<bool, StoreError> {
        self.write(|sql| tables::set_keypair_state(sql, fingerprint, state))
    }

    /// Deletes a retired keypair; whether there was one.
    pub(crate) fn delete_keypair(&mut self, fingerprint: &Fingerprint) -> Result<bool, StoreError> {
        self.write(|sql| tables::delete_keypair(sql, fingerprint))
    }

    /// All registrations, by server and consumer.
    pub(crate) fn registrations(&mut self) -> Result<Vec<Registration>, StoreError> {
        self.read(tables::registrations)
    }

    /// Adds or replaces the registration of (consumer, server URL).
    pub(crate) fn put_registration(
        &mut self,
        registration: &Registration,
    ) -> Result<(), StoreError> {
        self.write(|sql| tables::put_registration(sql, registration))
    }

    /// Removes it, where there is one.
    pub(crate) fn delete_registration(
        &mut self,
        consumer: &str,
        server_url: &str,
    ) -> Result<(), StoreError> {
        self.write(|sql| tables::delete_registration(sql, consumer, server_url))
    }

    /// All links made, oldest first.
    pub(crate) fn links(&mut self) -> Result<Vec<LinkMade>, StoreError> {
        self.read(tables::links)
    }

    /// Adds a link, unless (server URL, link) is there.
    pub(crate) fn add_link(&mut self, link: &LinkMade) -> Result<(), StoreError> {
        self.write(|sql| tables::add_link(sql, link))
    }

    /// Removes it, where there is one.
    pub(crate) fn delete_link(
        &mut self,
        server_url: &str,
        link_id: &str,
    ) -> Result<(), StoreError> {
        self.write(|sql| tables::delete_link(sql, server_url, link_id))
    }

    /// All grants, by server, consumer and user.
    pub(crate) fn grants(&mut self) -> Result<Vec<GrantRow>, StoreError> {
        self.read(tables::grants::grants)
    }

    /// The sealed part of a grant.
    pub(crate) fn sealed_grant(&mut self, id: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.read(|sql| tables::grants::sealed_grant(sql, id))
    }

    /// Adds a grant in place of those with these ids, all in one transaction.
    pub(crate) fn put_grant(
        &mut self,
        row: &GrantRow,
        sealed: &[u8],
        instead_of: &[&str],
    ) -> Result<(), StoreError> {
        self.write(|sql| tables::grants::put_grant(sql, row, sealed, instead_of))
    }

    /// Whether there was such a grant.
    pub(crate) fn set_grant_state(
        &mut self,
        id: &str,
        state: GrantState,
        checked: Timestamp,
        note: Option<&str>,
    ) -> Result<bool, StoreError> {
        self.write(|sql| tables::grants::set_grant_state(sql, id, state, checked, note))
    }

    /// Whether there was such a grant.
    pub(crate) fn delete_grant(&mut self, id: &str) -> Result<bool, StoreError> {
        self.write(|sql| tables::grants::delete_grant(sql, id))
    }

    /// The newest audit, or the newest one that is not newer than `until`.
    pub(crate) fn last_audit(
        &mut self,
        until: Option<Timestamp>,
    ) -> Result<Option<AuditMade>, StoreError> {
        self.read(|sql| tables::audits::last(sql, until))
    }

    /// The next rows of an audit behind a key.
    pub(crate) fn audit_rows(
        &mut self,
        number: i64,
        kind: AuditKind,
        after: &str,
    ) -> Result<Vec<AuditRow>, StoreError> {
        self.read(|sql| tables::audits::rows(sql, number, kind, after))
    }

    /// All imports, by server.
    pub(crate) fn imports(&mut self) -> Result<Vec<ImportRow>, StoreError> {
        self.read(tables::imports::imports)
    }

    /// A pack of an import.
    pub(crate) fn import_pack(
        &mut self,
        import: &ImportRow,
        number: i64,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        self.read(|sql| tables::imports::pack(sql, import, number))
    }

    /// Puts an import in the place of the former one of its server.
    pub(crate) fn put_import(
        &mut self,
        import: &ImportRow,
        packs: &[Vec<u8>],
    ) -> Result<(), StoreError> {
        self.write(|sql| tables::imports::put_import(sql, import, packs))
    }

    /// Adds an open step; returns its number.
    pub(crate) fn begin(&mut self, step: &Step, started: Timestamp) -> Result<i64, StoreError> {
        self.write(|sql| tables::journal::begin(sql, step, started))
    }

    /// Ends an open step; whether there was one.
    pub(crate) fn finish(
        &mut self,
        id: i64,
        outcome: &Outcome,
        finished: Timestamp,
    ) -> Result<bool, StoreError> {
        self.write(|sql| tables::journal::finish(sql, id, outcome, finished))
    }

    /// The newest steps, newest first.
    pub(crate) fn journal(&mut self, limit: usize) -> Result<Vec<JournalRow>, StoreError> {
        self.read(|sql| tables::journal::journal(sql, limit))
    }

    /// Open steps, oldest first.
    pub(crate) fn open_steps(&mut self) -> Result<Vec<JournalRow>, StoreError> {
        self.read(tables::journal::open_steps)
    }
}

//! The store of a team: the schema `atl_admin` of a PostgreSQL database.
//!
//! All work goes over one connection, since the locks on consumers belong to it. Where it is lost while a lock is held,
//! every call fails until all locks of that time are dropped: what was guarded by them is no longer guarded. Otherwise
//! the next call connects anew.

mod connection;
mod fault;
mod locks;
mod look;
mod migrations;
mod outside;
mod session;
mod tls;
mod url;

use std::collections::HashSet;

pub use outside::{OutsideColumn, OutsideDatabase, OutsideError, OutsideRow, OutsideTable};
pub use url::PostgresUrl;

use crate::seal::SealHeader;
use crate::sql::{Fault, Row, Sql};
use crate::sqlite::TABLES;
use crate::url::StoreName;
use crate::{StoreError, tables};
use migrations::Found;
use session::Session;

/// Keeps two processes from making or migrating a store at once, until the transaction ends.
const SCHEMA_LOCK: &str = "SELECT pg_advisory_xact_lock(4707192170917838849)";

/// An open store.
pub(crate) struct Postgres {
    url: PostgresUrl,
    name: StoreName,
    /// `None` where it was lost.
    session: Option<Session>,
    /// The locks that the session holds, or held when it was lost.
    held: HashSet<i64>,
    /// The key check value, to see that it is the same store after a loss.
    check: Option<Vec<u8>>,
}

/// Whether there is a store that this version can work with.
fn is_made(name: &StoreName, found: Found) -> Result<bool, StoreError> {
    let store = name.clone();
    let known = migrations::latest();
    match found {
        Found::Nothing => Ok(false),
        Found::Foreign => Err(StoreError::Foreign { store }),
        Found::Version(found) if found > known => Err(StoreError::TooNew {
            store,
            found,
            known,
        }),
        Found::Version(_) => Ok(true),
    }
}

impl Postgres {
    /// Connects to work; nothing is changed before `create` or `migrate`.
    pub(crate) fn open(url: &PostgresUrl) -> Result<Self, StoreError> {
        let (client, backend) = connection::connect_to_work(url)?;
        Ok(Self {
            url: url.clone(),
            name: url.name(),
            session: Some(Session::new(client, backend)),
            held: HashSet::new(),
            check: None,
        })
    }

    /// Whether there is a store.
    pub(crate) fn is_made(&mut self) -> Result<bool, StoreError> {
        let found = self.on_session(|session| migrations::version(&mut session.client))?;
        is_made(&self.name, found)
    }

    /// Makes a store; where another process was first, does nothing.
    pub(crate) fn create(&mut self, header: &SealHeader) -> Result<(), StoreError> {
        self.make(|session| tables::put_seal_header(session, header))
            .map(drop)
    }

    /// Makes a store of these rows of `TABLES`; an error where there is one.
    pub(crate) fn create_with(&mut self, rows: &[Vec<Row>]) -> Result<(), StoreError> {
        let made = self.make(|session| {
            for ((table, _), rows) in TABLES.iter().zip(rows) {
                for row in rows {
                    session.insert(table, row)?;
                }
            }
            // What is added later is numbered from there.
            for (table, number) in [
                ("keypairs", "number"),
                ("links", "number"),
                ("journal", "id"),
                ("grants", "number"),
            ] {
                session.client.batch_execute(&format!(
                    "SELECT setval(pg_get_serial_sequence('atl_admin.{table}', '{number}'), m)
                     FROM (SELECT max({number}) AS m FROM {table}) AS t WHERE m IS NOT NULL"
                ))?;
            }
            Ok(())
        })?;
        if made {
            return Ok(());
        }
        Err(StoreError::NotEmpty {
            store: self.name.clone(),
        })
    }

    /// Makes the tables and fills them, in one transaction; whether there was no store.
    fn make(
        &mut self,
        fill: impl FnOnce(&mut Session) -> Result<(), Fault>,
    ) -> Result<bool, StoreError> {
        self.transact(|session| {
            session.client.simple_query(SCHEMA_LOCK)?;
            if migrations::version(&mut session.client)? != Found::Nothing {
                return Ok(false);
            }
            let schema = "SELECT 1 FROM pg_namespace WHERE nspname = 'atl_admin'";
            if session.client.query_typed_opt(schema, &[])?.is_none() {
                session.client.batch_execute("CREATE SCHEMA atl_admin")?;
            }
            migrations::run(&mut session.client, 0)?;
            fill(session)?;
            Ok(true)
        })
    }

    /// Brings the schema up to date.
    pub(crate) fn migrate(&mut self) -> Result<(), StoreError> {
        self.check = Some(self.read(tables::seal_header)?.check);
        let old = |found| matches!(found, Found::Version(found) if found < migrations::latest());
        if !old(self.on_session(|session| migrations::version(&mut session.client))?) {
            return Ok(());
        }
        self.transact(|session| {
            session.client.simple_query(SCHEMA_LOCK)?;
            match migrations::version(&mut session.client)? {
                Found::Version(found) => migrations::run(&mut session.client, found),
                Found::Nothing | Found::Foreign => Err(Fault::Unreadable("version")),
            }
        })
    }

    /// Reads; where the connection turns out to be lost and nothing depends on it, once more on a new one.
    pub(crate) fn read<T>(
        &mut self,
        work: impl Fn(&mut dyn Sql) -> Result<T, Fault>,
    ) -> Result<T, StoreError> {
        self.connected()?;
        let first = self.attempt(|session| work(session));
        match first {
            Err(fault) if fault::is_lost(&fault) && self.held.is_empty() => {
                self.connected()?;
                self.attempt(|session| work(session))
                    .map_err(|fault| self.told(fault))
            }
            result => result.map_err(|fault| self.told(fault)),
        }
    }

    /// Writes in one transaction.
    pub(crate) fn write<T>(
        &mut self,
        work: impl FnOnce(&mut dyn Sql) -> Result<T, Fault>,
    ) -> Result<T, StoreError> {
        self.transact(|session| work(session))
    }

    fn transact<T>(
        &mut self,
        work: impl FnOnce(&mut Session) -> Result<T, Fault>,
    ) -> Result<T, StoreError> {
        self.begin()?;
        let done = self.attempt(|session| match work(session) {
            Ok(value) => {
                session.client.batch_execute("COMMIT")?;
                Ok(value)
            }
            Err(fault) => {
                if !fault::is_lost(&fault) {
                    session.client.batch_execute("ROLLBACK")?;
                }
                Err(fault)
            }
        });
        done.map_err(|fault| self.told(fault))
    }

    /// Begins a transaction on the backend that has the locks. Nothing was done before, so that a connection that turns
    /// out to be lost can be made anew where it held no lock.
    fn begin(&mut self) -> Result<(), StoreError> {
        self.connected()?;
        let begin = |session: &mut Session| {
            if connection::begin(&mut session.client)? == session.backend {
                Ok(())
            } else {
                Err(Fault::OtherBackend)
            }
        };
        let first = self.attempt(begin);
        match first {
            Err(fault) if fault::is_lost(&fault) && self.held.is_empty() => {
                self.connected()?;
                self.attempt(begin).map_err(|fault| self.told(fault))
            }
            result => result.map_err(|fault| self.told(fault)),
        }
    }

    fn on_session<T>(
        &mut self,
        work: impl FnOnce(&mut Session) -> Result<T, Fault>,
    ) -> Result<T, StoreError> {
        self.connected()?;
        self.attempt(work).map_err(|fault| self.told(fault))
    }

    /// Works on the connection, and lets go of it where it is lost or another's.
    fn attempt<T>(
        &mut self,
        work: impl FnOnce(&mut Session) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let session = self.session.as_mut().ok_or(Fault::Lost)?;
        let result = work(session);
        let gone = |fault: &Fault| fault::is_lost(fault) || matches!(fault, Fault::OtherBackend);
        if result.as_ref().is_err_and(gone) {
            self.session = None;
        }
        result
    }

    /// Connects anew where the connection was lost and no lock was held; to the same store.
    fn connected(&mut self) -> Result<(), StoreError> {
        if self.session.is_some() {
            return Ok(());
        }
        if !self.held.is_empty() {
            return Err(self.told(Fault::Lost));
        }
        let lost = |source: StoreError| StoreError::ConnectionLost {
            store: self.name.clone(),
            source: Some(source.into()),
        };
        let (client, backend) = connection::connect_to_work(&self.url).map_err(lost)?;
        let mut session = Session::new(client, backend);
        if let Some(check) = &self.check {
            let header = tables::seal_header(&mut session).map_err(|fault| self.told(fault))?;
            if header.check != *check {
                return Err(StoreError::WrongKey {
                    store: self.name.clone(),
                });
            }
        }
        self.session = Some(session);
        Ok(())
    }

    fn told(&self, fault: Fault) -> StoreError {
        fault::told(&self.name, fault)
    }
}

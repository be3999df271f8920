//! The door.

mod audits;
mod copy;
mod grants;
mod imports;

pub use audits::AuditRows;
pub use copy::Moved;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use atl_keys::{Fingerprint, Keypair};
use jiff::Timestamp;

use crate::database::{Database, SealedKeypair};
use crate::lock::LockTarget;
use crate::lock_file::LockFile;
use crate::postgres::Postgres;
use crate::seal::Seal;
use crate::sqlite::Sqlite;
use crate::url::StoreName;
use crate::{
    Holder, JournalRow, KeySource, KeyState, KeypairRow, LinkMade, Lock, LockHolder, Outcome,
    Registration, Step, StoreError, StoreUrl, files,
};

/// The store. Several threads may use it; several processes may have it open.
pub struct Store {
    pub(crate) name: StoreName,
    database: Arc<Mutex<Database>>,
    seal: Seal,
    /// Who works with it; `None` who only looks.
    holder: Option<Holder>,
    warnings: Vec<String>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// The place a private half is sealed for: it opens as no other consumer's key.
const KEYPAIRS: &str = "keypairs";

impl Store {
    /// Opens; makes the store, and its key file, where there is no store; migrates. A key file that is missing for a
    /// store that exists is an error, never a new key.
    ///
    /// # Errors
    ///
    /// Where the key is missing or wrong, the file is no store, is damaged or too new, or nothing can be written there.
    pub fn open(url: &StoreUrl, key: &KeySource, holder: Holder) -> Result<Self, StoreError> {
        let (database, store_key) = match url {
            StoreUrl::Sqlite(path) => {
                let store_key = if Sqlite::exists(path)? {
                    key.read(&path.as_path().into())?
                } else {
                    let made = key.read_or_make()?;
                    Sqlite::create(path, &Seal::first(&made)?)?;
                    made
                };
                (Database::Sqlite(Sqlite::open(path)?), store_key)
            }
            StoreUrl::Postgres(url) => {
                let mut postgres = Postgres::open(url)?;
                let store_key = if postgres.is_made()? {
                    key.read(&url.name())?
                } else {
                    let made = key.read_or_make()?;
                    postgres.create(&Seal::first(&made)?)?;
                    made
                };
                (Database::Postgres(Box::new(postgres)), store_key)
            }
        };
        Self::unlocked(url, database, &store_key, key, Some(holder))
    }

    /// Whether there is a store; its key is not needed to know that.
    ///
    /// # Errors
    ///
    /// Where it could not be looked at, or what is there is no store.
    pub fn exists(url: &StoreUrl) -> Result<bool, StoreError> {
        match url {
            StoreUrl::Sqlite(path) => Sqlite::exists(path),
            StoreUrl::Postgres(url) => Postgres::exists(url),
        }
    }

    /// Opens for looking only: what is seen is a copy, migrated there if it is older, and nothing is made or
    /// changed. A store that does not exist is `None`, and its key is not asked for.
    ///
    /// # Errors
    ///
    /// Where the key is missing or wrong, or what is there is no store, is damaged or too new.
    pub fn open_existing(url: &StoreUrl, key: &KeySource) -> Result<Option<Self>, StoreError> {
        let (copy, name) = match url {
            StoreUrl::Sqlite(path) => {
                let found = Sqlite::exists(path)?.then(|| Sqlite::look(path));
                (found.transpose()?, path.as_path().into())
            }
            StoreUrl::Postgres(url) => (Postgres::look(url)?, url.name()),
        };
        let Some(copy) = copy else {
            return Ok(None);
        };
        let store_key = key.read(&name)?;
        Self::unlocked(url, Database::Sqlite(copy), &store_key, key, None).map(Some)
    }

    /// The key is tried before anything else is read or changed.
    fn unlocked(
        url: &StoreUrl,
        mut database: Database,
        store_key: &crate::key::StoreKey,
        source: &KeySource,
        holder: Option<Holder>,
    ) -> Result<Self, StoreError> {
        let (name, secret_file) = match url {
            StoreUrl::Sqlite(path) => (path.as_path().into(), Some(path.as_path())),
            StoreUrl::Postgres(url) => (url.name(), url.key_file()),
        };
        let header = database.seal_header()?;
        let seal = Seal::unlock(store_key, &header).ok_or_else(|| StoreError::WrongKey {
            store: StoreName::clone(&name),
        })?;
        database.migrate()?;
        let warnings = source
            .warning()
            .into_iter()
            .chain(secret_file.and_then(files::readable_by_others))
            .collect();
        Ok(Self {
            name,
            database: Arc::new(Mutex::new(database)),
            seal,
            holder,
            warnings,
        })
    }

    fn database(&self) -> MutexGuard<'_, Database> {
        self.database.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a user should know: each a sentence, such as that others may read the key file.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// All keypairs, oldest first.
    ///
    /// # Errors
    ///
    /// Where the store cannot be read or is damaged.
    pub fn keypairs(&self) -> Result<Vec<KeypairRow>, StoreError> {
        self.database().keypairs()
    }

    /// Unseals a keypair.
    ///
    /// # Errors
    ///
    /// Where the store cannot be read, or the private half was tampered with.
    pub fn keypair(&self, fingerprint: &Fingerprint) -> Result<Option<Keypair>, StoreError> {
        let Some(SealedKeypair { consumer, sealed }) =
            self.database().sealed_keypair(fingerprint)?
        else {
            return Ok(None);
        };
        let der = self
            .seal
            .unseal(KEYPAIRS, &[fingerprint.as_str(), &consumer], &sealed)
            .ok_or_else(|| StoreError::SealBroken {
                store: self.name.clone(),
                fingerprint: fingerprint.clone(),
            })?;
        Keypair::from_der(&der)
            .map(Some)
            .map_err(|source| StoreError::Keypair {
                store: self.name.clone(),
                fingerprint: fingerprint.clone(),
                source: source.into(),
            })
    }

    /// Adds a keypair; one that is there already, whoever's it is, is returned as it is.
    ///
    /// # Errors
    ///
    /// Where the store cannot be written, is in use for too long, or was opened for looking.
    pub fn add_keypair(
        &self,
        consumer: &str,
        keypair: &Keypair,
        state: KeyState,
    ) -> Result<KeypairRow, StoreError> {
        let (row, sealed) = self.sealed(consumer, keypair, state)?;
        self.database().add_keypair(&row, &sealed)
    }

    /// The consumer's newest keypair that is not retired, or `made` where it has none: two processes get the same one.
    ///
    /// # Errors
    ///
    /// Where `made` is another consumer's or retired, or the store cannot be written.
    pub fn keypair_or_add(&self, consumer: &str, made: &Keypair) -> Result<KeypairRow, StoreError> {
        let (row, sealed) = self.sealed(consumer, made, KeyState::Active)?;
        let kept = self.database().keypair_or_add(&row, &sealed)?;
        if kept.consumer != consumer || kept.state == KeyState::Retired {
            return Err(StoreError::KeypairTaken {
                fingerprint: kept.fingerprint,
                consumer: kept.consumer,
                state: kept.state,
            });
        }
        Ok(kept)
    }

    /// A keypair as it will be kept.
    fn sealed(
        &self,
        consumer: &str,
        keypair: &Keypair,
        state: KeyState,
    ) -> Result<(KeypairRow, Vec<u8>), StoreError> {
        let fingerprint = keypair.fingerprint();
        let der = keypair.to_der().map_err(|source| StoreError::Keypair {
            store: self.name.clone(),
            fingerprint: fingerprint.clone(),
            source: source.into(),
        })?;
        let sealed = self
            .seal
            .seal(KEYPAIRS, &[fingerprint.as_str(), consumer], &der)?;
        let row = KeypairRow {
            id: fingerprint.id(),
            consumer: consumer.to_owned(),
            bits: keypair.bits(),
            fingerprint,
            public_key: keypair.public_key().to_one_line(),
            created: Timestamp::now(),
            state,
        };
        Ok((row, sealed))
    }

    /// Moves a keypair to another state.
    ///
    /// # Errors
    ///
    /// Where there is no such keypair, or the store cannot be written.
    pub fn set_keypair_state(
        &self,
        fingerprint: &Fingerprint,
        state: KeyState,
    ) -> Result<(), StoreError> {
        if self.database().set_keypair_state(fingerprint, state)? {
            Ok(())
        } else {
            Err(StoreError::NoSuchKeypair {
                store: self.name.clone(),
                fingerprint: fingerprint.clone(),
            })
        }
    }

    /// Deletes a keypair for good, its private half included; whether there was one. Only one that is retired is deleted.
    ///
    /// # Errors
    ///
    /// Where the store cannot be written, is in use for too long, or was opened for looking.
    pub fn delete_keypair(&self, fingerprint: &Fingerprint) -> Result<bool, StoreError> {
        self.database().delete_keypair(fingerprint)
    }

    /// All registrations.
    ///
    /// # Errors
    ///
    /// Where the store cannot be read or is damaged.
    pub fn registrations(&self) -> Result<Vec<Registration>, StoreError> {
        self.database().registrations()
    }

    /// Records which key is registered for (consumer, server URL), replacing what was recorded.
    ///
    /// # Errors
    ///
    /// Where the store cannot be written, is in use for too long, or was opened for looking.
    pub fn record_registration(&self, registration: &Registration) -> Result<(), StoreError> {
        self.database().put_registration(registration)
    }

    /// Forgets a registration.
    ///
    /// # Errors
    ///
    /// Where the store cannot be written, is in use for too long, or was opened for looking.
    pub fn forget_registration(&self, consumer: &str, server_url: &str) -> Result<(), StoreError> {
        self.database().delete_registration(consumer, server_url)
    }

    /// All links this tool made.
    ///
    /// # Errors
    ///
    /// Where the store cannot be read or is damaged.
    pub fn links_made(&self) -> Result<Vec<LinkMade>, StoreError> {
        self.database().links()
    }

    /// Records a link made; one recorded already is left as it is.
    ///
    /// # Errors
    ///
    /// Where the store cannot be written, is in use for too long, or was opened for looking.
    pub fn record_link(&self, link: &LinkMade) -> Result<(), StoreError> {
        self.database().add_link(link)
    }

    /// Forgets a link.
    ///
    /// # Errors
    ///
    /// Where the store cannot be written, is in use for too long, or was opened for looking.
    pub fn forget_link(&self, server_url: &str, link_id: &str) -> Result<(), StoreError> {
        self.database().delete_link(server_url, link_id)
    }

    /// Writes a step down, durably, before it is taken.
    ///
    /// # Errors
    ///
    /// Where the store cannot be written, is in use for too long, or was opened for looking.
    pub fn begin(&self, step: &Step) -> Result<i64, StoreError> {
        self.database().begin(step, Timestamp::now())
    }

    /// Writes down, durably, how an open step ended.
    ///
    /// # Errors
    ///
    /// Where there is no such open step, or the store cannot be written.
    pub fn finish(&self, id: i64, outcome: &Outcome) -> Result<(), StoreError> {
        if self.database().finish(id, outcome, Timestamp::now())? {
            Ok(())
        } else {
            Err(StoreError::NoOpenStep {
                store: self.name.clone(),
                id,
            })
        }
    }

    /// The newest `limit` steps, newest first.
    ///
    /// # Errors
    ///
    /// Where the store cannot be read or is damaged.
    pub fn journal(&self, limit: usize) -> Result<Vec<JournalRow>, StoreError> {
        self.database().journal(limit)
    }

    /// Steps that were begun and never finished, oldest first: those of runs that go on now, and those a kill left.
    ///
    /// # Errors
    ///
    /// Where the store cannot be read or is damaged.
    pub fn open_steps(&self) -> Result<Vec<JournalRow>, StoreError> {
        self.database().open_steps()
    }

    /// Takes the lock on (server URL, consumer), or says who holds it since when.
    ///
    /// # Errors
    ///
    /// Where another process, or another part of this one, holds it, or the file system cannot lock.
    pub fn lock(&self, server_url: &str, consumer: &str) -> Result<Lock, StoreError> {
        let Some(holder) = &self.holder else {
            return Err(StoreError::LookingOnly {
                store: self.name.clone(),
            });
        };
        let target = LockTarget {
            server_url,
            consumer,
        };
        let holder = LockHolder {
            holder: holder.clone(),
            pid: std::process::id(),
            since: Timestamp::now(),
        };
        match &mut *self.database() {
            Database::Sqlite(_) => {
                let folder = files::beside(&self.name.path(), ".locks");
                LockFile::take(&folder, &target, &holder).map(Lock::file)
            }
            Database::Postgres(postgres) => {
                let key = postgres.lock(&target, &holder)?;
                Ok(Lock::session(Arc::clone(&self.database), key))
            }
        }
    }
}

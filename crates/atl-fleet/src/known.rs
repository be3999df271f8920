//! What is known before any server is asked: the store's records and the key files that the fleet file names.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use atl_keys::{Fingerprint, ImportPolicy, KeyError, Keypair, PublicKey};
use atl_store::{
    GrantRow, GrantState, JournalRow, KeyState, KeypairRow, LinkMade, Registration, Store,
    StoreError,
};

use crate::{
    kept::{self, Kept},
    rotate::{Succession, Unfinished},
    wanted::{Consumer, KeypairSource},
};

/// What the store has, as values.
#[derive(Debug, Clone, Default)]
pub(crate) struct Known {
    /// All keypairs, oldest first, without their private halves.
    pub(crate) keypairs: Vec<KeypairRow>,
    /// Which key is registered where.
    pub(crate) registrations: Vec<Registration>,
    /// Links that this tool made.
    pub(crate) links: Vec<LinkMade>,
    /// Grants, without their secrets.
    pub(crate) grants: Vec<GrantRow>,
    /// Steps that were begun and never finished, oldest first.
    pub(crate) open_steps: Vec<JournalRow>,
}

impl Known {
    /// Reads the store; no store knows nothing.
    ///
    /// # Errors
    ///
    /// The store could not be read.
    pub(crate) fn read(store: Option<&Store>) -> Result<Self, StoreError> {
        let Some(store) = store else {
            return Ok(Self::default());
        };
        Ok(Self {
            keypairs: store.keypairs()?,
            registrations: store.registrations()?,
            links: store.links_made()?,
            grants: store.grants()?,
            open_steps: store.open_steps()?,
        })
    }

    /// What is registered for a consumer, under its present consumer key, on a server.
    pub(crate) fn registration(
        &self,
        consumer: &Consumer,
        server_url: &str,
    ) -> Option<&Registration> {
        self.registrations.iter().find(|row| {
            row.consumer == consumer.name
                && row.consumer_key == consumer.key
                && row.server_url == server_url
        })
    }

    /// A second consumer key that takes the place of the first, as long as the first is live or in the fleet file.
    pub(crate) fn succession(&self, consumer: &str, server_url: &str) -> Option<Succession> {
        self.open(consumer, server_url).find_map(Succession::read)
    }

    /// The open steps of (consumer, server).
    pub(crate) fn open<'k>(
        &'k self,
        consumer: &'k str,
        server_url: &'k str,
    ) -> impl Iterator<Item = &'k JournalRow> {
        self.open_steps.iter().filter(move |row| {
            row.step.server_url == server_url && row.step.consumer.as_deref() == Some(consumer)
        })
    }

    /// What an earlier run had to put back on this link and did not get to.
    pub(crate) fn kept(&self, consumer: &str, server_url: &str, link_id: &str) -> Option<Kept> {
        self.open(consumer, server_url)
            .filter(|row| row.step.action == kept::ACTION)
            .filter_map(|row| Kept::read(&row.step.detail))
            .find(|kept| kept.link_id == link_id)
    }

    /// A rotation of (consumer, server) that was begun and did not end.
    pub(crate) fn rotating(&self, consumer: &str, server_url: &str) -> Option<Unfinished> {
        self.open(consumer, server_url).find_map(Unfinished::read)
    }

    /// The keypair of a consumer with this fingerprint.
    pub(crate) fn keypair(&self, consumer: &str, fingerprint: &Fingerprint) -> Option<&KeypairRow> {
        self.keypairs
            .iter()
            .find(|row| row.consumer == consumer && row.fingerprint == *fingerprint)
    }

    /// How many grants of a consumer key on a server are not known to be dead.
    pub(crate) fn living_grants(&self, server_url: &str, consumer_key: &str) -> u64 {
        self.grants
            .iter()
            .filter(|row| row.server_url == server_url && row.consumer_key == consumer_key)
            .filter(|row| row.state != GrantState::Rejected)
            .count() as u64
    }

    /// The newest active keypair of a consumer.
    pub(crate) fn newest(&self, consumer: &str) -> Option<&KeypairRow> {
        self.keypairs
            .iter()
            .rev()
            .find(|row| row.consumer == consumer && row.state == KeyState::Active)
    }

    /// Links that this tool made on a server.
    pub(crate) fn links_on<'k>(
        &'k self,
        server_url: &'k str,
    ) -> impl Iterator<Item = &'k LinkMade> {
        self.links
            .iter()
            .filter(move |link| link.server_url == server_url)
    }
}

/// A key that the user keeps in a file.
#[derive(Debug, Clone)]
pub(crate) struct FileKey {
    /// The public half.
    pub(crate) public: PublicKey,
    /// The private half, where the file has it.
    pub(crate) private: Option<Arc<Keypair>>,
}

/// The keys of consumers whose keypair is in a file, by consumer name.
pub(crate) type FileKeys = BTreeMap<String, FileKey>;

/// Why a key file was not read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileKeyError {
    /// The file could not be read.
    #[error("the key of consumer `{consumer}` could not be read")]
    Io {
        /// The consumer.
        consumer: String,
        /// Why; it names the path.
        source: std::io::Error,
    },
    /// The file holds no usable key.
    #[error("`{}`, the key of consumer `{consumer}`, is not usable", path.display())]
    Key {
        /// The consumer.
        consumer: String,
        /// The file.
        path: PathBuf,
        /// Why.
        source: KeyError,
    },
}

impl FileKeyError {
    /// What to do about it.
    pub fn advice(&self) -> String {
        match self {
            Self::Io { .. } => {
                "correct the path in the fleet file, or make the file readable".to_owned()
            }
            Self::Key { path, source, .. } => {
                format!(
                    "{}; `atl-admin keys check {}` says more",
                    source.advice(),
                    path.display()
                )
            }
        }
    }
}

/// Reads the key files of these consumers; managed consumers have none.
pub(crate) fn read_file_keys(consumers: &[Consumer]) -> Result<FileKeys, FileKeyError> {
    let mut keys = FileKeys::new();
    for consumer in consumers {
        let (path, private) = match &consumer.keypair {
            KeypairSource::Managed { .. } => continue,
            KeypairSource::PrivateKeyFile(path) => (path, true),
            KeypairSource::PublicKeyFile(path) => (path, false),
        };
        let text = fs_err::read(path)
            .map(zeroize::Zeroizing::new)
            .map_err(|source| FileKeyError::Io {
                consumer: consumer.name.clone(),
                source,
            })?;
        let unusable = |source| FileKeyError::Key {
            consumer: consumer.name.clone(),
            path: path.clone(),
            source,
        };
        let key = if private {
            let keypair = Keypair::read(&text, None, ImportPolicy::Strict)
                .map_err(unusable)?
                .value;
            FileKey {
                public: keypair.public_key(),
                private: Some(Arc::new(keypair)),
            }
        } else {
            FileKey {
                public: PublicKey::read(&text, ImportPolicy::Strict)
                    .map_err(unusable)?
                    .value,
                private: None,
            }
        };
        keys.insert(consumer.name.clone(), key);
    }
    Ok(keys)
}

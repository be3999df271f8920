//! Private keys at hand: unsealed once, shared by all servers of a run.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use atl_keys::{Fingerprint, KeySize, Keypair};
use atl_store::{GrantRow, GrantSecrets, Store};

use crate::{known::FileKeys, trouble::Trouble};

/// Where private keys come from.
pub(crate) struct Keys<'a> {
    store: Option<&'a Store>,
    files: FileKeys,
    unsealed: Mutex<HashMap<Fingerprint, Arc<Keypair>>>,
    stranger: Mutex<Option<Arc<Keypair>>>,
}

impl<'a> Keys<'a> {
    pub(crate) fn new(store: Option<&'a Store>, files: FileKeys) -> Self {
        Self {
            store,
            files,
            unsealed: Mutex::default(),
            stranger: Mutex::default(),
        }
    }

    /// The keys that the user keeps in files.
    pub(crate) fn files(&self) -> &FileKeys {
        &self.files
    }

    /// The private key of a consumer; `None` where only its public half is at hand.
    pub(crate) fn private(
        &self,
        consumer: &str,
        fingerprint: &Fingerprint,
    ) -> Result<Option<Arc<Keypair>>, Trouble> {
        if let Some(file) = self.files.get(consumer) {
            return Ok(file
                .private
                .clone()
                .filter(|key| key.fingerprint() == *fingerprint));
        }
        let mut unsealed = self.unsealed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(keypair) = unsealed.get(fingerprint) {
            return Ok(Some(Arc::clone(keypair)));
        }
        let Some(store) = self.store else {
            return Ok(None);
        };
        let keypair = store.keypair(fingerprint)?.map(Arc::new);
        if let Some(keypair) = &keypair {
            unsealed.insert(fingerprint.clone(), Arc::clone(keypair));
        }
        Ok(keypair)
    }

    /// Unseals the token of a grant that the store has.
    pub(crate) fn grant_secrets(&self, grant: &GrantRow) -> Result<GrantSecrets, Trouble> {
        let secrets = match self.store {
            Some(store) => store.grant_secrets(grant)?,
            None => None,
        };
        secrets.ok_or_else(|| {
            Trouble::own(
                "grant_unknown",
                format!(
                    "the grant of `{}` on `{}` is not in the store any more",
                    grant.user, grant.server
                ),
                "another run may have renewed or revoked it: run again",
            )
        })
    }

    /// A keypair that no server knows and nothing keeps: enough to ask whether a consumer key exists, since that is
    /// checked before the signature (protocol.md 2.8). Made once: servers that are looked at side by side wait for it.
    pub(crate) fn stranger(&self) -> Result<Arc<Keypair>, Trouble> {
        let mut stranger = self.stranger.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(keypair) = &*stranger {
            return Ok(Arc::clone(keypair));
        }
        let made = Arc::new(Keypair::generate(KeySize::Bits2048)?);
        Ok(Arc::clone(stranger.insert(made)))
    }
}

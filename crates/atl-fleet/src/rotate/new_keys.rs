//! New keypairs: in the store, as pending, before any server hears of them.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use atl_keys::{Fingerprint, KeySize, Keypair};
use atl_store::{KeyState, Store};

use super::{Rotations, is_ready, look::Candidate};
use crate::{
    engine::StartError,
    event::{Event, Sink},
    known::Known,
    trouble::Trouble,
    wanted::{Consumer, KeypairSource},
};

/// A consumer, and the server where every server has a keypair of its own.
type Place = (String, Option<String>);

/// The new keypairs of a run.
pub(super) struct NewKeys<'a> {
    store: &'a Store,
    sink: Sink<'a>,
    per_server: bool,
    made: Mutex<BTreeMap<Place, Fingerprint>>,
}

impl<'a> NewKeys<'a> {
    /// Makes one keypair for each consumer, on all cores. With one for each server, each is made when its turn comes, by
    /// which time other servers are waited for. An overlap that goes on has its keypair already.
    pub(super) fn make(rotations: &'a Rotations<'_>, sink: Sink<'a>) -> Result<Self, StartError> {
        let new = Self {
            store: rotations.store,
            sink,
            per_server: rotations.what.per_server,
            made: Mutex::default(),
        };
        let known = Known::read(Some(rotations.store))?;
        let mut wanted: BTreeMap<usize, (KeySize, Vec<&Consumer>)> = BTreeMap::new();
        for candidate in rotations.candidates().filter(|one| is_ready(one)) {
            let begun = rotations
                .of(&candidate.rotation)
                .and_then(|(consumer, server)| {
                    known.succession(&consumer.name, server.config.base_url.as_str())
                });
            if let Some(succession) = begun {
                new.put(new.place(candidate), succession.after);
            }
        }
        if new.per_server {
            return Ok(new);
        }
        for candidate in rotations.candidates().filter(|one| is_ready(one)) {
            let KeypairSource::Managed { size, .. } = &candidate.consumer.keypair else {
                continue;
            };
            let (_, consumers) = wanted
                .entry(size.bits())
                .or_insert_with(|| (*size, Vec::new()));
            let is_this = |consumer: &&Consumer| consumer.name == candidate.consumer.name;
            if new.get(&new.place(candidate)).is_none() && !consumers.iter().any(is_this) {
                consumers.push(candidate.consumer);
            }
        }
        for (size, consumers) in wanted.into_values().filter(|(_, all)| !all.is_empty()) {
            let made = Keypair::generate_many(size, consumers.len()).map_err(|source| {
                StartError::Key {
                    consumer: consumers[0].name.clone(),
                    source,
                }
            })?;
            for (consumer, keypair) in consumers.into_iter().zip(&made) {
                let fingerprint = new.store(consumer, keypair)?;
                new.put((consumer.name.clone(), None), fingerprint);
            }
        }
        Ok(new)
    }

    /// The new keypair for a consumer on a server.
    pub(super) fn of(&self, candidate: &Candidate<'_>) -> Result<Fingerprint, Trouble> {
        let place = self.place(candidate);
        if let Some(fingerprint) = self.get(&place) {
            return Ok(fingerprint);
        }
        let size = match &candidate.consumer.keypair {
            KeypairSource::Managed { size, .. } => *size,
            KeypairSource::PrivateKeyFile(_) | KeypairSource::PublicKeyFile(_) => {
                KeySize::default()
            }
        };
        let keypair = Keypair::generate(size)?;
        let fingerprint = self.store(candidate.consumer, &keypair)?;
        self.put(place, fingerprint.clone());
        Ok(fingerprint)
    }

    /// What was made, by consumer.
    pub(super) fn made(self) -> impl Iterator<Item = (String, Fingerprint)> {
        let made = self
            .made
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        made.into_iter()
            .map(|((consumer, _), fingerprint)| (consumer, fingerprint))
    }

    fn store(
        &self,
        consumer: &Consumer,
        keypair: &Keypair,
    ) -> Result<Fingerprint, atl_store::StoreError> {
        let row = self
            .store
            .add_keypair(&consumer.name, keypair, KeyState::Pending)?;
        (self.sink)(&Event::Keypair {
            consumer: &consumer.name,
            fingerprint: &row.fingerprint,
            bits: row.bits,
        });
        Ok(row.fingerprint)
    }

    fn place(&self, candidate: &Candidate<'_>) -> Place {
        let server = self.per_server.then(|| candidate.rotation.server.clone());
        (candidate.consumer.name.clone(), server)
    }

    fn get(&self, place: &Place) -> Option<Fingerprint> {
        let made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        made.get(place).cloned()
    }

    fn put(&self, place: Place, fingerprint: Fingerprint) {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        made.insert(place, fingerprint);
    }
}

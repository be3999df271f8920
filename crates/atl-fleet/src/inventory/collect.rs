//! What the sources find, each grant once.

use std::{
    ops::ControlFlow,
    sync::{Mutex, PoisonError},
};

use atl_store::{Spool, StoreError};
use atl_tokens::{Found, GrantEntry, RegisteredConsumer};
use jiff::Timestamp;

use super::Ask;
use crate::{
    grants::GrantSort,
    wanted::{NamedLink, Ready},
};

/// Takes from several threads what sources find.
#[derive(Debug)]
pub(super) struct Collect {
    spool: Mutex<Spool>,
    registered: Mutex<Vec<(String, RegisteredConsumer)>>,
    fault: Mutex<Option<StoreError>>,
    sort: GrantSort,
    now: Timestamp,
    /// Which consumer of the fleet file has which consumer key where.
    named: Vec<NamedLink>,
    /// Only grants of these consumers count.
    only: Option<Vec<String>>,
}

impl Collect {
    pub(super) fn new(
        ready: &Ready,
        ask: &Ask,
        sort: GrantSort,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let selected = ready.consumers.iter().map(|consumer| consumer.name.clone());
        Ok(Self {
            spool: Mutex::new(Spool::new()?),
            registered: Mutex::default(),
            fault: Mutex::default(),
            sort,
            now,
            named: ready.named.clone(),
            only: ask.only_consumers.then(|| selected.collect()),
        })
    }

    /// Takes what a source of a server found.
    pub(super) fn take(&self, server: &str, found: Found) -> ControlFlow<()> {
        let grant = match found {
            Found::Grant(grant) => *grant,
            Found::Consumer(consumer) => {
                let mut registered = locked(&self.registered);
                registered.push((server.to_owned(), consumer));
                return ControlFlow::Continue(());
            }
        };
        self.put(grant)
    }

    /// Takes a grant.
    pub(super) fn put(&self, grant: GrantEntry) -> ControlFlow<()> {
        let grant = self.known(grant.as_of(self.now));
        if let Some(only) = &self.only
            && !grant
                .consumer
                .as_ref()
                .is_some_and(|name| only.contains(name))
        {
            return ControlFlow::Continue(());
        }
        match self.merge(grant) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                locked(&self.fault).get_or_insert(error);
                ControlFlow::Break(())
            }
        }
    }

    /// The grant with the name that the fleet file has for its consumer.
    fn known(&self, mut grant: GrantEntry) -> GrantEntry {
        if grant.consumer.is_none()
            && let Some(key) = &grant.consumer_key
        {
            let mut named = self.named.iter();
            let found = named.find(|link| link.server == grant.server && link.key == *key);
            grant.consumer = found.map(|link| link.consumer.clone());
        }
        grant
    }

    fn merge(&self, grant: GrantEntry) -> Result<(), StoreError> {
        let key = grant.key();
        let spool = locked(&self.spool);
        let place = self.sort.place(&grant);
        let Some(before) = spool.put(&key, &place, &body_of(&grant)?)? else {
            return Ok(());
        };
        let merged = entry_from(&before)?.merged(grant);
        spool.replace(&key, &self.sort.place(&merged), &body_of(&merged)?)
    }

    /// What kept a grant from being taken.
    pub(super) fn fault(&self) -> Result<(), StoreError> {
        locked(&self.fault).take().map_or(Ok(()), Err)
    }

    pub(super) fn registered(&self) -> Vec<(String, RegisteredConsumer)> {
        locked(&self.registered).clone()
    }

    pub(super) fn spool<T>(&self, work: impl FnOnce(&Spool) -> T) -> T {
        work(&locked(&self.spool))
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn body_of(grant: &GrantEntry) -> Result<String, StoreError> {
    serde_json::to_string(grant).map_err(damaged)
}

/// A grant as it was put in.
pub(super) fn entry_from(body: &str) -> Result<GrantEntry, StoreError> {
    serde_json::from_str(body).map_err(damaged)
}

fn damaged(error: serde_json::Error) -> StoreError {
    StoreError::Spool {
        source: error.into(),
    }
}

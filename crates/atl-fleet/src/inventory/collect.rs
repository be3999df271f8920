//! What the sources find, each grant once.

use std::{
    ops::ControlFlow,
    sync::{Mutex, MutexGuard, PoisonError},
};

use atl_store::{Pile, Spool, StoreError};
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
    pile: Mutex<Pile>,
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
            pile: Mutex::new(Pile::new()?),
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
        let put = || {
            let body = body_of(&grant)?;
            let place = self.sort.place(&grant);
            locked(&self.pile).add(&grant.key(), &place, &body)
        };
        match put() {
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

    /// What kept a grant from being taken.
    pub(super) fn fault(&self) -> Result<(), StoreError> {
        locked(&self.fault).take().map_or(Ok(()), Err)
    }

    /// All that was taken, each grant once.
    pub(super) fn settle(self) -> Result<Collected, StoreError> {
        self.fault()?;
        let pile = self.pile.into_inner();
        let pile = pile.unwrap_or_else(PoisonError::into_inner);
        let spool = pile.settle(&mut |one, next| {
            let merged = entry_from(one)?.merged(entry_from(next)?);
            Ok((self.sort.place(&merged), body_of(&merged)?))
        })?;
        let registered = self.registered.into_inner();
        Ok(Collected {
            spool: Mutex::new(spool),
            registered: registered.unwrap_or_else(PoisonError::into_inner),
        })
    }
}

/// What sources found.
#[derive(Debug)]
pub(super) struct Collected {
    spool: Mutex<Spool>,
    /// The consumers that databases and exports have, each with its server's name.
    pub(super) registered: Vec<(String, RegisteredConsumer)>,
}

impl Collected {
    /// The grants.
    pub(super) fn spool(&self) -> MutexGuard<'_, Spool> {
        locked(&self.spool)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
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

//! What the sources find, each grant once.

use std::{
    mem,
    ops::ControlFlow,
    panic,
    sync::{Mutex, MutexGuard, PoisonError, mpsc},
    thread,
};

use atl_store::{Pile, Spool, SpoolOrder, StoreError};
use atl_tokens::{Found, GrantEntry, RegisteredConsumer};
use jiff::Timestamp;

use super::Ask;
use crate::{
    grants::GrantSort,
    wanted::{NamedLink, Ready},
};

/// So many grants are read at once, while those before them are dealt with.
const BATCH: usize = 500;

/// So many grants may wait to be written.
const WAITING: usize = 1000;

/// Takes from several threads what sources find; another one writes it down.
#[derive(Debug)]
pub(super) struct Collect {
    rows: mpsc::SyncSender<Row>,
    writer: thread::JoinHandle<Result<Pile, StoreError>>,
    registered: Mutex<Vec<(String, RegisteredConsumer)>>,
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
        let pile = Pile::new()?;
        let (sender, rows) = mpsc::sync_channel(WAITING);
        let selected = ready.consumers.iter().map(|consumer| consumer.name.clone());
        Ok(Self {
            rows: sender,
            writer: thread::spawn(move || write(pile, rows)),
            registered: Mutex::default(),
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
        let row = body_of(&grant).map(|body| Packed {
            key: grant.key(),
            place: self.sort.place(&grant),
            body,
        });
        // Who writes stops where that fails, and says why in the end.
        match self.rows.send(row) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
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

    /// All that was taken, each grant once.
    pub(super) fn settle(self) -> Result<Collected, StoreError> {
        drop(self.rows);
        let spool = joined(self.writer.join())?.settle(&mut |one, next| {
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
    /// How many grants there are.
    pub(super) fn count(&self) -> Result<u64, StoreError> {
        locked(&self.spool).count()
    }

    /// Hands over every grant with its key, until `take` says to stop. A thread of its own reads the next ones meanwhile.
    pub(super) fn each(
        &self,
        order: SpoolOrder,
        take: &mut dyn FnMut(&str, GrantEntry) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        thread::scope(|scope| {
            let (sender, batches) = mpsc::sync_channel(1);
            let reader = scope.spawn(move || self.send(order, &sender));
            for (key, grant) in batches.into_iter().flatten() {
                if take(&key, grant?).is_break() {
                    return Ok(());
                }
            }
            joined(reader.join())
        })
    }

    /// Sends every grant with its key, until nobody takes them any more.
    fn send(&self, order: SpoolOrder, batches: &mpsc::SyncSender<Batch>) -> Result<(), StoreError> {
        let mut batch = Batch::new();
        locked(&self.spool).each(order, &mut |key, body| {
            batch.push((key.to_owned(), entry_from(body)));
            if batch.len() < BATCH || batches.send(mem::take(&mut batch)).is_ok() {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        })?;
        // There may be nobody left to take the last ones.
        let _taken = batches.send(batch);
        Ok(())
    }
}

/// Grants, each with its key.
type Batch = Vec<(String, Result<GrantEntry, StoreError>)>;

/// A grant on its way to the pile, or why it does not get there.
type Row = Result<Packed, StoreError>;

/// A grant as it is kept.
#[derive(Debug)]
struct Packed {
    key: String,
    place: String,
    body: Vec<u8>,
}

fn write(mut pile: Pile, rows: mpsc::Receiver<Row>) -> Result<Pile, StoreError> {
    for row in rows {
        let Packed { key, place, body } = row?;
        pile.add(&key, &place, &body)?;
    }
    Ok(pile)
}

/// What a thread came to; its panic goes on here.
fn joined<T>(ended: thread::Result<T>) -> T {
    ended.unwrap_or_else(|panic| panic::resume_unwind(panic))
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn body_of(grant: &GrantEntry) -> Result<Vec<u8>, StoreError> {
    postcard::to_extend(grant, Vec::with_capacity(256)).map_err(damaged)
}

/// A grant as it was put in.
fn entry_from(body: &[u8]) -> Result<GrantEntry, StoreError> {
    postcard::from_bytes(body).map_err(damaged)
}

fn damaged(error: postcard::Error) -> StoreError {
    StoreError::Spool {
        source: error.into(),
    }
}

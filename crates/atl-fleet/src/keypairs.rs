//! Keypairs that nobody needs any more: retired, then forgotten. Neither happens while a server holds one, or may.

mod objection;

use std::{collections::BTreeSet, sync::atomic::Ordering};

use atl_store::{KeyState, KeypairRow, Lock, Store, StoreError};

use crate::{
    engine::{RunOptions, StartError},
    execute::interrupted,
    known::Known,
    links,
    wanted::Ready,
};

pub use objection::Objection;
use objection::{Asked, objections};

/// What becomes of a keypair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It is marked as retired: kept, and registered nowhere any more.
    Retire,
    /// It is deleted from the store for good.
    Forget,
}

/// What came of it: where anything stands against one keypair, all were left as they are.
#[derive(Debug, Clone)]
pub struct Ended {
    /// The keypairs that were named and are in the store, or were until now.
    pub keypairs: Vec<KeypairRow>,
    /// What stood against it.
    pub objections: Vec<Objection>,
}

/// Retires or forgets keypairs, under the locks of their consumers on every server that is asked or on record. `ready`
/// names the servers to ask; without it, the store's own records decide.
///
/// # Errors
///
/// The store could not be read or written, another process works on one of the consumers, or a server's configuration
/// cannot work.
pub fn end(
    ready: Option<&Ready>,
    store: &Store,
    named: &[KeypairRow],
    end: End,
    force: bool,
    run: RunOptions<'_>,
) -> Result<Ended, StartError> {
    let _locks = lock(ready, store, named)?;
    let asked = ask(ready, run)?;
    // What the store has now, under the locks.
    let known = Known::read(Some(store))?;
    let mut keypairs: Vec<KeypairRow> = known
        .keypairs
        .iter()
        .filter(|row| named.iter().any(|one| one.fingerprint == row.fingerprint))
        .cloned()
        .collect();
    let mut objections = if run.interrupted.load(Ordering::Relaxed) {
        vec![Objection::never(None, interrupted())]
    } else {
        objections(&keypairs, end, &known, &asked, ready)
    };
    objections.retain(|objection| !(force && objection.can_be_forced));
    if objections.is_empty() {
        for row in &mut keypairs {
            match end {
                End::Retire => retire(store, row, &known, &asked)?,
                End::Forget => forget(store, row, &known)?,
            }
        }
    }
    Ok(Ended {
        keypairs,
        objections,
    })
}

/// Nobody registers a keypair, or replaces it, while it is looked for.
fn lock(
    ready: Option<&Ready>,
    store: &Store,
    named: &[KeypairRow],
) -> Result<Vec<Lock>, StoreError> {
    let servers = ready.map_or(&[][..], |ready| &ready.servers);
    let registrations = store.registrations()?;
    let mut places = BTreeSet::new();
    for row in named {
        let urls = servers.iter().map(|server| server.config.base_url.as_str());
        let on_record = registrations
            .iter()
            .filter(|registration| registration.fingerprint == row.fingerprint)
            .map(|registration| registration.server_url.as_str());
        places.extend(urls.chain(on_record).map(|url| (url, &row.consumer)));
    }
    let mut places = places.into_iter();
    places.try_fold(Vec::new(), |mut locks, (url, consumer)| {
        locks.push(store.lock(url, consumer)?);
        Ok(locks)
    })
}

fn ask(ready: Option<&Ready>, run: RunOptions<'_>) -> Result<Vec<Asked>, StartError> {
    let Some(ready) = ready else {
        return Ok(Vec::new());
    };
    let urls = ready.servers.iter().map(|server| &server.config.base_url);
    let links = links::list(ready, run)?;
    Ok(urls
        .zip(links)
        .map(|(url, links)| Asked {
            url: url.as_str().to_owned(),
            links,
        })
        .collect())
}

/// A record that a server's own answer contradicts would have the key registered again.
fn retire(
    store: &Store,
    row: &mut KeypairRow,
    known: &Known,
    asked: &[Asked],
) -> Result<(), StoreError> {
    let answered = |url: &str| asked.iter().any(|one| one.url == url && one.answered());
    forget_registrations(store, row, known, answered)?;
    if row.state != KeyState::Retired {
        store.set_keypair_state(&row.fingerprint, KeyState::Retired)?;
        row.state = KeyState::Retired;
    }
    Ok(())
}

fn forget(store: &Store, row: &KeypairRow, known: &Known) -> Result<(), StoreError> {
    forget_registrations(store, row, known, |_| true)?;
    store.delete_keypair(&row.fingerprint).map(drop)
}

fn forget_registrations(
    store: &Store,
    row: &KeypairRow,
    known: &Known,
    on: impl Fn(&str) -> bool,
) -> Result<(), StoreError> {
    for record in &known.registrations {
        if record.fingerprint == row.fingerprint && on(&record.server_url) {
            store.forget_registration(&record.consumer, &record.server_url)?;
        }
    }
    Ok(())
}

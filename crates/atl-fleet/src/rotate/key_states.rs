//! Where keypairs stand, by where they are registered.

use std::collections::BTreeMap;

use atl_keys::Fingerprint;
use atl_store::{KeyState, Store, StoreError};

use super::{
    report::{Rotation, RotationState, Strategy},
    succession::Succession,
    unfinished::Unfinished,
};
use crate::known::Known;

/// Brings these keypairs of a consumer to the state that follows from where they are registered: one that a server
/// holds is active, one that an unfinished rotation names stays as it is, any other is retired.
pub(super) fn settle_states(
    store: &Store,
    consumer: &str,
    fingerprints: &[&Fingerprint],
) -> Result<(), StoreError> {
    // Every `apply` asks, and there is next to never anything.
    if fingerprints.is_empty() {
        return Ok(());
    }
    settle_by(&Known::read(Some(store))?, store, consumer, fingerprints)
}

/// The same as if this step of the journal had ended: it is closed afterwards, so that a kill in between leaves it open
/// rather than a keypair in a state that no run comes back to.
pub(super) fn settle_states_without(
    step: i64,
    store: &Store,
    consumer: &str,
    fingerprints: &[&Fingerprint],
) -> Result<(), StoreError> {
    let mut known = Known::read(Some(store))?;
    known.open_steps.retain(|row| row.id != step);
    settle_by(&known, store, consumer, fingerprints)
}

fn settle_by(
    known: &Known,
    store: &Store,
    consumer: &str,
    fingerprints: &[&Fingerprint],
) -> Result<(), StoreError> {
    for fingerprint in fingerprints {
        let Some(row) = known.keypair(consumer, fingerprint) else {
            continue;
        };
        let state = state(known, fingerprint, row.state);
        if state != row.state {
            store.set_keypair_state(fingerprint, state)?;
        }
    }
    Ok(())
}

/// The same for the keypairs that these rotations took the place of. Rotations that end side by side each see the other
/// unfinished and leave the keypair as it is, so that this is settled once more when all have ended.
pub(super) fn settle_rotated(store: &Store, rotations: &[Rotation]) -> Result<(), StoreError> {
    let mut rotated: BTreeMap<&str, Vec<&Fingerprint>> = BTreeMap::new();
    for rotation in rotations {
        if (rotation.strategy, rotation.state) == (Strategy::InPlace, RotationState::Verified)
            && let Some(before) = &rotation.before
        {
            let keypairs = rotated.entry(&rotation.consumer).or_default();
            if !keypairs.contains(&before) {
                keypairs.push(before);
            }
        }
    }
    for (consumer, keypairs) in rotated {
        settle_states(store, consumer, &keypairs)?;
    }
    Ok(())
}

/// Pending keypairs that no rotation comes back to are retired: those of a run that was killed before it registered
/// them anywhere.
pub(super) fn retire_left_over(store: &Store, consumer: &str) -> Result<(), StoreError> {
    let keypairs = store.keypairs()?;
    let pending: Vec<_> = keypairs
        .iter()
        .filter(|row| row.consumer == consumer && row.state == KeyState::Pending)
        .map(|row| &row.fingerprint)
        .collect();
    settle_states(store, consumer, &pending)
}

pub(super) fn state(known: &Known, fingerprint: &Fingerprint, now: KeyState) -> KeyState {
    let steps = || known.open_steps.iter();
    let unfinished = steps()
        .filter_map(Unfinished::read)
        .any(|rotation| rotation.names(fingerprint))
        || steps()
            .filter_map(Succession::read)
            .any(|succession| [&succession.before, &succession.after].contains(&fingerprint));
    let registered = known
        .registrations
        .iter()
        .any(|row| row.fingerprint == *fingerprint && (row.proven.is_some() || !unfinished));
    match (registered, unfinished) {
        (true, _) => KeyState::Active,
        (false, true) => now,
        (false, false) => KeyState::Retired,
    }
}

//! Removing auditor consumers that a run left, and closing what the journal has open of them.

use atl_client::Client;
use atl_store::{JournalRow, Outcome, Store, StoreError};
use serde_json::json;

use super::{
    LOCK,
    left::{AuditorState, EndedAuditor, LeftAuditor, left_behind, open_on},
    make,
    names::{Names, REMOVES, STANDS},
    place::{self, Place},
    remove::{is_gone, remove as take_away},
    standing,
};
use crate::{
    engine::{RunOptions, StartError, clients, side_by_side},
    event::Event,
    step::{Journal, RunInfo},
    trouble::Trouble,
    wanted::Ready,
};

/// Removes what the journal has open on the selected servers: what changing commands do before their own work. `apply` does
/// it by itself, server by server. Nothing is sent where there is nothing.
///
/// # Errors
///
/// Where the store cannot be read, or a server's configuration cannot work; what a server says is in the result.
pub fn remove_left_behind(
    ready: &Ready,
    store: &Store,
    info: &RunInfo,
    run: RunOptions<'_>,
) -> Result<Vec<EndedAuditor>, StartError> {
    remove(ready, store, &left_behind(ready, store)?, info, run)
}

/// Removes these, each server beside the others, and closes what the journal has open of them. One that is gone already is
/// no failure. Where a run that goes on now has an auditor on a server, that server is left alone. What became of each is
/// an event, too.
///
/// # Errors
///
/// Where a server's configuration cannot work; what a server says is in the result.
pub fn remove(
    ready: &Ready,
    store: &Store,
    left: &[LeftAuditor],
    info: &RunInfo,
    run: RunOptions<'_>,
) -> Result<Vec<EndedAuditor>, StartError> {
    let here = |name: &str| -> Vec<LeftAuditor> {
        let left = left.iter().filter(|left| left.server == name);
        left.cloned().collect()
    };
    let concerned = ready
        .servers
        .iter()
        .filter(|server| !here(&server.config.name).is_empty());
    let clients = clients(concerned)?;
    let ended = side_by_side(run.parallel, &clients, |_, client| {
        let ended = remove_on(client, store, &here(client.server()), info, run);
        client.sign_out();
        tell(&ended, run);
        ended
    });
    Ok(ended.into_iter().flatten().collect())
}

/// Removes what the journal has open on a server that a run is about to change; `trouble` is why it is not asked again.
pub(crate) fn remove_first(
    client: &Client,
    store: &Store,
    open: &[JournalRow],
    trouble: Option<&Trouble>,
    info: &RunInfo,
    run: RunOptions<'_>,
) {
    let left = open_on(open, client.server(), client.base_url().as_str());
    let ended: Vec<_> = match trouble {
        _ if left.is_empty() => return,
        Some(trouble) => left.iter().map(|left| left.not_removed(trouble)).collect(),
        None => remove_on(client, store, &left, info, run),
    };
    tell(&ended, run);
}

fn tell(ended: &[EndedAuditor], run: RunOptions<'_>) {
    for ended in ended {
        (run.sink)(&Event::Auditor(ended));
    }
}

fn remove_on(
    client: &Client,
    store: &Store,
    left: &[LeftAuditor],
    info: &RunInfo,
    run: RunOptions<'_>,
) -> Vec<EndedAuditor> {
    let all = |state, trouble: &Trouble| {
        let left = left.iter();
        left.map(|left| left.ended(state, Some(trouble.clone())))
            .collect()
    };
    let _lock = match store.lock(client.base_url().as_str(), LOCK) {
        Ok(lock) => lock,
        Err(error @ StoreError::Locked { .. }) => return all(AuditorState::InUse, &error.into()),
        Err(error) => return all(AuditorState::Left, &error.into()),
    };
    if let Err(trouble) = make::go_on(run) {
        return all(AuditorState::Left, &trouble);
    }
    let place = match place::open(client) {
        Ok(place) => place,
        Err(trouble) => return left.iter().map(|left| left.not_removed(&trouble)).collect(),
    };
    let journal = journal_of(&place, store, info, run);
    let ended = left.iter().map(|left| {
        let ended = end(&place, &journal, run, &left.names());
        ended.map_or_else(
            |trouble| left.not_removed(&trouble),
            |state| left.ended(state, None),
        )
    });
    ended.collect()
}

/// Removes everything that the journal has open here, which an auditor that is about to be set up does first. The lock is
/// held.
pub(super) fn end_all(
    place: &Place<'_>,
    journal: &Journal<'_>,
    run: RunOptions<'_>,
) -> Result<(), Trouble> {
    let rows = journal.store.open_steps()?;
    for left in open_on(&rows, journal.server, journal.server_url) {
        let state = end(place, journal, run, &left.names())
            .map_err(|trouble| standing::left(journal.server, &left.names(), &trouble))?;
        tell(&[left.ended(state, None)], run);
    }
    Ok(())
}

pub(super) fn journal_of<'a>(
    place: &Place<'a>,
    store: &'a Store,
    info: &'a RunInfo,
    run: RunOptions<'a>,
) -> Journal<'a> {
    Journal {
        store,
        info,
        server: place.client.server(),
        server_url: place.client.base_url().as_str(),
        account: Some(place.account.clone()),
        sink: run.sink,
    }
}

/// Removes one, as far as it is there, and closes what the journal has open of it. The lock is held.
fn end(
    place: &Place<'_>,
    journal: &Journal<'_>,
    run: RunOptions<'_>,
    names: &Names,
) -> Result<AuditorState, Trouble> {
    let open = journal.store.open_steps()?;
    let state = if is_gone(place, names)? {
        AuditorState::Gone
    } else {
        let step = journal.begin(&names.consumer_key, REMOVES, json!(names))?;
        let removed = take_away(place, names, run.settle);
        let outcome = match &removed {
            Ok(()) => Outcome::Done,
            Err(trouble) => Outcome::Unknown(trouble.message.clone()),
        };
        journal.store.finish(step, &outcome)?;
        removed?;
        AuditorState::Removed
    };
    let ours = |row: &&JournalRow| {
        let is_ours = |read: Names| read.consumer_key == names.consumer_key;
        row.step.server_url == journal.server_url && Names::read(row).is_some_and(is_ours)
    };
    for row in open.iter().filter(ours) {
        journal.store.finish(row.id, &outcome(row, state))?;
    }
    Ok(state)
}

/// How a step ended whose run did not end it.
fn outcome(row: &JournalRow, state: AuditorState) -> Outcome {
    if row.step.action != STANDS {
        return Outcome::Unknown(
            "the run was killed; a later run removed the auditor consumer, or found it gone"
                .to_owned(),
        );
    }
    let what = match state {
        AuditorState::Removed => "a later run removed it",
        _ => "a later run found it gone",
    };
    Outcome::Failed(format!(
        "the run ended without removing the auditor consumer; {what}"
    ))
}

//! Rotations that did not end: each server is asked which key it holds, and the rotation is finished or taken back.

use atl_store::{JournalRow, KeyState, Outcome, Store, StoreError};

use super::{
    hand_over::Exec,
    in_place::{Registered, Subject},
    key_states::{retire_left_over, settle_rotated, settle_states},
    look::{Candidate, as_it_is},
    overlap,
    proof::Grants,
    report::{Rotation, RotationReport, RotationState, Strategy},
    succession::{NewNames, Succession},
    turn::{NEVER, as_registered, key, with_work},
    unfinished::{Next, Unfinished},
};
use crate::{
    choose::Held,
    engine::{RunOptions, StartError, clients, side_by_side},
    event::Event,
    execute::{Execute, Work},
    export::export_rotated,
    keys::Keys,
    known::{Known, read_file_keys},
    plan::PlanOptions,
    recover,
    step::RunInfo,
    trouble::Trouble,
    two_legged::Before,
    wanted::{Consumer, Ready},
};

/// Settles every rotation of the selected servers and consumers that was begun and did not end; starts none. `exec` hands
/// over a key that is kept, where that was to be done.
///
/// # Errors
///
/// Where the store does not answer or a server's configuration cannot work; what a server says is in the report.
pub fn settle_rotations(
    ready: &Ready,
    store: &Store,
    exec: Option<&Exec<'_>>,
    info: &RunInfo,
    run: RunOptions<'_>,
) -> Result<RotationReport, StartError> {
    let known = Known::read(Some(store))?;
    let open: Vec<(&JournalRow, Open)> = known
        .open_steps
        .iter()
        .filter_map(|row| Some((row, Open::read(row, &known)?)))
        .filter(|(row, _)| {
            let name = row.step.consumer.as_deref();
            ready
                .consumers
                .iter()
                .any(|consumer| Some(consumer.name.as_str()) == name)
        })
        .collect();
    let mut rotations = Vec::new();
    if !open.is_empty() {
        let keys = Keys::new(Some(store), read_file_keys(&ready.consumers)?);
        let options = PlanOptions::default();
        let execute = Execute {
            store,
            known: &known,
            keys: &keys,
            options: &options,
            info,
            settle: run.settle,
            interrupted: &NEVER,
            sink: run.sink,
        };
        let clients = clients(&ready.servers)?;
        let tasks: Vec<_> = clients
            .iter()
            .filter_map(|client| {
                let url = client.base_url().as_str();
                let here: Vec<_> = open
                    .iter()
                    .filter(|(row, _)| row.step.server_url == url)
                    .collect();
                (!here.is_empty()).then_some((client, here))
            })
            .collect();
        (run.sink)(&Event::BeginRotations {
            phase: "settle",
            servers: tasks.len(),
            rotations: tasks.iter().map(|(_, here)| here.len()).sum(),
        });
        let settled = side_by_side(run.parallel, &tasks, |_, (client, here)| {
            let all = with_work(execute, client, |work| {
                here.iter()
                    .filter_map(|(row, open)| match open {
                        Open::InPlace(rotation) => settle(work, ready, row, rotation, exec),
                        Open::Overlap(succession) => settle_overlap(work, ready, row, succession),
                    })
                    .collect::<Vec<_>>()
            });
            let all = all.unwrap_or_else(|trouble| {
                here.iter()
                    .map(|(row, open)| Rotation {
                        error: Some(trouble.clone()),
                        ..open.report(row)
                    })
                    .collect()
            });
            client.sign_out();
            for rotation in &all {
                (run.sink)(&Event::Rotation(rotation));
            }
            all
        });
        rotations = settled.into_iter().flatten().collect();
        settle_rotated(store, &rotations)?;
    }
    for consumer in &ready.consumers {
        retire_left_over(store, &consumer.name)?;
    }
    export_rotated(store, &ready.consumers, &mut rotations);
    Ok(RotationReport::new(rotations))
}

/// A rotation that a run left open.
enum Open {
    InPlace(Unfinished),
    /// The second consumer key was not proven yet.
    Overlap(Succession),
}

impl Open {
    fn read(row: &JournalRow, known: &Known) -> Option<Self> {
        if let Some(rotation) = Unfinished::read(row) {
            return Some(Self::InPlace(rotation));
        }
        let succession = Succession::read(row)?;
        let consumer = row.step.consumer.as_deref()?;
        let key = known.keypair(consumer, &succession.after)?;
        (key.state == KeyState::Pending).then_some(Self::Overlap(succession))
    }

    fn report(&self, row: &JournalRow) -> Rotation {
        match self {
            Self::InPlace(rotation) => of_journal(row, rotation),
            Self::Overlap(succession) => Rotation {
                strategy: Strategy::Overlap,
                after: Some(succession.after.clone()),
                new_key: Some(succession.new_key.clone()),
                new_url: Some(succession.new_url.clone()),
                ..Rotation::pending(
                    &row.step.server,
                    row.step.consumer.as_deref().unwrap_or_default(),
                    Some(succession.before.clone()),
                )
            },
        }
    }
}

/// Goes on where the second link is there, and else forgets about it.
fn settle_overlap(
    work: &Work<'_>,
    ready: &Ready,
    row: &JournalRow,
    succession: &Succession,
) -> Option<Rotation> {
    let report = Open::Overlap(succession.clone()).report(row);
    let consumer = ready
        .consumers
        .iter()
        .find(|consumer| consumer.name == report.consumer)?;
    let with = |trouble| {
        Some(Rotation {
            error: Some(trouble),
            ..report.clone()
        })
    };
    let links = match work.links() {
        Ok(links) => links,
        Err(trouble) => return with(trouble),
    };
    if links.iter().any(|link| link.has_url(&succession.new_url)) {
        let candidate = Candidate {
            consumer,
            rotation: report,
            seen: None,
        };
        let names = NewNames::default();
        return Some(overlap::rotate(work, &candidate, &succession.after, &names));
    }
    let store = work.execute.store;
    let lock = store.lock(work.journal.server_url, &consumer.name);
    let closed = lock.map_err(Trouble::from).and_then(|_lock| {
        let outcome =
            Outcome::Failed("the run was killed before the second link was made".to_owned());
        overlap::close(work, &consumer.name, &outcome)?;
        Ok(settle_states(store, &consumer.name, &[&succession.after])?)
    });
    match closed {
        Ok(()) => Some(Rotation {
            state: RotationState::RolledBack,
            ..report
        }),
        Err(trouble) => with(trouble),
    }
}

fn of_journal(row: &JournalRow, rotation: &Unfinished) -> Rotation {
    let consumer = row.step.consumer.as_deref().unwrap_or_default();
    Rotation {
        after: Some(rotation.after.clone()),
        ..Rotation::pending(&row.step.server, consumer, Some(rotation.before.clone()))
    }
}

/// Settles one; `None` where another run did so meanwhile.
fn settle(
    work: &Work<'_>,
    ready: &Ready,
    row: &JournalRow,
    rotation: &Unfinished,
    exec: Option<&Exec<'_>>,
) -> Option<Rotation> {
    let report = of_journal(row, rotation);
    let lock = work
        .execute
        .store
        .lock(work.journal.server_url, &report.consumer);
    let _lock = match lock {
        Ok(lock) => lock,
        Err(error) => {
            return Some(Rotation {
                error: Some(error.into()),
                ..report
            });
        }
    };
    let open = match is_open(work.execute.store, row.id) {
        Ok(open) => open,
        Err(error) => {
            return Some(Rotation {
                error: Some(error.into()),
                ..report
            });
        }
    };
    if !open {
        return None;
    }
    let consumer = ready
        .consumers
        .iter()
        .find(|consumer| consumer.name == report.consumer)?;
    Some(match decide(work, consumer, rotation, exec) {
        Err(trouble) => Rotation {
            error: Some(trouble),
            ..report
        },
        Ok((next, held, subject)) => {
            let registered = Registered::found(subject, row.id);
            report.ended(match next {
                Next::Close => registered.close_as_old(),
                Next::GoOn => registered.go_on(),
                Next::PutBack => registered.put_back(not_handed_over()),
                Next::Leave | Next::Gone => registered.leave(&held),
            })
        }
    })
}

fn is_open(store: &Store, id: i64) -> Result<bool, StoreError> {
    Ok(store.open_steps()?.iter().any(|row| row.id == id))
}

fn not_handed_over() -> Trouble {
    Trouble::own(
        "not_handed_over",
        "the run was killed before the command of `--exec` was known to have ended",
        "rotate again with `--exec`; if the command had taken the new key already, whoever got it needs the old one until then",
    )
}

/// Asks the server what it holds, closes the single steps that this explains, and decides.
fn decide<'a>(
    work: &'a Work<'a>,
    consumer: &Consumer,
    rotation: &Unfinished,
    exec: Option<&'a Exec<'a>>,
) -> Result<(Next, Held, Subject<'a>), Trouble> {
    let consumer = Consumer {
        key: rotation.consumer_key.clone(),
        ..as_it_is(consumer)
    };
    let links = work.links()?;
    let is_there = links.iter().any(|link| link.id == rotation.link_id);
    let entry = if is_there {
        work.applinks.consumer(&rotation.link_id)?
    } else {
        None
    };
    let held = Held::of(entry.as_ref(), &consumer.key);
    recover::settle_open_steps(work, &consumer, &held, &links)?;
    let next = rotation.next(&held, exec.is_some());
    let old = key(work, &consumer, &rotation.before)?;
    let new = key(work, &consumer, &rotation.after)?;
    let url = work.journal.server_url;
    let kept = work
        .execute
        .known
        .kept(&consumer.name, url, &rotation.link_id);
    let ours = entry.filter(|entry| entry.key == consumer.key);
    let before = match &ours {
        Some(entry) => Before::read(work.applinks, &rotation.link_id, Some(entry), kept.as_ref())?,
        None => Before::nothing(),
    };
    let grants = Grants::stored(work, &consumer)?;
    let entry = match ours {
        Some(entry) => as_registered(entry, &old),
        None => atl_applinks::NewConsumer {
            key: consumer.key.clone(),
            name: consumer.display_name.clone(),
            description: None,
            public_key: old.public.clone(),
            callback: None,
        },
    };
    let subject = Subject {
        work,
        consumer,
        link_id: rotation.link_id.clone(),
        entry,
        old,
        new,
        before,
        at_once: None,
        grants,
        exec: exec.filter(|_| rotation.hands_over),
    };
    Ok((next, held, subject))
}

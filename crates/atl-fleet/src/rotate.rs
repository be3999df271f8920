//! `rotate`: new keypairs for consumers that are registered, and never a server whose key nobody has (design.md,
//! decisions 3, 4 and 10).

mod dances;
mod hand_over;
mod in_place;
mod key_states;
mod look;
#[cfg(test)]
mod model_tests;
mod new_keys;
mod overlap;
mod patch;
mod proof;
mod registered;
mod report;
mod retire;
mod settle;
mod succession;
mod turn;
mod unfinished;

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, Ordering},
};

use atl_client::Client;
use atl_store::Store;

pub use hand_over::{Exec, HandOver, Runner, remove_left_key_files};
pub use registered::registered;
pub use report::{Rotation, RotationReport, RotationState, Strategy};
pub use retire::{Retirements, retirements};
pub use settle::settle_rotations;
pub use succession::NewNames;

pub(crate) use hand_over::ACTION as HAND_OVER;
pub(crate) use succession::{ACTION as OVERLAP, Succession};
pub(crate) use unfinished::{ACTION, Unfinished, unfinished};

use crate::{
    age::IfOlderThan,
    engine::{RunOptions, StartError, clients, side_by_side},
    event::Event,
    execute::Execute,
    export::export_rotated,
    guard::is_mass_change,
    keys::Keys,
    known::{Known, read_file_keys},
    plan::{PlanOptions, Status},
    step::RunInfo,
    trouble::Trouble,
    wanted::Ready,
};
use key_states::{settle_rotated, settle_states};
use look::{Candidate, Seen, look_at};
use new_keys::NewKeys;
use turn::{NEVER, with_work};

/// What to rotate, and how.
#[derive(Default)]
pub struct Rotate<'a> {
    /// How.
    pub strategy: Strategy,
    /// What second links are called.
    pub names: NewNames,
    /// The consumers that were named; empty means all.
    pub named: Vec<String>,
    /// A keypair for every server instead of one for all of a consumer's.
    pub per_server: bool,
    /// Leave keys alone that are not so old.
    pub if_older_than: Option<IfOlderThan>,
    /// The server that goes first.
    pub canary: Option<String>,
    /// Go on after a failure.
    pub keep_going: bool,
    /// Go past the guards that `--force` overrides.
    pub force: bool,
    /// Hands new keys over.
    pub exec: Option<Exec<'a>>,
    /// The path and the text of the fleet file, for the patch that an overlap asks for.
    pub fleet_file: (String, String),
}

/// The rotations to be.
pub struct Rotations<'a> {
    ready: &'a Ready,
    store: &'a Store,
    what: &'a Rotate<'a>,
    clients: Vec<Client>,
    servers: Vec<Seen<'a>>,
    options: PlanOptions,
}

/// Looks at every selected server: which key it holds, and what speaks against rotating it. Writes nothing.
///
/// # Errors
///
/// Where nothing could be started; what is wrong with a server is in its rotations.
pub fn look_at_rotations<'a>(
    ready: &'a Ready,
    store: &'a Store,
    what: &'a Rotate<'a>,
    run: RunOptions<'_>,
) -> Result<Rotations<'a>, StartError> {
    let known = Known::read(Some(store))?;
    let keys = Keys::new(Some(store), read_file_keys(&ready.consumers)?);
    let clients = clients(&ready.servers)?;
    if let Some(canary) = &what.canary
        && clients.iter().all(|client| client.server() != canary)
    {
        return Err(StartError::NoCanary {
            canary: canary.clone(),
        });
    }
    let options = PlanOptions {
        force: what.force,
        ..PlanOptions::default()
    };
    (run.sink)(&Event::Begin {
        phase: "look",
        servers: clients.len(),
    });
    let servers = side_by_side(run.parallel, &clients, |_, client| {
        look_at(client, ready, &known, &keys, &options, what)
    });
    let mut rotations = Rotations {
        ready,
        store,
        what,
        clients,
        servers,
        options,
    };
    let seen = rotations.servers.iter().map(|seen| seen.links).sum();
    if !what.force && what.named.is_empty() && is_mass_change(rotations.ready(), seen) {
        rotations.refuse_all(&mass_change(rotations.ready(), seen));
    }
    Ok(rotations)
}

impl Rotations<'_> {
    fn candidates(&self) -> impl Iterator<Item = &Candidate<'_>> {
        self.servers.iter().flat_map(|seen| &seen.candidates)
    }

    /// How many rotations nothing speaks against.
    pub fn ready(&self) -> usize {
        self.candidates().filter(|one| is_ready(one)).count()
    }

    /// What will happen, a sentence each.
    pub fn confirmations(&self) -> Vec<String> {
        let mut servers: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for candidate in self.candidates().filter(|one| is_ready(one)) {
            let name = candidate.consumer.name.as_str();
            servers
                .entry(name)
                .or_default()
                .push(&candidate.rotation.server);
        }
        servers
            .into_iter()
            .map(|(consumer, servers)| {
                if self.what.strategy == Strategy::Overlap {
                    return format!(
                        "give `{consumer}` a second consumer key on a second link on {}; the first one goes on working until \
                         `rotate --retire`",
                        servers.join(", ")
                    );
                }
                let hand_over = if self.what.exec.is_some() {
                    "whatever signs with the old key is refused until the command of `--exec` has handed over the new one"
                } else {
                    "whatever signs with the old key stops working until it gets the new one (`--exec`, `keys export`)"
                };
                format!(
                    "replace the public key of `{consumer}` on {}; its grants stay, and {hand_over}",
                    servers.join(", ")
                )
            })
            .collect()
    }

    /// What would be done, and what speaks against it.
    pub fn report(&self) -> RotationReport {
        RotationReport::new(
            self.candidates()
                .map(|candidate| candidate.rotation.clone())
                .collect(),
        )
    }

    /// Ends sessions where nothing is carried out.
    pub fn sign_out(&self) {
        self.clients.iter().for_each(Client::sign_out);
    }

    /// Rotates: one server first, then the others side by side.
    ///
    /// # Errors
    ///
    /// Where no keypair could be made or stored; no server was changed then.
    pub fn carry_out(
        self,
        info: &RunInfo,
        run: RunOptions<'_>,
    ) -> Result<RotationReport, StartError> {
        let new = NewKeys::make(&self, run.sink)?;
        let known = Known::read(Some(self.store))?;
        let keys = Keys::new(Some(self.store), read_file_keys(&self.ready.consumers)?);
        let execute = Execute {
            store: self.store,
            known: &known,
            keys: &keys,
            options: &self.options,
            info,
            settle: run.settle,
            interrupted: &NEVER,
            sink: run.sink,
        };
        (run.sink)(&Event::BeginRotations {
            phase: "rotate",
            servers: self.servers.len(),
            rotations: self.candidates().count(),
        });
        let stopped = AtomicBool::new(false);
        let on_server = |place: usize| {
            let (client, seen) = (&self.clients[place], &self.servers[place]);
            let mut rotations = Vec::with_capacity(seen.candidates.len());
            let may_begin = || {
                !run.interrupted.load(Ordering::Relaxed)
                    && (self.what.keep_going || !stopped.load(Ordering::Relaxed))
            };
            for candidate in &seen.candidates {
                let rotation = if is_ready(candidate) && may_begin() {
                    let exec = self.what.exec.as_ref();
                    new.of(candidate)
                        .and_then(|after| {
                            with_work(execute, client, |work| match self.what.strategy {
                                Strategy::InPlace => turn::rotate(work, candidate, &after, exec),
                                Strategy::Overlap => {
                                    overlap::rotate(work, candidate, &after, &self.what.names)
                                }
                            })
                        })
                        .unwrap_or_else(|trouble| candidate.rotation.clone().refused(trouble))
                } else {
                    candidate.rotation.clone()
                };
                if rotation.error.is_some() && is_ready(candidate) {
                    stopped.store(true, Ordering::Relaxed);
                }
                (run.sink)(&Event::Rotation(&rotation));
                rotations.push(rotation);
            }
            client.sign_out();
            rotations
        };
        let first = self.first();
        let mut results: BTreeMap<usize, Vec<Rotation>> = BTreeMap::new();
        results.extend(first.map(|place| (place, on_server(place))));
        let rest: Vec<usize> = (0..self.servers.len())
            .filter(|place| Some(*place) != first)
            .collect();
        let done = side_by_side(run.parallel, &rest, |_, place| (*place, on_server(*place)));
        results.extend(done);
        let mut rotations: Vec<_> = results.into_values().flatten().collect();
        for (consumer, fingerprint) in new.made() {
            settle_states(self.store, &consumer, &[&fingerprint])?;
        }
        settle_rotated(self.store, &rotations)?;
        match self.what.strategy {
            Strategy::InPlace => {
                export_rotated(self.store, &self.ready.consumers, &mut rotations);
                Ok(RotationReport::new(rotations))
            }
            Strategy::Overlap => self.dance(rotations, info, run),
        }
    }

    /// The server that goes first: the canary, or the first one with something to rotate.
    fn first(&self) -> Option<usize> {
        let named = |place: &usize| {
            self.what
                .canary
                .as_deref()
                .is_some_and(|canary| self.clients[*place].server() == canary)
        };
        let ready = |place: &usize| self.servers[*place].candidates.iter().any(is_ready);
        let mut places = 0..self.servers.len();
        places.clone().find(named).or_else(|| places.find(ready))
    }

    fn refuse_all(&mut self, trouble: &Trouble) {
        for candidate in self
            .servers
            .iter_mut()
            .flat_map(|seen| &mut seen.candidates)
        {
            if is_ready(candidate) {
                let rotation = candidate.rotation.clone();
                candidate.rotation = rotation.refused(trouble.clone());
            }
        }
    }
}

/// Whether nothing speaks against it.
fn is_ready(candidate: &Candidate<'_>) -> bool {
    candidate.rotation.error.is_none()
}

fn mass_change(rotations: usize, seen: usize) -> Trouble {
    Trouble::own(
        "mass_change",
        format!(
            "{rotations} of the {seen} links that were seen would get a new key; nothing was sent"
        ),
        "if that is what you want, run again with `--force`, or name the consumers with `--consumer`",
    )
}

/// How every rotation went, for the exit code.
pub(crate) fn statuses(report: &RotationReport) -> impl Iterator<Item = Status> {
    report.rotations.iter().map(Rotation::status)
}

//! Revocation of whatever an inventory shows: a way for each grant, shown before it is gone, and a reason for each that
//! none leads to.

use std::collections::{BTreeMap, BTreeSet};

use atl_client::{Client, Credentials};
use atl_store::{GrantRow, JournalRow, Store, StoreError};
use atl_tokens::{Coverage, GrantEntry, GrantKind, GrantStatus};
use jiff::Timestamp;

use super::{
    accounts::Accounts,
    batch::{Batch, Ended, consumer_of},
    hand::Hand,
    one::One,
    past_policy,
    report::{RevocationReport, RevokedGrant},
    way::{AtHand, Way, way},
    whole::{self, Whole},
};
use crate::{
    auditor::Auditor,
    engine::{RunOptions, StartError, clients, side_by_side},
    event::Event,
    execute::interrupted,
    grant::FailedGrant,
    grants::{
        choose::{Known, same_user, state},
        settle::{REVOKE, settle},
        work,
    },
    inventory::Inventory,
    plan::FORMAT_VERSION,
    step::RunInfo,
    trouble::Trouble,
    wanted::{Ready, ReadyServer},
};

/// What is locked while grants of a server are revoked by other ways than their own tokens: then no open step there is
/// one that another run is in the middle of.
const LOCK: &str = "atl-admin-revocation";

/// What may be done to reach grants, and which of those that the filter lets through are meant.
#[derive(Debug, Clone, Copy, Default)]
pub struct Means {
    /// Auditor consumers may be set up.
    pub auditor: bool,
    /// Consumers may be removed and registered again.
    pub whole_consumer: bool,
    /// Only grants that are older than the policy of their consumer allows.
    pub policy: bool,
    /// So many of them at most.
    pub limit: Option<usize>,
}

/// What removing a consumer ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consequence {
    /// The server.
    pub server: String,
    /// The consumer key.
    pub consumer_key: String,
    /// How many grants to it were seen: it has at least these.
    pub grants: usize,
    /// Of how many users.
    pub users: usize,
}

/// Grants of an inventory, each with its way or with the reason why there is none.
#[derive(Debug)]
pub struct Everywhere<'a> {
    ready: &'a Ready,
    means: Means,
    planned: Vec<(GrantEntry, Result<Way, Trouble>)>,
    consequences: Vec<Consequence>,
    coverage: Vec<Coverage>,
    seen: u64,
}

impl<'a> Everywhere<'a> {
    /// Chooses, and finds the ways. Nothing is sent.
    ///
    /// # Errors
    ///
    /// The store or the file of the run could not be read, or an id does not name one grant.
    pub fn new(
        ready: &'a Ready,
        store: Option<&Store>,
        inventory: &Inventory,
        means: Means,
    ) -> Result<Self, StartError> {
        let now = Timestamp::now();
        let stored = Stored::read(ready, store, now)?;
        let left = || means.limit.unwrap_or(usize::MAX);
        let mut planned = Vec::new();
        inventory.each(&mut |grant| {
            if planned.len() >= left() {
                return std::ops::ControlFlow::Break(());
            }
            if !means.policy || past_policy(&grant, &ready.consumers, now) {
                let at_hand = AtHand {
                    stored: stored.signs(&grant),
                    account: account(ready, &grant.server),
                    auditor: means.auditor,
                    whole_consumer: means.whole_consumer,
                };
                let way = way(&grant, &at_hand);
                planned.push((grant, way));
            }
            std::ops::ControlFlow::Continue(())
        })?;
        Ok(Self {
            ready,
            means,
            consequences: consequences(inventory, &planned)?,
            planned,
            coverage: inventory.coverage().to_vec(),
            seen: inventory.seen()?,
        })
    }

    /// The grants with their ways.
    pub fn grants(&self) -> Vec<RevokedGrant> {
        let planned = self.planned.iter();
        planned
            .map(|(grant, way)| RevokedGrant {
                grant: grant.clone(),
                way: way.as_ref().ok().copied(),
            })
            .collect()
    }

    /// What removing consumers ends, one a consumer.
    pub fn consequences(&self) -> &[Consequence] {
        &self.consequences
    }

    /// What was planned, as a report of which nothing was carried out.
    pub fn report(&self) -> RevocationReport {
        let failed = |(grant, way): &(GrantEntry, Result<Way, Trouble>)| {
            way.as_ref().err().map(|trouble| failed(grant, trouble))
        };
        RevocationReport {
            format_version: FORMAT_VERSION,
            grants: self.grants(),
            failed: self.planned.iter().filter_map(failed).collect(),
            coverage: self.coverage.clone(),
        }
    }

    /// More than 30 % of what was seen, and at least 10, needs `force`, unless `named` (cli.md section 1).
    pub fn refusal(&self, named: bool, force: bool) -> Option<Trouble> {
        let revoked = self.planned.iter().filter(|(_, way)| way.is_ok()).count() as u64;
        super::too_much(revoked, self.seen).filter(|_| !named && !force)
    }

    /// Revokes what a way leads to, and proves of each grant that it is gone.
    ///
    /// # Errors
    ///
    /// Only where nothing could be started.
    pub fn carry_out(
        mut self,
        store: &Store,
        info: &RunInfo,
        run: RunOptions<'_>,
    ) -> Result<RevocationReport, StartError> {
        let mut ended: BTreeMap<usize, Ended> = BTreeMap::new();
        self.with_tokens(store, info, run, &mut ended)?;
        let clients = clients(&self.ready.servers)?;
        let open = store.open_steps()?;
        let this = &self;
        let tasks: Vec<_> = clients
            .iter()
            .zip(&self.ready.servers)
            .map(|(client, server)| OnServer {
                everywhere: this,
                server,
                client,
                store,
                info,
                run,
            })
            .map(|task| {
                let batches = task.batches(&ended, &open);
                (task, batches)
            })
            .filter(|(_, batches)| !batches.is_empty())
            .collect();
        let grants = |(_, batches): &(OnServer<'_>, Batches)| {
            batches
                .values()
                .map(|(grants, _)| grants.len())
                .sum::<usize>()
        };
        (run.sink)(&Event::BeginGrants {
            phase: "revoke",
            servers: tasks.len(),
            grants: tasks.iter().map(grants).sum(),
        });
        let done = side_by_side(run.parallel, &tasks, |_, (task, batches)| task.run(batches));
        let (done, others): (Vec<_>, Vec<_>) = done.into_iter().unzip();
        ended.extend(done.into_iter().flatten());
        Ok(self.ended(ended, others.into_iter().flatten(), run))
    }

    /// Those that the store has something to sign for. What that does not end, another way may.
    fn with_tokens(
        &mut self,
        store: &Store,
        info: &RunInfo,
        run: RunOptions<'_>,
        ended: &mut BTreeMap<usize, Ended>,
    ) -> Result<(), StartError> {
        let work = work::Work::new(self.ready, store, run)?;
        settle(&work)?;
        let rows = Known::of(self.ready, store.grants()?).named;
        let token = |(_, way): &(GrantEntry, Result<Way, Trouble>)| *way == Ok(Way::Token);
        let places: Vec<usize> = (0..self.planned.len())
            .filter(|&place| token(&self.planned[place]))
            .collect();
        let rows: Vec<GrantRow> = rows
            .into_iter()
            .filter(|row| {
                places.iter().any(|&place| {
                    let (grant, _) = &self.planned[place];
                    grant.id == row.id && grant.server == row.server
                })
            })
            .collect();
        if rows.is_empty() {
            return Ok(());
        }
        let accounts = Accounts::new(self.ready);
        let report = work.each("revoke", &rows, work::Work::failed, |client, row| {
            One {
                work: &work,
                info,
                client,
                row,
                accounts: &accounts,
            }
            .run()
        });
        for place in places {
            let (grant, _) = &self.planned[place];
            let same = |id: &str, server: &str| grant.id == id && grant.server == server;
            let failed = report.failed.iter().find(|failed| {
                failed
                    .id
                    .as_deref()
                    .is_some_and(|id| same(id, &failed.server))
            });
            let now = report.grants.iter().find(|now| same(&now.id, &now.server));
            match (failed, now) {
                (Some(failed), _) => {
                    let at_hand = AtHand {
                        account: account(self.ready, &grant.server),
                        auditor: self.means.auditor,
                        whole_consumer: self.means.whole_consumer,
                        stored: false,
                    };
                    let other = way(grant, &at_hand);
                    match other {
                        Ok(other) if may_go_another_way(&failed.error) => {
                            self.planned[place].1 = Ok(other);
                        }
                        _ => {
                            ended.insert(place, Err(failed.error.clone()));
                        }
                    }
                }
                (None, Some(now)) => {
                    self.planned[place].0 = now.clone();
                    ended.insert(place, Ok(""));
                }
                (None, None) => {}
            }
        }
        Ok(())
    }

    /// The report of a run, and its events.
    fn ended(
        self,
        mut ended: BTreeMap<usize, Ended>,
        others: impl Iterator<Item = FailedGrant>,
        run: RunOptions<'_>,
    ) -> RevocationReport {
        let mut report = RevocationReport {
            format_version: FORMAT_VERSION,
            grants: Vec::new(),
            failed: Vec::new(),
            coverage: self.coverage,
        };
        for (place, (mut grant, way)) in self.planned.into_iter().enumerate() {
            let outcome = match (&way, ended.remove(&place)) {
                (Err(trouble), _) => Err(trouble.clone()),
                (Ok(_), Some(outcome)) => outcome,
                (Ok(_), None) => Err(interrupted()),
            };
            let told = way == Ok(Way::Token);
            match outcome {
                Ok(note) => {
                    grant.status = GrantStatus::Rejected;
                    if !note.is_empty() {
                        grant.note = Some(note.to_owned());
                    }
                }
                Err(trouble) => report.failed.push(failed(&grant, &trouble)),
            }
            let revoked = RevokedGrant {
                grant,
                way: way.ok(),
            };
            if !told {
                (run.sink)(&Event::RevokedGrant(&revoked));
            }
            report.grants.push(revoked);
        }
        report.failed.extend(others);
        for failed in &report.failed {
            (run.sink)(&Event::GrantFailed(failed));
        }
        report
    }
}

/// Whether a failure is one of the token, so that another way may end the grant.
fn may_go_another_way(trouble: &Trouble) -> bool {
    let final_ones = ["interrupted", "revocation_unclear", "still_active"];
    trouble.status != crate::plan::Status::Unreachable
        && !final_ones.contains(&trouble.code.as_str())
}

/// What the store has to sign with.
struct Stored(BTreeSet<(String, String)>);

impl Stored {
    fn read(ready: &Ready, store: Option<&Store>, now: Timestamp) -> Result<Self, StoreError> {
        let rows = store.map(Store::grants).transpose()?.unwrap_or_default();
        let rows = Known::of(ready, rows).named;
        let has_password = |row: &GrantRow| {
            let mut consumers = ready.consumers.iter();
            let consumer = consumers.find(|consumer| consumer.name == row.consumer);
            let mut grants = consumer.into_iter().flat_map(|consumer| &consumer.grants);
            grants.any(|grant| same_user(&grant.user, &row.user) && grant.password.is_some())
        };
        let signs =
            |row: &GrantRow| state(row, now) != atl_store::GrantState::Expired || has_password(row);
        Ok(Self(
            rows.into_iter()
                .filter(signs)
                .map(|row| (row.server, row.id))
                .collect(),
        ))
    }

    fn signs(&self, grant: &GrantEntry) -> bool {
        self.0.contains(&(grant.server.clone(), grant.id.clone()))
    }
}

/// Who signs in on a server, as far as the fleet file says.
fn account<'r>(ready: &'r Ready, server: &str) -> Option<&'r str> {
    let mut servers = ready.servers.iter();
    let server = servers.find(|ready| ready.config.name == server)?;
    match &server.config.credentials {
        Credentials::Password { username, .. } => Some(username),
        Credentials::Token { username, .. } => username.as_deref(),
        Credentials::Anonymous => None,
    }
}

fn failed(grant: &GrantEntry, trouble: &Trouble) -> FailedGrant {
    FailedGrant {
        server: grant.server.clone(),
        consumer: consumer_of(grant).to_owned(),
        user: grant.user.clone(),
        id: Some(grant.id.clone()),
        error: trouble.clone(),
    }
}

/// Counts what removing consumers ends.
fn consequences(
    inventory: &Inventory,
    planned: &[(GrantEntry, Result<Way, Trouble>)],
) -> Result<Vec<Consequence>, StartError> {
    let consumer = |grant: &GrantEntry| Some((grant.server.clone(), grant.consumer_key.clone()?));
    let mut ends: BTreeMap<(String, String), (usize, BTreeSet<String>)> = planned
        .iter()
        .filter(|(_, way)| *way == Ok(Way::Consumer))
        .filter_map(|(grant, _)| Some((consumer(grant)?, Default::default())))
        .collect();
    if !ends.is_empty() {
        inventory.whole(atl_store::SpoolOrder::Key, &mut |grant| {
            if grant.kind == GrantKind::Oauth1
                && let Some(ends) = consumer(&grant).and_then(|key| ends.get_mut(&key))
            {
                ends.0 += 1;
                ends.1.insert(grant.user.to_lowercase());
            }
            std::ops::ControlFlow::Continue(())
        })?;
    }
    let told =
        |((server, consumer_key), (grants, users)): (_, (usize, BTreeSet<String>))| Consequence {
            server,
            consumer_key,
            grants,
            users: users.len(),
        };
    Ok(ends.into_iter().map(told).collect())
}

/// The grants and the open steps that one hand has to do with, by way and user.
type Batches = BTreeMap<(Way, String), (Vec<usize>, Vec<JournalRow>)>;

/// The work on one server.
struct OnServer<'a> {
    everywhere: &'a Everywhere<'a>,
    server: &'a ReadyServer,
    client: &'a Client,
    store: &'a Store,
    info: &'a RunInfo,
    run: RunOptions<'a>,
}

impl OnServer<'_> {
    fn batches(&self, ended: &BTreeMap<usize, Ended>, open: &[JournalRow]) -> Batches {
        let mut batches = Batches::new();
        let by = |way: Way, user: &str, key: &str| match way {
            Way::Auditor => user.to_lowercase(),
            Way::Consumer => key.to_owned(),
            Way::Token | Way::Page | Way::Rest => String::new(),
        };
        for (place, (grant, way)) in self.everywhere.planned.iter().enumerate() {
            let Ok(way) = *way else { continue };
            if way != Way::Token
                && grant.server == self.client.server()
                && !ended.contains_key(&place)
            {
                let key = grant.consumer_key.as_deref().unwrap_or_default();
                let batch = batches.entry((way, by(way, &grant.user, key)));
                batch.or_default().0.push(place);
            }
        }
        let url = self.client.base_url().as_str();
        for step in open.iter().filter(|step| step.step.server_url == url) {
            let detail = &step.step.detail;
            if step.step.action == whole::ACTION {
                let key = detail["consumer"]["key"].as_str().unwrap_or_default();
                let batch = batches.entry((Way::Consumer, key.to_owned()));
                batch.or_default().1.push(step.clone());
                continue;
            }
            let (way, user) = (&detail["way"], &detail["user"]);
            let way = way.as_str().and_then(Way::read);
            if let Some(way @ (Way::Page | Way::Auditor | Way::Rest)) = way
                && step.step.action == REVOKE
                && (way != Way::Auditor || self.everywhere.means.auditor)
            {
                let user = by(way, user.as_str().unwrap_or_default(), "");
                batches.entry((way, user)).or_default().1.push(step.clone());
            }
        }
        batches
    }

    /// Does it all; what went wrong beside the grants comes second.
    fn run(&self, batches: &Batches) -> (Vec<(usize, Ended)>, Option<FailedGrant>) {
        let all = |trouble: &Trouble, only: Option<Way>| -> Vec<(usize, Ended)> {
            let batches = batches.iter();
            batches
                .filter(|((way, _), _)| only.is_none_or(|only| only == *way))
                .flat_map(|(_, (grants, _))| grants)
                .map(|&place| (place, Err(trouble.clone())))
                .collect()
        };
        let _lock = match self.store.lock(self.client.base_url().as_str(), LOCK) {
            Ok(lock) => lock,
            Err(error) => return (all(&error.into(), None), None),
        };
        let mut done = Vec::new();
        for ((way, key), batch) in batches.iter().filter(|((way, _), _)| *way != Way::Auditor) {
            done.extend(if *way == Way::Consumer {
                self.whole(key, batch)
            } else {
                self.batch(*way, None, batch)
            });
        }
        if !batches.keys().any(|(way, _)| *way == Way::Auditor) {
            return (done, None);
        }
        let auditor = match Auditor::set_up(self.server, self.store, self.info, self.run) {
            Ok(auditor) => auditor,
            Err(trouble) => {
                done.extend(all(&trouble, Some(Way::Auditor)));
                return (done, None);
            }
        };
        for ((way, _), batch) in batches.iter().filter(|((way, _), _)| *way == Way::Auditor) {
            done.extend(self.batch(*way, Some(&auditor), batch));
        }
        let left = auditor.take_down().err().map(|error| FailedGrant {
            server: self.client.server().to_owned(),
            consumer: "atl-admin auditor".to_owned(),
            user: String::new(),
            id: None,
            error,
        });
        (done, left)
    }

    /// Ends every grant to a consumer, after what earlier runs left open of it.
    fn whole(
        &self,
        key: &str,
        (places, left): &(Vec<usize>, Vec<JournalRow>),
    ) -> Vec<(usize, Ended)> {
        let whole = Whole {
            client: self.client,
            store: self.store,
            info: self.info,
            run: self.run,
        };
        let mut finished = left.iter().try_for_each(|step| whole.finish(step));
        if let Some(&place) = places.first()
            && finished.is_ok()
        {
            let stop = self
                .run
                .interrupted
                .load(std::sync::atomic::Ordering::Relaxed);
            finished = if stop {
                Err(interrupted())
            } else {
                let (grant, _) = &self.everywhere.planned[place];
                whole.end(grant.consumer.as_deref().unwrap_or(key), key)
            };
        } else if let Err(trouble) = &finished {
            (self.run.sink)(&Event::Warning {
                server: self.client.server(),
                consumer: key,
                message: &format!("{}; {}", trouble.message, trouble.advice),
            });
        }
        let ended = finished.map(|()| "ended with its consumer, which was registered again");
        places.iter().map(|&place| (place, ended.clone())).collect()
    }

    fn batch(
        &self,
        way: Way,
        auditor: Option<&Auditor<'_>>,
        (places, left): &(Vec<usize>, Vec<JournalRow>),
    ) -> Vec<(usize, Ended)> {
        let planned = &self.everywhere.planned;
        let grants: Vec<&GrantEntry> = places.iter().map(|&place| &planned[place].0).collect();
        let of_step = || left.first()?.step.detail["user"].as_str();
        let user = grants
            .first()
            .map(|grant| grant.user.as_str())
            .or_else(of_step);
        let user = user.unwrap_or_default();
        let Some(hand) = Hand::new(way, self.client, auditor, user, self.run.parallel) else {
            return Vec::new();
        };
        let batch = Batch {
            hand,
            way,
            server: self.client.server(),
            server_url: self.client.base_url().as_str(),
            store: self.store,
            info: self.info,
            run: self.run,
        };
        places
            .iter()
            .copied()
            .zip(batch.run(&grants, left))
            .collect()
    }
}

//! A run over the fleet: look at all servers side by side, then carry out the plan, one task a server.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use atl_client::{Client, Transport};
use atl_keys::{KeySize, Keypair};
use atl_oauth::ListenError;
use atl_store::{Store, StoreError};

use crate::{
    auditor::remove_first,
    event::{Event, Sink},
    execute::{Execute, execute_server, interrupted},
    export,
    grants::GrantChoiceError,
    guard,
    keys::Keys,
    known::{FileKeyError, Known, read_file_keys},
    observe::{Look, Observed, observe},
    plan::{Change, Kind, Plan, PlanOptions, ServerPlan, Status, Summary},
    planner::plan_server,
    step::RunInfo,
    trouble::Trouble,
    wanted::{Consumer, KeypairSource, Ready, ReadyServer},
};

/// How a run goes about it.
#[derive(Clone, Copy)]
pub struct RunOptions<'a> {
    /// Servers worked on at once.
    pub parallel: usize,
    /// How long a refusal right after a write is asked again.
    pub settle: Duration,
    /// Set when the user interrupts: the step under way is finished, no further one is begun.
    pub interrupted: &'a AtomicBool,
    /// Takes events.
    pub sink: Sink<'a>,
}

/// Why a run did not start: nothing was sent to any server.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// A server's configuration cannot work.
    #[error("{}", troubles.iter().map(|trouble| trouble.message.as_str()).collect::<Vec<_>>().join("; "))]
    Config {
        /// What is wrong, one a server.
        troubles: Vec<Trouble>,
    },
    /// A key file was not read.
    #[error(transparent)]
    FileKey(#[from] FileKeyError),
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A keypair could not be made.
    #[error("a keypair for consumer `{consumer}` could not be made")]
    Key {
        /// The consumer.
        consumer: String,
        /// Why.
        source: atl_keys::KeyError,
    },
    /// A grant that was named is not one.
    #[error(transparent)]
    Grant(#[from] GrantChoiceError),
    /// The fleet file is not the one that the plan was made from.
    #[error("the fleet file has changed since the plan was made")]
    OtherFleet,
    /// Nobody is named whose grant is wanted.
    #[error("no grant is wanted of anybody on these servers")]
    NothingToAuthorize,
    /// The server that was to go first is none of those selected.
    #[error("`{canary}`, which was to go first, is none of the selected servers")]
    NoCanary {
        /// Its name.
        canary: String,
    },
    /// Somebody cannot be signed in as.
    #[error("the fleet file has no password of {}", listed(without))]
    NoPassword {
        /// Each user, and the consumer that wants the grant.
        without: Vec<(String, String)>,
    },
    /// Nothing can be listened on for the browser to come back.
    #[error(transparent)]
    Listen(#[from] ListenError),
}

fn listed(without: &[(String, String)]) -> String {
    let each = without
        .iter()
        .map(|(user, consumer)| format!("`{user}` for consumer `{consumer}`"));
    each.collect::<Vec<_>>().join(" and of ")
}

impl StartError {
    /// Whether it is wrong usage: what is wrong with the configuration or a key file, rather than with the store.
    pub fn is_usage(&self) -> bool {
        matches!(
            self,
            Self::Config { .. }
                | Self::FileKey(_)
                | Self::OtherFleet
                | Self::NothingToAuthorize
                | Self::NoPassword { .. }
                | Self::NoCanary { .. }
                | Self::Grant(GrantChoiceError::Ambiguous { .. })
        )
    }

    /// What to do about it.
    pub fn advice(&self) -> String {
        match self {
            Self::Config { troubles } => troubles
                .iter()
                .map(|trouble| trouble.advice.as_str())
                .collect::<Vec<_>>()
                .join("; "),
            Self::FileKey(error) => error.advice(),
            Self::Store(error) => error.advice(),
            Self::Grant(error) => error.advice(),
            Self::Key { source, .. } => source.advice(),
            Self::OtherFleet => "make a new plan with `atl-admin plan --out FILE`".to_owned(),
            Self::NothingToAuthorize => {
                "name the users under `grants:` of a consumer in the fleet file, or with `--user NAME`".to_owned()
            }
            Self::NoPassword { .. } => {
                "give `password:` beside `user:` under `grants:` of the consumer, as `${env:NAME}`; without `--headless` \
                 the users approve themselves, in a browser"
                    .to_owned()
            }
            Self::NoCanary { .. } => {
                "name one of the servers of the fleet file that `--server` leaves in".to_owned()
            }
            Self::Listen(error) => error.advice().to_owned(),
        }
    }
}

/// The clients, the keys and what was seen: what `apply` needs of the look that made its plan.
pub struct Looked<'a> {
    /// The plan.
    pub plan: Plan,
    ready: &'a Ready,
    store: Option<&'a Store>,
    clients: Vec<Client>,
    observed: Vec<Option<Observed>>,
    keys: Keys<'a>,
}

/// Looks at every selected server and plans. Writes neither servers nor store.
///
/// # Errors
///
/// Only where nothing could be started; what is wrong with a server is in its part of the plan.
pub fn look<'a>(
    ready: &'a Ready,
    store: Option<&'a Store>,
    options: &PlanOptions,
    run: RunOptions<'_>,
) -> Result<Looked<'a>, StartError> {
    let known = Known::read(store)?;
    let keys = Keys::new(store, read_file_keys(&ready.consumers)?);
    let clients = clients(&ready.servers)?;
    (run.sink)(&Event::Begin {
        phase: "look",
        servers: clients.len(),
    });
    let looked = side_by_side(run.parallel, &clients, |index, client| {
        let server = &ready.servers[index];
        if run.interrupted.load(Ordering::Relaxed) {
            return (ServerPlan::troubled(client.server(), interrupted()), None);
        }
        let consumers = consumers_of(ready, client.server());
        let with = |known: &Known| {
            let keys = &keys;
            let look = Look {
                known,
                keys,
                options,
            };
            look_at(server, client, &consumers, ready, &look)
        };
        let (mut plan, mut observed) = with(&known);
        if plan.changes.iter().any(may_be_of_another_run)
            && let Ok(known) = Known::read(store)
        {
            (plan, observed) = with(&known);
        }
        (run.sink)(&Event::Planned(&plan));
        (plan, observed)
    });
    let (servers, observed) = looked.into_iter().unzip();
    let plan = Plan::new(&ready.digest, options, servers);
    Ok(Looked {
        plan,
        ready,
        store,
        clients,
        observed,
        keys,
    })
}

/// Whether a refusal may come of another run with the same store that registered its key while this one looked: then a
/// second look, with what the store has now, finds the key there and known.
fn may_be_of_another_run(change: &Change) -> bool {
    change
        .error
        .as_ref()
        .is_some_and(|error| matches!(error.code.as_str(), "unknown_key" | "consumer_key_taken"))
}

pub(crate) fn look_at(
    server: &ReadyServer,
    client: &Client,
    consumers: &[&Consumer],
    ready: &Ready,
    look: &Look<'_>,
) -> (ServerPlan, Option<Observed>) {
    let mut observed = match observe(client, consumers, &ready.named, look) {
        Ok(observed) => observed,
        Err(trouble) => {
            let mut plan = ServerPlan::troubled(client.server(), trouble);
            if let Some(manifest) = client.known_manifest() {
                plan.product = client.product().ok();
                plan.version = Some(manifest.version.clone());
            }
            return (plan, None);
        }
    };
    let plan_for = |observed: &Observed| {
        plan_server(
            server,
            consumers,
            observed,
            look.known,
            look.keys.files(),
            look.options,
        )
    };
    let plan = plan_for(&observed);
    if !plan
        .changes
        .iter()
        .any(|change| rights_matter(change, &observed))
    {
        return (plan, Some(observed));
    }
    let rights = atl_applinks::Applinks::open(client)
        .and_then(|applinks| applinks.is_system_administrator());
    match rights {
        Ok(rights) => {
            for seen in observed.consumers.values_mut() {
                seen.system_administrator = rights;
            }
            (plan_for(&observed), Some(observed))
        }
        Err(error) => (ServerPlan::troubled(client.server(), error.into()), None),
    }
}

/// Whether the plan for a consumer depends on our being a system administrator.
fn rights_matter(change: &Change, observed: &Observed) -> bool {
    let resets = || {
        let seen = observed.consumers.get(&change.consumer);
        let entry = seen.and_then(|seen| seen.consumer.as_ref());
        let matrix = seen.and_then(|seen| seen.matrix.as_ref());
        entry.is_some_and(|entry| {
            entry.two_lo_impersonation_allowed || entry.executing_two_lo_user.is_some()
        }) || matrix.is_some_and(|matrix| matrix.outgoing.two_lo_impersonation)
    };
    let needs = |path: &str| matches!(path, "impersonation" | "execute_as");
    change
        .error
        .as_ref()
        .is_some_and(|error| error.code == "executing_user")
        || (change.kind != Kind::Link && change.is_change() && resets())
        || (change.kind == Kind::TwoLegged && change.fields.iter().any(|field| needs(&field.path)))
}

pub(crate) fn clients<'r>(
    servers: impl IntoIterator<Item = &'r ReadyServer>,
) -> Result<Vec<Client>, StartError> {
    let transport = Transport::default();
    let mut clients = Vec::new();
    let mut troubles = Vec::new();
    for server in servers {
        match Client::new(server.config.clone(), &transport) {
            Ok(client) => clients.push(client),
            Err(error) => troubles.push(Trouble::from(error)),
        }
    }
    if troubles.is_empty() {
        Ok(clients)
    } else {
        Err(StartError::Config { troubles })
    }
}

/// The selected consumers that a server is to have (or to lose).
pub(crate) fn consumers_of<'r>(ready: &'r Ready, server: &str) -> Vec<&'r Consumer> {
    ready
        .consumers
        .iter()
        .filter(|consumer| consumer.servers.iter().any(|name| name == server))
        .collect()
}

/// Runs `task` for every item on up to `parallel` threads; results in the order of the items.
pub(crate) fn side_by_side<T: Sync, R: Send>(
    parallel: usize,
    items: &[T],
    task: impl Fn(usize, &T) -> R + Sync,
) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let results: Mutex<BTreeMap<usize, R>> = Mutex::default();
    thread::scope(|scope| {
        for _ in 0..parallel.clamp(1, items.len().max(1)) {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(index) else { break };
                    let result = task(index, item);
                    results
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .insert(index, result);
                }
            });
        }
    });
    results
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner)
        .into_values()
        .collect()
}

impl Looked<'_> {
    /// Why the plan needs a confirmation, a sentence each.
    pub fn confirmations(&self) -> Vec<String> {
        guard::confirmations(&self.plan)
    }

    /// Takes a saved plan: what was seen since must be what the plan was made from, server by server; a server that
    /// moved on gets its refusal and nothing is sent to it.
    ///
    /// # Errors
    ///
    /// The plan was made from another fleet file.
    pub fn take_saved(&mut self, saved: &Plan) -> Result<(), StartError> {
        if saved.fleet != self.ready.digest {
            return Err(StartError::OtherFleet);
        }
        let bare = |plan: &ServerPlan| {
            plan.changes
                .iter()
                .map(Change::without_outcome)
                .collect::<Vec<_>>()
        };
        for (server, observed) in self.plan.servers.iter_mut().zip(&mut self.observed) {
            let planned = saved
                .servers
                .iter()
                .find(|planned| planned.server == server.server);
            let same = planned.is_some_and(|planned| {
                planned.observed == server.observed && bare(planned) == bare(server)
            });
            if !same && observed.is_some() {
                *observed = None;
                *server = ServerPlan {
                    product: server.product,
                    version: server.version.clone(),
                    ..ServerPlan::troubled(
                        &server.server,
                        Trouble::own(
                            "moved_on",
                            format!("`{}` has changed since the plan was made", server.server),
                            "make a new plan and look at it",
                        ),
                    )
                };
            }
        }
        self.plan.summary = Summary::of(&self.plan.servers);
        Ok(())
    }

    /// Carries the plan out and says what came of it.
    ///
    /// # Errors
    ///
    /// The store could not be read, or no keypair be made; nothing was sent then.
    pub fn apply(self, info: &RunInfo, run: RunOptions<'_>) -> Result<Plan, StartError> {
        let Self {
            mut plan,
            ready,
            store,
            clients,
            observed,
            keys,
        } = self;
        let Some(store) = store else { return Ok(plan) };
        let refusal = if run.interrupted.load(Ordering::Relaxed) {
            Some(interrupted())
        } else {
            guard::mass_change(&plan, &observed)
        };
        if let Some(trouble) = refusal {
            for server in plan
                .servers
                .iter_mut()
                .filter(|server| server.has_changes())
            {
                server.note(&trouble);
            }
            plan.skip_all();
            sign_out(&clients);
            return Ok(plan);
        }
        let known = make_keypairs(ready, store, &plan, run.sink)
            .and_then(|()| Ok(Known::read(Some(store))?))
            .inspect_err(|_| sign_out(&clients))?;
        (run.sink)(&Event::Begin {
            phase: "apply",
            servers: clients.len(),
        });
        let options = plan.options.clone();
        let execute = Execute {
            store,
            known: &known,
            keys: &keys,
            options: &options,
            info,
            settle: run.settle,
            interrupted: run.interrupted,
            sink: run.sink,
        };
        let tasks: Vec<_> = plan
            .servers
            .into_iter()
            .zip(clients)
            .zip(observed)
            .collect();
        let mut servers = side_by_side(run.parallel, &tasks, |_, ((planned, client), observed)| {
            let mut planned = planned.clone();
            let unreachable = observed.is_none() && planned.status == Status::Unreachable;
            let trouble = planned.error.as_ref().filter(|_| unreachable);
            remove_first(client, store, &known.open_steps, trouble, info, run);
            if let Some(observed) = observed {
                let consumers = consumers_of(ready, client.server());
                execute_server(
                    execute,
                    client,
                    &consumers,
                    &ready.named,
                    observed,
                    &mut planned,
                );
            }
            client.sign_out();
            (run.sink)(&Event::Server(&planned));
            planned
        });
        export::export(store, &ready.consumers, &mut servers);
        let plan = Plan::new(&ready.digest, &options, servers);
        (run.sink)(&Event::Summary(&plan.summary));
        Ok(plan)
    }

    /// The plan when nothing of it is carried out after all. Ends sessions.
    pub fn give_up(self) -> Plan {
        self.sign_out();
        let mut plan = self.plan;
        plan.skip_all();
        plan
    }

    /// Ends sessions where nothing is carried out.
    pub fn sign_out(&self) {
        sign_out(&self.clients);
    }
}

fn sign_out(clients: &[Client]) {
    for client in clients {
        client.sign_out();
    }
}

/// Makes the keypairs that the plan needs, on all cores, and puts them into the store before anything is sent.
fn make_keypairs(
    ready: &Ready,
    store: &Store,
    plan: &Plan,
    sink: Sink<'_>,
) -> Result<(), StartError> {
    let mut wanted: BTreeMap<usize, (KeySize, Vec<&Consumer>)> = BTreeMap::new();
    for consumer in &ready.consumers {
        let KeypairSource::Managed { size, .. } = &consumer.keypair else {
            continue;
        };
        let needed = plan
            .servers
            .iter()
            .flat_map(|server| &server.changes)
            .any(|change| {
                change.consumer == consumer.name
                    && change.fields.iter().any(|field| field.known_after_apply)
            });
        if needed {
            wanted
                .entry(size.bits())
                .or_insert_with(|| (*size, Vec::new()))
                .1
                .push(consumer);
        }
    }
    for (size, consumers) in wanted.into_values() {
        let failed = |source| StartError::Key {
            consumer: consumers[0].name.clone(),
            source,
        };
        let made = Keypair::generate_many(size, consumers.len()).map_err(failed)?;
        for (consumer, keypair) in consumers.iter().zip(&made) {
            let row = store.keypair_or_add(&consumer.name, keypair)?;
            sink(&Event::Keypair {
                consumer: &consumer.name,
                fingerprint: &row.fingerprint,
                bits: row.bits,
            });
        }
    }
    Ok(())
}

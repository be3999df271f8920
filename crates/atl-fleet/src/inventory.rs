//! The inventory: what all sources say of who granted what to whom, merged grant by grant.
//!
//! Servers are asked side by side. What they say goes to a file of the run at once, so a million grants never live in
//! memory together.

mod collect;
mod names;
mod sources;
mod stored;

use std::{ops::ControlFlow, sync::atomic::Ordering};

use atl_client::Client;
use atl_store::{SpoolOrder, Store};
use atl_tokens::{Coverage, GrantEntry, LookedAt, RegisteredConsumer, SourceKind};
use jiff::Timestamp;

use crate::{
    engine::{RunOptions, StartError, clients, side_by_side},
    event::Event,
    file::Needs,
    grants::GrantFilter,
    plan::Status,
    step::RunInfo,
    trouble::status_of,
    wanted::Ready,
};
use collect::{Collect, Collected};
use sources::OnServer;

/// What is asked, and whom.
#[derive(Debug, Clone, Default)]
pub struct Ask {
    /// The sources that were named; none means all that the fleet file permits.
    pub sources: Vec<SourceKind>,
    /// Whose pages an auditor consumer reads; none means every user that the product lists.
    pub users: Vec<String>,
    /// Whether an auditor consumer may be set up.
    pub auditor: bool,
    /// Whether only grants of the selected consumers count.
    pub only_consumers: bool,
    /// Whether nothing at all was selected: grants of servers that the fleet file no longer names come along.
    pub everything: bool,
}

impl Ask {
    /// What of the fleet file asking needs.
    pub fn needs(&self) -> Needs {
        let asks_servers = [SourceKind::Page, SourceKind::Pat, SourceKind::Impersonated];
        Needs {
            admin: asks_servers.into_iter().any(|source| self.wants(source)),
            database: self.wants(SourceKind::Database),
            ..Needs::default()
        }
    }

    /// Whether a source is to be asked: by its name, or because none was named.
    pub(crate) fn wants(&self, source: SourceKind) -> bool {
        match source {
            SourceKind::Impersonated => self.auditor,
            _ if self.sources.is_empty() => true,
            _ => self.names(source),
        }
    }

    /// Whether a source was named: what it cannot look at is then a failure, and not only a note.
    pub(crate) fn names(&self, source: SourceKind) -> bool {
        self.sources.contains(&source)
    }
}

/// What the sources said.
#[derive(Debug)]
pub struct Inventory {
    collected: Collected,
    coverage: Vec<Coverage>,
    filter: GrantFilter,
    now: Timestamp,
}

/// Asks the sources. Servers are written to only where an auditor consumer is wanted, which is taken down again.
///
/// # Errors
///
/// Only where nothing could be started, the store could not be read, or there is no room for what was found; what a source
/// could not see is in the coverage.
pub fn gather(
    ready: &Ready,
    store: Option<&Store>,
    ask: &Ask,
    filter: &GrantFilter,
    info: &RunInfo,
    run: RunOptions<'_>,
) -> Result<Inventory, StartError> {
    let clients = clients(&ready.servers)?;
    let inventory = gather_from(&clients, ready, store, ask, filter, info, run);
    clients.iter().for_each(Client::sign_out);
    inventory
}

/// The same from servers that go on being asked: a password that one of them refused is not sent to it again.
pub(crate) fn gather_from(
    clients: &[Client],
    ready: &Ready,
    store: Option<&Store>,
    ask: &Ask,
    filter: &GrantFilter,
    info: &RunInfo,
    run: RunOptions<'_>,
) -> Result<Inventory, StartError> {
    let now = Timestamp::now();
    let collect = Collect::new(ready, ask, filter.sort, now)?;
    (run.sink)(&Event::Begin {
        phase: "list",
        servers: clients.len(),
    });
    let mut coverage = Vec::new();
    if ask.wants(SourceKind::Store) {
        let stored = stored::grants(ready, store, ask)?;
        coverage.extend(stored.read(&|grant| collect.put(grant)));
        for line in &coverage {
            (run.sink)(&Event::Coverage(line));
        }
    }
    let asked = side_by_side(run.parallel, clients, |place, client| {
        let server = &ready.servers[place];
        let on = OnServer {
            server,
            client,
            store,
            ask,
            info,
            run,
        };
        let coverage = on.read(&|found| collect.take(client.server(), found));
        for line in &coverage {
            (run.sink)(&Event::Coverage(line));
        }
        (run.sink)(&Event::Listed {
            server: client.server(),
        });
        coverage
    });
    coverage.extend(asked.into_iter().flatten());
    Ok(Inventory {
        collected: collect.settle()?,
        coverage,
        filter: filter.clone(),
        now,
    })
}

impl Inventory {
    /// What the sources could see, and what not.
    pub fn coverage(&self) -> &[Coverage] {
        &self.coverage
    }

    /// The consumers that databases and exports have, each with its server's name.
    pub fn registered(&self) -> Vec<(String, RegisteredConsumer)> {
        self.collected.registered.clone()
    }

    /// How many grants were seen, before any filter.
    ///
    /// # Errors
    ///
    /// The file of the run could not be read.
    pub fn seen(&self) -> Result<u64, StartError> {
        Ok(self.collected.count()?)
    }

    /// Hands over the grants that the filter lets through, in its order, until `take` says to stop.
    ///
    /// # Errors
    ///
    /// An id does not name one grant, or the file of the run could not be read.
    pub fn each(
        &self,
        take: &mut dyn FnMut(GrantEntry) -> ControlFlow<()>,
    ) -> Result<(), StartError> {
        let mut left = self.filter.limit.unwrap_or(usize::MAX);
        self.matching(&mut |grant| {
            if left == 0 {
                return ControlFlow::Break(());
            }
            left -= 1;
            take(grant)
        })
    }

    /// The same without a limit.
    ///
    /// # Errors
    ///
    /// As [`Inventory::each`].
    pub fn matching(
        &self,
        take: &mut dyn FnMut(GrantEntry) -> ControlFlow<()>,
    ) -> Result<(), StartError> {
        let ids = self.named()?;
        self.whole(SpoolOrder::Given, &mut |grant| {
            if self.filter.matches(&grant, &ids, self.now) {
                take(grant)
            } else {
                ControlFlow::Continue(())
            }
        })
    }

    /// Hands over every grant that was seen, whatever the filter says.
    ///
    /// # Errors
    ///
    /// The file of the run could not be read.
    pub fn whole(
        &self,
        order: SpoolOrder,
        take: &mut dyn FnMut(GrantEntry) -> ControlFlow<()>,
    ) -> Result<(), StartError> {
        self.read(order, &mut |_, grant| take(grant))
    }

    /// Hands over every grant that was seen with its key, in the order of the keys.
    pub(crate) fn keyed(&self, take: &mut dyn FnMut(&str, GrantEntry)) -> Result<(), StartError> {
        self.read(SpoolOrder::Key, &mut |key, grant| {
            take(key, grant);
            ControlFlow::Continue(())
        })
    }

    fn read(
        &self,
        order: SpoolOrder,
        take: &mut dyn FnMut(&str, GrantEntry) -> ControlFlow<()>,
    ) -> Result<(), StartError> {
        self.collected
            .each(order, &mut |key, grant| take(key, grant.as_of(self.now)))?;
        Ok(())
    }

    /// The ids that the filter names, each in full.
    fn named(&self) -> Result<Vec<String>, StartError> {
        if self.filter.ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut all = Vec::new();
        self.whole(SpoolOrder::Key, &mut |grant| {
            let id = &grant.id;
            let begins = |named: &String| id.starts_with(&named.to_ascii_lowercase());
            if self.filter.ids.iter().any(begins) {
                all.push(grant.id);
            }
            ControlFlow::Continue(())
        })?;
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        Ok(self.filter.named(&all)?)
    }

    /// How the looking went, for the exit code: each server by what could not be looked at there. What is remembered asks
    /// no server.
    pub fn statuses(&self) -> Vec<Status> {
        statuses(&self.coverage)
    }
}

/// How looking went, a status for each line of coverage of a source that asks a server or a database.
pub(crate) fn statuses(coverage: &[Coverage]) -> Vec<Status> {
    let remembers = |source| {
        let sources = [SourceKind::Store, SourceKind::Export];
        sources.map(LookedAt::from).contains(&source)
    };
    let asks = |line: &&Coverage| line.gap.is_some() || !remembers(line.source);
    coverage
        .iter()
        .filter(asks)
        .map(|line| match &line.gap {
            Some(gap) => status_of(gap.failure),
            None => Status::Ok,
        })
        .collect()
}

/// Whether the user interrupted.
pub(crate) fn stopped(run: &RunOptions<'_>) -> ControlFlow<()> {
    if run.interrupted.load(Ordering::Relaxed) {
        ControlFlow::Break(())
    } else {
        ControlFlow::Continue(())
    }
}

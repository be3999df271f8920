//! Looking: the inventory of grants first, then links, consumers and settings, each server beside the others.

use std::{collections::BTreeMap, ops::ControlFlow};

use atl_store::{Store, StoreError};
use atl_tokens::{
    Coverage, Finding,
    rules::{FleetFacts, ServerFacts, Wanted, of_grant, of_servers},
};
use jiff::Timestamp;

use super::{Findings, coverage, coverage::Told, fleet, server};
use crate::{
    engine::{RunOptions, StartError, clients, side_by_side},
    event::Event,
    grants::GrantFilter,
    inventory::{Ask, Inventory, gather_from},
    known::{Known, read_file_keys},
    plan::Status,
    planner::strip,
    step::RunInfo,
    wanted::Ready,
};

/// What an audit saw.
#[derive(Debug)]
pub struct Audit {
    inventory: Inventory,
    servers: Vec<ServerFacts>,
    fleet: FleetFacts,
    coverage: Vec<Coverage>,
    /// The consumers that were selected, where some were.
    only: Option<Vec<String>>,
    /// Whether nothing was selected.
    everything: bool,
}

/// Looks at the selected servers. They are written to only where an auditor consumer is wanted, which is taken down again.
///
/// # Errors
///
/// As of [`gather`](crate::inventory::gather): what could not be seen is in the coverage.
pub fn look(
    ready: &Ready,
    store: Option<&Store>,
    ask: &Ask,
    filter: &GrantFilter,
    info: &RunInfo,
    run: RunOptions<'_>,
) -> Result<Audit, StartError> {
    let files = read_file_keys(&ready.consumers)?;
    let clients = clients(&ready.servers)?;
    let inventory = gather_from(&clients, ready, store, ask, filter, info, run)?;
    // What the run itself has changed by now counts.
    let known = Known::read(store)?;
    (run.sink)(&Event::Begin {
        phase: "audit",
        servers: clients.len(),
    });
    let registered = inventory.registered();
    let looked = side_by_side(run.parallel, &clients, |place, client| {
        let mut seen = server::look(client, &known.open_steps, &run);
        client.sign_out();
        let name = client.server();
        let told = Told::of(name, inventory.coverage());
        if told.consumers {
            let here = registered.iter().filter(|(server, _)| server == name);
            seen.facts.consumers = Some(here.map(|(_, consumer)| consumer.clone()).collect());
        }
        let wanted = fleet::wanted(
            ready,
            &ready.servers[place],
            &seen.consumers,
            &known,
            &files,
        );
        let line = coverage::of_links(&seen.facts, told, seen.gap);
        (run.sink)(&Event::Coverage(&line));
        (run.sink)(&Event::Listed { server: name });
        (seen.facts, wanted, line)
    });
    let mut coverage = inventory.coverage().to_vec();
    let mut servers = Vec::new();
    let mut wanted = BTreeMap::new();
    for (facts, wants, line) in looked {
        wanted.insert(facts.server.clone(), wants);
        servers.push(facts);
        coverage.push(line);
    }
    let place = |line: &Coverage| {
        let mut names = ready.servers.iter().map(|server| &server.config.name);
        names.position(|name| *name == line.server)
    };
    coverage.sort_by_key(place);
    let selected = ready.consumers.iter().map(|consumer| consumer.name.clone());
    Ok(Audit {
        inventory,
        servers,
        fleet: FleetFacts {
            now: Timestamp::now(),
            wanted,
            keys_made: fleet::keys_made(&known),
        },
        coverage,
        only: ask.only_consumers.then(|| selected.collect()),
        everything: ask.everything,
    })
}

impl Audit {
    /// The grants.
    pub fn inventory(&self) -> &Inventory {
        &self.inventory
    }

    /// When it was made.
    pub fn made(&self) -> Timestamp {
        self.fleet.now
    }

    /// What was looked at, server by server, and what could not be seen.
    pub fn coverage(&self) -> &[Coverage] {
        &self.coverage
    }

    /// How many servers were looked at.
    pub fn servers(&self) -> usize {
        self.servers.len()
    }

    /// Holds all that was seen against the rules. Grants count as far as the filter lets them through, whatever its limit.
    ///
    /// # Errors
    ///
    /// A file of the run could not be read or written.
    pub fn judge(&self, findings: &mut Findings) -> Result<(), StartError> {
        for finding in of_servers(&self.servers, &self.fleet) {
            if self.is_selected(&finding) {
                findings.add(finding)?;
            }
        }
        let mut added: Result<(), StoreError> = Ok(());
        self.inventory.matching(&mut |grant| {
            let mut found = of_grant(&grant, &self.fleet).into_iter();
            added = found.try_for_each(|finding| findings.add(finding));
            match added {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            }
        })?;
        Ok(added?)
    }

    /// Whether a finding that is about no grant is about one of the selected consumers or its link.
    fn is_selected(&self, finding: &Finding) -> bool {
        let Some(only) = &self.only else { return true };
        let wanted: Vec<&Wanted> = self
            .fleet
            .wanted
            .get(&finding.server)
            .into_iter()
            .flatten()
            .filter(|wanted| only.contains(&wanted.name))
            .collect();
        if let Some(key) = finding.subject.strip_prefix("consumer ") {
            return wanted.iter().any(|wanted| wanted.key == key);
        }
        let Some(id) = finding.subject.strip_prefix("link ") else {
            return false;
        };
        self.servers
            .iter()
            .filter(|facts| facts.server == finding.server)
            .filter_map(|facts| facts.links.as_ref())
            .flatten()
            .filter(|link| link.id == id)
            .any(|link| {
                let url = link.rpc_url.as_deref().map(strip);
                let key = link.consumer().map(|consumer| consumer.key.as_str());
                wanted.iter().any(|wanted| {
                    url == Some(strip(&wanted.url)) || key == Some(wanted.key.as_str())
                })
            })
    }

    /// Whether everything of a server was seen that was asked for; without a name, of every server of the fleet file.
    pub fn is_whole(&self, server: Option<&str>) -> bool {
        let whole = |server: &str| {
            let mut lines = self.coverage.iter().filter(|line| line.server == server);
            lines.all(|line| line.gap.is_none())
        };
        let mut names = self.servers.iter().map(|facts| facts.server.as_str());
        match server {
            Some(server) => names.any(|name| name == server) && whole(server),
            None => self.everything && names.all(whole),
        }
    }

    /// How the looking went, for the exit code: whatever kept something from being looked at, it was not looked at.
    pub fn statuses(&self) -> Vec<Status> {
        let statuses = crate::inventory::statuses(&self.coverage).into_iter();
        statuses
            .map(|status| match status {
                Status::Failed => Status::Unreachable,
                status => status,
            })
            .collect()
    }
}

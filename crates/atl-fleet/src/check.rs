//! Checks that say what would go wrong later. They change nothing anywhere (cli.md sections 1 and 3).

mod address;
mod auditor;
mod consumer;
mod grants;
mod key;
mod legs;
mod refusal;
mod report;
mod rights;
mod server;

use atl_client::Client;
use atl_store::Store;

use crate::{
    engine::{RunOptions, StartError, clients, consumers_of, look_at, side_by_side},
    event::Event,
    keys::Keys,
    known::{Known, read_file_keys},
    observe::{Look, Observed},
    plan::{FORMAT_VERSION, PlanOptions},
    wanted::{Ready, ReadyServer},
};

pub use report::{Check, CheckReport, CheckStatus, ServerChecks};

/// Checks every selected server.
///
/// # Errors
///
/// Only where nothing could be started; what is wrong with a server is a check that failed.
pub fn check(
    ready: &Ready,
    store: Option<&Store>,
    run: RunOptions<'_>,
) -> Result<CheckReport, StartError> {
    let known = Known::read(store)?;
    let keys = Keys::new(store, read_file_keys(&ready.consumers)?);
    let clients = clients(&ready.servers)?;
    let options = PlanOptions::default();
    let look = Look {
        known: &known,
        keys: &keys,
        options: &options,
    };
    (run.sink)(&Event::Begin {
        phase: "check",
        servers: clients.len(),
    });
    let servers = side_by_side(run.parallel, &clients, |index, client| {
        let mut checks = Checks {
            server: &ready.servers[index],
            client,
            look,
            done: Vec::new(),
        };
        checks.all(ready);
        client.sign_out();
        let checks = ServerChecks::new(client.server(), checks.done);
        (run.sink)(&Event::Checked(&checks));
        checks
    });
    Ok(CheckReport {
        format_version: FORMAT_VERSION,
        servers,
    })
}

/// The checks of one server while they are made.
struct Checks<'a> {
    server: &'a ReadyServer,
    client: &'a Client,
    look: Look<'a>,
    done: Vec<Check>,
}

impl Checks<'_> {
    fn all(&mut self, ready: &Ready) {
        if !self.reach() {
            return self.rest("the server was not reached");
        }
        let supported = self.product();
        if !self.sign_in() {
            self.clock(None);
            return self.rest("nobody is signed in");
        }
        if !supported {
            self.clock(None);
            self.basic(None);
            return self.rest("this product's consumers are not managed");
        }
        let consumers = consumers_of(ready, self.client.server());
        let (plan, observed) = look_at(self.server, self.client, &consumers, ready, &self.look);
        let observed: Option<&Observed> = observed.as_ref();
        let broken = plan.error.as_ref().filter(|_| observed.is_none());
        self.clock(observed);
        self.basic(broken);
        self.admin(broken, &consumers);
        self.auditor(observed);
        let Some(observed) = observed else {
            return self.rest("what is needed for it could not be read");
        };
        self.base_url(observed);
        for consumer in &consumers {
            self.consumer(consumer, &plan, observed);
        }
        if consumers.is_empty() {
            self.rest("no consumer is wanted here");
        } else {
            self.rest("the fleet file wants no grant here, and the store has none");
        }
    }

    fn skip(&mut self, checks: &[&'static str], why: &str) {
        self.done
            .extend(checks.iter().map(|check| Check::skip(check, why)));
    }

    /// Skips every check that was not made.
    fn rest(&mut self, why: &str) {
        for check in report::CHECKS {
            if self.done.iter().all(|done| done.check != check) {
                self.done.push(Check::skip(check, why));
            }
        }
    }
}

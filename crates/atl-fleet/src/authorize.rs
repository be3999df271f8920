//! `authorize`: the dance, for every grant that the fleet file wants and the store does not have.

mod dance;
mod exchange;
mod held;
pub(crate) mod left_open;
mod page;
mod person;
mod read_back;
mod status;
mod wait;
mod wanted;

use std::sync::Arc;

use atl_client::{Client, Credentials, Login, ServerConfig, Transport};
use atl_oauth::Listener;
use atl_store::Store;
use secrecy::{ExposeSecret as _, SecretString};

use atl_tokens::GrantEntry;
pub use person::{Invitation, Person, Told, Typed, Way};
pub(crate) use status::NOT_GRANTED;
pub use status::authorize_status;

use crate::{
    engine::{RunOptions, StartError, clients, side_by_side},
    event::Event,
    grant::{FailedGrant, GrantReport},
    keys::Keys,
    known::{Known, read_file_keys},
    signing::present_key,
    step::RunInfo,
    wanted::Ready,
};
use dance::{By, Dance, Failure};
use wait::Desk;
use wanted::{OnServer, Wanted, wanted};

/// What to authorize.
pub struct Authorize<'a> {
    /// Only these users; none means those of the fleet file.
    pub users: &'a [String],
    /// How they approve.
    pub way: Way<'a>,
}

/// Dances. Servers go side by side where no person is asked, and one after the other where one is; a failure stays on
/// its server.
///
/// # Errors
///
/// Only where nothing could be started; a dance that failed is in the report.
pub fn authorize(
    ready: &Ready,
    store: &Store,
    what: &Authorize<'_>,
    info: &RunInfo,
    run: RunOptions<'_>,
) -> Result<GrantReport, StartError> {
    let servers = wanted(ready, what.users)?;
    let known = Known::read(Some(store))?;
    let keys = Keys::new(Some(store), read_file_keys(&ready.consumers)?);
    let desk = desk(&what.way)?;
    let tasks = tasks(servers, desk.as_ref())?;
    (run.sink)(&Event::BeginGrants {
        phase: "authorize",
        servers: tasks.len(),
        grants: tasks.iter().map(|task| task.dances.len()).sum(),
    });
    let all = All {
        ready,
        store,
        known: &known,
        keys: &keys,
        info,
        run,
    };
    let parallel = if desk.is_none() { run.parallel } else { 1 };
    let results = side_by_side(parallel, &tasks, |_, task| all.on_server(task));
    let (mut grants, mut failed) = (Vec::new(), Vec::new());
    for result in results.into_iter().flatten() {
        match result {
            Ok(grant) => grants.push(grant),
            Err(failure) => failed.push(failure),
        }
    }
    Ok(GrantReport::new(grants, failed))
}

/// Where a person is asked, if one is.
fn desk<'a>(way: &Way<'a>) -> Result<Option<Desk<'a>>, StartError> {
    Ok(match *way {
        Way::Headless => None,
        Way::OutOfBand { person } => Some(Desk {
            person,
            listener: None,
        }),
        Way::Browser { port, person } => Some(Desk {
            person,
            listener: Some(Listener::bind(port)?),
        }),
    })
}

/// The work on one server.
struct Task<'a> {
    /// For signed calls.
    client: Client,
    dances: Vec<(Wanted<'a>, By<'a>)>,
}

/// Makes the clients, which checks their configuration and sends nothing. A person decides, or we do with the user's
/// password.
fn tasks<'a>(
    servers: Vec<OnServer<'a>>,
    desk: Option<&'a Desk<'a>>,
) -> Result<Vec<Task<'a>>, StartError> {
    let clients = clients(servers.iter().map(|on| on.server))?;
    let mut tasks = Vec::with_capacity(clients.len());
    let mut without = Vec::new();
    for (OnServer { server, dances }, client) in servers.into_iter().zip(clients) {
        let mut accounts = Accounts::new(&server.config);
        let mut decided_by = Vec::with_capacity(dances.len());
        for wanted in dances {
            let by = match (desk, wanted.password) {
                (Some(desk), _) => By::Person(desk),
                (None, Some(password)) => By::Account(accounts.client(wanted.user, password)?),
                (None, None) => {
                    without.push((wanted.user.to_owned(), wanted.consumer.name.clone()));
                    continue;
                }
            };
            decided_by.push((wanted, by));
        }
        tasks.push(Task {
            client,
            dances: decided_by,
        });
    }
    without.sort();
    without.dedup();
    if without.is_empty() {
        Ok(tasks)
    } else {
        Err(StartError::NoPassword { without })
    }
}

/// The users to sign in as on one server: one client each, so that a password that several consumers name is sent once.
struct Accounts<'a> {
    server: &'a ServerConfig,
    transport: Transport,
    known: Vec<(&'a str, &'a SecretString, Arc<Client>)>,
}

impl<'a> Accounts<'a> {
    fn new(server: &'a ServerConfig) -> Self {
        Self {
            server,
            transport: Transport::default(),
            known: Vec::new(),
        }
    }

    fn client(
        &mut self,
        user: &'a str,
        password: &'a SecretString,
    ) -> Result<Arc<Client>, StartError> {
        let same = |(name, secret, _): &&(&str, &SecretString, Arc<Client>)| {
            *name == user && secret.expose_secret() == password.expose_secret()
        };
        if let Some((_, _, client)) = self.known.iter().find(same) {
            return Ok(Arc::clone(client));
        }
        let config = ServerConfig {
            credentials: Credentials::Password {
                username: user.to_owned(),
                password: password.clone(),
                login: Login::Session,
            },
            ..self.server.clone()
        };
        let client = Client::new(config, &self.transport).map_err(|error| StartError::Config {
            troubles: vec![error.into()],
        })?;
        let client = Arc::new(client);
        self.known.push((user, password, Arc::clone(&client)));
        Ok(client)
    }
}

/// What all servers share.
struct All<'a> {
    ready: &'a Ready,
    store: &'a Store,
    known: &'a Known,
    keys: &'a Keys<'a>,
    info: &'a RunInfo,
    run: RunOptions<'a>,
}

impl All<'_> {
    /// The dances on one server, in the order of the file.
    fn on_server(&self, task: &Task<'_>) -> Vec<Result<GrantEntry, FailedGrant>> {
        let mut results = Vec::with_capacity(task.dances.len());
        for (wanted, by) in &task.dances {
            let result = self.dance(&task.client, wanted, by);
            let result = result.map_err(|failure| FailedGrant {
                server: task.client.server().to_owned(),
                consumer: wanted.consumer.name.clone(),
                user: wanted.user.to_owned(),
                id: failure.id,
                error: failure.error,
            });
            (self.run.sink)(&match &result {
                Ok(grant) => Event::Grant(grant),
                Err(failed) => Event::GrantFailed(failed),
            });
            results.push(result);
        }
        for (_, by) in &task.dances {
            if let By::Account(client) = by {
                client.sign_out();
            }
        }
        results
    }

    fn dance(
        &self,
        client: &Client,
        wanted: &Wanted<'_>,
        by: &By<'_>,
    ) -> Result<GrantEntry, Failure> {
        let consumer = wanted.consumer;
        let key = present_key(self.known, self.keys, consumer, client)?;
        let dance = Dance {
            store: self.store,
            info: self.info,
            run: self.run,
            client,
            consumer,
            user: wanted.user,
            key,
            by,
        };
        dance.run(&self.ready.consumers)
    }
}

//! Grants one by one: the servers side by side, the grants of one server in order.

use std::{collections::BTreeMap, sync::atomic::Ordering};

use atl_client::{Client, ClientError};
use atl_oauth::{ConsumerSigner, OauthError, token_state};
use atl_store::{GrantRow, GrantSecrets, GrantState, JournalRow, Lock, Store, StoreError};
use jiff::Timestamp;
use serde_json::json;

use super::{
    choose::{GrantFilter, Known as Rows, as_of},
    said::Said,
};
use atl_tokens::GrantEntry;

use crate::{
    engine::{RunOptions, StartError, clients, side_by_side},
    event::Event,
    execute::interrupted,
    grant::{FailedGrant, GrantReport, grant_entry},
    keys::Keys,
    known::{Known, read_file_keys},
    signing::{SigningKey, signing_key},
    step::{Journal, RunInfo},
    trouble::Trouble,
    wanted::Ready,
};

/// What working on grants needs.
pub(super) struct Work<'a> {
    pub(super) ready: &'a Ready,
    pub(super) store: &'a Store,
    known: Known,
    keys: Keys<'a>,
    clients: Vec<Client>,
    run: RunOptions<'a>,
}

/// What became of one grant.
pub(super) struct Done {
    entry: GrantEntry,
    trouble: Option<Trouble>,
    /// The server does not answer, so that it need not be asked about its other grants.
    down: bool,
}

/// A grant's secrets, and the key that signs for its consumer.
pub(super) struct Opened {
    pub(super) secrets: GrantSecrets,
    key: SigningKey,
    consumer_key: String,
}

impl<'a> Work<'a> {
    pub(super) fn new(
        ready: &'a Ready,
        store: &'a Store,
        run: RunOptions<'a>,
    ) -> Result<Self, StartError> {
        Ok(Self {
            ready,
            store,
            known: Known::read(Some(store))?,
            keys: Keys::new(Some(store), read_file_keys(&ready.consumers)?),
            clients: clients(&ready.servers)?,
            run,
        })
    }

    /// The grants that a filter lets through.
    pub(super) fn choose(&self, filter: &GrantFilter) -> Result<Vec<GrantRow>, StartError> {
        let rows = Rows::of(self.ready, self.store.grants()?);
        Ok(filter.choose(rows.named, Timestamp::now())?)
    }

    /// Does something with each grant; `skip` says what becomes of those that it does not come to.
    pub(super) fn each(
        &self,
        phase: &'static str,
        rows: &[GrantRow],
        skip: fn(&Self, &GrantRow, Trouble) -> Done,
        task: impl Fn(&Client, &GrantRow) -> Done + Sync,
    ) -> GrantReport {
        let tasks: Vec<(&Client, Vec<usize>)> = self
            .clients
            .iter()
            .map(|client| (client, rows_of(client, rows)))
            .filter(|(_, places)| !places.is_empty())
            .collect();
        (self.run.sink)(&Event::BeginGrants {
            phase,
            servers: tasks.len(),
            grants: rows.len(),
        });
        let done = side_by_side(self.run.parallel, &tasks, |_, (client, places)| {
            let mut down: Option<Trouble> = None;
            let mut done = Vec::new();
            for &place in places {
                let row = &rows[place];
                let outcome = if let Some(trouble) = &down {
                    skip(self, row, trouble.clone())
                } else if self.run.interrupted.load(Ordering::Relaxed) {
                    skip(self, row, interrupted())
                } else {
                    task(client, row)
                };
                down = down.or_else(|| outcome.trouble.clone().filter(|_| outcome.down));
                (self.run.sink)(&Event::Grant(&outcome.entry));
                let failed = outcome.trouble.map(|error| FailedGrant {
                    server: row.server.clone(),
                    consumer: row.consumer.clone(),
                    user: row.user.clone(),
                    // A renewed one has another id than it had.
                    id: Some(outcome.entry.id.clone()),
                    error,
                });
                if let Some(failed) = &failed {
                    (self.run.sink)(&Event::GrantFailed(failed));
                }
                done.push((place, (outcome.entry, failed)));
            }
            done
        });
        let done: BTreeMap<_, _> = done.into_iter().flatten().collect();
        let (grants, failed): (_, Vec<_>) = done.into_values().unzip();
        GrantReport::new(grants, failed.into_iter().flatten().collect())
    }

    /// Unseals a grant, and finds what signs for it. It signs as the consumer key that the grant was given to, which
    /// the fleet file may have changed since.
    pub(super) fn open(&self, client: &Client, row: &GrantRow) -> Result<Opened, Trouble> {
        let consumers = &self.ready.consumers;
        let consumer = consumers
            .iter()
            .find(|consumer| consumer.name == row.consumer)
            .ok_or_else(|| gone_here(row))?;
        let secrets = self
            .store
            .grant_secrets(row)?
            .ok_or_else(|| gone_here(row))?;
        Ok(Opened {
            secrets,
            key: signing_key(&self.known, &self.keys, consumer, &row.consumer_key, client)?,
            consumer_key: row.consumer_key.clone(),
        })
    }

    /// Takes the lock on the grant's server and consumer; what another process does meanwhile is not known.
    pub(super) fn lock(&self, row: &GrantRow) -> Result<Lock, StoreError> {
        self.store.lock(&row.server_url, &row.consumer)
    }

    /// Records what the server said.
    pub(super) fn record(&self, row: &GrantRow, said: &Said) -> Result<GrantEntry, StoreError> {
        let note = said.note.as_deref();
        self.store.set_grant_state(&row.id, said.state, note)?;
        Ok(self.entry(&said_of(row, said)))
    }

    pub(super) fn entry(&self, row: &GrantRow) -> GrantEntry {
        grant_entry(row, &self.ready.consumers)
    }

    /// Does something with each of these steps that an earlier run left open, on the servers that were selected.
    pub(super) fn each_open(
        &self,
        actions: &[&str],
        task: impl Fn(&Client, &JournalRow) -> Result<(), StoreError> + Sync,
    ) -> Result<(), StoreError> {
        let steps = |client: &Client| -> Vec<&JournalRow> {
            let url = client.base_url().as_str();
            let open = self.known.open_steps.iter();
            open.filter(|row| actions.contains(&row.step.action.as_str()))
                .filter(|row| row.step.server_url == url)
                .collect()
        };
        let tasks: Vec<_> = self
            .clients
            .iter()
            .map(|client| (client, steps(client)))
            .filter(|(_, steps)| !steps.is_empty())
            .collect();
        side_by_side(self.run.parallel, &tasks, |_, (client, steps)| {
            steps.iter().try_for_each(|step| task(client, step))
        })
        .into_iter()
        .collect()
    }

    /// Writes down that a step is about to be taken.
    pub(super) fn begin(
        &self,
        info: &RunInfo,
        row: &GrantRow,
        action: &'static str,
    ) -> Result<i64, Trouble> {
        (self.run.sink)(&Event::Step {
            server: &row.server,
            consumer: &row.consumer,
            action,
        });
        let journal = Journal {
            store: self.store,
            info,
            server: &row.server,
            server_url: &row.server_url,
            account: None,
            sink: self.run.sink,
        };
        journal.begin(
            &row.consumer,
            action,
            json!({ "id": row.id, "user": row.user }),
        )
    }

    /// A grant with which something failed, and what the store has of it now.
    pub(super) fn failed(&self, row: &GrantRow, trouble: Trouble) -> Done {
        Done::troubled(self.entry(&as_of(row, Timestamp::now())), trouble)
    }

    /// The same after a call that changed nothing.
    pub(super) fn failed_after(&self, row: &GrantRow, error: OauthError) -> Done {
        let down = is_down(&error);
        self.failed(row, error.into()).down(down)
    }

    /// A grant that could not be asked about: what the store has of it may not be so any more.
    pub(super) fn unknown(&self, row: &GrantRow, trouble: Trouble) -> Done {
        let last = match row.checked {
            Some(checked) => format!("it was {} on {checked:.0}", row.state.as_str()),
            None => format!("it was {} when it was stored", row.state.as_str()),
        };
        let entry = self.entry(&GrantRow {
            state: GrantState::Unknown,
            note: Some(format!("the server could not be asked; {last}")),
            ..row.clone()
        });
        Done::troubled(entry, trouble)
    }

    /// The same after a call.
    pub(super) fn unasked(&self, row: &GrantRow, error: OauthError) -> Done {
        let down = is_down(&error);
        self.unknown(row, error.into()).down(down)
    }
}

impl Opened {
    pub(super) fn signer(&self) -> ConsumerSigner<'_> {
        self.key.signer_as(&self.consumer_key)
    }

    /// Asks the server about it.
    pub(super) fn ask(&self, client: &Client, row: &GrantRow) -> Result<Said, OauthError> {
        let state = token_state(client, &self.signer(), &self.secrets.token)?;
        Ok(Said::of(row, state))
    }
}

impl Done {
    pub(super) fn well(entry: GrantEntry) -> Self {
        Self {
            entry,
            trouble: None,
            down: false,
        }
    }

    pub(super) fn troubled(entry: GrantEntry, trouble: Trouble) -> Self {
        Self {
            entry,
            trouble: Some(trouble),
            down: false,
        }
    }

    /// The same, where the server may not answer, so that it need not be asked about its other grants.
    pub(super) fn down(self, down: bool) -> Self {
        Self { down, ..self }
    }

    /// The same with a note that is for this report only.
    pub(super) fn noting(mut self, note: String) -> Self {
        self.entry.note.get_or_insert(note);
        self
    }
}

/// A grant as the server says it is.
pub(super) fn said_of(row: &GrantRow, said: &Said) -> GrantRow {
    GrantRow {
        state: said.state,
        note: said.note.clone(),
        checked: Some(Timestamp::now()),
        ..row.clone()
    }
}

/// Whether an error is that of a server that does not answer, which need not be asked about its other grants.
fn is_down(error: &OauthError) -> bool {
    matches!(error, OauthError::Client(ClientError::Connection { .. }))
}

/// The places of a server's grants.
fn rows_of(client: &Client, rows: &[GrantRow]) -> Vec<usize> {
    let url = client.base_url().as_str();
    rows.iter()
        .enumerate()
        .filter(|(_, row)| row.server_url == url)
        .map(|(place, _)| place)
        .collect()
}

pub(super) fn gone_here(row: &GrantRow) -> Trouble {
    Trouble::own(
        "grant_unknown",
        format!(
            "the grant {} of `{}` on `{}` is not in the store any more",
            row.id, row.user, row.server
        ),
        "see `atl-admin tokens list`; another run may have renewed or revoked it",
    )
}

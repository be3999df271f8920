//! One dance: look at what there is, ask, have it decided, exchange, read back.

use std::sync::{Arc, atomic::Ordering};

use atl_client::Client;
use atl_oauth::{Approval, ConsumerSigner, Pending, approve};
use atl_store::{GrantRow, JournalRow, Lock, Store, StoreError};
use serde_json::json;

use super::{
    held::Held,
    left_open::{self, ACTION},
    page::Page,
    wait::Desk,
};
use atl_tokens::GrantEntry;

use crate::{
    engine::RunOptions,
    event::Event,
    execute::interrupted,
    grant::grant_entry,
    grants::same_user,
    settle::{Try, settle},
    signing::SigningKey,
    step::{Journal, RunInfo},
    trouble::Trouble,
    wanted::Consumer,
};

/// Who decides.
pub(super) enum By<'a> {
    /// A person in a browser.
    Person(&'a Desk<'a>),
    /// This program, through a client that signs in as the user.
    Account(Arc<Client>),
}

/// A dance of one user for one consumer on one server.
pub(super) struct Dance<'a> {
    pub(super) store: &'a Store,
    pub(super) info: &'a RunInfo,
    pub(super) run: RunOptions<'a>,
    /// Nobody is signed in on it: it carries signed calls.
    pub(super) client: &'a Client,
    pub(super) consumer: &'a Consumer,
    pub(super) user: &'a str,
    pub(super) key: SigningKey,
    pub(super) by: &'a By<'a>,
}

/// Why there is no grant that works, and the grant in the store that it is about.
pub(super) struct Failure {
    pub(super) error: Trouble,
    pub(super) id: Option<String>,
}

impl<E: Into<Trouble>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self {
            error: error.into(),
            id: None,
        }
    }
}

impl Dance<'_> {
    /// Dances, unless there is a grant that works.
    pub(super) fn run(&self, consumers: &[Consumer]) -> Result<GrantEntry, Failure> {
        let row = match self.what_there_is()? {
            Held::Works(row) => *row,
            Held::Nothing(before) => {
                let (client, signer) = (self.client, self.signer());
                let pending = Pending::ask(client, &signer, &self.callback())?;
                let decision = self.decision(&pending)?;
                let approved = pending.decided(decision)?;
                self.exchange(&approved, &before)?
            }
        };
        Ok(grant_entry(&row, consumers))
    }

    /// What the store has. The lock is held meanwhile: another run may be at it, renewing a grant, and then a refusal would
    /// say nothing.
    fn what_there_is(&self) -> Result<Held, Failure> {
        if self.run.interrupted.load(Ordering::Relaxed) {
            return Err(interrupted().into());
        }
        let _lock = self.lock()?;
        self.settle_left_open()?;
        self.held()
    }

    /// Where the decision is to go. What we approve ourselves goes where a browser would be sent, so that the verifier
    /// is in an address and not on a page; that address is never opened.
    fn callback(&self) -> String {
        match self.by {
            By::Person(desk) => desk.callback(),
            By::Account(_) => {
                let registered = self.consumer.callback.as_ref();
                registered.unwrap_or(&self.consumer.url).clone()
            }
        }
    }

    fn decision(&self, pending: &Pending) -> Result<Approval, Trouble> {
        match self.by {
            By::Person(desk) => desk.decision(self, pending),
            By::Account(client) => Ok(approve(client, pending)?),
        }
    }

    /// What the user's own page lists now, where we are signed in as the user.
    pub(super) fn page(&self) -> Option<Page<'_>> {
        match self.by {
            By::Person(_) => None,
            By::Account(client) => Some(Page::read(client)),
        }
    }

    pub(super) fn signer(&self) -> ConsumerSigner<'_> {
        self.key.signer()
    }

    pub(super) fn server_url(&self) -> &str {
        self.client.base_url().as_str()
    }

    /// The page where the user sees and revokes grants.
    pub(super) fn page_url(&self) -> String {
        left_open::page(self.server_url())
    }

    /// The grants in the store of this consumer key, server and user, newest first.
    pub(super) fn stored(&self) -> Result<Vec<GrantRow>, StoreError> {
        let mut rows = self.store.grants()?;
        rows.retain(|row| {
            row.consumer == self.consumer.name
                && row.consumer_key == self.consumer.key
                && row.server_url == self.server_url()
                && same_user(&row.user, self.user)
        });
        rows.sort_by_key(|row| std::cmp::Reverse(row.issued));
        Ok(rows)
    }

    /// The lock on this consumer and server. Nobody should lose an approval because another run needs a few seconds, so
    /// it is waited for.
    pub(super) fn lock(&self) -> Result<Lock, Trouble> {
        let take = || match self.store.lock(self.server_url(), &self.consumer.name) {
            Ok(lock) => Try::Done(lock),
            Err(error @ StoreError::Locked { .. }) => Try::NotYet(error),
            Err(error) => Try::Never(error),
        };
        Ok(settle(self.run.settle, self.run.interrupted, take)?)
    }

    /// Writes the exchange down, before it is made.
    pub(super) fn begin(&self) -> Result<i64, Trouble> {
        let server = self.client.server();
        let consumer = &self.consumer.name;
        (self.run.sink)(&Event::Step {
            server,
            consumer,
            action: ACTION,
        });
        let journal = Journal {
            store: self.store,
            info: self.info,
            server,
            server_url: self.server_url(),
            account: matches!(self.by, By::Account(_)).then(|| self.user.to_owned()),
            sink: self.run.sink,
        };
        let detail = json!({ "user": self.user, "consumer_key": self.consumer.key });
        journal.begin(consumer, ACTION, detail)
    }

    /// Closes what a kill left open. The lock is held, so it is no other run's.
    fn settle_left_open(&self) -> Result<(), Trouble> {
        let ours = |row: &JournalRow| {
            row.step.action == ACTION
                && row.step.server_url == self.server_url()
                && row.step.consumer.as_ref() == Some(&self.consumer.name)
        };
        for row in self.store.open_steps()?.iter().filter(|row| ours(row)) {
            left_open::close(self.store, self.run.sink, row)?;
        }
        Ok(())
    }
}

//! The executor for one server: takes the steps of its plan in order, and nothing that is not in the plan.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use atl_applinks::{ApplicationLink, Applinks};
use atl_client::Client;
use atl_store::{Outcome, Store};
use serde_json::json;

use crate::{
    choose::Held,
    clock::{Clock, clock},
    event::{Event, Sink},
    grants::ended,
    kept,
    keys::Keys,
    known::Known,
    observe::{Look, Observed, ObservedConsumer, observe_consumer},
    plan::{Action, Applied, Change, Kind, PlanOptions, ServerPlan},
    planner::Context,
    provision, recover, rotate,
    settle::{Try, settle},
    step::{Journal, RunInfo},
    trouble::Trouble,
    wanted::{Consumer, NamedLink, State},
};

/// What executing needs beside the plan.
#[derive(Clone, Copy)]
pub(crate) struct Execute<'a> {
    pub(crate) store: &'a Store,
    pub(crate) known: &'a Known,
    pub(crate) keys: &'a Keys<'a>,
    pub(crate) options: &'a PlanOptions,
    pub(crate) info: &'a RunInfo,
    pub(crate) settle: Duration,
    pub(crate) interrupted: &'a AtomicBool,
    pub(crate) sink: Sink<'a>,
}

/// The work on one server.
pub(crate) struct Work<'a> {
    pub(crate) execute: Execute<'a>,
    pub(crate) client: &'a Client,
    pub(crate) applinks: &'a Applinks<'a>,
    pub(crate) journal: Journal<'a>,
}

/// Carries out one server's plan; every change of it has a result afterwards.
pub(crate) fn execute_server(
    execute: Execute<'_>,
    client: &Client,
    consumers: &[&Consumer],
    named: &[NamedLink],
    observed: &Observed,
    plan: &mut ServerPlan,
) {
    let prepared = client
        .sign_in()
        .map_err(Trouble::from)
        .and_then(|account| Ok((account, Applinks::open(client)?)));
    let (account, applinks) = match prepared {
        Ok(prepared) => prepared,
        Err(trouble) => return fail_all(plan, &trouble),
    };
    let journal = Journal {
        store: execute.store,
        info: execute.info,
        server: client.server(),
        server_url: client.base_url().as_str(),
        account: Some(account.username),
        sink: execute.sink,
    };
    let work = Work {
        execute,
        client,
        applinks: &applinks,
        journal,
    };
    let mut changes = std::mem::take(&mut plan.changes);
    // A consumer may have a link at its present URL, and one at a former URL that is pruned.
    let pruned = |change: &Change| {
        let mut unnamed = observed.unnamed.iter();
        unnamed.any(|made| made.link.id == change.link_id)
    };
    for group in changes
        .chunk_by_mut(|one, next| one.consumer == next.consumer && pruned(one) == pruned(next))
    {
        let wanted = consumers
            .iter()
            .find(|consumer| consumer.name == group[0].consumer)
            .filter(|_| !pruned(&group[0]));
        let result = match wanted {
            Some(consumer) => match observed.consumers.get(&consumer.name) {
                Some(seen) => work.consumer(consumer, seen, group),
                None => Ok(()),
            },
            None => work.unnamed(named, observed, group),
        };
        settle_results(group, result.err(), plan);
        for change in group.iter().filter(|change| change.result.is_some()) {
            (execute.sink)(&Event::Change {
                server: client.server(),
                change,
            });
        }
    }
    let worked_on = changes
        .iter()
        .map(|change| change.consumer.as_str())
        .collect();
    if let Err(trouble) = recover::settle_others(&work, &worked_on) {
        plan.note(&trouble);
    }
    plan.changes = changes;
}

/// Gives every change of a group its result: the first one without any failed, the ones after it were skipped; where
/// the user interrupted, none of them was tried.
fn settle_results(group: &mut [Change], trouble: Option<Trouble>, plan: &mut ServerPlan) {
    if let Some(trouble) = &trouble {
        plan.note(trouble);
    }
    let mut failure = trouble;
    for change in group.iter_mut() {
        if let Some(error) = change.error.clone() {
            plan.note(&error);
            change.result = Some(Applied::Failed);
        } else if change.is_change() && change.result.is_none() {
            change.result = Some(match &failure {
                Some(failure) if failure.code != INTERRUPTED => Applied::Failed,
                _ => Applied::Skipped,
            });
            change.error = failure.take();
        }
    }
    // A failure after the last change, such as a refused proof, belongs to the consumer.
    if let Some(failure) = failure
        && let Some(change) = group
            .iter_mut()
            .max_by_key(|change| (change.kind == Kind::Consumer, change.is_change()))
    {
        if failure.code != INTERRUPTED {
            change.result = Some(Applied::Failed);
        }
        change.error = Some(failure);
    }
}

fn fail_all(plan: &mut ServerPlan, trouble: &Trouble) {
    plan.note(trouble);
    for change in plan.changes.iter_mut().filter(|change| change.is_change()) {
        change.result = Some(Applied::Failed);
    }
}

const INTERRUPTED: &str = "interrupted";

/// The error for work that the user interrupted.
pub(crate) fn interrupted() -> Trouble {
    Trouble::own(
        INTERRUPTED,
        "the run was interrupted before this was done",
        "run the same command again: it finds out what is done and finishes",
    )
}

impl<'a> Work<'a> {
    /// The same work with what has come into the store since.
    pub(crate) fn knowing(&self, execute: Execute<'a>) -> Self {
        Self {
            execute,
            client: self.client,
            applinks: self.applinks,
            journal: self.journal.clone(),
        }
    }
}

impl Work<'_> {
    /// All links, as they are now.
    pub(crate) fn links(&self) -> Result<Vec<ApplicationLink>, Trouble> {
        Ok(self.applinks.list()?)
    }

    /// Tries for as long as the nodes of a cluster may take.
    pub(crate) fn settle<T>(&self, attempt: impl FnMut() -> Try<T, Trouble>) -> Result<T, Trouble> {
        settle(self.execute.settle, self.execute.interrupted, attempt)
    }

    /// Waits until `gone` says so; else it is `still_there`.
    pub(crate) fn settle_gone(
        &self,
        gone: impl Fn() -> Result<bool, Trouble>,
        still_there: impl Fn() -> Trouble,
    ) -> Result<(), Trouble> {
        self.settle(|| match gone() {
            Ok(true) => Try::Done(()),
            Ok(false) => Try::NotYet(still_there()),
            Err(trouble) => Try::Never(trouble),
        })
    }

    pub(crate) fn is_interrupted(&self) -> bool {
        self.execute.interrupted.load(Ordering::Relaxed)
    }

    /// One consumer of the fleet file: under its lock, and only if the server is still as it was planned.
    fn consumer(
        &self,
        consumer: &Consumer,
        seen: &ObservedConsumer,
        changes: &mut [Change],
    ) -> Result<(), Trouble> {
        if changes.iter().any(|change| change.error.is_some()) {
            return Ok(());
        }
        if !changes.iter().any(Change::is_change) {
            return provision::confirm(self, consumer, seen);
        }
        if self.is_interrupted() {
            return Err(interrupted());
        }
        let _lock = self
            .execute
            .store
            .lock(self.journal.server_url, &consumer.name)?;
        let links = self.links()?;
        let look = Look {
            known: self.execute.known,
            keys: self.execute.keys,
            options: self.execute.options,
        };
        let mut now = observe_consumer(self.client, self.applinks, &links, consumer, &look)?;
        if now.digest() != seen.digest() {
            return Err(moved_on(self.client.server(), &consumer.name));
        }
        if let (State::Present, Clock::Refused(trouble)) = (consumer.state, clock(self.client)) {
            return Err(trouble);
        }
        // What the server makes of our consumer key is not in the digest, and may have become a reason to refuse.
        now.system_administrator = seen.system_administrator;
        let context = Context {
            server: self.client.server(),
            server_url: self.journal.server_url,
            seen: &now,
            known: self.execute.known,
            files: self.execute.keys.files(),
            options: self.execute.options,
        };
        drop(context.plan(consumer)?);
        if recover::is_rotating(self, consumer)? {
            return Err(rotate::unfinished(self.client.server(), &consumer.name));
        }
        let held = Held::of(now.consumer.as_ref(), &consumer.key);
        recover::settle_open_steps(self, consumer, &held, &links)?;
        if changes.iter().any(|change| change.action == Action::Delete) {
            self.delete(&consumer.name, changes)?;
            kept::close(self, consumer, &Outcome::Done)
        } else {
            provision::provision(self, consumer, &now, changes)
        }
    }

    /// Links that this tool made and the file no longer names.
    fn unnamed(
        &self,
        named: &[NamedLink],
        observed: &Observed,
        changes: &mut [Change],
    ) -> Result<(), Trouble> {
        if changes.iter().all(|change| change.error.is_some()) {
            return Ok(());
        }
        if self.is_interrupted() {
            return Err(interrupted());
        }
        let consumer = changes[0].consumer.clone();
        let _lock = self
            .execute
            .store
            .lock(self.journal.server_url, &consumer)?;
        let links = self.links()?;
        recover::settle_links(self, &consumer, &links)?;
        for change in changes.iter().filter(|change| change.is_change()) {
            let planned = observed
                .unnamed
                .iter()
                .find(|made| made.link.id == change.link_id);
            let now = links.iter().find(|link| link.id == change.link_id);
            let key = self
                .applinks
                .consumer(&change.link_id)?
                .map(|entry| entry.key);
            let still_unnamed = !named.iter().any(|link| {
                link.server == self.client.server() && now.is_some_and(|now| now.has_url(&link.url))
            });
            if planned.is_none_or(|planned| Some(&planned.link) != now || planned.carries != key)
                || !still_unnamed
            {
                return Err(moved_on(self.client.server(), &consumer));
            }
        }
        self.delete(&consumer, changes)
    }

    /// Deletes the links of these changes, and forgets what the store knew of them.
    fn delete(&self, consumer: &str, changes: &mut [Change]) -> Result<(), Trouble> {
        for change in changes
            .iter_mut()
            .filter(|change| change.action == Action::Delete && change.error.is_none())
        {
            let id = change.link_id.clone();
            let gone = || Ok(self.links()?.iter().all(|link| link.id != id));
            self.journal.write_then(
                consumer,
                "link delete",
                json!({ "link_id": id }),
                || self.applinks.delete(&id),
                gone,
                || {
                    self.settle_gone(gone, || self.still_listed(&id))?;
                    self.forget(consumer, &id)
                },
            )?;
            change.result = Some(Applied::Applied);
        }
        Ok(())
    }

    /// The store forgets a link that is gone, and what was registered on it; the grants that went with it are dead.
    pub(crate) fn forget(&self, consumer: &str, link_id: &str) -> Result<(), Trouble> {
        let (store, url) = (self.execute.store, self.journal.server_url);
        ended::with_link(store, url, link_id, None)?;
        store.forget_link(url, link_id)?;
        let moved = store
            .registrations()?
            .iter()
            .any(|row| row.consumer == consumer && row.server_url == url && row.link_id != link_id);
        if !moved {
            store.forget_registration(consumer, url)?;
        }
        Ok(())
    }

    fn still_listed(&self, link_id: &str) -> Trouble {
        Trouble::own(
            "read_back",
            format!(
                "the link {link_id} was deleted on `{}` and is still listed",
                self.client.server()
            ),
            "another cluster node may answer late: run again in a minute",
        )
    }
}

/// The error for a server that is no longer as it was when the plan was made.
pub(crate) fn moved_on(server: &str, consumer: &str) -> Trouble {
    Trouble::own(
        "moved_on",
        format!(
            "`{server}` has changed since the plan was made, as far as consumer `{consumer}` is concerned"
        ),
        "make a new plan and look at it",
    )
}

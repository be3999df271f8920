//! Carrying it out: first everything that goes, then everything that stays is registered again, since a consumer key that
//! two links share goes with the first of them.

use std::collections::BTreeMap;

use atl_applinks::Applinks;
use atl_store::{Lock, Outcome, Store, StoreError};
use serde_json::json;

use super::{
    Scrub, fate::Fate, look::Copied, moved_on, rebuild, record, record::Record,
    report::ScrubReport, report::Scrubbing,
};
use crate::{
    engine::{RunOptions, StartError},
    event::Event,
    execute::{Execute, Work, interrupted},
    grants::ended,
    kept,
    keys::Keys,
    known::Known,
    plan::PlanOptions,
    step::{Journal, RunInfo},
    trouble::Trouble,
    wanted::Ready,
};

/// One link on its way.
pub(super) struct Task<'c> {
    pub(super) copied: &'c Copied,
    /// What its consumer is to be registered again with.
    pub(super) record: Option<Record>,
    /// The link that is to be there in the end.
    pub(super) link_id: String,
    trouble: Option<Trouble>,
}

impl Scrub<'_> {
    /// Carries it out. Run again after a kill, it finds out what was done and finishes.
    ///
    /// # Errors
    ///
    /// The store could not be read; nothing was sent then.
    pub fn carry_out(
        self,
        store: &Store,
        info: &RunInfo,
        run: RunOptions<'_>,
    ) -> Result<ScrubReport, StartError> {
        let known = Known::read(Some(store))?;
        let keys = Keys::new(Some(store), BTreeMap::new());
        let options = PlanOptions::default();
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
        let Self {
            ready,
            client,
            copied,
            mut report,
            ..
        } = self;
        (run.sink)(&Event::BeginLinks {
            phase: "scrub",
            server: client.server(),
            links: copied.len(),
        });
        let prepared = client
            .sign_in()
            .map_err(Trouble::from)
            .and_then(|account| Ok((account, Applinks::open(&client)?)));
        match prepared {
            Ok((account, applinks)) => {
                let journal = Journal {
                    store,
                    info,
                    server: client.server(),
                    server_url: client.base_url().as_str(),
                    account: Some(account.username),
                    sink: run.sink,
                };
                let work = Work {
                    execute,
                    client: &client,
                    applinks: &applinks,
                    journal,
                };
                all(&work, ready, &copied, &mut report);
            }
            Err(trouble) => report.note(trouble),
        }
        client.sign_out();
        let known = Known::read(Some(store))?;
        report.note_left_grants(&known, client.base_url().as_str());
        Ok(report)
    }
}

/// Takes every link through all phases; what fails goes no further, and the others do.
fn all(work: &Work<'_>, ready: &Ready, copied: &[Copied], report: &mut ScrubReport) {
    let mut tasks: Vec<Task<'_>> = copied.iter().map(Task::new).collect();
    let mut locks = BTreeMap::new();
    each(work, &mut tasks, Task::needs_work, |task| {
        lock(work, &mut locks, task.copied.called())
    });
    if let Err(trouble) = settle(work, &mut locks) {
        report.note(trouble);
    }
    each(work, &mut tasks, Task::stays, |task| {
        rebuild::may_be_put_back(work, ready, task.copied)?;
        task.record = record::begin(work, task.copied)?;
        Ok(())
    });
    each(work, &mut tasks, Task::goes, |task| {
        let copied = task.copied;
        unchanged(work, copied)?;
        remove(work, copied, &copied.link.id)?;
        record::close(work, copied, &[&copied.link.id])
    });
    each(work, &mut tasks, Task::moves, |task| {
        rebuild::link(work, task)
    });
    each(work, &mut tasks, Task::stays, |task| {
        rebuild::consumer(work, ready, task)?;
        record::close(work, task.copied, &[&task.copied.link.id, &task.link_id])
    });
    for (task, link) in tasks.into_iter().zip(&mut report.links) {
        if link.is_to_be_written() {
            let is_done = task.trouble.is_none();
            let was_tried = task
                .trouble
                .as_ref()
                .is_none_or(|trouble| trouble.code != interrupted().code);
            link.result = Some(match (is_done, was_tried) {
                (true, _) => Scrubbing::Done,
                (false, true) => Scrubbing::Failed,
                (false, false) => Scrubbing::Skipped,
            });
        }
        link.error.clone_from(&task.trouble);
        (work.execute.sink)(&Event::Scrubbed(link));
    }
    let troubles: Vec<_> = report
        .links
        .iter()
        .filter_map(|link| link.error.clone())
        .collect();
    for trouble in troubles {
        report.note(trouble);
    }
}

/// One phase.
fn each<'c>(
    work: &Work<'_>,
    tasks: &mut [Task<'c>],
    concerned: fn(&Task<'c>) -> bool,
    mut phase: impl FnMut(&mut Task<'c>) -> Result<(), Trouble>,
) {
    for task in tasks
        .iter_mut()
        .filter(|task| task.trouble.is_none() && concerned(task))
    {
        task.trouble = if work.is_interrupted() {
            Some(interrupted())
        } else {
            phase(task).err()
        };
    }
}

impl<'c> Task<'c> {
    fn new(copied: &'c Copied) -> Self {
        Self {
            copied,
            record: None,
            link_id: copied.link.id.clone(),
            trouble: None,
        }
    }

    fn needs_work(&self) -> bool {
        self.copied.fate != Fate::None
    }

    fn goes(&self) -> bool {
        self.copied.fate == Fate::Remove
    }

    fn moves(&self) -> bool {
        matches!(self.copied.fate, Fate::Repoint { .. })
    }

    fn stays(&self) -> bool {
        self.moves() || self.copied.fate == Fate::Keep
    }
}

/// Nobody else works on what is called so until the run is over.
fn lock(work: &Work<'_>, locks: &mut BTreeMap<String, Lock>, name: &str) -> Result<(), Trouble> {
    if !locks.contains_key(name) {
        let lock = work.execute.store.lock(work.journal.server_url, name)?;
        locks.insert(name.to_owned(), lock);
    }
    Ok(())
}

/// Closes what a killed run left open on this server: what is still to be put back stays open, and everything else is done
/// anew. What is locked is another run's.
fn settle(work: &Work<'_>, locks: &mut BTreeMap<String, Lock>) -> Result<(), Trouble> {
    let store = work.execute.store;
    let links = work.links()?;
    let is_there = |link_id: &str| links.iter().any(|link| link.id == link_id);
    for row in store.open_steps()? {
        let step = &row.step;
        let is_ours =
            step.server_url == work.journal.server_url && step.command == work.execute.info.command;
        let name = step.consumer.as_deref().unwrap_or_default();
        if !is_ours || lock(work, locks, name).is_err() {
            continue;
        }
        let text = |name: &str| step.detail[name].as_str();
        let outcome = match (step.action.as_str(), text("link_id")) {
            (DELETE, Some(id)) if !is_there(id) => {
                forget(work, id, text("consumer_key"))?;
                Outcome::Done
            }
            (record::ACTION, Some(id))
                if is_there(id)
                    || links
                        .iter()
                        .any(|link| text("url").is_some_and(|url| link.has_url(url))) =>
            {
                continue;
            }
            (kept::ACTION, Some(id)) if is_there(id) => continue,
            _ => Outcome::Unknown(
                "the run was killed; a later run did what was left to do".to_owned(),
            ),
        };
        store.finish(row.id, &outcome)?;
    }
    Ok(())
}

const DELETE: &str = "link delete";

fn is_gone(work: &Work<'_>, link_id: &str) -> Result<bool, Trouble> {
    Ok(work.links()?.iter().all(|link| link.id != link_id))
}

fn forget(work: &Work<'_>, link_id: &str, carried: Option<&str>) -> Result<(), StoreError> {
    let url = work.journal.server_url;
    ended::and_forgotten(work.execute.store, url, link_id, carried)
}

/// Refuses a link that is not as it was when it was listed. A consumer may be gone: another link shared its key.
fn unchanged(work: &Work<'_>, copied: &Copied) -> Result<(), Trouble> {
    let planned = &copied.link;
    let Some(now) = work.applinks.link(&planned.id)? else {
        return Ok(());
    };
    let carries = work.applinks.consumer(&planned.id)?;
    let key = copied.consumer.as_ref().map(|consumer| &consumer.key);
    let same_key = carries.is_none_or(|now| Some(&now.key) == key);
    if now.rpc_url == planned.rpc_url && same_key {
        Ok(())
    } else {
        Err(moved_on(work.journal.server, &planned.name))
    }
}

/// Deletes a link; one that is gone already is forgotten all the same.
pub(super) fn remove(work: &Work<'_>, copied: &Copied, link_id: &str) -> Result<(), Trouble> {
    let carried = copied
        .consumer
        .as_ref()
        .map(|consumer| consumer.key.as_str());
    let gone = || is_gone(work, link_id);
    if gone()? {
        return Ok(forget(work, link_id, carried)?);
    }
    let still_there = || {
        Trouble::own(
            "read_back",
            format!(
                "the link `{}` was deleted on `{}` and is still listed",
                copied.link.name, work.journal.server
            ),
            "another cluster node may answer late: run again in a minute",
        )
    };
    work.journal.write_then(
        copied.called(),
        DELETE,
        json!({
            "link_id": link_id,
            "application_url": copied.link.rpc_url,
            "consumer_key": carried,
        }),
        || work.applinks.delete(link_id),
        gone,
        || {
            work.settle_gone(gone, still_there)?;
            Ok(forget(work, link_id, carried)?)
        },
    )
}

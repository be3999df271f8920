//! Revocation of grants by those who gave them: signed with the grant itself, or signed in as its user where it has expired
//! and signs nothing any more (protocol.md 3.2).

mod accounts;
mod batch;
mod everywhere;
mod hand;
mod one;
mod report;
mod way;
pub(super) mod whole;

use std::time::Duration;

use atl_store::{GrantRow, JournalRow, Outcome, Store, StoreError};

use super::{
    choose::{GrantFilter, Known, state},
    settle::{REVOKE, settle},
    work::Work,
};
use atl_tokens::GrantEntry;

use crate::{
    age::older_than,
    engine::{RunOptions, StartError},
    grant::{GrantReport, grant_entry},
    step::RunInfo,
    trouble::Trouble,
    wanted::{Consumer, Ready},
};
use accounts::Accounts;
use one::One;

pub use everywhere::{Consequence, Everywhere, Means};
pub use report::{RevocationReport, RevokedGrant};
pub use way::{AtHand, Way, way};

/// What is to be revoked. Nothing was sent to get here.
pub struct Revocation<'a> {
    ready: &'a Ready,
    store: &'a Store,
    rows: Vec<GrantRow>,
    before: Vec<String>,
    /// How many grants it was chosen from.
    seen: usize,
    named: bool,
}

/// Whether the passwords of users may be needed: expired grants sign nothing.
///
/// # Errors
///
/// The store could not be read.
pub fn needs_passwords(store: &Store, filter: &GrantFilter) -> Result<bool, StoreError> {
    let now = jiff::Timestamp::now();
    let expired = |row: &GrantRow| state(row, now) == atl_store::GrantState::Expired;
    // An id that names none is found out later.
    let rows = filter.choose(store.grants()?, now).unwrap_or_default();
    Ok(rows.iter().any(expired))
}

impl<'a> Revocation<'a> {
    /// Chooses. An id that the journal says was revoked before is no mistake.
    ///
    /// # Errors
    ///
    /// The store could not be read, or an id does not name one grant.
    pub fn new(
        ready: &'a Ready,
        store: &'a Store,
        filter: &GrantFilter,
    ) -> Result<Self, StartError> {
        let all = Known::of(ready, store.grants()?).named;
        let seen = all.len();
        let Asked {
            before,
            filter: asked,
        } = Asked::of(Some(store), filter)?;
        let rows = match &asked {
            Some(filter) => filter.choose(all, jiff::Timestamp::now())?,
            None => Vec::new(),
        };
        Ok(Self {
            ready,
            store,
            rows,
            before,
            seen,
            named: !filter.ids.is_empty() || !filter.users.is_empty(),
        })
    }

    /// The grants.
    pub fn grants(&self) -> Vec<GrantEntry> {
        let entry = |row| grant_entry(row, &self.ready.consumers);
        self.rows.iter().map(entry).collect()
    }

    /// Those that were named and had been revoked before, a sentence each.
    pub fn revoked_before(&self) -> &[String] {
        &self.before
    }

    /// More than 30 % of what was chosen from, and at least 10, needs `force`, unless ids, users or consumers were named
    /// (cli.md section 1).
    pub fn refusal(&self, consumers: &[String], force: bool) -> Option<Trouble> {
        let named = self.named || !consumers.is_empty();
        too_much(self.rows.len() as u64, self.seen as u64).filter(|_| !named && !force)
    }

    /// Revokes them, and forgets those that the servers do not hold any more.
    ///
    /// # Errors
    ///
    /// Only where nothing could be started.
    pub fn carry_out(
        &self,
        info: &RunInfo,
        run: RunOptions<'_>,
    ) -> Result<GrantReport, StartError> {
        let work = Work::new(self.ready, self.store, run)?;
        settle(&work)?;
        let accounts = Accounts::new(self.ready);
        Ok(
            work.each("revoke", &self.rows, Work::failed, |client, row| {
                One {
                    work: &work,
                    info,
                    client,
                    row,
                    accounts: &accounts,
                }
                .run()
            }),
        )
    }
}

/// What was asked for, without what an earlier run revoked.
#[derive(Debug)]
pub struct Asked {
    /// The ids that were named and had been revoked before, a sentence each.
    pub before: Vec<String>,
    /// The filter with the other ids; `None` where ids were named and none is left, since a filter without ids lets every
    /// grant through.
    pub filter: Option<GrantFilter>,
}

impl Asked {
    /// Sorts the ids.
    ///
    /// # Errors
    ///
    /// The store could not be read.
    pub fn of(store: Option<&Store>, filter: &GrantFilter) -> Result<Self, StoreError> {
        let (mut before, mut ids) = (Vec::new(), Vec::new());
        for id in &filter.ids {
            let step = match store {
                Some(store) => revoked_before(store, id)?,
                None => None,
            };
            match step {
                Some(step) => before.push(told(&step)),
                None => ids.push(id.clone()),
            }
        }
        let none_left = ids.is_empty() && !filter.ids.is_empty();
        let filter = GrantFilter {
            ids,
            ..filter.clone()
        };
        Ok(Self {
            before,
            filter: (!none_left).then_some(filter),
        })
    }
}

/// Whether a grant is older than the policy of its consumer allows; one whose age is not known is not.
fn past_policy(grant: &GrantEntry, consumers: &[Consumer], now: jiff::Timestamp) -> bool {
    let consumer = consumers
        .iter()
        .find(|consumer| grant.consumer.as_ref() == Some(&consumer.name));
    let age = consumer.and_then(|consumer| consumer.policy.max_grant_age);
    age.zip(grant.created)
        .is_some_and(|(age, created)| older_than(created, now, Duration::from_secs(age)))
}

fn too_much(revoked: u64, seen: u64) -> Option<Trouble> {
    (revoked >= 10 && revoked * 10 > seen * 3).then(|| {
        Trouble::own(
            "mass_change",
            format!("this would revoke {revoked} of the {seen} grants that were seen; nothing was sent"),
            "look at them with `--dry-run`; if that is what you want, run again with `--force`, or name ids, users or consumers",
        )
    })
}

/// Whether an earlier run left a consumer removed, or may have: the next one that revokes grants makes it what it was.
///
/// # Errors
///
/// The store could not be read.
pub fn consumer_to_put_back(store: &Store) -> Result<bool, StoreError> {
    let open = store.open_steps()?;
    Ok(open.iter().any(|step| step.step.action == whole::ACTION))
}

/// The step that revoked a grant which the store does not have any more.
fn revoked_before(store: &Store, id: &str) -> Result<Option<JournalRow>, StoreError> {
    let id = id.to_ascii_lowercase();
    if store.grants()?.iter().any(|row| row.id.starts_with(&id)) {
        return Ok(None);
    }
    let steps = store.journal(u32::MAX as usize)?;
    Ok(steps.into_iter().find(|step| {
        step.step.action == REVOKE
            && step.outcome == Some(Outcome::Done)
            && step.step.detail["id"] == id.as_str()
    }))
}

fn told(step: &JournalRow) -> String {
    let text = |name: &str| step.step.detail[name].as_str().unwrap_or_default();
    format!(
        "grant {} of `{}` on `{}` was revoked before, on {:.0}",
        text("id"),
        text("user"),
        step.step.server,
        step.started
    )
}

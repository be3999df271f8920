//! Revocation of grants by those who gave them: signed with the grant itself, or signed in as its user where it has expired
//! and signs nothing any more (protocol.md 3.2).

mod accounts;
mod one;

use atl_store::{GrantRow, JournalRow, Outcome, Store, StoreError};

use super::{
    choose::{GrantFilter, Known, state},
    settle::{REVOKE, settle},
    work::Work,
};
use atl_tokens::GrantEntry;

use crate::{
    engine::{RunOptions, StartError},
    grant::{GrantReport, grant_entry},
    step::RunInfo,
    trouble::Trouble,
    wanted::Ready,
};
use accounts::Accounts;
use one::One;

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
        let mut before = Vec::new();
        let mut ids = Vec::new();
        for id in &filter.ids {
            match revoked_before(store, id)? {
                Some(step) => before.push(told(&step)),
                None => ids.push(id.clone()),
            }
        }
        // No id left is not the same as no id given, which lets every grant through.
        let rows = if ids.is_empty() && !filter.ids.is_empty() {
            Vec::new()
        } else {
            let filter = GrantFilter {
                ids,
                ..filter.clone()
            };
            filter.choose(all, jiff::Timestamp::now())?
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
        let (revoked, seen) = (self.rows.len(), self.seen);
        let named = self.named || !consumers.is_empty();
        let much = revoked >= 10 && revoked * 10 > seen * 3;
        (much && !named && !force).then(|| {
            Trouble::own(
                "mass_change",
                format!("this would revoke {revoked} of the {seen} grants that were seen; nothing was sent"),
                "look at them with `--dry-run`; if that is what you want, run again with `--force`, or name ids, users or consumers",
            )
        })
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

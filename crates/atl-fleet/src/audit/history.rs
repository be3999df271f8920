//! Audits kept in the store, and what is different since an earlier one.
//!
//! What an audit could not look at is as the audit before left it: a grant is gone only where a source that had seen it
//! looked again and did not find it.

use std::{
    cell::RefCell,
    collections::{HashSet, VecDeque},
};

use atl_store::{AuditKind, AuditMade, AuditRow, Comparison, Store, StoreError};
use atl_tokens::{Coverage, Finding, GrantEntry, LookedAt, SourceKind};
use jiff::Timestamp;
use serde::{Serialize, de::DeserializeOwned};

use super::{Audit, Findings};
use crate::{engine::StartError, grants::same_user};

/// So many of each are shown.
const SHOWN: usize = 1000;

/// What is different since an earlier audit.
#[derive(Debug, Clone, Serialize)]
pub struct Difference {
    /// When that audit was made.
    pub since: Timestamp,
    /// Grants that it did not have.
    pub new_grants: Excerpt<GrantEntry>,
    /// Grants that are no more.
    pub gone_grants: Excerpt<GrantEntry>,
    /// Grants that are not as they were.
    pub changed_grants: Excerpt<ChangedGrant>,
    /// Findings that it did not have.
    pub new_findings: Excerpt<Finding>,
    /// Findings that are no more.
    pub gone_findings: Excerpt<Finding>,
}

/// The first of many.
#[derive(Debug, Clone, Serialize)]
pub struct Excerpt<T> {
    /// The first ones.
    pub rows: Vec<T>,
    /// How many there are.
    pub total: u64,
}

/// A grant that is not as it was.
#[derive(Debug, Clone, Serialize)]
pub struct ChangedGrant {
    /// As it is now.
    pub grant: GrantEntry,
    /// What has changed, such as `status: active -> expired`.
    pub what: String,
}

impl<T> Default for Excerpt<T> {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            total: 0,
        }
    }
}

impl<T> Excerpt<T> {
    fn add(&mut self, row: T) {
        self.total += 1;
        if self.rows.len() < SHOWN {
            self.rows.push(row);
        }
    }
}

impl Difference {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        let grants = [self.new_grants.total, self.gone_grants.total];
        let findings = [self.new_findings.total, self.gone_findings.total];
        grants.into_iter().chain(findings).sum::<u64>() + self.changed_grants.total == 0
    }
}

impl Audit {
    /// Compares this audit with one that is in the store.
    ///
    /// # Errors
    ///
    /// The store or a file of the run could not be read.
    pub fn since(
        &self,
        store: &Store,
        earlier: &AuditMade,
        findings: &Findings,
    ) -> Result<Difference, StartError> {
        let sight = Sight::new(self);
        let mut difference = Difference {
            since: earlier.made,
            new_grants: Excerpt::default(),
            gone_grants: Excerpt::default(),
            changed_grants: Excerpt::default(),
            new_findings: Excerpt::default(),
            gone_findings: Excerpt::default(),
        };
        let mut rows = Earlier::new(store, earlier, AuditKind::Grant);
        let mut gone = |row: &AuditRow| {
            if !sight.keeps(AuditKind::Grant, row)
                && let Some(grant) = read(&row.body)
            {
                difference.gone_grants.add(grant);
            }
        };
        let mut failed = None;
        self.inventory()
            .keyed(&mut |key, grant| match rows.up_to(key, &mut gone) {
                Ok(None) => difference.new_grants.add(grant),
                Ok(Some(row)) => {
                    if let Some(before) = read::<GrantEntry>(&row.body)
                        && let Some(what) = changes(&before, &grant)
                    {
                        difference.changed_grants.add(ChangedGrant { grant, what });
                    }
                }
                Err(error) => {
                    failed.get_or_insert(error);
                }
            })?;
        failed.map_or(Ok(()), Err)?;
        rows.rest(&mut gone)?;
        let mut rows = Earlier::new(store, earlier, AuditKind::Finding);
        let mut gone = |row: &AuditRow| {
            if !sight.keeps(AuditKind::Finding, row)
                && let Some(finding) = read(&row.body)
            {
                difference.gone_findings.add(finding);
            }
        };
        let mut failed = None;
        findings.keyed(&mut |key, finding| match rows.up_to(key, &mut gone) {
            Ok(None) => difference.new_findings.add(finding),
            Ok(Some(_)) => {}
            Err(error) => {
                failed.get_or_insert(error);
            }
        })?;
        failed.map_or(Ok(()), Err)?;
        rows.rest(&mut gone)?;
        Ok(difference)
    }

    /// Keeps this audit in the store, to be compared with later ones.
    ///
    /// # Errors
    ///
    /// The store could not be written, or a file of the run not be read.
    pub fn keep(&self, store: &Store, findings: &Findings) -> Result<(), StartError> {
        let sight = Sight::new(self);
        let comparison = Comparison {
            same: &|before, now| {
                let (before, now) = (read::<GrantEntry>(before), read::<GrantEntry>(now));
                match (before, now) {
                    (Some(before), Some(now)) => {
                        let known = |source| before.sources.contains(source);
                        changes(&before, &now).is_none() && now.sources.iter().all(known)
                    }
                    // Findings with one key say the same.
                    _ => true,
                }
            },
            stays: &|kind, row| sight.keeps(kind, row),
        };
        let mut broken = None;
        let put = store.put_audit(
            self.made(),
            &comparison,
            &mut |take| {
                let each = self.inventory().keyed(&mut |key, grant| {
                    take(row(key, &grant));
                });
                if let Err(error) = each {
                    broken.get_or_insert(error);
                }
                Ok(())
            },
            &mut |take| {
                findings.keyed(&mut |key, finding| take(row(key, &finding)))?;
                Ok(())
            },
        );
        match broken {
            Some(error) => Err(error),
            None => Ok(put.map(drop)?),
        }
    }
}

fn row<T: Serialize>(key: &str, value: &T) -> AuditRow {
    AuditRow {
        key: key.to_owned(),
        body: serde_json::to_string(value).unwrap_or_default(),
    }
}

/// A row as it was kept; one that a later version wrote in other words counts as none.
fn read<T: DeserializeOwned>(body: &str) -> Option<T> {
    serde_json::from_str(body).ok()
}

/// What has changed of a grant that matters to a reader; `None` where nothing has.
fn changes(before: &GrantEntry, now: &GrantEntry) -> Option<String> {
    let time =
        |time: Option<Timestamp>| time.map_or_else(|| "none".to_owned(), |it| it.to_string());
    let word = |word: &Option<String>| word.clone().unwrap_or_else(|| "none".to_owned());
    let fields = [
        (
            "status",
            before.status.as_str().to_owned(),
            now.status.as_str().to_owned(),
        ),
        ("user", before.user.clone(), now.user.clone()),
        ("expires", time(before.expires), time(now.expires)),
        (
            "consumer key",
            word(&before.consumer_key),
            word(&now.consumer_key),
        ),
    ];
    // What one source knows and another does not is no change of the grant.
    let changed: Vec<String> = fields
        .into_iter()
        .filter(|(_, before, now)| before != now && before != "none" && now != "none")
        .map(|(name, before, now)| format!("{name}: {before} -> {now}"))
        .collect();
    (!changed.is_empty()).then(|| changed.join(", "))
}

/// What an audit could look at.
struct Sight<'a> {
    coverage: &'a [Coverage],
    /// Grants that an earlier audit has and this one could not look for, by server and id.
    unseen: RefCell<HashSet<(String, String)>>,
}

impl<'a> Sight<'a> {
    fn new(audit: &'a Audit) -> Self {
        Self {
            coverage: audit.coverage(),
            unseen: RefCell::default(),
        }
    }

    /// Whether a row of an earlier audit that this one does not have stays as it was. Grants are asked about first.
    fn keeps(&self, kind: AuditKind, row: &AuditRow) -> bool {
        match kind {
            AuditKind::Grant => {
                let Some(grant) = read::<GrantEntry>(&row.body) else {
                    return false;
                };
                let looked = grant
                    .sources
                    .iter()
                    .any(|&source| self.looked(&grant, source));
                if !looked {
                    let unseen = (grant.server, grant.id);
                    self.unseen.borrow_mut().insert(unseen);
                }
                !looked
            }
            AuditKind::Finding => {
                let Some(finding) = read::<Finding>(&row.body) else {
                    return false;
                };
                match finding.subject.strip_prefix("grant ") {
                    Some(id) => {
                        let grant = (finding.server.clone(), id.to_owned());
                        self.unseen.borrow().contains(&grant)
                    }
                    None => !self.whole(&finding.server),
                }
            }
        }
    }

    /// Whether a source was read to its end where the grant would be.
    fn looked(&self, grant: &GrantEntry, source: SourceKind) -> bool {
        let lines = self.coverage.iter();
        let mut here = lines
            .filter(|line| line.server == grant.server && line.source == LookedAt::Source(source));
        here.any(|line| match &line.users {
            Some(users) => users.iter().any(|user| same_user(user, &grant.user)),
            None => line.gap.is_none(),
        })
    }

    /// Whether links, consumers and settings of a server could be looked at.
    fn whole(&self, server: &str) -> bool {
        let mut lines = self.coverage.iter();
        lines.any(|line| {
            line.server == server && line.source == LookedAt::Links && line.gap.is_none()
        })
    }
}

/// The rows of an audit in the store, in the order of their keys.
struct Earlier<'a> {
    store: &'a Store,
    audit: &'a AuditMade,
    kind: AuditKind,
    rows: VecDeque<AuditRow>,
    after: Option<String>,
}

impl<'a> Earlier<'a> {
    fn new(store: &'a Store, audit: &'a AuditMade, kind: AuditKind) -> Self {
        Self {
            store,
            audit,
            kind,
            rows: VecDeque::new(),
            after: Some(String::new()),
        }
    }

    fn next(&mut self) -> Result<Option<AuditRow>, StoreError> {
        if self.rows.is_empty()
            && let Some(after) = self.after.take()
        {
            let page = self.store.audit_rows(self.audit, self.kind, &after)?;
            self.after = page.last().map(|row| row.key.clone());
            self.rows = page.into();
        }
        Ok(self.rows.pop_front())
    }

    /// Goes on to a key; rows before it are gone. Gives the row of that key.
    fn up_to(
        &mut self,
        key: &str,
        gone: &mut dyn FnMut(&AuditRow),
    ) -> Result<Option<AuditRow>, StoreError> {
        while let Some(row) = self.next()? {
            match row.key.as_str().cmp(key) {
                std::cmp::Ordering::Less => gone(&row),
                std::cmp::Ordering::Equal => return Ok(Some(row)),
                std::cmp::Ordering::Greater => {
                    self.rows.push_front(row);
                    return Ok(None);
                }
            }
        }
        Ok(None)
    }

    /// What is left is gone.
    fn rest(&mut self, gone: &mut dyn FnMut(&AuditRow)) -> Result<(), StoreError> {
        while let Some(row) = self.next()? {
            gone(&row);
        }
        Ok(())
    }
}

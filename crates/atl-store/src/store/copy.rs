//! Moving a store to another place: every row as it is, sealed as it is, in one transaction, and compared.

use crate::audits::AuditKind;
use crate::database::Database;
use crate::postgres::Postgres;
use crate::sqlite::Sqlite;
use crate::{KeySource, Store, StoreError, StoreUrl};

/// How much was moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Moved {
    /// Keypairs, each unsealed and compared.
    pub keypairs: usize,
    /// Registrations.
    pub registrations: usize,
    /// Links made.
    pub links: usize,
    /// Grants, the secrets of each unsealed and compared.
    pub grants: usize,
    /// Steps of the journal, with their numbers.
    pub journal: usize,
    /// Imports, with all their rows.
    pub imports: usize,
}

impl Store {
    /// Copies a store to a place that has none, under the same key, and compares what arrived with what was there. The
    /// source is only looked at. The target is whole or not there, at whatever point the copying ends.
    ///
    /// # Errors
    ///
    /// Where there is no source, the target is not empty, or what arrived is not what was sent.
    pub fn copy_to(
        source: &StoreUrl,
        key: &KeySource,
        target: &StoreUrl,
    ) -> Result<Moved, StoreError> {
        let missing = || StoreError::NoStore {
            store: source.name(),
        };
        let from = Self::open_existing(source, key)?.ok_or_else(missing)?;
        if Self::exists(target)? {
            return Err(StoreError::NotEmpty {
                store: target.name(),
            });
        }
        let rows = match &mut *from.database() {
            Database::Sqlite(copy) => copy.rows()?,
            Database::Postgres(_) => return Err(missing()),
        };
        match target {
            StoreUrl::Sqlite(path) => Sqlite::create_with(path, &rows)?,
            StoreUrl::Postgres(url) => Postgres::open(url)?.create_with(&rows)?,
        }
        let to = Self::open_existing(target, key)?.ok_or_else(|| StoreError::NotCopied {
            store: target.name(),
            what: "store",
        })?;
        compare(&from, &to)
    }
}

/// Both have the same, and every secret opens as the same.
fn compare(from: &Store, to: &Store) -> Result<Moved, StoreError> {
    let same = |same: bool, what: &'static str| {
        let store = to.name.clone();
        if same {
            Ok(())
        } else {
            Err(StoreError::NotCopied { store, what })
        }
    };
    let keypairs = from.keypairs()?;
    same(keypairs == to.keypairs()?, "keypairs")?;
    for row in &keypairs {
        let [one, other] = [from, to].map(|store| store.keypair(&row.fingerprint));
        let fingerprint = |keypair: Option<atl_keys::Keypair>| keypair.map(|it| it.fingerprint());
        let found = fingerprint(other?);
        same(
            found == fingerprint(one?) && found.as_ref() == Some(&row.fingerprint),
            "private key of a keypair",
        )?;
    }
    let registrations = from.registrations()?;
    same(registrations == to.registrations()?, "registrations")?;
    let links = from.links_made()?;
    same(links == to.links_made()?, "links")?;
    let grants = from.grants()?;
    same(grants == to.grants()?, "grants")?;
    for row in &grants {
        let [one, other] = [from.grant_secrets(row)?, to.grant_secrets(row)?];
        let equal = one
            .zip(other)
            .is_some_and(|(one, other)| one.is_same(&other));
        same(equal, "secrets of a grant")?;
    }
    let journal = from.journal(usize::MAX)?;
    same(journal == to.journal(usize::MAX)?, "journal")?;
    let imports = from.imports()?;
    same(imports == to.imports()?, "imports")?;
    for row in &imports {
        for number in 1.. {
            let [one, other] = [from, to].map(|store| store.import_pack(row, number));
            let one = one?;
            same(one == other?, "rows of an import")?;
            if one.is_none() {
                break;
            }
        }
    }
    let last = from.last_audit(None)?;
    same(last == to.last_audit(None)?, "audits")?;
    if let Some(last) = last {
        for kind in [AuditKind::Finding, AuditKind::Grant] {
            let mut after = String::new();
            loop {
                let rows = from.audit_rows(&last, kind, &after)?;
                same(
                    rows == to.audit_rows(&last, kind, &after)?,
                    "rows of an audit",
                )?;
                let Some(row) = rows.last() else {
                    break;
                };
                after.clone_from(&row.key);
            }
        }
    }
    Ok(Moved {
        keypairs: keypairs.len(),
        registrations: registrations.len(),
        links: links.len(),
        grants: grants.len(),
        journal: journal.len(),
        imports: imports.len(),
    })
}

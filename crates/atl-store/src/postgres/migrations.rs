//! The schema, one numbered file a version, with the numbers of SQLite's; `meta` says which version a store has.

use postgres::Client;

use crate::sql::Fault;

/// Version, and what brings the version before it there. What has been released is never edited.
const MIGRATIONS: [(u32, &str); 2] = [
    (3, include_str!("migrations/0003_base.sql")),
    (4, include_str!("migrations/0004_inventory.sql")),
];

/// The newest version known here.
pub(super) fn latest() -> u32 {
    MIGRATIONS.last().map_or(0, |(version, _)| *version)
}

/// The version of a store; `None` where there is none. `foreign` is a schema of this name with tables that are not ours.
pub(super) fn version(client: &mut Client) -> Result<Found, Fault> {
    let tables = "SELECT count(*), count(*) FILTER (WHERE c.relname = 'meta') FROM pg_class c
         JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'atl_admin' AND c.relkind = 'r'";
    let row = client.query_typed_one(tables, &[])?;
    match (row.try_get::<_, i64>(0)?, row.try_get::<_, i64>(1)?) {
        (0, _) => return Ok(Found::Nothing),
        (_, 0) => return Ok(Found::Foreign),
        _ => {}
    }
    let recorded = "SELECT convert_from(value, 'UTF8') FROM atl_admin.meta WHERE name = 'version'";
    let Some(row) = client.query_typed_opt(recorded, &[])? else {
        return Ok(Found::Foreign);
    };
    let text: String = row.try_get(0)?;
    let version = text.parse().map_err(|_| Fault::Unreadable("version"))?;
    Ok(Found::Version(version))
}

/// What is in the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// No tables.
    Nothing,
    /// Tables that are not ours.
    Foreign,
    /// A store.
    Version(u32),
}

/// Takes the steps that are missing. To be called in a transaction that keeps others out.
pub(super) fn run(client: &mut Client, from: u32) -> Result<(), Fault> {
    for (version, sql) in MIGRATIONS {
        if from < version {
            client.batch_execute(sql)?;
            client.batch_execute(&format!(
                "INSERT INTO meta (name, value) VALUES ('version', convert_to('{version}', 'UTF8'))
                 ON CONFLICT (name) DO UPDATE SET value = excluded.value"
            ))?;
        }
    }
    Ok(())
}

//! The schema, one numbered file a version; `user_version` says which ones a store has.

use rusqlite::Connection;

/// Version N is the first N of these. What has been released is never edited.
const MIGRATIONS: [&str; 4] = [
    include_str!("migrations/0001_base.sql"),
    include_str!("migrations/0002_proof.sql"),
    include_str!("migrations/0003_grants.sql"),
    include_str!("migrations/0004_inventory.sql"),
];

/// The newest version known here.
pub(crate) fn latest() -> u32 {
    u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX)
}

/// The version of a store.
pub(super) fn version(connection: &Connection) -> rusqlite::Result<u32> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Takes the steps that are missing. To be called in a transaction: another process may have been first.
pub(super) fn run(connection: &Connection) -> rusqlite::Result<()> {
    run_to(connection, latest())
}

/// The same, up to a version.
pub(super) fn run_to(connection: &Connection, last: u32) -> rusqlite::Result<()> {
    for (sql, step) in MIGRATIONS.iter().zip(1..=last) {
        if version(connection)? < step {
            connection.execute_batch(sql)?;
            connection.pragma_update(None, "user_version", step)?;
        }
    }
    Ok(())
}

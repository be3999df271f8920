//! Rows that are too many for memory: kept on disk for one run, in a file that has no name, so that nobody else can open it
//! and nothing is left of it however the run ends.

use std::ops::ControlFlow;

use rusqlite::{Connection, OptionalExtension as _, params};

use crate::StoreError;

/// Rows by key. Each has a place in an order and a body, which the caller understands and this does not.
pub struct Spool {
    pub(crate) connection: Connection,
}

/// In which order rows come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpoolOrder {
    /// By their keys.
    Key,
    /// By what was given as their order, then by their keys.
    Given,
}

impl Spool {
    /// An empty one, in the folder for temporary files.
    ///
    /// # Errors
    ///
    /// [`StoreError::Spool`] where no file can be made there.
    pub fn new() -> Result<Self, StoreError> {
        let spool = Self::without_index()?;
        spool.index()?;
        Ok(spool)
    }

    /// One whose rows nobody looks for by their keys yet.
    pub(crate) fn without_index() -> Result<Self, StoreError> {
        // A database without a name is SQLite's own temporary file: made where the cache is full, without a name from then on.
        let connection = told(Connection::open(""))?;
        // Nothing of it is to survive: no journal, no flush, one transaction that is never ended. Sorting takes as much
        // memory again as the cache.
        told(connection.execute_batch(
            "PRAGMA journal_mode = OFF;
             PRAGMA synchronous = OFF;
             PRAGMA locking_mode = EXCLUSIVE;
             PRAGMA cache_size = -32000;
             PRAGMA temp_store = FILE;
             BEGIN;
             CREATE TABLE rows (number INTEGER PRIMARY KEY, key TEXT NOT NULL, place TEXT NOT NULL, body BLOB NOT NULL);",
        ))?;
        Ok(Self { connection })
    }

    /// Lets rows be looked for by their keys.
    pub(crate) fn index(&self) -> Result<(), StoreError> {
        told(
            self.connection
                .execute_batch("CREATE INDEX keys ON rows (key)"),
        )
    }

    /// Puts a row in; where its key is taken nothing is changed, and the body that is there comes back.
    ///
    /// # Errors
    ///
    /// [`StoreError::Spool`], as where the disk is full.
    pub fn put(&self, key: &str, place: &str, body: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let there = self.get(key)?;
        if there.is_none() {
            let insert = || {
                self.connection
                    .prepare_cached("INSERT INTO rows (key, place, body) VALUES (?1, ?2, ?3)")?
                    .execute(params![key, place, body])
            };
            told(insert())?;
        }
        Ok(there)
    }

    /// The body of a row.
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let get = || {
            self.connection
                .prepare_cached("SELECT body FROM rows WHERE key = ?1")?
                .query_row([key], |row| row.get(0))
                .optional()
        };
        told(get())
    }

    /// How many rows there are.
    ///
    /// # Errors
    ///
    /// [`StoreError::Spool`], where the file cannot be read.
    pub fn count(&self) -> Result<u64, StoreError> {
        let select = "SELECT count(*) FROM rows";
        let count: i64 = told(self.connection.query_row(select, [], |row| row.get(0)))?;
        Ok(count.unsigned_abs())
    }

    /// Hands over every row, its key and its body, until `take` says to stop.
    ///
    /// # Errors
    ///
    /// [`StoreError::Spool`], where the file cannot be read.
    pub fn each(
        &self,
        order: SpoolOrder,
        take: &mut dyn FnMut(&str, &[u8]) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        // Rows are sorted as a whole: to fetch each by its place in the index takes longer.
        let select = match order {
            SpoolOrder::Key => "SELECT key, body FROM rows ORDER BY +key",
            SpoolOrder::Given => "SELECT key, body FROM rows ORDER BY place, +key",
        };
        self.select(select, take)
    }

    /// Hands over the two columns of what is found, until `take` says to stop.
    pub(crate) fn select(
        &self,
        sql: &str,
        take: &mut dyn FnMut(&str, &[u8]) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let mut each = || {
            let mut statement = self.connection.prepare_cached(sql)?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                if take(row.get_ref(0)?.as_str()?, row.get_ref(1)?.as_blob()?).is_break() {
                    break;
                }
            }
            Ok(())
        };
        told(each())
    }
}

/// What went wrong with the file.
pub(crate) fn told<T>(result: rusqlite::Result<T>) -> Result<T, StoreError> {
    result.map_err(|error| StoreError::Spool {
        source: error.into(),
    })
}

impl std::fmt::Debug for Spool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Spool").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(spool: &Spool, order: SpoolOrder, limit: usize) -> Vec<String> {
        let mut rows = Vec::new();
        spool
            .each(order, &mut |key, body| {
                rows.push(format!("{key}:{}", str::from_utf8(body).unwrap()));
                if rows.len() == limit {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            })
            .unwrap();
        rows
    }

    #[test]
    fn rows_come_back_in_either_order_and_each_key_once() {
        let spool = Spool::new().unwrap();
        assert_eq!(spool.put("b", "1", b"two").unwrap(), None);
        assert_eq!(spool.put("a", "2", b"one").unwrap(), None);
        assert_eq!(
            spool.put("a", "0", b"again").unwrap().as_deref(),
            Some(&b"one"[..])
        );
        assert_eq!(spool.count().unwrap(), 2);
        assert_eq!(rows(&spool, SpoolOrder::Key, 9), ["a:one", "b:two"]);
        assert_eq!(rows(&spool, SpoolOrder::Given, 9), ["b:two", "a:one"]);
        assert_eq!(rows(&spool, SpoolOrder::Given, 1), ["b:two"]);
    }

    /// More than the cache holds, so that there is a file: it has no name any more, and is its owner's alone.
    #[cfg(target_os = "linux")]
    #[test]
    fn nobody_else_can_open_the_file() {
        use std::os::unix::fs::PermissionsExt as _;
        let spool = Spool::new().unwrap();
        let body = vec![7; 1 << 20];
        for number in 0..48 {
            spool.put(&number.to_string(), "", &body).unwrap();
        }
        let files = fs_err::read_dir("/proc/self/fd").unwrap();
        let nameless: Vec<_> = files
            .filter_map(|file| {
                let file = file.unwrap().path();
                let target = fs_err::read_link(&file).ok()?;
                let metadata = fs_err::metadata(&file).ok()?;
                let is_gone = target.to_string_lossy().ends_with(" (deleted)");
                (is_gone && metadata.len() > 1 << 23).then(|| metadata.permissions().mode() & 0o777)
            })
            .collect();
        assert_eq!(nameless, [0o600]);
    }
}

//! Rows that come in any order, and some of them more than once.

use std::hash::{BuildHasher as _, RandomState};
use std::ops::ControlFlow;

use rusqlite::params;

use crate::StoreError;
use crate::spool::{Spool, told};

/// Rows on their way into a [`Spool`]. They are only appended, a million in seconds; which of them have the same key is
/// found out at the end.
pub struct Pile {
    spool: Spool,
    /// A hash of the key of each: eight bytes, where to sort or to index the keys takes seconds.
    hashes: Vec<u64>,
    hasher: RandomState,
}

/// Makes one row of two: of their bodies, the earlier one first, its place and its body.
pub type Merge<'a> = &'a mut dyn FnMut(&[u8], &[u8]) -> Result<(String, Vec<u8>), StoreError>;

impl Pile {
    /// An empty one, in the folder for temporary files.
    ///
    /// # Errors
    ///
    /// [`StoreError::Spool`] where no file can be made there.
    pub fn new() -> Result<Self, StoreError> {
        Ok(Self {
            spool: Spool::without_index()?,
            hashes: Vec::new(),
            hasher: RandomState::new(),
        })
    }

    /// Puts a row on top.
    ///
    /// # Errors
    ///
    /// [`StoreError::Spool`], as where the disk is full.
    pub fn add(&mut self, key: &str, place: &str, body: &[u8]) -> Result<(), StoreError> {
        self.hashes.push(self.hasher.hash_one(key));
        let add = || {
            self.spool
                .connection
                .prepare_cached("INSERT INTO rows (key, place, body) VALUES (?1, ?2, ?3)")?
                .execute(params![key, place, body])
        };
        told(add()).map(drop)
    }

    /// Makes one row of all that have the same key.
    ///
    /// # Errors
    ///
    /// [`StoreError::Spool`], as where the disk is full, and what `merge` fails with.
    pub fn settle(self, merge: Merge<'_>) -> Result<Spool, StoreError> {
        let spool = self.spool;
        if all_differ(self.hashes) {
            return Ok(spool);
        }
        spool.index()?;
        // The keys are written down first: rows change while they are gone through.
        told(spool.connection.execute_batch(
            "CREATE TABLE repeated (key TEXT NOT NULL);
             INSERT INTO repeated SELECT key FROM rows GROUP BY key HAVING count(*) > 1;",
        ))?;
        let mut failed = None;
        spool.select(
            "SELECT key, x'' FROM repeated",
            &mut |key, _| match merge_all(&spool, key, merge) {
                Ok(()) => ControlFlow::Continue(()),
                Err(error) => {
                    failed = Some(error);
                    ControlFlow::Break(())
                }
            },
        )?;
        match failed {
            None => Ok(spool),
            Some(error) => Err(error),
        }
    }
}

/// Where all hashes differ, so do the keys.
fn all_differ(mut hashes: Vec<u64>) -> bool {
    hashes.sort_unstable();
    hashes.windows(2).all(|pair| pair[0] != pair[1])
}

/// Makes one row of those with this key.
fn merge_all(spool: &Spool, key: &str, merge: Merge<'_>) -> Result<(), StoreError> {
    let bodies = || {
        spool
            .connection
            .prepare_cached("SELECT body FROM rows WHERE key = ?1 ORDER BY number")?
            .query_map([key], |row| row.get(0))?
            .collect::<rusqlite::Result<Vec<Vec<u8>>>>()
    };
    let mut bodies = told(bodies())?.into_iter();
    let (Some(first), Some(second)) = (bodies.next(), bodies.next()) else {
        return Ok(());
    };
    let mut merged = merge(&first, &second)?;
    for next in bodies {
        merged = merge(&merged.1, &next)?;
    }
    let (place, body) = merged;
    let replace = || {
        let connection = &spool.connection;
        connection
            .prepare_cached("DELETE FROM rows WHERE key = ?1")?
            .execute([key])?;
        connection
            .prepare_cached("INSERT INTO rows (key, place, body) VALUES (?1, ?2, ?3)")?
            .execute(params![key, place, body])
    };
    told(replace()).map(drop)
}

impl std::fmt::Debug for Pile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pile").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SpoolOrder;

    fn of(rows: &[(&str, &str)]) -> Pile {
        let mut pile = Pile::new().unwrap();
        for (key, body) in rows {
            pile.add(key, body, body.as_bytes()).unwrap();
        }
        pile
    }

    #[test]
    fn rows_of_one_key_become_one_in_the_order_in_which_they_came() {
        let pile = of(&[("b", "1"), ("a", "2"), ("b", "3"), ("c", "4"), ("b", "0")]);
        let spool = pile
            .settle(&mut |one, next| {
                let body = [one, next].concat();
                Ok((format!("9{}", str::from_utf8(&body).unwrap()), body))
            })
            .unwrap();
        let mut rows = Vec::new();
        spool
            .each(SpoolOrder::Given, &mut |key, body| {
                rows.push(format!("{key}:{}", str::from_utf8(body).unwrap()));
                ControlFlow::Continue(())
            })
            .unwrap();
        assert_eq!(rows, ["a:2", "c:4", "b:130"]);
        assert_eq!(spool.count().unwrap(), 3);
        assert_eq!(
            spool.put("b", "", b"").unwrap().as_deref(),
            Some(&b"130"[..])
        );
    }

    #[test]
    fn what_merging_fails_with_comes_out() {
        let pile = of(&[("a", "1"), ("a", "2")]);
        let failed = pile.settle(&mut |_, _| {
            let source = "no merging".into();
            Err(StoreError::Spool { source })
        });
        assert!(
            matches!(failed, Err(StoreError::Spool { source }) if source.to_string() == "no merging")
        );
    }
}

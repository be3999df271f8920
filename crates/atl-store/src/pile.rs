//! Rows that come in any order, and some of them more than once.

use std::ops::ControlFlow;

use rusqlite::params;

use crate::StoreError;
use crate::spool::{Spool, told};

/// Rows on their way into a [`Spool`]. They are only appended, a million in seconds; which of them have the same key is
/// found out at the end.
pub struct Pile(Spool);

/// The place and the body of a row that was made of two.
pub type Merged = (String, String);

impl Pile {
    /// An empty one, in the folder for temporary files.
    ///
    /// # Errors
    ///
    /// [`StoreError::Spool`] where no file can be made there.
    pub fn new() -> Result<Self, StoreError> {
        Spool::without_index().map(Self)
    }

    /// Puts a row on top.
    ///
    /// # Errors
    ///
    /// [`StoreError::Spool`], as where the disk is full.
    pub fn add(&self, key: &str, place: &str, body: &str) -> Result<(), StoreError> {
        let add = || {
            self.0
                .connection
                .prepare_cached("INSERT INTO rows (key, place, body) VALUES (?1, ?2, ?3)")?
                .execute(params![key, place, body])
        };
        told(add()).map(drop)
    }

    /// Makes one row of all that have the same key: `merge` is given the bodies of two, the earlier one first.
    ///
    /// # Errors
    ///
    /// [`StoreError::Spool`], as where the disk is full, and what `merge` fails with.
    pub fn settle(
        self,
        merge: &mut dyn FnMut(&str, &str) -> Result<Merged, StoreError>,
    ) -> Result<Spool, StoreError> {
        let spool = self.0;
        spool.index()?;
        // The keys are written down first: rows change while they are gone through.
        told(spool.connection.execute_batch(
            "CREATE TABLE repeated (key TEXT NOT NULL);
             INSERT INTO repeated SELECT key FROM rows GROUP BY key HAVING count(*) > 1;",
        ))?;
        let mut failed = None;
        spool.select(
            "SELECT key, '' FROM repeated",
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

/// Makes one row of those with this key.
fn merge_all(
    spool: &Spool,
    key: &str,
    merge: &mut dyn FnMut(&str, &str) -> Result<Merged, StoreError>,
) -> Result<(), StoreError> {
    let bodies = || {
        spool
            .connection
            .prepare_cached("SELECT body FROM rows WHERE key = ?1 ORDER BY number")?
            .query_map([key], |row| row.get(0))?
            .collect::<rusqlite::Result<Vec<String>>>()
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
        let pile = Pile::new().unwrap();
        for (key, body) in rows {
            pile.add(key, body, body).unwrap();
        }
        pile
    }

    #[test]
    fn rows_of_one_key_become_one_in_the_order_in_which_they_came() {
        let pile = of(&[("b", "1"), ("a", "2"), ("b", "3"), ("c", "4"), ("b", "0")]);
        let joined = |one: &str, next: &str| Ok(format!("{one}{next}"));
        let spool = pile
            .settle(&mut |one, next| joined(one, next).map(|body| (format!("9{body}"), body)))
            .unwrap();
        let mut rows = Vec::new();
        spool
            .each(SpoolOrder::Given, &mut |key, body| {
                rows.push(format!("{key}:{body}"));
                ControlFlow::Continue(())
            })
            .unwrap();
        assert_eq!(rows, ["a:2", "c:4", "b:130"]);
        assert_eq!(spool.count().unwrap(), 3);
        assert_eq!(spool.put("b", "", "").unwrap().as_deref(), Some("130"));
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

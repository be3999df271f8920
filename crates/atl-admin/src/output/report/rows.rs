//! Rows that are read one at a time.

use std::{io, ops::ControlFlow};

/// Rows that can be read again and again, one at a time, since a million of them never live in memory at once.
pub trait Rows<T> {
    /// Hands over each row in order, until there is no more or `take` says to stop.
    ///
    /// # Errors
    ///
    /// Where the rows cannot be read.
    fn each(&self, take: &mut dyn FnMut(&T) -> ControlFlow<()>) -> io::Result<()>;
}

impl<T> Rows<T> for Vec<T> {
    fn each(&self, take: &mut dyn FnMut(&T) -> ControlFlow<()>) -> io::Result<()> {
        let _all_or_stopped = self.iter().try_for_each(take);
        Ok(())
    }
}

/// Does something with each row, until it fails.
pub(super) fn for_each<T, E>(
    rows: &dyn Rows<T>,
    unreadable: impl FnOnce(io::Error) -> E,
    mut work: impl FnMut(&T) -> Result<(), E>,
) -> Result<(), E> {
    let mut failed = None;
    let read = rows.each(&mut |row| match work(row) {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => {
            failed = Some(error);
            ControlFlow::Break(())
        }
    });
    failed.map_or(Ok(()), Err)?;
    read.map_err(unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Broken;

    impl Rows<u8> for Broken {
        fn each(&self, take: &mut dyn FnMut(&u8) -> ControlFlow<()>) -> io::Result<()> {
            match take(&1) {
                ControlFlow::Continue(()) => Err(io::Error::other("half of it is gone")),
                ControlFlow::Break(()) => Ok(()),
            }
        }
    }

    #[test]
    fn the_first_failure_ends_it() {
        let mut seen = Vec::new();
        let rows = vec![1, 2, 3];
        let failed = for_each(
            &rows,
            |_| "unreadable",
            |row| {
                seen.push(*row);
                if *row == 2 { Err("two") } else { Ok(()) }
            },
        );
        assert_eq!((failed, seen), (Err("two"), vec![1, 2]));
    }

    #[test]
    fn rows_that_cannot_be_read_are_a_failure() {
        let read = |work: fn(&u8) -> Result<(), String>| {
            for_each(&Broken, |error| error.to_string(), work)
        };
        assert_eq!(read(|_| Ok(())), Err("half of it is gone".to_owned()));
        assert_eq!(read(|_| Err("full".to_owned())), Err("full".to_owned()));
    }
}

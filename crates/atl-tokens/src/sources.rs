//! The sources that ask a server over HTTP.

mod crowd;
mod impersonated;
mod own_page;
mod pats;

use crate::{Gap, RedactedPage, TokensError, text};

pub use impersonated::Impersonated;
pub use own_page::OwnPage;
pub use pats::Pats;

/// Names for a note: the first few, and how many more there are.
#[derive(Default)]
struct Names {
    first: Vec<String>,
    count: usize,
}

impl Names {
    const SHOWN: usize = 5;

    fn add(&mut self, name: &str) {
        self.count += 1;
        if self.first.len() < Self::SHOWN {
            self.first.push(text::name(name));
        }
    }

    /// `a, b and 3 more`, each name between backquotes.
    fn list(&self) -> String {
        let names: Vec<String> = self.first.iter().map(|name| format!("`{name}`")).collect();
        let names = names.join(", ");
        match self.count - self.first.len() {
            0 => names,
            more => format!("{names} and {more} more"),
        }
    }
}

/// Users about whom something could not be found out.
#[derive(Default)]
struct Failed {
    names: Names,
    /// Why the first of them, and the page that was not understood.
    first: Option<(Gap, Option<RedactedPage>)>,
}

impl Failed {
    fn add(&mut self, user: &str, error: &TokensError) {
        self.names.add(user);
        self.first
            .get_or_insert_with(|| (Gap::from(error), error.redacted().cloned()));
    }

    /// That `what` of these users could not be read, and why of the first.
    fn gap(&self, server: &str, what: &str) -> Option<Gap> {
        let (first, _) = self.first.as_ref()?;
        let (count, names) = (so_many_users(self.names.count), self.names.list());
        Some(Gap {
            message: format!(
                "{server}: {what} of {count} could not be read: {names}; {}",
                first.message
            ),
            ..first.clone()
        })
    }

    fn page(self) -> Option<RedactedPage> {
        self.first.and_then(|(_, page)| page)
    }
}

/// Several gaps as one, which is of the kind of the first.
fn joined(gaps: impl IntoIterator<Item = Gap>) -> Option<Gap> {
    gaps.into_iter().reduce(|first, second| Gap {
        message: format!("{}; {}", first.message, second.message),
        ..first
    })
}

/// `1 user`, `2 users`.
fn so_many_users(count: usize) -> String {
    match count {
        1 => "1 user".to_owned(),
        count => format!("{count} users"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_names_the_first_few() {
        let mut names = Names::default();
        for name in ["a", "b", "c", "d", "e"] {
            names.add(name);
        }
        assert_eq!(names.list(), "`a`, `b`, `c`, `d`, `e`");
        names.add("f");
        names.add("g");
        assert_eq!(names.list(), "`a`, `b`, `c`, `d`, `e` and 2 more");
    }
}

//! The sources that ask a server over HTTP.

mod crowd;
mod impersonated;
mod own_page;
mod pats;

use crate::text;

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

/// `1 user`, `2 users`.
fn users(count: usize) -> String {
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

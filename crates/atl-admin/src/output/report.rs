//! What an audit found, as one value that every kind of report is written from: values in, text out.

mod html;
mod junit;
mod rows;
mod sarif;

use std::{borrow::Cow, path::Path};

use atl_fleet::audit::{Difference, Reported};
use atl_tokens::{Coverage, GrantEntry, LookedAt, rules::Rule};
use jiff::Timestamp;

pub use html::html;
pub use junit::junit;
pub use rows::Rows;
pub use sarif::sarif;

use super::printable;

/// What an audit found.
#[derive(Clone, Copy)]
pub struct Report<'a> {
    /// When it was made.
    pub made: Timestamp,
    /// The fleet file, as the user named it.
    pub fleet: &'a Path,
    /// The names of the servers that were to be looked at.
    pub servers: &'a [String],
    /// What was looked at on each server, and what could not be seen.
    pub coverage: &'a [Coverage],
    /// The rules by which it was judged.
    pub rules: &'a [Rule],
    /// What they found and nobody accepted.
    pub findings: &'a dyn Rows<Reported>,
    /// What they found and somebody accepted.
    pub accepted: &'a dyn Rows<Reported>,
    /// The grants that were looked at.
    pub grants: &'a dyn Rows<GrantEntry>,
    /// Whether findings were held against a baseline: those that it does not have are then new.
    pub has_baseline: bool,
    /// What is different since an earlier audit, where it was asked for.
    pub difference: Option<&'a Difference>,
}

impl Report<'_> {
    /// How many lines of the coverage are of what could not be looked at.
    fn gaps(&self) -> usize {
        self.coverage
            .iter()
            .filter(|seen| seen.gap.is_some())
            .count()
    }

    /// Whether a rule that found nothing on a server can be said to have passed there: everything that was asked for was
    /// looked at, and nothing says that it takes a source which nobody asked.
    fn could_judge(&self, server: &str, rule: Rule) -> bool {
        let mut lines = self.coverage.iter().filter(|seen| seen.server == server);
        lines.all(|seen| seen.complete || (seen.gap.is_none() && !seen.note.contains(rule.id())))
    }
}

/// What was looked at, as it is written everywhere.
fn source(source: LookedAt) -> &'static str {
    match source {
        LookedAt::Source(source) => source.as_str(),
        LookedAt::Links => "links",
    }
}

/// Text on one line that neither XML nor a reader stumbles over: servers have a say in it.
fn harmless(text: &str) -> Cow<'_, str> {
    let text = printable(text);
    if text.contains(is_noncharacter) {
        return text.replace(is_noncharacter, "\u{fffd}").into();
    }
    text
}

/// The two of the basic plane that XML 1.0 has no place for.
fn is_noncharacter(c: char) -> bool {
    matches!(c, '\u{fffe}' | '\u{ffff}')
}

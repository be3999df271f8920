//! Where grants are looked for, and whose.

use std::path::PathBuf;

use atl_fleet::inventory::Ask;
use atl_tokens::SourceKind;

use crate::{
    cli::Selection,
    context::Context,
    error::{Error, Result},
    files,
};

/// The flags that say where grants are looked for.
#[derive(Debug, Default, clap::Args)]
pub struct Reach {
    /// Look only here (can be repeated): `store`, `page`, `impersonated`, `database`, `export`, `pat`; by default wherever
    /// the fleet file and the flags permit
    #[arg(
        long = "source",
        value_name = "SOURCE",
        value_enum,
        hide_possible_values = true
    )]
    pub sources: Vec<Source>,
    /// Read the pages of the users in this file, one name a line (`-` is stdin), instead of those of all users
    #[arg(long = "users", value_name = "FILE", requires = "with_auditor")]
    pub users_file: Option<PathBuf>,
    /// Set an auditor consumer up on each server, read users' own pages through it, and take it down again
    #[arg(long)]
    pub with_auditor: bool,
}

/// A source of grants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Source {
    /// The store of this tool
    Store,
    /// The page of the account that signs in
    Page,
    /// Every user's own page, through an auditor consumer
    Impersonated,
    /// The database that the fleet file names
    Database,
    /// An export of the database that was imported
    Export,
    /// The REST API for personal access tokens
    Pat,
}

impl Source {
    fn kind(self) -> SourceKind {
        match self {
            Self::Store => SourceKind::Store,
            Self::Page => SourceKind::Page,
            Self::Impersonated => SourceKind::Impersonated,
            Self::Database => SourceKind::Database,
            Self::Export => SourceKind::Export,
            Self::Pat => SourceKind::Pat,
        }
    }
}

impl Reach {
    /// What is asked. `users` are those of the filters: nobody else's page need be read.
    pub(crate) fn ask(&self, context: &Context, users: &[String]) -> Result<Ask> {
        let sources: Vec<_> = self.sources.iter().map(|source| source.kind()).collect();
        if sources.contains(&SourceKind::Impersonated) && !self.with_auditor {
            return Err(Error::usage(
                "`--source impersonated` reads users' pages through an auditor consumer, which only `--with-auditor` sets up",
            )
            .hint("add `--with-auditor`; docs/audit.md says what it does on the servers"));
        }
        if self.with_auditor && !sources.is_empty() && !sources.contains(&SourceKind::Impersonated)
        {
            return Err(Error::usage(
                "`--with-auditor` is for the source `impersonated`, which `--source` leaves out",
            )
            .hint("add `--source impersonated`, or leave `--with-auditor` out"));
        }
        let users = match &self.users_file {
            None => users.to_vec(),
            Some(path) => named_in(&files::text_of(path)?)?,
        };
        let selection = &context.globals.selection;
        Ok(Ask {
            sources,
            users,
            auditor: self.with_auditor,
            only_consumers: !selection.consumers.is_empty(),
            everything: *selection == Selection::default(),
        })
    }

    /// Refuses every source but the store, for a command that works on what the store has.
    pub(super) fn store_only(&self, what: &str) -> Result<()> {
        let other = self.sources.iter().any(|source| *source != Source::Store);
        if other || self.with_auditor {
            return Err(Error::usage(format!(
                "only grants of the store can be {what}: it alone has what signs for them"
            ))
            .hint("leave `--source` and `--with-auditor` out"));
        }
        Ok(())
    }
}

/// The names in a file, one a line; what begins with `#` is a comment.
fn named_in(text: &str) -> Result<Vec<String>> {
    let names: Vec<String> = text
        .trim_start_matches('\u{feff}')
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(str::to_owned)
        .collect();
    if names.is_empty() {
        return Err(Error::usage("the file of `--users` names nobody"));
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_names_users_one_a_line() {
        let named = |text| named_in(text).ok();
        let two = vec!["alice".to_owned(), "bob smith".to_owned()];
        assert_eq!(
            named("\u{feff}# leavers\nalice\r\n\n  bob smith \n"),
            Some(two)
        );
        assert_eq!(named("# nobody\n\n"), None);
    }
}

//! Which store: `sqlite:PATH`, just a path, or `postgres://...`.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::StoreError;
use crate::postgres::PostgresUrl;

/// Which store.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreUrl {
    /// `sqlite:PATH`.
    Sqlite(PathBuf),
    /// `postgres://USER@HOST/DATABASE`.
    Postgres(PostgresUrl),
}

/// Which store an error is about: a file, or a database as its URL names it, without the password.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreName {
    /// A SQLite file.
    File(PathBuf),
    /// A PostgreSQL database.
    Database(String),
}

impl StoreUrl {
    /// How it is called in errors.
    pub(crate) fn name(&self) -> StoreName {
        match self {
            Self::Sqlite(path) => path.as_path().into(),
            Self::Postgres(url) => url.name(),
        }
    }
}

impl StoreName {
    /// The file.
    pub(crate) fn path(&self) -> PathBuf {
        match self {
            Self::File(path) => path.clone(),
            Self::Database(name) => name.into(),
        }
    }
}

impl From<&Path> for StoreName {
    fn from(path: &Path) -> Self {
        Self::File(path.to_owned())
    }
}

impl fmt::Display for StoreName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Database(name) => f.write_str(name),
        }
    }
}

/// Without a password.
impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(url) => url.fmt(f),
        }
    }
}

/// Reads `sqlite:PATH`, `sqlite://PATH`, a path without a scheme, or `postgres://...`. Of a URL of another scheme,
/// nothing but the scheme is repeated in the error: the rest may hold credentials.
impl FromStr for StoreUrl {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (scheme, rest) = split_scheme(text);
        let path = match scheme {
            None => text,
            Some("sqlite") => rest.strip_prefix("//").unwrap_or(rest),
            Some("postgres" | "postgresql") => return text.parse().map(Self::Postgres),
            Some(scheme) => {
                return Err(StoreError::UnsupportedUrl {
                    scheme: scheme.to_owned(),
                });
            }
        };
        let refused = |reason: &str| {
            Err(StoreError::InvalidUrl {
                reason: reason.to_owned(),
            })
        };
        match path {
            "" => refused("it names no file"),
            ":memory:" => refused("a store in memory would lose its keys"),
            _ if path.contains('\0') => refused("a path has no NUL character"),
            _ if path == "~" || path.starts_with("~/") => {
                refused("`~` is not expanded here, write the whole path")
            }
            _ => Ok(Self::Sqlite(path.into())),
        }
    }
}

/// The scheme and the rest; a single letter is a drive, not a scheme.
pub(crate) fn split_scheme(text: &str) -> (Option<&str>, &str) {
    match text.split_once(':') {
        Some((scheme, rest))
            if scheme.len() > 1
                && scheme.starts_with(|c: char| c.is_ascii_alphabetic())
                && scheme
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || "+.-".contains(c)) =>
        {
            (Some(scheme), rest)
        }
        _ => (None, text),
    }
}

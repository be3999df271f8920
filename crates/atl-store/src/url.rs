//! Which store: `sqlite:PATH`, or just a path.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::StoreError;

/// Which store.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreUrl {
    /// `sqlite:PATH`.
    Sqlite(PathBuf),
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
        }
    }
}

/// Reads `sqlite:PATH`, `sqlite://PATH`, or a path without a scheme. Of a URL of another scheme, nothing but the scheme
/// is repeated in the error: the rest may hold credentials.
impl FromStr for StoreUrl {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (scheme, rest) = split_scheme(text);
        let path = match scheme {
            None => text,
            Some("sqlite") => rest.strip_prefix("//").unwrap_or(rest),
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
fn split_scheme(text: &str) -> (Option<&str>, &str) {
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

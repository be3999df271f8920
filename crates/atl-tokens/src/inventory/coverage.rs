//! What a source could see of a server, and what not.

use atl_client::Failure;
use serde::{Serialize, Serializer};

use super::SourceKind;
use crate::{RedactedPage, TokensError};

/// What was looked at: a source of grants, or the application links with their consumers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LookedAt {
    /// This source of grants.
    Source(SourceKind),
    /// The application links, their consumers, and the settings of the server.
    Links,
}

impl From<SourceKind> for LookedAt {
    fn from(source: SourceKind) -> Self {
        Self::Source(source)
    }
}

impl Serialize for LookedAt {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Source(source) => source.serialize(serializer),
            Self::Links => "links".serialize(serializer),
        }
    }
}

/// What a source sees of a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Coverage {
    /// The server's name.
    pub server: String,
    /// The source, or the application links.
    pub source: LookedAt,
    /// Whether it saw all there is of what it knows.
    pub complete: bool,
    /// What it saw and what it cannot see.
    pub note: String,
    /// Why something that was asked for could not be looked at; what is incomplete by nature has none.
    #[serde(rename = "error")]
    pub gap: Option<Gap>,
    /// Whose grants it looked for, where not everybody's: of nobody else does it say that there are none.
    #[serde(skip)]
    pub users: Option<Vec<String>>,
    /// A page that was not understood, without its secrets: to be kept where somebody can look at it.
    #[serde(skip)]
    pub page: Option<RedactedPage>,
}

impl Coverage {
    /// A source that saw everything of its kinds.
    pub fn complete(
        server: impl Into<String>,
        source: impl Into<LookedAt>,
        note: impl Into<String>,
    ) -> Self {
        Self {
            server: server.into(),
            source: source.into(),
            complete: true,
            note: note.into(),
            gap: None,
            users: None,
            page: None,
        }
    }

    /// A source that by its nature sees only a part.
    pub fn partial(
        server: impl Into<String>,
        source: impl Into<LookedAt>,
        note: impl Into<String>,
    ) -> Self {
        Self {
            complete: false,
            ..Self::complete(server, source, note)
        }
    }

    /// A source that could not look, wholly or in part.
    pub fn failed(
        server: impl Into<String>,
        source: impl Into<LookedAt>,
        note: impl Into<String>,
        gap: Gap,
    ) -> Self {
        Self {
            gap: Some(gap),
            ..Self::partial(server, source, note)
        }
    }

    /// The same, where only grants of these users were looked for.
    #[must_use]
    pub fn of_users(mut self, users: Vec<String>) -> Self {
        self.users = Some(users);
        self
    }

    /// The same with the page that an error is about, where it is about one.
    #[must_use]
    pub fn with_page(mut self, error: &TokensError) -> Self {
        self.page = error.redacted().cloned();
        self
    }
}

/// Why something could not be looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Gap {
    /// A stable `snake_case` name for scripts.
    pub code: String,
    /// What happened, on which server.
    pub message: String,
    /// What to do about it.
    pub advice: String,
    /// What kind of failure it is, for the exit code.
    #[serde(skip)]
    pub failure: Failure,
}

impl From<&TokensError> for Gap {
    fn from(error: &TokensError) -> Self {
        let mut message = error.to_string();
        let mut cause = std::error::Error::source(error);
        while let Some(error) = cause {
            message = format!("{message}: {error}");
            cause = error.source();
        }
        Self {
            code: error.code().to_owned(),
            message,
            advice: error.advice(),
            failure: error.failure(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_looked_at_is_one_word() {
        let word = |looked: LookedAt| serde_json::to_value(looked).unwrap();
        assert_eq!(word(SourceKind::Impersonated.into()), "impersonated");
        assert_eq!(word(LookedAt::Links), "links");
    }
}

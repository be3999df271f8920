//! What is wrong with a fleet file, and where.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use super::mask::mask;

/// A place in the fleet file, both counted from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The line.
    pub line: u64,
    /// The column.
    pub column: u64,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// One thing that is wrong with a fleet file or with what was selected from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FleetError {
    /// The fleet file.
    pub file: PathBuf,
    /// Where in it; `None` where the file as a whole or the selection is meant.
    pub position: Option<Position>,
    /// What is wrong.
    pub message: String,
    /// The offending text, shortened, secrets masked.
    pub text: Option<String>,
    /// What to do about it.
    pub suggestion: Option<String>,
}

impl FleetError {
    pub(super) fn new(file: &Path, position: Option<Position>, problem: Problem) -> Self {
        Self {
            file: file.to_owned(),
            position,
            message: problem.message,
            text: problem.text.map(|text| shorten(&mask(&text))),
            suggestion: problem.suggestion,
        }
    }
}

impl fmt::Display for FleetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.file.display())?;
        if let Some(position) = self.position {
            write!(f, "{position}:")?;
        }
        write!(f, " {}", self.message)?;
        if let Some(text) = &self.text {
            write!(f, ": `{text}`")?;
        }
        if let Some(suggestion) = &self.suggestion {
            write!(f, "\n  hint: {suggestion}")?;
        }
        Ok(())
    }
}

impl std::error::Error for FleetError {}

/// Everything that is wrong, sorted by position. `Display` prints one `file:line:column: message` block per error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FleetErrors(Vec<FleetError>);

impl FleetErrors {
    pub(super) fn one(error: FleetError) -> Self {
        Self(vec![error])
    }

    /// `Ok` where there are none.
    pub(super) fn check(errors: Vec<FleetError>) -> Result<(), Self> {
        let errors = sorted(errors);
        if errors.is_empty() {
            Ok(())
        } else {
            Err(Self(errors))
        }
    }

    /// The errors, sorted by position.
    pub fn errors(&self) -> &[FleetError] {
        &self.0
    }

    /// A stable name for scripts.
    pub fn code(&self) -> &'static str {
        "fleet_file"
    }

    /// What to do about it.
    pub fn advice(&self) -> String {
        "correct the fleet file or the selection and run the command again; nothing was sent to any server"
            .to_owned()
    }
}

impl fmt::Display for FleetErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            error.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for FleetErrors {}

/// By position, each once.
pub(super) fn sorted(mut errors: Vec<FleetError>) -> Vec<FleetError> {
    errors
        .sort_by(|a, b| (a.position, &a.message, &a.text).cmp(&(b.position, &b.message, &b.text)));
    errors.dedup();
    errors
}

/// A complaint that does not know its place yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    message: String,
    text: Option<String>,
    suggestion: Option<String>,
}

impl Problem {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            text: None,
            suggestion: None,
        }
    }

    /// With the offending text, which must hold no secret.
    pub(super) fn text(mut self, text: impl Into<String>) -> Self {
        self.text = Some(text.into());
        self
    }

    /// With this offending text unless it has one.
    pub(super) fn or_text(self, text: &str) -> Self {
        if self.text.is_some() {
            self
        } else {
            self.text(text)
        }
    }

    pub(super) fn suggest(mut self, suggestion: impl Into<String>) -> Self {
        self.suggestion = Some(suggestion.into());
        self
    }

    /// With the most similar of `known`, where one is similar enough.
    pub(super) fn did_you_mean<'a>(
        self,
        word: &str,
        known: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        match nearest(word, known) {
            Some(near) => self.suggest(format!("did you mean `{near}`?")),
            None => self,
        }
    }

    /// Without a suggestion, which might quote what an environment variable holds.
    pub(super) fn without_suggestion(mut self) -> Self {
        self.suggestion = None;
        self
    }

    pub(super) fn has_suggestion(&self) -> bool {
        self.suggestion.is_some()
    }
}

fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let limit = (word.chars().count() / 3).clamp(1, 4);
    known
        .into_iter()
        .take(1000)
        .map(|known| {
            let distance = strsim::damerau_levenshtein(&word, &known.to_lowercase());
            (distance, known)
        })
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

/// One line of at most 80 characters, without control characters.
fn shorten(text: &str) -> String {
    let mut short: String = text
        .chars()
        .take(80)
        .flat_map(|c| {
            let escape = c.is_control().then(|| c.escape_default());
            let plain = escape.is_none().then_some(c);
            escape.into_iter().flatten().chain(plain)
        })
        .collect();
    if text.chars().nth(80).is_some() {
        short.push_str("...");
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_suggested_only_when_it_is_near() {
        for (word, expected) in [
            ("pasword", Some("password")),
            ("PASSWORD", Some("password")),
            ("urll", Some("url")),
            ("lables", Some("labels")),
            ("colour", None),
            ("", None),
        ] {
            assert_eq!(
                nearest(word, ["url", "labels", "password"]),
                expected,
                "{word}"
            );
        }
    }

    #[test]
    fn text_is_shortened_to_one_line() {
        assert_eq!(shorten("a\nb\u{1b}[31m"), "a\\nb\\u{1b}[31m");
        assert_eq!(shorten(&"ü".repeat(100)), "ü".repeat(80) + "...");
    }
}

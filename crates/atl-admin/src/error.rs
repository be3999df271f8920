//! What went wrong, as the user sees it: one message, its causes, what to do about it, and the exit code.

use std::{
    error::Error as StdError,
    fmt::Write as _,
    io::{self, Write as _},
    path::Path,
};

use owo_colors::OwoColorize as _;

use crate::{exit::Exit, output::printable};

/// A failure on its way to stderr and the exit code.
#[derive(Debug)]
pub(crate) struct Error {
    pub(crate) exit: Exit,
    message: String,
    causes: Vec<String>,
    hints: Vec<String>,
    more: Vec<Self>,
}

/// What a command ends with.
pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of this kind.
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            message: message.into(),
            causes: Vec::new(),
            hints: Vec::new(),
            more: Vec::new(),
        }
    }

    /// Wrong usage.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// An operation failed.
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::new(Exit::Failed, message)
    }

    /// A library's error, with its own advice.
    pub(crate) fn library(exit: Exit, error: &dyn StdError, advice: impl Into<String>) -> Self {
        Self::new(exit, error.to_string())
            .caused_by(error.source())
            .hint(advice)
    }

    /// A library's error that is the user's wrong usage, with its advice.
    pub(crate) fn usage_of(error: &dyn StdError, advice: impl Into<String>) -> Self {
        Self::library(Exit::Usage, error, advice)
    }

    /// A file operation failed; `fs_err` has put the path into the error.
    pub(crate) fn io(error: &io::Error) -> Self {
        Self::failed(error.to_string()).caused_by(error.source())
    }

    /// An operation on a path failed.
    pub(crate) fn path(what: &str, path: &Path, error: &io::Error) -> Self {
        Self::failed(format!("could not {what} `{}`", path.display())).caused_by(Some(error))
    }

    /// What is wrong with one server of several, its name in front.
    pub(crate) fn of_server(server: &str, trouble: &atl_fleet::Trouble) -> Self {
        let named = trouble.message.starts_with(&format!("{server}: "));
        let message = if named {
            trouble.message.clone()
        } else {
            format!("{server}: {}", trouble.message)
        };
        Self::failed(format!("{message} [{}]", trouble.code)).hint(trouble.advice.clone())
    }

    /// Adds a cause and what caused that.
    pub(crate) fn caused_by(mut self, cause: Option<&(dyn StdError + 'static)>) -> Self {
        let mut next = cause;
        while let Some(error) = next {
            let text = error.to_string();
            if !text.is_empty() && self.causes.last() != Some(&text) {
                self.causes.push(text);
            }
            next = error.source();
        }
        self
    }

    /// Puts what was being done in front; the message becomes its first cause.
    pub(crate) fn while_doing(mut self, message: impl Into<String>) -> Self {
        let message = std::mem::replace(&mut self.message, message.into());
        self.causes.insert(0, message);
        self
    }

    /// Adds what to do about it; an empty or repeated hint is not shown.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        let hint = hint.into();
        if !hint.is_empty() && !self.hints.contains(&hint) {
            self.hints.push(hint);
        }
        self
    }

    /// What happened, without causes and hints.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// The text for stderr; control characters are made harmless, since servers have a say in it.
    pub(crate) fn render(&self) -> String {
        let mut text = format!("{} {}\n", "error:".red().bold(), printable(&self.message));
        let many = self.causes.len() > 1;
        for (index, cause) in self.causes.iter().enumerate() {
            let number = if many {
                format!(" {}:", index + 1)
            } else {
                String::new()
            };
            writeln!(text, "Caused by:{number} {}", printable(cause)).ok();
        }
        for hint in &self.hints {
            writeln!(text, "{} {}", "hint:".cyan(), printable(hint)).ok();
        }
        text.extend(self.more.iter().map(Self::render));
        text
    }
}

/// Says on stderr what is wrong, where no server is to blame.
pub(crate) fn tell_own(trouble: &atl_fleet::Trouble) {
    let error = Error::failed(format!("{} [{}]", trouble.message, trouble.code));
    write!(
        anstream::stderr(),
        "{}",
        error.hint(trouble.advice.clone()).render()
    )
    .ok();
}

/// Says on stderr what is wrong with one server, where the others go on.
pub(crate) fn tell(server: &str, trouble: &atl_fleet::Trouble) {
    write!(
        anstream::stderr(),
        "{}",
        Error::of_server(server, trouble).render()
    )
    .ok();
}

impl From<atl_keys::KeyError> for Error {
    fn from(error: atl_keys::KeyError) -> Self {
        Self::library(Exit::Failed, &error, error.advice())
    }
}

impl From<atl_store::StoreError> for Error {
    fn from(error: atl_store::StoreError) -> Self {
        Self::library(Exit::Failed, &error, error.advice())
    }
}

impl From<atl_tokens::ImportError> for Error {
    fn from(error: atl_tokens::ImportError) -> Self {
        Self::library(Exit::Failed, &error, error.advice())
    }
}

impl From<atl_fleet::FleetErrors> for Error {
    /// Every error of the file, each with its own hint.
    fn from(errors: atl_fleet::FleetErrors) -> Self {
        let mut each = errors.errors().iter().map(|error| {
            let place = match error.position {
                Some(position) => format!("{}:{position}", error.file.display()),
                None => error.file.display().to_string(),
            };
            let text = error.text.as_ref().map(|text| format!(": `{text}`"));
            Self::usage(format!(
                "{place}: {}{}",
                error.message,
                text.unwrap_or_default()
            ))
            .hint(error.suggestion.clone().unwrap_or_default())
        });
        let mut first = each
            .next()
            .unwrap_or_else(|| Self::usage(errors.to_string()));
        first.more = each.collect();
        first
    }
}

impl From<atl_fleet::StartError> for Error {
    /// What is wrong with the configuration or a key file is wrong usage: nothing was sent to any server.
    fn from(error: atl_fleet::StartError) -> Self {
        let exit = if error.is_usage() {
            Exit::Usage
        } else {
            Exit::Failed
        };
        Self::library(exit, &error, error.advice())
    }
}

impl From<atl_fleet::request::RequestError> for Error {
    fn from(error: atl_fleet::request::RequestError) -> Self {
        let exit = if error.is_usage() {
            Exit::Usage
        } else {
            Exit::Failed
        };
        Self::library(exit, &error, error.advice())
    }
}

impl From<atl_fleet::Trouble> for Error {
    fn from(trouble: atl_fleet::Trouble) -> Self {
        let exit = match trouble.status {
            atl_fleet::Status::Unreachable => Exit::Unreachable,
            atl_fleet::Status::Refused => Exit::Refused,
            atl_fleet::Status::Ok | atl_fleet::Status::Failed => Exit::Failed,
        };
        Self::new(exit, trouble.message).hint(trouble.advice)
    }
}

impl From<atl_client::BaseUrlError> for Error {
    fn from(error: atl_client::BaseUrlError) -> Self {
        Self::usage(error.to_string()).caused_by(error.source())
    }
}

impl From<atl_client::ClientError> for Error {
    fn from(error: atl_client::ClientError) -> Self {
        let exit = match error.failure() {
            atl_client::Failure::Unreachable => Exit::Unreachable,
            atl_client::Failure::Refused => Exit::Refused,
            atl_client::Failure::Failed => Exit::Failed,
        };
        Self::library(exit, &error, error.advice())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(error: &Error) -> String {
        anstream::adapter::strip_str(&error.render()).to_string()
    }

    #[test]
    fn shows_message_causes_and_hints() {
        let inner = io::Error::new(io::ErrorKind::NotFound, "no such file");
        let error = Error::path("read", Path::new("a.pem"), &inner)
            .hint("say where it is")
            .hint("say where it is")
            .hint("");
        assert_eq!(
            plain(&error),
            "error: could not read `a.pem`\nCaused by: no such file\nhint: say where it is\n"
        );
    }

    #[test]
    fn numbers_several_causes() {
        let inner = io::Error::other("disk on fire");
        let error =
            Error::path("write", Path::new("a.pem"), &inner).while_doing("could not export");
        assert_eq!(
            plain(&error),
            "error: could not export\nCaused by: 1: could not write `a.pem`\nCaused by: 2: disk on fire\n"
        );
    }

    #[test]
    fn a_server_cannot_drive_the_terminal() {
        let error = Error::failed("the server said \u{1b}[2J\u{7} hello\nerror: forged");
        assert!(!error.render().contains("\u{1b}[2J"));
        assert_eq!(plain(&error).lines().count(), 1);
    }
}

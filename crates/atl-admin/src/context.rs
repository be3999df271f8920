//! What every command has at hand.

use std::io::{self, IsTerminal as _};

use atl_fleet::RunInfo;
use atl_store::Holder;

use crate::{
    cli::Globals,
    environment,
    error::{Error, Result},
    output::Output,
    term::Terminal,
};

/// The global flags, and what was made of them.
pub(crate) struct Context {
    pub(crate) globals: Globals,
    pub(crate) output: Output,
    pub(crate) terminal: Terminal,
}

impl Context {
    pub(crate) fn new(globals: Globals) -> Self {
        let output = Output::new(globals.output, globals.output_is_typed, width());
        let terminal = Terminal::new(globals.yes, globals.no_input);
        Self {
            globals,
            output,
            terminal,
        }
    }

    /// The names given with `--consumer`, each a possible name.
    pub(crate) fn consumers(&self) -> Result<&[String]> {
        let names = &self.globals.selection.consumers;
        match names.iter().find(|name| !is_name(name)) {
            None => Ok(names),
            Some(name) => Err(
                Error::usage(format!("`{name}` cannot be a consumer's name"))
                    .hint("names have 1 to 64 letters, digits, dots, underscores and hyphens"),
            ),
        }
    }

    /// The one name given with `--consumer`.
    pub(crate) fn one_consumer(&self) -> Result<&str> {
        match self.consumers()? {
            [name] => Ok(name),
            names => Err(Error::usage(format!(
                "this command needs exactly one `--consumer`, not {}",
                names.len()
            ))),
        }
    }
}

/// Who runs this, for locks.
pub(crate) fn who(command: &str) -> Holder {
    let unknown = || "unknown".to_owned();
    Holder {
        user: whoami::username().unwrap_or_else(|_| unknown()),
        host: whoami::hostname().unwrap_or_else(|_| unknown()),
        command: command.to_owned(),
    }
}

/// The same for the journal, with one id for all steps of the run.
pub(crate) fn run_info(command: &str) -> RunInfo {
    let Holder {
        user,
        host,
        command,
    } = who(command);
    let now = jiff::Timestamp::now().as_millisecond();
    RunInfo {
        run: format!("{now}-{}", std::process::id()),
        command,
        os_user: user,
        host,
    }
}

/// Whether the fleet file can have a server or consumer of this name.
pub(crate) fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

/// How wide stdout is: `COLUMNS`, else the terminal, else as wide as it takes.
fn width() -> Option<u16> {
    let columns = environment::variable("COLUMNS")
        .and_then(|value| value.to_str()?.parse().ok())
        .filter(|columns| *columns > 0);
    columns.or_else(|| {
        let size = io::stdout()
            .is_terminal()
            .then(terminal_size::terminal_size)??;
        Some(size.0.0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for good in ["jira", "deploy-bot", "a.b_c-1", &"x".repeat(64)] {
            assert!(is_name(good), "{good}");
        }
        for bad in ["", "a b", "a/b", "é", "a:b", &"x".repeat(65)] {
            assert!(!is_name(bad), "{bad}");
        }
    }
}

//! The terminal: notes and warnings on stderr, questions and confirmations.

use std::io::{self, BufRead, IsTerminal as _, Write};

use owo_colors::OwoColorize as _;

use crate::{
    error::{Error, Result},
    output::printable,
};

/// Whether and how the user can be asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terminal {
    /// Questions can be asked: there is a terminal, and `--no-input` was not given.
    pub(crate) can_ask: bool,
    /// Something that is no terminal may give lines on stdin, and `--no-input` was not given.
    pub(crate) is_fed: bool,
    /// Confirmations are answered yes.
    pub(crate) yes: bool,
}

impl Terminal {
    pub(crate) fn new(yes: bool, no_input: bool) -> Self {
        let can_ask = !no_input && io::stdin().is_terminal() && io::stderr().is_terminal();
        let is_fed = !no_input && is_pipe_or_file();
        Self {
            can_ask,
            is_fed,
            yes,
        }
    }

    /// Goes on only where the user agrees; an answer that cannot be had is a usage error.
    pub(crate) fn confirm(self, question: &str) -> Result<()> {
        if self.yes {
            return Ok(());
        }
        if !self.can_ask {
            return Err(Error::usage(format!(
                "{question} This needs a yes, and nobody can be asked"
            ))
            .hint("pass `--yes` where that is what you want"));
        }
        let answer = ask(
            &mut io::stdin().lock(),
            &mut io::stderr(),
            &format!("{question} [y/N]"),
        )?;
        if matches!(answer.to_ascii_lowercase().as_str(), "y" | "yes") {
            return Ok(());
        }
        Err(Error::failed("not confirmed; nothing was done"))
    }
}

impl Terminal {
    /// Goes on only where the user types this name, which `--yes` does not stand for.
    pub(crate) fn type_name(self, why: &str, name: &str) -> Result<()> {
        if !self.can_ask {
            return Err(Error::usage(format!(
                "{why}, so that its name must be typed, and nobody can be asked"
            ))
            .hint(format!(
                "pass `--confirm {name}` where you are sure that this is the copy; `--yes` is not enough"
            )));
        }
        note(&format!("{why}."));
        let answer = ask(
            &mut io::stdin().lock(),
            &mut io::stderr(),
            &format!("To go on, type the name of the server (`{name}`):"),
        )?;
        if answer == name {
            return Ok(());
        }
        Err(Error::failed("the name was not typed; nothing was done"))
    }
}

/// Whether stdin is a pipe, a socket or a file. A device is none, and `/dev/null` the least of all.
#[cfg(unix)]
fn is_pipe_or_file() -> bool {
    use std::{
        fs::File,
        os::{fd::AsFd as _, unix::fs::FileTypeExt as _},
    };
    let stdin = io::stdin().as_fd().try_clone_to_owned().map(File::from);
    stdin
        .and_then(|stdin| stdin.metadata())
        .is_ok_and(|stdin| !stdin.file_type().is_char_device())
}

#[cfg(not(unix))]
fn is_pipe_or_file() -> bool {
    !io::stdin().is_terminal()
}

/// Asks one question and reads one line; the end of input is an error.
pub(crate) fn ask(
    input: &mut impl BufRead,
    screen: &mut impl Write,
    question: &str,
) -> Result<String> {
    let mut line = String::new();
    let read = write!(screen, "{} ", printable(question))
        .and_then(|()| screen.flush())
        .and_then(|()| input.read_line(&mut line));
    match read {
        Ok(0) => Err(Error::usage(format!("no answer to: {question}"))),
        Ok(_) => Ok(line.trim().to_owned()),
        Err(error) => Err(Error::failed("could not ask").caused_by(Some(&error))),
    }
}

/// Says something on stderr that is no failure.
pub(crate) fn note(text: &str) {
    writeln!(anstream::stderr(), "{}", printable(text)).ok();
}

/// Warns on stderr; a hint has a line of its own.
pub(crate) fn warn(text: &str) {
    let mut lines = text.lines();
    writeln!(
        anstream::stderr(),
        "{} {}",
        "warning:".yellow().bold(),
        printable(lines.next().unwrap_or_default())
    )
    .ok();
    lines.for_each(|line| note(line.trim_start()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_to_ask_is_a_usage_error() {
        let terminal = Terminal {
            can_ask: false,
            is_fed: false,
            yes: false,
        };
        let error = terminal.confirm("Delete 2 links?").unwrap_err();
        assert_eq!(error.exit, crate::exit::Exit::Usage);
    }

    #[test]
    fn yes_asks_nothing() {
        let terminal = Terminal {
            can_ask: false,
            is_fed: false,
            yes: true,
        };
        terminal.confirm("Delete 2 links?").unwrap();
    }

    #[test]
    fn an_answer_is_one_trimmed_line() {
        let mut screen = Vec::new();
        let answer = ask(&mut &b"  jira \nmore"[..], &mut screen, "Name?").unwrap();
        assert_eq!(
            (answer.as_str(), screen.as_slice()),
            ("jira", &b"Name? "[..])
        );
        assert!(ask(&mut &b""[..], &mut screen, "Name?").is_err());
    }
}

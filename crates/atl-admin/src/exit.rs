//! Exit codes.

use std::process::ExitCode;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done, or nothing to do.
    Done,
    /// An operation failed.
    Failed,
    /// Wrong usage or an invalid fleet file.
    Usage,
    /// A server could not be reached or did not answer as such a server does.
    Unreachable,
    /// Authentication or authorisation refused.
    Refused,
    /// Some servers succeeded and some did not.
    Partly,
    /// Changes pending, or findings.
    Pending,
    /// Interrupted.
    Interrupted,
}

impl Exit {
    /// All of them, in the order of their codes.
    pub(crate) const ALL: [Self; 8] = [
        Self::Done,
        Self::Failed,
        Self::Usage,
        Self::Unreachable,
        Self::Refused,
        Self::Partly,
        Self::Pending,
        Self::Interrupted,
    ];

    /// The code that the shell sees.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Unreachable => 3,
            Self::Refused => 4,
            Self::Partly => 5,
            Self::Pending => 10,
            Self::Interrupted => 130,
        }
    }

    /// What the command reference says about it.
    pub(crate) fn meaning(self) -> &'static str {
        match self {
            Self::Done => "done; or nothing to do",
            Self::Failed => "an operation failed",
            Self::Usage => "wrong usage or an invalid fleet file: nothing was sent to any server",
            Self::Unreachable => {
                "could not tell: a server could not be reached or did not answer as such a server does"
            }
            Self::Refused => "authentication or authorisation refused",
            Self::Partly => "some servers succeeded and some did not",
            Self::Pending => {
                "changes pending (`plan --detailed-exitcode`), or findings (`audit --fail-on`, `authorize --status`, `tokens verify`)"
            }
            Self::Interrupted => "interrupted; what was done is in the journal",
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        exit.code().into()
    }
}

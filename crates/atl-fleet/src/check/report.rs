//! What `check` says.

use serde::Serialize;

use crate::{outcome::Exit, plan::Status};

/// What `check` found.
#[derive(Debug, Clone, Serialize)]
pub struct CheckReport {
    /// `1.0`.
    pub format_version: &'static str,
    /// One entry a selected server.
    pub servers: Vec<ServerChecks>,
}

/// The checks of one server.
#[derive(Debug, Clone, Serialize)]
pub struct ServerChecks {
    /// The server's name.
    pub server: String,
    /// The checks, in a fixed order; those of a consumer once a consumer.
    pub checks: Vec<Check>,
    /// How asking went, which decides the exit code.
    #[serde(skip)]
    pub(super) status: Status,
}

/// One check.
#[derive(Debug, Clone, Serialize)]
pub struct Check {
    /// Which.
    pub check: &'static str,
    /// What came of it.
    pub status: CheckStatus,
    /// What was found.
    pub message: String,
    /// What to do about it, where there is something.
    pub advice: Option<String>,
    /// The consumer that it is about, where it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consumer: Option<String>,
}

/// What came of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckStatus {
    /// As it should be.
    Pass,
    /// Works, but look at it.
    Warn,
    /// Will not work.
    Fail,
    /// Not looked at, for the reason the message gives.
    Skip,
}

impl CheckReport {
    /// 1 if any check is `fail`, 3 if a server could not be asked, 4 if every failure is a refused sign-in, else 0.
    pub fn exit(&self) -> Exit {
        let failing = |server: &&ServerChecks| {
            server
                .checks
                .iter()
                .any(|check| check.status == CheckStatus::Fail)
        };
        let mut failed = self.servers.iter().filter(failing).peekable();
        if failed.peek().is_none() {
            return Exit::Done;
        }
        let statuses: Vec<Status> = failed.map(|server| server.status).collect();
        if statuses
            .iter()
            .any(|status| matches!(status, Status::Ok | Status::Failed))
        {
            Exit::Failed
        } else if statuses.contains(&Status::Unreachable) {
            Exit::CouldNotTell
        } else {
            Exit::Refused
        }
    }
}

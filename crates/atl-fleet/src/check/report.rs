//! What `check` says.

use serde::Serialize;

use crate::{outcome::Exit, plan::Status, trouble::Trouble};

/// Every check, in the order in which they are shown; the last but one are those of consumers, which stand together.
pub(super) const CHECKS: [&str; 16] = [
    "reach",
    "tls",
    "product",
    "credentials",
    "admin",
    "sysadmin",
    "basic",
    "captcha",
    "websudo",
    "clock",
    "base_url",
    "key",
    "link",
    "consumer",
    "grant",
    "auditor",
];

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
    /// The user whose grant it is about, where it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// What kind of failure it is, which decides the exit code.
    #[serde(skip)]
    failure: Status,
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

impl Check {
    fn new(check: &'static str, status: CheckStatus, message: impl Into<String>) -> Self {
        Self {
            check,
            status,
            message: message.into(),
            advice: None,
            consumer: None,
            user: None,
            failure: Status::Ok,
        }
    }

    pub(super) fn pass(check: &'static str, message: impl Into<String>) -> Self {
        Self::new(check, CheckStatus::Pass, message)
    }

    pub(super) fn skip(check: &'static str, why: impl Into<String>) -> Self {
        Self::new(check, CheckStatus::Skip, why)
    }

    pub(super) fn warn(
        check: &'static str,
        message: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self {
            advice: Some(advice.into()),
            ..Self::new(check, CheckStatus::Warn, message)
        }
    }

    pub(super) fn fail(check: &'static str, trouble: &Trouble) -> Self {
        Self {
            advice: Some(trouble.advice.clone()),
            failure: trouble.status,
            ..Self::new(check, CheckStatus::Fail, trouble.message.clone())
        }
    }

    /// Several findings of one check in one: the worst decides, and everything is said.
    pub(super) fn all(check: &'static str, findings: &[Self]) -> Self {
        let join = |texts: Vec<&str>| texts.join("; ");
        let rank = |finding: &&Self| match finding.status {
            CheckStatus::Pass => 0,
            CheckStatus::Skip => 1,
            CheckStatus::Warn => 2,
            CheckStatus::Fail => 3,
        };
        let worst = findings.iter().max_by_key(rank);
        let message = join(findings.iter().map(|one| one.message.as_str()).collect());
        let advice: Vec<&str> = findings
            .iter()
            .filter(|one| worst.is_some_and(|worst| one.status == worst.status))
            .filter_map(|one| one.advice.as_deref())
            .collect();
        Self {
            advice: (!advice.is_empty()).then(|| join(advice)),
            failure: worst.map_or(Status::Ok, |worst| worst.failure),
            ..Self::new(
                check,
                worst.map_or(CheckStatus::Skip, |worst| worst.status),
                message,
            )
        }
    }

    /// The same, about the grant of a user.
    pub(super) fn by(self, user: &str) -> Self {
        Self {
            user: Some(user.to_owned()),
            ..self
        }
    }

    /// The same, about a consumer.
    pub(super) fn of(self, consumer: &str) -> Self {
        Self {
            consumer: Some(consumer.to_owned()),
            ..self
        }
    }
}

impl ServerChecks {
    pub(super) fn new(server: &str, mut checks: Vec<Check>) -> Self {
        let place = |check: &Check| match check.consumer {
            Some(_) => "consumer",
            None => check.check,
        };
        checks.sort_by_key(|check| CHECKS.iter().position(|name| *name == place(check)));
        Self {
            server: server.to_owned(),
            checks,
        }
    }
}

impl CheckReport {
    /// 1 if any check is `fail`, 3 if a server could not be asked, 4 if every failure is a refused sign-in, else 0.
    pub fn exit(&self) -> Exit {
        let any = |wanted| {
            let mut checks = self.servers.iter().flat_map(|server| &server.checks);
            checks.any(|check| check.failure == wanted)
        };
        if any(Status::Failed) {
            Exit::Failed
        } else if any(Status::Unreachable) {
            Exit::CouldNotTell
        } else if any(Status::Refused) {
            Exit::Refused
        } else {
            Exit::Done
        }
    }
}

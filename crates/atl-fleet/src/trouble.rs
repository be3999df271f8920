//! One shape for every failure that a report shows: what happened, on which server, what to do next.

use std::error::Error;

use atl_applinks::ApplinksError;
use atl_client::{ClientError, Failure};
use atl_keys::KeyError;
use atl_oauth::{ApproveError, Cause, OauthError, Problem};
use atl_store::StoreError;
use atl_tokens::{Gap, TokensError};
use serde::{Deserialize, Serialize};

use crate::plan::Status;

/// A failure as reports show it (`error` of cli.md section 3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// A stable `snake_case` name for scripts.
    pub code: String,
    /// What happened.
    pub message: String,
    /// What to do next.
    pub advice: String,
    /// What it makes of the server's status.
    #[serde(skip, default = "failed")]
    pub status: Status,
}

fn failed() -> Status {
    Status::Failed
}

impl Trouble {
    /// A refusal of our own, which is always `failed`.
    pub(crate) fn own(code: &str, message: impl Into<String>, advice: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            message: message.into(),
            advice: advice.into(),
            status: Status::Failed,
        }
    }

    /// The server refused a signed call.
    pub(crate) fn problem(server: &str, consumer_key: &str, problem: &Problem) -> Self {
        let code = if problem.cause == Some(Cause::Url) {
            "base_url"
        } else {
            "key_not_accepted"
        };
        Self::own(
            code,
            format!("`{server}` refused a call signed as `{consumer_key}`: {problem}"),
            problem.advice(),
        )
    }
}

/// The message of an error with those of its causes.
pub(crate) fn message_of(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let message = error.to_string();
        if !text.ends_with(&message) {
            text.push_str(": ");
            text.push_str(&message);
        }
        cause = error.source();
    }
    text
}

pub(crate) fn status_of(failure: Failure) -> Status {
    match failure {
        Failure::Unreachable => Status::Unreachable,
        Failure::Refused => Status::Refused,
        Failure::Failed => Status::Failed,
    }
}

impl From<ClientError> for Trouble {
    fn from(error: ClientError) -> Self {
        Self {
            code: error.code().to_owned(),
            message: message_of(&error),
            advice: error.advice(),
            status: status_of(error.failure()),
        }
    }
}

impl From<ApplinksError> for Trouble {
    fn from(error: ApplinksError) -> Self {
        Self {
            code: error.code().to_owned(),
            message: message_of(&error),
            advice: error.advice(),
            status: status_of(error.failure()),
        }
    }
}

impl From<OauthError> for Trouble {
    fn from(error: OauthError) -> Self {
        Self {
            code: error.code().to_owned(),
            message: message_of(&error),
            advice: error.advice(),
            status: status_of(error.failure()),
        }
    }
}

impl From<ApproveError> for Trouble {
    fn from(error: ApproveError) -> Self {
        Self {
            code: error.code().to_owned(),
            message: message_of(&error),
            advice: error.advice(),
            status: status_of(error.failure()),
        }
    }
}

impl From<TokensError> for Trouble {
    fn from(error: TokensError) -> Self {
        Self {
            code: error.code().to_owned(),
            message: message_of(&error),
            advice: error.advice(),
            status: status_of(error.failure()),
        }
    }
}

impl From<&Gap> for Trouble {
    fn from(gap: &Gap) -> Self {
        Self {
            code: gap.code.clone(),
            message: gap.message.clone(),
            advice: gap.advice.clone(),
            status: status_of(gap.failure),
        }
    }
}

impl From<Trouble> for Gap {
    fn from(trouble: Trouble) -> Self {
        Self {
            code: trouble.code,
            message: trouble.message,
            advice: trouble.advice,
            failure: match trouble.status {
                Status::Refused => Failure::Refused,
                Status::Unreachable => Failure::Unreachable,
                Status::Ok | Status::Failed => Failure::Failed,
            },
        }
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::own(error.code(), message_of(&error), error.advice())
    }
}

impl From<KeyError> for Trouble {
    fn from(error: KeyError) -> Self {
        Self::own("key", message_of(&error), error.advice())
    }
}

//! The journal: every step on a server, written down before it is taken and again when it has ended.

use jiff::Timestamp;

/// A step about to be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// One id a run, shared by its steps.
    pub run: String,
    /// `apply`, `links delete`, ...
    pub command: String,
    /// `link create`, `consumer put`, ...
    pub action: String,
    /// The server's name.
    pub server: String,
    /// The server's base URL.
    pub server_url: String,
    /// The consumer's name, where the step concerns one.
    pub consumer: Option<String>,
    /// What exactly, as data without secrets: the journal is not sealed.
    pub detail: serde_json::Value,
    /// The operating system's user.
    pub os_user: String,
    /// The host.
    pub host: String,
    /// The account signed in on the server.
    pub account: Option<String>,
}

/// How a step ended.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase", tag = "outcome", content = "message")]
pub enum Outcome {
    /// It was done.
    Done,
    /// It failed, and the server was left as it was or as the message says.
    Failed(String),
    /// Whether it took effect is not known.
    Unknown(String),
}

impl Outcome {
    /// The word for it, and the message that goes with it.
    pub(crate) fn parts(&self) -> (&'static str, Option<&str>) {
        match self {
            Self::Done => ("done", None),
            Self::Failed(message) => ("failed", Some(message)),
            Self::Unknown(message) => ("unknown", Some(message)),
        }
    }

    pub(crate) fn from_parts(word: &str, message: Option<String>) -> Option<Self> {
        match (word, message) {
            ("done", None) => Some(Self::Done),
            ("failed", Some(message)) => Some(Self::Failed(message)),
            ("unknown", Some(message)) => Some(Self::Unknown(message)),
            _ => None,
        }
    }
}

/// A step of the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalRow {
    /// Its number.
    pub id: i64,
    /// When it was begun.
    pub started: Timestamp,
    /// When it ended; `None` for a step that a kill left open.
    pub finished: Option<Timestamp>,
    /// The step.
    pub step: Step,
    /// How it ended.
    pub outcome: Option<Outcome>,
}

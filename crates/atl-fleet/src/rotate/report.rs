//! Rotations as reports show them (cli.md section 3).

use atl_keys::Fingerprint;
use serde::Serialize;

use crate::{
    plan::{FORMAT_VERSION, Status},
    trouble::Trouble,
};

/// How a consumer gets its new keypair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Strategy {
    /// A new public key under the same consumer key: grants survive it (protocol.md 1.7).
    #[default]
    InPlace,
    /// A second consumer key on a second link, both live until the first is retired.
    Overlap,
}

impl Strategy {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InPlace => "in-place",
            Self::Overlap => "overlap",
        }
    }
}

/// Where a rotation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RotationState {
    /// The server itself accepted calls signed with the new key.
    Verified,
    /// The old key is back, and the server accepts it.
    RolledBack,
    /// It was refused, or ended in a state that the error describes.
    Failed,
    /// It was not begun, or it is not known yet how it ended.
    Pending,
}

impl RotationState {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::RolledBack => "rolled_back",
            Self::Failed => "failed",
            Self::Pending => "pending",
        }
    }
}

/// One consumer on one server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rotation {
    /// The server's name.
    pub server: String,
    /// The consumer's name in the fleet file.
    pub consumer: String,
    /// How.
    pub strategy: Strategy,
    /// The key that the server held.
    pub before: Option<Fingerprint>,
    /// The new key; `null` until it is made.
    pub after: Option<Fingerprint>,
    /// Where it stands.
    pub state: RotationState,
    /// How many stored grants the server accepted before.
    pub grants_before: usize,
    /// How many stored grants were asked about.
    pub grants_checked: usize,
    /// How many of them the server accepted in the end.
    pub grants_ok: usize,
    /// The second consumer key, with overlap.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new_key: Option<String>,
    /// Its application URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new_url: Option<String>,
    /// Whose grants of the second consumer key take a person.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub needs_person: Vec<String>,
    /// What went wrong, or is left to do.
    pub error: Option<Trouble>,
}

impl Rotation {
    /// One that was not begun.
    pub(super) fn pending(server: &str, consumer: &str, before: Option<Fingerprint>) -> Self {
        Self {
            server: server.to_owned(),
            consumer: consumer.to_owned(),
            strategy: Strategy::InPlace,
            before,
            after: None,
            state: RotationState::Pending,
            grants_before: 0,
            grants_checked: 0,
            grants_ok: 0,
            new_key: None,
            new_url: None,
            needs_person: Vec::new(),
            error: None,
        }
    }

    /// The same, refused before anything was changed.
    pub(super) fn refused(self, trouble: Trouble) -> Self {
        Self {
            state: RotationState::Failed,
            error: Some(trouble),
            ..self
        }
    }

    /// How it went, for the exit code; what was not begun did not succeed.
    pub(crate) fn status(&self) -> Status {
        match (&self.error, self.state) {
            (Some(trouble), RotationState::Failed | RotationState::Pending) => trouble.status,
            (None, RotationState::Verified) => Status::Ok,
            _ => Status::Failed,
        }
    }
}

/// What became of rotations.
#[derive(Debug, Clone, Serialize)]
pub struct RotationReport {
    /// `1.0`.
    pub format_version: &'static str,
    /// By server and consumer, in the order of the file.
    pub rotations: Vec<Rotation>,
    /// What to change in the fleet file, a unified diff for each consumer that has a second consumer key everywhere.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub patches: Vec<String>,
}

impl RotationReport {
    /// A report of these.
    pub(super) fn new(rotations: Vec<Rotation>) -> Self {
        Self {
            format_version: FORMAT_VERSION,
            rotations,
            patches: Vec::new(),
        }
    }
}

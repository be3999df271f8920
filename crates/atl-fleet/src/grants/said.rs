//! What a server says of a grant, in the words of the store.

use atl_oauth::{Problem, ProblemKind, TokenState};
use atl_store::{GrantRow, GrantState};

use super::choose::same_user;

/// Where a grant stands, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) state: GrantState,
    pub(crate) note: Option<String>,
    /// The server has no such token, and never will again.
    pub(crate) gone: bool,
}

impl Said {
    pub(crate) fn of(row: &GrantRow, token: TokenState) -> Self {
        let (state, note, gone) = match token {
            TokenState::Active { user } => (GrantState::Active, renamed(row, &user), false),
            TokenState::Expired => (GrantState::Expired, None, false),
            TokenState::NotAllowed => (
                GrantState::Rejected,
                Some(
                    "its user may not sign in any more: deactivated, or without a licence"
                        .to_owned(),
                ),
                false,
            ),
            TokenState::Rejected(problem) => {
                let gone = is_gone(&problem);
                // What is gone stays gone, and what was said first says more.
                let first = row
                    .note
                    .clone()
                    .filter(|_| gone && row.state == GrantState::Rejected);
                let note = first.unwrap_or_else(|| why(&problem));
                (GrantState::Rejected, Some(note), gone)
            }
        };
        Self { state, note, gone }
    }
}

/// Whether the server does not hold the token any more. Before it says anything else it looks for the token
/// (protocol.md 2.8).
pub(super) fn is_gone(problem: &Problem) -> bool {
    matches!(
        problem.kind,
        ProblemKind::TokenRejected | ProblemKind::TokenRevoked | ProblemKind::TokenUsed
    )
}

fn renamed(row: &GrantRow, user: &str) -> Option<String> {
    (!same_user(user, &row.user))
        .then(|| format!("it stands for `{user}` now, and `{}` gave it", row.user))
}

fn why(problem: &Problem) -> String {
    let words = match problem.kind {
        _ if is_gone(problem) => {
            "the server holds no such token: it was revoked, renewed elsewhere, or its consumer, link or user is gone"
        }
        ProblemKind::ConsumerKeyUnknown => "the server does not know its consumer key any more",
        ProblemKind::ConsumerKeyRejected | ProblemKind::ConsumerKeyRefused => {
            "the server turns its consumer key away"
        }
        ProblemKind::PermissionDenied => "three-legged OAuth is off for its consumer",
        ProblemKind::UserRefused => "the server does not let its user in for now",
        _ => "the server does not take it",
    };
    format!("{words} (`{}`)", problem.code())
}

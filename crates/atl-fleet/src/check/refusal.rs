//! Refused calls: which check each belongs to.

use atl_oauth::{Cause, Problem, ProblemKind};

use crate::{
    observe::{Observed, ObservedConsumer, Probe},
    trouble::Trouble,
};

/// The check that says what to do about a refused call.
pub(super) fn check_of(problem: &Problem) -> &'static str {
    match (&problem.kind, problem.cause) {
        (ProblemKind::TimestampRefused, _) => "clock",
        (ProblemKind::SignatureInvalid, Some(Cause::Url | Cause::Call)) => "base_url",
        (ProblemKind::SignatureInvalid, Some(Cause::Key) | None) => "key",
        _ => "consumer",
    }
}

/// What the server said where it refused a call that was signed as this consumer.
pub(super) fn refusal(seen: &ObservedConsumer) -> Option<(&Problem, &Trouble)> {
    match &seen.probe {
        Probe::Refused { trouble, problem } => Some((problem, trouble)),
        Probe::NotAsked | Probe::Accepted | Probe::Unknown => None,
    }
}

/// The first refused call that belongs to this check, whatever the consumer.
pub(super) fn first<'o>(observed: &'o Observed, check: &str) -> Option<(&'o Problem, &'o Trouble)> {
    observed
        .consumers
        .values()
        .filter_map(refusal)
        .find(|(problem, _)| check_of(problem) == check)
}

//! Auditor consumers that a run left, and what became of them, for people.

use atl_fleet::auditor::{AuditorState, EndedAuditor};

use crate::term;

/// Says what became of an auditor consumer that an earlier run left. One that could not be removed is a warning: the next
/// run tries again.
pub(crate) fn tell_ended(ended: &EndedAuditor) {
    let auditor = &ended.auditor;
    let key = &auditor.consumer_key;
    let by = auditor
        .begun
        .as_ref()
        .map_or_else(String::new, |begun| format!(" of {begun}"));
    let which = format!("{}: the auditor consumer `{key}`{by}", auditor.server);
    match (ended.state, &ended.error) {
        (AuditorState::Removed, _) => term::note(&format!("{which} was left, and is removed")),
        (AuditorState::Gone, _) => term::note(&format!("{which} was left, and is gone already")),
        (AuditorState::InUse, Some(trouble)) => {
            term::note(&format!("{which} was left alone: {}", trouble.message));
        }
        (_, Some(trouble)) => term::warn(&format!(
            "{} [{}]\nhint: {}",
            trouble.message, trouble.code, trouble.advice
        )),
        (_, None) => {}
    }
}

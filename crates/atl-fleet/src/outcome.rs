//! Exit codes of plans (cli.md section 1).

use crate::plan::{Plan, Status};

/// What a run came to, as an exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0: done, or nothing to do.
    Done,
    /// 1: an operation failed.
    Failed,
    /// 3: could not tell.
    CouldNotTell,
    /// 4: sign-in or permission refused.
    Refused,
    /// 5: some servers succeeded and some did not.
    Partly,
    /// 10: changes are pending.
    Pending,
}

fn of_status(status: Status) -> Exit {
    match status {
        Status::Ok => Exit::Done,
        Status::Failed => Exit::Failed,
        Status::Unreachable => Exit::CouldNotTell,
        Status::Refused => Exit::Refused,
    }
}

/// A command that changes: where every server ended alike, that code; where some succeeded, 5; mixed failures, 1.
pub fn of_apply(plan: &Plan) -> Exit {
    let mut statuses = plan.servers.iter().map(|server| server.status);
    let Some(first) = statuses.next() else {
        return Exit::Done;
    };
    let rest: Vec<Status> = statuses.collect();
    if rest.iter().all(|status| *status == first) {
        of_status(first)
    } else if first == Status::Ok || rest.contains(&Status::Ok) {
        Exit::Partly
    } else {
        Exit::Failed
    }
}

/// A command that looks: 4 if all were refused, 3 if anything could not be looked at; a consumer that our own guards
/// refuse is a failed operation; else pending changes where they are asked for.
pub fn of_plan(plan: &Plan, detailed: bool) -> Exit {
    let all = |status| {
        !plan.servers.is_empty() && plan.servers.iter().all(|server| server.status == status)
    };
    let any = |status| plan.servers.iter().any(|server| server.status == status);
    if all(Status::Refused) {
        Exit::Refused
    } else if any(Status::Unreachable) || any(Status::Refused) {
        Exit::CouldNotTell
    } else if any(Status::Failed) {
        Exit::Failed
    } else if detailed && plan.has_changes() {
        Exit::Pending
    } else {
        Exit::Done
    }
}

//! Exit codes of runs (cli.md section 1).

use atl_tokens::{GrantEntry, GrantStatus};

use crate::{
    authorize::NOT_GRANTED,
    grant::{FailedGrant, GrantReport},
    grants::RevocationReport,
    inventory::statuses,
    plan::{Plan, Status},
    rotate::{self, RotationReport},
    scrub::ScrubReport,
};

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
    /// 10: changes are pending, or there are findings.
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

/// A command that changes: where all ended alike, that code; where some succeeded, 5; mixed failures, 1.
pub fn of_changing(statuses: impl IntoIterator<Item = Status>) -> Exit {
    let mut statuses = statuses.into_iter();
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

/// A command that looks: 4 if all were refused, 3 if anything could not be looked at, 1 if an operation failed; else 10
/// where there is something to find.
pub fn of_looking(statuses: impl IntoIterator<Item = Status>, found: bool) -> Exit {
    let statuses: Vec<Status> = statuses.into_iter().collect();
    let any = |wanted| statuses.contains(&wanted);
    if !statuses.is_empty() && statuses.iter().all(|status| *status == Status::Refused) {
        Exit::Refused
    } else if any(Status::Unreachable) || any(Status::Refused) {
        Exit::CouldNotTell
    } else if any(Status::Failed) {
        Exit::Failed
    } else if found {
        Exit::Pending
    } else {
        Exit::Done
    }
}

/// What `apply` came to.
pub fn of_apply(plan: &Plan) -> Exit {
    of_changing(plan.servers.iter().map(|server| server.status))
}

/// What `plan` came to; a consumer that our own guards refuse is a failed operation.
pub fn of_plan(plan: &Plan, detailed: bool) -> Exit {
    of_looking(
        plan.servers.iter().map(|server| server.status),
        detailed && plan.has_changes(),
    )
}

/// What asking about grants came to. Whatever kept one from being asked about, it could not be looked at.
pub fn of_verify(report: &GrantReport) -> Exit {
    of_asking(report, &report.failed.iter().collect::<Vec<_>>(), false)
}

/// The same, where a grant that nobody gave is something to find.
pub fn of_authorize_status(report: &GrantReport) -> Exit {
    let (missing, failed): (Vec<_>, Vec<_>) = report
        .failed
        .iter()
        .partition(|failed| failed.error.code == NOT_GRANTED);
    of_asking(report, &failed, !missing.is_empty())
}

fn of_asking(report: &GrantReport, failed: &[&FailedGrant], found: bool) -> Exit {
    let asked = report.grants.len().saturating_sub(failed.len());
    let failed = failed.iter().map(|failed| match failed.error.status {
        Status::Refused => Status::Refused,
        _ => Status::Unreachable,
    });
    let dead = |state| matches!(state, GrantStatus::Expired | GrantStatus::Rejected);
    of_looking(
        failed.chain(std::iter::repeat_n(Status::Ok, asked)),
        found || report.grants.iter().any(|grant| dead(grant.status)),
    )
}

/// What rotating came to, each rotation for itself.
pub fn of_rotations(report: &RotationReport) -> Exit {
    of_changing(rotate::statuses(report))
}

/// What looking before a rotation came to.
pub fn of_rotations_seen(report: &RotationReport) -> Exit {
    let seen = report
        .rotations
        .iter()
        .map(|rotation| match &rotation.error {
            Some(trouble) => trouble.status,
            None => Status::Ok,
        });
    of_looking(seen, false)
}

/// What scrubbing a copy came to, each link for itself; there is one server, so that some of it is not enough.
pub fn of_scrub(report: &ScrubReport) -> Exit {
    of_status(report.status)
}

/// What obtaining, renewing or revoking grants came to, each grant for itself.
pub fn of_grants(report: &GrantReport) -> Exit {
    of_changing(each(report.grants.iter(), &report.failed))
}

/// What revoking grants by all ways came to, each grant for itself. Where something could not be looked at, there may be
/// grants that are still there.
pub fn of_revocation(report: &RevocationReport) -> Exit {
    let grants = report.grants.iter().map(|revoked| &revoked.grant);
    let unseen = statuses(&report.coverage).into_iter();
    of_changing(
        each(grants, &report.failed)
            .into_iter()
            .chain(unseen.filter(|status| *status != Status::Ok)),
    )
}

fn each<'g>(grants: impl Iterator<Item = &'g GrantEntry>, failed: &[FailedGrant]) -> Vec<Status> {
    let has_failed = |grant: &&GrantEntry| {
        let same = |failed: &FailedGrant| {
            failed.id.as_ref() == Some(&grant.id) && failed.server == grant.server
        };
        failed.iter().any(same)
    };
    let well = grants.filter(|grant| !has_failed(grant));
    let failed = failed.iter().map(|failed| failed.error.status);
    failed.chain(well.map(|_| Status::Ok)).collect()
}

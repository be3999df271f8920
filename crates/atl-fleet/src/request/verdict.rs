//! What an answer to a signed call means for the user who made it: pure, from the head of the answer.

use atl_client::{Client, Request, Response};
use atl_oauth::{Problem, ProblemKind};
use atl_store::GrantRow;

use super::Actor;
use crate::{plan::Status, trouble::Trouble};

/// Who made the call, and how.
#[derive(Clone, Copy)]
pub(super) struct Asker<'a> {
    pub(super) client: &'a Client,
    pub(super) consumer_key: &'a str,
    pub(super) actor: &'a Actor,
    pub(super) grant: Option<&'a GrantRow>,
    pub(super) request: &'a Request,
}

/// What is wrong with an answer; nothing where it is 2xx. Refused means 401 or 403 (cli.md section 1).
pub(super) fn trouble(
    asker: &Asker<'_>,
    head: &Response,
    problem: Option<&Problem>,
) -> Option<Trouble> {
    if (200..300).contains(&head.status) {
        return None;
    }
    let redirected = asker.client.redirected(asker.request, head);
    let trouble = match (problem, asker.grant) {
        (Some(problem), Some(grant)) if is_dead(problem) => rejected(asker, problem, grant),
        (Some(problem), _) => Trouble::problem(&head.server, asker.consumer_key, problem),
        (None, _) => match (head.status, redirected) {
            (_, Some(error)) => error.into(),
            (401, _) if is_bare(head) => not_allowed(asker, head),
            (401 | 403, _) => refused(asker, head),
            _ => other(asker, head),
        },
    };
    let status = match head.status {
        401 | 403 => Status::Refused,
        _ => Status::Failed,
    };
    Some(Trouble { status, ..trouble })
}

/// Whether the grant itself is what the server does not take.
fn is_dead(problem: &Problem) -> bool {
    matches!(
        problem.kind,
        ProblemKind::TokenExpired
            | ProblemKind::TokenRejected
            | ProblemKind::TokenRevoked
            | ProblemKind::TokenUsed
    )
}

/// What is odd about a good answer: it was made for nobody, although somebody was meant (protocol.md 2.8).
pub(super) fn warning(asker: &Asker<'_>, head: &Response) -> Option<String> {
    if !is_anonymous(head) || !(200..300).contains(&head.status) {
        return None;
    }
    let server = &head.server;
    match asker.actor {
        Actor::Grant { .. } => Some(format!(
            "`{server}` took this call for an anonymous one: something in between strips the `Authorization` header, or \
             the OAuth plugin is off"
        )),
        Actor::Impersonated { user } => Some(format!(
            "`{server}` answered as to nobody: it has no user `{user}`"
        )),
        Actor::TwoLegged => None,
    }
}

/// The server does not take the token.
fn rejected(asker: &Asker<'_>, problem: &Problem, grant: &GrantRow) -> Trouble {
    let server = asker.client.server();
    let place = format!("-s {server} -c {} --user {}", grant.consumer, grant.user);
    let renewable = problem.kind == ProblemKind::TokenExpired
        && grant.renewable
        && grant
            .session_ends()
            .is_none_or(|end| end > jiff::Timestamp::now());
    let advice = if renewable {
        format!("renew it with `atl-admin tokens renew {place}`")
    } else {
        format!(
            "obtain a new one with `atl-admin authorize {place}`: {}",
            match problem.kind {
                ProblemKind::TokenExpired => "it cannot be renewed any more",
                _ => "it was revoked, its link was made anew, or its user is gone",
            }
        )
    };
    Trouble::own(
        problem.code(),
        format!(
            "`{server}` does not accept the grant of `{}` any more: `{}`",
            grant.user,
            problem.code()
        ),
        advice,
    )
}

/// Whether an answer is the 401 that says nothing: an OAuth challenge without a problem, and no body.
fn is_bare(head: &Response) -> bool {
    let challenges = head.header_values("www-authenticate");
    let challenged = challenges
        .iter()
        .any(|value| atl_oauth::header::read(value).is_some());
    challenged && head.body.trim_ascii().is_empty()
}

/// The signature was accepted, and the call was not.
fn not_allowed(asker: &Asker<'_>, head: &Response) -> Trouble {
    let (server, key) = (&head.server, asker.consumer_key);
    let (message, advice) = match asker.actor {
        Actor::Grant { .. } => (
            format!(
                "`{server}` accepts the grant of `{}` and does not let the user in",
                asker.grant.map_or("", |grant| &grant.user)
            ),
            "the account is deactivated or has no licence: ask the server's administrator, or use another account"
                .to_owned(),
        ),
        Actor::TwoLegged => (
            format!("`{server}` accepts the signature of `{key}` and no two-legged calls of it"),
            "set `two_legged: { enabled: true }` in the fleet file and run `atl-admin apply`; where it is on, the user it \
             runs as may not sign in"
                .to_owned(),
        ),
        Actor::Impersonated { user } => (
            format!("`{server}` accepts the signature of `{key}` and does not let it act as `{user}`"),
            "set `two_legged: { impersonation: true }` in the fleet file and run `atl-admin apply`; where it is on, that \
             user may not sign in"
                .to_owned(),
        ),
    };
    Trouble::own("not_allowed", message, advice)
}

/// The product itself refused.
fn refused(asker: &Asker<'_>, head: &Response) -> Trouble {
    let advice = match asker.actor {
        Actor::TwoLegged if is_anonymous(head) => {
            "the call was made for nobody: name a user that two-legged calls run as (`two_legged: { execute_as: USER }`), or \
             use a grant"
                .to_owned()
        }
        Actor::Impersonated { user } if is_anonymous(head) => {
            format!("the call was made for nobody: the server has no user `{user}`")
        }
        Actor::Grant { .. } if is_anonymous(head) => {
            "the call was taken for an anonymous one: something in between strips the `Authorization` header, or the OAuth \
             plugin is off"
                .to_owned()
        }
        _ => "the signature was accepted: the user lacks the permission, or something before the server refuses the call"
            .to_owned(),
    };
    Trouble {
        advice,
        ..other(asker, head)
    }
}

fn is_anonymous(head: &Response) -> bool {
    head.header_values("x-ausername") == ["anonymous"]
}

/// Any other status.
fn other(asker: &Asker<'_>, head: &Response) -> Trouble {
    let Err(error) = head.clone().success() else {
        return Trouble::own("http_status", "", "");
    };
    let mut trouble = Trouble::from(error);
    let path = format!("/{}", asker.request.path.trim_start_matches('/'));
    let base = asker.client.base_url().join("");
    if head.status == 404 && base.path() != "/" && path.starts_with(base.path()) {
        trouble.advice = format!(
            "leave `{}` out of PATH: it belongs to the base URL and is added",
            base.path().trim_end_matches('/')
        );
    }
    if head.status == 429 {
        trouble.advice = match head.retry_after() {
            Some(wait) if !wait.is_zero() => format!("run it again in {} s", wait.as_secs()),
            _ => "run it again later".to_owned(),
        };
    }
    trouble
}

//! What is wrong with a signed request, and how the servers say so (protocol.md 2.7).

use super::base_string::{encode, form};
use crate::call::Pairs;
use crate::reply::Reply;
use crate::state::State;

/// An `oauth_problem` with its parameters.
#[derive(Debug)]
pub(crate) struct Problem {
    pub(crate) name: &'static str,
    pub(crate) params: Pairs,
}

/// Why a signed request is refused.
#[derive(Debug)]
pub(crate) enum Failure {
    /// For a reason that has a name.
    Problem(Problem),
    /// By an exception that nobody caught.
    Crash,
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl Problem {
    pub(crate) fn new(name: &'static str) -> Self {
        Self {
            name,
            params: Vec::new(),
        }
    }

    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.params.push((name.to_owned(), value.into()));
        self
    }

    pub(crate) fn absent(names: &[&str]) -> Self {
        let names: Vec<String> = names.iter().map(|name| encode(name)).collect();
        Self::new("parameter_absent").with("oauth_parameters_absent", names.join("&"))
    }

    pub(crate) fn status(&self) -> u16 {
        match self.name {
            "version_rejected"
            | "parameter_absent"
            | "parameter_rejected"
            | "timestamp_refused"
            | "signature_method_rejected" => 400,
            "nonce_used"
            | "token_used"
            | "token_expired"
            | "token_revoked"
            | "token_rejected"
            | "token_not_authorized"
            | "signature_invalid"
            | "consumer_key_unknown"
            | "consumer_key_rejected"
            | "additional_authorization_required"
            | "permission_unknown"
            | "permission_denied" => 401,
            "user_refused" | "consumer_key_refused" => 503,
            _ => 403,
        }
    }

    /// Status, form-encoded body and challenge.
    pub(crate) fn reply(&self, base_url: &str) -> Reply {
        Reply::body(
            self.status(),
            "application/x-www-form-urlencoded;charset=UTF-8",
            form(&self.all()),
        )
        .challenge(&self.challenge(base_url))
    }

    /// The problem itself, then its parameters.
    fn all(&self) -> Pairs {
        let problem = ("oauth_problem".to_owned(), self.name.to_owned());
        [problem].into_iter().chain(self.params.clone()).collect()
    }

    /// The challenge that names the problem.
    pub(crate) fn challenge(&self, base_url: &str) -> String {
        let shown = self.all().into_iter();
        let shown = shown.filter(|(name, _)| name.starts_with("oauth_"));
        let shown = shown.map(|(name, value)| format!(r#"{}="{}""#, encode(&name), encode(&value)));
        [challenge(base_url)]
            .into_iter()
            .chain(shown)
            .collect::<Vec<_>>()
            .join(", ")
    }
}

/// What a token endpoint answers: an exception that nobody caught is the container's page.
pub(super) fn answer(state: &State, outcome: Result<Reply, Failure>) -> Reply {
    match outcome {
        Ok(reply) => reply,
        Err(Failure::Problem(problem)) => problem.reply(&state.base_url),
        Err(Failure::Crash) => Reply::html(
            500,
            "<html><body><h1>Oops, an error occurred</h1></body></html>".to_owned(),
        ),
    }
}

/// The challenge without a problem.
pub(crate) fn challenge(base_url: &str) -> String {
    format!(r#"OAuth realm="{}""#, encode(base_url))
}

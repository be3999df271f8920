//! The base URL: the address that calls are signed for, against the one that the server takes its own for.

use atl_oauth::{Cause, Problem};

use super::{Check, Checks, refusal};
use crate::{
    observe::{Observed, Probe},
    trouble::Trouble,
};

/// Every call that looks goes below this path of the base URL.
const BELOW: &str = "/plugins/servlet/";

impl Checks<'_> {
    pub(super) fn base_url(&mut self, observed: &Observed) {
        let Ok(manifest) = self.client.manifest() else {
            return;
        };
        let accepted = || {
            let mut consumers = observed.consumers.values();
            consumers.any(|seen| seen.probe == Probe::Accepted)
        };
        let configured = manifest.url.trim_end_matches('/');
        self.done.push(match refusal::first(observed, "base_url") {
            Some((problem, trouble)) => self.refused(problem, trouble),
            None if accepted() => self.accepted(configured),
            None => self.untried(configured),
        });
    }

    fn refused(&self, problem: &Problem, trouble: &Trouble) -> Check {
        let (server, url) = (self.client.server(), self.client.base_url().as_str());
        let seen = problem
            .url_seen()
            .filter(|_| problem.cause == Some(Cause::Url));
        let seen = seen.as_deref().and_then(|seen| seen.split_once(BELOW));
        let Some((seen, _)) = seen else {
            return Check::fail("base_url", trouble);
        };
        let (message, advice) = match &self.server.config.sign_as {
            None => (
                trouble.message.clone(),
                format!(
                    "set `sign_as: {seen}` for `{server}` in the fleet file, or correct `proxyName`, `proxyPort` and \
                     `scheme` of its connector so that it takes its own address for {url}"
                ),
            ),
            Some(sign_as) => (
                format!(
                    "`sign_as` is {sign_as}, and `{server}` takes its own address for {seen}: {}",
                    trouble.message
                ),
                if seen == url {
                    format!("take `sign_as` of `{server}` out of the fleet file")
                } else {
                    format!("set `sign_as: {seen}` for `{server}` in the fleet file")
                },
            ),
        };
        let trouble = Trouble::own("base_url", message, advice);
        Check::fail("base_url", &trouble)
    }

    fn accepted(&self, configured: &str) -> Check {
        let ours = self.client.signing_base_url().as_str();
        let else_ = if configured.eq_ignore_ascii_case(ours) {
            String::new()
        } else {
            format!("; it is configured with {configured}")
        };
        Check::pass(
            "base_url",
            match &self.server.config.sign_as {
                None => format!("the server accepts calls signed for {ours}{else_}"),
                Some(_) => format!(
                    "the server accepts calls signed for {ours} (`sign_as`), and is reached at {}{else_}",
                    self.client.base_url()
                ),
            },
        )
    }

    /// No call could tell: what the server says of itself may be what its proxy passes on, or not.
    fn untried(&self, configured: &str) -> Check {
        let ours = self.client.signing_base_url().as_str();
        if configured.eq_ignore_ascii_case(ours) {
            return Check::pass(
                "base_url",
                format!("the server is configured with {ours} too"),
            );
        }
        let (what, advice) = match &self.server.config.sign_as {
            None => (
                "is reached at",
                "calls are signed for the address it is reached at; if they are refused, correct the proxy's settings or set `sign_as`",
            ),
            Some(_) => (
                "calls are signed for `sign_as`,",
                "no call could be tried yet; run `atl-admin check` again after `atl-admin apply`",
            ),
        };
        Check::warn(
            "base_url",
            format!("the server is configured with {configured}, and {what} {ours}"),
            advice,
        )
    }
}

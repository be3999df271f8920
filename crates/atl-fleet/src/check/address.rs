//! The base URL: the address that signatures are made over, against the one that the server takes its own for.

use super::{Check, Checks};
use crate::observe::{Observed, Probe};

impl Checks<'_> {
    pub(super) fn base_url(&mut self, observed: &Observed) {
        let Ok(manifest) = self.client.manifest() else {
            return;
        };
        let refused = observed
            .consumers
            .values()
            .find_map(|seen| match &seen.probe {
                Probe::Refused { trouble, .. } if trouble.code == "base_url" => Some(trouble),
                _ => None,
            });
        let ours = self.client.signing_base_url().as_str();
        let theirs = manifest.url.trim_end_matches('/');
        self.done.push(match refused {
            Some(trouble) => Check::fail("base_url", trouble),
            None if theirs.eq_ignore_ascii_case(ours) => Check::pass(
                "base_url",
                format!("the server is configured with {ours} too"),
            ),
            None => Check::warn(
                "base_url",
                format!("the server is configured with {}, and is reached at {ours}", manifest.url),
                "signatures are made over the address it is reached at; if they are refused, correct the proxy's settings or set `sign_as`",
            ),
        });
    }
}

//! What to do about a problem (protocol.md 2.7 and 7).

use crate::{
    difference::Cause,
    problem::{Problem, ProblemKind},
};

/// How far clocks may differ, in seconds (protocol.md 2.6).
const TOLERANCE: u64 = 300;

impl Problem {
    /// What to do about it.
    pub fn advice(&self) -> String {
        match &self.kind {
            ProblemKind::SignatureInvalid => self.signature_advice(),
            ProblemKind::TimestampRefused => self.clock_advice(),
            ProblemKind::VersionRejected => self.version_advice(),
            ProblemKind::ParameterAbsent => format!(
                "{} did not reach the server: make the proxies in between pass the `Authorization` \
                 header on unchanged",
                self.listed()
            ),
            ProblemKind::ParameterRejected if self.parameters == ["oauth_callback"] => {
                "the callback must be `oob` or an absolute http or https URL: mend `callback` in \
                 the fleet file"
                    .to_owned()
            }
            ProblemKind::ParameterRejected => format!(
                "the server saw {} twice or could not use it: look for a proxy or filter that adds \
                 parameters to requests",
                self.listed()
            ),
            kind => plain(kind).to_owned(),
        }
    }

    fn signature_advice(&self) -> String {
        match self.cause {
            Some(Cause::Key) => {
                "the server holds another public key under this consumer key: import \
                the private key that belongs to it with `atl-admin keys import`, or replace it \
                with `atl-admin apply --replace-keys`"
                    .to_owned()
            }
            Some(Cause::Url) => format!(
                "the server takes this call for one of `{}`: set `proxyName`, `proxyPort` and \
                 `scheme` of its connector to what clients use, or put the base URL it takes its \
                 own for into `sign_as` of the fleet file",
                self.url_seen().unwrap_or_default()
            ),
            Some(Cause::Call) => {
                "something between here and the server changes requests: look for a \
                proxy, cache or filter that adds, drops or re-encodes parameters or changes the \
                method"
                    .to_owned()
            }
            None => {
                "either the server holds another public key under this consumer key, or it sees \
                another URL than the one that was signed: compare fingerprints with `atl-admin \
                plan`, then the base URL with what its proxy passes on (`sign_as`)"
                    .to_owned()
            }
        }
    }

    fn clock_advice(&self) -> String {
        match self.clock_skew {
            Some(skew) if skew.unsigned_abs() > TOLERANCE => format!(
                "the server's clock is {} s {} this machine's, and {TOLERANCE} s are allowed: set \
                 both by the same time source",
                skew.unsigned_abs(),
                if skew > 0 { "ahead of" } else { "behind" }
            ),
            _ => format!(
                "the clocks of the server and of this machine may differ by {TOLERANCE} s: compare \
                 both, then run again"
            ),
        }
    }

    fn version_advice(&self) -> String {
        let takes = self.acceptable_versions.as_ref().map_or_else(
            || "it does not say which it takes".to_owned(),
            |versions| format!("it takes {versions}"),
        );
        format!(
            "the server does not take `oauth_version` 1.0 ({takes}): make sure that nothing in \
             between changes the `Authorization` header"
        )
    }

    fn listed(&self) -> String {
        if self.parameters.is_empty() {
            "a parameter".to_owned()
        } else {
            format!("`{}`", self.parameters.join("`, `"))
        }
    }
}

/// The advice that depends on the kind alone.
fn plain(kind: &ProblemKind) -> &'static str {
    match kind {
        ProblemKind::ConsumerKeyUnknown => {
            "no link of this server carries the consumer key, or its incoming side was never saved: \
             register it with `atl-admin apply`; on a cluster, another node may learn of it a \
             minute later"
        }
        ProblemKind::ConsumerKeyRejected | ProblemKind::ConsumerKeyRefused => {
            "the server knows the consumer key and turns it away: ask its administrator whether the \
             link was blocked"
        }
        ProblemKind::SignatureMethodRejected => {
            "application links take RSA-SHA1, and that is what was sent: make sure that the URL is \
             that of an Atlassian server and that nothing in between rewrites the `Authorization` \
             header"
        }
        ProblemKind::NonceUsed => {
            "the same signed call reached the server twice: look for a proxy that repeats requests, \
             then run again"
        }
        ProblemKind::TokenUsed => {
            "the request token was used or decided before: begin the dance again with `atl-admin \
             authorize`"
        }
        ProblemKind::TokenExpired => {
            "the token is too old: `atl-admin tokens renew` renews a grant while its session lasts, and \
             `atl-admin authorize` obtains a new one"
        }
        ProblemKind::TokenRevoked | ProblemKind::TokenRejected => {
            "the server holds no such token for this consumer: it was revoked or renewed elsewhere, its \
             link was made anew, or it belongs to another server; `atl-admin authorize --status` says \
             which grants work, and `atl-admin authorize` obtains a new one"
        }
        ProblemKind::TokenNotAuthorized | ProblemKind::PermissionUnknown => {
            "nobody has approved the request token yet: approve it on the page that `atl-admin \
             authorize` opens or prints, within ten minutes"
        }
        ProblemKind::PermissionDenied => {
            "the consumer key is known, but it may not ask for tokens: enable incoming OAuth \
             (three-legged) for this link; in a dance, the user said no, and in a renewal, the session \
             of the grant is over: begin again with `atl-admin authorize`"
        }
        ProblemKind::AdditionalAuthorizationRequired => {
            "the grant does not cover this call: obtain a new one with `atl-admin authorize --user \
             NAME`, as a user who may do it"
        }
        ProblemKind::UserRefused => {
            "the server does not let this user in: ask its administrator whether the account is active \
             and has a licence, then see with `atl-admin authorize --status`, or give the grant as \
             another user with `atl-admin authorize --user NAME`"
        }
        _ => {
            "this is none of the documented answers: look into the server's log at this time, and \
             for a gateway that answers in its place"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENT: &str = "GET&https%3A%2F%2Fjira.example.com%2F&oauth_timestamp%3D1700000000";

    fn check(body: &str, expected: &str) {
        let problem = Problem::read(&[], body, SENT).unwrap();
        let advice = problem.advice();
        assert!(advice.contains(expected), "{body}: {advice}");
    }

    #[test]
    fn every_problem_has_advice_of_its_own() {
        check(
            "oauth_problem=consumer_key_unknown",
            "register it with `atl-admin apply`",
        );
        check(
            "oauth_problem=consumer_key_rejected",
            "whether the link was blocked",
        );
        check(
            "oauth_problem=consumer_key_refused",
            "whether the link was blocked",
        );
        check("oauth_problem=signature_method_rejected", "take RSA-SHA1");
        check("oauth_problem=nonce_used", "reached the server twice");
        check("oauth_problem=version_rejected", "does not say which");
        check(
            "oauth_problem=version_rejected&oauth_acceptable_versions=1.0-1.0",
            "it takes 1.0-1.0",
        );
        check(
            "oauth_problem=parameter_absent&oauth_parameters_absent=oauth_nonce%26a",
            "`oauth_nonce`, `a` did not reach",
        );
        check(
            "oauth_problem=parameter_absent",
            "a parameter did not reach",
        );
        check(
            "oauth_problem=parameter_rejected&oauth_parameters_rejected=oauth_token",
            "saw `oauth_token` twice",
        );
        check(
            "oauth_problem=parameter_rejected&oauth_parameters_rejected=oauth_callback",
            "the callback must be `oob`",
        );
        check("oauth_problem=token_used", "begin the dance again");
        check("oauth_problem=token_expired", "too old");
        check("oauth_problem=token_expired", "`atl-admin tokens renew`");
        check("oauth_problem=token_revoked", "holds no such token");
        check("oauth_problem=token_rejected", "holds no such token");
        check("oauth_problem=token_not_authorized", "nobody has approved");
        check("oauth_problem=permission_unknown", "nobody has approved");
        check("oauth_problem=permission_denied", "enable incoming OAuth");
        check(
            "oauth_problem=additional_authorization_required",
            "does not cover this call",
        );
        check("oauth_problem=user_refused", "does not let this user in");
        check(
            "oauth_problem=something_new",
            "none of the documented answers",
        );
    }

    #[test]
    fn no_documented_problem_is_without_advice() {
        for (kind, name) in ProblemKind::NAMED {
            let advice = Problem::new(kind.clone()).advice();
            assert!(!advice.contains("none of the documented"), "{name}");
            let is_of_a_token = ["token_", "permission_", "user_", "additional_"]
                .iter()
                .any(|start| name.starts_with(start));
            assert!(
                !is_of_a_token || advice.contains("`atl-admin authorize"),
                "{name}: {advice}"
            );
        }
    }

    #[test]
    fn a_refused_timestamp_names_the_skew() {
        let refused = "oauth_problem=timestamp_refused&oauth_acceptable_timestamps=";
        check(
            &format!("{refused}1700000300-1700000900"),
            "the server's clock is 600 s ahead of this machine's",
        );
        check(
            &format!("{refused}1699999100-1699999700"),
            "the server's clock is 600 s behind this machine's",
        );
        check(
            &format!("{refused}1699999700-1700000300"),
            "compare both, then run again",
        );
        check(
            "oauth_problem=timestamp_refused",
            "compare both, then run again",
        );
    }

    #[test]
    fn an_invalid_signature_is_traced_to_its_cause() {
        let invalid = |server: &str| {
            format!(
                "oauth_problem=signature_invalid&oauth_signature_base_string={}",
                crate::rfc5849::percent_encode(server)
            )
        };
        check(
            &invalid(SENT),
            "another public key under this consumer key: import",
        );
        check(
            &invalid(&SENT.replace("https%3A%2F%2Fjira.example.com", "http%3A%2F%2Fjira%3A8080")),
            "takes this call for one of `http://jira:8080/`: set `proxyName`",
        );
        check(&invalid(&SENT.replace("GET", "HEAD")), "changes requests");
        check(
            &invalid(&format!("{SENT}%26os_authType%3Dbasic")),
            "changes requests",
        );
        check("oauth_problem=signature_invalid", "compare fingerprints");
    }
}

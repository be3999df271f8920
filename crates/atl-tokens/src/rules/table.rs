//! What there is to say about each rule.

use super::Rule;
use crate::Severity;

/// A line of the table.
pub(super) struct Entry {
    pub(super) id: &'static str,
    pub(super) severity: Severity,
    pub(super) title: &'static str,
    pub(super) help: &'static str,
}

/// A line, which reads better without the names of its fields.
const fn entry(
    id: &'static str,
    severity: Severity,
    title: &'static str,
    help: &'static str,
) -> Entry {
    Entry {
        id,
        severity,
        title,
        help,
    }
}

impl Rule {
    pub(super) fn entry(self) -> Entry {
        use Severity::{High, Low, Medium};
        match self {
            Self::KeyWeak => entry(
                "ATL-KEY-WEAK",
                High,
                "a public key under 2048 bits",
                "Who factors the public key can sign as the consumer and use every grant it was given.",
            ),
            Self::KeySample => entry(
                "ATL-KEY-SAMPLE",
                High,
                "a published sample key",
                "The private half stands in public documentation or source code, so anybody can sign as the consumer.",
            ),
            Self::KeyShared => entry(
                "ATL-KEY-SHARED",
                Medium,
                "one public key on several consumers",
                "Whoever holds the private half for one of the consumers can sign as all of them, and none of them can \
                 be given a new key alone.",
            ),
            Self::KeyOld => entry(
                "ATL-KEY-OLD",
                Medium,
                "a key older than its policy allows",
                "The fleet file says how old a key of this consumer may grow, and this one is older.",
            ),
            Self::LinkNoConsumer => entry(
                "ATL-LINK-NO-CONSUMER",
                Low,
                "a link without a consumer",
                "The link lets nobody in and calls nobody. It is a left-over, or a setup that was never finished.",
            ),
            Self::LinkDuplicate => entry(
                "ATL-LINK-DUPLICATE",
                Low,
                "a duplicate link",
                "Links that share an application or a consumer are mistaken for each other. Where they share a consumer, \
                 deleting one takes the grants of both.",
            ),
            Self::LinkDrift => entry(
                "ATL-LINK-DRIFT",
                Medium,
                "a link that differs from the fleet file",
                "What is registered at an application URL of the fleet file is not what the file says: somebody changed \
                 it by hand, or a change of the file was never applied.",
            ),
            Self::LinkUnmanaged => entry(
                "ATL-LINK-UNMANAGED",
                Low,
                "a generic link that the fleet file does not name",
                "Nobody keeps its key and its grants in order, and nobody may remember what it is for.",
            ),
            Self::LinkHttp => entry(
                "ATL-LINK-HTTP",
                Medium,
                "an application URL over plain http",
                "What goes to the application travels unencrypted and can be read and changed on the way.",
            ),
            Self::CallbackHttp => entry(
                "ATL-CALLBACK-HTTP",
                Medium,
                "a callback over plain http",
                "The verifier of a dance comes back through this address, where anybody on the way can read it.",
            ),
            Self::TwoLeggedOn => entry(
                "ATL-2LO-ON",
                Low,
                "two-legged OAuth is on",
                "The consumer gets in with its key alone: no user has to give access, and none can take it away.",
            ),
            Self::TwoLeggedImpersonation => entry(
                "ATL-2LO-IMPERSONATION",
                High,
                "two-legged OAuth with impersonation is on",
                "Whoever holds the private key can act as any user of the server, administrators included.",
            ),
            Self::TwoLeggedAdmin => entry(
                "ATL-2LO-ADMIN",
                High,
                "two-legged calls run as an administrator",
                "Whoever holds the private key can administer the server.",
            ),
            Self::GrantOld => entry(
                "ATL-GRANT-OLD",
                Medium,
                "a grant older than its policy allows",
                "The fleet file says how old a grant to this consumer may grow, and this one is older. OAuth 1.0a itself \
                 lets grants live for years.",
            ),
            Self::GrantExpiring => entry(
                "ATL-GRANT-EXPIRING",
                Low,
                "a grant that expires soon",
                "What relies on it stops working when its time is over.",
            ),
            Self::GrantInactiveUser => entry(
                "ATL-GRANT-INACTIVE-USER",
                Medium,
                "a grant of an inactive or unknown user",
                "The user cannot log in any more, and the grant comes back to life if the account does.",
            ),
            Self::GrantUnmanaged => entry(
                "ATL-GRANT-UNMANAGED",
                Low,
                "a grant to a consumer that nobody manages",
                "The fleet file does not name the consumer, so nobody keeps its key and its grants in order.",
            ),
            Self::GrantOrphan => entry(
                "ATL-GRANT-ORPHAN",
                Medium,
                "a grant whose consumer is gone",
                "It works for nobody until a consumer of the same key is registered: then it works for whoever did that.",
            ),
            Self::GrantUnused => entry(
                "ATL-GRANT-UNUSED",
                Low,
                "a grant that is not used",
                "What nobody uses nobody misses, and whoever finds it can use it.",
            ),
            Self::ConsumerNoLink => entry(
                "ATL-CONSUMER-NO-LINK",
                Medium,
                "a consumer without a link",
                "It still lets its application in, and no page of the administration shows it.",
            ),
            Self::PatEndless => entry(
                "ATL-PAT-ENDLESS",
                Medium,
                "a personal access token without an end",
                "It lets its bearer in as its user for as long as the account exists.",
            ),
            Self::BasicEnabled => entry(
                "ATL-BASIC-ENABLED",
                Low,
                "Basic authentication is allowed",
                "Passwords can be tried on the REST API, past single sign-on and a second factor.",
            ),
            Self::AuditorLeft => entry(
                "ATL-AUDITOR-LEFT",
                High,
                "an auditor consumer was left behind",
                "It may impersonate every user. Its private key was never stored, but nothing needs it any more.",
            ),
        }
    }
}

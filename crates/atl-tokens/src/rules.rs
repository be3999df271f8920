//! What an audit looks for. No I/O: facts in, findings out.
//!
//! A rule judges what is known. What no source told is no finding: the coverage of a report says what was not seen.

mod address;
mod consumer;
mod facts;
mod grant;
mod index;
mod link;
mod server;
mod table;
#[cfg(test)]
mod testing;

pub use facts::{
    AuditorLeft, ConsumerFacts, FleetFacts, Incoming, KeyFacts, LinkFacts, ServerFacts,
    TwoLeggedFacts, Wanted,
};
pub use grant::{EXPIRING, UNUSED};
pub use index::index;

use crate::{Finding, GrantEntry, Severity};

/// A rule of the audit (cli.md section 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// `ATL-KEY-WEAK`
    KeyWeak,
    /// `ATL-KEY-SAMPLE`
    KeySample,
    /// `ATL-KEY-SHARED`
    KeyShared,
    /// `ATL-KEY-OLD`
    KeyOld,
    /// `ATL-LINK-NO-CONSUMER`
    LinkNoConsumer,
    /// `ATL-LINK-DUPLICATE`
    LinkDuplicate,
    /// `ATL-LINK-DRIFT`
    LinkDrift,
    /// `ATL-LINK-UNMANAGED`
    LinkUnmanaged,
    /// `ATL-LINK-HTTP`
    LinkHttp,
    /// `ATL-CALLBACK-HTTP`
    CallbackHttp,
    /// `ATL-2LO-ON`
    TwoLeggedOn,
    /// `ATL-2LO-IMPERSONATION`
    TwoLeggedImpersonation,
    /// `ATL-2LO-ADMIN`
    TwoLeggedAdmin,
    /// `ATL-GRANT-OLD`
    GrantOld,
    /// `ATL-GRANT-EXPIRING`
    GrantExpiring,
    /// `ATL-GRANT-INACTIVE-USER`
    GrantInactiveUser,
    /// `ATL-GRANT-UNMANAGED`
    GrantUnmanaged,
    /// `ATL-GRANT-ORPHAN`
    GrantOrphan,
    /// `ATL-GRANT-UNUSED`
    GrantUnused,
    /// `ATL-CONSUMER-NO-LINK`
    ConsumerNoLink,
    /// `ATL-PAT-ENDLESS`
    PatEndless,
    /// `ATL-BASIC-ENABLED`
    BasicEnabled,
    /// `ATL-AUDITOR-LEFT`
    AuditorLeft,
}

impl Rule {
    /// All rules, in the order of the documentation.
    pub const ALL: [Self; 23] = [
        Self::KeyWeak,
        Self::KeySample,
        Self::KeyShared,
        Self::KeyOld,
        Self::LinkNoConsumer,
        Self::LinkDuplicate,
        Self::LinkDrift,
        Self::LinkUnmanaged,
        Self::LinkHttp,
        Self::CallbackHttp,
        Self::TwoLeggedOn,
        Self::TwoLeggedImpersonation,
        Self::TwoLeggedAdmin,
        Self::GrantOld,
        Self::GrantExpiring,
        Self::GrantInactiveUser,
        Self::GrantUnmanaged,
        Self::GrantOrphan,
        Self::GrantUnused,
        Self::ConsumerNoLink,
        Self::PatEndless,
        Self::BasicEnabled,
        Self::AuditorLeft,
    ];

    /// The rule of this id.
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rule| rule.id() == id)
    }

    /// The id, such as `ATL-KEY-WEAK`.
    pub fn id(self) -> &'static str {
        self.entry().id
    }

    /// How much its findings matter.
    pub fn severity(self) -> Severity {
        self.entry().severity
    }

    /// What it looks for, in a few words.
    pub fn title(self) -> &'static str {
        self.entry().title
    }

    /// Why that matters, in a sentence or two.
    pub fn help(self) -> &'static str {
        self.entry().help
    }

    /// The page about it.
    pub fn url(self) -> String {
        let repository = env!("CARGO_PKG_REPOSITORY");
        format!("{repository}/blob/main/docs/rules/{}.md", self.id())
    }

    /// A finding of this rule.
    fn finds(
        self,
        server: &str,
        subject: impl Into<String>,
        message: impl Into<String>,
        advice: impl Into<String>,
    ) -> Finding {
        Finding {
            rule: self.id().to_owned(),
            severity: self.severity(),
            server: server.to_owned(),
            subject: subject.into(),
            message: message.into(),
            advice: advice.into(),
        }
    }
}

/// Judges what servers have beside grants: keys, consumers, links, settings. The findings are in the order of the
/// servers, for each in that of the rules.
pub fn of_servers(servers: &[ServerFacts], fleet: &FleetFacts) -> Vec<Finding> {
    let shared = consumer::shared(servers);
    let mut findings = Vec::new();
    for server in servers {
        let mut of_this = consumer::judge(server, fleet);
        of_this.extend(link::judge(server, fleet));
        of_this.extend(server::judge(server));
        let of_this_too = shared.iter().filter(|one| one.server == server.server);
        of_this.extend(of_this_too.cloned());
        of_this.sort_by_key(|finding| Rule::from_id(&finding.rule));
        findings.extend(of_this);
    }
    findings
}

/// Judges one grant. Grants are judged one at a time, however many there are.
pub fn of_grant(grant: &GrantEntry, fleet: &FleetFacts) -> Vec<Finding> {
    grant::judge(grant, fleet)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_rule_is_listed_once_and_found_by_its_id() {
        let ids: BTreeSet<_> = Rule::ALL.iter().map(|rule| rule.id()).collect();
        assert_eq!(ids.len(), Rule::ALL.len());
        for rule in Rule::ALL {
            assert_eq!(Rule::from_id(rule.id()), Some(rule));
            assert!(
                rule.url()
                    .ends_with(&format!("/docs/rules/{}.md", rule.id()))
            );
        }
        assert!(Rule::ALL.is_sorted());
        assert_eq!(Rule::from_id("ATL-NONE"), None);
    }
}

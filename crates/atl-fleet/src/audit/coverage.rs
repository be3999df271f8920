//! What looking at links could see of a server, and what not. No I/O.

use atl_tokens::{Coverage, Gap, LookedAt, SourceKind, rules::ServerFacts};

/// What the sources of grants told of one server beside its grants.
#[derive(Debug, Clone, Copy)]
pub(super) struct Told {
    /// Every consumer that is registered, with a link or without one.
    pub(super) consumers: bool,
    /// Whether the consumer of a grant is still there.
    pub(super) orphans: bool,
}

impl Told {
    /// By the coverage of all sources.
    pub(super) fn of(server: &str, coverage: &[Coverage]) -> Self {
        let read = |source: SourceKind| {
            let mut lines = coverage.iter();
            lines.any(|line| {
                line.server == server && line.source == source.into() && line.gap.is_none()
            })
        };
        Self {
            consumers: read(SourceKind::Database),
            orphans: read(SourceKind::Database) || read(SourceKind::Export),
        }
    }
}

/// The line of coverage for links, consumers and settings.
pub(super) fn of_links(facts: &ServerFacts, told: Told, gap: Option<Gap>) -> Coverage {
    let server = facts.server.as_str();
    let mut unseen = Vec::new();
    if gap.is_none() && facts.basic_allowed.is_none() {
        unseen.push(
            "whether Basic authentication is allowed (ATL-BASIC-ENABLED), which the server does not tell this account",
        );
    }
    if !told.consumers {
        unseen
            .push("consumers without a link (ATL-CONSUMER-NO-LINK), which only the database shows");
    }
    if !told.orphans {
        unseen.push(
            "grants whose consumer is gone (ATL-GRANT-ORPHAN), which only the database or an export shows",
        );
    }
    let mut note = match (&gap, &facts.links) {
        (None, _) => "application links and their consumers".to_owned(),
        (Some(_), Some(_)) => "a part of the application links and their consumers".to_owned(),
        (Some(_), None) => "no application links".to_owned(),
    };
    if !unseen.is_empty() {
        note = format!("{note}; not {}", unseen.join("; nor "));
    }
    match gap {
        Some(gap) => Coverage::failed(server, LookedAt::Links, note, gap),
        None if unseen.is_empty() => Coverage::complete(server, LookedAt::Links, note),
        None => Coverage::partial(server, LookedAt::Links, note),
    }
}

#[cfg(test)]
mod tests {
    use atl_client::Failure;

    use super::*;

    fn gap() -> Gap {
        Gap {
            code: "unreachable".to_owned(),
            message: "m".to_owned(),
            advice: "a".to_owned(),
            failure: Failure::Unreachable,
        }
    }

    fn facts(links: bool, basic: Option<bool>) -> ServerFacts {
        ServerFacts {
            server: "jira".to_owned(),
            links: links.then(Vec::new),
            consumers: None,
            basic_allowed: basic,
            administrators: Vec::new(),
            auditors: Vec::new(),
        }
    }

    #[test]
    fn what_rules_could_not_see_is_said() {
        let all = Told {
            consumers: true,
            orphans: true,
        };
        let line = of_links(&facts(true, Some(true)), all, None);
        assert!(line.complete && line.gap.is_none());
        assert_eq!(line.note, "application links and their consumers");
        let none = Told {
            consumers: false,
            orphans: false,
        };
        let line = of_links(&facts(true, None), none, None);
        assert!(!line.complete && line.gap.is_none());
        for rule in [
            "ATL-BASIC-ENABLED",
            "ATL-CONSUMER-NO-LINK",
            "ATL-GRANT-ORPHAN",
        ] {
            assert!(line.note.contains(rule), "{}", line.note);
        }
        let line = of_links(&facts(false, None), all, Some(gap()));
        assert!(!line.complete && line.gap.is_some());
        assert_eq!(line.note, "no application links");
        let line = of_links(&facts(true, None), all, Some(gap()));
        assert_eq!(
            line.note,
            "a part of the application links and their consumers"
        );
    }

    #[test]
    fn a_database_that_could_not_be_read_tells_nothing() {
        let told = |line: Coverage| {
            let told = Told::of("jira", &[line]);
            (told.consumers, told.orphans)
        };
        let (database, export) = (SourceKind::Database, SourceKind::Export);
        assert_eq!(told(Coverage::complete("jira", database, "")), (true, true));
        assert_eq!(told(Coverage::partial("jira", export, "")), (false, true));
        let failed = Coverage::failed("jira", database, "", gap());
        assert_eq!(told(failed), (false, false));
        assert_eq!(
            told(Coverage::complete("wiki", database, "")),
            (false, false)
        );
        let page = Coverage::partial("jira", SourceKind::Page, "");
        assert_eq!(told(page), (false, false));
    }
}

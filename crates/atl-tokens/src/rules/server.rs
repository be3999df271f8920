//! Rules about a server as a whole.

use super::{Incoming, Rule, ServerFacts};
use crate::Finding;

/// Judges what is about no single link.
pub(super) fn judge(server: &ServerFacts) -> Vec<Finding> {
    let mut findings = without_link(server);
    findings.extend(basic(server));
    findings.extend(server.auditors.iter().map(|left| {
        Rule::AuditorLeft.finds(
            &server.server,
            format!("link {}", left.link_id),
            format!(
                "the auditor consumer `{}` of an earlier run is still there",
                left.consumer_key
            ),
            format!(
                "remove it: `atl-admin audit --remove-auditor -s {}`",
                server.server
            ),
        )
    }));
    findings
}

/// Consumers that no link carries. Only a source that sees the database can tell, and only where every link was read.
fn without_link(server: &ServerFacts) -> Vec<Finding> {
    let (Some(consumers), Some(links)) = (&server.consumers, &server.links) else {
        return Vec::new();
    };
    if links.iter().any(|link| link.incoming == Incoming::NotSeen) {
        return Vec::new();
    }
    let linked = |key: &str| {
        let mut consumers = links.iter().filter_map(|link| link.consumer());
        consumers.any(|consumer| consumer.key == key)
    };
    consumers
        .iter()
        .filter(|consumer| !linked(&consumer.key))
        .map(|consumer| {
            let name = consumer.name.as_deref().filter(|name| !name.is_empty());
            let called = name.map_or_else(String::new, |name| format!(" (`{name}`)"));
            Rule::ConsumerNoLink.finds(
                &server.server,
                format!("consumer {}", consumer.key),
                format!("no link carries consumer `{}`{called}", consumer.key),
                "register the same consumer key on a link of its own, then disable the incoming authentication of that \
                 link: this removes the consumer with all its grants",
            )
        })
        .collect()
}

fn basic(server: &ServerFacts) -> Option<Finding> {
    (server.basic_allowed == Some(true)).then(|| {
        Rule::BasicEnabled.finds(
            &server.server,
            "server",
            "Basic authentication is allowed on the REST API",
            "have scripts use personal access tokens, then block it, with an allow list for what cannot do without",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::super::{AuditorLeft, testing::*};
    use super::*;
    use crate::RegisteredConsumer;

    #[test]
    fn a_consumer_without_a_link_is_one_that_no_link_can_carry() {
        let check = |links, consumers: Option<&[&str]>, expected: bool| {
            let mut server = server("jira", Vec::new());
            server.links = links;
            server.consumers = consumers.map(|keys| {
                let registered = |key: &&str| RegisteredConsumer {
                    key: (*key).to_owned(),
                    name: Some("Left".to_owned()),
                };
                keys.iter().map(registered).collect()
            });
            expect(Rule::ConsumerNoLink, &judge(&server), expected);
        };
        let bot = || link("1", Incoming::Consumer(consumer("bot")));
        check(Some(vec![bot()]), Some(&["bot", "left"]), true);
        check(Some(vec![]), Some(&["left"]), true);
        check(Some(vec![bot()]), Some(&["bot"]), false);
        check(Some(vec![bot()]), None, false);
        check(None, Some(&["left"]), false);
        let unseen = vec![bot(), link("2", Incoming::NotSeen)];
        check(Some(unseen), Some(&["left"]), false);
    }

    #[test]
    fn basic_authentication() {
        for (allowed, expected) in [(Some(true), true), (Some(false), false), (None, false)] {
            let mut server = server("jira", Vec::new());
            server.basic_allowed = allowed;
            expect(Rule::BasicEnabled, &judge(&server), expected);
        }
    }

    #[test]
    fn left_auditors() {
        let mut server = server("jira", Vec::new());
        expect(Rule::AuditorLeft, &judge(&server), false);
        server.auditors.push(AuditorLeft {
            link_id: "7".to_owned(),
            consumer_key: "auditor-1".to_owned(),
        });
        expect(Rule::AuditorLeft, &judge(&server), true);
    }
}

//! Rules about application links.

use super::{ConsumerFacts, FleetFacts, Incoming, LinkFacts, Rule, ServerFacts, Wanted, address};
use crate::Finding;

/// Judges the links of a server.
pub(super) fn judge(server: &ServerFacts, fleet: &FleetFacts) -> Vec<Finding> {
    server
        .judged_links()
        .flat_map(|link| {
            Judged {
                server,
                link,
                fleet,
            }
            .all()
        })
        .collect()
}

/// One link among those of its server.
struct Judged<'a> {
    server: &'a ServerFacts,
    link: &'a LinkFacts,
    fleet: &'a FleetFacts,
}

impl Judged<'_> {
    fn all(&self) -> Vec<Finding> {
        [
            self.no_consumer(),
            self.duplicate(),
            self.drift(),
            self.unmanaged(),
            self.plain_http(),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    fn finds(&self, rule: Rule, message: String, advice: impl Into<String>) -> Finding {
        let subject = format!("link {}", self.link.id);
        rule.finds(&self.server.server, subject, message, advice)
    }

    /// The link as messages call it.
    fn name(&self) -> String {
        format!("the application link `{}`", self.link.name)
    }

    /// What the fleet file wants at this application URL.
    fn wanted(&self) -> Option<&Wanted> {
        let url = self.link.rpc_url.as_deref()?;
        let wanted = self.fleet.on(&self.server.server);
        wanted.iter().find(|wanted| address::same(&wanted.url, url))
    }

    /// A link that makes calls itself has a use without a consumer.
    fn no_consumer(&self) -> Option<Finding> {
        let idle = self.link.incoming == Incoming::Nothing && self.link.outgoing != Some(true);
        idle.then(|| {
            let advice = match self.wanted() {
                Some(wanted) => format!("register it: `atl-admin apply -c {}`", wanted.name),
                None => self.deletion(),
            };
            self.finds(
                Rule::LinkNoConsumer,
                format!("{} has no consumer", self.name()),
                advice,
            )
        })
    }

    fn deletion(&self) -> String {
        format!(
            "delete it where nobody needs it: `atl-admin links delete -s {} {}`",
            self.server.server, self.link.id
        )
    }

    fn duplicate(&self) -> Option<Finding> {
        let reasons = [
            self.same_application(),
            self.same_consumer(),
            self.suffixed(),
        ];
        let reasons: Vec<_> = reasons.into_iter().flatten().collect();
        (!reasons.is_empty()).then(|| {
            self.finds(
                Rule::LinkDuplicate,
                format!("{} {}", self.name(), reasons.join(", and ")),
                "find out which of the links is in use, and delete the other one",
            )
        })
    }

    /// The other links of the server for which this is so, by name.
    fn others(&self, alike: impl Fn(&LinkFacts) -> bool) -> Option<String> {
        let names: Vec<_> = self
            .server
            .judged_links()
            .filter(|other| other.id != self.link.id && alike(other))
            .map(|other| format!("`{}`", other.name))
            .collect();
        (!names.is_empty()).then(|| names.join(", "))
    }

    fn same_application(&self) -> Option<String> {
        let own = address::application(self.link.rpc_url.as_deref()?)?;
        let others = self.others(|other| {
            let url = other.rpc_url.as_deref().and_then(address::application);
            url.as_ref() == Some(&own)
        })?;
        Some(format!("is for the same application as {others}"))
    }

    fn same_consumer(&self) -> Option<String> {
        let own = self.link.consumer()?;
        let others = self.others(|other| {
            let consumer = other.consumer();
            consumer.is_some_and(|consumer| consumer.key == own.key)
        })?;
        Some(format!("shares the consumer `{}` with {others}", own.key))
    }

    /// A name is suffixed by the server only where another link had it, or where the fleet file wants it without.
    fn suffixed(&self) -> Option<String> {
        let base = unsuffixed(&self.link.name)?;
        let taken = self.others(|other| {
            other.name == base || unsuffixed(&other.name).is_some_and(|name| name == base)
        });
        let wanted = self
            .wanted()
            .is_some_and(|wanted| wanted.display_name == base);
        (taken.is_some() || wanted)
            .then(|| format!("was to be named `{base}`, and that name was taken"))
    }

    fn drift(&self) -> Option<Finding> {
        let (wanted, consumer) = (self.wanted()?, self.link.consumer()?);
        let differences = differences(wanted, consumer);
        (!differences.is_empty()).then(|| {
            self.finds(
                Rule::LinkDrift,
                format!(
                    "{} is not as the fleet file has it for `{}`: {}",
                    self.name(),
                    wanted.name,
                    differences.join("; ")
                ),
                format!(
                    "look at `atl-admin plan -s {} -c {}`, then correct the fleet file or apply it",
                    self.server.server, wanted.name
                ),
            )
        })
    }

    /// The fleet file can name generic links only.
    fn unmanaged(&self) -> Option<Finding> {
        let named = self.wanted().is_some() || self.link.rpc_url.is_none();
        (self.link.type_id == "generic" && !named).then(|| {
            let lets_in = self.link.consumer().map_or_else(String::new, |consumer| {
                format!(", which lets consumer `{}` in", consumer.key)
            });
            self.finds(
                Rule::LinkUnmanaged,
                format!("the fleet file does not name {}{lets_in}", self.name()),
                format!(
                    "take it into the fleet file with what `atl-admin links adopt -s {}` writes, or {}",
                    self.server.server,
                    self.deletion()
                ),
            )
        })
    }

    fn plain_http(&self) -> Option<Finding> {
        let display = self.link.display_url.as_str();
        let mut urls = self.link.rpc_url.as_deref().into_iter().chain([display]);
        let url = urls.find(|url| address::is_plain_http(url))?;
        Some(self.finds(
            Rule::LinkHttp,
            format!("{} is for an address over plain http: `{url}`", self.name()),
            "serve the application over https, and make a link with its new address",
        ))
    }
}

/// The name without the ` - 2`, ` - 3`, ... that a server appends (protocol.md 1.4).
fn unsuffixed(name: &str) -> Option<&str> {
    let (base, number) = name.rsplit_once(" - ")?;
    number.parse::<u32>().is_ok_and(|n| n >= 2).then_some(base)
}

/// How what is registered differs from what the fleet file says; what the file does not say cannot differ.
fn differences(wanted: &Wanted, has: &ConsumerFacts) -> Vec<String> {
    if has.key != wanted.key {
        return vec![format!(
            "its consumer key is `{}`, not `{}`",
            has.key, wanted.key
        )];
    }
    if wanted.absent {
        return vec!["it is to be absent".to_owned()];
    }
    let key = has.public_key.as_ref().map(|key| &key.fingerprint);
    let callback = has.callback.as_deref().unwrap_or_default();
    let mut differences = Vec::new();
    if let (Some(wants), Some(has)) = (&wanted.fingerprint, key)
        && has != wants
    {
        differences.push(format!("its public key is {has}, not {wants}"));
    }
    // The admin form appends a slash (protocol.md 1.11).
    if let Some(wants) = &wanted.callback
        && !address::same(wants, callback)
    {
        differences.push(format!("its callback is `{callback}`, not `{wants}`"));
    }
    if let Some(wants) = &wanted.two_legged {
        let mut flag = |what, has: bool, wants: bool| {
            if has != wants {
                let (has, wants) = (on(has), on(wants));
                differences.push(format!("{what} is {has}, not {wants}"));
            }
        };
        let has = &has.two_legged;
        flag(
            "two-legged OAuth",
            has.enabled,
            wants.enabled || wants.impersonation,
        );
        flag("impersonation", has.impersonation, wants.impersonation);
        let user = has.execute_as.as_deref().unwrap_or_default();
        if let Some(wants) = wants.execute_as.as_deref()
            && user.to_lowercase() != wants.to_lowercase()
        {
            differences.push(format!(
                "two-legged calls run as `{user}`, not as `{wants}`"
            ));
        }
    }
    differences
}

fn on(flag: bool) -> &'static str {
    if flag { "on" } else { "off" }
}

#[cfg(test)]
mod tests {
    use super::super::{TwoLeggedFacts, testing::*};
    use super::*;

    #[track_caller]
    fn check(rule: Rule, change: impl Fn(&mut LinkFacts), expected: bool) {
        let mut link = link("1", Incoming::Consumer(consumer("bot")));
        change(&mut link);
        expect(
            rule,
            &judge(&server("jira", vec![link]), &fleet()),
            expected,
        );
    }

    #[test]
    fn a_link_without_a_consumer_that_makes_no_calls_either() {
        let is = |incoming: Incoming, outgoing| {
            move |link: &mut LinkFacts| {
                link.incoming = incoming.clone();
                link.outgoing = outgoing;
            }
        };
        let rule = Rule::LinkNoConsumer;
        check(rule, is(Incoming::Nothing, Some(false)), true);
        check(rule, is(Incoming::Nothing, None), true);
        check(rule, is(Incoming::Nothing, Some(true)), false);
        check(rule, is(Incoming::NotSeen, Some(false)), false);
        check(rule, is(Incoming::Consumer(consumer("bot")), None), false);
    }

    #[test]
    fn system_links_and_left_auditors_are_not_judged() {
        check(
            Rule::LinkNoConsumer,
            |link| {
                link.incoming = Incoming::Nothing;
                link.system = true;
            },
            false,
        );
        let mut server = server("jira", vec![link("1", Incoming::Nothing)]);
        server.auditors.push(super::super::AuditorLeft {
            link_id: "1".to_owned(),
            consumer_key: "auditor".to_owned(),
        });
        assert_eq!(judge(&server, &fleet()), []);
    }

    #[test]
    fn duplicates() {
        let pair = |change: &dyn Fn(&mut LinkFacts)| {
            let mut second = LinkFacts {
                name: "Other".to_owned(),
                rpc_url: Some("https://other.example.com".to_owned()),
                ..link("2", Incoming::Consumer(consumer("other")))
            };
            change(&mut second);
            let first = link("1", Incoming::Consumer(consumer("bot")));
            let findings = judge(&server("jira", vec![first, second]), &fleet());
            let duplicates = findings
                .into_iter()
                .filter(|finding| finding.rule == "ATL-LINK-DUPLICATE");
            duplicates
                .map(|finding| finding.subject)
                .collect::<Vec<_>>()
        };
        let none: [&str; 0] = [];
        assert_eq!(pair(&|_| ()), none);
        assert_eq!(
            pair(&|link| link.rpc_url = Some("HTTPS://Bot.example.com/".to_owned())),
            ["link 1", "link 2"]
        );
        assert_eq!(
            pair(&|link| link.incoming = Incoming::Consumer(consumer("bot"))),
            ["link 1", "link 2"]
        );
        assert_eq!(pair(&|link| link.name = "Bot - 2".to_owned()), ["link 2"]);
        assert_eq!(pair(&|link| link.name = "Bot - 1".to_owned()), none);
        assert_eq!(pair(&|link| link.name = "Team - 2".to_owned()), none);
        assert_eq!(pair(&|link| link.rpc_url = None), none);
        assert_eq!(pair(&|link| link.incoming = Incoming::NotSeen), none);
    }

    #[test]
    fn a_suffix_that_the_fleet_file_does_not_want_had_a_reason() {
        check(
            Rule::LinkDuplicate,
            |link| link.name = "Bot - 2".to_owned(),
            true,
        );
        check(
            Rule::LinkDuplicate,
            |link| link.name = "Bot".to_owned(),
            false,
        );
        let elsewhere = |link: &mut LinkFacts| {
            link.name = "Bot - 2".to_owned();
            link.rpc_url = Some("https://other.example.com".to_owned());
        };
        check(Rule::LinkDuplicate, elsewhere, false);
    }

    #[test]
    fn drift_is_what_the_fleet_file_says_otherwise() {
        let drift = |change: &dyn Fn(&mut ConsumerFacts, &mut Wanted)| {
            let mut consumer = consumer("bot");
            let mut fleet = fleet();
            change(&mut consumer, &mut fleet.wanted.get_mut("jira").unwrap()[0]);
            let server = server("jira", vec![link("1", Incoming::Consumer(consumer))]);
            let findings = judge(&server, &fleet);
            findings.first().map(|finding| {
                assert_eq!(finding.rule, "ATL-LINK-DRIFT");
                finding.message.split_once(": ").unwrap().1.to_owned()
            })
        };
        let said = |text: &str| Some(text.to_owned());
        assert_eq!(drift(&|_, _| ()), None);
        assert_eq!(
            drift(&|has, _| has.key = "x".to_owned()),
            said("its consumer key is `x`, not `bot`")
        );
        assert_eq!(
            drift(&|_, wants| wants.absent = true),
            said("it is to be absent")
        );
        assert_eq!(
            drift(&|_, wants| wants.fingerprint = said("SHA256:new")),
            said("its public key is SHA256:bot, not SHA256:new")
        );
        assert_eq!(
            drift(&|has, wants| {
                has.public_key = None;
                wants.fingerprint = said("SHA256:new");
            }),
            None
        );
        assert_eq!(
            drift(&|_, wants| wants.callback = said("https://bot.example.com/other")),
            said(
                "its callback is `https://bot.example.com/cb`, not `https://bot.example.com/other`"
            )
        );
        assert_eq!(
            drift(&|has, wants| {
                has.callback = said("https://bot.example.com/cb/");
                wants.callback = said("https://bot.example.com/cb");
            }),
            None
        );
        assert_eq!(
            drift(&|has, wants| {
                has.two_legged.enabled = true;
                has.two_legged.execute_as = said("svc");
                wants.two_legged = Some(TwoLeggedFacts {
                    enabled: true,
                    impersonation: true,
                    execute_as: said("bot"),
                });
            }),
            said("impersonation is off, not on; two-legged calls run as `svc`, not as `bot`")
        );
        assert_eq!(
            drift(&|has, _| {
                has.two_legged.enabled = true;
                has.callback = None;
            }),
            None
        );
    }

    #[test]
    fn unmanaged_is_a_generic_link_that_no_entry_is_for() {
        let at = |url: Option<&'static str>, of: &'static str| {
            move |link: &mut LinkFacts| {
                link.rpc_url = url.map(str::to_owned);
                link.type_id = of.to_owned();
            }
        };
        let rule = Rule::LinkUnmanaged;
        check(rule, at(Some("https://other.example.com"), "generic"), true);
        check(rule, at(Some("https://bot.example.com/"), "generic"), false);
        check(
            rule,
            at(Some("https://wiki.example.com"), "confluence"),
            false,
        );
        check(rule, at(None, "generic"), false);
    }

    #[test]
    fn plain_http_in_either_address() {
        let is = |rpc: Option<&'static str>, display: &'static str| {
            move |link: &mut LinkFacts| {
                link.rpc_url = rpc.map(str::to_owned);
                link.display_url = display.to_owned();
            }
        };
        let (plain, safe) = ("http://bot.example.com", "https://bot.example.com");
        check(Rule::LinkHttp, is(Some(plain), safe), true);
        check(Rule::LinkHttp, is(Some(safe), plain), true);
        check(Rule::LinkHttp, is(Some(safe), safe), false);
        check(Rule::LinkHttp, is(None, ""), false);
        check(
            Rule::LinkHttp,
            is(Some("http://localhost:9000"), safe),
            false,
        );
    }
}

//! Rules about the consumers of links: their keys, callbacks, and two-legged OAuth.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    ConsumerFacts, FleetFacts, KeyFacts, Rule, ServerFacts, TwoLeggedFacts, Wanted, address,
};
use crate::{
    Finding,
    days::{in_days, older_than},
};

/// Judges each consumer of a server by itself.
pub(super) fn judge(server: &ServerFacts, fleet: &FleetFacts) -> Vec<Finding> {
    let consumers = server.linked_consumers().into_iter();
    consumers
        .flat_map(|consumer| {
            Judged {
                server,
                consumer,
                wanted: fleet.of_key(&server.server, &consumer.key),
                fleet,
            }
            .all()
        })
        .collect()
}

/// What findings about a consumer are about.
fn subject(consumer: &ConsumerFacts) -> String {
    format!("consumer {}", consumer.key)
}

/// One consumer on one server.
struct Judged<'a> {
    server: &'a ServerFacts,
    consumer: &'a ConsumerFacts,
    wanted: Option<&'a Wanted>,
    fleet: &'a FleetFacts,
}

impl Judged<'_> {
    fn all(&self) -> Vec<Finding> {
        let key = self.consumer.public_key.as_ref();
        [
            key.and_then(|key| self.weak(key)),
            key.and_then(|key| self.sample(key)),
            key.and_then(|key| self.old(key)),
            self.callback(),
            self.two_legged(),
            self.impersonation(),
            self.administrator(),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    fn finds(&self, rule: Rule, message: String, advice: impl Into<String>) -> Finding {
        rule.finds(&self.server.server, subject(self.consumer), message, advice)
    }

    fn weak(&self, key: &KeyFacts) -> Option<Finding> {
        key.weak.then(|| {
            self.finds(
                Rule::KeyWeak,
                format!(
                    "the public key of consumer `{}` has only {} bits",
                    self.consumer.key, key.bits
                ),
                self.replacement(),
            )
        })
    }

    fn sample(&self, key: &KeyFacts) -> Option<Finding> {
        let published = key.published.as_ref()?;
        Some(self.finds(
            Rule::KeySample,
            format!(
                "consumer `{}` has a sample key, whose private half was published in {published}",
                self.consumer.key
            ),
            format!(
                "{}; anybody may have signed with it, so revoke its grants too",
                self.replacement()
            ),
        ))
    }

    /// How another key is put in place, and by whom.
    fn replacement(&self) -> String {
        self.wanted.map_or_else(
            || {
                "have the owner of this consumer make a new keypair (`atl-admin keys generate --out FILE`) and register \
                 its public half; `atl-admin links adopt` writes the entry that brings it into the fleet file"
                    .to_owned()
            },
            |wanted| format!("replace it: `atl-admin rotate -c {}`", wanted.name),
        )
    }

    fn old(&self, key: &KeyFacts) -> Option<Finding> {
        let wanted = self.wanted?;
        let limit = wanted.max_key_age?;
        let made = *self.fleet.keys_made.get(&key.fingerprint)?;
        older_than(made, self.fleet.now, limit).then(|| {
            self.finds(
                Rule::KeyOld,
                format!(
                    "the key of consumer `{}` was made on {}, and `policy.max_key_age` is {}",
                    self.consumer.key,
                    made.strftime("%F"),
                    in_days(limit)
                ),
                format!(
                    "replace it: `atl-admin rotate -c {} --if-older-than policy`",
                    wanted.name
                ),
            )
        })
    }

    fn callback(&self) -> Option<Finding> {
        let callback = self.consumer.callback.as_deref()?;
        address::is_plain_http(callback).then(|| {
            self.finds(
                Rule::CallbackHttp,
                format!(
                    "the callback of consumer `{}` is plain http: `{callback}`",
                    self.consumer.key
                ),
                "have the application listen on https, and register that callback",
            )
        })
    }

    fn two_legged(&self) -> Option<Finding> {
        self.consumer.two_legged.enabled.then(|| {
            let who = match self.runs_as() {
                Some(user) => format!("as `{user}`"),
                None => "as nobody in particular".to_owned(),
            };
            self.finds(
                Rule::TwoLeggedOn,
                format!(
                    "consumer `{}` may make two-legged calls{}, {who}",
                    self.consumer.key,
                    self.as_wanted(|wants| wants.enabled)
                ),
                "switch two-legged OAuth off where the application can do with grants of users",
            )
        })
    }

    fn impersonation(&self) -> Option<Finding> {
        self.consumer.two_legged.impersonation.then(|| {
            self.finds(
                Rule::TwoLeggedImpersonation,
                format!(
                    "consumer `{}` may impersonate every user{}",
                    self.consumer.key,
                    self.as_wanted(|wants| wants.impersonation)
                ),
                "switch impersonation off, and have users give access themselves",
            )
        })
    }

    fn administrator(&self) -> Option<Finding> {
        let user = self.runs_as()?;
        let known = &self.server.administrators;
        known.iter().any(|admin| same_user(admin, user)).then(|| {
            self.finds(
                Rule::TwoLeggedAdmin,
                format!(
                    "two-legged calls of consumer `{}` run as `{user}`, who is an administrator",
                    self.consumer.key
                ),
                "have them run as an account of their own that may do no more than is needed",
            )
        })
    }

    /// The user that two-legged calls run as.
    fn runs_as(&self) -> Option<&str> {
        let TwoLeggedFacts {
            enabled,
            execute_as,
            ..
        } = &self.consumer.two_legged;
        execute_as.as_deref().filter(|_| *enabled)
    }

    fn as_wanted(&self, wants: fn(&TwoLeggedFacts) -> bool) -> &'static str {
        let two_legged = self.wanted.and_then(|wanted| wanted.two_legged.as_ref());
        if two_legged.is_some_and(wants) {
            ", as the fleet file says"
        } else {
            ""
        }
    }
}

/// Whether two names are those of one user: the products compare them without case.
fn same_user(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

/// Public keys that several consumer keys share, on one server or on several.
pub(super) fn shared(servers: &[ServerFacts]) -> Vec<Finding> {
    let mut holders: BTreeMap<&str, Vec<(&str, &ConsumerFacts)>> = BTreeMap::new();
    for server in servers {
        for consumer in server.linked_consumers() {
            if let Some(key) = &consumer.public_key {
                let holder = (server.server.as_str(), consumer);
                holders.entry(&key.fingerprint).or_default().push(holder);
            }
        }
    }
    let of_one_key = |holders: &Vec<(&str, &ConsumerFacts)>| -> Vec<Finding> {
        holders
            .iter()
            .filter_map(|(server, consumer)| shares(server, consumer, holders))
            .collect()
    };
    holders.values().flat_map(of_one_key).collect()
}

fn shares(
    server: &str,
    consumer: &ConsumerFacts,
    holders: &[(&str, &ConsumerFacts)],
) -> Option<Finding> {
    let others: BTreeSet<String> = holders
        .iter()
        .filter(|(_, other)| other.key != consumer.key)
        .map(|(server, other)| format!("`{}` on `{server}`", other.key))
        .collect();
    if others.is_empty() {
        return None;
    }
    let others = others.into_iter().collect::<Vec<_>>().join(", ");
    Some(Rule::KeyShared.finds(
        server,
        subject(consumer),
        format!(
            "consumer `{}` has the same public key as {others}",
            consumer.key
        ),
        "give each consumer a keypair of its own",
    ))
}

#[cfg(test)]
mod tests {
    use super::super::{Incoming, testing::*};
    use super::*;

    #[track_caller]
    fn check(rule: Rule, change: impl Fn(&mut ConsumerFacts), expected: bool) {
        let mut consumer = consumer("bot");
        change(&mut consumer);
        let server = server("jira", vec![link("1", Incoming::Consumer(consumer))]);
        expect(rule, &judge(&server, &fleet()), expected);
    }

    fn key(change: impl Fn(&mut KeyFacts)) -> impl Fn(&mut ConsumerFacts) {
        move |consumer| {
            let mut key = public_key("SHA256:a");
            change(&mut key);
            consumer.public_key = Some(key);
        }
    }

    #[test]
    fn weak_and_published_keys() {
        check(Rule::KeyWeak, key(|key| key.weak = true), true);
        check(Rule::KeyWeak, key(|_| ()), false);
        check(Rule::KeyWeak, |consumer| consumer.public_key = None, false);
        let published = |key: &mut KeyFacts| key.published = Some("a book".to_owned());
        check(Rule::KeySample, key(published), true);
        check(Rule::KeySample, key(|_| ()), false);
        check(
            Rule::KeySample,
            |consumer| consumer.public_key = None,
            false,
        );
    }

    #[test]
    fn an_old_key_is_one_whose_age_and_limit_are_known() {
        let aged = |days: Option<u32>, limit: Option<u32>| {
            let server = server("jira", vec![link("1", Incoming::Consumer(consumer("bot")))]);
            let mut fleet = fleet();
            fleet.wanted.get_mut("jira").unwrap()[0].max_key_age = limit.map(age);
            let made = days.map(|days| ("SHA256:bot".to_owned(), days_ago(days)));
            fleet.keys_made.extend(made);
            judge(&server, &fleet)
        };
        expect(Rule::KeyOld, &aged(Some(365), Some(365)), true);
        expect(Rule::KeyOld, &aged(Some(364), Some(365)), false);
        expect(Rule::KeyOld, &aged(Some(9999), None), false);
        expect(Rule::KeyOld, &aged(None, Some(365)), false);
    }

    #[test]
    fn callbacks() {
        let is = |callback: Option<&'static str>| {
            move |consumer: &mut ConsumerFacts| consumer.callback = callback.map(str::to_owned)
        };
        check(
            Rule::CallbackHttp,
            is(Some("http://bot.example.com/cb")),
            true,
        );
        check(
            Rule::CallbackHttp,
            is(Some("https://bot.example.com/cb")),
            false,
        );
        check(
            Rule::CallbackHttp,
            is(Some("http://127.0.0.1:9000/cb")),
            false,
        );
        check(Rule::CallbackHttp, is(None), false);
    }

    #[test]
    fn two_legged_oauth() {
        let is = |enabled, impersonation, user: Option<&'static str>| {
            move |consumer: &mut ConsumerFacts| {
                consumer.two_legged = TwoLeggedFacts {
                    enabled,
                    impersonation,
                    execute_as: user.map(str::to_owned),
                }
            }
        };
        check(Rule::TwoLeggedOn, is(true, false, None), true);
        check(Rule::TwoLeggedOn, is(false, false, Some("admin")), false);
        check(Rule::TwoLeggedImpersonation, is(true, true, None), true);
        check(Rule::TwoLeggedImpersonation, is(true, false, None), false);
        check(Rule::TwoLeggedAdmin, is(true, false, Some("Admin")), true);
        check(Rule::TwoLeggedAdmin, is(true, false, Some("svc")), false);
        check(Rule::TwoLeggedAdmin, is(true, false, None), false);
        // What does not run at all runs as nobody.
        check(Rule::TwoLeggedAdmin, is(false, false, Some("admin")), false);
    }

    #[test]
    fn what_the_fleet_file_wants_is_said() {
        let mut consumer = consumer("bot");
        consumer.two_legged.enabled = true;
        let server = server("jira", vec![link("1", Incoming::Consumer(consumer))]);
        let mut fleet = fleet();
        let message = |fleet: &FleetFacts| judge(&server, fleet)[0].message.clone();
        assert_eq!(
            message(&fleet),
            "consumer `bot` may make two-legged calls, as nobody in particular"
        );
        fleet.wanted.get_mut("jira").unwrap()[0].two_legged = Some(TwoLeggedFacts {
            enabled: true,
            ..TwoLeggedFacts::default()
        });
        assert_eq!(
            message(&fleet),
            "consumer `bot` may make two-legged calls, as the fleet file says, as nobody in particular"
        );
    }

    #[test]
    fn a_key_is_shared_by_different_consumer_keys_only() {
        let holder = |at: &str, key: &str, print: Option<&str>| {
            let consumer = ConsumerFacts {
                public_key: print.map(public_key),
                ..consumer(key)
            };
            server(at, vec![link("1", Incoming::Consumer(consumer))])
        };
        // One consumer on several servers has one key, and that is how it should be.
        let same = [
            holder("jira", "bot", Some("a")),
            holder("wiki", "bot", Some("a")),
        ];
        assert_eq!(shared(&same), []);
        let unknown = [holder("jira", "bot", None), holder("wiki", "ci", None)];
        assert_eq!(shared(&unknown), []);
        let [jira, wiki, git] = [
            holder("jira", "bot", Some("a")),
            holder("wiki", "ci", Some("a")),
            holder("git", "own", Some("b")),
        ];
        let findings = shared(&[jira, wiki, git]);
        let said: Vec<_> = findings
            .iter()
            .map(|finding| (finding.server.as_str(), finding.message.as_str()))
            .collect();
        assert_eq!(
            said,
            [
                (
                    "jira",
                    "consumer `bot` has the same public key as `ci` on `wiki`"
                ),
                (
                    "wiki",
                    "consumer `ci` has the same public key as `bot` on `jira`"
                ),
            ]
        );
    }

    #[test]
    fn a_consumer_of_two_links_is_judged_once() {
        let weak = || {
            let mut consumer = consumer("bot");
            consumer.public_key.as_mut().unwrap().weak = true;
            Incoming::Consumer(consumer)
        };
        let server = server("jira", vec![link("1", weak()), link("2", weak())]);
        expect(Rule::KeyWeak, &judge(&server, &fleet()), true);
    }
}

//! Rules about grants, which are judged one at a time.

use std::time::Duration;

use jiff::Timestamp;

use super::{FleetFacts, Rule, Wanted};
use crate::{
    Finding, GrantEntry, GrantKind, GrantStatus, UserStatus,
    days::{DAY, in_days, older_than},
};

/// So long before its end a grant counts as expiring.
pub const EXPIRING: Duration = Duration::from_hours(30 * 24);

/// So long without a use a grant counts as unused.
pub const UNUSED: Duration = Duration::from_hours(90 * 24);

/// Judges one grant. One that is over needs nothing done about it.
pub(super) fn judge(grant: &GrantEntry, fleet: &FleetFacts) -> Vec<Finding> {
    let is_over = matches!(grant.status, GrantStatus::Expired | GrantStatus::Rejected)
        || grant.expires.is_some_and(|end| end < fleet.now);
    if is_over {
        return Vec::new();
    }
    Judged {
        grant,
        wanted: wanted(grant, fleet),
        fleet,
    }
    .all()
}

/// What the fleet file wants of the consumer that it was given to.
fn wanted<'f>(grant: &GrantEntry, fleet: &'f FleetFacts) -> Option<&'f Wanted> {
    match (&grant.consumer_key, &grant.consumer) {
        (Some(key), _) => fleet.of_key(&grant.server, key),
        (None, Some(name)) => {
            let mut wanted = fleet.on(&grant.server).iter();
            wanted.find(|wanted| wanted.name == *name)
        }
        (None, None) => None,
    }
}

/// One grant.
struct Judged<'a> {
    grant: &'a GrantEntry,
    wanted: Option<&'a Wanted>,
    fleet: &'a FleetFacts,
}

impl Judged<'_> {
    fn all(&self) -> Vec<Finding> {
        [
            self.old(),
            self.expiring(),
            self.of_inactive_user(),
            self.unmanaged(),
            self.orphan(),
            self.unused(),
            self.endless(),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    fn finds(&self, rule: Rule, message: String, advice: impl Into<String>) -> Finding {
        let subject = format!("grant {}", self.grant.id);
        rule.finds(&self.grant.server, subject, message, advice)
    }

    /// The grant as messages call it.
    fn name(&self) -> String {
        let GrantEntry {
            user,
            consumer,
            consumer_key,
            consumer_name,
            name,
            ..
        } = self.grant;
        if self.grant.kind == GrantKind::Pat {
            let name = name.as_deref().map(|name| format!(" `{name}`"));
            return format!(
                "the personal access token{} of `{user}`",
                name.unwrap_or_default()
            );
        }
        let shown = consumer_name.as_ref().filter(|name| !name.is_empty());
        match shown.or(consumer_key.as_ref()).or(consumer.as_ref()) {
            Some(consumer) => format!("the grant of `{user}` to `{consumer}`"),
            None => format!("a grant of `{user}`"),
        }
    }

    fn revocation(&self) -> String {
        format!("`atl-admin tokens revoke {}`", self.grant.id)
    }

    /// The time that the grant is from, at the latest: what a page shows may be off by a day.
    fn created(&self) -> Option<Timestamp> {
        let created = self.grant.created?;
        if self.grant.created_approximate {
            created.checked_add(DAY).ok()
        } else {
            Some(created)
        }
    }

    fn old(&self) -> Option<Finding> {
        let wanted = self.wanted?;
        let limit = wanted.max_grant_age?;
        older_than(self.created()?, self.fleet.now, limit).then(|| {
            self.finds(
                Rule::GrantOld,
                format!(
                    "{} was given on {}, and `policy.max_grant_age` is {}",
                    self.name(),
                    day(self.grant.created),
                    in_days(limit)
                ),
                format!(
                    "end it: {}, and have `{}` give access anew: `atl-admin authorize -s {} -c {}`",
                    self.revocation(),
                    self.grant.user,
                    self.grant.server,
                    wanted.name
                ),
            )
        })
    }

    fn expiring(&self) -> Option<Finding> {
        let end = self.grant.expires?;
        let soon = self.fleet.now.checked_add(EXPIRING).ok()?;
        (end <= soon).then(|| {
            let advice = match (self.grant.kind, self.wanted) {
                (GrantKind::Pat, _) => {
                    "make a new token where it is still needed, and put it in its place".to_owned()
                }
                (GrantKind::Oauth1, Some(wanted)) => format!(
                    "renew it: `atl-admin tokens renew {}`; where that is not possible, `atl-admin authorize -s {} -c {}`",
                    self.grant.id, self.grant.server, wanted.name
                ),
                _ => "have the application renew it, or the user give access anew, where it is still needed"
                    .to_owned(),
            };
            self.finds(
                Rule::GrantExpiring,
                format!("{} expires on {}", self.name(), day(Some(end))),
                advice,
            )
        })
    }

    fn of_inactive_user(&self) -> Option<Finding> {
        let user = &self.grant.user;
        let why = match self.grant.user_status? {
            UserStatus::Active => return None,
            UserStatus::Inactive => format!("`{user}` may not log in any more"),
            UserStatus::Unknown => format!("the server knows no user `{user}` any more"),
        };
        Some(self.finds(
            Rule::GrantInactiveUser,
            format!("{} is still there, and {why}", self.name()),
            format!("revoke it: {}", self.revocation()),
        ))
    }

    /// OAuth 2 clients and personal access tokens are not in a fleet file.
    fn unmanaged(&self) -> Option<Finding> {
        let key = self.grant.consumer_key.as_ref()?;
        let looked_at = self.fleet.wanted.contains_key(&self.grant.server);
        let managed = self.wanted.is_some() || self.grant.consumer_registered == Some(false);
        (self.grant.kind == GrantKind::Oauth1 && looked_at && !managed).then(|| {
            self.finds(
                Rule::GrantUnmanaged,
                format!(
                    "{} is for consumer `{key}`, which the fleet file does not name",
                    self.name()
                ),
                format!(
                    "take the consumer into the fleet file with what `atl-admin links adopt` writes, or revoke the \
                     grant: {}",
                    self.revocation()
                ),
            )
        })
    }

    fn orphan(&self) -> Option<Finding> {
        (self.grant.consumer_registered == Some(false)).then(|| {
            self.finds(
                Rule::GrantOrphan,
                format!("{} has outlived its consumer", self.name()),
                format!("revoke it: {}", self.revocation()),
            )
        })
    }

    /// A token of whose uses nothing is known may well be used.
    fn unused(&self) -> Option<Finding> {
        let (since, what) = match self.grant.last_used {
            Some(used) => (used, format!("was last used on {}", day(Some(used)))),
            None if self.grant.never_used => (
                self.created()?,
                format!("was made on {} and never used", day(self.grant.created)),
            ),
            None => return None,
        };
        older_than(since, self.fleet.now, UNUSED).then(|| {
            self.finds(
                Rule::GrantUnused,
                format!("{} {what}", self.name()),
                format!("revoke it where nobody needs it: {}", self.revocation()),
            )
        })
    }

    fn endless(&self) -> Option<Finding> {
        (self.grant.kind == GrantKind::Pat && self.grant.endless).then(|| {
            self.finds(
                Rule::PatEndless,
                format!("{} never expires", self.name()),
                format!(
                    "have `{}` make one that does, and revoke this one: {}",
                    self.grant.user,
                    self.revocation()
                ),
            )
        })
    }
}

fn day(time: Option<Timestamp>) -> String {
    time.map_or_else(String::new, |time| time.strftime("%F").to_string())
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;
    use crate::SourceKind;

    fn grant(kind: GrantKind) -> GrantEntry {
        GrantEntry {
            consumer_key: Some("bot".to_owned()),
            consumer_name: Some("Bot".to_owned()),
            status: GrantStatus::Active,
            ..GrantEntry::new(kind, "0123456789ab", "jira", "alice", SourceKind::Page)
        }
    }

    fn with_limit() -> FleetFacts {
        let mut fleet = fleet();
        fleet.wanted.get_mut("jira").unwrap()[0].max_grant_age = Some(90 * DAY);
        fleet
    }

    #[track_caller]
    fn check(rule: Rule, kind: GrantKind, change: impl Fn(&mut GrantEntry), expected: bool) {
        let mut grant = grant(kind);
        change(&mut grant);
        expect(rule, &judge(&grant, &with_limit()), expected);
    }

    use GrantKind::{Oauth1, Oauth2, Pat};

    #[test]
    fn old() {
        let given = |days: u32, approximate| {
            move |grant: &mut GrantEntry| {
                grant.created = Some(days_ago(days));
                grant.created_approximate = approximate;
            }
        };
        check(Rule::GrantOld, Oauth1, given(90, false), true);
        check(Rule::GrantOld, Oauth1, given(89, false), false);
        // What a page shows may be off by a day.
        check(Rule::GrantOld, Oauth1, given(90, true), false);
        check(Rule::GrantOld, Oauth1, given(91, true), true);
        check(Rule::GrantOld, Oauth1, |_| (), false);
        let stranger = |grant: &mut GrantEntry| {
            given(900, false)(grant);
            grant.consumer_key = Some("ci".to_owned());
        };
        check(Rule::GrantOld, Oauth1, stranger, false);
        let by_name = |grant: &mut GrantEntry| {
            given(900, false)(grant);
            grant.consumer_key = None;
            grant.consumer = Some("deploy-bot".to_owned());
        };
        check(Rule::GrantOld, Oauth1, by_name, true);
        let elsewhere = |grant: &mut GrantEntry| {
            given(900, false)(grant);
            grant.server = "wiki".to_owned();
        };
        check(Rule::GrantOld, Oauth1, elsewhere, false);
        let mut grant = grant(Oauth1);
        given(900, false)(&mut grant);
        expect(Rule::GrantOld, &judge(&grant, &fleet()), false);
    }

    #[test]
    fn expiring() {
        let ends =
            |days: i32| move |grant: &mut GrantEntry| grant.expires = Some(in_days_from_now(days));
        for kind in [Oauth1, Oauth2, Pat] {
            check(Rule::GrantExpiring, kind, ends(30), true);
            check(Rule::GrantExpiring, kind, ends(31), false);
            check(Rule::GrantExpiring, kind, |_| (), false);
            check(Rule::GrantExpiring, kind, ends(-1), false);
        }
    }

    #[test]
    fn of_an_inactive_or_unknown_user() {
        for (status, expected) in [
            (Some(UserStatus::Inactive), true),
            (Some(UserStatus::Unknown), true),
            (Some(UserStatus::Active), false),
            (None, false),
        ] {
            let is = |grant: &mut GrantEntry| grant.user_status = status;
            check(Rule::GrantInactiveUser, Oauth1, is, expected);
            check(Rule::GrantInactiveUser, Pat, is, expected);
        }
    }

    #[test]
    fn unmanaged() {
        let of = |key: Option<&'static str>| {
            move |grant: &mut GrantEntry| grant.consumer_key = key.map(str::to_owned)
        };
        check(Rule::GrantUnmanaged, Oauth1, of(Some("ci")), true);
        check(Rule::GrantUnmanaged, Oauth1, of(Some("bot")), false);
        check(Rule::GrantUnmanaged, Oauth1, of(None), false);
        check(Rule::GrantUnmanaged, Oauth2, of(Some("ci")), false);
        check(Rule::GrantUnmanaged, Pat, of(Some("ci")), false);
        // Nothing is known of what is wanted of a server that is not looked at.
        let elsewhere = |grant: &mut GrantEntry| {
            of(Some("ci"))(grant);
            grant.server = "git".to_owned();
        };
        check(Rule::GrantUnmanaged, Oauth1, elsewhere, false);
    }

    #[test]
    fn orphans_are_not_unmanaged_as_well() {
        for (registered, expected) in [(Some(false), true), (Some(true), false), (None, false)] {
            let is = |grant: &mut GrantEntry| {
                grant.consumer_key = Some("gone".to_owned());
                grant.consumer_registered = registered;
            };
            check(Rule::GrantOrphan, Oauth1, is, expected);
            check(Rule::GrantUnmanaged, Oauth1, is, !expected);
        }
    }

    #[test]
    fn unused() {
        let made = |days: u32, never_used, used: Option<u32>| {
            move |grant: &mut GrantEntry| {
                grant.created = Some(days_ago(days));
                grant.never_used = never_used;
                grant.last_used = used.map(days_ago);
            }
        };
        check(Rule::GrantUnused, Pat, made(90, true, None), true);
        check(Rule::GrantUnused, Pat, made(89, true, None), false);
        check(Rule::GrantUnused, Pat, made(900, false, Some(90)), true);
        check(Rule::GrantUnused, Pat, made(900, false, Some(89)), false);
        check(Rule::GrantUnused, Pat, made(900, false, None), false);
        check(Rule::GrantUnused, Oauth1, made(900, false, None), false);
        let undated = |grant: &mut GrantEntry| grant.never_used = true;
        check(Rule::GrantUnused, Pat, undated, false);
    }

    #[test]
    fn endless() {
        let endless = |grant: &mut GrantEntry| grant.endless = true;
        check(Rule::PatEndless, Pat, endless, true);
        check(Rule::PatEndless, Pat, |_| (), false);
        check(Rule::PatEndless, Oauth1, endless, false);
    }

    #[test]
    fn what_is_over_is_no_finding() {
        for status in [GrantStatus::Expired, GrantStatus::Rejected] {
            let mut grant = grant(Pat);
            grant.status = status;
            grant.endless = true;
            grant.user_status = Some(UserStatus::Unknown);
            assert_eq!(judge(&grant, &with_limit()), []);
        }
        let mut over = grant(Oauth1);
        over.consumer_key = Some("ci".to_owned());
        over.expires = Some(days_ago(1));
        assert_eq!(judge(&over, &with_limit()), []);
    }

    #[test]
    fn messages_say_what_it_is_about() {
        let message = |change: &dyn Fn(&mut GrantEntry)| {
            let mut grant = grant(Oauth1);
            grant.user_status = Some(UserStatus::Inactive);
            change(&mut grant);
            judge(&grant, &fleet())[0].message.clone()
        };
        let ends = " is still there, and `alice` may not log in any more";
        assert_eq!(
            message(&|_| ()),
            format!("the grant of `alice` to `Bot`{ends}")
        );
        let nameless = |grant: &mut GrantEntry| {
            grant.consumer_name = None;
            grant.consumer_key = None;
        };
        assert_eq!(message(&nameless), format!("a grant of `alice`{ends}"));
        let token = |grant: &mut GrantEntry| {
            grant.kind = Pat;
            grant.name = Some("ci".to_owned());
        };
        assert_eq!(
            message(&token),
            format!("the personal access token `ci` of `alice`{ends}")
        );
    }
}

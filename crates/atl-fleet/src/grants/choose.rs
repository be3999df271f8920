//! Which grants a command is about: filters, and an order. Those of the store are told apart by what was selected of the
//! fleet file.

use std::time::Duration;

use atl_store::{GrantRow, GrantState};
use atl_tokens::{GrantEntry, GrantKind, GrantStatus};
use jiff::{SignedDuration, Timestamp};

use crate::{age::older_than, grant::grant_entry, wanted::Ready};

/// What `--user`, `--status` and the like say; the default lets everything through.
#[derive(Debug, Clone, Default)]
pub struct GrantFilter {
    /// Ids, or beginnings of ids that only one grant has.
    pub ids: Vec<String>,
    /// Users, compared without case.
    pub users: Vec<String>,
    /// Consumer keys.
    pub consumer_keys: Vec<String>,
    /// What they are.
    pub kinds: Vec<GrantKind>,
    /// Given at least so long ago; one whose age is not known is not.
    pub older_than: Option<Duration>,
    /// Expired, or expiring within this time. A grant whose end the server did not say is neither.
    pub expires_in: Option<Duration>,
    /// Where they stand.
    pub states: Vec<GrantStatus>,
    /// In which order.
    pub sort: GrantSort,
    /// So many of them, the first ones in that order.
    pub limit: Option<usize>,
}

/// An order of grants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum GrantSort {
    /// By server, consumer and user.
    #[default]
    Server,
    /// By user.
    User,
    /// By consumer.
    Consumer,
    /// The oldest first; those of unknown age last.
    Created,
    /// What expires first comes first; what never does, as far as is known, last.
    Expires,
    /// Active ones first.
    Status,
}

impl GrantSort {
    /// The place of a grant in this order, as text that is compared byte by byte.
    pub(crate) fn place(self, grant: &GrantEntry) -> String {
        let consumer = || {
            let names = [&grant.consumer, &grant.consumer_key, &grant.consumer_name];
            names
                .into_iter()
                .flatten()
                .next()
                .cloned()
                .unwrap_or_default()
        };
        match self {
            Self::Server => format!(
                "{}\0{}\0{}",
                grant.server,
                consumer(),
                grant.user.to_lowercase()
            ),
            Self::User => grant.user.to_lowercase(),
            Self::Consumer => consumer(),
            Self::Created => time(grant.created),
            Self::Expires => time(grant.expires),
            Self::Status => match grant.status {
                GrantStatus::Active => "0",
                GrantStatus::Expired => "1",
                GrantStatus::Rejected => "2",
                GrantStatus::Unknown => "3",
            }
            .to_owned(),
        }
    }
}

/// The earliest first, the unknown last.
fn time(time: Option<Timestamp>) -> String {
    time.map_or_else(
        || "~".to_owned(),
        |time| format!("{:020}", time.as_second().abs_diff(i64::MIN)),
    )
}

/// An id that does not name one grant.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GrantChoiceError {
    /// No grant has an id that begins like this.
    #[error("no grant of the selected servers and consumers has the id `{id}`")]
    NoSuchGrant {
        /// What was given.
        id: String,
    },
    /// Several grants have.
    #[error("`{id}` is the beginning of several ids: {}", of.join(", "))]
    Ambiguous {
        /// What was given.
        id: String,
        /// Their ids.
        of: Vec<String>,
    },
}

impl GrantChoiceError {
    /// What to do about it.
    pub fn advice(&self) -> String {
        match self {
            Self::NoSuchGrant { .. } => {
                "`atl-admin tokens list` shows the ids; a renewed grant has a new one"
            }
            Self::Ambiguous { .. } => "give more of its id",
        }
        .to_owned()
    }
}

impl GrantFilter {
    /// The grants of the store that it lets through, in its order.
    pub(super) fn choose(
        &self,
        rows: Vec<GrantRow>,
        now: Timestamp,
    ) -> Result<Vec<GrantRow>, GrantChoiceError> {
        let all: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
        let ids = self.named(&all)?;
        let mut chosen: Vec<(String, GrantRow)> = rows
            .into_iter()
            .map(|row| (grant_entry(&as_of(&row, now), &[]), row))
            .filter(|(entry, _)| self.matches(entry, &ids, now))
            .map(|(entry, row)| (self.sort.place(&entry), row))
            .collect();
        // The order in which they come is that of the store; equal ones keep it.
        chosen.sort_by(|(one, _), (other, _)| one.cmp(other));
        chosen.truncate(self.limit.unwrap_or(usize::MAX));
        Ok(chosen.into_iter().map(|(_, row)| row).collect())
    }

    /// The ids that are named, each in full; `all` are those that there are.
    pub(crate) fn named(&self, all: &[&str]) -> Result<Vec<String>, GrantChoiceError> {
        self.ids.iter().map(|id| one(id, all)).collect()
    }

    /// Whether it lets a grant through; `ids` are those that are named, in full.
    pub(crate) fn matches(&self, grant: &GrantEntry, ids: &[String], now: Timestamp) -> bool {
        let one_of = |users: &[String]| users.iter().any(|user| same_user(user, &grant.user));
        let key = |key: &String| self.consumer_keys.contains(key);
        (self.ids.is_empty() || ids.contains(&grant.id))
            && (self.users.is_empty() || one_of(&self.users))
            && (self.consumer_keys.is_empty() || grant.consumer_key.as_ref().is_some_and(key))
            && (self.kinds.is_empty() || self.kinds.contains(&grant.kind))
            && (self.states.is_empty() || self.states.contains(&grant.status))
            && self.older_than.is_none_or(|age| {
                let old = |created| older_than(created, now, age);
                grant.created.is_some_and(old)
            })
            && self.expires_in.is_none_or(|time| {
                let soon = |end| within(end, time, now);
                grant.expires.is_some_and(soon)
            })
    }
}

/// The id of the one grant that is meant.
fn one(wanted: &str, all: &[&str]) -> Result<String, GrantChoiceError> {
    let wanted = wanted.to_ascii_lowercase();
    let mut of: Vec<String> = all
        .iter()
        .filter(|id| !wanted.is_empty() && id.starts_with(&wanted))
        .map(|&id| id.to_owned())
        .collect();
    match (of.pop(), of.is_empty()) {
        (Some(id), true) => Ok(id),
        (None, _) => Err(GrantChoiceError::NoSuchGrant { id: wanted }),
        (Some(id), false) => {
            of.push(id);
            Err(GrantChoiceError::Ambiguous { id: wanted, of })
        }
    }
}

/// Whether it has expired or will have, so long from now.
pub(super) fn expires_within(row: &GrantRow, time: Duration, now: Timestamp) -> bool {
    row.expires().is_some_and(|end| within(end, time, now))
}

fn within(end: Timestamp, time: Duration, now: Timestamp) -> bool {
    end.duration_since(now) <= signed(time)
}

fn signed(time: Duration) -> SignedDuration {
    SignedDuration::try_from(time).unwrap_or(SignedDuration::MAX)
}

/// Whether two names are those of one user: the products compare them without case.
pub(crate) fn same_user(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

/// Where a grant stands now: one that was active when last asked about may have come to its end since.
pub(crate) fn state(row: &GrantRow, now: Timestamp) -> GrantState {
    let over = row.expires().is_some_and(|end| end < now);
    if row.state == GrantState::Active && over {
        GrantState::Expired
    } else {
        row.state
    }
}

/// A grant whose end has come since the server was last asked says so.
pub(crate) fn as_of(row: &GrantRow, now: Timestamp) -> GrantRow {
    let state = state(row, now);
    if state == row.state {
        return row.clone();
    }
    GrantRow {
        state,
        note: Some("by its own end; the server was not asked".to_owned()),
        ..row.clone()
    }
}

/// The grants of the store, told apart by what was selected of the fleet file.
pub(super) struct Known {
    /// Those of selected servers and consumers, under the server's present name.
    pub(super) named: Vec<GrantRow>,
    /// How many there are of servers or consumers that are not among the selected ones.
    others: usize,
}

impl Known {
    pub(super) fn of(ready: &Ready, rows: Vec<GrantRow>) -> Self {
        let mut known = Self {
            named: Vec::new(),
            others: 0,
        };
        for mut row in rows {
            let server = ready
                .servers
                .iter()
                .find(|server| server.config.base_url.as_str() == row.server_url);
            let consumer = ready
                .consumers
                .iter()
                .find(|consumer| consumer.name == row.consumer);
            match (server, consumer) {
                (Some(server), Some(_)) => {
                    row.server.clone_from(&server.config.name);
                    known.named.push(row);
                }
                _ => known.others += 1,
            }
        }
        known
    }
}

/// How many grants of the store are of servers or consumers that are not among the selected ones.
pub fn not_selected(ready: &Ready, rows: Vec<GrantRow>) -> usize {
    Known::of(ready, rows).others
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400;

    fn now() -> Timestamp {
        Timestamp::from_second(1_800_000_000).unwrap()
    }

    fn row(id: &str, user: &str, days_old: i64, expires_in: Option<u64>) -> GrantRow {
        let created = Timestamp::from_second(now().as_second() - days_old * DAY).unwrap();
        GrantRow {
            id: id.to_owned(),
            consumer: "deploy-bot".to_owned(),
            consumer_key: "deploy-bot".to_owned(),
            server: "jira".to_owned(),
            server_url: "https://jira.example.com".to_owned(),
            user: user.to_owned(),
            created,
            issued: created,
            expires_in,
            session_expires_in: None,
            renewable: false,
            state: GrantState::Active,
            checked: None,
            note: None,
        }
    }

    fn rows() -> Vec<GrantRow> {
        let mut rejected = row("abcd00000000", "Carol", 1, Some(10 * 86_400));
        rejected.state = GrantState::Rejected;
        vec![
            row("0123456789ab", "alice", 100, Some(101 * 86_400)),
            row("0129999999ab", "bob", 50, None),
            row("abc000000000", "carol", 40, Some(30 * 86_400)),
            rejected,
        ]
    }

    #[track_caller]
    fn check(filter: &GrantFilter, expected: &[&str]) {
        let chosen = filter.choose(rows(), now()).unwrap();
        let ids: Vec<&str> = chosen.iter().map(|row| &row.id[..4]).collect();
        assert_eq!(ids, expected, "{filter:?}");
    }

    fn all() -> GrantFilter {
        GrantFilter::default()
    }

    fn days(days: u64) -> Duration {
        Duration::from_secs(days * 86_400)
    }

    #[test]
    fn filters_narrow_each_other_down() {
        check(&all(), &["0123", "0129", "abc0", "abcd"]);
        let users = vec!["CAROL".to_owned(), "bob".to_owned()];
        check(
            &GrantFilter {
                users: users.clone(),
                ..all()
            },
            &["0129", "abc0", "abcd"],
        );
        let older_than = Some(days(50));
        check(
            &GrantFilter {
                older_than,
                ..all()
            },
            &["0123", "0129"],
        );
        check(
            &GrantFilter {
                users,
                older_than,
                ..all()
            },
            &["0129"],
        );
    }

    #[test]
    fn what_has_expired_expires_within_any_time_and_the_unknown_end_within_none() {
        let within = |time| GrantFilter {
            expires_in: Some(days(time)),
            ..all()
        };
        check(&within(1), &["0123", "abc0"]);
        check(&within(9), &["0123", "abc0", "abcd"]);
    }

    #[test]
    fn a_grant_past_its_end_counts_as_expired() {
        let states = |states: &[GrantStatus]| GrantFilter {
            states: states.to_vec(),
            ..all()
        };
        check(&states(&[GrantStatus::Active]), &["0123", "0129"]);
        check(
            &states(&[GrantStatus::Expired, GrantStatus::Rejected]),
            &["abc0", "abcd"],
        );
        check(&states(&[GrantStatus::Unknown]), &[]);
    }

    #[test]
    fn the_order_says_which_ones_a_limit_keeps() {
        let sorted = |sort, limit| GrantFilter {
            sort,
            limit,
            ..all()
        };
        check(&sorted(GrantSort::Created, Some(2)), &["0123", "0129"]);
        check(
            &sorted(GrantSort::Expires, None),
            &["abc0", "0123", "abcd", "0129"],
        );
        check(
            &sorted(GrantSort::Status, None),
            &["0123", "0129", "abc0", "abcd"],
        );
        check(&sorted(GrantSort::User, Some(1)), &["0123"]);
    }

    #[test]
    fn an_id_names_one_grant_or_none() {
        let ids = |ids: &[&str]| GrantFilter {
            ids: ids.iter().map(|&id| id.to_owned()).collect(),
            ..all()
        };
        check(&ids(&["0123456789ab", "ABCD"]), &["0123", "abcd"]);
        let refused = |id| ids(&[id]).choose(rows(), now()).unwrap_err().to_string();
        assert_eq!(
            refused("012"),
            "`012` is the beginning of several ids: 0123456789ab, 0129999999ab"
        );
        for id in ["f", "", "0123456789abc"] {
            assert!(refused(id).contains("has the id"), "{id}");
        }
    }
}

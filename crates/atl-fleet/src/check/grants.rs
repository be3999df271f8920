//! The grants of a consumer on a server: those that the fleet file wants, and those that the store has, each asked about
//! with one signed call. Nothing is written down.

use std::collections::BTreeMap;

use atl_oauth::{TokenState, token_state};
use atl_store::GrantRow;
use jiff::{SignedDuration, Timestamp};

use super::{Check, Checks, consumer::OnServer};
use crate::{
    observe::Probe,
    signing::{SigningKey, signing_key},
    trouble::Trouble,
    wanted::State,
};

/// So long before its end a grant is due for renewal.
const SOON: SignedDuration = SignedDuration::from_hours(30 * 24);

/// What asking about one grant came to.
struct Asked<'a> {
    row: &'a GrantRow,
    works: bool,
    check: Check,
}

impl Checks<'_> {
    /// A check for each grant, and whether one of them works.
    pub(super) fn grants(&self, on: &OnServer<'_>) -> (Vec<Check>, bool) {
        let consumer = on.consumer;
        if consumer.state == State::Absent {
            return (Vec::new(), false);
        }
        let url = self.client.base_url().as_str();
        let stored: Vec<&GrantRow> = self
            .look
            .known
            .grants
            .iter()
            .filter(|row| row.consumer == consumer.name && row.server_url == url)
            .collect();
        let has = |user: &str| stored.iter().any(|row| same_user(&row.user, user));
        let missing = consumer.grants.iter().filter(|grant| !has(&grant.user));
        let mut checks: Vec<Check> = missing
            .map(|grant| self.missing(&consumer.name, &grant.user))
            .collect();
        if stored.is_empty() {
            return (checks, false);
        }
        // While two consumer keys are live, each signs with a keypair of its own.
        let mut signing: BTreeMap<&str, SigningKey> = BTreeMap::new();
        for row in &stored {
            if signing.contains_key(row.consumer_key.as_str()) {
                continue;
            }
            match self.key_to_ask(on, &row.consumer_key) {
                Ok(key) => signing.insert(&row.consumer_key, key),
                Err(check) => {
                    checks.push(check);
                    return (checks, false);
                }
            };
        }
        let asked: Vec<Asked<'_>> = stored
            .iter()
            .filter_map(|row| Some(self.ask(row, signing.get(row.consumer_key.as_str())?)))
            .collect();
        let one_works = asked.iter().any(|asked| asked.works);
        let works_for = |user: &str| {
            let mut others = asked.iter();
            others.any(|other| other.works && same_user(&other.row.user, user))
        };
        checks.extend(asked.iter().map(|one| {
            let replaced = !one.works && works_for(&one.row.user);
            let check = if replaced {
                left_over(one.row)
            } else {
                one.check.clone()
            };
            check.by(&one.row.user)
        }));
        (checks, one_works)
    }

    fn missing(&self, consumer: &str, user: &str) -> Check {
        Check::warn(
            "grant",
            format!("the store has no grant of `{user}`"),
            authorize(self.client.server(), consumer, user),
        )
        .by(user)
    }

    /// The key that signs; without one, or where what it signs is refused, no grant can be asked about.
    fn key_to_ask(&self, on: &OnServer<'_>, consumer_key: &str) -> Result<SigningKey, Check> {
        if !matches!(on.seen.probe, Probe::Accepted | Probe::Unknown) {
            let why = "calls signed as this consumer are not accepted, so that its grants cannot be asked about";
            return Err(Check::skip("grant", why));
        }
        let (known, keys) = (self.look.known, self.look.keys);
        signing_key(known, keys, on.consumer, consumer_key, self.client).map_err(|trouble| {
            match trouble.code.as_str() {
                "private_key_elsewhere" => Check::skip("grant", trouble.message),
                _ => Check::fail("grant", &trouble),
            }
        })
    }

    fn ask<'r>(&self, row: &'r GrantRow, key: &SigningKey) -> Asked<'r> {
        let fail = |trouble: &Trouble| Asked {
            row,
            works: false,
            check: Check::fail("grant", trouble),
        };
        let secrets = match self.look.keys.grant_secrets(row) {
            Ok(secrets) => secrets,
            Err(trouble) => return fail(&trouble),
        };
        let signer = key.signer_as(&row.consumer_key);
        match token_state(self.client, &signer, &secrets.token) {
            Ok(TokenState::Active { user }) => Asked {
                row,
                works: true,
                check: works(row, &user, Timestamp::now()),
            },
            Ok(state) => fail(&dead(row, state, Timestamp::now())),
            Err(error) => fail(&self.trouble(&row.consumer_key, error)),
        }
    }
}

fn works(row: &GrantRow, user: &str, now: Timestamp) -> Check {
    let gave = &row.user;
    if !same_user(user, gave) {
        return Check::warn(
            "grant",
            format!("the grant that `{gave}` gave stands for `{user}` now"),
            format!(
                "if `{gave}` was not renamed, revoke it with `atl-admin tokens revoke {}`, and then {}",
                row.id,
                again(row)
            ),
        );
    }
    let Some(end) = row.expires() else {
        let message = format!("the grant of `{gave}` works; the server did not say until when");
        return Check::pass("grant", message);
    };
    let renewal = renewal(row, now);
    let message = format!(
        "the grant of `{gave}` works until {end:.0}{}",
        renewal.as_deref().unwrap_or_default()
    );
    if end.duration_since(now) > SOON {
        Check::pass("grant", message)
    } else if renewal.is_some() {
        Check::warn("grant", message, renew(row))
    } else {
        let advice = format!(
            "it cannot be renewed: revoke it with `atl-admin tokens revoke {}`, and then {}",
            row.id,
            again(row)
        );
        Check::warn("grant", message, advice)
    }
}

/// Why a grant does not work, and how there will be one that does.
fn dead(row: &GrantRow, state: TokenState, now: Timestamp) -> Trouble {
    let user = &row.user;
    match state {
        TokenState::Expired => {
            let renewal = renewal(row, now);
            let message = format!(
                "the grant of `{user}` has expired{}",
                renewal.as_deref().unwrap_or_default()
            );
            let advice = renewal.map_or_else(|| again(row), |_| renew(row));
            Trouble::own("grant_expired", message, advice)
        }
        TokenState::Rejected(problem) => Trouble::own(
            "grant_rejected",
            format!("the grant of `{user}` is not accepted any more: {problem}"),
            problem.advice(),
        ),
        TokenState::NotAllowed | TokenState::Active { .. } => Trouble::own(
            "grant_rejected",
            format!("the grant of `{user}` is there, but `{user}` may not sign in any more"),
            format!(
                "activate that account or give it a licence, or revoke the grant with `atl-admin tokens revoke {}`",
                row.id
            ),
        ),
    }
}

/// A grant that does not work beside one of the same user that does.
fn left_over(row: &GrantRow) -> Check {
    Check::warn(
        "grant",
        format!(
            "a grant of `{}` that is dead is still in the store, beside one that works",
            row.user
        ),
        format!("forget it with `atl-admin tokens revoke {}`", row.id),
    )
}

/// Until when it can be renewed, where it can.
fn renewal(row: &GrantRow, now: Timestamp) -> Option<String> {
    if !row.renewable {
        return None;
    }
    match row.session_ends() {
        None => Some("; it can be renewed".to_owned()),
        Some(end) if end > now => Some(format!("; it can be renewed until {end:.0}")),
        Some(_) => None,
    }
}

fn renew(row: &GrantRow) -> String {
    let (server, consumer, user) = (&row.server, &row.consumer, &row.user);
    format!("run `atl-admin tokens renew -s {server} -c {consumer} --user {user}`")
}

fn again(row: &GrantRow) -> String {
    authorize(&row.server, &row.consumer, &row.user)
}

fn authorize(server: &str, consumer: &str, user: &str) -> String {
    format!("run `atl-admin authorize -s {server} -c {consumer} --user {user}`")
}

/// Whether two names are those of one user: the products compare them without case.
fn same_user(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

//! Many users at once, with what they granted.

use md5::{Digest as _, Md5};

use crate::oauth2::OAuth2Grant;
use crate::personal::{Pat, raw};
use crate::server::Server;
use crate::state::State;
use crate::token::{Token, TokenSession};
use crate::user::User;

/// Many users and what they granted, as plain data. Whoever makes it twice has the same twice.
///
/// ```
/// # use atl_testbed::Population;
/// const JANUARY: i64 = 1_735_689_600;
/// let population = Population::of(500)
///     .with_keys()
///     .inactive(|number| number % 50 == 0)
///     .granting("deploy-bot", |number| Some(JANUARY + 3600 * number))
///     .granting("reports", |number| (number % 3 == 0).then_some(JANUARY));
/// assert_eq!((population.users.len(), population.grants.len()), (500, 666));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Population {
    /// The users.
    pub users: Vec<User>,
    /// What they granted.
    pub grants: Vec<Grant>,
}

/// A grant that a user is to have given. The server makes up its token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The name of the user.
    pub user: String,
    /// What was granted.
    pub what: Granted,
    /// When, in seconds since 1970.
    pub created: i64,
}

/// What a user granted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Granted {
    /// Access to the consumer of this key, by OAuth 1.0a.
    Consumer(String),
    /// Access to the client of this name, by OAuth 2.
    Client(String),
    /// Access to whoever holds a personal access token of this name.
    Pat {
        /// The name.
        name: String,
        /// After how many days it ends; `None` is never.
        days: Option<u32>,
    },
}

impl From<&str> for Granted {
    fn from(consumer_key: &str) -> Self {
        Self::Consumer(consumer_key.to_owned())
    }
}

impl Population {
    /// So many ordinary users, `user00001` and on, who granted nothing yet.
    pub fn of(users: usize) -> Self {
        Self {
            users: (1..=users)
                .map(|number| User::ordinary(&format!("user{number:05}")))
                .collect(),
            grants: Vec::new(),
        }
    }

    /// Gives each user a key that is not the name, as Jira does: `JIRAUSER10101` and on.
    #[must_use]
    pub fn with_keys(mut self) -> Self {
        for (number, user) in (10_101..).zip(&mut self.users) {
            user.key = format!("JIRAUSER{number}");
        }
        self
    }

    /// Keeps some users, counted from 1, from logging in.
    #[must_use]
    pub fn inactive(mut self, who: impl Fn(i64) -> bool) -> Self {
        for (number, user) in (1..).zip(&mut self.users) {
            user.active = !who(number);
        }
        self
    }

    /// Lets each user, counted from 1, have granted this when `when` says, in seconds since 1970; `None` is never.
    #[must_use]
    pub fn granting(mut self, what: impl Into<Granted>, when: impl Fn(i64) -> Option<i64>) -> Self {
        let what = what.into();
        let grants = (1..).zip(&self.users).filter_map(|(number, user)| {
            Some(Grant {
                user: user.name.clone(),
                what: what.clone(),
                created: when(number)?,
            })
        });
        self.grants.extend(grants);
        self
    }
}

impl Server {
    /// Adds users, each in place of one of the same name, and makes up tokens for what they granted. Each token follows
    /// from the grant and the name of the server, so that no two servers share one.
    pub fn populate(&self, population: &Population) {
        self.shared.with(|state| {
            for user in &population.users {
                state.users.insert(user.name.clone(), user.clone());
            }
            for (id, grant) in (state.next_pat_id()..).zip(&population.grants) {
                match &grant.what {
                    Granted::Consumer(key) => {
                        let token = token(state, &self.name, key, grant);
                        state.put_token(token);
                    }
                    Granted::Client(name) => {
                        let grant = oauth2_grant(&self.name, name, grant);
                        state.oauth2.insert(grant.id.clone(), grant);
                    }
                    Granted::Pat { name, days } => {
                        let pat = pat(&self.name, id, name, *days, grant);
                        state.pats.insert(pat.value.clone(), pat);
                    }
                }
            }
        });
    }
}

/// The access token of a grant, as if somebody had danced for it then.
fn token(state: &State, server: &str, consumer_key: &str, grant: &Grant) -> Token {
    let Grant { user, created, .. } = grant;
    let lifetimes = &state.settings.lifetimes;
    let made_of = format!("{server} {consumer_key} {user} {created}");
    Token {
        secret: letters(&format!("{made_of} secret")),
        session: Some(TokenSession {
            handle: letters(&format!("{made_of} handle")),
            created: *created,
            renewed: *created,
            ttl: lifetimes.of_session(),
        }),
        created: *created,
        ttl: lifetimes.of_access_token(),
        ..Token::access(&letters(&made_of), consumer_key, user)
    }
}

fn oauth2_grant(server: &str, client: &str, grant: &Grant) -> OAuth2Grant {
    let Grant { user, created, .. } = grant;
    OAuth2Grant {
        id: letters(&format!("{server} {client} {user} {created} of OAuth 2")),
        ..OAuth2Grant::new(client, user, *created)
    }
}

fn pat(server: &str, id: u64, name: &str, days: Option<u32>, grant: &Grant) -> Pat {
    const DAY: i64 = 24 * 60 * 60;
    let Grant { user, created, .. } = grant;
    let random = letters(&format!("{server} {name} {user} {created}"));
    Pat {
        value: raw(id, random.as_bytes()),
        expires: days.map(|days| created + DAY * i64::from(days)),
        ..Pat::new(id, user, name, *created)
    }
}

/// 32 letters and digits that look random and follow from a text.
pub(crate) fn letters(text: &str) -> String {
    const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    ["1", "2"]
        .iter()
        .flat_map(|half| Md5::digest(format!("{half} {text}")))
        .map(|byte| char::from(LETTERS[usize::from(byte) % LETTERS.len()]))
        .collect()
}

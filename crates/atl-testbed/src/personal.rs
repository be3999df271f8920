//! Personal access tokens, which Bitbucket calls HTTP access tokens (protocol.md 4.1 and 4.2).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::server::Server;
use crate::state::{State, random_text};

/// A personal access token.
#[derive(Clone, PartialEq, Eq)]
pub struct Pat {
    /// Its number.
    pub id: u64,
    /// The token itself: base64 of twelve digits, a colon and twenty bytes.
    pub value: String,
    /// What its user calls it.
    pub name: String,
    /// The name of the user.
    pub user: String,
    /// When it was made, in seconds since 1970.
    pub created: i64,
    /// When it ends; `None` is never.
    pub expires: Option<i64>,
    /// When it was last used.
    pub last_used: Option<i64>,
}

impl Pat {
    /// A token without an end that nobody used yet.
    pub fn new(id: u64, user: &str, name: &str, created: i64) -> Self {
        Self {
            id,
            value: raw(id, random_text(20).as_bytes()),
            name: name.to_owned(),
            user: user.to_owned(),
            created,
            expires: None,
            last_used: None,
        }
    }

    pub(crate) fn is_expired(&self, now: i64) -> bool {
        self.expires.is_some_and(|end| end < now)
    }
}

/// It says nothing of the token itself.
impl std::fmt::Debug for Pat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pat")
            .field("id", &self.id)
            .field("name", &self.name)
            .field("user", &self.user)
            .field("created", &self.created)
            .field("expires", &self.expires)
            .field("last_used", &self.last_used)
            .finish_non_exhaustive()
    }
}

/// A token as the products make them, of twenty bytes that look random.
pub(crate) fn raw(id: u64, random: &[u8]) -> String {
    let number = format!("{:012}:", 100_000_000_000 + id);
    STANDARD.encode([number.as_bytes(), random.get(..20).unwrap_or(random)].concat())
}

impl State {
    /// The tokens in the order of their numbers.
    pub(crate) fn sorted_pats(&self) -> Vec<&Pat> {
        let mut pats: Vec<&Pat> = self.pats.values().collect();
        pats.sort_by_key(|pat| pat.id);
        pats
    }

    pub(crate) fn pat(&self, id: u64) -> Option<&Pat> {
        self.pats.values().find(|pat| pat.id == id)
    }

    pub(crate) fn put_pat(&mut self, pat: Pat) {
        self.remove_pat(pat.id);
        self.pats.insert(pat.value.clone(), pat);
    }

    /// Takes a token away; says whether there was one.
    pub(crate) fn remove_pat(&mut self, id: u64) -> bool {
        let before = self.pats.len();
        self.pats.retain(|_, pat| pat.id != id);
        self.pats.len() < before
    }

    pub(crate) fn next_pat_id(&self) -> u64 {
        self.pats.values().map(|pat| pat.id).max().unwrap_or(0) + 1
    }
}

impl Server {
    /// Makes a personal access token of this user, without an end; gives the token itself.
    pub fn add_access_token(&self, user: &str) -> String {
        self.shared.with(|state| {
            let id = state.next_pat_id();
            let pat = Pat::new(id, user, &format!("token {id}"), state.now());
            let value = pat.value.clone();
            state.put_pat(pat);
            value
        })
    }

    /// The personal access tokens, by number.
    pub fn pats(&self) -> Vec<Pat> {
        self.shared
            .with(|state| state.sorted_pats().into_iter().cloned().collect())
    }

    /// Adds a personal access token, in place of the one with its number.
    pub fn put_pat(&self, pat: Pat) {
        self.shared.with(|state| state.put_pat(pat));
    }

    /// Takes a personal access token away by hand; says whether there was one.
    pub fn remove_pat(&self, id: u64) -> bool {
        self.shared.with(|state| state.remove_pat(id))
    }
}

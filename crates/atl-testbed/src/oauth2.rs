//! What users granted to OAuth 2 clients (protocol.md 4.4). Nobody dances for it here: grants are put there by hand.

use uuid::Uuid;

use crate::server::Server;
use crate::state::State;

/// How many seconds a refresh token lives: 90 days.
const LIFETIME: i64 = 90 * 24 * 60 * 60;

/// A grant to an OAuth 2 client, which is a refresh token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OAuth2Grant {
    /// The id of the refresh token, by which the grant is revoked. It is no secret.
    pub id: String,
    /// The name of the client.
    pub client: String,
    /// The name of the user.
    pub user: String,
    /// When it was given, in seconds since 1970.
    pub created: i64,
    /// When it ends.
    pub expires: i64,
    /// What the client may do, such as `READ`.
    pub scopes: Vec<String>,
}

impl OAuth2Grant {
    /// A grant to write, for 90 days. What an id looks like is not known; this one looks much like an access token, so
    /// that nobody tells the two apart by their looks.
    pub fn new(client: &str, user: &str, created: i64) -> Self {
        Self {
            id: Uuid::from_u128(rand::random()).simple().to_string(),
            client: client.to_owned(),
            user: user.to_owned(),
            created,
            expires: created.saturating_add(LIFETIME),
            scopes: vec!["WRITE".to_owned()],
        }
    }
}

impl State {
    /// The grants to OAuth 2 clients, oldest first.
    pub(crate) fn sorted_oauth2_grants(&self) -> Vec<&OAuth2Grant> {
        let mut grants: Vec<&OAuth2Grant> = self.oauth2.values().collect();
        grants.sort_by_key(|grant| (grant.created, &grant.id));
        grants
    }
}

impl Server {
    /// The grants to OAuth 2 clients, oldest first.
    pub fn oauth2_grants(&self) -> Vec<OAuth2Grant> {
        self.shared
            .with(|state| state.sorted_oauth2_grants().into_iter().cloned().collect())
    }

    /// Adds a grant to an OAuth 2 client, in place of the one with its id.
    pub fn put_oauth2_grant(&self, grant: OAuth2Grant) {
        self.shared
            .with(|state| state.oauth2.insert(grant.id.clone(), grant));
    }

    /// Takes such a grant away by hand; says whether there was one.
    pub fn remove_oauth2_grant(&self, id: &str) -> bool {
        self.shared.with(|state| state.oauth2.remove(id).is_some())
    }
}

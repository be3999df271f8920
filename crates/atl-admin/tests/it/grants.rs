//! Grants made by hand: in the store, and on the server.

use atl_store::{GrantRow, GrantSecrets, GrantState, Holder, KeySource, Store, StoreUrl};
use atl_testbed::{Server, Token, TokenSession};
use jiff::Timestamp;
use serde_json::Value;

use crate::estate::{CONSUMER, Fleet};

/// How long the access tokens of these tests live, and how long their sessions.
pub(crate) const TTL: u32 = 1000;
pub(crate) const SESSION: u32 = 5000;

/// The access token of the grant with this number.
pub(crate) fn token(number: u32) -> String {
    format!("access-token-{number:019}")
}

fn handle(number: u32) -> String {
    format!("session-handle-{number:017}")
}

/// The id of that grant; only tokens that a server made have their digest for one.
pub(crate) fn id(number: u32) -> String {
    format!("{number:02x}0000000000")
}

/// The token of that grant, as the server has it.
#[track_caller]
pub(crate) fn alive(server: &Server, number: u32) -> Token {
    let mut tokens = server.tokens().into_iter();
    tokens.find(|known| known.value == token(number)).unwrap()
}

impl Fleet {
    /// The store as the program leaves it.
    pub(crate) fn store(&self) -> Store {
        let url = StoreUrl::Sqlite(self.env.path("home/data/atl-admin/store.db"));
        let key = KeySource::File(self.env.path("home/config/atl-admin/store.key"));
        let holder = Holder {
            user: "somebody".to_owned(),
            host: "elsewhere".to_owned(),
            command: "test".to_owned(),
        };
        Store::open(&url, &key, holder).unwrap()
    }

    /// A grant of this user to the fleet file's consumer on the first server.
    pub(crate) fn grant(&self, number: u32, user: &str) {
        self.grant_on(self.first(), number, user);
    }

    pub(crate) fn grant_on(&self, server: &Server, number: u32, user: &str) {
        let now = Timestamp::now().as_second();
        server.add_token(Token {
            session: Some(TokenSession {
                handle: handle(number),
                created: now,
                renewed: now,
                ttl: SESSION.into(),
            }),
            created: now,
            ttl: TTL.into(),
            ..Token::access(&token(number), CONSUMER, user)
        });
        self.keep(&row(server, number, user));
    }

    /// Puts a grant into the store.
    pub(crate) fn keep(&self, row: &GrantRow) {
        let number = u32::from_str_radix(&row.id[..2], 16).unwrap();
        let secrets = GrantSecrets {
            token: token(number).into(),
            secret: "secret".into(),
            session_handle: row.renewable.then(|| handle(number).into()),
        };
        self.store().put_grant(row, &secrets, &[]).unwrap();
    }

    /// The grants that `tokens list` shows.
    #[track_caller]
    pub(crate) fn listed(&self) -> Vec<Value> {
        let (list, code) = self.json("tokens list --source store");
        assert_eq!(code, 0, "{list:#}");
        list["grants"].as_array().unwrap().clone()
    }
}

/// A grant as it is kept.
pub(crate) fn row(server: &Server, number: u32, user: &str) -> GrantRow {
    let now = Timestamp::now();
    GrantRow {
        id: id(number),
        consumer: CONSUMER.to_owned(),
        consumer_key: CONSUMER.to_owned(),
        server: server.name().to_owned(),
        server_url: server.base_url(),
        user: user.to_owned(),
        created: now,
        issued: now,
        expires_in: Some(TTL.into()),
        session_expires_in: Some(SESSION.into()),
        renewable: true,
        state: GrantState::Active,
        checked: None,
        note: None,
    }
}

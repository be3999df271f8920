//! What a Confluence has in its database (protocol.md 3.4), in a real PostgreSQL: settings, each of which is XML.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use md5::{Digest as _, Md5};
use url::form_urlencoded::byte_serialize;

use crate::copy::{Rows, cell, millis};
use crate::directory::Consumer;
use crate::jira_database::{authorization, kind, verifier, version};
use crate::postgres::PostgresDatabase;
use crate::server::Server;
use crate::state::State;
use crate::token::{Token, TokenKind};

const SCHEMA: &str = include_str!("../../../fixtures/sql/confluence-postgres.sql");

const CONSUMERS: &str = "com.atlassian.oauth.serviceprovider.ServiceProviderConsumerStore.";
const TOKENS: &str = "com.atlassian.oauth.serviceprovider.ServiceProviderTokenStore.";

/// The longest key that stands as it is.
const LONGEST_KEY: usize = 100;

impl Server {
    /// Writes the consumers and tokens that this server has now into the table of a Confluence, in place of what it held.
    ///
    /// # Panics
    ///
    /// Where the database does not take it.
    pub fn write_confluence(&self, database: &PostgresDatabase) {
        let settings = self.shared.with(|state| settings(state));
        let mut rows = Rows::of(
            "bandana",
            "bandanaid, bandanacontext, bandanakey, bandanavalue",
        );
        for (id, (key, value)) in (1_000..).zip(settings) {
            rows.add([cell(&id), cell(&"_GLOBAL"), cell(&key), cell(&value)]);
        }
        database.replace("DROP TABLE IF EXISTS bandana", SCHEMA, &[rows]);
    }
}

/// Keys and values.
fn settings(state: &State) -> BTreeMap<String, String> {
    let mut settings = BTreeMap::new();
    let mut put = |prefix: &str, key: &str, value: String| {
        settings.insert(stored_key(&format!("{prefix}{key}")), value);
    };
    let consumers = &state.directory.consumers;
    let keys: Vec<String> = consumers
        .keys()
        .map(|key| byte_serialize(key.as_bytes()).collect())
        .collect();
    put(CONSUMERS, "allConsumerKeys", string(&keys.join("/")));
    for (key, consumer) in consumers {
        put(CONSUMERS, &format!("consumer.{key}"), of_consumer(consumer));
    }
    let mut tokens: Vec<&Token> = state.tokens.values().collect();
    tokens.sort_by_key(|token| (token.created, &token.value));
    put(TOKENS, "tokenKeys", string(&joined(&tokens)));
    let (mut by_user, mut by_consumer) = (BTreeMap::new(), BTreeMap::new());
    for token in tokens {
        put(TOKENS, &format!("token.{}", token.value), of_token(token));
        if let (TokenKind::Access, Some(user)) = (token.kind, &token.user) {
            by_user.entry(user).or_insert_with(Vec::new).push(token);
        }
        let of_consumer = by_consumer.entry(&token.consumer_key);
        of_consumer.or_insert_with(Vec::new).push(token);
    }
    for (user, tokens) in by_user {
        let value = properties(&[("keys", &joined(&tokens)), ("username", user)]);
        put(TOKENS, &format!("userAccessTokens.{user}"), value);
    }
    for (key, tokens) in by_consumer {
        let value = properties(&[("keys", &joined(&tokens)), ("consumerKey", key)]);
        put(TOKENS, &format!("consumerTokens.{key}"), value);
    }
    settings
}

/// A key that is too long keeps its beginning, and a hash in place of the rest (protocol.md 1.7).
fn stored_key(key: &str) -> String {
    if key.len() <= LONGEST_KEY {
        return key.to_owned();
    }
    let beginning: String = key.chars().take(68).collect();
    let hash = Md5::digest(key);
    hash.iter().fold(beginning, |mut text, byte| {
        // Writing to a string does not fail.
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}

fn joined(tokens: &[&Token]) -> String {
    let values: Vec<&str> = tokens.iter().map(|token| token.value.as_str()).collect();
    values.join("/")
}

fn of_consumer(it: &Consumer) -> String {
    let flag = |on: bool| if on { "true" } else { "false" };
    properties(&[
        ("name", &it.name),
        ("publicKey", &it.public_key.one_line()),
        ("callback", it.callback.as_deref().unwrap_or_default()),
        ("description", it.description.as_deref().unwrap_or_default()),
        ("threeLOAllowed", flag(it.three_legged)),
        ("twoLOAllowed", flag(it.two_legged)),
        (
            "executingTwoLOUser",
            it.execute_as.as_deref().unwrap_or_default(),
        ),
        ("twoLOImpersonationAllowed", flag(it.impersonation)),
    ])
}

/// The names of the first three properties are inferred.
fn of_token(it: &Token) -> String {
    let number = |seconds: i64| millis(seconds).to_string();
    let mut all = vec![
        ("type", kind(it).to_owned()),
        ("tokenSecret", it.secret.clone()),
        ("consumerKey", it.consumer_key.clone()),
        ("authorization", authorization(it).to_owned()),
        ("version", version(it).to_owned()),
        ("creationTime", number(it.created)),
        ("timeToLive", number(it.ttl)),
    ];
    let others = [
        ("userName", it.user.clone()),
        ("verifier", verifier(it).map(str::to_owned)),
        ("callback", it.callback.clone()),
    ];
    all.extend(
        others
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    if let Some(session) = &it.session {
        all.extend([
            ("session.handle", session.handle.clone()),
            ("session.creationTime", number(session.created)),
            ("session.lastRenewalTime", number(session.renewed)),
            ("session.timeToLive", number(session.ttl)),
        ]);
    }
    let all: Vec<(&str, &str)> = all
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    properties(&all)
}

/// A text as `XStream` writes it.
fn string(text: &str) -> String {
    format!("<string>{}</string>", quick_xml::escape::escape(text))
}

/// Properties as `XStream` writes them.
fn properties(pairs: &[(&str, &str)]) -> String {
    let mut text = "<properties>\n".to_owned();
    for (name, value) in pairs {
        let value = quick_xml::escape::escape(*value);
        // Writing to a string does not fail.
        let _infallible = writeln!(text, "  <property name=\"{name}\" value=\"{value}\"/>");
    }
    text + "</properties>"
}

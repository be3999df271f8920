//! Tokens that a server gave out: request tokens, access tokens and the sessions that renew them (protocol.md 2).

use crate::state::{State, random_text};

/// What a token is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// A request token, to be approved and exchanged.
    Request,
    /// An access token.
    Access,
}

/// What a user decided about a request token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Yes; whoever exchanges the token must know the verifier, except in version 1.0 of the protocol.
    Approved {
        /// Six letters and digits.
        verifier: String,
    },
    /// No.
    Denied,
}

/// What lets a consumer renew an access token (protocol.md 2.4). Times are seconds of the server's clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenSession {
    /// The session handle.
    pub handle: String,
    /// When the request token was exchanged; renewals leave it alone.
    pub created: i64,
    /// When it was last renewed, or made.
    pub renewed: i64,
    /// How many seconds after that it can still be renewed.
    pub ttl: i64,
}

/// A token that this server gave out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The token.
    pub value: String,
    /// Its secret, which RSA does not use.
    pub secret: String,
    /// What it is good for.
    pub kind: TokenKind,
    /// The consumer it was given to.
    pub consumer_key: String,
    /// The user who decided about it.
    pub user: Option<String>,
    /// The callback it was asked with; `None` is version 1.0 of the protocol.
    pub callback: Option<String>,
    /// What the user decided; access tokens have nothing to decide.
    pub decision: Option<Decision>,
    /// What renews it; request tokens have none.
    pub session: Option<TokenSession>,
    /// When it was made, in seconds of the server's clock.
    pub created: i64,
    /// How many seconds it lives.
    pub ttl: i64,
}

impl Token {
    /// An access token that a user gave to a consumer. It never expires, and nothing renews it.
    pub fn access(value: &str, consumer_key: &str, user: &str) -> Self {
        Self {
            value: value.to_owned(),
            secret: "secret".to_owned(),
            kind: TokenKind::Access,
            consumer_key: consumer_key.to_owned(),
            user: Some(user.to_owned()),
            callback: None,
            decision: None,
            session: None,
            created: 0,
            ttl: i64::MAX / 2,
        }
    }

    pub(crate) fn is_expired(&self, now: i64) -> bool {
        now - self.created > self.ttl
    }

    /// Whether it awaits a decision.
    pub(crate) fn is_pending(&self) -> bool {
        self.kind == TokenKind::Request && self.decision.is_none()
    }
}

impl TokenSession {
    pub(crate) fn is_over(&self, now: i64) -> bool {
        now - self.renewed > self.ttl
    }
}

impl State {
    /// Reads a token. One whose user is gone is deleted by the look at it (protocol.md 3.5).
    pub(crate) fn token(&mut self, value: &str) -> Option<Token> {
        let token = self.tokens.get(value)?;
        let gone = token
            .user
            .as_ref()
            .is_some_and(|user| !self.users.contains_key(user));
        if gone {
            self.tokens.remove(value);
            return None;
        }
        Some(token.clone())
    }

    /// Gives out a token.
    pub(crate) fn put_token(&mut self, token: Token) {
        self.tokens.insert(token.value.clone(), token);
    }

    /// Binds a pending request token to the user who approves it; gives the verifier.
    pub(crate) fn approve(&mut self, value: &str, user: &str) -> Option<String> {
        let verifier = random_text(6);
        let decision = Decision::Approved {
            verifier: verifier.clone(),
        };
        self.decide(value, Some(user), decision).then_some(verifier)
    }

    /// Marks a pending request token as denied.
    pub(crate) fn deny(&mut self, value: &str, user: Option<&str>) -> bool {
        self.decide(value, user, Decision::Denied)
    }

    fn decide(&mut self, value: &str, user: Option<&str>, decision: Decision) -> bool {
        let Some(token) = self
            .tokens
            .get_mut(value)
            .filter(|token| token.is_pending())
        else {
            return false;
        };
        token.user = user.map(str::to_owned);
        token.decision = Some(decision);
        true
    }
}

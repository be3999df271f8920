//! The tokens of a server, as tests look at them and change them by hand.

use crate::server::Server;
use crate::token::Token;

impl Server {
    /// The tokens that are alive, oldest first.
    pub fn tokens(&self) -> Vec<Token> {
        let mut tokens: Vec<Token> = self
            .shared
            .with(|state| state.tokens.values().cloned().collect());
        tokens.sort_by(|a, b| (a.created, &a.value).cmp(&(b.created, &b.value)));
        tokens
    }

    /// The request tokens that nobody has decided about.
    pub fn pending_tokens(&self) -> Vec<Token> {
        let mut tokens = self.tokens();
        tokens.retain(Token::is_pending);
        tokens
    }

    /// Gives out a token by hand.
    pub fn add_token(&self, token: Token) {
        self.shared.with(|state| state.put_token(token));
    }

    /// Takes a token away by hand; says whether there was one.
    pub fn remove_token(&self, value: &str) -> bool {
        self.shared
            .with(|state| state.tokens.remove(value).is_some())
    }

    /// Approves a pending request token as this user, as in a browser elsewhere; gives the verifier.
    pub fn approve(&self, token: &str, user: &str) -> Option<String> {
        self.shared.with(|state| state.approve(token, user))
    }

    /// Denies a pending request token, as in a browser elsewhere; says whether there was one.
    pub fn deny(&self, token: &str) -> bool {
        self.shared.with(|state| state.deny(token, None))
    }

    /// Makes every token so many seconds older, its session with it, as if that time had passed; the clock stays, so
    /// that timestamps remain acceptable.
    pub fn age_tokens(&self, seconds: u32) {
        let by = i64::from(seconds);
        self.shared.with(|state| {
            for token in state.tokens.values_mut() {
                token.created -= by;
                if let Some(session) = &mut token.session {
                    session.created -= by;
                    session.renewed -= by;
                }
            }
        });
    }
}

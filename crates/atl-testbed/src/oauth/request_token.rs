//! The request-token endpoint (protocol.md 2.2).

use url::Url;

use super::base_string::form;
use super::message::Message;
use super::problem::{Failure, Problem, answer};
use super::verify::verify;
use crate::call::Call;
use crate::reply::Reply;
use crate::state::{State, random_text};
use crate::token::{Token, TokenKind};

/// Gives out a request token, or says why not.
pub(crate) fn request_token(state: &mut State, call: &Call) -> Reply {
    let outcome = granted(state, call);
    answer(state, outcome)
}

fn granted(state: &mut State, call: &Call) -> Result<Reply, Failure> {
    let message = Message::of(call);
    let consumer_key = message.need("oauth_consumer_key")?;
    let consumer = state.seen(call).consumers.get(consumer_key).cloned();
    let consumer = consumer.ok_or_else(|| Problem::new("consumer_key_unknown"))?;
    if !consumer.three_legged {
        return Err(Problem::new("permission_denied").into());
    }
    let callback = message.get("oauth_callback");
    if let Some(uri) = callback.filter(|uri| !is_callback(uri)) {
        return Err(Problem::new("parameter_rejected")
            .with("oauth_parameters_rejected", "oauth_callback")
            .with(
                "oauth_problem_advice",
                format!("the callback URI {uri} is not valid: it must be http or https"),
            )
            .into());
    }
    verify(state, call, &message, &consumer.public_key)?;

    let token = Token {
        value: random_text(32),
        secret: random_text(32),
        kind: TokenKind::Request,
        consumer_key: consumer.key,
        user: None,
        callback: callback.map(str::to_owned),
        decision: None,
        session: None,
        created: state.now(),
        ttl: state.settings.lifetimes.of_request_token(),
    };
    let mut params = vec![
        ("oauth_token".to_owned(), token.value.clone()),
        ("oauth_token_secret".to_owned(), token.secret.clone()),
    ];
    if callback.is_some() {
        params.push(("oauth_callback_confirmed".to_owned(), "true".to_owned()));
    }
    state.put_token(token);
    Ok(Reply::body(200, "text/plain", form(&params)))
}

fn is_callback(uri: &str) -> bool {
    uri == "oob"
        || Url::parse(uri)
            .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

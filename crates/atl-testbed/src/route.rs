//! From a request to an answer, state in hand.

use std::time::SystemTime;

use hyper::header::WWW_AUTHENTICATE;
use serde_json::json;

use crate::call::Call;
use crate::exchange::AuthenticatedBy;
use crate::identity::{Caller, identify};
use crate::oauth;
use crate::reply::Reply;
use crate::rest;
use crate::spec::Kind;
use crate::state::State;
use crate::web;

/// Answers a call, and says who made it.
pub(crate) fn answer(state: &mut State, call: &Call) -> (Reply, Caller) {
    let (reply, caller) = match identify(state, call) {
        Ok(caller) => {
            let mut reply = match throttle(state, call, &caller) {
                Throttle::Refused(reply) => reply,
                Throttle::Passed(headers) => {
                    let mut reply = dispatch(state, call, &caller);
                    for (name, value) in headers {
                        reply = reply.header(name, &value);
                    }
                    reply
                }
            };
            if caller.by == AuthenticatedBy::Basic {
                reply = reply.header("x-seraph-loginreason", "OK");
            }
            (reply, caller)
        }
        Err(refusal) => (refusal, Caller::NOBODY),
    };
    state.after(call);
    (decorate(state, reply, &caller), caller)
}

fn dispatch(state: &mut State, call: &Call, caller: &Caller) -> Reply {
    let segments = call.segments();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    match (call.method.as_str(), segments.as_slice()) {
        (_, ["rest", resource @ ..]) => rest::answer(state, call, caller, resource),
        ("GET", ["plugins", "servlet", "applinks", "whoami"]) => {
            Reply::text(200, caller.user.as_deref().unwrap_or_default())
        }
        ("POST", ["plugins", "servlet", "oauth", "request-token"]) => {
            oauth::request_token(state, call)
        }
        ("POST", ["plugins", "servlet", "oauth", "access-token"]) => {
            oauth::access_token(state, call)
        }
        (
            "GET",
            [
                "plugins",
                "servlet",
                "oauth",
                "request-token" | "access-token",
            ],
        ) => Reply::empty(200),
        ("GET", ["plugins", "servlet", "oauth", "consumer-info"]) => oauth::consumer_info(state),
        _ => web::answer(state, call, caller, &segments),
    }
}

/// What every answer carries: the user (protocol.md 5.4), and on a 401 the OAuth challenge (protocol.md 2.8).
fn decorate(state: &State, mut reply: Reply, caller: &Caller) -> Reply {
    let challenged = reply
        .headers
        .iter()
        .any(|(name, value)| *name == WWW_AUTHENTICATE && value.as_bytes().starts_with(b"OAuth"));
    if reply.status == 401 && !challenged {
        reply = reply.challenge(&oauth::challenge(&state.base_url));
    }
    if state.kind != Kind::Bamboo {
        let user = caller.user.as_deref().unwrap_or("anonymous");
        let user: String = url::form_urlencoded::byte_serialize(user.as_bytes()).collect();
        reply = reply.header("x-ausername", &user);
    }
    reply
}

enum Throttle {
    Passed(Vec<(&'static str, String)>),
    Refused(Reply),
}

/// The token bucket of a user; sessions and the anonymous go free (protocol.md 5.5).
fn throttle(state: &mut State, call: &Call, caller: &Caller) -> Throttle {
    let (Some(rate), Some(user)) = (state.settings.rate_limit, &caller.user) else {
        return Throttle::Passed(vec![]);
    };
    if caller.by == AuthenticatedBy::Session {
        return Throttle::Passed(vec![]);
    }
    let now = SystemTime::now();
    let (left, since) = state
        .buckets
        .entry(user.clone())
        .or_insert((rate.limit, now));
    let passed = now.duration_since(*since).unwrap_or_default();
    let intervals =
        u32::try_from(passed.as_nanos() / rate.interval.as_nanos().max(1)).unwrap_or(u32::MAX);
    if intervals > 0 {
        *left = left
            .saturating_add(intervals.saturating_mul(rate.fill_rate))
            .min(rate.limit);
        *since = now;
    }
    let empty = *left == 0;
    *left = left.saturating_sub(1);
    let seconds = rate.interval.as_secs().max(1);
    let headers = vec![
        ("x-ratelimit-limit", rate.limit.to_string()),
        ("x-ratelimit-remaining", left.to_string()),
        ("x-ratelimit-fillrate", rate.fill_rate.to_string()),
        ("x-ratelimit-interval-seconds", seconds.to_string()),
        (
            "retry-after",
            if empty {
                seconds.to_string()
            } else {
                "0".to_owned()
            },
        ),
    ];
    if !empty {
        return Throttle::Passed(headers);
    }
    let reply = too_many(call);
    Throttle::Refused(
        headers
            .into_iter()
            .fold(reply, |reply, (name, value)| reply.header(name, &value)),
    )
}

/// 429 in the form that is asked for.
pub(crate) fn too_many(call: &Call) -> Reply {
    if call
        .header("accept")
        .is_some_and(|accept| accept.contains("application/json"))
    {
        Reply::json(429, &json!({ "message": "Rate limit exceeded." }))
    } else {
        Reply::html(
            429,
            "<html><body><h1>Rate limit exceeded</h1></body></html>".to_owned(),
        )
    }
}

//! What of a server can be set while it runs.

use std::time::Duration;

use crate::fault::{Fault, Rule};

/// Something about a server that can be set, before it starts or while it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Setting {
    /// Whether Basic is allowed on REST (protocol.md 5.2).
    BasicAllowed(bool),
    /// Whether session callers must elevate before they administer (protocol.md 5.3).
    Websudo(bool),
    /// How many wrong passwords in a row lead to a CAPTCHA (protocol.md 5.4); `None` never.
    CaptchaAfter(Option<u32>),
    /// Whether the anonymous may use Confluence's REST (protocol.md 6).
    AnonymousAccess(bool),
    /// Seconds by which the server's clock is ahead of the real one (behind, if negative).
    ClockSkew(i64),
    /// The scheme, host and port that the server believes it was called at, as behind a proxy that rewrites them
    /// (protocol.md 2.9), such as `https://internal:7999`; `None` believes the request.
    SeenAs(Option<String>),
    /// Token bucket per user (protocol.md 5.5); `None` has none.
    RateLimit(Option<RateLimit>),
    /// How many seconds request tokens live that are given out from now on (protocol.md 2.5).
    RequestTokenTtl(u32),
    /// How many seconds access tokens live that are given out from now on (protocol.md 2.5).
    AccessTokenTtl(u32),
    /// For how many seconds access tokens that are given out from now on can be renewed (protocol.md 2.5); `None` is
    /// thirty days more than they live.
    SessionTtl(Option<u32>),
    /// Two nodes that take turns by connection; the second learns of a change in links and consumers when
    /// [`Server::sync`](crate::Server::sync) is called, or after it has served this many requests.
    TwoNodes {
        /// After how many of its own requests the second node catches up by itself.
        catch_up_after: Option<u32>,
    },
    /// One node again.
    OneNode,
}

/// A token bucket (protocol.md 5.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// How many requests may come at once.
    pub limit: u32,
    /// How many are allowed again per interval.
    pub fill_rate: u32,
    /// The interval.
    pub interval: Duration,
}

/// Anything that [`Server::set`](crate::Server::set) takes.
#[derive(Clone, Debug)]
pub enum Knob {
    /// A setting.
    Setting(Setting),
    /// A fault, with its limits.
    Rule(Rule),
}

impl From<Setting> for Knob {
    fn from(setting: Setting) -> Self {
        Self::Setting(setting)
    }
}

impl From<Fault> for Knob {
    fn from(fault: Fault) -> Self {
        Self::Rule(Rule::new(fault))
    }
}

impl From<Rule> for Knob {
    fn from(rule: Rule) -> Self {
        Self::Rule(rule)
    }
}

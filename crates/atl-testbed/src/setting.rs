//! What of a server can be set while it runs.

use std::time::Duration;

use crate::fault::{Fault, Rule};
use crate::spec::{Generation, Kind};
use crate::web::{Language, Layout, Oddity};

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
    /// Whether this is a copy of the server of this base URL: its manifest has that one's id and URL (protocol.md 6).
    CopyOf(String),
    /// Token bucket per user (protocol.md 5.5); `None` has none.
    RateLimit(Option<RateLimit>),
    /// How many seconds request tokens live that are given out from now on (protocol.md 2.5).
    RequestTokenTtl(u32),
    /// How many seconds access tokens live that are given out from now on (protocol.md 2.5).
    AccessTokenTtl(u32),
    /// For how many seconds access tokens that are given out from now on can be renewed (protocol.md 2.5); `None` is
    /// thirty days more than they live.
    SessionTtl(Option<u32>),
    /// What the pages of the dance and of access tokens look like, whatever the generation.
    Layout(Layout),
    /// The language of the page of access tokens.
    Language(Language),
    /// What is odd about the page of access tokens; `None` is nothing.
    Oddity(Option<Oddity>),
    /// The status with which the page of access tokens refuses to revoke, as it may where the deprecated handler has
    /// gone (protocol.md 9.2); `None` revokes.
    NoRevocation(Option<u16>),
    /// Whether a filter of the product refuses revocations without an XSRF token or `X-Atlassian-Token: no-check`, as
    /// it may (protocol.md 9.13).
    XsrfFilter(bool),
    /// Whether the provider of OAuth 2 takes requests over https only, as it does unless its server is told otherwise
    /// (protocol.md 4.4). It is told otherwise here: over http nobody could have granted anything.
    OAuth2NeedsHttps(bool),
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

/// How a server is set.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own in the products too"
)]
pub(crate) struct Settings {
    pub(crate) basic_allowed: bool,
    pub(crate) allowed_paths: Vec<String>,
    pub(crate) allowed_users: Vec<String>,
    pub(crate) show_warning: bool,
    pub(crate) websudo: bool,
    pub(crate) captcha_after: Option<u32>,
    pub(crate) anonymous_access: bool,
    pub(crate) clock_skew: i64,
    pub(crate) seen_as: Option<String>,
    pub(crate) copy_of: Option<String>,
    pub(crate) rate_limit: Option<RateLimit>,
    pub(crate) lifetimes: Lifetimes,
    pub(crate) layout: Layout,
    pub(crate) language: Language,
    pub(crate) oddity: Option<Oddity>,
    pub(crate) no_revocation: Option<u16>,
    pub(crate) xsrf_filter: bool,
    pub(crate) oauth2_needs_https: bool,
}

impl Settings {
    /// As a product of this generation comes out of the box.
    pub(crate) fn new(kind: Kind, generation: Generation) -> Self {
        Self {
            basic_allowed: kind.basic_by_default(generation),
            allowed_paths: Vec::new(),
            allowed_users: Vec::new(),
            show_warning: true,
            websudo: kind.websudo_by_default(generation),
            captcha_after: None,
            anonymous_access: true,
            clock_skew: 0,
            seen_as: None,
            copy_of: None,
            rate_limit: None,
            lifetimes: Lifetimes::default(),
            layout: Layout::of(generation),
            language: Language::English,
            oddity: None,
            no_revocation: None,
            xsrf_filter: false,
            oauth2_needs_https: false,
        }
    }
}

/// How many seconds things of the dance live (protocol.md 2.5).
#[derive(Debug)]
pub(crate) struct Lifetimes {
    pub(crate) request_token: u32,
    pub(crate) access_token: u32,
    /// `None` is thirty days more than an access token.
    pub(crate) session: Option<u32>,
}

impl Default for Lifetimes {
    fn default() -> Self {
        Self {
            request_token: 600,
            access_token: 157_680_000,
            session: None,
        }
    }
}

impl Lifetimes {
    pub(crate) fn of_request_token(&self) -> i64 {
        self.request_token.into()
    }

    pub(crate) fn of_access_token(&self) -> i64 {
        self.access_token.into()
    }

    pub(crate) fn of_session(&self) -> i64 {
        const THIRTY_DAYS: i64 = 30 * 24 * 60 * 60;
        self.session
            .map_or(self.of_access_token() + THIRTY_DAYS, i64::from)
    }
}

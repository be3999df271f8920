//! What one server knows.

use std::collections::{BTreeMap, HashMap};
use std::time::{SystemTime, UNIX_EPOCH};

use rand::RngExt as _;
use rand::distr::Alphanumeric;
use uuid::Uuid;

use crate::call::Call;
use crate::directory::{Directory, link_id};
use crate::exchange::{Exchange, is_write};
use crate::fault::Faults;
use crate::oauth::Nonces;
use crate::oauth2::OAuth2Grant;
use crate::personal::Pat;
use crate::setting::{Setting, Settings};
use crate::spec::{
    ADMIN, ADMIN_PASSWORD, ALICE, BOB, Generation, Kind, MANAGER, MANAGER_PASSWORD, SERVICE_USER,
};
use crate::token::Token;
use crate::user::{Role, User};

/// A signed-in browser.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) user: String,
    pub(crate) elevated: bool,
    /// The XSRF token where it is bound to the session.
    pub(crate) xsrf: String,
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SignIns {
    /// Wrong passwords since the last right one: what a CAPTCHA counts.
    pub(crate) in_a_row: u32,
    /// Wrong passwords ever, refusals behind a CAPTCHA included.
    pub(crate) failed: usize,
}

/// The second node's copy, and how many of its own requests it will yet serve from it.
#[derive(Debug)]
pub(crate) struct SecondNode {
    pub(crate) copy: Directory,
    pub(crate) catch_up_after: Option<u32>,
    pub(crate) served: u32,
}

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) kind: Kind,
    pub(crate) generation: Generation,
    pub(crate) base_url: String,
    /// The context path.
    pub(crate) context: String,
    /// The id that the server has for others.
    pub(crate) id: Uuid,
    pub(crate) settings: Settings,
    pub(crate) users: BTreeMap<String, User>,
    pub(crate) sign_ins: BTreeMap<String, SignIns>,
    pub(crate) sessions: HashMap<String, Session>,
    /// Personal access tokens, by themselves.
    pub(crate) pats: HashMap<String, Pat>,
    /// Grants to OAuth 2 clients, by id.
    pub(crate) oauth2: HashMap<String, OAuth2Grant>,
    pub(crate) directory: Directory,
    pub(crate) second_node: Option<SecondNode>,
    pub(crate) tokens: HashMap<String, Token>,
    pub(crate) nonces: [Nonces; 2],
    pub(crate) buckets: HashMap<String, (u32, SystemTime)>,
    pub(crate) faults: Faults,
    pub(crate) log: Vec<Exchange>,
}

impl State {
    pub(crate) fn new(
        kind: Kind,
        generation: Generation,
        base_url: String,
        context: String,
    ) -> Self {
        let users = [
            User::new(ADMIN, ADMIN_PASSWORD, Role::SysAdmin),
            User::new(MANAGER, MANAGER_PASSWORD, Role::Admin),
            User::ordinary(ALICE),
            User::ordinary(BOB),
            User::ordinary(SERVICE_USER),
        ];
        Self {
            kind,
            generation,
            id: link_id(&base_url),
            base_url,
            context,
            settings: Settings::new(kind, generation),
            users: users
                .into_iter()
                .map(|user| (user.name.clone(), user))
                .collect(),
            sign_ins: BTreeMap::new(),
            sessions: HashMap::new(),
            pats: HashMap::new(),
            oauth2: HashMap::new(),
            directory: Directory::default(),
            second_node: None,
            tokens: HashMap::new(),
            nonces: [Nonces::default(), Nonces::default()],
            buckets: HashMap::new(),
            faults: Faults::default(),
            log: Vec::new(),
        }
    }

    pub(crate) fn set(&mut self, setting: Setting) {
        match setting {
            Setting::BasicAllowed(on) => self.settings.basic_allowed = on,
            Setting::Websudo(on) => self.settings.websudo = on,
            Setting::CaptchaAfter(times) => self.settings.captcha_after = times,
            Setting::AnonymousAccess(on) => self.settings.anonymous_access = on,
            Setting::ClockSkew(seconds) => self.settings.clock_skew = seconds,
            Setting::SeenAs(origin) => self.settings.seen_as = origin,
            Setting::CopyOf(original) => {
                self.id = link_id(&original);
                self.settings.copy_of = Some(original);
            }
            Setting::RateLimit(limit) => {
                self.settings.rate_limit = limit;
                self.buckets.clear();
            }
            Setting::RequestTokenTtl(seconds) => self.settings.lifetimes.request_token = seconds,
            Setting::AccessTokenTtl(seconds) => self.settings.lifetimes.access_token = seconds,
            Setting::SessionTtl(seconds) => self.settings.lifetimes.session = seconds,
            Setting::Layout(layout) => self.settings.layout = layout,
            Setting::Language(language) => self.settings.language = language,
            Setting::Oddity(oddity) => self.settings.oddity = oddity,
            Setting::NoRevocation(status) => self.settings.no_revocation = status,
            Setting::XsrfFilter(on) => self.settings.xsrf_filter = on,
            Setting::OAuth2NeedsHttps(on) => self.settings.oauth2_needs_https = on,
            Setting::TwoNodes { catch_up_after } => {
                self.second_node = Some(SecondNode {
                    copy: self.directory.clone(),
                    catch_up_after,
                    served: 0,
                });
            }
            Setting::OneNode => self.second_node = None,
        }
    }

    /// Brings the second node up to date.
    pub(crate) fn sync(&mut self) {
        if let Some(second) = &mut self.second_node {
            second.copy = self.directory.clone();
            second.served = 0;
        }
    }

    /// What the node that serves this call believes the links and consumers to be.
    pub(crate) fn seen(&self, call: &Call) -> &Directory {
        match &self.second_node {
            Some(second) if call.node == 1 => &second.copy,
            _ => &self.directory,
        }
    }

    /// The node knows what it changed itself, and forgets its copy when it is due.
    pub(crate) fn after(&mut self, call: &Call) {
        let Some(second) = &mut self.second_node else {
            return;
        };
        if call.node == 0 {
            return;
        }
        second.served += 1;
        let due = second
            .catch_up_after
            .is_some_and(|limit| second.served >= limit);
        // Tokens are in the database and no node keeps a copy of them.
        let dance = call.path.starts_with("/plugins/servlet/oauth/");
        if due || (is_write(&call.method, &call.path) && !dance) {
            self.sync();
        }
    }

    /// The server's clock in seconds.
    pub(crate) fn now(&self) -> i64 {
        let real = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |passed| passed.as_secs().cast_signed());
        real + self.settings.clock_skew
    }

    pub(crate) fn role(&self, user: Option<&str>) -> Option<Role> {
        user.and_then(|name| self.users.get(name))
            .map(|user| user.role)
    }

    /// Takes a consumer and every token of its key away (protocol.md 1.7).
    pub(crate) fn remove_consumer(&mut self, key: &str) {
        self.directory.consumers.remove(key);
        self.tokens.retain(|_, token| token.consumer_key != key);
    }

    /// Takes a link away, its consumer and every token of that.
    pub(crate) fn remove_link(&mut self, id: Uuid) -> bool {
        let Some(link) = self.directory.remove(id) else {
            return false;
        };
        if let Some(key) = &link.consumer_key {
            self.remove_consumer(key);
        }
        true
    }
}

/// So many random letters and digits.
pub(crate) fn random_text(length: usize) -> String {
    rand::rng()
        .sample_iter(Alphanumeric)
        .take(length)
        .map(char::from)
        .collect()
}

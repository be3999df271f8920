//! Who calls: Basic, a personal access token, a session, a signature; or nobody (protocol.md 5).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::header::{ACCEPT, AUTHORIZATION};
use serde_json::json;

use crate::call::Call;
use crate::exchange::AuthenticatedBy;
use crate::oauth;
use crate::reply::Reply;
use crate::spec::Kind;
use crate::state::State;
use crate::user::{Role, User};
use crate::wire::Format;

/// Who calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    pub(crate) user: Option<String>,
    pub(crate) by: AuthenticatedBy,
}

impl Caller {
    pub(crate) const NOBODY: Self = Self {
        user: None,
        by: AuthenticatedBy::Nothing,
    };

    fn new(user: Option<String>, by: AuthenticatedBy) -> Self {
        Self { user, by }
    }

    /// The user who calls.
    pub(crate) fn known<'a>(&self, state: &'a State) -> Option<&'a User> {
        self.user.as_deref().and_then(|name| state.users.get(name))
    }

    /// What the caller may do. Bitbucket's tokens never carry global permissions (protocol.md 4.2).
    pub(crate) fn role(&self, state: &State) -> Option<Role> {
        let role = state.role(self.user.as_deref())?;
        let limited = state.kind == Kind::Bitbucket && self.by == AuthenticatedBy::AccessToken;
        Some(if limited { Role::User } else { role })
    }

    pub(crate) fn is_admin(&self, state: &State) -> bool {
        self.role(state) >= Some(Role::Admin)
    }

    pub(crate) fn is_sysadmin(&self, state: &State) -> bool {
        self.role(state) == Some(Role::SysAdmin)
    }

    /// Whether the caller must elevate first: only session callers ever must, and those whose Basic is not spelled
    /// exactly so (protocol.md 5.3).
    pub(crate) fn must_elevate(&self, state: &State, call: &Call) -> bool {
        let elevated = session_id(state, call)
            .and_then(|id| state.sessions.get(id))
            .is_some_and(|session| session.elevated);
        let spelled = || {
            call.header(AUTHORIZATION)
                .is_some_and(|value| value.starts_with("Basic "))
        };
        let exempt = match self.by {
            AuthenticatedBy::Session => elevated,
            AuthenticatedBy::Basic => spelled(),
            AuthenticatedBy::Nothing | AuthenticatedBy::AccessToken | AuthenticatedBy::OAuth => {
                true
            }
        };
        state.settings.websudo && !exempt
    }
}

/// What became of a user name and a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SignIn {
    Accepted,
    WrongPassword,
    /// A CAPTCHA stands before every password, the right one included.
    Denied,
}

impl SignIn {
    /// The value of `X-Seraph-LoginReason` (protocol.md 5.4).
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::Accepted => "OK",
            Self::WrongPassword => "AUTHENTICATED_FAILED",
            Self::Denied => "AUTHENTICATION_DENIED",
        }
    }
}

/// Checks a password and keeps count.
pub(crate) fn check_password(state: &mut State, user: &str, password: &str) -> SignIn {
    let right = state
        .users
        .get(user)
        .is_some_and(|known| known.active && known.password == password);
    let record = state.sign_ins.entry(user.to_owned()).or_default();
    if state
        .settings
        .captcha_after
        .is_some_and(|limit| record.in_a_row >= limit)
    {
        record.failed += 1;
        return SignIn::Denied;
    }
    if right {
        record.in_a_row = 0;
        return SignIn::Accepted;
    }
    record.in_a_row += 1;
    record.failed += 1;
    SignIn::WrongPassword
}

pub(crate) fn session_id<'a>(state: &State, call: &'a Call) -> Option<&'a str> {
    call.cookie(state.kind.session_cookie())
}

/// Finds out who calls, or refuses at the door.
pub(crate) fn identify(state: &mut State, call: &Call) -> Result<Caller, Reply> {
    let authorization = call.header(AUTHORIZATION).unwrap_or_default();
    if authorization
        .get(..6)
        .is_some_and(|scheme| scheme.eq_ignore_ascii_case("basic "))
    {
        return basic(state, call, authorization[6..].trim());
    }
    if oauth::is_attempt(call) {
        return oauth::sign_in(state, call).map(|user| Caller::new(user, AuthenticatedBy::OAuth));
    }
    if let Some(token) = authorization.strip_prefix("Bearer ") {
        return bearer(state, call, token);
    }
    let session = session_id(state, call)
        .and_then(|id| state.sessions.get(id))
        .filter(|session| state.users.contains_key(&session.user));
    Ok(session.map_or(Caller::NOBODY, |session| {
        Caller::new(Some(session.user.clone()), AuthenticatedBy::Session)
    }))
}

fn basic(state: &mut State, call: &Call, credentials: &str) -> Result<Caller, Reply> {
    let credentials = STANDARD
        .decode(credentials)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok());
    let credentials = credentials
        .as_deref()
        .and_then(|text| text.split_once(':'))
        .unwrap_or_default();
    let (user, password) = credentials;
    let rest = call.path.starts_with("/rest/");
    if rest && !basic_allowed(state, call, user) {
        return Err(basic_disabled(call));
    }
    // A stale session beside Basic spoils it on REST (protocol.md 5.1).
    if rest && session_id(state, call).is_some_and(|id| !state.sessions.contains_key(id)) {
        return Err(Reply::empty(401));
    }
    match check_password(state, user, password) {
        SignIn::Accepted => Ok(Caller::new(Some(user.to_owned()), AuthenticatedBy::Basic)),
        refused => Err(refuse(state, refused)),
    }
}

/// The refusal of a password: 401, or 403 with a pointer to the sign-in page where Jira asks for a CAPTCHA.
pub(crate) fn refuse(state: &State, refused: SignIn) -> Reply {
    let reason = refused.reason();
    let text = format!("Basic Authentication Failure - Reason : {reason}");
    let reply = if refused == SignIn::Denied && state.kind == Kind::Jira {
        let pointer = format!("CAPTCHA_CHALLENGE; login-url={}/login.jsp", state.base_url);
        Reply::text(403, &text).header("x-authentication-denied-reason", &pointer)
    } else {
        Reply::text(401, &text).challenge(&format!(r#"Basic realm="{}""#, state.kind.title()))
    };
    reply.header("x-seraph-loginreason", reason)
}

fn basic_allowed(state: &State, call: &Call, user: &str) -> bool {
    let settings = &state.settings;
    settings.basic_allowed
        || settings.allowed_users.iter().any(|allowed| allowed == user)
        || settings
            .allowed_paths
            .iter()
            .any(|pattern| is_like(&call.path, pattern))
}

/// Whether a path is like a pattern with `*` in it.
fn is_like(path: &str, pattern: &str) -> bool {
    match pattern.split_once('*') {
        None => path == pattern,
        Some((start, rest)) => path.strip_prefix(start).is_some_and(|tail| {
            tail.char_indices()
                .map(|(at, _)| at)
                .chain([tail.len()])
                .any(|at| is_like(&tail[at..], rest))
        }),
    }
}

fn basic_disabled(call: &Call) -> Reply {
    const MESSAGE: &str = "Basic Authentication has been disabled on this instance.";
    let accept = call.header(ACCEPT).unwrap_or_default();
    if accept.contains("json") {
        Reply::json(403, &json!({ "message": MESSAGE }))
    } else if accept.contains("xml") {
        Format::Xml.reply(403, "error", &json!({ "message": MESSAGE }))
    } else if accept.contains("text/plain") {
        Reply::text(403, MESSAGE)
    } else {
        Reply::json(403, &json!({ "message": MESSAGE }))
    }
}

/// A personal access token; one that is not known is nobody's (protocol.md 4.1). Bitbucket takes tokens under `/rest`
/// and `/scm` only (protocol.md 4.2).
fn bearer(state: &mut State, call: &Call, token: &str) -> Result<Caller, Reply> {
    let elsewhere = !call.path.starts_with("/rest/") && !call.path.starts_with("/scm/");
    if state.kind == Kind::Bitbucket && elsewhere {
        return Err(crate::web::to_login(state, call));
    }
    let now = state.now();
    let pat = state
        .pats
        .get_mut(token)
        .filter(|pat| !pat.is_expired(now))
        .filter(|pat| state.users.get(&pat.user).is_some_and(|user| user.active));
    Ok(pat.map_or(Caller::NOBODY, |pat| {
        pat.last_used = Some(now);
        Caller::new(Some(pat.user.clone()), AuthenticatedBy::AccessToken)
    }))
}

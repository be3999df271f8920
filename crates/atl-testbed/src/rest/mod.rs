//! The REST API: what is below `/rest`.

mod consumer;
mod entity;
mod http_token;
mod link;
mod manifest;
mod matrix;
mod oauth2;
mod paging;
mod pat;
mod product;
mod provider;
mod users;
mod v3;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::call::Call;
use crate::identity::{Caller, SignIn, check_password};
use crate::reply::Reply;
use crate::spec::Generation;
use crate::state::State;
use crate::user::Role;
use crate::wire::Format;

/// One REST call.
pub(crate) struct Rest<'a> {
    pub(crate) state: &'a mut State,
    pub(crate) call: &'a Call,
    pub(crate) caller: &'a Caller,
    pub(crate) format: Format,
    /// The plugin called: `applinks` or `applinks-oauth`.
    pub(crate) plugin: &'a str,
    /// The API version as it was called, which may be `latest`.
    pub(crate) called: &'a str,
    /// The API version it resolves to.
    pub(crate) version: &'a str,
}

/// Answers what is below `/rest`.
pub(crate) fn answer(state: &mut State, call: &Call, caller: &Caller, segments: &[&str]) -> Reply {
    if is_forged(state, call) {
        return Reply::text(403, "XSRF check failed");
    }
    // A suffix of the path beats `Accept`.
    let mut segments = segments.to_vec();
    let mut format = Format::accepted(call);
    if let Some(last) = segments.last_mut() {
        for (suffix, meant) in [(".json", Format::Json), (".xml", Format::Xml)] {
            if let Some(stem) = last.strip_suffix(suffix) {
                *last = stem;
                format = Some(meant);
            }
        }
    }
    let [plugin, called, resource @ ..] = segments.as_slice() else {
        return Reply::empty(404);
    };
    let (plugin, called) = (*plugin, *called);
    let published: &[&str] = match plugin {
        "applinks" => state.generation.applinks_api(),
        "applinks-oauth" if state.generation >= Generation::Transitional => &["1.0"],
        "applinks-oauth" => &[],
        _ => return product::answer(state, call, caller, format, &segments),
    };
    let version = if called == "latest" {
        published.last().copied()
    } else {
        published.iter().find(|v| **v == called).copied()
    };
    let Some(version) = version else {
        return Reply::empty(404);
    };
    let Some(format) = format else {
        return Reply::empty(406);
    };
    let mut rest = Rest {
        state,
        call,
        caller,
        format,
        plugin,
        called,
        version,
    };
    match (call.method.as_str(), resource) {
        ("GET", ["manifest"]) => rest.manifest(),
        (_, ["applicationlink", resource @ ..]) => rest.application_link(resource).no_cache(),
        (_, ["applinks", resource @ ..]) if version == "3.0" => rest.applinks(resource),
        (_, ["status", resource @ ..])
            if version == "3.0" && rest.state.generation.has_matrix() =>
        {
            rest.status(resource)
        }
        _ => Reply::empty(404),
    }
}

/// The XSRF check (protocol.md 1.2): enforced for POST only.
fn is_forged(state: &State, call: &Call) -> bool {
    if call.method != "POST" {
        return false;
    }
    let simple = match call.media_type() {
        None | Some("" | "application/x-www-form-urlencoded" | "text/plain") => true,
        Some(other) => other.starts_with("multipart/"),
    };
    if simple && !call.waives_xsrf() {
        return true;
    }
    let browser = call
        .header("user-agent")
        .is_some_and(|agent| agent.contains("Mozilla/"));
    let home = |name: &str| {
        call.header(name)
            .is_some_and(|origin| state.base_url.starts_with(origin_of(origin)))
    };
    browser && !home("origin") && !home("referer")
}

/// Scheme, host and port of a URL.
fn origin_of(url: &str) -> &str {
    let host = url.find("://").map_or(0, |at| at + 3);
    url[host..].find('/').map_or(url, |end| &url[..host + end])
}

impl Rest<'_> {
    /// Admins only, by the caller's own right or by `al_username` and `al_password`; sessions must be elevated.
    fn admins_only(&mut self, websudo: bool) -> Result<Role, Reply> {
        if websudo && self.caller.must_elevate(self.state, self.call) {
            return Err(self.status_entity(401, "This resource requires WebSudo."));
        }
        let mut role = self.caller.role(self.state);
        if let (false, Some(user), Some(password)) = (
            role >= Some(Role::Admin),
            self.call.query_param("al_username"),
            self.call.query_param("al_password"),
        ) && check_password(self.state, user, password) == SignIn::Accepted
        {
            role = self.state.role(Some(user));
        }
        role.filter(|role| *role >= Role::Admin).ok_or_else(|| {
            self.status_entity(
                401,
                "Client must be authenticated as an administrator to access this resource.",
            )
        })
    }

    /// An entity, 200.
    fn entity(&self, root: &str, entity: &Value) -> Reply {
        self.format.reply(200, root, entity)
    }

    /// The body of most refusals (protocol.md 1.3).
    fn status_entity(&self, status: u16, message: &str) -> Reply {
        self.format.reply(
            status,
            "status",
            &json!({ "status-code": status, "message": message }),
        )
    }

    /// The body of 400 and 409.
    fn error_list(&self, status: u16, messages: &[String]) -> Reply {
        self.format.reply(
            status,
            "error",
            &json!({ "status": status, "message": messages }),
        )
    }

    fn bad(&self, message: String) -> Reply {
        self.error_list(400, &[message])
    }

    /// An exception that nobody caught.
    fn crash(&self, message: &str) -> Reply {
        let trace = format!(
            "Please contact your admin passing attached Log's referral number: {}",
            Uuid::from_u128(rand::random())
        );
        let entity = json!({ "status-code": 500, "message": message, "stack-trace": trace });
        self.format.reply(500, "status", &entity)
    }

    /// A status that names what it made or changed, which is the only place where a new id shows.
    fn done(&self, status: u16, list: &str, href: &str) -> Reply {
        let entity = json!({ "status-code": status, list: [entity::link(href)] });
        self.format.reply(status, "status", &entity)
    }

    /// The body as an entity; `None` where there is none.
    fn body(&self) -> Result<Option<Value>, Reply> {
        if self.call.body.is_empty() {
            return Ok(None);
        }
        crate::wire::read(self.call)
            .map(Some)
            .map_err(|status| match status {
                400 => self.bad("the request body cannot be read".to_owned()),
                status => Reply::empty(status),
            })
    }
}

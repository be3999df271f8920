//! The form by which people register an incoming consumer, and the only way to an executing user of a generic link
//! (protocol.md 1.11).

use url::Url;
use url::form_urlencoded::byte_serialize;
use uuid::Uuid;

use super::{elevation, page, to_login, xsrf};
use crate::call::Call;
use crate::directory::{Consumer, Link};
use crate::identity::Caller;
use crate::key::PublicKey;
use crate::reply::Reply;
use crate::state::State;

pub(super) fn answer(state: &mut State, call: &Call, caller: &Caller, id: &str) -> Reply {
    if !caller.is_admin(state) {
        return to_login(state, call);
    }
    if caller.must_elevate(state, call) {
        return elevation::to_elevation(state, call);
    }
    let link = Uuid::parse_str(id)
        .ok()
        .and_then(|id| state.seen(call).link(id))
        .cloned();
    let Some(link) = link else {
        return page::message(
            state,
            404,
            "No such link",
            "There is no application link with this id.",
        );
    };
    match call.method.as_str() {
        "GET" => show(state, call, &link, &Fields::of(state, call, &link), &[]),
        "POST" => save(state, call, caller, &link),
        _ => Reply::empty(405),
    }
}

/// What the form's inputs hold.
#[derive(Default)]
struct Fields {
    key: String,
    name: String,
    description: String,
    public_key: String,
    callback: String,
    two_legged: bool,
    execute_as: String,
    impersonation: bool,
}

impl Fields {
    fn of(state: &State, call: &Call, link: &Link) -> Self {
        let Some(consumer) = state.seen(call).incoming(link).cloned() else {
            return Self::default();
        };
        Self {
            key: consumer.key,
            name: consumer.name,
            description: consumer.description.unwrap_or_default(),
            public_key: consumer.public_key.one_line(),
            callback: consumer.callback.unwrap_or_default(),
            two_legged: consumer.two_legged,
            execute_as: consumer.execute_as.unwrap_or_default(),
            impersonation: consumer.impersonation,
        }
    }

    fn posted(call: &Call) -> Self {
        let field = |name| call.param(name).unwrap_or_default().trim().to_owned();
        let on = |name| call.param(name) == Some("true");
        Self {
            key: field("key"),
            name: field("consumerName"),
            description: field("description"),
            public_key: field("publicKey"),
            callback: field("callback"),
            two_legged: on("two-lo-enabled"),
            execute_as: field("two-lo-execute-as"),
            impersonation: on("two-lo-impersonation-enabled"),
        }
    }

    /// The consumer that these fields make, or what is wrong with them.
    fn consumer(&self, state: &State) -> Result<Consumer, Vec<String>> {
        let mut errors = Vec::new();
        for (field, value) in [
            ("Consumer Key", &self.key),
            ("Consumer Name", &self.name),
            ("Public Key", &self.public_key),
        ] {
            if value.is_empty() {
                errors.push(format!("{field} is required"));
            }
        }
        let public_key = PublicKey::from_form(&self.public_key);
        if public_key.is_err() && !self.public_key.is_empty() {
            errors.push("The public key is not valid".to_owned());
        }
        let callback = match Url::parse(&self.callback) {
            _ if self.callback.is_empty() => None,
            Ok(url) if matches!(url.scheme(), "http" | "https") => {
                let slash = if self.callback.ends_with('/') {
                    ""
                } else {
                    "/"
                };
                Some(format!("{}{slash}", self.callback))
            }
            _ => {
                errors.push("The callback must be an absolute URL".to_owned());
                None
            }
        };
        if self.two_legged && !state.users.contains_key(&self.execute_as) {
            errors.push("The user to execute as does not exist".to_owned());
        }
        match public_key {
            Ok(public_key) if errors.is_empty() => Ok(Consumer {
                key: self.key.clone(),
                name: self.name.clone(),
                description: Some(self.description.clone()).filter(|text| !text.is_empty()),
                public_key,
                callback,
                three_legged: true,
                two_legged: self.two_legged,
                impersonation: self.impersonation,
                execute_as: Some(self.execute_as.clone())
                    .filter(|user| self.two_legged && !user.is_empty()),
            }),
            _ => Err(errors),
        }
    }
}

fn save(state: &mut State, call: &Call, caller: &Caller, link: &Link) -> Reply {
    if !call.waives_xsrf() && !xsrf::is_valid(state, call) {
        return page::message(
            state,
            200,
            "XSRF Security Token Missing",
            "Go back and try again.",
        );
    }
    match call.param("oauth-incoming-enabled") {
        Some("true") => {}
        Some("false") => {
            if let Some(stored) = state.directory.link_mut(link.id) {
                stored.consumer_key = None;
            }
            if let Some(key) = &link.consumer_key {
                state.remove_consumer(key);
            }
            return saved(link, "The consumer has been removed.");
        }
        _ => {
            return page::message(
                state,
                400,
                "Bad request",
                "oauth-incoming-enabled is required",
            );
        }
    }
    let fields = Fields::posted(call);
    if (fields.two_legged || fields.impersonation) && !caller.is_sysadmin(state) {
        return page::message(
            state,
            403,
            "Forbidden",
            "Only a system administrator may allow two-legged OAuth.",
        );
    }
    match fields.consumer(state) {
        Ok(consumer) => {
            state.directory.put_consumer(link.id, consumer);
            saved(link, "The consumer has been saved.")
        }
        Err(errors) => show(state, call, link, &fields, &errors),
    }
}

fn saved(link: &Link, message: &str) -> Reply {
    let message: String = byte_serialize(message.as_bytes()).collect();
    Reply::redirect(&format!("./{}?message={message}", link.id))
}

fn show(state: &State, call: &Call, link: &Link, fields: &Fields, errors: &[String]) -> Reply {
    let (token, new) = xsrf::token(state, call);
    let errors: Vec<String> = errors
        .iter()
        .map(|error| format!("<p class=\"error\">{}</p>", page::text(error)))
        .collect();
    let errors = errors.concat();
    let check = |name: &str, label: &str, on: bool| {
        let checked = if on { " checked" } else { "" };
        format!(
            "<label><input type=\"checkbox\" name=\"{name}\" value=\"true\"{checked}> {label}</label>"
        )
    };
    let body = format!(
        "<p><code>{}</code></p>\n{errors}<form id=\"add-consumer-manually\" method=\"post\" \
         action=\"{}/plugins/servlet/applinks/auth/conf/oauth/add-consumer-manually/{}/INBOUND\">{}</form>\n\
         <p><a href=\"{}/\">All links</a></p>",
        page::text(&link.rpc_url),
        state.context,
        link.id,
        [
            page::hidden("oauth-incoming-enabled", "true"),
            page::hidden(xsrf::PARAMETER, &token),
            page::input("text", "key", "Consumer Key", &fields.key),
            page::input("text", "consumerName", "Consumer Name", &fields.name),
            page::input("text", "description", "Description", &fields.description),
            format!(
                "<label for=\"publicKey\">Public Key</label><textarea id=\"publicKey\" name=\"publicKey\" rows=\"6\">{}</textarea>",
                page::text(&fields.public_key)
            ),
            page::input("text", "callback", "Consumer Callback URL", &fields.callback),
            check("two-lo-enabled", "Allow 2-Legged OAuth", fields.two_legged),
            page::input("text", "two-lo-execute-as", "Execute as", &fields.execute_as),
            check("two-lo-impersonation-enabled", "Allow user impersonation through 2-Legged OAuth", fields.impersonation),
            "<button>Save</button>".to_owned(),
        ]
        .concat(),
        state.context,
    );
    let title = format!("Incoming authentication of {}", link.name);
    xsrf::remember(state, page::page(state, 200, &title, &body), &token, new)
}

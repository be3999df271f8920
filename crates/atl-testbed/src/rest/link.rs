//! `applicationlink` (protocol.md 1.4).

use serde_json::{Value, json};
use url::Url;
use uuid::Uuid;

use super::{Rest, entity};
use crate::directory::{Link, link_id};
use crate::reply::Reply;
use crate::spec::Generation;
use crate::user::Role;
use crate::wire::{flag, text};

/// The types of application that a server knows (protocol.md 1.9).
const TYPES: [&str; 9] = [
    "generic",
    "jira",
    "confluence",
    "bamboo",
    "stash",
    "fecru",
    "refapp",
    "crowd",
    "subversion",
];

impl Rest<'_> {
    pub(super) fn application_link(&mut self, resource: &[&str]) -> Reply {
        let method = self.call.method.as_str();
        let deletes = matches!((method, resource), ("DELETE", [_]));
        let role = match self.admins_only(!deletes) {
            Ok(role) => role,
            Err(refusal) => return refusal,
        };
        let second = self.version != "1.0";
        match (method, resource) {
            ("GET", []) => self.list(|_| true),
            ("PUT", []) if second => self.create(),
            ("GET", ["type", type_id]) => self.list_of_type(type_id),
            ("GET", ["primary", type_id]) => self.primary(type_id),
            ("POST", ["primary", id]) => self.make_primary(id),
            ("GET", [id]) => self.show(id),
            ("POST", [id]) if second => self.update(id, role),
            // The first version looks at the remote's manifest before anything else; nobody here can be reached.
            ("PUT", [_]) if !second => {
                self.bad("the application at this URL could not be reached".to_owned())
            }
            ("DELETE", [id]) => self.delete(id, role),
            (_, [id, "authentication", "consumer"]) if self.has_consumers() => self.consumer(id),
            (_, [id, "authentication"]) if self.has_consumers() => self.authentication(id),
            (_, [id, "authentication", "provider", class @ ..]) if second => {
                self.provider(id, class, role)
            }
            (_, [] | [_] | ["type" | "primary", _]) => Reply::empty(405),
            _ => Reply::empty(404),
        }
    }

    /// The consumer endpoint has moved with application links 5 (protocol.md 0).
    fn has_consumers(&self) -> bool {
        match self.state.generation {
            Generation::Ancient => false,
            Generation::Legacy => self.plugin == "applinks" && self.version == "2.0",
            Generation::Transitional | Generation::Current | Generation::Next => {
                self.plugin == "applinks-oauth"
            }
        }
    }

    fn href(&self, id: Uuid) -> String {
        format!(
            "{}/rest/{}/{}/applicationlink/{id}",
            self.state.base_url, self.plugin, self.called
        )
    }

    fn list(&self, wanted: impl Fn(&Link) -> bool) -> Reply {
        let links = self
            .state
            .seen(self.call)
            .links
            .iter()
            .filter(|link| wanted(link));
        let links: Vec<Value> = links
            .map(|link| entity::application_link(link, &self.href(link.id)))
            .collect();
        self.entity("applicationLinks", &json!({ "applicationLinks": links }))
    }

    fn unknown_type(&self, type_id: &str) -> Option<Reply> {
        (!TYPES.contains(&type_id))
            .then(|| self.bad(format!("No type with id {type_id} installed")))
    }

    fn list_of_type(&self, type_id: &str) -> Reply {
        self.unknown_type(type_id)
            .unwrap_or_else(|| self.list(|link| link.type_id == type_id))
    }

    fn primary(&self, type_id: &str) -> Reply {
        if let Some(refusal) = self.unknown_type(type_id) {
            return refusal;
        }
        let links = &self.state.seen(self.call).links;
        match links
            .iter()
            .find(|link| link.type_id == type_id && link.primary)
        {
            Some(link) => self.entity(
                "applicationLink",
                &entity::application_link(link, &self.href(link.id)),
            ),
            None => self.status_entity(
                404,
                &format!("No primary application link of type {type_id} found"),
            ),
        }
    }

    fn make_primary(&mut self, id: &str) -> Reply {
        let Ok(id) = Uuid::parse_str(id) else {
            return self.crash("Invalid UUID string");
        };
        if self.state.directory.link(id).is_none() {
            return self.status_entity(404, &no_link(&id.to_string()));
        }
        self.state.directory.make_primary(id);
        self.done(200, "resources-updated", &self.href(id))
    }

    /// An unknown id is a null that nobody expected.
    fn show(&self, id: &str) -> Reply {
        let Ok(id) = Uuid::parse_str(id) else {
            return self.crash(&format!("Invalid UUID string: {id}"));
        };
        match self.state.seen(self.call).link(id) {
            Some(link) => self.entity(
                "applicationLink",
                &entity::application_link(link, &self.href(id)),
            ),
            None => self.crash("null"),
        }
    }

    fn create(&mut self) -> Reply {
        let body = match self.body() {
            Ok(Some(body)) => body,
            Ok(None) => return self.crash("null"),
            Err(refusal) => return refusal,
        };
        let (Some(type_id), Some(rpc_url), Some(name)) = (
            text(&body, "typeId"),
            text(&body, "rpcUrl"),
            text(&body, "name"),
        ) else {
            return self.crash("null");
        };
        if let Some(refusal) = self.unknown_type(type_id) {
            return refusal;
        }
        let display_url = text(&body, "displayUrl").unwrap_or(rpc_url);
        if Url::parse(rpc_url).is_err() || Url::parse(display_url).is_err() {
            return self.bad("the request body cannot be read: not an absolute URI".to_owned());
        }
        let given = text(&body, "id").filter(|_| type_id != "generic");
        let id = match given.map(Uuid::parse_str) {
            None => link_id(rpc_url),
            Some(Ok(id)) => id,
            Some(Err(_)) => {
                return self.bad("the request body cannot be read: not an id".to_owned());
            }
        };
        if self.state.directory.link(id).is_some() {
            return self.bad(format!(
                "An application link with the URL '{rpc_url}' already exists"
            ));
        }
        let mut link = Link::product(type_id, id, name, rpc_url);
        display_url
            .trim_end_matches('/')
            .clone_into(&mut link.display_url);
        link.primary = flag(&body, "isPrimary");
        self.state.directory.add(link);
        self.done(201, "resources-created", &self.href(id))
    }

    fn update(&mut self, id: &str, role: Role) -> Reply {
        let body = match self.body() {
            Ok(Some(body)) => body,
            Ok(None) => return self.crash("null"),
            Err(refusal) => return refusal,
        };
        let Ok(id) = Uuid::parse_str(id) else {
            return self.crash(&format!("Invalid UUID string: {id}"));
        };
        let directory = &self.state.directory;
        let Some(link) = directory.link(id) else {
            return self.bad(no_link(&id.to_string()));
        };
        let name = text(&body, "name").unwrap_or(&link.name).to_owned();
        let type_id = text(&body, "typeId").unwrap_or(&link.type_id);
        let rpc_url =
            text(&body, "rpcUrl").map_or(link.rpc_url.as_str(), |url| url.trim_end_matches('/'));
        let display_url = text(&body, "displayUrl")
            .unwrap_or(&link.display_url)
            .trim_end_matches('/')
            .to_owned();
        if link.system && role != Role::SysAdmin {
            return self.status_entity(403, "Only a system administrator may change a system link");
        }
        if let Some(refusal) = self.unknown_type(type_id) {
            return refusal;
        }
        if rpc_url != link.rpc_url {
            return self.bad(
                "The application URL of a link cannot be updated: relocate the link".to_owned(),
            );
        }
        if directory
            .links
            .iter()
            .any(|other| other.id != id && other.name == name)
        {
            return self.bad(format!(
                "An application link with the name '{name}' already exists"
            ));
        }
        let primary = flag(&body, "isPrimary");
        if let Some(link) = self.state.directory.link_mut(id) {
            link.name = name;
            link.display_url = display_url;
        }
        if primary {
            self.state.directory.make_primary(id);
        }
        self.done(200, "resources-updated", &self.href(id))
    }

    fn delete(&mut self, id: &str, role: Role) -> Reply {
        let Ok(id) = Uuid::parse_str(id) else {
            return self.crash(&format!("Invalid UUID string: {id}"));
        };
        let Some(link) = self.state.directory.link(id) else {
            return self.status_entity(404, &no_link(&id.to_string()));
        };
        if link.system && role != Role::SysAdmin {
            return self.status_entity(403, "Only a system administrator may delete a system link");
        }
        if self.call.query_param("reciprocate") == Some("true") {
            return self.status_entity(500, "The link on the other side could not be deleted");
        }
        self.state.remove_link(id);
        self.status_entity(200, &format!("Application link {id} deleted"))
    }
}

pub(super) fn no_link(id: &str) -> String {
    format!("No application link found with id {id}")
}

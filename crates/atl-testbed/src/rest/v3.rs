//! `applinks`, the newer resource for the same links (protocol.md 1.5).

use serde_json::{Value, json};
use url::Url;
use uuid::Uuid;

use super::Rest;
use crate::directory::Link;
use crate::reply::Reply;
use crate::wire::{flag, text};

impl Rest<'_> {
    /// The body of refusals of the newer resources.
    pub(super) fn errors(status: u16, summary: &str) -> Reply {
        Reply::json(
            status,
            &json!({ "status": status, "errors": [{ "summary": summary }] }),
        )
    }

    /// A link by id, for admins.
    pub(super) fn v3_link(&self, id: &str) -> Result<Link, Reply> {
        let id = Uuid::parse_str(id)
            .map_err(|_| Self::errors(400, &format!("'{id}' is not a valid id")))?;
        let link = self.state.seen(self.call).link(id).cloned();
        link.ok_or_else(|| Self::errors(404, &format!("No application link found with id {id}")))
    }

    /// 401 for the anonymous, 403 for the others who are not admins.
    pub(super) fn v3_admins_only(&self) -> Result<(), Reply> {
        match self.caller.user {
            _ if self.caller.is_admin(self.state) => Ok(()),
            None => Err(Self::errors(
                401,
                "You must be logged in to access this resource",
            )),
            Some(_) => Err(Self::errors(
                403,
                "You do not have permission to access this resource",
            )),
        }
    }

    pub(super) fn applinks(&mut self, resource: &[&str]) -> Reply {
        if let Err(refusal) = self.v3_admins_only() {
            return refusal;
        }
        match (self.call.method.as_str(), resource) {
            ("GET", []) => {
                let links: Vec<Value> = self
                    .state
                    .seen(self.call)
                    .links
                    .iter()
                    .map(|link| self.v3_entity(link))
                    .collect();
                Reply::json(200, &Value::Array(links))
            }
            ("GET", [id]) => match self.v3_link(id) {
                Ok(link) => Reply::json(200, &self.v3_entity(&link)),
                Err(refusal) => refusal,
            },
            ("PUT", [id]) => self.v3_update(id).unwrap_or_else(|refusal| refusal),
            ("DELETE", [id]) => self.v3_delete(id).unwrap_or_else(|refusal| refusal),
            (_, [] | [_]) => Reply::empty(405),
            _ => Reply::empty(404),
        }
    }

    fn v3_delete(&mut self, id: &str) -> Result<Reply, Reply> {
        let link = self.v3_link(id)?;
        if link.system && !self.caller.is_sysadmin(self.state) {
            return Err(Self::errors(409, "A system link cannot be deleted"));
        }
        self.state.remove_link(link.id);
        Ok(Reply::empty(204))
    }

    fn v3_update(&mut self, id: &str) -> Result<Reply, Reply> {
        let link = self.v3_link(id)?;
        let body: Value = serde_json::from_slice(&self.call.body)
            .map_err(|_| Self::errors(400, "malformed body"))?;
        let url = |field: &str| {
            let url = text(&body, field).unwrap_or_default().trim_end_matches('/');
            if Url::parse(url).is_ok() {
                Ok(url.to_owned())
            } else {
                Err(Self::errors(
                    400,
                    &format!("{field} is not an absolute URL"),
                ))
            }
        };
        let name = text(&body, "name").filter(|name| !name.is_empty());
        let name = name
            .ok_or_else(|| Self::errors(400, "name is required"))?
            .to_owned();
        let (rpc_url, display_url) = (url("rpcUrl")?, url("displayUrl")?);
        let others = || {
            self.state
                .directory
                .links
                .iter()
                .filter(|other| other.id != link.id)
        };
        for (field, taken) in [
            ("name", others().any(|other| other.name == name)),
            ("rpcUrl", others().any(|other| other.rpc_url == rpc_url)),
            (
                "displayUrl",
                others().any(|other| other.display_url == display_url),
            ),
        ] {
            if taken {
                return Err(Self::errors(
                    409,
                    &format!("another application link has this {field}"),
                ));
            }
        }
        if let Some(stored) = self.state.directory.link_mut(link.id) {
            (stored.name, stored.rpc_url, stored.display_url) = (name, rpc_url, display_url);
        }
        if flag(&body, "primary") {
            self.state.directory.make_primary(link.id);
        }
        self.v3_link(id)
            .map(|link| Reply::json(200, &self.v3_entity(&link)))
    }

    pub(super) fn v3_entity(&self, link: &Link) -> Value {
        let asked = |name: &'static str| {
            self.call
                .query
                .iter()
                .filter(move |(known, _)| known == name)
        };
        let mut properties = json!({});
        for (_, name) in asked("property") {
            if let ("oauth.incoming.consumerkey", Some(key)) = (name.as_str(), &link.consumer_key) {
                properties[name] = json!(key);
            }
        }
        let mut data = json!({});
        for (_, key) in asked("data") {
            match key.as_str() {
                "editable" => data[key] = json!(!link.system),
                "atlassian" => data[key] = json!(!link.is_generic()),
                "configUrl" => {
                    data[key] = json!(format!(
                        "{}/plugins/servlet/applinks/edit/{}",
                        self.state.base_url, link.id
                    ));
                }
                _ => {}
            }
        }
        json!({
            "id": link.id,
            "name": link.name,
            "displayUrl": link.display_url,
            "rpcUrl": link.rpc_url,
            "type": link.type_id,
            "system": link.system,
            "primary": link.primary,
            "properties": properties,
            "data": data,
        })
    }
}

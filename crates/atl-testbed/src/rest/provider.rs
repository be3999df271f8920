//! Outgoing authentication (protocol.md 1.6).

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::link::no_link;
use super::{Rest, entity};
use crate::directory::{Link, is_impersonation, is_provider};
use crate::reply::Reply;
use crate::user::Role;
use crate::wire::text;

impl Rest<'_> {
    fn link_of(&self, id: &str) -> Option<Link> {
        Uuid::parse_str(id)
            .ok()
            .and_then(|id| self.state.seen(self.call).link(id))
            .cloned()
    }

    pub(super) fn provider(&mut self, id: &str, class: &[&str], role: Role) -> Reply {
        let Some(link) = self.link_of(id) else {
            return self.status_entity(404, &no_link(id));
        };
        match (self.call.method.as_str(), class) {
            ("GET", []) => self.show_providers(&link, |_| true),
            ("GET", [class]) => self.show_providers(&link, |known| known == *class),
            ("PUT", []) => self.put_provider(&link, role),
            (_, [] | [_]) => Reply::empty(405),
            _ => Reply::empty(404),
        }
    }

    /// All there is about a link's authentication.
    pub(super) fn authentication(&self, id: &str) -> Reply {
        let Some(link) = self.link_of(id) else {
            return self.status_entity(404, &no_link(id));
        };
        if self.call.method != "GET" {
            return Reply::empty(405);
        }
        self.entity(
            "applicationLinkAuthentication",
            &json!({
                "link": [entity::link(&format!("applicationlink/{}/authentication", link.id))],
                "configuredAuthProviders": providers(&link, |_| true),
                "consumers": self.consumers_of(&link),
            }),
        )
    }

    fn show_providers(&self, link: &Link, wanted: impl Fn(&str) -> bool) -> Reply {
        self.entity(
            "authenticationProviders",
            &json!({ "authenticationProviders": providers(link, wanted) }),
        )
    }

    fn put_provider(&mut self, link: &Link, role: Role) -> Reply {
        let body = match self.body() {
            Ok(Some(body)) => body,
            Ok(None) => return self.crash("null"),
            Err(refusal) => return refusal,
        };
        let class = text(&body, "provider").unwrap_or_default();
        if !is_provider(class) {
            return self.bad(format!(
                "The authentication provider {class} cannot be found"
            ));
        }
        if is_impersonation(class) && role != Role::SysAdmin {
            return self.bad("Only a system administrator may configure impersonation".to_owned());
        }
        let Some(config) = body.get("config").and_then(Value::as_object) else {
            return self.crash("null");
        };
        let config: BTreeMap<String, String> = config
            .iter()
            .filter_map(|(key, value)| value.as_str().map(|value| (key.clone(), value.to_owned())))
            .collect();
        if let Some(link) = self.state.directory.link_mut(link.id) {
            link.providers.insert(class.to_owned(), config);
        }
        self.done(
            201,
            "resources-created",
            &format!("applicationlink/{}/authentication/{class}", link.id),
        )
    }
}

fn providers(link: &Link, wanted: impl Fn(&str) -> bool) -> Vec<Value> {
    link.providers
        .iter()
        .filter(|(class, _)| wanted(class))
        .map(|(class, config)| {
            let config: Map<String, Value> = config.iter().map(|(key, value)| (key.clone(), json!(value))).collect();
            json!({
                "config": config,
                "module": "com.atlassian.applinks.core.auth.AuthenticationConfigurator",
                "provider": class,
                "link": [entity::link(&format!("applicationlink/{}/authentication/{class}", link.id))],
            })
        })
        .collect()
}

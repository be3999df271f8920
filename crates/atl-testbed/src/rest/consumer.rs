//! The consumers of a link (protocol.md 1.7).

use serde_json::{Value, json};
use url::Url;
use uuid::Uuid;

use super::link::no_link;
use super::{Rest, entity};
use crate::directory::{Consumer, Link, OutgoingConsumer};
use crate::key::PublicKey;
use crate::reply::Reply;
use crate::wire::{flag, text};

impl Rest<'_> {
    /// GET and PUT, and nothing else.
    pub(super) fn consumer(&mut self, id: &str) -> Reply {
        let link = Uuid::parse_str(id)
            .ok()
            .and_then(|id| self.state.seen(self.call).link(id))
            .cloned();
        match (self.call.method.as_str(), link) {
            ("GET" | "PUT", None) => self.status_entity(404, &no_link(id)),
            ("GET", Some(link)) => self.show_consumers(&link),
            ("PUT", Some(link)) => self.put_consumer(&link),
            _ => Reply::empty(405),
        }
    }

    /// The incoming one first, then, for generic links, the outgoing ones.
    pub(super) fn consumers_of(&self, link: &Link) -> Vec<Value> {
        let directory = self.state.seen(self.call);
        let href = entity::consumer_href(link);
        let incoming = directory
            .incoming(link)
            .map(|consumer| entity::consumer(consumer, &href));
        let outgoing = directory.outgoing_of(link).filter(|_| link.is_generic());
        incoming
            .into_iter()
            .chain(outgoing.map(|consumer| entity::outgoing_consumer(consumer, &href)))
            .collect()
    }

    fn show_consumers(&self, link: &Link) -> Reply {
        let consumers = self.consumers_of(link);
        if !consumers.is_empty() {
            return self.entity("consumers", &json!({ "consumers": consumers }));
        }
        if link.is_generic() && link.providers.is_empty() {
            return self.status_entity(
                404,
                &format!(
                    "No OAuth authentication configured for application link {}",
                    link.id
                ),
            );
        }
        self.status_entity(
            404,
            &format!("No consumer found for application link {}", link.id),
        )
    }

    fn put_consumer(&mut self, link: &Link) -> Reply {
        let body = match self.body() {
            Ok(Some(body)) => body,
            Ok(None) => return self.crash("null"),
            Err(refusal) => return refusal,
        };
        if self.call.query_param("autoConfigure") == Some("true") {
            return self.status_entity(
                500,
                "The consumer information of the other side could not be fetched",
            );
        }
        if link.is_generic() && flag(&body, "outgoing") {
            return self.put_outgoing(link, &body);
        }
        let needed: &[&str] = if link.is_generic() {
            &["key", "publicKey"]
        } else {
            &["key", "name", "publicKey"]
        };
        if let Some(refusal) = self.missing(&body, needed) {
            return refusal;
        }
        let Ok(public_key) = PublicKey::from_rest(text(&body, "publicKey").unwrap_or_default())
        else {
            return self
                .bad("The public key is not a valid RSA public key in X.509 form".to_owned());
        };
        // Neither is validated: the builder trips over it.
        let callback = text(&body, "callback").filter(|callback| !callback.is_empty());
        let (Some(name), true) = (text(&body, "name"), callback.is_none_or(is_http)) else {
            return self.crash("null");
        };
        // A generic link's flags are not looked at, so a second PUT puts them out (protocol.md 1.7).
        let flags = !link.is_generic();
        let consumer = Consumer {
            key: text(&body, "key").unwrap_or_default().to_owned(),
            name: name.to_owned(),
            description: text(&body, "description").map(str::to_owned),
            public_key,
            callback: callback.map(str::to_owned),
            three_legged: true,
            two_legged: flags && flag(&body, "twoLOAllowed"),
            impersonation: flags && flag(&body, "twoLOImpersonationAllowed"),
            execute_as: text(&body, "executingTwoLOUser")
                .filter(|_| flags)
                .map(str::to_owned),
        };
        self.state.directory.put_consumer(link.id, consumer);
        self.done(201, "resources-created", &entity::consumer_href(link))
    }

    fn put_outgoing(&mut self, link: &Link, body: &Value) -> Reply {
        if let Some(refusal) = self.missing(body, &["key", "name", "sharedSecret"]) {
            return refusal;
        }
        let field = |name| text(body, name).unwrap_or_default().to_owned();
        let consumer = OutgoingConsumer {
            key: field("key"),
            name: field("name"),
            description: text(body, "description").map(str::to_owned),
            shared_secret: field("sharedSecret"),
        };
        let outgoing = &mut self.state.directory.outgoing;
        if outgoing
            .values()
            .any(|other| other.key == consumer.key || other.name == consumer.name)
        {
            return self.crash("a consumer of this key or service exists");
        }
        outgoing.insert(consumer.key.clone(), consumer);
        self.done(201, "resources-created", &entity::consumer_href(link))
    }

    /// 400 that lists every field that is missing.
    fn missing(&self, body: &Value, needed: &[&str]) -> Option<Reply> {
        let missing: Vec<String> = needed
            .iter()
            .filter(|field| text(body, field).is_none_or(str::is_empty))
            .map(|field| format!("The {field} is required"))
            .collect();
        (!missing.is_empty()).then(|| self.error_list(400, &missing))
    }
}

fn is_http(uri: &str) -> bool {
    Url::parse(uri).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
}

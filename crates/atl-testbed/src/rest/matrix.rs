//! `status` and the 2LO matrix (protocol.md 1.12).

use serde_json::{Value, json};

use super::Rest;
use crate::directory::{Flags, Link};
use crate::reply::Reply;

impl Rest<'_> {
    pub(super) fn status(&mut self, resource: &[&str]) -> Reply {
        let outcome = match (self.call.method.as_str(), resource) {
            ("GET", [id]) => self.v3_admins_only().and_then(|()| self.full_status(id)),
            // Even the anonymous may look.
            ("GET", [id, "oauth"]) => self
                .v3_link(id)
                .map(|link| Reply::json(200, &self.matrix(&link))),
            ("PUT", [id, "oauth"]) => self.v3_admins_only().and_then(|()| self.put_matrix(id)),
            (_, [_] | [_, "oauth"]) => Err(Reply::empty(405)),
            _ => Err(Reply::empty(404)),
        };
        outcome.unwrap_or_else(|refusal| refusal)
    }

    fn incoming(&self, link: &Link) -> Flags {
        self.state
            .seen(self.call)
            .incoming(link)
            .map_or_else(Flags::default, |consumer| Flags {
                enabled: true,
                two_legged: consumer.two_legged,
                impersonation: consumer.impersonation,
            })
    }

    fn matrix(&self, link: &Link) -> Value {
        json!({ "incoming": half(self.incoming(link)), "outgoing": half(link.outgoing()) })
    }

    fn full_status(&self, id: &str) -> Result<Reply, Reply> {
        let link = self.v3_link(id)?;
        let (category, kind) = if link.is_generic() {
            ("NON_ATLASSIAN", "GENERIC_LINK")
        } else if link.system {
            ("SYSTEM", "SYSTEM_LINK")
        } else {
            ("NETWORK_ERROR", "CONNECTION_REFUSED")
        };
        let status = json!({
            "link": self.v3_entity(&link),
            "working": false,
            "localAuthentication": self.matrix(&link),
            "remoteAuthentication": null,
            "error": { "category": category, "type": kind, "details": null },
        });
        Ok(Reply::json(200, &status))
    }

    /// Incoming first; a 409 there leaves outgoing as it was. Outgoing is rewritten even where it does not change.
    fn put_matrix(&mut self, id: &str) -> Result<Reply, Reply> {
        let link = self.v3_link(id)?;
        let body: Value = serde_json::from_slice(&self.call.body)
            .map_err(|_| Self::errors(500, "malformed body"))?;
        let read =
            |name: &str| flags(&body[name]).ok_or_else(|| Self::errors(500, "malformed body"));
        let (incoming, outgoing) = (read("incoming")?, read("outgoing")?);
        if (incoming.impersonation || outgoing.impersonation)
            && !self.caller.is_sysadmin(self.state)
        {
            return Err(Self::errors(
                403,
                "Only a system administrator may allow impersonation",
            ));
        }
        let directory = &mut self.state.directory;
        let key = link
            .consumer_key
            .clone()
            .filter(|key| directory.consumers.contains_key(key));
        match (incoming.enabled, key) {
            (true, Some(key)) => {
                if let Some(consumer) = directory.consumers.get_mut(&key) {
                    consumer.two_legged = incoming.two_legged || incoming.impersonation;
                    consumer.impersonation = incoming.impersonation;
                }
            }
            (true, None) => {
                return Err(Self::errors(
                    409,
                    "The consumer information could not be fetched",
                ));
            }
            (false, key) => {
                if let Some(link) = directory.link_mut(link.id) {
                    link.consumer_key = None;
                }
                if let Some(key) = key {
                    self.state.remove_consumer(&key);
                }
            }
        }
        if let Some(link) = self.state.directory.link_mut(link.id) {
            link.set_outgoing(outgoing);
        }
        Ok(Reply::empty(204))
    }
}

fn half(flags: Flags) -> Value {
    json!({
        "enabled": flags.enabled,
        "twoLoEnabled": flags.two_legged,
        "twoLoImpersonationEnabled": flags.impersonation,
    })
}

fn flags(half: &Value) -> Option<Flags> {
    let on = |name: &str| {
        half.as_object()?
            .get(name)
            .map_or(Some(false), Value::as_bool)
    };
    Some(Flags {
        enabled: on("enabled")?,
        two_legged: on("twoLoEnabled")?,
        impersonation: on("twoLoImpersonationEnabled")?,
    })
}

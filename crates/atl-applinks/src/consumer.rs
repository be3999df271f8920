//! The incoming consumer of a link (protocol.md 1.7).

use atl_client::Request;
use serde::Deserialize;
use serde_json::json;

use crate::{Applinks, ApplinksError, wire};

/// The incoming consumer of a link, as the server prints it (protocol.md 1.3).
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Consumer {
    /// The consumer key.
    pub key: String,
    /// Its name.
    pub name: String,
    /// Its description.
    pub description: Option<String>,
    /// The public key: bare base64 of the `SubjectPublicKeyInfo` DER.
    pub public_key: Option<String>,
    /// The registered callback.
    pub callback: Option<String>,
    /// Whether two-legged OAuth is on.
    pub two_lo_allowed: bool,
    /// The user that two-legged calls run as.
    pub executing_two_lo_user: Option<String>,
    /// Whether two-legged OAuth with impersonation is on.
    pub two_lo_impersonation_allowed: bool,
}

/// A consumer to register (protocol.md 1.7: the fields a generic link applies).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewConsumer {
    /// The consumer key.
    pub key: String,
    /// Its name; the server answers 500 without one.
    pub name: String,
    /// Its description.
    pub description: Option<String>,
    /// The public key: bare base64 of the `SubjectPublicKeyInfo` DER.
    pub public_key: String,
    /// The callback.
    pub callback: Option<String>,
}

/// `{"consumers":[...]}` (protocol.md 1.3).
#[derive(Deserialize)]
struct Consumers {
    #[serde(deserialize_with = "wire::one_or_many")]
    consumers: Vec<ConsumerEntity>,
}

/// `ConsumerEntity` (protocol.md 1.3).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ConsumerEntity {
    key: String,
    name: Option<String>,
    description: Option<String>,
    signature_method: Option<String>,
    public_key: Option<String>,
    callback: Option<String>,
    #[serde(default, rename = "twoLOAllowed")]
    two_lo_allowed: bool,
    #[serde(rename = "executingTwoLOUser")]
    executing_two_lo_user: Option<String>,
    #[serde(default, rename = "twoLOImpersonationAllowed")]
    two_lo_impersonation_allowed: bool,
    #[serde(default)]
    outgoing: bool,
}

impl ConsumerEntity {
    /// Generic links list their outgoing consumers as well, and not by the flag `outgoing`, which the servers never
    /// set: what tells them apart is that incoming ones are RSA and the outgoing ones of generic links HMAC
    /// (protocol.md 1.3, 1.7).
    fn is_incoming(&self) -> bool {
        let rsa = match self.signature_method.as_deref() {
            Some(method) => method == "RSA_SHA1",
            None => self.public_key.is_some(),
        };
        rsa && !self.outgoing
    }
}

impl Consumers {
    fn incoming(self) -> Option<Consumer> {
        let entity = self
            .consumers
            .into_iter()
            .find(ConsumerEntity::is_incoming)?;
        Some(Consumer {
            name: entity.name.unwrap_or_default(),
            key: entity.key,
            description: entity.description,
            public_key: entity.public_key,
            callback: entity.callback,
            two_lo_allowed: entity.two_lo_allowed,
            executing_two_lo_user: entity.executing_two_lo_user,
            two_lo_impersonation_allowed: entity.two_lo_impersonation_allowed,
        })
    }
}

impl Applinks<'_> {
    /// The incoming consumer; `None` where there is none (or no such link: the server does not tell).
    ///
    /// # Errors
    /// The server cannot be asked, refuses, or answers anything but consumers.
    pub fn consumer(&self, id: &str) -> Result<Option<Consumer>, ApplinksError> {
        let answer = self.client.send(&Request::get(self.consumer_path(id)))?;
        if wire::is_absence(&answer) {
            return Ok(None);
        }
        Ok(answer.json::<Consumers>()?.incoming())
    }

    /// Registers or overwrites the incoming consumer.
    ///
    /// The server's store is keyed by consumer key only: a key that another link uses is taken over silently, live
    /// tokens and all; another key than before leaves the former consumer behind without a link. On a generic link the
    /// write also resets two-legged OAuth and the executing user (protocol.md 1.7). Read all of it before.
    ///
    /// # Errors
    /// A field is empty that the server needs, the server cannot read the public key, there is no such link, or the
    /// request fails.
    pub fn put_consumer(&self, id: &str, consumer: &NewConsumer) -> Result<(), ApplinksError> {
        self.check_filled(consumer)?;
        let mut body = json!({
            "key": consumer.key,
            "name": consumer.name,
            "publicKey": consumer.public_key,
            "outgoing": false,
        });
        if let Some(description) = &consumer.description {
            body["description"] = json!(description);
        }
        if let Some(callback) = &consumer.callback {
            body["callback"] = json!(callback);
        }
        let answer = self
            .client
            .send(&Request::put_json(self.consumer_path(id), body))?;
        match answer.status {
            400 => Err(ApplinksError::InvalidPublicKey {
                server: self.server(),
                key: consumer.key.clone(),
                words: answer.message().unwrap_or_default(),
            }),
            404 if wire::is_own(&answer) => Err(self.no_such_link(id)),
            _ => Ok(answer.success().map(drop)?),
        }
    }

    /// Refuses what the servers would refuse with a bare 500 or 400.
    pub(crate) fn check_filled(&self, consumer: &NewConsumer) -> Result<(), ApplinksError> {
        let fields = [
            ("key", &consumer.key),
            ("name", &consumer.name),
            ("public key", &consumer.public_key),
        ];
        match fields.iter().find(|(_, text)| text.trim().is_empty()) {
            None => Ok(()),
            Some((field, _)) => Err(ApplinksError::EmptyField {
                server: self.server(),
                key: consumer.key.clone(),
                field,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Option<Consumer>, serde_json::Error> {
        Ok(serde_json::from_str::<Consumers>(json)?.incoming())
    }

    #[test]
    fn the_incoming_consumer_is_told_from_outgoing_ones() {
        fn check(json: &str, expected: Option<&str>) {
            let key = read(json).unwrap().map(|consumer| consumer.key);
            assert_eq!(key.as_deref(), expected, "{json}");
        }
        const INCOMING: &str = r#"{"key":"in","name":"In","signatureMethod":"RSA_SHA1","publicKey":"MIIB","outgoing":false}"#;
        const OUTGOING: &str =
            r#"{"key":"out","name":"Out","signatureMethod":"HMAC_SHA1","outgoing":false}"#;
        check(&format!(r#"{{"consumers":[{INCOMING}]}}"#), Some("in"));
        check(&format!(r#"{{"consumers":{INCOMING}}}"#), Some("in"));
        check(
            &format!(r#"{{"consumers":[{INCOMING},{OUTGOING}]}}"#),
            Some("in"),
        );
        check(&format!(r#"{{"consumers":[{OUTGOING}]}}"#), None);
        check(r#"{"consumers":[]}"#, None);
        check(
            r#"{"consumers":[{"key":"in","publicKey":"MIIB"}]}"#,
            Some("in"),
        );
        check(r#"{"consumers":[{"key":"out"}]}"#, None);
        check(
            r#"{"consumers":[{"key":"out","publicKey":"MIIB","outgoing":true}]}"#,
            None,
        );
    }

    #[test]
    fn a_consumer_is_read_as_the_servers_print_it() {
        let consumer = read(
            r#"{"consumers":[{"key":"bot","name":"Bot","description":"d","signatureMethod":"RSA_SHA1","publicKey":"MIIB",
                "callback":"https://c","twoLOAllowed":true,"executingTwoLOUser":"svc","twoLOImpersonationAllowed":true,
                "outgoing":false,"link":[{"href":"applicationlink/x/authentication/consumer","rel":"self"}]}]}"#,
        );
        assert_eq!(
            consumer.unwrap().unwrap(),
            Consumer {
                key: "bot".into(),
                name: "Bot".into(),
                description: Some("d".into()),
                public_key: Some("MIIB".into()),
                callback: Some("https://c".into()),
                two_lo_allowed: true,
                executing_two_lo_user: Some("svc".into()),
                two_lo_impersonation_allowed: true,
            }
        );
    }

    #[test]
    fn no_consumer_is_never_a_misunderstanding() {
        for odd in [
            "{}",
            "[]",
            r#"{"consumers":null}"#,
            r#"{"consumers":[{}]}"#,
            "<consumers/>",
        ] {
            assert!(read(odd).is_err(), "{odd}");
        }
    }
}

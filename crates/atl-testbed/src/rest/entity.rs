//! Entities as values (protocol.md 1.3). What is null is left out.

use serde_json::{Map, Value, json};

use crate::directory::{Consumer, Link, OutgoingConsumer};
use crate::reply::Reply;
use crate::user::User;

/// Drops what is null, as the servers do.
pub(crate) fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => Value::Object(
            fields
                .into_iter()
                .filter(|(_, value)| !value.is_null())
                .collect::<Map<_, _>>(),
        ),
        other => other,
    }
}

/// A link to a resource.
pub(crate) fn link(href: &str) -> Value {
    json!({ "href": href, "rel": "self" })
}

/// The path of a link's consumer, relative as the servers give it.
pub(crate) fn consumer_href(link: &Link) -> String {
    format!("applicationlink/{}/authentication/consumer", link.id)
}

/// An application link.
pub(crate) fn application_link(it: &Link, href: &str) -> Value {
    without_nulls(json!({
        "id": it.id,
        "typeId": it.type_id,
        "name": it.name,
        "displayUrl": it.display_url,
        "rpcUrl": if it.system { Value::Null } else { json!(it.rpc_url) },
        "isPrimary": it.primary,
        "isSystem": it.system,
        "link": [link(href)],
    }))
}

/// An incoming consumer.
pub(crate) fn consumer(it: &Consumer, href: &str) -> Value {
    without_nulls(json!({
        "key": it.key,
        "name": it.name,
        "description": it.description,
        "signatureMethod": "RSA_SHA1",
        "publicKey": it.public_key.one_line(),
        "callback": it.callback,
        "twoLOAllowed": it.two_legged,
        "executingTwoLOUser": it.execute_as,
        "twoLOImpersonationAllowed": it.impersonation,
        "outgoing": false,
        "link": [link(href)],
    }))
}

/// An outgoing consumer, whose secret never shows and which is not marked as outgoing.
pub(crate) fn outgoing_consumer(it: &OutgoingConsumer, href: &str) -> Value {
    without_nulls(json!({
        "key": it.key,
        "name": it.name,
        "description": it.description,
        "signatureMethod": "HMAC_SHA1",
        "twoLOAllowed": false,
        "twoLOImpersonationAllowed": false,
        "outgoing": false,
        "link": [link(href)],
    }))
}

/// A user of Confluence's.
pub(crate) fn confluence_user(it: &User) -> Value {
    json!({
        "type": "known", "username": it.name, "userKey": it.key, "displayName": it.display_name, "_links": {},
    })
}

/// A user of Bitbucket's; everybody has the same number.
pub(crate) fn bitbucket_user(it: &User) -> Value {
    json!({
        "name": it.name, "emailAddress": it.email, "active": it.active, "displayName": it.display_name, "id": 1,
        "slug": it.slug(), "type": "NORMAL",
    })
}

/// A refusal of Bitbucket's.
pub(crate) fn errors(status: u16, message: &str) -> Reply {
    Reply::json(status, &json!({ "errors": [{ "message": message }] }))
}

//! The shapes that all resources share: lists and error bodies.

use std::{fmt, marker::PhantomData};

use atl_client::Response;
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor, value},
};
use serde_json::{Map, Value};

/// A list, or the only element of one: some serialisers print a list of one as its element.
pub(crate) fn one_or_many<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    struct OneOrMany<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for OneOrMany<T> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Vec<T>, A::Error> {
            Vec::deserialize(value::SeqAccessDeserializer::new(seq))
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Vec<T>, A::Error> {
            T::deserialize(value::MapAccessDeserializer::new(map)).map(|only| vec![only])
        }
    }

    deserializer.deserialize_any(OneOrMany(PhantomData))
}

/// Whether a refusal is a resource's own, which is a JSON object (protocol.md 1.3), and neither the page of a proxy or
/// of a path that the server does not have, nor that of the filter that blocks Basic authentication.
pub(crate) fn is_own(answer: &Response) -> bool {
    object(answer).is_some() && !answer.says_basic_is_disabled()
}

/// Whether a 404 says that the thing itself is not there: the resource's own refusal, or nothing at all. What follows
/// from it is looked at again before a write: a signed call must find the consumer key unknown, a deleted link must be
/// gone from the list.
pub(crate) fn is_absence(answer: &Response) -> bool {
    answer.status == 404 && (answer.body.is_empty() || is_own(answer))
}

/// Whether this is an error of the JSON-only resources: `{"status":404,"errors":[...]}` (protocol.md 1.3).
pub(crate) fn has_v3_errors(answer: &Response) -> bool {
    object(answer).is_some_and(|body| body.contains_key("errors"))
}

fn object(answer: &Response) -> Option<Map<String, Value>> {
    serde_json::from_slice(&answer.body).ok()
}

#[cfg(test)]
mod tests {
    use atl_client::Secrets;

    use super::*;

    #[test]
    fn a_list_of_one_may_be_its_element() {
        #[derive(Deserialize)]
        struct Document {
            #[serde(deserialize_with = "one_or_many")]
            items: Vec<Item>,
        }
        #[derive(Deserialize)]
        struct Item {
            id: u8,
        }
        fn check(json: &str, expected: Option<&[u8]>) {
            let read = serde_json::from_str::<Document>(json).ok();
            let ids = read.map(|document| document.items.iter().map(|item| item.id).collect());
            assert_eq!(ids, expected.map(<[u8]>::to_vec), "{json}");
        }
        check(r#"{"items":[]}"#, Some(&[]));
        check(r#"{"items":[{"id":1},{"id":2}]}"#, Some(&[1, 2]));
        check(r#"{"items":{"id":1}}"#, Some(&[1]));
        check(r#"{"items":"none"}"#, None);
        check(r#"{"items":null}"#, None);
        check("{}", None);
    }

    #[test]
    fn error_bodies_are_told_apart() {
        fn check(status: u16, body: &str, own: bool, v3: bool) {
            let answer = Response {
                status,
                headers: Vec::new(),
                body: body.into(),
                what: "GET rest/x".into(),
                server: "jira".into(),
                secrets: Secrets::default(),
            };
            assert_eq!(is_own(&answer), own, "{body}");
            assert_eq!(has_v3_errors(&answer), v3, "{body}");
        }
        check(404, r#"{"status-code":404,"message":"gone"}"#, true, false);
        check(
            404,
            r#"{"status":404,"errors":[{"summary":"gone"}]}"#,
            true,
            true,
        );
        check(
            403,
            r#"{"status-code":403,"message":"System link"}"#,
            true,
            false,
        );
        check(
            403,
            r#"{"message":"Basic Authentication has been disabled on this instance."}"#,
            false,
            false,
        );
        check(
            404,
            "<status><status-code>404</status-code></status>",
            false,
            false,
        );
        check(404, "[]", false, false);
        check(404, "", false, false);
    }
}

//! JSON and XML of the same entities (protocol.md 1.1 and 1.3).

use std::fmt::{self, Write as _};

use hyper::header::ACCEPT;
use quick_xml::Reader;
use quick_xml::escape::escape;
use quick_xml::events::Event;
use serde_json::{Map, Value};

use crate::call::Call;
use crate::reply::Reply;

/// A representation of an entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Json,
    Xml,
}

impl Format {
    /// What `Accept` asks for; XML where it asks for nothing in particular; `None` where neither will do.
    pub(crate) fn accepted(call: &Call) -> Option<Self> {
        let accept = call.header(ACCEPT).unwrap_or("*/*");
        let mut best: Option<(f32, Self)> = None;
        for range in accept.split(',') {
            let mut parts = range.split(';').map(str::trim);
            let format = match parts.next().unwrap_or_default() {
                "application/json" => Self::Json,
                "application/xml" | "application/*" | "*/*" => Self::Xml,
                _ => continue,
            };
            let quality = parts
                .find_map(|part| part.strip_prefix("q="))
                .and_then(|q| q.parse().ok())
                .unwrap_or(1.0_f32);
            if best.is_none_or(|(known, _)| quality > known) {
                best = Some((quality, format));
            }
        }
        best.map(|(_, format)| format)
    }

    /// An entity in this form.
    pub(crate) fn reply(self, status: u16, root: &str, entity: &Value) -> Reply {
        match self {
            Self::Json => Reply::json(status, entity),
            Self::Xml => Reply::body(status, "application/xml", xml(root, entity)),
        }
    }
}

/// Reads a body in the form that its content type names; `Err` is the status to answer with.
pub(crate) fn read(call: &Call) -> Result<Value, u16> {
    match call.media_type() {
        Some("application/json") => serde_json::from_slice(&call.body).map_err(|_| 400),
        Some("application/xml" | "text/xml") => std::str::from_utf8(&call.body)
            .ok()
            .and_then(read_xml)
            .ok_or(400),
        _ => Err(415),
    }
}

/// A text field; numbers and booleans are not text.
pub(crate) fn text<'a>(entity: &'a Value, field: &str) -> Option<&'a str> {
    entity.get(field).and_then(Value::as_str)
}

/// A boolean field, `true` in XML being a text.
pub(crate) fn flag(entity: &Value, field: &str) -> bool {
    match entity.get(field) {
        Some(Value::Bool(on)) => *on,
        Some(Value::String(text)) => text == "true",
        _ => false,
    }
}

/// An entity as a document of its own.
pub(crate) fn xml(root: &str, entity: &Value) -> String {
    let mut out = String::from(r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>"#);
    // Writing to a string does not fail.
    let _infallible = write(&mut out, root, entity);
    out
}

/// Writes an element as the servers' bindings do: a list is its element repeated, save that the lists of a `status`
/// wrap `link` elements; a link is all attributes, and so is the status of an `error`; a map is `entry` elements.
fn write(out: &mut String, name: &str, value: &Value) -> fmt::Result {
    match value {
        Value::Null => Ok(()),
        Value::Array(items) if name.starts_with("resources-") => {
            write!(out, "<{name}>")?;
            items.iter().try_for_each(|item| write(out, "link", item))?;
            write!(out, "</{name}>")
        }
        Value::Array(items) => items.iter().try_for_each(|item| write(out, name, item)),
        Value::Object(fields) if fields.contains_key("href") => {
            write!(out, "<{name}")?;
            for (field, value) in fields {
                write!(
                    out,
                    r#" {field}="{}""#,
                    escape(value.as_str().unwrap_or_default())
                )?;
            }
            write!(out, "/>")
        }
        Value::Object(fields) if name == "config" => {
            write!(out, "<config>")?;
            for (key, value) in fields {
                let value = escape(value.as_str().unwrap_or_default());
                write!(
                    out,
                    "<entry><key>{}</key><value>{value}</value></entry>",
                    escape(key)
                )?;
            }
            write!(out, "</config>")
        }
        Value::Object(fields) => {
            match fields.get("status") {
                Some(status) if name == "error" => write!(out, r#"<error status="{status}">"#)?,
                _ => write!(out, "<{name}>")?,
            }
            for (field, value) in fields {
                if name != "error" || field != "status" {
                    write(out, field, value)?;
                }
            }
            write!(out, "</{name}>")
        }
        Value::String(text) => write!(out, "<{name}>{}</{name}>", escape(text)),
        Value::Bool(_) | Value::Number(_) => write!(out, "<{name}>{value}</{name}>"),
    }
}

/// Reads a document into the shape its JSON would have, every leaf a text, and `entry` elements a map.
fn read_xml(text: &str) -> Option<Value> {
    let mut reader = Reader::from_str(text);
    let mut open: Vec<(String, Map<String, Value>, String)> = Vec::new();
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) => {
                open.push((
                    name_of(start.local_name().into_inner()),
                    Map::new(),
                    String::new(),
                ));
            }
            Event::Empty(start) => {
                let name = name_of(start.local_name().into_inner());
                open.last_mut()?
                    .1
                    .insert(name, Value::String(String::new()));
            }
            Event::Text(text) => {
                if let Some((_, _, content)) = open.last_mut() {
                    content.push_str(&text.xml10_content());
                }
            }
            Event::CData(text) => open.last_mut()?.2.push_str(&text.xml10_content()),
            Event::GeneralRef(reference) => {
                let letter = match reference.resolve_char_ref().ok()? {
                    Some(letter) => letter,
                    None => match &*reference.xml10_content() {
                        "amp" => '&',
                        "lt" => '<',
                        "gt" => '>',
                        "quot" => '"',
                        "apos" => '\'',
                        _ => return None,
                    },
                };
                open.last_mut()?.2.push(letter);
            }
            Event::End(_) => {
                let (name, fields, content) = open.pop()?;
                if name == "entry" {
                    let (_, map, _) = open.last_mut()?;
                    let value = text_of(&fields, "value").unwrap_or_default();
                    map.insert(text_of(&fields, "key")?, Value::String(value));
                    continue;
                }
                let value = if fields.is_empty() {
                    Value::String(content)
                } else {
                    Value::Object(fields)
                };
                match open.last_mut() {
                    Some((_, parent, _)) => parent.insert(name, value),
                    None => {
                        return Some(if value.is_object() {
                            value
                        } else {
                            Value::Object(Map::new())
                        });
                    }
                };
            }
            Event::Eof => return None,
            _ => {}
        }
    }
}

fn text_of(fields: &Map<String, Value>, name: &str) -> Option<String> {
    fields.get(name).and_then(Value::as_str).map(str::to_owned)
}

fn name_of(name: impl AsRef<str>) -> String {
    name.as_ref().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_entity_is_written_as_the_servers_bindings_do() {
        let check = |root: &str, entity: Value, expected: &str| {
            let document = xml(root, &entity);
            assert_eq!(document.split_once("?>").unwrap().1, expected);
        };
        check(
            "status",
            json!({ "status-code": 201, "resources-created": [{ "href": "x?a&b", "rel": "self" }] }),
            "<status><status-code>201</status-code><resources-created><link href=\"x?a&amp;b\" rel=\"self\"/>\
             </resources-created></status>",
        );
        check(
            "error",
            json!({ "status": 400, "message": ["a", "b"] }),
            "<error status=\"400\"><message>a</message><message>b</message></error>",
        );
        check(
            "consumers",
            json!({ "consumers": [{ "key": "k", "outgoing": false }] }),
            "<consumers><consumers><key>k</key><outgoing>false</outgoing></consumers></consumers>",
        );
    }

    #[test]
    fn a_map_survives_xml() {
        let entity = json!({ "provider": "p", "config": { "a.b": "1 < 2", "c": "" } });
        assert_eq!(
            read_xml(&xml("authenticationProvider", &entity)),
            Some(entity)
        );
    }

    #[test]
    fn what_is_no_document_is_refused() {
        for text in ["", "<a>", "plain", "<a>&nope;</a>", "<a></b>"] {
            assert_eq!(read_xml(text), None, "{text}");
        }
    }
}

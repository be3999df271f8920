//! From YAML nodes to records, with every complaint collected. `record!` makes a record's type, its decoder and its
//! JSON Schema from one list of fields.

use std::path::Path;

use serde_json::json;

use super::{
    error::{FleetError, Position, Problem},
    secret::Environment,
    yaml::{Node, Value},
};

/// What decoding needs and collects.
pub(super) struct Context<'a> {
    pub(super) file: &'a Path,
    pub(super) environment: &'a Environment<'a>,
    pub(super) errors: Vec<FleetError>,
    pub(super) warnings: Vec<FleetError>,
}

impl<'a> Context<'a> {
    pub(super) fn new(file: &'a Path, environment: &'a Environment<'a>) -> Self {
        Self {
            file,
            environment,
            errors: Vec::new(),
            warnings: Vec::new(),
        }
    }

    pub(super) fn error(&mut self, at: Position, problem: Problem) {
        self.errors
            .push(FleetError::new(self.file, Some(at), problem));
    }

    pub(super) fn warn(&mut self, at: Position, problem: Problem) {
        self.warnings
            .push(FleetError::new(self.file, Some(at), problem));
    }

    /// Adds the nearest of `known` while there are few errors: a file with thousands needs no advice on each.
    pub(super) fn nearest<'k>(
        &self,
        problem: Problem,
        word: &str,
        known: impl IntoIterator<Item = &'k str>,
    ) -> Problem {
        if self.errors.len() < 100 {
            problem.did_you_mean(word, known)
        } else {
            problem
        }
    }

    /// Complains about a node of the wrong kind.
    pub(super) fn expected(&mut self, what: &str, node: &Node, sensitivity: Sensitivity) {
        let problem = Problem::new(format!("expected {what}, found {}", node.value.kind()));
        let problem = problem.text(match (&node.value, sensitivity) {
            (Value::List(_), _) => "[...]",
            (Value::Map(_), _) => "{...}",
            (Value::Null, _) => "null",
            (_, Sensitivity::Secret) => "***",
            // One stray `|` makes a text of everything below it, secrets included.
            (value, Sensitivity::Open) => value
                .scalar()
                .filter(|text| !text.contains(char::is_whitespace))
                .unwrap_or("***"),
        });
        let problem = match &node.value {
            Value::Number(_) | Value::Bool(_) if what.starts_with("a text") => {
                problem.suggest("put it in quotes")
            }
            Value::Text(_) if what.contains("number") => problem.suggest("write it without quotes"),
            _ => problem,
        };
        self.error(node.at, problem);
    }
}

/// Whether a scalar may be shown.
#[derive(Clone, Copy)]
pub(super) enum Sensitivity {
    Open,
    Secret,
}

/// What can be read from a node. `None` means that it could not, and that the context knows why.
pub(super) trait Decode: Sized {
    fn decode(node: Node, cx: &mut Context<'_>) -> Option<Self>;

    /// The JSON Schema of what is accepted.
    fn schema() -> serde_json::Value;
}

/// A value and where it stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct At<T> {
    pub(super) at: Position,
    pub(super) value: T,
}

impl Decode for At<bool> {
    fn decode(node: Node, cx: &mut Context<'_>) -> Option<Self> {
        if let Value::Bool(value) = node.value {
            Some(Self { at: node.at, value })
        } else {
            cx.expected("`true` or `false`", &node, Sensitivity::Open);
            None
        }
    }

    fn schema() -> serde_json::Value {
        json!({ "type": "boolean" })
    }
}

impl<T: Decode> Decode for Vec<T> {
    fn decode(node: Node, cx: &mut Context<'_>) -> Option<Self> {
        if let Value::List(items) = node.value {
            Some(
                items
                    .into_iter()
                    .filter_map(|item| T::decode(item, cx))
                    .collect(),
            )
        } else {
            cx.expected("a list", &node, Sensitivity::Open);
            None
        }
    }

    fn schema() -> serde_json::Value {
        json!({ "type": "array", "items": T::schema() })
    }
}

/// A list with at least one entry: an empty one would silently mean nothing.
#[derive(Debug, Clone)]
pub(super) struct NonEmpty<T>(pub(super) Vec<T>);

impl<T: Decode> Decode for NonEmpty<T> {
    fn decode(node: Node, cx: &mut Context<'_>) -> Option<Self> {
        let at = node.at;
        if matches!(&node.value, Value::List(items) if items.is_empty()) {
            cx.error(
                at,
                Problem::new("an empty list")
                    .text("[]")
                    .suggest("leave the key out to mean all"),
            );
            return None;
        }
        Vec::decode(node, cx).map(Self)
    }

    fn schema() -> serde_json::Value {
        json!({ "type": "array", "minItems": 1, "items": T::schema() })
    }
}

/// Named entries, in the order of the file. An entry that could not be read keeps its name.
#[derive(Debug, Clone)]
pub(super) struct Named<T> {
    pub(super) at: Position,
    pub(super) entries: Vec<Entry<T>>,
}

#[derive(Debug, Clone)]
pub(super) struct Entry<T> {
    pub(super) name: String,
    pub(super) at: Position,
    pub(super) value: Option<T>,
}

impl<T> Named<T> {
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| entry.name.as_str())
    }
}

/// The pattern of server and consumer names (cli.md section 2).
pub(super) const NAME_PATTERN: &str = "^[A-Za-z0-9._-]{1,64}$";

pub(super) fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
}

impl<T: Decode> Decode for Named<T> {
    fn decode(node: Node, cx: &mut Context<'_>) -> Option<Self> {
        let at = node.at;
        let entries = entries(node, cx, Sensitivity::Open, |_| true)?
            .into_iter()
            .map(|(name, at, node)| {
                if !is_name(&name) {
                    let problem = Problem::new("not a name").text(name.as_str());
                    cx.error(
                        at,
                        problem.suggest("1 to 64 letters, digits, `.`, `_` and `-`"),
                    );
                }
                let value = present(&name, at, node, cx).and_then(|node| T::decode(node, cx));
                Entry { name, at, value }
            })
            .collect();
        Some(Self { at, entries })
    }

    fn schema() -> serde_json::Value {
        json!({
            "type": "object",
            "propertyNames": { "pattern": NAME_PATTERN },
            "additionalProperties": T::schema(),
        })
    }
}

/// The entries of a mapping: keys are scalars, each stands once. A key is shown only where it may be.
fn entries(
    node: Node,
    cx: &mut Context<'_>,
    sensitivity: Sensitivity,
    may_show: impl Fn(&str) -> bool,
) -> Option<Vec<(String, Position, Node)>> {
    let Value::Map(entries) = node.value else {
        // What stands in place of a mapping may be a password whose key was damaged; a URL never is.
        let is_url = node
            .value
            .scalar()
            .is_some_and(|text| text.starts_with("http"));
        let shown = if is_url {
            sensitivity
        } else {
            Sensitivity::Secret
        };
        cx.expected("a mapping", &node, shown);
        return None;
    };
    let mut seen = std::collections::HashMap::new();
    let mut unique = Vec::new();
    for (key, value) in entries {
        let Some(name) = key.value.scalar().map(str::to_owned) else {
            cx.expected("a text as key", &key, sensitivity);
            continue;
        };
        match seen.get(&name) {
            None => {
                seen.insert(name.clone(), key.at);
                unique.push((name, key.at, value));
            }
            Some(first) => {
                let problem = Problem::new(format!("duplicate key, first in line {}", first.line));
                let shown = if may_show(&name) {
                    name.as_str()
                } else {
                    "***"
                };
                cx.error(key.at, problem.text(shown));
            }
        }
    }
    Some(unique)
}

/// The node, unless nothing stands after its key.
fn present(name: &str, at: Position, node: Node, cx: &mut Context<'_>) -> Option<Node> {
    if matches!(node.value, Value::Null) {
        cx.error(
            at,
            Problem::new("a value is missing for this key").text(name),
        );
        return None;
    }
    Some(node)
}

/// The fields of a mapping that is a record.
pub(super) struct Fields {
    at: Position,
    known: &'static [&'static str],
    sensitivity: Sensitivity,
    entries: Vec<(String, Position, Node)>,
}

impl Fields {
    pub(super) fn of(
        node: Node,
        known: &'static [&'static str],
        sensitivity: Sensitivity,
        cx: &mut Context<'_>,
    ) -> Option<Self> {
        let at = node.at;
        let may_show = |key: &str| matches!(sensitivity, Sensitivity::Open) || known.contains(&key);
        let entries = entries(node, cx, sensitivity, may_show)?;
        Some(Self {
            at,
            known,
            sensitivity,
            entries,
        })
    }

    fn take(&mut self, name: &str) -> Option<(Position, Node)> {
        let index = self.entries.iter().position(|(key, ..)| key == name)?;
        let (_, at, node) = self.entries.swap_remove(index);
        Some((at, node))
    }

    pub(super) fn required<T: Decode>(&mut self, name: &str, cx: &mut Context<'_>) -> Option<T> {
        let Some((at, node)) = self.take(name) else {
            cx.error(
                self.at,
                Problem::new("a required key is missing here").text(name),
            );
            return None;
        };
        T::decode(present(name, at, node, cx)?, cx)
    }

    pub(super) fn optional<T: Decode>(&mut self, name: &str, cx: &mut Context<'_>) -> Option<T> {
        let (at, node) = self.take(name)?;
        T::decode(present(name, at, node, cx)?, cx)
    }

    /// Like `optional`, and `null` says the same as leaving the key out.
    pub(super) fn nullable<T: Decode>(&mut self, name: &str, cx: &mut Context<'_>) -> Option<T> {
        let (_, node) = self.take(name)?;
        match node.value {
            Value::Null => None,
            _ => T::decode(node, cx),
        }
    }

    /// Complains about every key that no field has asked for. Beside secrets it may be a part of one, as in
    /// `{ password hunter2 }`, unless it is near to a known key.
    pub(super) fn finish(self, cx: &mut Context<'_>) {
        for (name, at, _) in self.entries {
            let problem = cx.nearest(
                Problem::new("unknown key"),
                &name,
                self.known.iter().copied(),
            );
            let near = problem.has_suggestion();
            let shown = match self.sensitivity {
                Sensitivity::Secret if !near => "***",
                _ => name.as_str(),
            };
            let problem = if near {
                problem
            } else {
                problem.suggest(format!("known here: {}", self.known.join(", ")))
            };
            cx.error(at, problem.text(shown));
        }
    }
}

/// What `record!` makes.
pub(super) trait Record: Sized {
    /// The record where nothing in it is wrong by itself, so that it makes sense to look for contradictions.
    fn sound(&self) -> Option<&Self>;
}

/// A mapping with fixed keys. Each field is `required`, `optional` or `nullable`, and an `Option` in the type: what is
/// wrong with one field does not hide the others. `secret` records never show what stands in their place.
macro_rules! record {
    ($(#[doc = $doc:literal])+ $sensitivity:ident $name:ident {
        $($(#[doc = $field_doc:literal])+ $presence:ident $field:ident: $type:ty,)+
    }) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone)]
        pub(super) struct $name {
            $($(#[doc = $field_doc])+ pub(super) $field: Option<$type>,)+
            sound: bool,
        }

        impl $name {
            /// The keys, in the order of the documentation.
            pub(super) const KEYS: &'static [&'static str] = &[$(stringify!($field)),+];
        }

        impl $crate::file::decode::Record for $name {
            fn sound(&self) -> Option<&Self> {
                self.sound.then_some(self)
            }
        }

        impl $crate::file::decode::Decode for $name {
            fn decode(
                node: $crate::file::yaml::Node,
                cx: &mut $crate::file::decode::Context<'_>,
            ) -> Option<Self> {
                let errors = cx.errors.len();
                let mut fields = $crate::file::decode::Fields::of(
                    node,
                    Self::KEYS,
                    $crate::file::decode::Sensitivity::$sensitivity,
                    cx,
                )?;
                $(let $field = fields.$presence(stringify!($field), cx);)+
                fields.finish(cx);
                let sound = cx.errors.len() == errors;
                Some(Self { $($field,)+ sound })
            }

            fn schema() -> serde_json::Value {
                let mut properties = serde_json::Map::new();
                let mut required = Vec::<&str>::new();
                $(
                    let schema = <$type as $crate::file::decode::Decode>::schema();
                    let presence = stringify!($presence);
                    if presence == "required" {
                        required.push(stringify!($field));
                    }
                    properties.insert(
                        stringify!($field).to_owned(),
                        $crate::file::decode::describe(schema, presence, &[$($field_doc),+]),
                    );
                )+
                serde_json::json!({
                    "type": "object",
                    "additionalProperties": false,
                    "required": required,
                    "properties": properties,
                })
            }
        }
    };
}
pub(super) use record;

/// A field's schema with its documentation.
pub(super) fn describe(
    schema: serde_json::Value,
    presence: &str,
    docs: &[&str],
) -> serde_json::Value {
    let mut schema = if presence == "nullable" {
        json!({ "anyOf": [schema, { "type": "null" }] })
    } else {
        schema
    };
    let text: Vec<&str> = docs.iter().map(|line| line.trim()).collect();
    if let Some(object) = schema.as_object_mut() {
        object.insert("description".to_owned(), text.join(" ").into());
    }
    schema
}

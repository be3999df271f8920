//! YAML as a tree in which every node knows its place. The YAML library is used here and nowhere else.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_yaml::{
    Error, Options, Spanned, options::DuplicateKeyPolicy, options::NonFiniteFloatPolicy,
};
use zeroize::Zeroizing;

use super::error::{Position, Problem};

/// A value and where it stands; for an alias, where the alias stands.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) at: Position,
    pub(super) value: Value,
}

/// A value. Texts may be secrets, so there is no way to print them by accident.
pub(super) enum Value {
    Null,
    Bool(bool),
    /// As it is written.
    Number(String),
    Text(Zeroizing<String>),
    List(Vec<Node>),
    /// In the order of the file, duplicates included.
    Map(Vec<(Node, Node)>),
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind())
    }
}

impl Value {
    /// What it is, for messages.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Map(_) => "a mapping",
        }
    }

    /// The text of a scalar as it is written; `None` for the others.
    pub(super) fn scalar(&self) -> Option<&str> {
        match self {
            Self::Bool(true) => Some("true"),
            Self::Bool(false) => Some("false"),
            Self::Number(text) => Some(text),
            Self::Text(text) => Some(text),
            Self::Null | Self::List(_) | Self::Map(_) => None,
        }
    }
}

/// Parses one document. What comes back on failure shows no text of the file beyond a key.
pub(super) fn parse(text: &str, is_key: fn(&str) -> bool) -> Result<Node, (Position, Problem)> {
    let root: Spanned<Raw> = serde_yaml::from_str_with_options(text, options())
        .map_err(|error| failure(text, is_key, &error))?;
    Ok(node(text, root))
}

/// Booleans are `true` and `false`; duplicate keys reach our own check; what expands without end is stopped early.
fn options() -> Options {
    serde_yaml::options! {
        strict_booleans: true,
        with_snippet: false,
        emit_comments: false,
        reject_unsupported_tags: true,
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        non_finite_float_policy: NonFiniteFloatPolicy::AsString,
        budget: serde_yaml::budget! {
            max_depth: 32,
            max_nodes: 100_000,
            max_events: 300_000,
            max_recorded_anchor_events: 100_000,
            max_merge_keys: 1_000,
        },
        alias_limits: serde_yaml::alias_limits! {
            max_total_replayed_events: 100_000,
            max_replay_stack_depth: 8,
        },
    }
}

fn failure(text: &str, is_key: fn(&str) -> bool, error: &Error) -> (Position, Problem) {
    let at = error
        .location()
        .map_or(Position { line: 1, column: 1 }, position);
    let problem = match error.without_snippet() {
        Error::ExternalMessage { msg, .. } => Problem::new(format!("not valid YAML: {msg}"))
            .suggest("check indentation, quotes and brackets here and in the line before"),
        Error::UnknownAnchor { .. } => Problem::new("not valid YAML: this alias names no anchor")
            .suggest("put a text that begins with `*` in quotes"),
        Error::UnsupportedTag { .. } => Problem::new("not valid YAML: this tag is not known")
            .suggest("put a text that begins with `!` in quotes"),
        Error::MultipleDocuments { .. } => {
            Problem::new("the file has to be one document").suggest("remove the line `---`")
        }
        Error::MergeValueNotMapOrSeqOfMaps { .. } => {
            Problem::new("`<<` merges mappings, and this is none")
        }
        Error::Budget { .. }
        | Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. }
        | Error::AliasError { .. } => {
            Problem::new("too large or too deeply nested once its aliases are expanded")
        }
        _ => Problem::new("not valid YAML"),
    };
    let line = usize::try_from(at.line)
        .ok()
        .and_then(|line| text.lines().nth(line - 1));
    match line {
        Some(line) => (at, problem.text(masked_line(line, is_key))),
        None => (at, problem),
    }
}

/// The key of a line where it is one that a fleet file can have; everything else may be a secret.
fn masked_line(line: &str, is_key: fn(&str) -> bool) -> String {
    match line.split_once(':') {
        Some((key, _)) if is_key(key.trim_start_matches([' ', '-'])) => {
            format!("{}: ***", key.trim())
        }
        _ => "***".to_owned(),
    }
}

fn position(location: serde_yaml::Location) -> Position {
    Position {
        line: location.line().max(1),
        column: location.column().max(1),
    }
}

/// What the library hands over.
enum Raw {
    Null,
    Bool(bool),
    Number(String),
    Text(Zeroizing<String>),
    List(Vec<Spanned<Self>>),
    Map(Vec<(Spanned<Self>, Spanned<Self>)>),
}

fn node(source: &str, raw: Spanned<Raw>) -> Node {
    let value = match raw.value {
        Raw::Null => Value::Null,
        Raw::Bool(value) => Value::Bool(value),
        Raw::Number(number) => Value::Number(written(source, raw.defined).unwrap_or(number)),
        Raw::Text(text) => Value::Text(text),
        Raw::List(items) => Value::List(items.into_iter().map(|item| node(source, item)).collect()),
        Raw::Map(entries) => Value::Map(
            entries
                .into_iter()
                .map(|(key, value)| (node(source, key), node(source, value)))
                .collect(),
        ),
    };
    Node {
        at: position(raw.referenced),
        value,
    }
}

/// A number as it is written: `007` is not `7`.
fn written(source: &str, location: serde_yaml::Location) -> Option<String> {
    let span = location.span();
    let start = usize::try_from(span.byte_offset()?).ok()?;
    let length = usize::try_from(span.byte_len()?).ok()?;
    source
        .get(start..start.checked_add(length)?)
        .map(str::to_owned)
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_none<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Raw, D::Error> {
        Raw::deserialize(deserializer)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Raw, E> {
        Ok(Raw::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Raw, E> {
        Ok(Raw::Number(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Raw, E> {
        Ok(Raw::Number(value.to_string()))
    }

    fn visit_i128<E>(self, value: i128) -> Result<Raw, E> {
        Ok(Raw::Number(value.to_string()))
    }

    fn visit_u128<E>(self, value: u128) -> Result<Raw, E> {
        Ok(Raw::Number(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Raw, E> {
        Ok(Raw::Number(value.to_string()))
    }

    fn visit_str<E>(self, text: &str) -> Result<Raw, E> {
        Ok(Raw::Text(Zeroizing::new(text.to_owned())))
    }

    fn visit_string<E>(self, text: String) -> Result<Raw, E> {
        Ok(Raw::Text(Zeroizing::new(text)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Raw, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Raw::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Raw, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Raw::Map(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_line_shows_its_key_alone() {
        for (line, expected) in [
            ("    password: \"marker", "password: ***"),
            ("    - user: *marker", "- user: ***"),
            ("servers:", "servers: ***"),
            ("  marker", "***"),
            ("  marker: 1", "***"),
            ("admin: { password: marker", "***"),
        ] {
            let is_key = |word: &str| ["password", "user", "servers"].contains(&word);
            assert_eq!(masked_line(line, is_key), expected, "{line}");
        }
    }

    #[test]
    fn a_scalar_keeps_the_way_it_is_written() {
        let Ok(node) = parse("[007, 1.50, 0x10, true, 'true', yes]", |_| false) else {
            panic!("is YAML");
        };
        let Value::List(items) = node.value else {
            panic!("is a list");
        };
        let seen: Vec<_> = items
            .iter()
            .map(|item| (item.value.kind(), item.value.scalar()))
            .collect();
        assert_eq!(
            seen,
            [
                ("a number", Some("007")),
                ("a number", Some("1.50")),
                ("a number", Some("0x10")),
                ("a boolean", Some("true")),
                ("a text", Some("true")),
                ("a text", Some("yes")),
            ]
        );
    }
}

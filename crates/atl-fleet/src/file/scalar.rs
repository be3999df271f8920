//! Texts with a meaning: names, paths, durations, choices. `${env:NAME}` may stand in each of them.

use std::{path::PathBuf, time::Duration};

use atl_client::{Login, Product};
use atl_keys::KeySize;
use secrecy::ExposeSecret;
use serde_json::{Value as Json, json};

use super::{
    decode::{At, Context, Decode, NAME_PATTERN, Sensitivity, is_name},
    error::{Position, Problem},
    secret::literal_secret,
    template::{Scheme, Segment, Template},
    yaml::{Node, Value},
};
use crate::wanted::State;

/// A text of the file, where it stands, and what it means where its variables are defined.
#[derive(Debug, Clone)]
pub(super) struct Field<T> {
    pub(super) at: Position,
    /// As written, credentials in URLs masked.
    pub(super) text: String,
    pub(super) value: Known<T>,
}

#[derive(Debug, Clone)]
pub(super) enum Known<T> {
    Value(T),
    /// The name of a variable that is not defined, which is an error only where the field is needed.
    Undefined(String),
}

impl<T> Field<T> {
    /// The value, where every variable in it is defined.
    pub(super) fn known(&self) -> Option<&T> {
        match &self.value {
            Known::Value(value) => Some(value),
            Known::Undefined(_) => None,
        }
    }
}

/// What a text can mean.
pub(super) trait FromText: Sized {
    /// What is expected, for messages about a node of another kind.
    const WHAT: &'static str = "a text";

    /// The text as it may be shown.
    fn show(text: &str) -> String {
        text.to_owned()
    }

    /// Whether a password is in it.
    fn holds_password(&self) -> bool {
        false
    }

    /// The message does not quote the text, which is shown beside it.
    fn from_text(text: &str) -> Result<Self, Problem>;

    /// The JSON Schema of a text without references.
    fn schema() -> Json;
}

impl<T: FromText> Decode for Field<T> {
    fn decode(node: Node, cx: &mut Context<'_>) -> Option<Self> {
        let at = node.at;
        let Value::Text(text) = &node.value else {
            cx.expected(T::WHAT, &node, Sensitivity::Open);
            return None;
        };
        let shown = T::show(text);
        match meaning(text, at, cx) {
            Ok(value) => Some(Self {
                at,
                text: shown,
                value,
            }),
            Err(problem) => {
                cx.error(at, problem.or_text(&shown));
                None
            }
        }
    }

    fn schema() -> Json {
        json!({ "anyOf": [T::schema(), { "type": "string", "pattern": r"\$\{env:[A-Za-z_][A-Za-z0-9_]*\}" }] })
    }
}

fn meaning<T: FromText>(
    text: &str,
    at: Position,
    cx: &mut Context<'_>,
) -> Result<Known<T>, Problem> {
    let template = Template::parse(text)?;
    let mut others = template
        .references()
        .filter(|reference| reference.scheme != Scheme::Env);
    if let Some(reference) = others.next() {
        let scheme = reference.scheme.name();
        return Err(Problem::new(format!(
            "`${{{scheme}:}}` may stand only in passwords, tokens, passphrases and database URLs"
        ))
        .text(reference.to_string())
        .suggest("only `${env:NAME}` may stand here"));
    }
    let mut resolved = String::new();
    for segment in &template.0 {
        match segment {
            Segment::Literal(literal) => resolved.push_str(literal.expose_secret()),
            Segment::Reference(reference) => match (cx.environment.var)(&reference.argument) {
                Some(value) => resolved.push_str(&value),
                None => return Ok(Known::Undefined(reference.argument.clone())),
            },
        }
    }
    let literal = template.literal().is_some();
    match T::from_text(&resolved) {
        Ok(value) => {
            if literal && value.holds_password() {
                cx.warn(at, literal_secret());
            }
            Ok(Known::Value(value))
        }
        Err(problem) if literal => Err(problem),
        Err(problem) => Err(problem.without_suggestion()),
    }
}

/// Any text that is not empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Text(pub(super) String);

impl FromText for Text {
    fn from_text(text: &str) -> Result<Self, Problem> {
        if text.trim().is_empty() {
            return Err(Problem::new("an empty text").suggest("leave the key out to say nothing"));
        }
        if text.chars().any(char::is_control) {
            return Err(Problem::new(
                "a text of one line without control characters is expected",
            ));
        }
        Ok(Self(text.to_owned()))
    }

    fn schema() -> Json {
        json!({ "type": "string", "minLength": 1 })
    }
}

/// A label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Label(pub(super) String);

impl FromText for Label {
    fn from_text(text: &str) -> Result<Self, Problem> {
        if is_name(text) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Problem::new("not a label").suggest("1 to 64 letters, digits, `.`, `_` and `-`"))
        }
    }

    fn schema() -> Json {
        json!({ "type": "string", "pattern": NAME_PATTERN })
    }
}

/// A server by name, or all servers with a label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Selector {
    Server(String),
    Label(String),
}

impl FromText for Selector {
    fn from_text(text: &str) -> Result<Self, Problem> {
        match text.strip_prefix("label:") {
            Some(label) if is_name(label) => Ok(Self::Label(label.to_owned())),
            None if is_name(text) => Ok(Self::Server(text.to_owned())),
            _ => Err(Problem::new("neither a server's name nor `label:NAME`")),
        }
    }

    fn schema() -> Json {
        json!({ "type": "string", "pattern": "^(label:)?[A-Za-z0-9._-]{1,64}$" })
    }
}

/// A file, relative to the fleet file's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FilePath(pub(super) PathBuf);

impl FromText for FilePath {
    fn from_text(text: &str) -> Result<Self, Problem> {
        Text::from_text(text)?;
        if text.starts_with("~/") {
            return Err(Problem::new("`~` is not expanded here").suggest("write `${env:HOME}/...`"));
        }
        Ok(Self(PathBuf::from(text)))
    }

    fn schema() -> Json {
        Text::schema()
    }
}

/// A duration such as `90d`, in whole seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Age(pub(super) Duration);

impl FromText for Age {
    const WHAT: &'static str = "a text, a duration such as `90d`";

    fn from_text(text: &str) -> Result<Self, Problem> {
        let problem = || {
            Problem::new("not a duration")
                .suggest("a whole number and `s`, `m`, `h`, `d` or `w`, such as `90d` or `12h`")
        };
        let unit = text.chars().last().ok_or_else(problem)?;
        let seconds: u64 = match unit {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86_400,
            'w' => 7 * 86_400,
            _ => return Err(problem()),
        };
        let number = text.strip_suffix(unit).unwrap_or_default();
        if number.is_empty() || !number.chars().all(|c| c.is_ascii_digit()) {
            return Err(problem());
        }
        match number
            .parse::<u64>()
            .ok()
            .and_then(|number| number.checked_mul(seconds))
        {
            Some(0) => Err(Problem::new("a duration is longer than nothing")),
            // A thousand centuries keep every sum of times in range.
            Some(total) if total <= 100_000 * 365 * 86_400 => Ok(Self(Duration::from_secs(total))),
            _ => Err(Problem::new("too long a duration")),
        }
    }

    fn schema() -> Json {
        json!({ "type": "string", "pattern": "^[0-9]+[smhdw]$" })
    }
}

/// One of a few words.
fn choice<T: Copy>(text: &str, choices: &[(&'static str, T)]) -> Result<T, Problem> {
    let words = || choices.iter().map(|(word, _)| *word);
    if let Some((_, value)) = choices.iter().find(|(word, _)| *word == text) {
        return Ok(*value);
    }
    let list: Vec<_> = words().map(|word| format!("`{word}`")).collect();
    Err(Problem::new(format!("expected one of {}", list.join(", "))).did_you_mean(text, words()))
}

macro_rules! choices {
    ($type:ty, $table:ident: $(($word:literal, $value:expr)),+ $(,)?) => {
        const $table: &[(&str, $type)] = &[$(($word, $value)),+];

        impl FromText for $type {
            fn from_text(text: &str) -> Result<Self, Problem> {
                choice(text, $table)
            }

            fn schema() -> Json {
                json!({ "enum": [$($word),+] })
            }
        }
    };
}

choices!(Product, PRODUCTS:
    ("jira", Product::Jira),
    ("confluence", Product::Confluence),
    ("bitbucket", Product::Bitbucket),
    ("bamboo", Product::Bamboo),
    ("other", Product::Other),
);
choices!(Login, LOGINS:
    ("auto", Login::Auto),
    ("basic", Login::Basic),
    ("session", Login::Session),
);
choices!(State, STATES:
    ("present", State::Present),
    ("absent", State::Absent),
);

impl Decode for At<KeySize> {
    fn decode(node: Node, cx: &mut Context<'_>) -> Option<Self> {
        let Value::Number(number) = &node.value else {
            cx.expected("a number, 2048, 3072 or 4096", &node, Sensitivity::Open);
            return None;
        };
        let Some(value) = number.parse().ok().and_then(KeySize::from_bits) else {
            let problem = Problem::new("a keypair has 2048, 3072 or 4096 bits");
            cx.error(node.at, problem.text(number.as_str()));
            return None;
        };
        Some(Self { at: node.at, value })
    }

    fn schema() -> Json {
        json!({ "enum": [2048, 3072, 4096] })
    }
}

/// The version of the file format.
#[derive(Debug, Clone)]
pub(super) struct Version {
    pub(super) at: Position,
    pub(super) number: String,
}

impl Version {
    /// The one that this program reads.
    pub(super) const CURRENT: &'static str = "1";
}

impl Decode for Version {
    fn decode(node: Node, cx: &mut Context<'_>) -> Option<Self> {
        if let Value::Number(number) = node.value {
            Some(Self {
                at: node.at,
                number,
            })
        } else {
            cx.expected("the number 1", &node, Sensitivity::Open);
            None
        }
    }

    fn schema() -> Json {
        json!({ "const": 1 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_a_number_and_a_unit() {
        for (text, expected) in [
            ("90d", Some(7_776_000)),
            ("12h", Some(43_200)),
            ("30m", Some(1800)),
            ("2w", Some(1_209_600)),
            ("45s", Some(45)),
            ("0d", None),
            ("90", None),
            ("d", None),
            ("-1d", None),
            ("+1d", None),
            ("1.5d", None),
            ("1 d", None),
            ("1ü", None),
            ("", None),
            ("99999999999999999999d", None),
            ("9999999999w", None),
        ] {
            assert_eq!(
                Age::from_text(text).ok().map(|age| age.0.as_secs()),
                expected,
                "{text}"
            );
        }
    }
}

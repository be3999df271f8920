//! The file of `audit --ignore`: a list of findings that were accepted, each with a reason. It is read with the same care
//! as the fleet file, but holds no references.

use std::{io::Read as _, path::Path};

use atl_tokens::rules::Rule;
use jiff::civil::Date;
use serde_json::json;

use super::{
    decode::{Context, Decode, Sensitivity, record},
    error::{FleetError, FleetErrors, Problem},
    scalar::{FromText, Text},
    secret::Environment,
    source::{LARGEST, text},
    yaml::{self, Node, Value},
};
use crate::audit::{IgnoreEntry, IgnoreList};

/// A text that means what is written.
#[derive(Debug, Clone)]
pub(super) struct Written<T>(T);

impl<T: FromText> Decode for Written<T> {
    fn decode(node: Node, cx: &mut Context<'_>) -> Option<Self> {
        let Value::Text(text) = &node.value else {
            cx.expected(T::WHAT, &node, Sensitivity::Open);
            return None;
        };
        match T::from_text(text) {
            Ok(value) => Some(Self(value)),
            Err(problem) => {
                cx.error(node.at, problem.or_text(text));
                None
            }
        }
    }

    fn schema() -> serde_json::Value {
        T::schema()
    }
}

impl FromText for Rule {
    const WHAT: &'static str = "the id of a rule";

    fn from_text(text: &str) -> Result<Self, Problem> {
        Self::from_id(text).ok_or_else(|| {
            Problem::new("no rule has this id").did_you_mean(text, Self::ALL.map(Self::id))
        })
    }

    fn schema() -> serde_json::Value {
        json!({ "enum": Self::ALL.map(Self::id) })
    }
}

/// Why a finding was accepted.
#[derive(Debug, Clone)]
pub(super) struct Reason(String);

impl FromText for Reason {
    fn from_text(text: &str) -> Result<Self, Problem> {
        Text::from_text(text).map(|text| Self(text.0)).map_err(|_| {
            Problem::new("not a reason").suggest("say in one line why this was accepted")
        })
    }

    fn schema() -> serde_json::Value {
        Text::schema()
    }
}

impl FromText for Date {
    const WHAT: &'static str = "a text, a day such as `2027-01-31`";

    fn from_text(text: &str) -> Result<Self, Problem> {
        let problem = || Problem::new("not a day").suggest("write it as `2027-01-31`");
        Self::strptime("%Y-%m-%d", text)
            .ok()
            .filter(|day| day.to_string() == text)
            .ok_or_else(problem)
    }

    fn schema() -> serde_json::Value {
        json!({ "type": "string", "format": "date" })
    }
}

record! {
    /// A finding that was accepted, or several that are alike.
    Open Accepted {
        /// The id of the rule.
        required rule: Written<Rule>,
        /// On this server only.
        optional server: Written<Text>,
        /// About this only, such as `consumer deploy-bot`.
        optional subject: Written<Text>,
        /// Why it was accepted.
        required reason: Written<Reason>,
        /// The last day on which it is.
        optional until: Written<Date>,
    }
}

/// An entry, with its place.
struct Entry(Option<IgnoreEntry>);

impl Decode for Entry {
    fn decode(node: Node, cx: &mut Context<'_>) -> Option<Self> {
        let at = node.at;
        let Accepted {
            rule,
            server,
            subject,
            reason,
            until,
            ..
        } = Accepted::decode(node, cx)?;
        let text = |text: Option<Written<Text>>| text.map(|text| text.0.0);
        let entry = rule.zip(reason).map(|(rule, reason)| IgnoreEntry {
            at,
            rule: rule.0,
            server: text(server),
            subject: text(subject),
            reason: reason.0.0,
            until: until.map(|until| until.0),
        });
        Some(Self(entry))
    }

    fn schema() -> serde_json::Value {
        Accepted::schema()
    }
}

impl IgnoreList {
    /// Reads and checks the file.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the file, at once.
    pub fn read(path: &Path) -> Result<Self, FleetErrors> {
        let bytes = load(path)?;
        let environment = Environment {
            var: &|_| None,
            command: None,
            keyring: None,
        };
        let root = yaml::parse(text(path, &bytes)?, |key| Accepted::KEYS.contains(&key))
            .map_err(|(at, problem)| FleetErrors::one(FleetError::new(path, Some(at), problem)))?;
        // A file with nothing but comments accepts nothing.
        if matches!(root.value, Value::Null) {
            return Ok(Self::new(path, Vec::new()));
        }
        let mut cx = Context::new(path, &environment);
        let entries = Vec::<Entry>::decode(root, &mut cx).unwrap_or_default();
        FleetErrors::check(cx.errors)?;
        Ok(Self::new(
            path,
            entries.into_iter().filter_map(|entry| entry.0).collect(),
        ))
    }
}

fn load(path: &Path) -> Result<Vec<u8>, FleetErrors> {
    let mut bytes = Vec::new();
    let read = fs_err::File::open(path)
        .and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes))
        .map_err(|error| Problem::new(error.to_string()));
    match read {
        Ok(_) if bytes.len() as u64 > LARGEST => Err(Problem::new(
            "larger than 1 MiB, too large to be a list of accepted findings",
        )),
        read => read.map(|_| bytes),
    }
    .map_err(|problem| FleetErrors::one(FleetError::new(path, None, problem)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<IgnoreList, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs_err::write(file.path(), text).unwrap();
        IgnoreList::read(file.path()).map_err(|errors| {
            let path = format!("{}:", file.path().display());
            errors.to_string().replace(&path, "")
        })
    }

    #[test]
    fn a_good_list() {
        let list = read(
            "# Accepted by the security board.\n\
             - rule: ATL-BASIC-ENABLED\n  reason: until the scripts have tokens\n  until: 2027-01-31\n\
             - { rule: ATL-2LO-ON, server: jira, subject: consumer bot, reason: 'needs no ${env:X}' }\n",
        )
        .unwrap();
        assert_eq!(
            list.entries(),
            [
                IgnoreEntry {
                    at: super::super::Position { line: 2, column: 3 },
                    rule: Rule::BasicEnabled,
                    server: None,
                    subject: None,
                    reason: "until the scripts have tokens".to_owned(),
                    until: Some(jiff::civil::date(2027, 1, 31)),
                },
                IgnoreEntry {
                    at: super::super::Position { line: 5, column: 3 },
                    rule: Rule::TwoLeggedOn,
                    server: Some("jira".to_owned()),
                    subject: Some("consumer bot".to_owned()),
                    reason: "needs no ${env:X}".to_owned(),
                    until: None,
                },
            ]
        );
        assert!(read("# nothing yet\n").unwrap().entries().is_empty());
        assert!(read("[]").unwrap().entries().is_empty());
    }

    #[test]
    fn everything_that_is_wrong_is_said_with_its_place() {
        for (text, expected) in [
            (
                "- rule: ATL-KEY-WAEK\n  reason: x",
                "1:9: no rule has this id: `ATL-KEY-WAEK`\n  hint: did you mean `ATL-KEY-WEAK`?",
            ),
            (
                "- rule: ATL-KEY-WEAK",
                "1:3: a required key is missing here: `reason`",
            ),
            (
                "- rule: ATL-KEY-WEAK\n  reason: ' '",
                "2:11: not a reason: ` `\n  hint: say in one line why this was accepted",
            ),
            (
                "- rule: ATL-KEY-WEAK\n  reason: x\n  until: 2027-02-30",
                "3:10: not a day: `2027-02-30`\n  hint: write it as `2027-01-31`",
            ),
            (
                "- rule: ATL-KEY-WEAK\n  reason: x\n  until: 2027-1-3",
                "3:10: not a day: `2027-1-3`\n  hint: write it as `2027-01-31`",
            ),
            (
                "- rule: ATL-KEY-WEAK\n  reason: x\n  untill: 2027-01-03",
                "3:3: unknown key: `untill`\n  hint: did you mean `until`?",
            ),
            (
                "rule: ATL-KEY-WEAK",
                "1:1: expected a list, found a mapping: `{...}`",
            ),
            (
                "- rule: ATL-NONE\n- reason: y",
                "1:9: no rule has this id: `ATL-NONE`\n\
                 1:3: a required key is missing here: `reason`\n\
                 2:3: a required key is missing here: `rule`",
            ),
        ] {
            let found = read(text).unwrap_err();
            let sorted = |text: &str| {
                let mut lines: Vec<_> = text.lines().map(|line| line.trim().to_owned()).collect();
                lines.sort();
                lines
            };
            assert_eq!(sorted(&found), sorted(expected), "{text}");
        }
    }

    #[test]
    fn a_file_that_is_not_there_says_so() {
        let missing = Path::new("no-such-folder/ignore.yaml");
        let error = IgnoreList::read(missing).map(drop).unwrap_err();
        assert!(error.to_string().contains("no-such-folder/ignore.yaml"));
    }
}

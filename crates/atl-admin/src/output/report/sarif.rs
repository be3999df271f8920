//! SARIF 2.1.0 (OASIS, with errata 01): one run with all rules and findings, for code scanning services.
//!
//! A finding is about something on a server, which is a logical location. GitHub takes no result without a file, so the
//! fleet file, which names the server, is its physical location, at the first line.

use std::{
    cell::RefCell,
    io::{self, Write},
    path::{Component, Path},
};

use atl_fleet::audit::Reported;
use atl_tokens::{Coverage, Severity, rules::Rule};
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{
    Serialize, Serializer,
    ser::{Error as _, SerializeSeq as _},
};
use serde_json::{Value, json};

use super::{Report, harmless, rows::for_each};

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// What a segment of a path does not have as it is (RFC 3986, section 3.3).
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Writes the report.
///
/// # Errors
///
/// Where it cannot be written, or the findings cannot be read.
pub fn sarif(report: &Report<'_>, mut out: impl Write) -> io::Result<()> {
    let unreadable = RefCell::new(None);
    let log = Log {
        schema: SCHEMA,
        version: "2.1.0",
        runs: [Run {
            tool: tool(report),
            invocations: [invocation(report)],
            column_kind: "unicodeCodePoints",
            logical_locations: report.servers.iter().map(|name| server(name)).collect(),
            results: Results {
                report,
                file: json!({ "artifactLocation": { "uri": uri(report.fleet) }, "region": { "startLine": 1 } }),
                unreadable: &unreadable,
            },
        }],
    };
    let written = serde_json::to_writer(&mut out, &log);
    unreadable.into_inner().map_or(Ok(()), Err)?;
    written?;
    out.write_all(b"\n")
}

#[derive(Serialize)]
struct Log<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Run<'a> {
    tool: Value,
    invocations: [Value; 1],
    column_kind: &'static str,
    logical_locations: Vec<Value>,
    results: Results<'a>,
}

/// The findings, written as they are read.
struct Results<'a> {
    report: &'a Report<'a>,
    file: Value,
    /// Why they could not be read, which a serialiser has no place for.
    unreadable: &'a RefCell<Option<io::Error>>,
}

impl Serialize for Results<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut results = serializer.serialize_seq(None)?;
        let unreadable = |error: io::Error| {
            let told = S::Error::custom(&error);
            *self.unreadable.borrow_mut() = Some(error);
            told
        };
        for rows in [self.report.findings, self.report.accepted] {
            for_each(rows, unreadable, |reported| {
                results.serialize_element(&result(self.report, &self.file, reported))
            })?;
        }
        results.end()
    }
}

fn tool(report: &Report<'_>) -> Value {
    let version = env!("CARGO_PKG_VERSION");
    json!({ "driver": {
        "name": "atl-admin",
        "version": version,
        "semanticVersion": version,
        "informationUri": env!("CARGO_PKG_REPOSITORY"),
        "rules": report.rules.iter().map(|rule| of_rule(*rule)).collect::<Vec<_>>(),
    } })
}

fn of_rule(rule: Rule) -> Value {
    json!({
        "id": rule.id(),
        "shortDescription": { "text": message(rule.title()) },
        "fullDescription": { "text": message(rule.help()) },
        "help": { "text": message(rule.help()) },
        "helpUri": rule.url(),
        "defaultConfiguration": { "level": level(rule.severity()) },
        "properties": { "tags": ["security"], "security-severity": score(rule.severity()) },
    })
}

/// How the run went: what could not be looked at makes it one that did not succeed.
fn invocation(report: &Report<'_>) -> Value {
    let seen = report.coverage.iter().filter(|seen| !seen.complete);
    json!({
        "executionSuccessful": report.gaps() == 0,
        "endTimeUtc": time(report.made),
        "toolExecutionNotifications": seen.map(notification).collect::<Vec<_>>(),
    })
}

/// What a source could not see: an error where it was to see it, a note where it never can.
fn notification(seen: &Coverage) -> Value {
    let source = super::source(seen.source);
    let locations = json!([{ "logicalLocations": [server(&seen.server)] }]);
    let Some(gap) = &seen.gap else {
        let text = format!("{}: {source}: {}", seen.server, seen.note);
        return json!({
            "level": "note",
            "message": { "text": message(&text) },
            "locations": locations,
            "properties": { "source": source },
        });
    };
    json!({
        "descriptor": { "id": gap.code },
        "level": "error",
        "message": { "text": advised(&gap.message, &gap.advice) },
        "locations": locations,
        "properties": { "source": source, "note": harmless(&seen.note) },
    })
}

fn result(report: &Report<'_>, file: &Value, reported: &Reported) -> Value {
    let Reported { id, finding, .. } = reported;
    let mut subject = json!({
        "name": harmless(&finding.subject),
        "fullyQualifiedName": harmless(&format!("{}/{}", finding.server, finding.subject)),
        "kind": "resource",
    });
    if let Some(index) = report
        .servers
        .iter()
        .position(|name| *name == finding.server)
    {
        subject["parentIndex"] = index.into();
    }
    let mut result = json!({
        "ruleId": finding.rule,
        "level": level(finding.severity),
        "message": { "text": advised(&finding.message, &finding.advice) },
        "locations": [{ "physicalLocation": file, "logicalLocations": [subject] }],
        // GitHub looks at the first one only, and makes it from the line of the file where there is none.
        "partialFingerprints": { "primaryLocationLineHash": id, "atlAdminFinding/v1": id },
        "properties": { "server": finding.server, "subject": harmless(&finding.subject) },
    });
    if let Some(index) = report
        .rules
        .iter()
        .position(|rule| rule.id() == finding.rule)
    {
        result["ruleIndex"] = index.into();
    }
    if report.has_baseline {
        result["baselineState"] = if reported.baseline {
            "unchanged"
        } else {
            "new"
        }
        .into();
    }
    if let Some(accepted) = &reported.accepted {
        result["suppressions"] = json!([{
            "kind": "external",
            "status": "accepted",
            "justification": harmless(&accepted.reason),
        }]);
    }
    result
}

fn server(name: &str) -> Value {
    json!({ "name": name, "fullyQualifiedName": name, "kind": "namespace" })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Low => "note",
        Severity::Medium => "warning",
        Severity::High => "error",
    }
}

/// The number by which GitHub sorts: low, medium and high as it draws their lines.
fn score(severity: Severity) -> &'static str {
    match severity {
        Severity::Low => "2.0",
        Severity::Medium => "5.5",
        Severity::High => "8.0",
    }
}

/// What is the case, and what to do about it on a line of its own.
fn advised(what: &str, advice: &str) -> String {
    if advice.is_empty() {
        return message(what);
    }
    format!("{}\n{}", message(what), message(advice))
}

/// A plain text message (section 3.11): braces are doubled, since one alone would be a placeholder, and nothing is a link.
fn message(text: &str) -> String {
    harmless(text)
        .replace('{', "{{")
        .replace('}', "}}")
        .replace("](", "] (")
}

/// A time as section 3.9 has it, which knows no more than milliseconds.
fn time(time: Timestamp) -> String {
    format!("{time:.3}")
}

/// The fleet file as a URI: relative where it was named so, since services look for it in a repository.
fn uri(path: &Path) -> String {
    if let Ok(url) = url::Url::from_file_path(path) {
        return url.into();
    }
    let segments = path.components().filter_map(|part| match part {
        Component::ParentDir => Some("..".to_owned()),
        Component::Normal(name) => {
            Some(utf8_percent_encode(&name.to_string_lossy(), ESCAPED).to_string())
        }
        _ => None,
    });
    segments.collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_named_as_in_a_repository() {
        let check = |path: &str, expected: &str| assert_eq!(uri(Path::new(path)), expected);
        check("fleet.yaml", "fleet.yaml");
        check("./conf/fleet.yaml", "conf/fleet.yaml");
        check("../our fleet#1.yaml", "../our%20fleet%231.yaml");
        check("café:1.yaml", "caf%C3%A9%3A1.yaml");
        #[cfg(unix)]
        check("/srv/our fleet.yaml", "file:///srv/our%20fleet.yaml");
    }

    #[test]
    fn a_message_has_no_placeholder_and_no_link() {
        assert_eq!(
            message("{0} [here](http://evil) \u{1b}"),
            "{{0}} [here] (http://evil) \u{fffd}"
        );
        assert_eq!(advised("this", "do that"), "this\ndo that");
    }
}

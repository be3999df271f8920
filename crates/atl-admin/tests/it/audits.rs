//! An audit's document, and what stands in it.

use serde_json::Value;

use crate::estate::Fleet;

impl Fleet {
    /// `audit` with these flags: its document and its exit code. It changes nothing on the servers.
    #[track_caller]
    pub(crate) fn audit(&self, flags: &str) -> (Value, i32) {
        let before = self.writes();
        let (document, code) = self.json(&format!("audit {flags}"));
        assert_eq!(self.writes(), before, "{document:#}");
        (document, code)
    }
}

/// `SERVER RULE SUBJECT` of the findings, in their order.
#[track_caller]
pub(crate) fn found(document: &Value) -> Vec<String> {
    let findings = document["findings"].as_array().unwrap();
    let text = |finding: &Value, field: &str| finding[field].as_str().unwrap().to_owned();
    findings
        .iter()
        .map(|one| {
            let [server, rule, subject] =
                ["server", "rule", "subject"].map(|field| text(one, field));
            format!("{server} {rule} {subject}")
        })
        .collect()
}

/// The finding of this rule on the only server that has one.
#[track_caller]
pub(crate) fn of_rule<'d>(document: &'d Value, rule: &str) -> &'d Value {
    let findings = document["findings"].as_array().unwrap();
    let mut of_rule = findings.iter().filter(|finding| finding["rule"] == rule);
    of_rule
        .next()
        .filter(|_| of_rule.next().is_none())
        .unwrap_or_else(|| panic!("not one {rule} in {document:#}"))
}

/// The line of coverage for the links of a server.
#[track_caller]
pub(crate) fn links_of<'d>(document: &'d Value, server: &str) -> &'d Value {
    let mut lines = document["coverage"].as_array().unwrap().iter();
    lines
        .find(|line| line["server"] == server && line["source"] == "links")
        .unwrap_or_else(|| panic!("no links of {server} in {document:#}"))
}

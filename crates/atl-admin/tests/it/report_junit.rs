//! JUnit's XML, read back.

use std::collections::HashMap;

use atl_admin::report::junit;
use atl_tokens::rules::Rule;
use quick_xml::{
    Reader, XmlVersion,
    events::{BytesStart, Event},
};

use crate::reports::{RULES, SCRIPT, Sample, written};

/// An element with its attributes and what stands in it.
#[derive(Debug, Default)]
pub(crate) struct Element {
    name: String,
    attributes: HashMap<String, String>,
    text: String,
    inside: Vec<Self>,
}

impl Element {
    fn new(start: &BytesStart<'_>) -> Self {
        let attributes = start.attributes().map(|attribute| {
            let attribute = attribute.unwrap();
            let key = attribute.key.as_ref().to_owned();
            (
                key,
                attribute
                    .normalized_value(XmlVersion::Implicit1_0)
                    .unwrap()
                    .into_owned(),
            )
        });
        Self {
            name: start.name().as_ref().to_owned(),
            attributes: attributes.collect(),
            ..Self::default()
        }
    }

    fn of(&self, attribute: &str) -> &str {
        self.attributes.get(attribute).map_or("", String::as_str)
    }

    pub(crate) fn count(&self, attribute: &str) -> usize {
        self.of(attribute).parse().unwrap()
    }

    /// How many tests below have an outcome of this name.
    fn outcomes(&self, name: &str) -> usize {
        let below: usize = self.inside.iter().map(|inside| inside.outcomes(name)).sum();
        below
            + self
                .inside
                .iter()
                .filter(|inside| inside.name == name)
                .count()
    }
}

/// The root of well-formed XML.
fn parsed(text: &str) -> Element {
    let mut reader = Reader::from_str(text);
    reader.config_mut().check_end_names = true;
    let mut open = vec![Element::default()];
    loop {
        match reader.read_event().unwrap() {
            Event::Start(start) => open.push(Element::new(&start)),
            Event::Empty(start) => open.last_mut().unwrap().inside.push(Element::new(&start)),
            Event::End(_) => {
                let closed = open.pop().unwrap();
                open.last_mut().unwrap().inside.push(closed);
            }
            Event::Text(text) => open.last_mut().unwrap().text += &text.xml10_content(),
            Event::GeneralRef(name) => {
                let text = &mut open.last_mut().unwrap().text;
                for part in ["&", &*name, ";"] {
                    text.push_str(part);
                }
            }
            Event::Eof => break,
            _ => {}
        }
    }
    assert_eq!(open.len(), 1, "an element is not closed");
    open.remove(0).inside.remove(0)
}

/// The root of a report, whose numbers are those of what is in it.
#[track_caller]
pub(crate) fn suites_of(text: &str) -> Element {
    let root = parsed(text);
    assert_eq!(root.name, "testsuites");
    for suites in root.inside.iter().chain([&root]) {
        for (count, outcome) in [
            ("tests", "testcase"),
            ("failures", "failure"),
            ("errors", "error"),
            ("skipped", "skipped"),
        ] {
            assert_eq!(suites.count(count), suites.outcomes(outcome), "{suites:#?}");
        }
    }
    root
}

fn suites(sample: &Sample) -> Element {
    suites_of(&written(sample, |report, out| junit(report, out)))
}

/// The tests of a server with their outcomes.
fn tests<'e>(root: &'e Element, server: &str) -> Vec<(&'e str, &'e str)> {
    let suite = root
        .inside
        .iter()
        .find(|suite| suite.of("name") == server)
        .unwrap();
    let outcome = |test: &'e Element| test.inside.first().map_or("pass", |outcome| &outcome.name);
    suite
        .inside
        .iter()
        .map(|test| (test.of("name"), outcome(test)))
        .collect()
}

#[test]
fn a_server_is_a_suite_of_what_was_looked_at_findings_and_rules() {
    let root = suites(&Sample::new());
    assert_eq!(
        tests(&root, "jira"),
        [
            ("coverage: database", "pass"),
            ("coverage: links", "pass"),
            ("ATL-GRANT-OLD: grant 0a1b2c3d4e5f", "failure"),
            (
                format!("ATL-KEY-SAMPLE: consumer {SCRIPT}").as_str(),
                "failure"
            ),
            (
                "ATL-GRANT-INACTIVE-USER: a grant of an inactive or unknown user",
                "pass"
            ),
            (
                "ATL-PAT-ENDLESS: a personal access token without an end",
                "pass"
            ),
        ]
    );
    let failure = &root.inside[0].inside[2].inside[0];
    assert_eq!(failure.of("type"), "ATL-GRANT-OLD");
    assert_eq!(failure.of("message"), "given 800 days ago by `alice`");
    let url = Rule::GrantOld.url();
    assert_eq!(
        failure.text,
        format!("medium\nrevoke it, or have it given again\n{url}")
    );
}

#[test]
fn a_rule_passes_only_where_it_could_have_found_something() {
    let root = suites(&Sample::new());
    let of = |server, rule: &str| {
        let tests = tests(&root, server);
        let mut found = tests.iter().filter(|(name, _)| name.starts_with(rule));
        found.next().unwrap().1
    };
    // The page of one account shows its grants, and no tokens.
    assert_eq!(of("wiki", "ATL-GRANT-INACTIVE-USER"), "pass");
    assert_eq!(of("wiki", "ATL-PAT-ENDLESS"), "skipped");
    // Nothing was seen of the last one.
    assert_eq!(of("git", "coverage: pat"), "error");
    for rule in RULES {
        assert_eq!(of("git", rule.id()), "skipped", "{}", rule.id());
    }
    let error = &root.inside[2].inside[0].inside[0];
    assert_eq!(error.of("type"), "unreachable");
    assert!(
        error.of("message").contains("connection refused"),
        "{error:?}"
    );
}

#[test]
fn what_is_known_or_accepted_is_skipped() {
    let root = suites(&Sample::new().with_baseline().with_accepted());
    assert!(tests(&root, "jira").contains(&("ATL-GRANT-OLD: grant 0a1b2c3d4e5f", "skipped")));
    assert!(tests(&root, "wiki").contains(&("ATL-PAT-ENDLESS: grant 99887766aabb", "skipped")));
    assert_eq!(root.count("failures"), 2);
}

#[test]
fn a_server_cannot_break_the_document() {
    let mut sample = Sample::new();
    let wild = "]]>&<\u{0}\u{1b}\u{b}\u{ffff}\u{9b}'\"\n-->";
    let finding = &mut sample.findings[0].finding;
    wild.clone_into(&mut finding.message);
    wild.clone_into(&mut finding.advice);
    wild.clone_into(&mut finding.subject);
    let root = suites(&sample);
    let failure = &root.inside[0].inside[2].inside[0];
    let harmless = "]]>&<\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}'\" -->";
    assert_eq!(failure.of("message"), harmless);
}

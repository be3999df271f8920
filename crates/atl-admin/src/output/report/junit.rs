//! JUnit's XML, as continuous integration reads it: a suite for each server, and in it a test for what was looked at, for
//! each finding, and for each rule that found nothing.

use std::{
    collections::BTreeSet,
    fs::File,
    io::{self, BufWriter, Seek as _, Write},
};

use atl_fleet::audit::Reported;
use atl_tokens::rules::Rule;
use quick_xml::{
    Writer,
    events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event},
};

use super::{Report, harmless, rows::for_each, source};

/// Writes the report. A finding is a failed test; one that is not new, or was accepted, is skipped; what could not be looked
/// at is an error. A rule that found nothing has passed only where it could have found something, and is skipped elsewhere.
///
/// # Errors
///
/// Where it cannot be written, or the findings cannot be read.
pub fn junit(report: &Report<'_>, out: impl Write) -> io::Result<()> {
    let mut suites = Suites::default();
    for server in report.servers {
        suites.of(server)?;
    }
    for seen in report.coverage {
        let name = format!("coverage: {}", source(seen.source));
        let outcome = seen.gap.as_ref().map(|gap| Outcome {
            kind: Some(&gap.code),
            text: vec![&seen.note, &gap.advice],
            ..Outcome::new("error", &gap.message)
        });
        suites.of(&seen.server)?.write(&name, outcome)?;
    }
    for rows in [report.findings, report.accepted] {
        for_each(
            rows,
            |error| error,
            |reported| {
                let suite = suites.of(&reported.finding.server)?;
                suite.found.insert(reported.finding.rule.clone());
                suite.write_finding(report, reported)
            },
        )?;
    }
    for suite in &mut suites.0 {
        suite.write_quiet(report)?;
    }
    suites.write(report, Writer::new(out))
}

/// The suites, in the order of the servers.
#[derive(Default)]
struct Suites(Vec<Suite>);

/// The tests of a server wait in a file, since a suite begins with how many it has, and findings come in any order.
struct Suite {
    server: String,
    counts: Counts,
    /// The rules that found something.
    found: BTreeSet<String>,
    tests: Writer<BufWriter<File>>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    tests: usize,
    failures: usize,
    errors: usize,
    skipped: usize,
}

/// What came of a test that did not pass.
struct Outcome<'a> {
    element: &'static str,
    kind: Option<&'a str>,
    message: &'a str,
    /// Lines; empty ones are left out.
    text: Vec<&'a str>,
}

impl<'a> Outcome<'a> {
    fn new(element: &'static str, message: &'a str) -> Self {
        Self {
            element,
            kind: None,
            message,
            text: Vec::new(),
        }
    }
}

impl Suites {
    fn of(&mut self, server: &str) -> io::Result<&mut Suite> {
        let known = self.0.iter().position(|suite| suite.server == server);
        let index = if let Some(index) = known {
            index
        } else {
            self.0.push(Suite {
                server: server.to_owned(),
                counts: Counts::default(),
                found: BTreeSet::new(),
                tests: Writer::new(BufWriter::new(tempfile::tempfile()?)),
            });
            self.0.len() - 1
        };
        Ok(&mut self.0[index])
    }

    fn write<W: Write>(self, report: &Report<'_>, mut xml: Writer<W>) -> io::Result<()> {
        let mut all = Counts::default();
        for Suite { counts, .. } in &self.0 {
            all.tests += counts.tests;
            all.failures += counts.failures;
            all.errors += counts.errors;
            all.skipped += counts.skipped;
        }
        xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
        let root = element("testsuites", &[("name", "atl-admin audit")]);
        xml.write_event(Event::Start(all.put(root)))?;
        let made = report.made.to_string();
        for suite in self.0 {
            let about = [("name", suite.server.as_str()), ("timestamp", &made)];
            let start = suite.counts.put(element("testsuite", &about));
            xml.get_mut().write_all(b"\n")?;
            xml.write_event(Event::Start(start))?;
            let mut tests = suite.tests.into_inner().into_inner()?;
            tests.rewind()?;
            io::copy(&mut tests, xml.get_mut())?;
            xml.write_event(Event::End(BytesEnd::new("testsuite")))?;
        }
        xml.write_event(Event::End(BytesEnd::new("testsuites")))?;
        xml.into_inner().write_all(b"\n")
    }
}

impl Suite {
    fn write_finding(&mut self, report: &Report<'_>, reported: &Reported) -> io::Result<()> {
        let finding = &reported.finding;
        let rule = report.rules.iter().find(|rule| rule.id() == finding.rule);
        let url = rule.map(|rule| rule.url()).unwrap_or_default();
        let outcome = match &reported.accepted {
            Some(accepted) => Outcome {
                text: vec![&finding.message, &accepted.reason],
                ..Outcome::new("skipped", "it was accepted")
            },
            None if reported.baseline => Outcome {
                text: vec![&finding.message],
                ..Outcome::new("skipped", "the baseline has it")
            },
            None => Outcome {
                kind: Some(&finding.rule),
                text: vec![finding.severity.as_str(), &finding.advice, &url],
                ..Outcome::new("failure", &finding.message)
            },
        };
        let name = format!("{}: {}", finding.rule, finding.subject);
        self.write(&name, Some(outcome))
    }

    /// Writes the rules that found nothing.
    fn write_quiet(&mut self, report: &Report<'_>) -> io::Result<()> {
        let quiet: Vec<Rule> = report
            .rules
            .iter()
            .copied()
            .filter(|rule| !self.found.contains(rule.id()))
            .collect();
        for rule in quiet {
            let why = "what it judges could not be seen, or not all of it";
            let judged = report.could_judge(&self.server, rule);
            let outcome = (!judged).then(|| Outcome::new("skipped", why));
            self.write(&format!("{}: {}", rule.id(), rule.title()), outcome)?;
        }
        Ok(())
    }

    fn write(&mut self, name: &str, outcome: Option<Outcome<'_>>) -> io::Result<()> {
        self.counts.add(outcome.as_ref());
        let xml = &mut self.tests;
        xml.get_mut().write_all(b"\n")?;
        let start = element("testcase", &[("classname", &self.server), ("name", name)]);
        let Some(outcome) = outcome else {
            return xml.write_event(Event::Empty(start));
        };
        xml.write_event(Event::Start(start))?;
        let kind = outcome.kind.map(|kind| ("type", kind));
        let message = [("message", outcome.message)];
        let attributes: Vec<_> = kind.into_iter().chain(message).collect();
        xml.write_event(Event::Start(element(outcome.element, &attributes)))?;
        let lines = outcome.text.iter().filter(|line| !line.is_empty());
        let lines: Vec<_> = lines.map(|line| harmless(line)).collect();
        xml.write_event(Event::Text(BytesText::new(&lines.join("\n"))))?;
        xml.write_event(Event::End(BytesEnd::new(outcome.element)))?;
        xml.write_event(Event::End(BytesEnd::new("testcase")))
    }
}

impl Counts {
    fn add(&mut self, outcome: Option<&Outcome<'_>>) {
        self.tests += 1;
        match outcome.map(|outcome| outcome.element) {
            Some("failure") => self.failures += 1,
            Some("error") => self.errors += 1,
            Some(_) => self.skipped += 1,
            None => {}
        }
    }

    fn put(self, mut element: BytesStart<'_>) -> BytesStart<'_> {
        for (name, count) in [
            ("tests", self.tests),
            ("failures", self.failures),
            ("errors", self.errors),
            ("skipped", self.skipped),
        ] {
            element.push_attribute((name, count.to_string().as_str()));
        }
        element
    }
}

/// An element with attributes that servers may have a say in.
fn element<'a>(name: &'a str, attributes: &[(&str, &str)]) -> BytesStart<'a> {
    let mut element = BytesStart::new(name);
    for (name, value) in attributes {
        element.push_attribute((*name, &*harmless(value)));
    }
    element
}

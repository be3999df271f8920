//! `audit --html`, `--sarif` and `--junit`: the files of an audit.

use atl_testbed::{Consumer, Kind, Link, ServerSpec};

use crate::{estate::Fleet, report_junit::suites_of, report_sarif::valid_run, reports::SCRIPT};

const ELSEWHERE: &str = "https://elsewhere.example.com";
const FILES: [&str; 3] = ["audit.html", "audit.sarif", "audit.xml"];
const AUDIT: &str = "audit --html audit.html --sarif audit.sarif --junit audit.xml";

/// What the page has where there is a weak key.
const WEAK: &str = "id=\"high-ATL-KEY-WEAK\"";

/// Jira with a consumer of a weak key that nobody manages, called like a script.
fn jira() -> Fleet {
    let fleet = Fleet::provisioned();
    let server = fleet.first();
    let id = server.add_link(Link::generic(SCRIPT, ELSEWHERE));
    let weak = include_str!("../../../../fixtures/keys/rsa-1024.pub.pem");
    let consumer = Consumer::new(SCRIPT, SCRIPT, weak).unwrap();
    server.put_consumer(Some(id), consumer);
    fleet
}

#[test]
fn an_audit_is_written_to_files_beside_what_is_printed() {
    let fleet = jira();
    let (document, code) = fleet.json(AUDIT);
    assert_eq!(code, 0, "{document:#}");
    let findings = document["findings"].as_array().unwrap();
    assert!(findings.iter().any(|found| found["rule"] == "ATL-KEY-WEAK"));

    let run = valid_run(&fleet.env.read("audit.sarif"));
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), findings.len());
    for (result, finding) in results.iter().zip(findings) {
        assert_eq!(result["ruleId"], finding["rule"]);
        assert_eq!(
            result["partialFingerprints"]["primaryLocationLineHash"],
            finding["id"]
        );
    }
    let file = &results[0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
    assert_eq!(file, "fleet.yaml");
    let root = suites_of(&fleet.env.read("audit.xml"));
    assert_eq!(root.count("failures"), findings.len());
    let page = fleet.env.read("audit.html");
    assert!(page.contains(WEAK), "{page}");
    assert!(!page.contains(SCRIPT), "a script from a server");

    for name in FILES {
        #[cfg(unix)]
        assert_eq!(fleet.env.mode(name), 0o600, "{name}");
        fleet.hides_secrets(&fleet.env.shell(&format!("cat {name}")));
    }
}

#[test]
fn what_could_not_be_looked_at_is_in_every_file() {
    let fleet = Fleet::new([
        ServerSpec::new(Kind::Jira),
        ServerSpec::new(Kind::Confluence),
    ]);
    fleet.server("wiki").stop();
    let run = fleet.run(AUDIT);
    assert_eq!(run.code, Some(3), "{}", run.shown());
    let sarif = valid_run(&fleet.env.read("audit.sarif"));
    assert_eq!(sarif["invocations"][0]["executionSuccessful"], false);
    assert!(suites_of(&fleet.env.read("audit.xml")).count("errors") > 0);
    assert!(
        fleet
            .env
            .read("audit.html")
            .contains("Not everything that was asked for could be looked at")
    );
}

#[test]
fn an_earlier_report_is_replaced_and_nothing_else_is() {
    let fleet = jira();
    let failures = || suites_of(&fleet.env.read("audit.xml")).count("failures");
    let results = || {
        valid_run(&fleet.env.read("audit.sarif"))["results"]
            .as_array()
            .unwrap()
            .len()
    };
    let audit = || {
        let run = fleet.run(AUDIT);
        assert_eq!(run.code, Some(0), "{}", run.shown());
        (
            failures(),
            results(),
            fleet.env.read("audit.html").contains(WEAK),
        )
    };
    let first = audit();
    assert!(first.2);
    let link = fleet.first().link(ELSEWHERE).unwrap();
    fleet.first().delete_link(link.id);
    let second = audit();
    assert!(
        second.0 < first.0 && second.1 < first.1 && !second.2,
        "{first:?} {second:?}"
    );

    fleet.forget();
    for line in [
        "audit --html fleet.yaml",
        "audit --html audit.sarif",
        "audit --sarif audit.xml",
        "audit --junit audit.html",
        "audit --junit nowhere/audit.xml",
        "audit --html -",
        "audit --html new --sarif new",
    ] {
        let before = fleet.env.read("fleet.yaml");
        let run = fleet.run(line);
        assert!(matches!(run.code, Some(1 | 2)), "{line}: {}", run.shown());
        assert!(run.stderr.contains("hint: "), "{line}: {}", run.shown());
        assert_eq!(fleet.env.read("fleet.yaml"), before);
    }
    assert_eq!(fleet.requests(), 0, "a server was asked for nothing");
}

//! `audit`: what of the findings is new, what was accepted, and what the program exits with.

use atl_testbed::{Kind, ServerSpec, Setting};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::{
    audit::clean,
    audits::{found, of_rule},
    estate::{CONSUMER, Fleet, keys, link_by_hand},
};

/// One Jira with a finding of each severity.
fn troubled() -> Fleet {
    let fleet = clean([ServerSpec::new(Kind::Jira)]);
    let server = fleet.first();
    server.set(Setting::BasicAllowed(true));
    server.edit_consumer(CONSUMER, |consumer| {
        consumer.callback = Some("http://deploy.example.com/oauth/callback".to_owned());
    });
    fleet.edit(
        "https://deploy.example.com/oauth",
        "http://deploy.example.com/oauth",
    );
    link_by_hand(server, "https://elsewhere.example.com", "theirs");
    server.edit_consumer("theirs", |consumer| consumer.impersonation = true);
    fleet
}

#[test]
fn only_fail_on_makes_findings_a_failure() {
    let fleet = troubled();
    let (document, code) = fleet.audit("");
    assert_eq!(code, 0);
    assert_eq!(
        document["summary"],
        json!({"low": 3, "medium": 1, "high": 1, "baseline": 0, "accepted": 0, "grants": 0}),
        "{document:#}"
    );
    let findings = document["findings"].as_array().unwrap();
    let severities: Vec<_> = findings
        .iter()
        .map(|finding| finding["severity"].clone())
        .collect();
    assert_eq!(severities, ["high", "medium", "low", "low", "low"]);
    for level in ["low", "medium", "high"] {
        assert_eq!(fleet.audit(&format!("--fail-on {level}")).1, 10, "{level}");
    }
    fleet
        .first()
        .edit_consumer("theirs", |consumer| consumer.impersonation = false);
    assert_eq!(fleet.audit("--fail-on high").1, 0);
    assert_eq!(fleet.audit("--fail-on medium").1, 10);
}

#[test]
fn what_the_baseline_has_is_not_new() {
    let fleet = troubled().with("COLUMNS", "200");
    assert_eq!(fleet.audit("--write-baseline known.json").1, 0);
    let (document, code) = fleet.audit("--baseline known.json --fail-on low");
    assert_eq!(code, 0, "{document:#}");
    assert_eq!(document["summary"]["baseline"], 5);
    let all = document["findings"].as_array().unwrap();
    assert!(all.iter().all(|finding| finding["baseline"] == true));

    link_by_hand(fleet.first(), "http://new.example.com", "new");
    let (document, code) = fleet.audit("--baseline known.json --fail-on low");
    assert_eq!(code, 10);
    assert_eq!(of_rule(&document, "ATL-LINK-HTTP")["baseline"], false);
    assert_eq!(of_rule(&document, "ATL-BASIC-ENABLED")["baseline"], true);
    let table = fleet.run("audit --baseline known.json").stdout;
    assert_eq!(table.matches("in the baseline\n").count(), 6, "{table}");
    let summary = "4 new findings (3 medium, 1 low), 5 in the baseline\n";
    assert!(table.ends_with(summary), "{table}");
    // A baseline takes the place of a baseline, and of nothing else.
    let flags = "--baseline known.json --write-baseline known.json";
    assert_eq!(fleet.audit(flags).1, 0);
    assert_eq!(fleet.audit("--baseline known.json --fail-on low").1, 0);
    let requests = fleet.requests();
    for line in [
        "audit --write-baseline fleet.yaml",
        "audit --baseline fleet.yaml",
        "audit --baseline missing.json",
    ] {
        let run = fleet.run(line);
        assert_eq!(
            (run.code, run.stdout.as_str()),
            (Some(2), ""),
            "{line}: {}",
            run.shown()
        );
    }
    assert_eq!(fleet.requests(), requests);
    assert!(fleet.env.read("fleet.yaml").starts_with("version: 1"));
}

#[test]
fn accepted_findings_are_none_until_their_time_is_over() {
    let fleet = troubled();
    let day = |days: i64| {
        let then = Timestamp::now() + SignedDuration::from_hours(24 * days);
        then.strftime("%F").to_string()
    };
    fleet.env.write(
        "accepted.yaml",
        &format!(
            "- {{ rule: ATL-BASIC-ENABLED, reason: scripts need it, until: {} }}\n\
             - {{ rule: ATL-2LO-IMPERSONATION, server: jira, subject: consumer theirs, reason: agreed }}\n\
             - {{ rule: ATL-CALLBACK-HTTP, reason: soon, until: {} }}\n\
             - {{ rule: ATL-2LO-ON, server: wiki, reason: another server }}\n\
             - {{ rule: ATL-2LO-ON, reason: r }}\n\
             - {{ rule: ATL-KEY-WEAK, reason: there is none }}\n",
            day(2),
            day(-2)
        ),
    );
    let run = fleet.run("audit --ignore accepted.yaml -o json");
    let document = run.json();
    assert_eq!(
        document["summary"],
        json!({"low": 1, "medium": 1, "high": 0, "baseline": 0, "accepted": 3, "grants": 0}),
        "{document:#}"
    );
    let accepted = document["accepted"].as_array().unwrap();
    assert_eq!(accepted[0]["rule"], "ATL-2LO-IMPERSONATION");
    assert_eq!(
        accepted[0]["accepted"],
        json!({"reason": "agreed", "until": null})
    );
    assert_eq!(
        run.stderr,
        format!(
            "warning: accepted.yaml:3:3: the entry for ATL-CALLBACK-HTTP ended on {} and accepts nothing any more\n\
             warning: accepted.yaml:6:3: the entry for ATL-KEY-WEAK matches no finding\n",
            day(-2)
        )
    );
    // What was not looked at may have what an entry is for.
    fleet.first().stop();
    let run = fleet.run("audit --ignore accepted.yaml");
    assert_eq!(run.code, Some(3), "{}", run.shown());
    assert!(!run.stderr.contains("matches no finding"), "{}", run.stderr);
}

#[test]
fn a_list_with_mistakes_is_wrong_usage() {
    let fleet = clean([ServerSpec::new(Kind::Jira)]);
    fleet.env.write(
        "accepted.yaml",
        "- rule: ATL-KEY-WAEK\n- rule: ATL-2LO-ON\n  reason: r\n  until: soon\n",
    );
    let run = fleet.run("audit --ignore accepted.yaml");
    assert_eq!(
        (run.code, fleet.requests()),
        (Some(2), 0),
        "{}",
        run.shown()
    );
    for text in [
        "accepted.yaml:1:9: no rule has this id: `ATL-KEY-WAEK`",
        "hint: did you mean `ATL-KEY-WEAK`?",
        "accepted.yaml:1:3: a required key is missing here: `reason`",
        "accepted.yaml:4:10: not a day: `soon`",
    ] {
        assert!(run.stderr.contains(text), "{}", run.stderr);
    }
}

#[test]
fn every_format_has_the_findings() {
    let fleet = troubled().with("COLUMNS", "200");
    fleet.grant(1, "alice");
    let expected = found(&fleet.audit("--source store").0);
    let run = fleet.run("audit --source store -o ndjson");
    let events: Vec<serde_json::Value> = run
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let of = |name: &str| events.iter().filter(|event| event["event"] == name).count();
    assert_eq!(of("finding"), expected.len(), "{}", run.stdout);
    assert_eq!((of("grant"), of("summary")), (1, 1), "{}", run.stdout);
    assert!(of("coverage") >= 2, "{}", run.stdout);
    assert_eq!(keys(events.last().unwrap()).len(), 7);

    let csv = fleet.run("audit --source store -o csv").stdout;
    let mut lines = csv.lines();
    assert_eq!(
        lines.next().unwrap(),
        "severity,rule,server,subject,message,advice,id,baseline"
    );
    assert_eq!(lines.count(), expected.len());

    let yaml = fleet.run("audit --source store -o yaml").stdout;
    for key in [
        "\ngrants:\n",
        "\ncoverage:\n",
        "\nfindings:\n",
        "\nsummary:\n",
    ] {
        assert!(yaml.contains(key), "no {key} in {yaml}");
    }
    assert!(yaml.contains("\naccepted: []\n"), "{yaml}");

    let by = fleet.audit("--source store --by user").0;
    assert_eq!(by["groups"][0]["user"], "alice", "{by:#}");
    assert!(by.get("grants").is_none(), "{by:#}");

    // Coverage comes first: without it, nobody can tell what no findings mean.
    let table = fleet.run("audit --source store").stdout;
    let place = |text: &str| {
        table
            .find(text)
            .unwrap_or_else(|| panic!("no {text}: {table}"))
    };
    assert!(place("SOURCE") < place("SEVERITY"), "{table}");
    assert!(place("SEVERITY") < place("docs/rules/ATL-BASIC-ENABLED.md"));
    assert!(
        table.ends_with("1 server, 1 grant: 6 new findings (1 high, 1 medium, 4 low)\n"),
        "{table}"
    );
    assert!(!table.contains("ADVICE"));
    assert!(
        fleet
            .run("audit --source store -v")
            .stdout
            .contains("ADVICE")
    );
}

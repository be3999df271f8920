//! SARIF, against the schema of its standard.

use atl_admin::report::sarif;
use jsonschema::Validator;
use serde_json::{Value, json};

use crate::reports::{SCRIPT, Sample, written};

const SCHEMA: &str = include_str!("../../../../fixtures/sarif/sarif-schema-2.1.0.json");

fn validator() -> Validator {
    let schema = serde_json::from_str(SCHEMA).unwrap();
    let options = jsonschema::options().should_validate_formats(true);
    options.build(&schema).unwrap()
}

/// The one run of a valid log.
#[track_caller]
pub(crate) fn valid_run(text: &str) -> Value {
    let mut log: Value = serde_json::from_str(text).unwrap();
    let validator = validator();
    let errors: Vec<_> = validator
        .iter_errors(&log)
        .map(|error| format!("{error:#?}"))
        .collect();
    assert!(errors.is_empty(), "{errors:#?}\n{log:#}");
    log["runs"][0].take()
}

#[track_caller]
fn run_of(sample: &Sample) -> Value {
    valid_run(&written(sample, |report, out| sarif(report, out)))
}

#[test]
fn the_schema_is_one_that_can_fail() {
    let log = written(&Sample::new(), |report, out| sarif(report, out));
    for (pointer, wrong) in [
        ("/version", json!("2.2.0")),
        ("/runs/0/results/0/level", json!("high")),
        ("/runs/0/invocations/0/endTimeUtc", json!("yesterday")),
        (
            "/runs/0/results/0/locations/0/physicalLocation/region/startLine",
            json!(0),
        ),
        ("/runs/0/tool/driver/rules/0/helpUrl", json!("")),
    ] {
        let mut log: Value = serde_json::from_str(&log).unwrap();
        match log.pointer_mut(pointer) {
            Some(place) => *place = wrong,
            None => log["runs"][0]["tool"]["driver"]["rules"][0]["helpUrl"] = wrong,
        }
        assert!(!validator().is_valid(&log), "{pointer}");
    }
}

#[test]
fn a_finding_is_a_result_of_its_rule() {
    let run = run_of(&Sample::new());
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), 3);
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    for (result, level) in results.iter().zip(["warning", "error", "warning"]) {
        let rule = &rules[usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap()];
        assert_eq!(rule["id"], result["ruleId"]);
        assert_eq!(result["level"], level);
        assert_eq!(rule["defaultConfiguration"]["level"], level);
        assert!(result.get("baselineState").is_none());
    }
    insta::assert_json_snapshot!(results[0], @r#"
    {
      "ruleId": "ATL-GRANT-OLD",
      "level": "warning",
      "message": {
        "text": "given 800 days ago by `alice`\nrevoke it, or have it given again"
      },
      "locations": [
        {
          "physicalLocation": {
            "artifactLocation": {
              "uri": "fleet.yaml"
            },
            "region": {
              "startLine": 1
            }
          },
          "logicalLocations": [
            {
              "name": "grant 0a1b2c3d4e5f",
              "fullyQualifiedName": "jira/grant 0a1b2c3d4e5f",
              "kind": "resource",
              "parentIndex": 0
            }
          ]
        }
      ],
      "partialFingerprints": {
        "primaryLocationLineHash": "0c2c33f07c4e",
        "atlAdminFinding/v1": "0c2c33f07c4e"
      },
      "properties": {
        "server": "jira",
        "subject": "grant 0a1b2c3d4e5f"
      },
      "ruleIndex": 2
    }
    "#);
    insta::assert_json_snapshot!(rules[2], @r#"
    {
      "id": "ATL-GRANT-OLD",
      "shortDescription": {
        "text": "a grant older than its policy allows"
      },
      "fullDescription": {
        "text": "The fleet file says how old a grant to this consumer may grow, and this one is older. OAuth 1.0a itself lets grants live for years."
      },
      "help": {
        "text": "The fleet file says how old a grant to this consumer may grow, and this one is older. OAuth 1.0a itself lets grants live for years."
      },
      "helpUri": "https://github.com/atl-admin/atl-admin/blob/main/docs/rules/ATL-GRANT-OLD.md",
      "defaultConfiguration": {
        "level": "warning"
      },
      "properties": {
        "tags": [
          "security"
        ],
        "security-severity": "5.5"
      }
    }
    "#);
}

#[test]
fn results_of_one_rule_stay_apart_and_are_known_again() {
    let prints = |run: &Value| -> Vec<String> {
        let results = run["results"].as_array().unwrap().iter();
        results
            .map(|result| result["partialFingerprints"]["primaryLocationLineHash"].to_string())
            .collect()
    };
    let (one, again) = (run_of(&Sample::new()), run_of(&Sample::new()));
    let mut different = prints(&one);
    assert_eq!(different, prints(&again));
    different.sort();
    different.dedup();
    assert_eq!(different.len(), 3);
}

#[test]
fn what_could_not_be_looked_at_makes_the_run_one_that_failed() {
    let run = run_of(&Sample::new());
    let invocation = &run["invocations"][0];
    assert_eq!(invocation["executionSuccessful"], false);
    insta::assert_json_snapshot!(invocation["toolExecutionNotifications"], @r#"
    [
      {
        "level": "note",
        "message": {
          "text": "wiki: page: only the grants of `admin`; not tokens (ATL-PAT-ENDLESS)"
        },
        "locations": [
          {
            "logicalLocations": [
              {
                "name": "wiki",
                "fullyQualifiedName": "wiki",
                "kind": "namespace"
              }
            ]
          }
        ],
        "properties": {
          "source": "page"
        }
      },
      {
        "descriptor": {
          "id": "unreachable"
        },
        "level": "error",
        "message": {
          "text": "git: https://git.example.com does not answer: connection refused\nlook whether the server runs"
        },
        "locations": [
          {
            "logicalLocations": [
              {
                "name": "git",
                "fullyQualifiedName": "git",
                "kind": "namespace"
              }
            ]
          }
        ],
        "properties": {
          "source": "pat",
          "note": "no tokens were seen"
        }
      }
    ]
    "#);

    let mut whole = Sample::new();
    whole.coverage.pop();
    let invocation = &run_of(&whole)["invocations"][0];
    assert_eq!(invocation["executionSuccessful"], true);
    assert_eq!(invocation["toolExecutionNotifications"][0]["level"], "note");
}

#[test]
fn a_baseline_says_what_is_new() {
    let run = run_of(&Sample::new().with_baseline());
    let states: Vec<_> = run["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|result| &result["baselineState"])
        .collect();
    assert_eq!(states, ["unchanged", "new", "new"]);
}

#[test]
fn what_was_accepted_is_suppressed() {
    let run = run_of(&Sample::new().with_accepted());
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), 4);
    let suppressed = json!([{
        "kind": "external",
        "status": "accepted",
        "justification": "the backup needs it",
    }]);
    assert_eq!(results[3]["suppressions"], suppressed);
    assert!(
        results[..3]
            .iter()
            .all(|result| result.get("suppressions").is_none())
    );
}

#[test]
fn what_a_server_says_is_no_markup_and_no_control_character() {
    let text = written(&Sample::new(), |report, out| sarif(report, out));
    assert!(!text.contains("u001b"), "{text}");
    let run = run_of(&Sample::new());
    let message = run["results"][2]["message"]["text"].as_str().unwrap();
    assert!(
        message.starts_with("given {{0}} days ago by [bob] (http://evil)\u{fffd}[2J\n"),
        "{message}"
    );
    let subject = &run["results"][1]["locations"][0]["logicalLocations"][0];
    assert_eq!(
        subject["fullyQualifiedName"],
        format!("jira/consumer {SCRIPT}")
    );
}

#[test]
fn an_audit_that_found_nothing_has_an_empty_list() {
    let mut sample = Sample::new();
    sample.findings.clear();
    sample.fleet = "/srv/our fleet.yaml";
    assert_eq!(run_of(&sample)["results"], json!([]));
}

//! A cluster whose second node learns of a change late.

use atl_testbed::{Fault, Kind, Matcher, ServerSpec, Setting};
use serde_json::Value;

use crate::estate::{Fleet, server};

fn cluster(catch_up_after: Option<u32>) -> Fleet {
    Fleet::new([ServerSpec::new(Kind::Jira).setting(Setting::TwoNodes { catch_up_after })])
}

#[track_caller]
fn consumer(document: &Value) -> &Value {
    let changes = server(document, "jira")["changes"].as_array().unwrap();
    changes
        .iter()
        .find(|change| change["kind"] == "consumer")
        .unwrap()
}

#[test]
fn a_key_is_proven_once_the_nodes_agree() {
    let fleet = cluster(Some(3));
    let (document, code) = fleet.json("apply --settle 60s");
    assert_eq!(code, 0, "{document:#}");
    assert_eq!(consumer(&document)["verified"], true, "{document:#}");
    fleet.first().sync();
    fleet.forget();
    let (document, code) = fleet.json("apply");
    assert_eq!((code, fleet.writes()), (0, 0), "{document:#}");
}

/// One node that knows the key is enough, however long the other one takes.
#[test]
fn nodes_that_never_agree() {
    let fleet = cluster(None);
    let (document, code) = fleet.json("apply --settle 60s");
    assert_eq!(code, 0, "{document:#}");
    assert_eq!(consumer(&document)["verified"], true, "{document:#}");
}

#[test]
fn a_key_that_no_node_knows_in_time() {
    let fleet = cluster(None);
    let unknown = Fault::Answer(401, "oauth_problem=consumer_key_unknown".to_owned());
    let proof = Matcher::path("/plugins/servlet/oauth/request-token");
    fleet.first().set(unknown.on(proof));
    let (document, code) = fleet.json("apply --settle 2s");
    assert_eq!(code, 1, "{document:#}");
    assert_eq!(server(&document, "jira")["status"], "failed");
    assert_eq!(consumer(&document)["verified"], false, "{document:#}");
    let error = &server(&document, "jira")["error"];
    assert_eq!(error["code"], "key_not_accepted");
    let advice = error["advice"].as_str().unwrap();
    assert!(advice.contains("cluster node"), "{error:#}");

    fleet.first().clear_faults();
    fleet.first().sync();
    fleet.forget();
    let (document, code) = fleet.json("apply");
    assert_eq!((code, fleet.writes()), (0, 0), "{document:#}");
    assert_eq!(consumer(&document)["verified"], true, "{document:#}");
}

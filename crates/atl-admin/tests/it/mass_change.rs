//! A change to much of the fleet at once needs `--force`, or the consumers' names.

use std::fmt::Write as _;

use atl_testbed::Kind;
use serde_json::Value;

use crate::estate::{Fleet, server};

const MANY: usize = 12;

/// Twelve consumers, provisioned, whose names have all been changed by hand.
fn drifted() -> Fleet {
    let fleet = Fleet::of(Kind::Jira);
    fleet.env.fixture("pkcs8.pem");
    let text = fleet.env.read("fleet.yaml");
    let (servers, _) = text.split_once("consumers:").unwrap();
    let mut text = format!("{servers}consumers:\n");
    for number in 0..MANY {
        // One key in a file for all of them, so that twelve need not be made.
        write!(
            text,
            "  bot-{number}:\n    url: https://bot-{number}.example.com\n    keypair: {{ private_key_file: pkcs8.pem }}\n"
        )
        .unwrap();
    }
    fleet.env.write("fleet.yaml", &text);
    let run = fleet.run("apply");
    assert_eq!(
        run.code,
        Some(0),
        "creating is no change to what is there: {}",
        run.shown()
    );
    for consumer in fleet.first().consumers() {
        let rename =
            |consumer: &mut atl_testbed::Consumer| "Drifted".clone_into(&mut consumer.name);
        fleet.first().edit_consumer(&consumer.key, rename);
    }
    fleet.forget();
    fleet
}

#[track_caller]
fn still_drifted(fleet: &Fleet) -> usize {
    let consumers = fleet.first().consumers();
    consumers
        .iter()
        .filter(|consumer| consumer.name == "Drifted")
        .count()
}

#[test]
fn much_at_once_needs_force() {
    let fleet = drifted();
    let (document, code) = fleet.json("apply");
    assert_eq!(code, 1, "{document:#}");
    let entry = server(&document, "jira");
    assert_eq!(
        (&entry["status"], &entry["error"]["code"]),
        (&Value::from("failed"), &Value::from("mass_change"))
    );
    assert!(
        entry["error"]["advice"]
            .as_str()
            .unwrap()
            .contains("--force"),
        "{entry:#}"
    );
    let changes = entry["changes"].as_array().unwrap();
    let changes = changes.iter().filter(|change| change["action"] != "none");
    assert_eq!(
        changes
            .filter(|change| change["result"] == "skipped")
            .count(),
        MANY
    );
    assert_eq!((fleet.writes(), still_drifted(&fleet)), (0, MANY));

    let (document, code) = fleet.json("apply --force");
    assert_eq!((code, still_drifted(&fleet)), (0, 0), "{document:#}");
}

#[test]
fn naming_the_consumers_is_enough() {
    let fleet = drifted();
    let named: Vec<String> = (0..MANY).map(|number| format!("-c bot-{number}")).collect();
    let named = named.join(" ");
    let (document, code) = fleet.json(&format!("apply {named}"));
    assert_eq!((code, still_drifted(&fleet)), (0, 0), "{document:#}");
}

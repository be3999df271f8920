//! The JSON Schema says what the parser takes.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::{collections::BTreeSet, path::Path};

use atl_fleet::{Environment, FleetFile, schema};
use serde_json::Value;

/// The paths of all keys that the schema knows, names of servers and consumers as `*`, lists as `[]`.
fn keys(schema: &Value, path: &str, found: &mut BTreeSet<String>) {
    if let Some(properties) = schema["properties"].as_object() {
        assert_eq!(schema["additionalProperties"], false, "{path}");
        for (key, value) in properties {
            assert!(
                value["description"]
                    .as_str()
                    .is_some_and(|text| !text.is_empty()),
                "{path}.{key}"
            );
            found.insert(format!("{path}.{key}"));
            keys(value, &format!("{path}.{key}"), found);
        }
    } else if schema["additionalProperties"].is_object() {
        keys(&schema["additionalProperties"], &format!("{path}.*"), found);
    } else if schema["items"].is_object() {
        keys(&schema["items"], &format!("{path}[]"), found);
    }
}

#[test]
fn every_key_has_a_description_and_is_in_the_reference() {
    let mut found = BTreeSet::new();
    keys(&schema(), "", &mut found);
    assert!(found.contains(".servers.*.tls.ca_file"), "{found:?}");
    let reference = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/fleet-file.md");
    let reference = fs_err::read_to_string(reference).unwrap();
    for path in found {
        let key = path.rsplit('.').next().unwrap();
        assert!(
            reference.contains(&format!("`{key}`")),
            "docs/fleet-file.md does not explain `{key}`"
        );
    }
}

#[test]
fn the_full_example_has_every_key() {
    let mut found = BTreeSet::new();
    keys(&schema(), "", &mut found);
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/fleet/good/full.yaml");
    let example = fs_err::read_to_string(example).unwrap();
    for path in found {
        let key = path.rsplit('.').next().unwrap();
        assert!(example.contains(&format!("{key}:")), "{path}");
    }
}

#[test]
fn the_example_of_the_reference_is_a_fleet_file() {
    let reference = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/fleet-file.md");
    let reference = fs_err::read_to_string(reference).unwrap();
    let (_, example) = reference.split_once("```yaml\n").unwrap();
    let (example, _) = example.split_once("```").unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    fs_err::write(file.path(), example).unwrap();
    let environment = Environment {
        var: &|_| None,
        command: None,
        keyring: None,
    };
    if let Err(errors) = FleetFile::read(file.path(), &environment) {
        panic!("{errors}");
    }
}

#[test]
fn required_keys_are_required() {
    let schema = schema();
    assert_eq!(
        schema["required"],
        serde_json::json!(["version", "servers"])
    );
    let servers = &schema["properties"]["servers"];
    assert_eq!(
        servers["additionalProperties"]["required"],
        serde_json::json!(["url"])
    );
    assert_eq!(
        servers["propertyNames"]["pattern"],
        "^[A-Za-z0-9._-]{1,64}$"
    );
    assert_eq!(schema["properties"]["version"]["const"], 1);
}

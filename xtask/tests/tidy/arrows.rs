//! Which room may use which: the manifests against the list in docs/ARCHITECTURE.md.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

use serde_json::Value;

use crate::tree::root;

type Arrows = BTreeMap<String, BTreeSet<String>>;

const TESTBED: &str = "atl-testbed";

#[test]
fn manifests_keep_to_the_list_of_arrows() {
    let (listed, found) = (listed(), dependencies("normal"));
    for room in listed.keys() {
        assert!(
            found.contains_key(room),
            "docs/ARCHITECTURE.md lists `{room}`, which is no crate"
        );
    }
    let nothing = BTreeSet::new();
    for (room, uses) in &found {
        assert_eq!(
            uses,
            listed.get(room).unwrap_or(&nothing),
            "what `{room}` depends on is not what docs/ARCHITECTURE.md lists under Arrows"
        );
    }
}

#[test]
fn arrows_go_down() {
    let listed = listed();
    for room in listed.keys() {
        assert!(
            !below(room, &listed).contains(room),
            "`{room}` depends on itself"
        );
    }
}

#[test]
fn tests_use_the_testbed_and_nothing_else_from_above() {
    let listed = listed();
    for (room, uses) in dependencies("dev") {
        let mut allowed = below(&room, &listed);
        allowed.insert(TESTBED.to_owned());
        let above: Vec<_> = uses.difference(&allowed).collect();
        assert!(
            above.is_empty(),
            "the tests of `{room}` depend on {above:?}"
        );
    }
}

/// Everything that can be reached from a room.
fn below(room: &str, arrows: &Arrows) -> BTreeSet<String> {
    let mut reached = BTreeSet::new();
    let mut open = vec![room];
    while let Some(room) = open.pop() {
        for next in arrows.get(room).into_iter().flatten() {
            if reached.insert(next.clone()) {
                open.push(next);
            }
        }
    }
    reached
}

/// The lines `a -> { b, c }` of the section "Arrows".
fn listed() -> Arrows {
    let text = fs_err::read_to_string(root().join("docs/ARCHITECTURE.md")).unwrap();
    let (_, section) = text.split_once("\n## Arrows\n").unwrap();
    let section = section.split("\n## ").next().unwrap();
    let arrows: Arrows = section
        .lines()
        .filter_map(|line| line.strip_prefix("    ")?.split_once("->"))
        .map(|(from, to)| {
            let to = to
                .split(|c: char| !c.is_ascii_alphanumeric() && c != '-')
                .filter(|word| word.starts_with("atl-"));
            (from.trim().to_owned(), to.map(str::to_owned).collect())
        })
        .collect();
    assert!(
        arrows.len() > 3,
        "the list of arrows was not found: {arrows:?}"
    );
    arrows
}

/// What each crate of ours depends on of ours.
fn dependencies(kind: &str) -> Arrows {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--no-deps",
            "--offline",
            "--format-version",
            "1",
        ])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let uses = |package: &Value| {
        let all = package["dependencies"].as_array().unwrap().iter();
        all.filter(|dependency| dependency["kind"].as_str().unwrap_or("normal") == kind)
            .map(|dependency| text(&dependency["name"]))
            .filter(|name| name.starts_with("atl-"))
            .collect()
    };
    packages
        .iter()
        .map(|package| (text(&package["name"]), uses(package)))
        .filter(|(name, _)| name != "xtask")
        .collect()
}

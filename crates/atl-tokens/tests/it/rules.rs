//! docs/rules has a page for every rule. `UPDATE_DOCS=1 cargo test -p atl-tokens --test it rules` writes its index anew.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use atl_tokens::rules::{Rule, index};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/rules")
}

#[test]
fn every_rule_has_a_page_and_every_page_a_rule() {
    let pages: BTreeSet<String> = fs_err::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "README.md")
        .collect();
    let wanted = Rule::ALL.map(|rule| format!("{}.md", rule.id()));
    assert_eq!(pages, BTreeSet::from(wanted));
}

#[test]
fn pages_say_what_the_rules_say() {
    const HEADINGS: [&str; 4] = [
        "## What it means",
        "## Why it matters",
        "## What to do",
        "## Which sources can tell",
    ];
    for rule in Rule::ALL {
        let page = fs_err::read_to_string(folder().join(format!("{}.md", rule.id()))).unwrap();
        let (id, title, severity) = (rule.id(), rule.title(), rule.severity().as_str());
        let begin = format!(
            "# {id}: {title}\n\nSeverity: {severity}\n\n{}\n",
            HEADINGS[0]
        );
        assert!(page.starts_with(&begin), "{id}: {page}");
        let headings: Vec<_> = page
            .lines()
            .filter(|line| line.starts_with("## "))
            .collect();
        assert_eq!(headings, HEADINGS, "{id}");
    }
}

#[test]
fn the_index_is_up_to_date() {
    let path = folder().join("README.md");
    #[expect(
        clippy::disallowed_methods,
        reason = "a test is the program that reads its environment"
    )]
    let update = std::env::var_os("UPDATE_DOCS").is_some();
    if update {
        fs_err::write(&path, index()).unwrap();
    }
    let found = fs_err::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        found,
        index(),
        "docs/rules/README.md is stale, run `cargo xtask docs`"
    );
}

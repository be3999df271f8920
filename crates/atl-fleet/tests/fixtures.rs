//! Goes through `fixtures/fleet`: good files are read, bad ones say exactly what stands beside them.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::{Path, PathBuf};

use atl_fleet::{Environment, FleetFile};

fn environment() -> Environment<'static> {
    Environment {
        var: &|name| (name == "DEFINED_HOST").then(|| "defined.example.com".to_owned()),
        command: None,
        keyring: None,
    }
}

fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fixtures/fleet")
        .join(folder);
    let entries = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries
        .filter(|path| path.extension().is_some_and(|end| end == "yaml"))
        .collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

#[test]
fn good_files_are_read() {
    for path in files("good") {
        if let Err(errors) = FleetFile::read(&path, &environment()) {
            panic!("{errors}");
        }
    }
}

#[test]
fn bad_files_say_what_is_wrong_with_them() {
    let mut differing = Vec::new();
    for path in files("bad") {
        let errors = FleetFile::read(&path, &environment())
            .map(drop)
            .unwrap_err();
        let name = path.file_name().unwrap().to_str().unwrap();
        let seen = errors.to_string().replace(path.to_str().unwrap(), name) + "\n";
        assert!(!seen.contains("marker"), "{seen}");
        assert!(!format!("{errors:?}").contains("marker"), "{errors:?}");
        assert!(
            errors.errors().iter().all(|error| error.position.is_some()),
            "{seen}"
        );
        let expected = fs_err::read_to_string(path.with_extension("errors")).unwrap_or_default();
        if seen != expected {
            differing.push(seen);
        }
    }
    assert!(differing.is_empty(), "\n{}", differing.join("\n"));
}

#[test]
fn every_fixture_begins_with_what_it_shows() {
    for path in files("good").into_iter().chain(files("bad")) {
        let text = fs_err::read_to_string(&path).unwrap();
        assert!(text.starts_with("# Shows "), "{}", path.display());
    }
}

//! Which store, what unseals it, and what is done where either is not right.

use atl_testbed::Kind;

use crate::{
    env::Run,
    estate::{Fleet, server},
};

const STORE: &str = "home/data/atl-admin/store.db";
const KEY: &str = "home/config/atl-admin/store.key";

/// Every command that opens the store refuses it, sends nothing, and leaves all files as they are.
#[track_caller]
fn check_refused(fleet: &Fleet, flags: &str, message: &str, hint: &str) {
    let files = fleet.env.files();
    let store = fs_err::read(fleet.env.path(STORE)).ok();
    for command in ["apply", "plan", "check", "keys list", "history"] {
        let run = fleet.run(&format!("{command} {flags}"));
        assert_eq!(run.code, Some(1), "{command}: {}", run.shown());
        assert!(run.stderr.contains(message), "{command}: {}", run.stderr);
        assert!(run.stderr.contains(hint), "{command}: {}", run.stderr);
        assert_eq!(run.stdout, "", "{command}");
        assert_eq!(fleet.env.files(), files, "{command}");
        assert!(
            fs_err::read(fleet.env.path(STORE)).ok() == store,
            "{command}"
        );
    }
    assert_eq!(fleet.requests(), 0);
}

#[test]
fn a_damaged_store() {
    let fleet = Fleet::provisioned();
    let mut bytes = fs_err::read(fleet.env.path(STORE)).unwrap();
    let end = bytes.len();
    bytes[100..end].fill(0x5a);
    fs_err::write(fleet.env.path(STORE), bytes).unwrap();
    check_refused(
        &fleet,
        "",
        "is damaged",
        "put the newest backup in their place",
    );
}

#[test]
fn an_empty_file() {
    let fleet = Fleet::provisioned();
    fleet.env.write(STORE, "");
    check_refused(&fleet, "", "is damaged: the file is empty", "newest backup");
}

#[test]
fn a_file_of_another_program() {
    let fleet = Fleet::provisioned();
    fleet.env.write(
        STORE,
        "This is my diary, and it is longer than the header of a database. ",
    );
    check_refused(
        &fleet,
        "",
        "is not a store of atl-admin",
        "name another file with `--store`",
    );
}

#[test]
fn another_store_key() {
    let fleet = Fleet::provisioned().with("WRONG", "a passphrase");
    let wrong = (
        "is sealed under another store key",
        "give the key this store was made with",
    );
    check_refused(&fleet, "--store-key env:WRONG", wrong.0, wrong.1);
    let other =
        fleet.run("keys generate --consumer x --store sqlite:other.db --store-key file:other.key");
    assert_eq!(other.code, Some(0), "{}", other.shown());
    check_refused(&fleet, "--store-key file:other.key", wrong.0, wrong.1);
}

#[test]
fn a_store_key_that_is_gone() {
    let fleet = Fleet::provisioned();
    fs_err::remove_file(fleet.env.path(KEY)).unwrap();
    check_refused(
        &fleet,
        "",
        "exists, but its store key",
        "put the key file back from a backup",
    );
    assert!(!fleet.env.path(KEY).exists(), "no new key is made");
}

#[test]
fn a_store_url_of_another_database() {
    let fleet = Fleet::of(Kind::Jira);
    let refused = |flags: &str, message: &str| {
        for command in ["apply", "plan", "check", "keys list", "history"] {
            let run = fleet.run(&format!("{command} {flags}"));
            assert_eq!(run.code, Some(2), "{command}: {}", run.shown());
            assert!(run.stderr.contains(message), "{}", run.stderr);
            for secret in ["hunter2", "ann", "db.example.com"] {
                assert!(!run.shown().contains(secret), "{command}: {}", run.shown());
            }
        }
    };
    refused(
        "--store mysql://ann:hunter2@db.example.com/atl --store-key env:X",
        "stores are not in this version",
    );
    refused(
        "--store postgres://ann:hunter2@db.example.com/atl",
        "needs `--store-key`",
    );
    refused(
        "--store postgres://ann:hunter2@db.example.com --store-key env:X",
        "it names no database",
    );
    assert_eq!(fleet.requests(), 0);
}

#[test]
fn a_passphrase_from_a_variable_or_a_command() {
    let fleet = Fleet::of(Kind::Jira).with("PHRASE", "correct horse");
    let ok = |run: Run| assert_eq!(run.code, Some(0), "{}", run.shown());
    ok(fleet.run("apply --store-key env:PHRASE"));
    fleet.env.write("phrase.sh", "echo correct horse\n");
    fleet.forget();
    let run = fleet
        .env
        .shell("atl-admin apply -o json --store-key 'cmd:sh phrase.sh'");
    assert_eq!(run.code, Some(0), "{}", run.shown());
    assert_eq!(server(&run.json(), "jira")["changes"][1]["verified"], true);
    assert_eq!(fleet.writes(), 0);
    assert!(!run.shown().contains("correct horse"));
    assert!(!fleet.env.path(KEY).exists(), "no file holds it");

    for (key, message) in [
        ("env:NOWHERE", "`NOWHERE` of `--store-key` is not set"),
        (
            "correct-horse",
            "is none of `file:PATH`, `env:NAME` and `cmd:COMMAND`",
        ),
    ] {
        let run = fleet.run(&format!("apply --store-key {key}"));
        assert_eq!(run.code, Some(2), "{}", run.shown());
        assert!(run.stderr.contains(message), "{}", run.stderr);
        assert!(!run.stderr.contains("correct-horse"), "{}", run.stderr);
    }
    let run = fleet.env.shell("atl-admin apply --store-key 'cmd:exit 3'");
    assert_eq!(run.code, Some(1), "{}", run.shown());
    assert!(
        run.stderr.contains("the command of `--store-key`"),
        "{}",
        run.stderr
    );
}

#[test]
fn looking_makes_no_files() {
    let fleet = Fleet::of(Kind::Jira);
    let files = fleet.env.files();
    for command in ["check", "plan", "history", "keys list"] {
        let run = fleet.run(command);
        assert_eq!(run.code, Some(0), "{command}: {}", run.shown());
        assert_eq!(fleet.env.files(), files, "{command}");
    }
    assert_eq!(fleet.writes(), 0);
}

//! Folders that cannot be written and disks that are full: an error that says so, nothing sent whose key is not kept,
//! and nothing lost.

use std::{os::unix::process::CommandExt as _, process::Command};

use atl_testbed::{ADMIN_PASSWORD, Kind};

use crate::{
    env::Run,
    estate::{CONSUMER, Fleet},
    tools::skip,
};

/// The user `nobody`.
const NOBODY: u32 = 65534;

/// Runs the program as a user whom the modes of files concern, which they do not where the tests run as root. `None`
/// where there is no such user.
fn unprivileged(fleet: &Fleet, line: &str) -> Option<Run> {
    let root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
    if !root {
        return Some(fleet.run(line));
    }
    // The program lies where only its owner may go.
    let program = fleet.env.path("atl-admin");
    if !program.exists() {
        fs_err::copy(fleet.command("").get_program(), &program).unwrap();
        fleet.env.set_mode("atl-admin", 0o755);
    }
    let mut command = Command::new(program);
    let from = fleet.command(line);
    command.args(from.get_args()).env_clear();
    for (name, value) in from.get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    command
        .current_dir(fleet.env.path(""))
        .uid(NOBODY)
        .gid(NOBODY);
    let output = command.output().ok()?;
    let run = fleet.env.ran(output);
    fleet.hides_secrets(&run);
    Some(run)
}

/// A provisioned fleet with something to do, whose store belongs to the user that [`unprivileged`] runs as.
fn handed_over(fleet: &Fleet) -> bool {
    let folder = fleet.env.path("");
    fleet.env.set_mode("", 0o755);
    Command::new("chown")
        .args(["-R", &NOBODY.to_string()])
        .arg(folder)
        .output()
        .unwrap()
        .status
        .success()
        || Command::new("id").arg("-u").output().unwrap().stdout != b"0\n"
}

#[test]
fn a_store_folder_that_cannot_be_written() {
    const TEST: &str = "a read-only store folder";
    let fleet = Fleet::of(Kind::Jira);
    if !handed_over(&fleet) {
        return skip(TEST, "files cannot be given to another user");
    }
    fs_err::create_dir(fleet.env.path("locked")).unwrap();
    fleet.env.set_mode("locked", 0o555);
    let store = "--store sqlite:locked/store.db";
    let Some(run) = unprivileged(&fleet, &format!("apply {store}")) else {
        return skip(TEST, "the program cannot be run as another user");
    };
    assert_eq!(run.code, Some(1), "{}", run.shown());
    assert!(
        run.stderr.contains("may not be read or written"),
        "{}",
        run.stderr
    );
    assert!(
        run.stderr.contains("hint: check who owns the file"),
        "{}",
        run.stderr
    );
    assert_eq!(fleet.requests(), 0);
}

#[test]
fn a_store_that_cannot_be_written_any_more() {
    const TEST: &str = "a read-only store";
    let fleet = Fleet::of(Kind::Jira);
    if !handed_over(&fleet) {
        return skip(TEST, "files cannot be given to another user");
    }
    fs_err::create_dir(fleet.env.path("kept")).unwrap();
    handed_over(&fleet);
    let store = "--store sqlite:kept/store.db";
    let Some(run) = unprivileged(&fleet, &format!("apply {store}")) else {
        return skip(TEST, "the program cannot be run as another user");
    };
    assert_eq!(run.code, Some(0), "{}", run.shown());
    let before = fs_err::read(fleet.env.path("kept/store.db")).unwrap();
    fleet.env.set_mode("kept", 0o555);
    fleet.env.set_mode("kept/store.db", 0o444);
    fleet.first().edit_consumer(CONSUMER, |consumer| {
        "Drifted".clone_into(&mut consumer.name);
    });
    fleet.forget();

    let plan = unprivileged(&fleet, &format!("plan --detailed-exitcode {store}")).unwrap();
    assert_eq!(plan.code, Some(10), "looking still works: {}", plan.shown());
    let run = unprivileged(&fleet, &format!("apply {store}")).unwrap();
    assert_eq!(run.code, Some(1), "{}", run.shown());
    assert!(
        run.stderr.contains("may not be read or written"),
        "{}",
        run.shown()
    );
    assert_eq!(fleet.writes(), 0);
    assert!(before == fs_err::read(fleet.env.path("kept/store.db")).unwrap());
    fleet.env.set_mode("kept", 0o755);
    fleet.env.set_mode("kept/store.db", 0o600);
    let run = unprivileged(&fleet, &format!("apply {store}")).unwrap();
    assert_eq!(run.code, Some(0), "{}", run.shown());
}

/// No file may grow beyond so many blocks of 1024 bytes, which is what a full disk comes to: in every place where a run
/// can be stopped by it, from the first file to the last row.
#[test]
fn a_full_disk() {
    let mut stopped = 0;
    for blocks in (0..).step_by(8) {
        let fleet = Fleet::of(Kind::Jira);
        fleet.edit(
            "    callback:",
            "    keypair: { bits: 2048 }\n    callback:",
        );
        let run = fleet
            .env
            .shell(&format!("ulimit -f {blocks}; atl-admin apply"));
        fleet.hides_secrets(&run);
        let held = fleet.first().consumer(CONSUMER);
        if run.code == Some(0) {
            assert!(held.is_some());
            break;
        }
        stopped += 1;
        assert_eq!(run.code, Some(1), "{blocks}: {}", run.shown());
        let said = "the disk is full, a quota or file size limit is reached";
        let shown = run.shown();
        assert!(shown.contains(said), "{blocks}: {shown}");
        assert!(
            shown.contains("make room, or raise the limit"),
            "{blocks}: {shown}"
        );

        // With room again the key that the server has, if it has one, is there, and nothing is in the way.
        let run = fleet.run("apply");
        assert_eq!(run.code, Some(0), "{blocks}: {}", run.shown());
        let now = fleet.first().consumer(CONSUMER);
        assert!(
            held.is_none() || held == now,
            "{blocks}: the key was replaced"
        );
        assert_eq!(fleet.first().links().len(), 1);
        let (history, _) = fleet.json("history");
        let steps = history["journal"].as_array().unwrap();
        assert!(
            steps.iter().all(|step| step["outcome"] != "open"),
            "{history:#}"
        );
    }
    assert!(stopped > 2, "{stopped}");
}

#[test]
fn a_full_disk_spoils_no_store() {
    let fleet = Fleet::provisioned();
    fleet.first().edit_consumer(CONSUMER, |consumer| {
        "Drifted".clone_into(&mut consumer.name);
    });
    let before = fleet.json("keys list");
    let run = fleet.env.shell("ulimit -f 0; atl-admin apply");
    assert_eq!(run.code, Some(1), "{}", run.shown());
    assert!(!run.shown().contains(ADMIN_PASSWORD));
    assert_eq!(
        fleet.writes(),
        0,
        "no step is taken that cannot be journalled"
    );
    assert_eq!(fleet.json("keys list"), before);
    let run = fleet.run("apply");
    assert_eq!(run.code, Some(0), "{}", run.shown());
}

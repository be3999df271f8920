//! `rotate --exec`: the new key goes to whoever signs with it, and the old one comes back where that fails.

use atl_keys::{ImportPolicy, Keypair};
use atl_testbed::{ADMIN_PASSWORD, Kind, Server, ServerSpec};
use serde_json::{Value, json};

use crate::{
    estate::{CONSUMER, Fleet},
    running::Running,
};

const ROTATE: &str = "rotate --yes --settle 10s --exec ./hand.sh";

impl Fleet {
    /// The command of `--exec`, `hand.sh`.
    pub(crate) fn hands_over_by(&self, lines: &str) {
        self.env.write("hand.sh", &format!("#!/bin/sh\n{lines}\n"));
        self.env.set_mode("hand.sh", 0o700);
    }

    /// The key files for commands that are there now.
    pub(crate) fn key_files(&self) -> Vec<String> {
        let mut files = self.env.files();
        files.retain(|name| name.contains("atl-admin-"));
        files
    }

    /// The fingerprint of a private key in a file.
    #[track_caller]
    pub(crate) fn key_in(&self, name: &str) -> String {
        let pem = self.env.read(name);
        let key = Keypair::read(pem.as_bytes(), None, ImportPolicy::Strict).unwrap();
        key.value.fingerprint().to_string()
    }

    /// The old key is back, works, and the report says why.
    #[track_caller]
    fn rolled_back(&self, rotation: &Value, code: &str) {
        assert_eq!(rotation["state"], "rolled_back", "{rotation:#}");
        assert_eq!(rotation["error"]["code"], code, "{rotation:#}");
        assert_eq!(rotation["grants_ok"], 2, "{rotation:#}");
        assert_eq!(rotation["before"], self.held());
        assert_eq!(self.key_files(), Vec::<String>::new());
        self.rotated_or_not(code);
    }
}

fn jira() -> Fleet {
    Fleet::with_grants([ServerSpec::new(Kind::Jira)])
}

#[test]
fn the_command_gets_every_new_key_once() {
    let fleet = Fleet::with_grants([ServerSpec::new(Kind::Jira), ServerSpec::new(Kind::Bamboo)]);
    fleet.hands_over_by(
        "stat -c '%a %n' \"$ATL_ADMIN_PRIVATE_KEY_FILE\" >> seen\n\
         cp \"$ATL_ADMIN_PRIVATE_KEY_FILE\" \"$ATL_ADMIN_SERVER.pem\"\n\
         echo \"$ATL_ADMIN_SERVER $ATL_ADMIN_CONSUMER $ATL_ADMIN_FINGERPRINT\" >> told\n\
         echo thank you",
    );
    let run = fleet.run(&format!("{ROTATE} --per-server -o json"));
    assert_eq!(run.code, Some(0), "{}", run.shown());
    assert_eq!(
        run.stderr.matches("thank you\n").count(),
        2,
        "{}",
        run.stderr
    );
    let report = run.json();
    let rotations = report["rotations"].as_array().unwrap();
    let mut told: Vec<String> = Vec::new();
    for rotation in rotations {
        assert_eq!(rotation["state"], "verified", "{rotation:#}");
        let (server, after) = (
            rotation["server"].as_str().unwrap(),
            rotation["after"].as_str().unwrap(),
        );
        assert_eq!(fleet.key_in(&format!("{server}.pem")), after);
        told.push(format!("{server} {CONSUMER} {after}"));
    }
    let said = fleet.env.read("told");
    assert_eq!(
        said.lines().collect::<Vec<_>>(),
        told,
        "one at a time, in order"
    );
    let seen = fleet.env.read("seen");
    let folder = fleet.env.path("home/data/atl-admin").display().to_string();
    for line in seen.lines() {
        assert!(line.starts_with("600 ") && line.contains(&folder), "{line}");
    }
    assert_eq!(fleet.key_files(), Vec::<String>::new());
    fleet.is_sound();
    let (history, _) = fleet.json("history");
    let steps = history["journal"].as_array().unwrap().iter();
    let handed: Vec<_> = steps
        .filter(|step| step["action"] == "hand over key")
        .collect();
    assert_eq!(handed.len(), 2);
    assert!(
        handed.iter().all(|step| step["outcome"] == "done"),
        "{handed:#?}"
    );
}

#[test]
fn the_file_is_in_the_folder_of_the_session() {
    let fleet = jira();
    fs_err::create_dir(fleet.env.path("session")).unwrap();
    let folder = fleet.env.path("session").display().to_string();
    let fleet = fleet.with("XDG_RUNTIME_DIR", &folder);
    fleet.hands_over_by("echo \"$ATL_ADMIN_PRIVATE_KEY_FILE\" > where");
    fleet.rotations(ROTATE, 0);
    assert!(
        fleet
            .env
            .read("where")
            .starts_with(&format!("{folder}/atl-admin-"))
    );
    assert_eq!(fleet.key_files(), Vec::<String>::new());
}

#[test]
fn a_command_that_fails_brings_the_old_key_back() {
    let fleet = jira();
    for (lines, said) in [
        ("echo no room; exit 7", "failed (exit status: 7)"),
        ("kill -TERM $$", "failed (exit status: 143)"),
        (
            "rm \"$ATL_ADMIN_PRIVATE_KEY_FILE\"; exit 1",
            "failed (exit status: 1)",
        ),
    ] {
        fleet.hands_over_by(lines);
        let rotations = fleet.rotations(ROTATE, 1);
        fleet.rolled_back(&rotations[0], "exec_failed");
        let message = rotations[0]["error"]["message"].as_str().unwrap();
        assert!(message.contains(said), "{message}");
        assert!(message.contains("`deploy-bot` on `jira`"), "{message}");
    }
    let rotations = fleet.rotations("rotate --yes --exec /nowhere/at/all", 1);
    fleet.rolled_back(&rotations[0], "exec_failed");
    fleet.hands_over_by("true");
    let rotations = fleet.rotations(ROTATE, 0);
    assert_eq!(rotations[0]["after"], fleet.held());
}

/// What it started is ended with it: nobody keeps the output open, and nobody is left to take the key.
#[test]
fn a_command_that_hangs_is_ended_with_all_that_it_started() {
    let fleet = jira();
    fleet.hands_over_by("sleep 1000 & echo $! > child\nwait");
    let rotations = fleet.rotations(&format!("{ROTATE} --exec-timeout 1s"), 1);
    fleet.rolled_back(&rotations[0], "exec_failed");
    let message = rotations[0]["error"]["message"].as_str().unwrap();
    assert!(message.contains("did not end within 1s"), "{message}");
    let child = fleet.env.read("child");
    let state = fs_err::read_to_string(format!("/proc/{}/stat", child.trim()));
    // Where nobody collects the dead, it stays a zombie.
    assert!(
        state.is_err() || state.unwrap().contains(") Z "),
        "it lives on"
    );
}

#[test]
fn what_the_command_prints_shows_no_secret() {
    let fleet = jira();
    fleet.hands_over_by(
        "env\ncat \"$ATL_ADMIN_PRIVATE_KEY_FILE\"\ncat \"$ATL_ADMIN_PRIVATE_KEY_FILE\" >&2\n\
         grep -v -e ----- \"$ATL_ADMIN_PRIVATE_KEY_FILE\" > body\ncat body\ntr -d '\\n' < body\necho\n\
         echo \"password=$ATL_ADMIN_PASSWORD\" | tee /dev/stderr\ncp \"$ATL_ADMIN_PRIVATE_KEY_FILE\" handed.pem",
    );
    let run = fleet.run(&format!("{ROTATE} -o json"));
    assert_eq!(run.code, Some(0), "{}", run.shown());
    assert!(run.stderr.contains("password=[secret]\n"), "{}", run.stderr);
    assert!(
        run.stderr.contains("ATL_ADMIN_CONSUMER=deploy-bot\n"),
        "{}",
        run.stderr
    );
    let shown = format!("{}{}", run.stdout, run.stderr);
    assert!(!shown.contains(ADMIN_PASSWORD));
    let pem = fleet.env.read("handed.pem");
    for line in pem
        .lines()
        .filter(|line| !line.starts_with('-') && line.len() > 3)
    {
        assert!(!shown.contains(line), "{line} in {shown}");
    }
    run.json();
}

/// Waits until the command has said so in a file; the program cannot say it, since it waits for the command.
fn killed_in_the_command(fleet: &Fleet) {
    fleet.hands_over_by(
        "cp \"$ATL_ADMIN_PRIVATE_KEY_FILE\" handed.pem\necho the command runs >&2\nexec sleep 1000 >/dev/null 2>&1",
    );
    let mut running: Running<'_> = fleet.start(ROTATE);
    running.wait_said("the command runs");
    running.kill();
    assert_eq!(fleet.key_files().len(), 1);
    assert_eq!(fleet.held(), fleet.key_in("handed.pem"));
}

#[test]
fn killed_while_the_command_runs_the_old_key_comes_back() {
    let fleet = jira();
    let old = fleet.held();
    killed_in_the_command(&fleet);
    let rotations = fleet.rotations("rotate --resume --settle 10s", 1);
    fleet.rolled_back(&rotations[0], "not_handed_over");
    assert_eq!(fleet.held(), old);
    // Any next run does so.
    killed_in_the_command(&fleet);
    let run = fleet.run("apply");
    assert_eq!(run.code, Some(0), "{}", run.shown());
    assert_eq!((fleet.held(), fleet.key_files().len()), (old, 0));
    fleet.rotated_or_not("apply");
}

#[test]
fn killed_while_the_command_runs_it_is_run_again() {
    let fleet = jira();
    killed_in_the_command(&fleet);
    let new = fleet.held();
    fleet.hands_over_by("cp \"$ATL_ADMIN_PRIVATE_KEY_FILE\" again.pem");
    let rotations = fleet.rotations("rotate --resume --settle 10s --exec ./hand.sh", 0);
    assert_eq!(rotations[0]["state"], "verified", "{rotations:#?}");
    assert_eq!(fleet.key_in("again.pem"), new);
    assert_eq!((fleet.held(), fleet.key_files().len()), (new, 0));
    fleet.rotated_or_not("resumed");
}

/// The next run is one that has nothing to do with rotations.
#[test]
fn any_next_run_removes_the_key_file() {
    let fleet = jira();
    killed_in_the_command(&fleet);
    let (report, code) = fleet.report("tokens verify");
    assert_eq!(code, 0, "{report:#}");
    assert_eq!(fleet.key_files(), Vec::<String>::new());
    fleet.rotations("rotate --resume --settle 10s", 1);
    fleet.rotated_or_not("resumed");
}

#[test]
fn files_that_the_fleet_file_names_get_the_new_key() {
    let fleet = jira();
    fleet.edit(
        "    keypair: { bits: 2048 }",
        "    keypair: { bits: 2048, export: { private_key_file: bot.pem, public_key_file: bot.pub.pem } }",
    );
    let run = fleet.run("apply");
    assert_eq!(run.code, Some(0), "{}", run.shown());
    let old = fleet.key_in("bot.pem");
    let public = fleet.env.read("bot.pub.pem");
    let rotations = fleet.rotations("rotate --yes", 0);
    assert_eq!(json!(fleet.key_in("bot.pem")), rotations[0]["after"]);
    assert_eq!(fleet.env.mode("bot.pem"), 0o600);
    assert_ne!(fleet.key_in("bot.pem"), old);
    assert_ne!(fleet.env.read("bot.pub.pem"), public);
    // Nothing is left beside them.
    let beside: Vec<_> = fleet
        .env
        .files()
        .into_iter()
        .filter(|name| name.starts_with("bot") || name.starts_with('.'))
        .collect();
    assert_eq!(beside, ["bot.pem", "bot.pub.pem"]);

    // A rotation that was taken back leaves them alone.
    let new = fleet.key_in("bot.pem");
    fleet.hands_over_by("exit 1");
    fleet.rotations(ROTATE, 1);
    assert_eq!(fleet.key_in("bot.pem"), new);

    // One that is finished by a later run writes them.
    killed_in_the_command(&fleet);
    fleet.hands_over_by("true");
    fleet.rotations("rotate --resume --settle 10s --exec ./hand.sh", 0);
    assert_eq!(fleet.key_in("bot.pem"), fleet.held());

    // A file that holds something else is left alone, and said so.
    fleet.env.write("bot.pem", "not a key\n");
    let rotations = fleet.rotations("rotate --yes", 1);
    assert_eq!(rotations[0]["state"], "verified");
    assert_ne!(rotations[0]["error"], Value::Null);
    assert_eq!(fleet.env.read("bot.pem"), "not a key\n");
}

#[test]
fn the_command_runs_only_where_a_key_is_proven() {
    let fleet = Fleet::with_grants([ServerSpec::new(Kind::Jira), ServerSpec::new(Kind::Bamboo)]);
    Server::stop(fleet.server("bamboo"));
    fleet.hands_over_by("echo \"$ATL_ADMIN_SERVER\" >> told");
    let rotations = fleet.rotations(&format!("{ROTATE} --keep-going"), 5);
    assert_eq!(rotations[1]["state"], "failed", "{rotations:#?}");
    assert_eq!(fleet.env.read("told"), "jira\n");
}

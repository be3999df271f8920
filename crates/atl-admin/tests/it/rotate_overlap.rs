//! `rotate --strategy overlap`: a second consumer key beside the first, and the end of the first.

use atl_testbed::{ALICE, BOB, Kind, ServerSpec};
use serde_json::{Value, json};

use crate::{
    dances::granted_by,
    estate::{CONSUMER, Fleet, KINDS, URL},
};

const SECOND: &str = "deploy-bot-2";
const SECOND_URL: &str = "https://deploy.example.com/deploy-bot-2";

impl Fleet {
    /// Puts the printed patch into the fleet file, as its user would.
    #[track_caller]
    fn apply_patch(&self, report: &Value) {
        let patch = report["patches"][0].as_str().unwrap();
        self.env.write("overlap.patch", patch);
        let mut command = std::process::Command::new("patch");
        command
            .arg(self.env.path("fleet.yaml"))
            .arg(self.env.path("overlap.patch"));
        if let Ok(output) = command.output() {
            assert!(output.status.success(), "{patch}");
        } else {
            // The same by hand, where the tool is not there.
            assert!(
                patch.contains(&format!("+    url: {SECOND_URL}\n")),
                "{patch}"
            );
            self.edit(
                &format!("    url: {URL}\n"),
                &format!("    key: {SECOND}\n    url: {SECOND_URL}\n"),
            );
        }
        assert!(
            self.env
                .read("fleet.yaml")
                .contains(&format!("    key: {SECOND}\n"))
        );
    }

    fn overlap(&self, code: i32) -> Value {
        let (report, got) = self.report("rotate --strategy overlap --yes");
        assert_eq!(got, code, "{report:#}");
        report
    }
}

#[test]
fn two_consumer_keys_live_until_the_first_is_retired() {
    let fleet = Fleet::with_grants(KINDS.map(ServerSpec::new));
    let report = fleet.overlap(0);
    let rotations = report["rotations"].as_array().unwrap();
    assert_eq!(rotations.len(), 4);
    for rotation in rotations {
        assert_eq!(rotation["strategy"], "overlap");
        assert_eq!(rotation["state"], "verified", "{rotation:#}");
        assert_eq!(rotation["new_key"], SECOND);
        assert_eq!(rotation["new_url"], SECOND_URL);
        assert_eq!(rotation["grants_checked"], 2);
        assert_eq!(rotation["grants_ok"], 2);
    }
    for server in fleet.estate.servers() {
        assert_eq!(server.consumers().len(), 2);
        // Those of the first consumer key.
        assert_eq!(granted_by(server).len(), 2);
    }
    // Both are live, the fleet file still names the first, and nothing is to be done.
    let (plan, code) = fleet.json("plan --detailed-exitcode");
    assert_eq!(code, 0, "{plan:#}");
    let (list, code) = fleet.report("tokens verify");
    assert_eq!((code, list["grants"].as_array().unwrap().len()), (0, 16));

    let rotations = fleet.rotations("rotate --retire --yes", 0);
    assert!(
        rotations
            .iter()
            .all(|rotation| rotation["state"] == "verified")
    );
    for server in fleet.estate.servers() {
        let keys: Vec<_> = server
            .consumers()
            .iter()
            .map(|one| one.key.clone())
            .collect();
        assert_eq!(keys, [SECOND]);
    }
    // The fleet file names what was retired: it is not made again.
    fleet.forget();
    let (plan, code) = fleet.json("apply");
    assert_eq!(code, 1, "{plan:#}");
    assert_eq!(plan["servers"][0]["error"]["code"], "retired", "{plan:#}");
    assert_eq!(fleet.writes(), 0);

    fleet.apply_patch(&report);
    let (plan, code) = fleet.json("plan --detailed-exitcode");
    assert_eq!(code, 0, "{plan:#}");
    let run = fleet.run("apply");
    assert_eq!(run.code, Some(0), "{}", run.shown());
    assert_eq!(fleet.keys_in_state("active").len(), 1);
    assert_eq!(fleet.keys_in_state("retired").len(), 1);
    let (history, _) = fleet.json("history");
    for step in history["journal"].as_array().unwrap() {
        assert!(!step["finished"].is_null(), "{step:#}");
    }
    let (list, code) = fleet.report("authorize --status");
    assert_eq!((code, list["grants"].as_array().unwrap().len()), (0, 8));
    let run = fleet.run("request -s jira --as alice GET plugins/servlet/applinks/whoami");
    assert_eq!((run.code, run.stdout.trim()), (Some(0), ALICE));
}

#[test]
fn the_patch_may_come_before_the_retirement() {
    let fleet = Fleet::with_grants([ServerSpec::new(Kind::Jira)]);
    let report = fleet.overlap(0);
    fleet.apply_patch(&report);
    let (plan, code) = fleet.json("plan --detailed-exitcode");
    assert_eq!(code, 0, "{plan:#}");
    // Grants of both consumer keys still work, each signed with its own keypair.
    let (list, code) = fleet.report("tokens verify");
    assert_eq!((code, list["grants"].as_array().unwrap().len()), (0, 4));
    fleet.rotations("rotate --retire --yes", 0);
    let (list, _) = fleet.report("tokens verify --status active");
    assert_eq!(list["grants"].as_array().unwrap().len(), 2);
    let (history, _) = fleet.json("history");
    for step in history["journal"].as_array().unwrap() {
        assert!(!step["finished"].is_null(), "{step:#}");
    }
}

#[test]
fn whoever_has_no_successor_keeps_the_first_consumer_key() {
    let fleet = Fleet::with_grants([ServerSpec::new(Kind::Jira)]);
    // Bob's password is not in the fleet file any more: he is a person.
    fleet.edit(
        "      - { user: bob, password: \"${env:BOB_PASSWORD}\" }\n",
        "      - { user: bob }\n",
    );
    let report = fleet.overlap(0);
    assert_eq!(report["rotations"][0]["needs_person"], json!([BOB]));
    assert_eq!(report["rotations"][0]["grants_ok"], 1);
    let rotations = fleet.rotations("rotate --retire --yes", 1);
    assert_eq!(rotations[0]["error"]["code"], "no_successor");
    let message = rotations[0]["error"]["message"].as_str().unwrap();
    assert!(
        message.contains("`bob`") && !message.contains("`alice`"),
        "{message}"
    );
    assert_eq!(fleet.first().consumers().len(), 2);
    fleet.rotations("rotate --retire --yes --force", 0);
    assert_eq!(fleet.first().consumers().len(), 1);
}

#[test]
fn names_are_free_to_choose_and_taken_ones_are_refused() {
    let fleet = Fleet::with_grants([ServerSpec::new(Kind::Jira)]);
    let line = format!(
        "rotate -c {CONSUMER} --strategy overlap --yes --new-key bot-b --new-url https://b.example.com/"
    );
    let rotations = fleet.rotations(&line, 0);
    assert_eq!(rotations[0]["new_key"], "bot-b");
    assert_eq!(rotations[0]["new_url"], "https://b.example.com");
    assert!(fleet.first().link("https://b.example.com").is_some());

    // In place, the key of a consumer that has two is not touched.
    let rotations = fleet.rotations("rotate --yes", 1);
    assert_eq!(rotations[0]["error"]["code"], "overlap_unfinished");

    let other = Fleet::with_grants([ServerSpec::new(Kind::Jira)]);
    crate::estate::link_by_hand(other.first(), "https://else.example.com", SECOND);
    let report = other.overlap(1);
    assert_eq!(
        report["rotations"][0]["error"]["code"],
        "consumer_key_taken"
    );
    assert_eq!(other.keys_in_state("pending"), Vec::<Value>::new());
    let (history, _) = other.json("history");
    for step in history["journal"].as_array().unwrap() {
        assert!(!step["finished"].is_null(), "{step:#}");
    }
}

#[test]
fn flags_that_do_nothing_are_refused() {
    let fleet = Fleet::provisioned();
    for line in [
        "rotate --new-key x --yes",
        "rotate --strategy overlap --exec true --yes",
        "rotate --strategy overlap --new-key x --yes",
        "rotate --new-url nonsense --yes",
        "rotate --retire --resume",
    ] {
        let run = fleet.run(line);
        assert_eq!(run.code, Some(2), "{line}: {}", run.shown());
        assert_eq!(fleet.requests(), 0);
    }
}

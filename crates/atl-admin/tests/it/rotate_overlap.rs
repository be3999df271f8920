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
    // Each is looked at with the keypair of its own consumer key, and every keypair is listed where it is registered.
    for check in grant_checks(&fleet) {
        assert_eq!(check["status"], "pass", "{check:#}");
    }
    let (list, _) = fleet.json("keys list");
    for key in list["keys"].as_array().unwrap() {
        assert_eq!(key["servers"].as_array().unwrap().len(), 4, "{key:#}");
    }
    let run = fleet.run(&format!(
        "keys retire {} --yes",
        list["keys"][1]["id"].as_str().unwrap()
    ));
    assert_eq!(run.code, Some(1), "{}", run.shown());
    assert!(
        run.stderr.contains("rotate --retire -s jira"),
        "{}",
        run.shown()
    );

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

/// What `check` says of grants.
fn grant_checks(fleet: &Fleet) -> Vec<Value> {
    let (report, _) = fleet.json("check");
    let servers = report["servers"].as_array().unwrap();
    let all = servers
        .iter()
        .flat_map(|server| server["checks"].as_array().unwrap());
    let grants: Vec<Value> = all
        .filter(|check| check["check"] == "grant")
        .cloned()
        .collect();
    assert!(!grants.is_empty());
    grants
}

#[test]
fn a_keypair_is_retired_with_its_last_link() {
    let fleet = Fleet::with_grants([Kind::Jira, Kind::Bitbucket].map(ServerSpec::new));
    let report = fleet.overlap(0);
    fleet.apply_patch(&report);
    let run = fleet.run("apply");
    assert_eq!(run.code, Some(0), "{}", run.shown());
    fleet.rotations("rotate --retire --yes -s jira", 0);
    // The other server has it still.
    assert_eq!(fleet.keys_in_state("active").len(), 2);
    fleet.rotations("rotate --retire --yes", 0);
    assert_eq!(fleet.keys_in_state("retired").len(), 1);
}

#[test]
fn a_plan_of_an_overlap_says_its_names_and_a_begun_one_keeps_them() {
    let fleet = Fleet::with_grants([ServerSpec::new(Kind::Jira)]);
    let rotations = fleet.rotations("rotate --strategy overlap --dry-run", 0);
    assert_eq!(rotations[0]["new_key"], SECOND);
    assert_eq!(rotations[0]["new_url"], SECOND_URL);
    fleet.overlap(0);
    fleet.forget();
    for other in ["--new-key bot-b", "--new-url https://b.example.com"] {
        let line = format!("rotate -c {CONSUMER} --strategy overlap --yes {other}");
        let rotations = fleet.rotations(&line, 1);
        assert_eq!(rotations[0]["error"]["code"], "overlap_begun");
    }
    assert_eq!(fleet.writes(), 0);
}

#[test]
fn whoever_the_fleet_file_names_is_asked_for_and_then_counted() {
    let fleet = Fleet::granting_on([ServerSpec::new(Kind::Jira)], |fleet| fleet);
    fleet.wants(&[ALICE, BOB]);
    fleet.edit(
        "      - { user: bob, password: \"${env:BOB_PASSWORD}\" }\n",
        "      - { user: bob }\n",
    );
    // Nobody has a grant of the first consumer key.
    let report = fleet.overlap(0);
    let rotation = &report["rotations"][0];
    assert_eq!(rotation["needs_person"], json!([BOB]), "{report:#}");
    assert_eq!(
        (&rotation["grants_before"], &rotation["grants_checked"]),
        (&json!(0), &json!(2))
    );
    let rotations = fleet.rotations("rotate --retire --yes", 1);
    assert_eq!(rotations[0]["error"]["code"], "no_successor");
    // Bob approves, and is asked for no more.
    fleet.apply_patch(&report);
    fleet.edit(
        "      - { user: bob }\n",
        "      - { user: bob, password: \"${env:BOB_PASSWORD}\" }\n",
    );
    let run = fleet.run("authorize --headless");
    assert_eq!(run.code, Some(0), "{}", run.shown());
    let rotations = fleet.rotations("rotate --retire --yes", 0);
    assert_eq!(rotations[0]["grants_ok"], 2);
}

#[test]
fn nothing_to_do_is_said_as_it_is() {
    let fleet = Fleet::provisioned();
    for (line, said) in [
        (
            "rotate --retire --yes",
            "no consumer on these servers has a second consumer key",
        ),
        ("rotate --if-older-than 9d --yes", "that is so old"),
        ("rotate --resume", "no rotation was left unfinished"),
    ] {
        let run = fleet.run(line);
        assert_eq!(run.code, Some(0), "{line}: {}", run.shown());
        assert!(run.stderr.contains(said), "{line}: {}", run.shown());
        assert!(
            !run.stderr.contains("keypair this tool makes"),
            "{line}: {}",
            run.shown()
        );
    }
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
    let advice = report["rotations"][0]["error"]["advice"].as_str().unwrap();
    assert!(advice.contains("--new-key"), "{advice}");
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
        "rotate -c deploy-bot --strategy overlap --new-key a:b --yes",
        "rotate -c deploy-bot --strategy overlap --new-key 12 --yes",
        "rotate --retire --resume",
    ] {
        let run = fleet.run(line);
        assert_eq!(run.code, Some(2), "{line}: {}", run.shown());
        assert_eq!(fleet.requests(), 0);
    }
}

//! `rotate`: which server comes first, when it stops, what it asks, what it says.

use atl_testbed::{ADMIN_PASSWORD, Fault, Kind, Server, ServerSpec};
use serde_json::Value;

use crate::{
    estate::{CONSUMER, Fleet, KINDS},
    rotate_bad_days::{ended, put},
};

/// Jira, Confluence and Bitbucket, with no grant.
fn three() -> Fleet {
    provisioned(KINDS[..3].iter().map(|kind| ServerSpec::new(*kind)))
}

fn provisioned(specs: impl IntoIterator<Item = ServerSpec>) -> Fleet {
    let fleet = Fleet::new(specs);
    fleet.edit(
        "    callback:",
        "    keypair: { bits: 2048 }\n    callback:",
    );
    let run = fleet.run("apply");
    assert_eq!(run.code, Some(0), "{}", run.shown());
    fleet.forget();
    fleet
}

fn states(rotations: &[Value]) -> Vec<&str> {
    rotations.iter().map(|rotation| ended(rotation).0).collect()
}

fn writes(fleet: &Fleet) -> Vec<bool> {
    fleet
        .estate
        .servers()
        .iter()
        .map(|server| server.writes() > 0)
        .collect()
}

#[test]
fn the_canary_goes_first() {
    let fleet = three();
    fleet
        .server("git")
        .set(Fault::Answer(403, "{}".to_owned()).on(put()));
    let rotations = fleet.rotations("rotate --yes --canary git --settle 1s", 1);
    assert_eq!(
        states(&rotations),
        ["pending", "pending", "failed"],
        "{rotations:#?}"
    );
    assert_eq!(writes(&fleet), [false, false, true]);
    // Without one, the first server is it.
    fleet.forget();
    let rotations = fleet.rotations("rotate --yes -p 1 --settle 1s", 5);
    assert_eq!(
        states(&rotations),
        ["verified", "verified", "failed"],
        "{rotations:#?}"
    );
    fleet.server("git").clear_faults();
    fleet.is_sound();
    let run = fleet.run("rotate --yes --canary nobody");
    assert_ne!(run.code, Some(0));
    assert!(run.stderr.contains("nobody"), "{}", run.stderr);
}

#[test]
fn it_stops_at_the_first_failure_or_goes_on() {
    let fleet = three();
    fleet
        .first()
        .set(Fault::Answer(403, "{}".to_owned()).on(put()));
    let rotations = fleet.rotations("rotate --yes --settle 1s", 1);
    assert_eq!(
        states(&rotations),
        ["failed", "pending", "pending"],
        "{rotations:#?}"
    );
    assert_eq!(writes(&fleet), [true, false, false]);
    fleet.is_sound();
    assert_eq!(fleet.keys_in_state("pending"), Vec::<Value>::new());
    let rotations = fleet.rotations("rotate --yes --settle 1s --keep-going", 5);
    assert_eq!(
        states(&rotations),
        ["failed", "verified", "verified"],
        "{rotations:#?}"
    );
    // A partly rotated fleet has nothing to do.
    fleet.first().clear_faults();
    assert_eq!(fleet.keys_in_state("active").len(), 2);
    fleet.is_sound();
}

#[test]
fn a_server_new_to_the_fleet_gets_the_newest_key() {
    let fleet = Fleet::new(KINDS[..3].iter().map(|kind| ServerSpec::new(*kind)));
    fleet.edit(
        "    callback:",
        "    keypair: { bits: 2048 }\n    servers: [jira, wiki]\n    callback:",
    );
    let run = fleet.run("apply");
    assert_eq!(run.code, Some(0), "{}", run.shown());
    let rotations = fleet.rotations("rotate --yes -s wiki", 0);
    assert_eq!(rotations.len(), 1);
    fleet.is_sound();
    fleet.edit("[jira, wiki]", "[jira, wiki, git]");
    let run = fleet.run("apply");
    assert_eq!(run.code, Some(0), "{}", run.shown());
    let newest = fleet
        .keys_in_state("active")
        .into_iter()
        .find(|key| key["fingerprint"] == rotations[0]["after"])
        .unwrap();
    assert_eq!(newest["servers"], serde_json::json!(["git", "wiki"]));
    fleet.is_sound();
}

#[test]
fn much_at_once_needs_force_or_names() {
    let fleet = provisioned((0..10).map(|_| ServerSpec::new(Kind::Jira)));
    let rotations = fleet.rotations("rotate --yes", 1);
    assert_eq!(rotations.len(), 10);
    assert!(
        rotations
            .iter()
            .all(|rotation| ended(rotation) == ("failed", "mass_change")),
        "{rotations:#?}"
    );
    assert_eq!(fleet.writes(), 0);
    assert_eq!(fleet.keys_in_state("pending"), Vec::<Value>::new());
    for line in [
        "rotate --yes --force",
        &format!("rotate --yes -c {CONSUMER}"),
    ] {
        let rotations = fleet.rotations(line, 0);
        assert_eq!(states(&rotations), ["verified"; 10]);
    }
    fleet.is_sound();
}

#[test]
fn exit_codes() {
    let fleet = provisioned([ServerSpec::new(Kind::Jira), ServerSpec::new(Kind::Bamboo)]);
    fleet.server("bamboo").stop();
    fleet.rotations("rotate --yes --keep-going", 5);
    fleet.rotations("rotate --dry-run", 3);
    fleet.first().stop();
    fleet.rotations("rotate --yes", 3);
    fleet
        .estate
        .servers()
        .iter()
        .for_each(|server| Server::start(server).unwrap());
    fleet.is_sound();
    let fleet = fleet.with("ATL_ADMIN_PASSWORD", "wrong");
    fleet.rotations("rotate --yes", 4);
    let fleet = fleet.with("ATL_ADMIN_PASSWORD", ADMIN_PASSWORD);
    fleet.rotations("rotate --yes --resume", 0);
    for line in [
        "rotate --no-input",
        "rotate --yes --strategy sideways",
        "rotate --yes -s nobody",
        "rotate --yes --exec-timeout 3s",
        "rotate --resume --dry-run",
        "rotate --yes --settle 0s",
        "rotate --yes --exec true -o nonsense",
    ] {
        let run = fleet.run(line);
        assert_eq!(run.code, Some(2), "{line}: {}", run.shown());
    }
}

#[test]
fn the_confirmation_says_what_will_happen() {
    let fleet = three();
    let run = fleet.run("rotate --no-input -o json");
    assert_eq!(run.code, Some(2), "{}", run.shown());
    let will = "will replace the public key of `deploy-bot` on jira, wiki, git; its grants stay, and whatever signs with the old \
                key stops working until it gets the new one";
    assert!(run.stderr.contains(will), "{}", run.stderr);
    assert_eq!(run.json()["rotations"].as_array().unwrap().len(), 3);
    let run = fleet.run("rotate --no-input --exec true");
    assert!(
        run.stderr
            .contains("until the command of `--exec` has handed over the new one"),
        "{}",
        run.stderr
    );
    assert_eq!(fleet.writes(), 0);
}

#[test]
fn every_format_shows_rotations() {
    let fleet = provisioned([ServerSpec::new(Kind::Jira)]);
    let run = fleet.run("rotate --yes");
    assert_eq!(run.code, Some(0), "{}", run.shown());
    assert!(
        run.stdout.contains("Done: 1 rotation: 1 verified"),
        "{}",
        run.stdout
    );
    for column in ["SERVER", "CONSUMER", "BEFORE", "AFTER", "STATE"] {
        assert!(run.stdout.contains(column), "{}", run.stdout);
    }
    let run = fleet.run("rotate --yes -o csv");
    let lines: Vec<_> = run.stdout.lines().collect();
    assert_eq!(lines.len(), 2, "{}", run.stdout);
    assert!(
        lines[0].starts_with("server,consumer,strategy,before,after"),
        "{}",
        run.stdout
    );
    assert!(lines[1].contains("verified"), "{}", run.stdout);
    let run = fleet.run("rotate --yes -o yaml");
    assert!(
        run.stdout.contains("format_version: '1.0'")
            || run.stdout.contains("format_version: \"1.0\""),
        "{}",
        run.stdout
    );
    assert!(run.stdout.contains("state: verified"), "{}", run.stdout);
    let run = fleet.run("rotate --yes -o ndjson");
    assert_eq!(run.code, Some(0), "{}", run.shown());
    let events: Vec<Value> = run
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let rotation = events
        .iter()
        .find(|event| event["event"] == "rotation")
        .unwrap();
    assert_eq!(ended(rotation).0, "verified", "{events:#?}");
    assert!(
        events.iter().any(|event| event["event"] == "keypair"),
        "{events:#?}"
    );
    let run = fleet.run("rotate --resume");
    assert_eq!(run.code, Some(0), "{}", run.shown());
    assert!(
        run.stderr.contains("no rotation was left unfinished"),
        "{}",
        run.stderr
    );
    fleet.is_sound();
}

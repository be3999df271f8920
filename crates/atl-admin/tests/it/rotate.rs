//! `rotate`: a new key everywhere, every grant still working, and nothing left to do.

use atl_testbed::{ALICE, BOB, ServerSpec};
use serde_json::{Value, json};

use crate::{
    dances::granted_by,
    estate::{CONSUMER, Fleet, KINDS},
};

impl Fleet {
    /// The four products, provisioned, with Alice's and Bob's grants in the store, and an empty log.
    pub(crate) fn with_grants(specs: impl IntoIterator<Item = ServerSpec>) -> Self {
        Self::with_grants_on(specs, |fleet| fleet)
    }

    /// The same with the store wherever `store` puts it.
    pub(crate) fn with_grants_on(
        specs: impl IntoIterator<Item = ServerSpec>,
        store: fn(Self) -> Self,
    ) -> Self {
        let fleet = Self::granting_on(specs, store);
        fleet.wants(&[ALICE, BOB]);
        let (report, code) = fleet.report("authorize --headless");
        assert_eq!(code, 0, "{report:#}");
        fleet.forget();
        fleet
    }

    /// Rotates; the rotations.
    #[track_caller]
    pub(crate) fn rotations(&self, line: &str, code: i32) -> Vec<Value> {
        let (report, got) = self.report(line);
        assert_eq!(got, code, "{line}: {report:#}");
        assert_eq!(report["format_version"], "1.0");
        report["rotations"].as_array().unwrap().clone()
    }

    /// Nothing is left to do or unfinished, every grant works, and every key that a server holds is in the store.
    #[track_caller]
    pub(crate) fn is_sound(&self) {
        let (plan, code) = self.json("plan --detailed-exitcode");
        assert_eq!(code, 0, "{plan:#}");
        let (report, code) = self.report("tokens verify");
        assert_eq!(code, 0, "{report:#}");
        let (history, _) = self.json("history");
        for step in history["journal"].as_array().unwrap() {
            assert!(!step["finished"].is_null(), "{step:#}");
        }
    }

    /// The keys of the store that are in this state.
    pub(crate) fn keys_in_state(&self, state: &str) -> Vec<Value> {
        let (keys, _) = self.json("keys list");
        let mut keys = keys["keys"].as_array().unwrap().clone();
        keys.retain(|key| key["state"] == state);
        keys
    }
}

#[test]
fn four_products_get_a_new_key_and_every_grant_goes_on() {
    let fleet = Fleet::with_grants(KINDS.map(ServerSpec::new));
    let old = fleet.keys_in_state("active");
    let rotations = fleet.rotations("rotate --yes", 0);
    assert_eq!(rotations.len(), 4);
    let new = fleet.keys_in_state("active");
    assert_eq!((old.len(), new.len()), (1, 1));
    for rotation in &rotations {
        assert_eq!(rotation["consumer"], CONSUMER);
        assert_eq!(rotation["strategy"], "in-place");
        assert_eq!(rotation["before"], old[0]["fingerprint"]);
        assert_eq!(rotation["after"], new[0]["fingerprint"]);
        assert_eq!(rotation["state"], "verified", "{rotation:#}");
        assert_eq!(rotation["grants_before"], 2);
        assert_eq!(rotation["grants_checked"], 2);
        assert_eq!(rotation["grants_ok"], 2);
        assert_eq!(rotation["error"], Value::Null);
    }
    assert_eq!(fleet.keys_in_state("retired").len(), 1);
    for server in fleet.estate.servers() {
        assert_eq!(granted_by(server).len(), 2);
    }
    fleet.is_sound();
}

#[test]
fn a_dry_run_changes_nothing() {
    let fleet = Fleet::with_grants([ServerSpec::new(KINDS[0])]);
    let rotations = fleet.rotations("rotate --dry-run", 0);
    assert_eq!(rotations[0]["state"], "pending");
    assert_eq!(rotations[0]["after"], Value::Null);
    assert_eq!(fleet.writes(), 0);
    assert_eq!(fleet.keys_in_state("pending"), Vec::<Value>::new());
}

#[test]
fn every_server_may_get_a_key_of_its_own() {
    let fleet = Fleet::with_grants([ServerSpec::new(KINDS[0]), ServerSpec::new(KINDS[1])]);
    let rotations = fleet.rotations("rotate --yes --per-server", 0);
    assert_ne!(rotations[0]["after"], rotations[1]["after"]);
    assert_eq!(fleet.keys_in_state("active").len(), 2);
    fleet.is_sound();
}

#[test]
fn a_rotation_asks_first() {
    let fleet = Fleet::with_grants([ServerSpec::new(KINDS[0])]);
    let run = fleet.run("rotate");
    assert_eq!(run.code, Some(2), "{}", run.shown());
    assert!(
        run.stderr
            .contains("replace the public key of `deploy-bot` on jira")
    );
    assert_eq!(fleet.writes(), 0);
    assert_eq!(fleet.keys_in_state("pending"), Vec::<Value>::new());
    assert_eq!(json!(fleet.keys_in_state("active").len()), json!(1));
}

#[test]
fn only_keys_of_an_age_are_rotated() {
    let fleet = Fleet::with_grants([ServerSpec::new(KINDS[0])]);
    let nothing = Vec::<Value>::new();
    assert_eq!(
        fleet.rotations("rotate --yes --if-older-than 1d", 0),
        nothing
    );
    // Without a policy nothing is due, and a policy of a second is over by now.
    let line = "rotate --yes --if-older-than policy";
    assert_eq!(fleet.rotations(line, 0), nothing);
    assert_eq!(fleet.writes(), 0);
    fleet.edit(
        "    callback:",
        "    policy: { max_key_age: 1s }\n    callback:",
    );
    while fleet.rotations("rotate --dry-run --if-older-than policy", 0) == nothing {}
    let rotations = fleet.rotations(line, 0);
    assert_eq!(rotations[0]["state"], "verified");
    let run = fleet.run("rotate --if-older-than soon");
    assert_eq!(run.code, Some(2), "{}", run.shown());
}

//! kill -9 at every point of a rotation, and every answer lost: the next run finds out from the server, and finishes or
//! puts the old key back (cli.md 4.7).

use atl_keys::{ImportPolicy, Keypair, PublicKey};
use atl_testbed::{
    ALICE, BOB, Fault, Flags, Generation, Kind, Matcher, Rule, SERVICE_USER, ServerSpec,
};
use serde_json::{Value, json};

use crate::{
    dances::granted_by,
    estate::{CONSUMER, Fleet},
    killing::{Point, in_halves, kill_at, no_open_step, points},
};

/// Where a fleet keeps its store: the same matrix holds for every kind of store.
pub(crate) type OnStore = fn(Fleet) -> Fleet;

/// A rotation to be killed: what there is before it, the command, what comes next, and what must be there in the end.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) generation: Generation,
    pub(crate) store: OnStore,
    pub(crate) prepare: fn(&Fleet),
    pub(crate) line: &'static str,
    pub(crate) next: &'static str,
    pub(crate) settled: fn(&Fleet),
}

pub(crate) const IN_PLACE: Scenario = Scenario {
    name: "rotation in place",
    generation: Generation::Current,
    store: |fleet| fleet,
    prepare: |_| {},
    line: "rotate --yes --settle 10s",
    next: "rotate --resume --settle 10s",
    settled: |_| {},
};

const WITH_TWO_LEGGED: Scenario = Scenario {
    name: "rotation with two-legged OAuth",
    prepare: two_legged,
    settled: two_legged_as_before,
    ..IN_PLACE
};

const PROVIDER: &str = "com.atlassian.applinks.api.auth.types.OAuthAuthenticationProvider";
const COMMAND: &str = "hand.sh";
const HANDED: &str = "handed.pem";

/// Two-legged OAuth is on, with its user where the server has the form for it, and something goes out.
fn two_legged(fleet: &Fleet) {
    let (server, id) = (fleet.first(), fleet.link().id);
    let out = Flags {
        enabled: true,
        two_legged: false,
        impersonation: false,
    };
    let on = Flags {
        enabled: true,
        two_legged: true,
        impersonation: true,
    };
    server.set_matrix(id, on, out);
    server.add_provider(
        id,
        PROVIDER,
        &[("serviceProvider.accessTokenUrl", "https://x.example.com")],
    );
    server.edit_consumer(CONSUMER, |consumer| {
        consumer.execute_as = Some(SERVICE_USER.to_owned());
    });
}

#[track_caller]
fn two_legged_as_before(fleet: &Fleet) {
    let consumer = fleet.first().consumer(CONSUMER).unwrap();
    assert!(
        consumer.two_legged && consumer.impersonation,
        "{consumer:?}"
    );
    assert_eq!(consumer.execute_as.as_deref(), Some(SERVICE_USER));
    let link = fleet.link();
    assert_eq!(link.providers[PROVIDER].len(), 1, "{link:?}");
}

/// A command that takes the key over in one step.
#[cfg(unix)]
fn with_command(fleet: &Fleet) {
    let script = format!(
        "#!/bin/sh\nset -e\numask 077\ncp \"$ATL_ADMIN_PRIVATE_KEY_FILE\" handed.tmp\nmv handed.tmp {HANDED}\n"
    );
    fleet.env.write(COMMAND, &script);
    fleet.env.set_mode(COMMAND, 0o700);
    let export = format!("keys export {CONSUMER} --private --out {HANDED}");
    assert_eq!(fleet.run(&export).code, Some(0));
}

/// Whoever took the last key can sign with it.
#[cfg(unix)]
#[track_caller]
fn handed_over(fleet: &Fleet) {
    let pem = fleet.env.read(HANDED);
    let handed = Keypair::read(pem.as_bytes(), None, ImportPolicy::Strict).unwrap();
    assert_eq!(handed.value.fingerprint().to_string(), fleet.held());
    no_key_file(fleet);
}

#[cfg(unix)]
#[track_caller]
fn no_key_file(fleet: &Fleet) {
    let left: Vec<_> = fleet
        .env
        .files()
        .into_iter()
        .filter(|name| name.contains("atl-admin-"))
        .collect();
    assert_eq!(left, Vec::<String>::new());
}

impl Fleet {
    /// The fingerprint of the key that the first server holds.
    #[track_caller]
    pub(crate) fn held(&self) -> String {
        let consumer = self.first().consumer(CONSUMER).unwrap();
        let key = PublicKey::from_server(&consumer.public_key.one_line()).unwrap();
        key.fingerprint().to_string()
    }

    /// The key that the server holds, and no other one, is active in the store and known to be there.
    #[track_caller]
    pub(crate) fn holds_the_active_key(&self, at: &str) {
        let active = self.keys_in_state("active");
        let servers: Vec<_> = active
            .iter()
            .filter(|key| key["servers"] == json!(["jira"]))
            .map(|key| key["fingerprint"].as_str().unwrap())
            .collect();
        assert_eq!(servers, [self.held()], "{at}: {active:#?}");
        assert_eq!(active.len(), 1, "{at}: {active:#?}");
        let pending = self.keys_in_state("pending");
        assert_eq!(pending, Vec::<Value>::new(), "{at}");
    }

    /// Nothing is left to do, nothing is unfinished, every grant works, and the store has the key.
    #[track_caller]
    pub(crate) fn rotated_or_not(&self, at: &str) {
        no_open_step(self, at);
        self.holds_the_active_key(at);
        let mut users = granted_by(self.first());
        users.sort();
        assert_eq!(users, [ALICE, BOB], "{at}");
        let (plan, code) = self.json("plan --detailed-exitcode");
        assert_eq!(code, 0, "{at}: {plan:#}");
        let (grants, code) = self.report("tokens verify");
        assert_eq!(code, 0, "{at}: {grants:#}");
    }
}

impl Scenario {
    fn fleet(&self) -> Fleet {
        let spec = ServerSpec::new(Kind::Jira).generation(self.generation);
        let fleet = Fleet::with_grants_on([spec], self.store);
        (self.prepare)(&fleet);
        fleet.forget();
        fleet
    }

    /// The points of an undisturbed run, each before and after the request.
    fn points(&self, whole: bool) -> Vec<Point> {
        let fleet = self.fleet();
        let rotations = fleet.rotations(self.line, 0);
        assert_eq!(rotations[0]["state"], "verified", "{rotations:#?}");
        let points = points(&fleet, whole, |_| true);
        (self.settled)(&fleet);
        fleet.rotated_or_not(self.name);
        points
    }

    /// One fleet goes through all these points, since it is sound again after each.
    fn check(&self, points: &[Point]) {
        let fleet = self.fleet();
        for point in points {
            let at = format!("{}, killed {point}", self.name);
            fleet.forget();
            kill_at(&fleet, self.line, point);
            self.next(&fleet, &at);
            (self.settled)(&fleet);
            fleet.rotated_or_not(&at);
            let rotations = fleet.rotations(self.line, 0);
            assert_eq!(rotations[0]["state"], "verified", "{at}: {rotations:#?}");
            (self.settled)(&fleet);
            fleet.holds_the_active_key(&at);
        }
    }

    /// What was unfinished ends one way or the other.
    #[track_caller]
    fn next(&self, fleet: &Fleet, at: &str) {
        let run = fleet.run(&format!("{} -o json", self.next));
        if !self.next.starts_with("rotate") {
            assert_eq!(run.code, Some(0), "{at}: {}", run.shown());
            return;
        }
        let report = run.json();
        let mut rolled_back = false;
        for rotation in report["rotations"].as_array().unwrap() {
            let state = rotation["state"].as_str().unwrap();
            assert!(
                ["verified", "rolled_back"].contains(&state),
                "{at}: {report:#}"
            );
            rolled_back |= state == "rolled_back";
        }
        assert_eq!(run.code, Some(i32::from(rolled_back)), "{at}: {report:#}");
    }

    /// Kills the rotation before and after each of its requests, from the first write on or in the whole of it.
    pub(crate) fn kill(&self, whole: bool) {
        let points = self.points(whole);
        in_halves(self.name, "to be killed at", &points, |half| {
            self.check(half);
        });
    }

    /// Drops the connection before and after each request took effect; the run itself has to cope.
    fn drop_connections(&self) {
        let points = self.points(false);
        in_halves(
            self.name,
            "where the connection is dropped",
            &points,
            |half| {
                let fleet = self.fleet();
                for point in half {
                    self.check_dropped(&fleet, point);
                }
            },
        );
    }

    fn check_dropped(&self, fleet: &Fleet, point: &Point) {
        let at = format!("{}, dropped {point}", self.name);
        fleet.forget();
        let fault = Rule::new(Fault::Reset(point.when)).on(Matcher::any());
        fleet.first().set(fault.after(point.request).times(1));
        let (report, code) = fleet.report(self.line);
        fleet.first().clear_faults();
        let state = report["rotations"][0]["state"].as_str().unwrap();
        let ended = [("verified", 0), ("rolled_back", 1)].contains(&(state, code));
        assert!(ended, "{at}: {code}: {report:#}");
        (self.settled)(fleet);
        fleet.rotated_or_not(&at);
    }
}

#[test]
fn a_rotation_in_place() {
    IN_PLACE.kill(true);
}

#[test]
fn a_rotation_that_apply_settles() {
    let name = "rotation in place, then apply";
    Scenario {
        name,
        next: "apply --settle 10s",
        ..IN_PLACE
    }
    .kill(false);
}

#[test]
fn a_rotation_with_two_legged_oauth() {
    WITH_TWO_LEGGED.kill(false);
}

#[test]
fn a_rotation_on_an_older_server() {
    Scenario {
        name: "rotation on an older server",
        generation: Generation::Legacy,
        ..IN_PLACE
    }
    .kill(false);
}

#[test]
#[cfg(unix)]
fn a_rotation_that_hands_the_key_over() {
    Scenario {
        name: "rotation that hands the key over",
        prepare: with_command,
        line: "rotate --yes --settle 10s --exec ./hand.sh",
        next: "rotate --resume --settle 10s --exec ./hand.sh",
        settled: handed_over,
        ..IN_PLACE
    }
    .kill(false);
}

/// Without the command at hand it is not known whether anybody has the new key.
#[test]
#[cfg(unix)]
fn a_rotation_whose_command_is_not_given_again() {
    Scenario {
        name: "rotation whose command is not given again",
        prepare: with_command,
        line: "rotate --yes --settle 10s --exec ./hand.sh",
        settled: no_key_file,
        ..IN_PLACE
    }
    .kill(false);
}

#[test]
fn answers_that_are_lost() {
    IN_PLACE.drop_connections();
}

#[test]
fn answers_that_are_lost_with_two_legged_oauth() {
    WITH_TWO_LEGGED.drop_connections();
}

//! kill -9 before and after every write of a rotation with overlap, and of the retirement that ends it; on both kinds of
//! store, on which rotations in place are killed too.

use atl_testbed::{ALICE, BOB, Exchange, Kind, Postgres, ServerSpec};

use crate::{
    estate::{Fleet, URL},
    killing::{Point, in_halves, kill_at, no_open_step, points},
    rotate_kill::{IN_PLACE, OnStore, Scenario},
};

const SECOND: &str = "deploy-bot-2";
const SECOND_URL: &str = "https://deploy.example.com/deploy-bot-2";
const OVERLAP: &str = "rotate --strategy overlap --yes --settle 10s";
const RETIRE: &str = "rotate --retire --yes --settle 10s";

/// A database of its own for every fleet.
fn on_postgres(fleet: Fleet) -> Fleet {
    let database = Postgres::shared().unwrap().database();
    let password = format!(":{}", database.password());
    fleet
        .with("ATL_ADMIN_STORE", &database.url().replace(&password, ""))
        .with("PGPASSWORD", database.password())
        .with("ATL_ADMIN_STORE_KEY", "file:team.key")
}

/// Whether there is a PostgreSQL; if not, the test says so.
fn has_postgres(test: &str) -> bool {
    let shared = Postgres::shared().map_err(|why| {
        atl_testbed::skip(env!("CARGO_PKG_NAME"), test, why);
    });
    shared.is_ok()
}

/// Two consumer keys, or none yet.
fn fleet(store: OnStore, overlapped: bool) -> Fleet {
    let fleet = Fleet::with_grants_on([ServerSpec::new(Kind::Jira)], store);
    if overlapped {
        fleet.rotations(OVERLAP, 0);
    }
    fleet.forget();
    fleet
}

fn writes_of(store: OnStore, line: &str, overlapped: bool) -> Vec<Point> {
    let fleet = fleet(store, overlapped);
    fleet.rotations(line, 0);
    let log = fleet.first().log();
    let mut points = points(&fleet, false, Exchange::is_write);
    points.retain(|point| log[point.request as usize].is_write());
    points
}

/// Whatever was left open, the same commands end it: one consumer key, whose grants work, and nothing to do.
#[track_caller]
fn ends_well(fleet: &Fleet, at: &str) {
    for line in [OVERLAP, RETIRE] {
        let rotations = fleet.rotations(line, 0);
        assert_eq!(rotations[0]["state"], "verified", "{at}: {rotations:#?}");
    }
    fleet.edit(
        &format!("    url: {URL}\n"),
        &format!("    key: {SECOND}\n    url: {SECOND_URL}\n"),
    );
    let run = fleet.run("apply");
    assert_eq!(run.code, Some(0), "{at}: {}", run.shown());
    no_open_step(fleet, at);
    let consumers = fleet.first().consumers();
    let keys: Vec<_> = consumers.iter().map(|one| one.key.as_str()).collect();
    assert_eq!(keys, [SECOND], "{at}");
    let (plan, code) = fleet.json("plan --detailed-exitcode");
    assert_eq!(code, 0, "{at}: {plan:#}");
    let (grants, code) = fleet.report("authorize --status");
    assert_eq!(code, 0, "{at}: {grants:#}");
    let mut users: Vec<_> = grants["grants"].as_array().unwrap().iter().collect();
    users.sort_by_key(|grant| grant["user"].to_string());
    let users: Vec<_> = users.iter().map(|grant| grant["user"].clone()).collect();
    assert_eq!(users, [ALICE, BOB], "{at}");
    assert_eq!(fleet.keys_in_state("active").len(), 1, "{at}");
    assert_eq!(fleet.keys_in_state("pending").len(), 0, "{at}");
}

fn kill_overlap(name: &str, store: OnStore) {
    let points = writes_of(store, OVERLAP, false);
    in_halves(name, "to be killed at", &points, |half| {
        for point in half {
            let at = format!("{name}, killed {point}");
            let fleet = fleet(store, false);
            kill_at(&fleet, OVERLAP, point);
            let run = fleet.run("rotate --resume --settle 10s");
            assert!(matches!(run.code, Some(0 | 1)), "{at}: {}", run.shown());
            ends_well(&fleet, &at);
        }
    });
}

fn kill_retirement(name: &str, store: OnStore) {
    let points = writes_of(store, RETIRE, true);
    in_halves(name, "to be killed at", &points, |half| {
        for point in half {
            let at = format!("{name}, killed {point}");
            let fleet = fleet(store, true);
            kill_at(&fleet, RETIRE, point);
            let rotations = fleet.rotations(RETIRE, 0);
            assert_eq!(rotations[0]["state"], "verified", "{at}: {rotations:#?}");
            fleet.edit(
                &format!("    url: {URL}\n"),
                &format!("    key: {SECOND}\n    url: {SECOND_URL}\n"),
            );
            let run = fleet.run("apply");
            assert_eq!(run.code, Some(0), "{at}: {}", run.shown());
            no_open_step(&fleet, &at);
            assert_eq!(fleet.first().consumers().len(), 1, "{at}");
            let (grants, code) = fleet.report("authorize --status");
            assert_eq!(code, 0, "{at}: {grants:#}");
        }
    });
}

#[test]
fn an_overlap() {
    kill_overlap("overlap", |fleet| fleet);
}

#[test]
fn a_retirement() {
    kill_retirement("retirement", |fleet| fleet);
}

#[test]
fn an_overlap_in_a_teams_store() {
    if has_postgres("an_overlap_in_a_teams_store") {
        kill_overlap("overlap on PostgreSQL", on_postgres);
    }
}

#[test]
fn a_retirement_in_a_teams_store() {
    if has_postgres("a_retirement_in_a_teams_store") {
        kill_retirement("retirement on PostgreSQL", on_postgres);
    }
}

#[test]
fn a_rotation_in_place_in_a_teams_store() {
    if has_postgres("a_rotation_in_place_in_a_teams_store") {
        Scenario {
            name: "rotation in place on PostgreSQL",
            store: on_postgres,
            ..IN_PLACE
        }
        .kill(false);
    }
}

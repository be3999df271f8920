//! How often a server is asked: a run that has nothing to do stays cheap, and sends no write.

use std::fmt::Write as _;

use atl_fleet::{Exit, PlanOptions, of_apply};
use atl_testbed::{Exchange, Generation, Kind, Purpose, Server, ServerSpec};

use crate::rig::Rig;

/// The requests, a line each.
fn lines(server: &Server) -> String {
    server.log().iter().fold(String::new(), |text, exchange| {
        let Exchange { method, path, .. } = exchange;
        format!("{text}\n{:?} {method} {path}", exchange.purpose())
    })
}

fn count(server: &Server, wanted: Purpose) -> usize {
    let log = server.log();
    log.iter()
        .filter(|exchange| exchange.purpose() == wanted)
        .count()
}

/// Applies twice with so many consumers; the second run may read twice a server and three times a consumer.
fn second_apply_is_cheap(generation: Generation, consumers: usize, two_legged: &str) {
    let kinds = [Kind::Jira, Kind::Confluence, Kind::Bitbucket, Kind::Bamboo];
    let rig = Rig::new(
        kinds
            .map(|kind| ServerSpec::new(kind).generation(generation))
            .to_vec(),
    );
    let yaml = rig.estate.fleet_yaml();
    let (servers, _) = yaml.split_once("\nconsumers:\n").unwrap();
    let mut fleet = format!("{servers}\nconsumers:\n");
    for number in 1..=consumers {
        writeln!(
            fleet,
            "  bot-{number}:\n    url: https://bot-{number}.example.com\n    keypair: {{ bits: 2048 }}\n{two_legged}"
        )
        .unwrap();
    }
    rig.write_fleet(&fleet);
    let applied = rig.apply(&PlanOptions::default());
    assert_eq!(of_apply(&applied), Exit::Done, "{applied:#?}");
    for server in rig.estate.servers() {
        assert!(count(server, Purpose::Write) >= 2 * consumers);
        assert_eq!(count(server, Purpose::Token), consumers);
        server.clear_log();
    }

    let again = rig.apply(&PlanOptions::default());
    assert_eq!(of_apply(&again), Exit::Done, "{again:#?}");
    for server in rig.estate.servers() {
        let lines = lines(server);
        assert_eq!(count(server, Purpose::Write), 0, "{lines}");
        assert_eq!(count(server, Purpose::Token), 0, "{lines}");
        let reads = count(server, Purpose::Read);
        assert!(
            (1..=2 + 3 * consumers).contains(&reads),
            "{reads} reads: {lines}"
        );
    }
}

const NO_OPINION: &str = "";
const ENABLED: &str = "    two_legged: { enabled: true }\n";

#[test]
fn a_second_apply_reads_little_from_current_servers() {
    second_apply_is_cheap(Generation::Current, 1, NO_OPINION);
    second_apply_is_cheap(Generation::Current, 3, ENABLED);
}

#[test]
fn a_second_apply_reads_little_from_legacy_servers() {
    second_apply_is_cheap(Generation::Legacy, 2, NO_OPINION);
}

#[test]
fn a_second_apply_reads_little_where_a_session_is_needed() {
    second_apply_is_cheap(Generation::Next, 1, NO_OPINION);
    second_apply_is_cheap(Generation::Next, 2, ENABLED);
}

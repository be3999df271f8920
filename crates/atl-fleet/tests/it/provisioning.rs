//! The main job: provisioned and verified, and nothing to do the second time.

use atl_fleet::{Action, Applied, Exit, PlanOptions, of_apply};
use atl_testbed::{Generation, Kind, Server, ServerSpec};

use crate::rig::Rig;

const KINDS: [Kind; 4] = [Kind::Jira, Kind::Confluence, Kind::Bitbucket, Kind::Bamboo];

fn provisions(generation: Generation) {
    let specs = KINDS
        .map(|kind| ServerSpec::new(kind).generation(generation))
        .to_vec();
    let rig = Rig::new(specs);
    let planned = rig.plan(&PlanOptions::default());
    assert!(
        planned.servers.iter().all(|server| server.error.is_none()),
        "{planned:#?}"
    );
    assert_eq!(planned.summary.create, 8);
    assert_eq!(
        rig.estate
            .servers()
            .iter()
            .map(Server::writes)
            .sum::<usize>(),
        0
    );

    let applied = rig.apply(&PlanOptions::default());
    assert_eq!(of_apply(&applied), Exit::Done, "{applied:#?}");
    for change in applied.servers.iter().flat_map(|server| &server.changes) {
        assert_eq!(
            (change.action, change.result, change.verified),
            (Action::Create, Some(Applied::Applied), Some(true))
        );
    }
    for server in rig.estate.servers() {
        assert!(server.consumer("deploy-bot").is_some());
        server.clear_log();
    }

    let again = rig.apply(&PlanOptions::default());
    assert_eq!(of_apply(&again), Exit::Done, "{again:#?}");
    assert_eq!(
        (
            again.summary.create,
            again.summary.update,
            again.summary.unchanged
        ),
        (0, 0, 8)
    );
    assert!(
        again
            .servers
            .iter()
            .flat_map(|server| &server.changes)
            .all(|change| change.result.is_none())
    );
    for server in rig.estate.servers() {
        assert_eq!(server.writes(), 0);
        assert!(
            server
                .log()
                .iter()
                .all(|exchange| !exchange.path.contains("request-token"))
        );
    }
}

#[test]
fn current_servers_are_provisioned_and_verified() {
    provisions(Generation::Current);
}

#[test]
fn legacy_servers_are_provisioned_and_verified() {
    provisions(Generation::Legacy);
}

#[test]
fn servers_of_the_next_generation_are_provisioned_and_verified() {
    provisions(Generation::Next);
}

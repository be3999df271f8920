//! `keys retire` and `keys forget`: never while a server holds the key, or may.

use atl_store::{GrantState, Step};
use atl_testbed::{Fault, Kind, Matcher, ServerSpec};
use serde_json::json;

use crate::{
    env::{Env, Run},
    estate::{CONSUMER, Fleet, URL},
    grants::row,
    keys_age::the_key,
};

fn id_of(fleet: &Fleet) -> String {
    the_key(fleet)["id"].as_str().unwrap().to_owned()
}

#[track_caller]
fn refused(run: &Run, code: i32, says: &[&str]) {
    assert_eq!(run.code, Some(code), "{}", run.shown());
    for text in says {
        assert!(run.stderr.contains(text), "no `{text}`: {}", run.shown());
    }
}

/// A keypair that no server holds any more, and a server that was asked.
fn unlinked() -> (Fleet, String) {
    let fleet = Fleet::provisioned();
    let run = fleet.run(&format!("links delete {URL} --yes"));
    assert_eq!(run.code, Some(0), "{}", run.shown());
    fleet.forget();
    let id = id_of(&fleet);
    (fleet, id)
}

#[test]
fn what_a_server_holds_is_not_retired_whatever_is_forced() {
    let fleet = Fleet::provisioned();
    let id = id_of(&fleet);
    for line in [
        format!("keys retire {CONSUMER}"),
        format!("keys retire {id} --force"),
    ] {
        let run = fleet.run(&line);
        refused(
            &run,
            1,
            &[
                "[key_held]",
                &id,
                "rotate -c deploy-bot -s jira",
                "nothing was retired",
            ],
        );
    }
    assert_eq!(the_key(&fleet)["state"], "active");
    // The record of it is not needed to find it.
    let url = fleet.first().base_url();
    fleet.store().forget_registration(CONSUMER, &url).unwrap();
    refused(&fleet.run(&format!("keys retire {id}")), 1, &["[key_held]"]);
    assert_eq!(fleet.writes(), 0);
}

#[test]
fn what_no_server_holds_is_retired_and_then_forgotten() {
    let (fleet, id) = unlinked();
    let run = fleet.run(&format!("keys forget {id} --yes"));
    refused(&run, 1, &["[not_retired]", "keys retire"]);

    let (document, code) = fleet.json(&format!("keys retire {id} {CONSUMER}"));
    assert_eq!(code, 0, "{document:#}");
    assert_eq!(document["keys"].as_array().unwrap().len(), 1);
    assert_eq!(document["keys"][0]["state"], "retired");
    let run = fleet.run(&format!("keys retire {id}"));
    assert_eq!(run.code, Some(0), "again: {}", run.shown());

    let run = fleet.run(&format!("keys forget {id}"));
    refused(&run, 2, &["for good?", "--yes"]);
    assert_eq!(the_key(&fleet)["state"], "retired");
    let run = fleet.run(&format!("keys forget {CONSUMER} --yes"));
    refused(&run, 1, &["has no keypair `deploy-bot`"]);
    let (document, code) = fleet.json(&format!("keys forget {id} --yes"));
    assert_eq!(
        (&document["keys"][0]["id"], code),
        (&json!(id), 0),
        "{document:#}"
    );
    assert_eq!(fleet.json("keys list").0["keys"], json!([]));
    refused(&fleet.run(&format!("keys forget {id} --yes")), 1, &[&id]);
    assert_eq!(fleet.writes(), 0);
}

#[test]
fn a_retired_key_is_not_registered_again() {
    let fleet = Fleet::provisioned();
    let id = id_of(&fleet);
    // Deleted by hand, so that the store still has it on record.
    let link = fleet.link();
    assert!(fleet.first().delete_link(link.id));
    let run = fleet.run(&format!("keys retire {id}"));
    assert_eq!(run.code, Some(0), "{}", run.shown());
    assert_eq!(the_key(&fleet)["servers"], json!([]));
    let run = fleet.run("apply");
    assert_eq!(run.code, Some(0), "{}", run.shown());
    let (listed, _) = fleet.json("keys list");
    let keys = listed["keys"].as_array().unwrap();
    assert_eq!(keys.len(), 2, "{listed:#}");
    assert_eq!(
        (&keys[0]["state"], &keys[0]["servers"]),
        (&json!("retired"), &json!([]))
    );
    assert_eq!(
        (&keys[1]["state"], &keys[1]["servers"]),
        (&json!("active"), &json!(["jira"]))
    );
}

#[test]
fn a_server_that_cannot_be_asked_may_hold_it() {
    let (fleet, id) = unlinked();
    fleet
        .first()
        .set(Fault::Html.on(Matcher::path("/applicationlink")));
    let line = format!("keys retire {id}");
    refused(
        &fleet.run(&line),
        3,
        &["jira", "[could_not_tell]", "--force"],
    );
    assert_eq!(the_key(&fleet)["state"], "active");
    // A selection does not keep the others from being asked.
    refused(&fleet.run(&format!("{line} -s jira")), 2, &["--server"]);
    let run = fleet.run(&format!("{line} --force"));
    assert_eq!(run.code, Some(0), "{}", run.shown());
    assert_eq!(the_key(&fleet)["state"], "retired");

    let line = format!("keys forget {id} --yes");
    fleet.first().stop();
    refused(&fleet.run(&line), 3, &["[could_not_tell]"]);
    assert_eq!(fleet.run(&format!("{line} --force")).code, Some(0));
}

#[test]
fn one_server_that_holds_it_is_enough() {
    let fleet = Fleet::new([Kind::Jira, Kind::Confluence].map(ServerSpec::new));
    assert_eq!(fleet.run("apply").code, Some(0));
    let id = id_of(&fleet);
    fleet.server("jira").stop();
    let run = fleet.run(&format!("keys retire {id}"));
    refused(&run, 1, &["[could_not_tell]", "[key_held]"]);
    let run = fleet.run(&format!("keys retire {id} --force"));
    refused(&run, 1, &["[key_held]"]);
    assert_eq!(the_key(&fleet)["state"], "active");
}

#[test]
fn without_a_fleet_file_the_store_decides() {
    let fleet = Fleet::provisioned();
    let id = id_of(&fleet);
    let url = fleet.first().base_url();
    fs_err::rename(
        fleet.env.path("fleet.yaml"),
        fleet.env.path("elsewhere.yaml"),
    )
    .unwrap();
    let line = format!("keys retire {id}");
    refused(
        &fleet.run(&line),
        3,
        &["no server is asked", "according to the store", &url],
    );
    refused(
        &fleet.run(&format!("{line} -f none.yaml")),
        2,
        &["none.yaml"],
    );
    assert_eq!(fleet.run(&format!("{line} --force")).code, Some(0));
    assert_eq!(the_key(&fleet)["state"], "retired");
    assert_eq!(fleet.requests(), 0);

    let env = Env::new();
    assert_eq!(env.run("keys generate -c bot --bits 2048").code, Some(0));
    assert_eq!(env.run("keys retire bot").code, Some(0));
}

#[test]
fn what_a_run_has_in_hand_is_left_to_it() {
    let (fleet, id) = unlinked();
    let fingerprint = the_key(&fleet)["fingerprint"].clone();
    let step = Step {
        run: "1".to_owned(),
        command: "rotate".to_owned(),
        action: "rotate in place".to_owned(),
        server: "jira".to_owned(),
        server_url: fleet.first().base_url(),
        consumer: Some(CONSUMER.to_owned()),
        detail: json!({ "keys": { "after": [fingerprint] } }),
        os_user: "somebody".to_owned(),
        host: "elsewhere".to_owned(),
        account: None,
    };
    fleet.store().begin(&step).unwrap();
    let line = format!("keys retire {id} --force");
    refused(
        &fleet.run(&line),
        1,
        &["[key_under_way]", "rotate --resume"],
    );

    let (fleet, id) = unlinked();
    let store = fleet.store();
    let _lock = store.lock(&fleet.first().base_url(), CONSUMER).unwrap();
    let line = format!("keys retire {id}");
    refused(&fleet.run(&line), 1, &["is being worked on by"]);
    assert_eq!(fleet.requests(), 0);
}

#[test]
fn the_last_key_of_living_grants_is_kept() {
    let (fleet, id) = unlinked();
    let mut grant = row(fleet.first(), 1, "alice");
    fleet.keep(&grant);
    assert_eq!(fleet.run(&format!("keys retire {id}")).code, Some(0));
    let line = format!("keys forget {id} --yes");
    refused(&fleet.run(&line), 1, &["[grants_depend]", "tokens revoke"]);

    // Another key may be the one that they are signed with, and dead grants need none.
    let other = fleet.json(&format!("keys generate -c {CONSUMER} --bits 2048"));
    let other = other.0["keys"][0]["id"].as_str().unwrap().to_owned();
    let both = format!("keys forget {id} {other} --yes");
    assert_eq!(fleet.run(&format!("keys retire {other}")).code, Some(0));
    refused(&fleet.run(&both), 1, &["[grants_depend]"]);
    assert_eq!(fleet.run(&line).code, Some(0));

    let line = format!("keys forget {other} --yes");
    refused(&fleet.run(&line), 1, &["[grants_depend]"]);
    grant.state = GrantState::Rejected;
    let store = fleet.store();
    store.set_grant_state(&grant.id, grant.state, None).unwrap();
    assert_eq!(fleet.run(&line).code, Some(0));
}

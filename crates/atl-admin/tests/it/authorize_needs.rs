//! What `authorize` needs: keys, passwords, a way to the server, a store that takes what it got.

use std::process::Command;

use atl_testbed::{ALICE, BOB, Fault, Kind, Matcher, Rule, ServerSpec, Setting, When};
use serde_json::json;

use crate::{
    dances::{ACCESS_TOKEN, REQUEST_TOKEN, access_tokens, asked, code, failure, granted_by},
    estate::{Fleet, KINDS},
    tools::skip,
};

const HEADLESS: &str = "authorize --headless";

fn jira() -> Fleet {
    Fleet::granting([ServerSpec::new(Kind::Jira)])
}

#[test]
fn without_a_key_nothing_is_sent() {
    let fleet = jira();
    fleet.edit("  deploy-bot:\n", "  new-bot:\n");
    let (report, exit) = fleet.report(HEADLESS);
    assert_eq!((code(&report), exit), ("no_keypair", 1), "{report:#}");
    assert!(
        failure(&report)["error"]["advice"]
            .as_str()
            .unwrap()
            .contains("atl-admin apply")
    );

    fleet.env.fixture("pkcs8.pub.pem");
    fleet.edit(
        "keypair: { bits: 2048 }",
        "keypair: { public_key_file: pkcs8.pub.pem }",
    );
    let (report, exit) = fleet.report(HEADLESS);
    assert_eq!(
        (code(&report), exit),
        ("private_key_elsewhere", 1),
        "{report:#}"
    );
    assert_eq!(fleet.requests(), 0);
}

/// A reference is looked up only where the command needs it.
#[test]
fn only_the_passwords_of_those_who_dance_are_looked_up() {
    let fleet = jira();
    fleet.wants(&[ALICE, "nobody"]);
    let run = fleet.run(HEADLESS);
    assert_eq!(run.code, Some(2), "{}", run.shown());
    assert!(run.stderr.contains("NOBODY_PASSWORD"), "{}", run.shown());
    assert_eq!(fleet.requests(), 0);
    let (report, exit) = fleet.report("authorize --headless --user Alice");
    assert_eq!(exit, 0, "{report:#}");
    let fleet = fleet.with("ALICE_PASSWORD", "");
    let run = fleet.run("authorize --status --user alice");
    assert_eq!(run.code, Some(0), "{}", run.shown());
}

/// https with an authority of its own, below a context path, behind a proxy that rewrites the address.
#[test]
fn the_connection_is_that_of_the_fleet_file() {
    for kind in KINDS {
        let seen = "https://internal.example.com:7999";
        let spec = ServerSpec::new(kind).context("/ctx").tls();
        let spec = spec.setting(Setting::SeenAs(Some(seen.to_owned())));
        let fleet = Fleet::new([spec]).with("ALICE_PASSWORD", atl_testbed::ALICE_PASSWORD);
        fleet.add_to(fleet.first().name(), &format!("sign_as: {seen}/ctx"));
        fleet.wants(&[ALICE]);
        fleet.provision();
        let (report, exit) = fleet.report(HEADLESS);
        assert_eq!(exit, 0, "{kind:?}: {report:#}");
        assert_eq!(granted_by(fleet.first()), [ALICE], "{kind:?}");
    }
}

/// Passwords do not cross the network unencrypted; a person who approves in a browser sends none here.
#[test]
fn passwords_go_over_plain_http_to_this_machine_only() {
    let fleet = jira();
    let url = fleet.first().base_url();
    fleet.edit(&url, "http://jira.example.com");
    let run = fleet.run(HEADLESS);
    assert_eq!(run.code, Some(2), "{}", run.shown());
    assert!(run.stderr.contains("--allow-http"), "{}", run.shown());
}

/// Nobody would know of a grant that is not in the store: it is revoked.
#[test]
fn a_grant_that_the_store_does_not_take_is_revoked() {
    const BREAK: &str = "import sqlite3; sqlite3.connect('store.db').execute('DROP TABLE grants')";
    let works = Command::new("python3")
        .args(["-c", "import sqlite3"])
        .status();
    if !works.is_ok_and(|status| status.success()) {
        return skip(
            "a_grant_that_the_store_does_not_take_is_revoked",
            "no python3 with sqlite3",
        );
    }
    let fleet = Fleet::new([ServerSpec::new(Kind::Jira)])
        .with("ALICE_PASSWORD", atl_testbed::ALICE_PASSWORD)
        .with("ATL_ADMIN_STORE", "sqlite:store.db");
    fleet.wants(&[ALICE]);
    fleet.provision();
    let hold = fleet
        .first()
        .hold_one(Matcher::path(ACCESS_TOKEN), 0, When::After);
    let running = fleet.start(&format!("{HEADLESS} -o json"));
    assert!(hold.wait_reached());
    assert_eq!(granted_by(fleet.first()), [ALICE]);
    let broken = Command::new("python3")
        .args(["-c", BREAK])
        .current_dir(fleet.env.path(""))
        .status();
    assert!(broken.unwrap().success());
    hold.release();
    let run = running.end();
    assert_eq!(run.code, Some(1), "{}", run.shown());
    let message = failure(&run.json())["error"]["message"].to_string();
    assert!(
        message.contains("the new grant was revoked again"),
        "{message}"
    );
    assert!(access_tokens(fleet.first()).is_empty());
    assert_eq!(fleet.dances()[0]["outcome"], "failed");
}

/// Two consumers of one user: one sign-in on each server, and one sign-out.
#[test]
fn one_session_serves_all_dances_of_a_user() {
    let fleet = jira();
    fleet.edit(
        "\nconsumers:\n",
        "\nconsumers:\n  other-bot:\n    url: https://other.example.com\n    keypair: { bits: 2048 }\n    grants:\n      \
         - { user: alice, password: \"${env:ALICE_PASSWORD}\" }\n",
    );
    fleet.provision();
    let (report, exit) = fleet.report(HEADLESS);
    assert_eq!(
        (exit, report["grants"].as_array().unwrap().len()),
        (0, 2),
        "{report:#}"
    );
    // Signed in with a POST, signed out with a DELETE.
    assert_eq!(asked(fleet.first(), "/rest/auth/1/session"), 2);
}

#[test]
fn a_user_who_may_not_sign_in_any_more_has_no_working_grant() {
    let fleet = jira();
    let (_, exit) = fleet.report(HEADLESS);
    assert_eq!(exit, 0);
    let mut alice = atl_testbed::User::new(ALICE, "", atl_testbed::Role::User);
    alice.active = false;
    fleet.first().put_user(alice);
    fleet.forget();
    let (report, exit) = fleet.report(HEADLESS);
    assert_eq!((code(&report), exit), ("user_not_allowed", 4), "{report:#}");
    assert_eq!(fleet.first().log().len(), 1, "a dance would be of no use");
    let (list, _) = fleet.json("tokens list --source store");
    assert_eq!(list["grants"][0]["status"], "rejected", "{list:#}");
}

/// The name that the account has now is not the one that the fleet file names.
#[test]
fn a_renamed_account_is_said() {
    let fleet = jira();
    let (_, exit) = fleet.report(HEADLESS);
    assert_eq!(exit, 0);
    let mut token = access_tokens(fleet.first()).remove(0);
    token.user = Some(BOB.to_owned());
    fleet.first().add_token(token);
    let (report, exit) = fleet.report(HEADLESS);
    assert_eq!((code(&report), exit), ("wrong_account", 1), "{report:#}");
    assert!(
        failure(&report)["error"]["advice"]
            .as_str()
            .unwrap()
            .contains("`bob`")
    );
    // It was Alice's once, so it is not ours to take away.
    assert_eq!(granted_by(fleet.first()), [BOB]);
}

/// It is in the store, and who gave it is asked by the next run.
#[test]
fn a_grant_that_could_not_be_read_back_is_kept() {
    let fleet = jira();
    // The first one is the sign-in's.
    let fails = Rule::new(Fault::Html).on(Matcher::path("/whoami")).after(1);
    fleet.first().set(fails);
    let (report, exit) = fleet.report(HEADLESS);
    assert_eq!((code(&report), exit), ("answer_unclear", 3), "{report:#}");
    let (list, _) = fleet.json("tokens list --source store");
    let grant = &list["grants"][0];
    assert_eq!(
        (&grant["id"], &grant["status"]),
        (&failure(&report)["id"], &json!("unknown"))
    );
    assert_eq!(fleet.dances()[0]["outcome"], "done");

    fleet.first().clear_faults();
    fleet.forget();
    let (report, exit) = fleet.report(HEADLESS);
    assert_eq!(
        (exit, &report["grants"][0]["id"]),
        (0, &grant["id"]),
        "{report:#}"
    );
    assert_eq!(asked(fleet.first(), REQUEST_TOKEN), 0);
}

//! `rotate` on bad days: servers that go away, answers that are none, keys of somebody else, refusals. Whatever happens,
//! the store has the key that the server holds, and the report says what is where.

use atl_testbed::{
    Fault, Flags, Generation, Kind, MANAGER_PASSWORD, Matcher, Rule, SERVICE_USER, ServerSpec,
    Setting, When,
};
use serde_json::{Value, json};

use crate::{
    dances::REQUEST_TOKEN,
    env::Run,
    estate::{CONSUMER, Fleet},
};

const QUICK: &str = "rotate --yes --settle 1s";

fn jira() -> Fleet {
    Fleet::with_grants([ServerSpec::new(Kind::Jira)])
}

pub(crate) fn put() -> Matcher {
    Matcher::method("PUT").at("/authentication/consumer")
}

fn refused() -> Fault {
    Fault::Answer(401, "oauth_problem=signature_invalid".to_owned())
}

fn proof() -> Matcher {
    Matcher::path(REQUEST_TOKEN)
}

/// The state and the error's code.
#[track_caller]
pub(crate) fn ended(rotation: &Value) -> (&str, &str) {
    (
        rotation["state"].as_str().unwrap(),
        rotation["error"]["code"].as_str().unwrap_or_default(),
    )
}

fn message(rotation: &Value) -> &str {
    rotation["error"]["message"].as_str().unwrap()
}

fn advice(rotation: &Value) -> &str {
    rotation["error"]["advice"].as_str().unwrap()
}

/// Somebody registers another key by hand.
pub(crate) fn somebody_changes(fleet: &Fleet) -> String {
    let pem = include_str!("../../../../fixtures/keys/another.pub.pem");
    let other = atl_testbed::Consumer::new("x", "x", pem).unwrap();
    fleet.first().edit_consumer(CONSUMER, |consumer| {
        consumer.public_key = other.public_key;
    });
    fleet.held()
}

#[test]
fn a_server_that_is_down() {
    let fleet = jira();
    let old = fleet.held();
    fleet.first().stop();
    let rotations = fleet.rotations(QUICK, 3);
    assert_eq!(ended(&rotations[0]).0, "failed", "{rotations:#?}");
    fleet.first().start().unwrap();
    assert_eq!(fleet.held(), old);
    fleet.rotated_or_not("down from the start");
}

/// The server goes down with a request held, and comes back for the next run.
#[track_caller]
fn goes_down(on: Matcher, when: When, state: &str) {
    let fleet = jira();
    let old = fleet.held();
    let hold = fleet.first().hold_one(on, 0, when);
    let running = fleet.start(&format!("{QUICK} -o json"));
    assert!(hold.wait_reached());
    fleet.first().stop();
    let run = running.end();
    assert_eq!(run.code, Some(3), "{}", run.shown());
    let report = run.json();
    let rotation = &report["rotations"][0];
    assert_eq!(rotation["state"], "pending", "{report:#}");
    assert!(
        advice(rotation).contains("atl-admin rotate --resume -s jira -c deploy-bot"),
        "{report:#}"
    );
    // It is still down.
    let rotations = fleet.rotations("rotate --resume --settle 1s", 3);
    assert_eq!(rotations[0]["state"], "pending");
    fleet.first().clear_faults();
    fleet.first().start().unwrap();
    let code = i32::from(state == "rolled_back");
    let rotations = fleet.rotations("rotate --resume --settle 10s", code);
    assert_eq!(rotations[0]["state"], state, "{rotations:#?}");
    assert_eq!(fleet.held() == old, state == "rolled_back");
    fleet.rotated_or_not("resumed");
    fleet.rotations("rotate --resume", 0);
}

#[test]
fn a_server_that_goes_down_before_the_put() {
    goes_down(put(), When::Before, "rolled_back");
}

#[test]
fn a_server_that_goes_down_when_it_has_the_new_key() {
    goes_down(put(), When::After, "verified");
}

#[test]
fn a_server_that_goes_down_before_the_proof() {
    goes_down(proof(), When::Before, "verified");
}

/// Each of these once, at each kind of request that a rotation makes.
#[test]
fn answers_that_are_none() {
    let fleet = jira();
    let whoami = || Matcher::path("/whoami");
    let consumer = || Matcher::method("GET").at("/authentication/consumer");
    for fault in [
        Fault::Unavailable,
        Fault::TooManyRequests(1),
        Fault::Html,
        Fault::Truncate,
        Fault::Hang,
        Fault::Answer(500, "{}".to_owned()),
    ] {
        for (name, on) in [
            ("put", put()),
            ("proof", proof()),
            ("whoami", whoami()),
            ("consumer", consumer()),
        ] {
            let at = format!("{fault:?} at {name}");
            let old = fleet.held();
            fleet.first().set(fault.clone().on(on).times(1));
            let (report, code) = fleet.report("rotate --yes --settle 3s --timeout 2s");
            fleet.first().clear_faults();
            let rotation = &report["rotations"][0];
            match (ended(rotation).0, code) {
                ("verified", 0) => assert_eq!(rotation["after"], fleet.held(), "{at}"),
                ("rolled_back" | "failed", 1 | 3) => {
                    assert!(!advice(rotation).is_empty(), "{at}: {report:#}");
                    assert_eq!(old, fleet.held(), "{at}: {report:#}");
                }
                ("pending", 3) => {
                    let (report, code) = fleet.report("rotate --resume --settle 3s");
                    assert!([0, 1].contains(&code), "{at}: {report:#}");
                }
                _ => panic!("{at}: {code}: {report:#}"),
            }
            fleet.rotated_or_not(&at);
        }
    }
}

#[test]
fn a_put_that_is_refused_changes_nothing() {
    let fleet = jira();
    let id = fleet.link().id;
    let on = Flags {
        enabled: true,
        two_legged: true,
        impersonation: false,
    };
    fleet.first().set_matrix(id, on, Flags::default());
    let old = fleet.held();
    for (fault, code) in [
        (Fault::Answer(403, "{}".to_owned()), 4),
        (Fault::Answer(500, "{}".to_owned()), 3),
        (Fault::Unavailable, 3),
        (Fault::Html, 1),
    ] {
        let at = format!("{fault:?}");
        fleet.first().set(fault.on(put()));
        let (report, got) = fleet.report(QUICK);
        fleet.first().clear_faults();
        let rotation = &report["rotations"][0];
        assert_eq!(
            (rotation["state"].as_str(), got),
            (Some("failed"), code),
            "{at}: {report:#}"
        );
        assert_eq!(fleet.held(), old, "{at}");
        assert!(fleet.first().consumer(CONSUMER).unwrap().two_legged, "{at}");
        fleet.rotated_or_not(&at);
    }
}

/// The answer of the registration is held back while somebody else registers another key.
#[test]
fn a_third_key_at_the_read_back_is_left_alone() {
    third_key(put(), When::After);
}

/// The same before the proof.
#[test]
fn a_third_key_at_the_proof_is_left_alone() {
    third_key(proof(), When::Before);
}

#[track_caller]
fn third_key(on: Matcher, when: When) {
    let fleet = jira();
    let hold = fleet.first().hold_one(on, 0, when);
    let running = fleet.start(&format!("{QUICK} -o json"));
    assert!(hold.wait_reached());
    let third = somebody_changes(&fleet);
    hold.release();
    let run = running.end();
    assert_eq!(run.code, Some(1), "{}", run.shown());
    let report = run.json();
    let rotation = &report["rotations"][0];
    assert_eq!(ended(rotation), ("failed", "unknown_key"), "{report:#}");
    assert!(message(rotation).contains(&third), "{report:#}");
    assert!(advice(rotation).contains("keys import"), "{report:#}");
    assert_eq!(fleet.held(), third);
    crate::killing::no_open_step(&fleet, "third key");
    // It is nobody's of ours, so it is not rotated either.
    fleet.forget();
    let rotations = fleet.rotations("rotate --yes", 1);
    assert_eq!(ended(&rotations[0]), ("failed", "unknown_key"));
    assert_eq!(fleet.writes(), 0);
    let run = fleet.run("apply --replace-keys --yes");
    assert_eq!(run.code, Some(0), "{}", run.shown());
    fleet.is_sound();
}

/// Runs with the faults that are set until the run registers a key for the time after `puts` others; then all is well.
#[track_caller]
fn until_put(fleet: &Fleet, line: &str, puts: u32) -> Run {
    let hold = fleet.first().hold_one(put(), puts, When::Before);
    let running = fleet.start(line);
    assert!(hold.wait_reached());
    fleet.first().clear_faults();
    let run = running.end();
    fleet.hides_secrets(&run);
    run
}

#[test]
fn a_refused_proof_brings_the_old_key_back() {
    let fleet = jira();
    let old = fleet.held();
    fleet.first().set(refused().on(proof()));
    let run = until_put(&fleet, &format!("{QUICK} -o json"), 1);
    assert_eq!(run.code, Some(1), "{}", run.shown());
    let report = run.json();
    let rotation = &report["rotations"][0];
    assert_eq!(ended(rotation), ("rolled_back", "key_not_accepted"));
    assert_eq!(rotation["grants_ok"], 2);
    assert_eq!(fleet.held(), old);
    let log = fleet.first().log();
    let accepted = log
        .iter()
        .filter(|exchange| exchange.path == REQUEST_TOKEN && exchange.status == 200);
    assert_eq!(accepted.count(), 3, "the old key is proven");
    fleet.rotated_or_not("rolled back");
    // It says so on stderr.
    fleet.first().set(refused().on(proof()));
    let run = until_put(&fleet, QUICK, 1);
    assert!(
        run.stderr.contains("refused a call signed as `deploy-bot`"),
        "{}",
        run.stderr
    );
    assert!(run.stdout.contains("1 rolled back"), "{}", run.stdout);
    let (history, _) = fleet.json("history");
    let steps = history["journal"].as_array().unwrap().iter();
    let rotation = steps
        .clone()
        .find(|step| step["action"] == "rotate")
        .unwrap();
    assert_eq!(rotation["outcome"], "failed");
    assert!(
        rotation["message"]
            .as_str()
            .unwrap()
            .contains("the old key was put back"),
        "{rotation:#}"
    );
}

/// A call with a grant is refused although a request token is not.
#[test]
fn a_refused_grant_brings_the_old_key_back() {
    let fleet = jira();
    let old = fleet.held();
    let proven = fleet.first().hold_one(proof(), 2, When::After);
    let back = fleet.first().hold_one(put(), 1, When::Before);
    let running = fleet.start(&format!("{QUICK} -o json"));
    assert!(proven.wait_reached());
    fleet.first().set(refused().on(Matcher::path("/whoami")));
    proven.release();
    assert!(back.wait_reached());
    fleet.first().clear_faults();
    let run = running.end();
    assert_eq!(run.code, Some(1), "{}", run.shown());
    let report = run.json();
    assert_eq!(report["rotations"][0]["state"], "rolled_back", "{report:#}");
    assert_eq!(fleet.held(), old);
    fleet.rotated_or_not("rolled back");
}

#[test]
fn a_rollback_that_is_refused_too_says_what_is_where() {
    let fleet = jira();
    for state in ["verified", "rolled_back"] {
        fleet.first().set(refused().on(proof()));
        let forbidden = Rule::new(Fault::Answer(403, "{}".to_owned())).on(put());
        fleet.first().set(forbidden.after(1));
        let rotations = fleet.rotations(QUICK, 4);
        let rotation = &rotations[0];
        assert_eq!(
            ended(rotation),
            ("failed", "rollback_failed"),
            "{rotation:#}"
        );
        let (before, after) = (
            rotation["before"].as_str().unwrap(),
            rotation["after"].as_str().unwrap(),
        );
        let holds = format!("`jira` holds {after} for `deploy-bot` now; the old key is {before}");
        assert!(message(rotation).contains(&holds), "{rotation:#}");
        for part in [
            "rotate --resume -s jira -c deploy-bot",
            "--public",
            "--private --out FILE",
        ] {
            assert!(advice(rotation).contains(part), "{part}: {rotation:#}");
        }
        assert_eq!(fleet.held(), after);
        // The way by hand: both keys can be exported.
        for id in advice(rotation).split("keys export ").skip(1) {
            let id = id.split(' ').next().unwrap();
            let run = fleet.run(&format!("keys export {id} --public"));
            assert!(run.ok().contains("PUBLIC KEY"), "{}", run.shown());
        }
        fleet.first().clear_faults();
        let line = "rotate --resume --settle 1s -o json";
        let run = if state == "verified" {
            fleet.run(line)
        } else {
            fleet.first().set(refused().on(proof()));
            until_put(&fleet, line, 0)
        };
        let report = run.json();
        assert_eq!(report["rotations"][0]["state"], state, "{report:#}");
        assert_eq!(
            fleet.held(),
            if state == "verified" { after } else { before }
        );
        fleet.rotated_or_not(state);
    }
}

#[test]
fn a_node_that_learns_late_is_waited_for() {
    let fleet = jira();
    fleet.first().set(Setting::TwoNodes {
        catch_up_after: Some(6),
    });
    let rotations = fleet.rotations("rotate --yes --settle 60s", 0);
    assert_eq!(rotations[0]["state"], "verified", "{rotations:#?}");
    assert_eq!(rotations[0]["grants_ok"], 2);
    fleet.first().set(Setting::OneNode);
    fleet.rotated_or_not("two nodes");
}

/// One acceptance is none: half of the calls would be refused.
#[test]
fn a_node_that_never_learns_brings_the_old_key_back() {
    let fleet = jira();
    fleet.first().set(Setting::TwoNodes {
        catch_up_after: None,
    });
    let (report, _) = fleet.report("rotate --yes --settle 2s");
    let rotation = &report["rotations"][0];
    assert_ne!(rotation["state"], "verified", "{report:#}");
    fleet.first().set(Setting::OneNode);
    if rotation["state"] != "rolled_back" {
        fleet.report("rotate --resume --settle 10s");
    }
    fleet.rotated_or_not("two nodes");
}

#[test]
fn two_legged_oauth_is_on_again_on_every_generation() {
    const PROVIDER: &str = "com.atlassian.applinks.api.auth.types.OAuthAuthenticationProvider";
    for generation in [Generation::Current, Generation::Next] {
        let fleet = Fleet::with_grants([ServerSpec::new(Kind::Jira).generation(generation)]);
        let id = fleet.link().id;
        let on = Flags {
            enabled: true,
            two_legged: true,
            impersonation: true,
        };
        let out = Flags {
            enabled: true,
            ..Flags::default()
        };
        fleet.first().set_matrix(id, on, out);
        fleet.first().add_provider(
            id,
            PROVIDER,
            &[("serviceProvider.accessTokenUrl", "https://x.example.com")],
        );
        fleet.first().edit_consumer(CONSUMER, |consumer| {
            consumer.execute_as = Some(SERVICE_USER.to_owned());
        });
        let before = (fleet.first().consumer(CONSUMER).unwrap(), fleet.link());
        fleet.rotations("rotate --yes", 0);
        let after = (fleet.first().consumer(CONSUMER).unwrap(), fleet.link());
        assert_ne!(before.0.public_key, after.0.public_key);
        let same_key = atl_testbed::Consumer {
            public_key: before.0.public_key.clone(),
            ..after.0.clone()
        };
        // The admin form appends `/` to the callback (protocol.md 1.11).
        let same_key = atl_testbed::Consumer {
            callback: before.0.callback.clone(),
            ..same_key
        };
        assert_eq!(before.0, same_key, "{generation:?}");
        assert_eq!(before.1, after.1, "{generation:?}");
        fleet.rotated_or_not("two-legged");
    }
}

#[test]
fn two_legged_oauth_is_on_again_on_an_older_server() {
    let fleet = Fleet::with_grants([ServerSpec::new(Kind::Jira).generation(Generation::Legacy)]);
    fleet.first().edit_consumer(CONSUMER, |consumer| {
        consumer.two_legged = true;
        consumer.impersonation = true;
        consumer.execute_as = Some(SERVICE_USER.to_owned());
    });
    let (report, code) = fleet.report("rotate --yes");
    let consumer = fleet.first().consumer(CONSUMER).unwrap();
    let shown = format!("{code}: {report:#}");
    assert!(
        consumer.two_legged && consumer.impersonation,
        "{consumer:?}: {shown}"
    );
    assert_eq!(
        consumer.execute_as.as_deref(),
        Some(SERVICE_USER),
        "{shown}"
    );
    assert_eq!(code, 0, "{shown}");
    fleet.rotated_or_not("two-legged");
}

/// A plain administrator could not put an executing user back.
#[test]
fn what_could_not_be_restored_is_refused_before_the_put() {
    let fleet = jira();
    fleet.first().edit_consumer(CONSUMER, |consumer| {
        consumer.two_legged = true;
        consumer.execute_as = Some(SERVICE_USER.to_owned());
    });
    fleet.edit("    username: admin\n", "    username: manager\n");
    let fleet = fleet.with("ATL_ADMIN_PASSWORD", MANAGER_PASSWORD);
    let before = fleet.first().consumer(CONSUMER);
    let rotations = fleet.rotations("rotate --yes", 1);
    assert_eq!(rotations[0]["state"], "failed", "{rotations:#?}");
    assert!(
        advice(&rotations[0]).contains("system administrator"),
        "{rotations:#?}"
    );
    assert_eq!(
        (fleet.writes(), fleet.first().consumer(CONSUMER)),
        (0, before)
    );
    assert_eq!(fleet.keys_in_state("pending"), Vec::<Value>::new());

    let run = fleet.run("rotate --yes --force");
    assert_eq!(run.code, Some(0), "{}", run.shown());
    let lost = "the registration reset two-legged OAuth, which was on as `svc-deploy`";
    assert!(run.stderr.contains(lost), "{}", run.stderr);
}

#[test]
fn a_consumer_key_of_two_links_is_refused_without_force() {
    let fleet = jira();
    let other = fleet.first().add_link(atl_testbed::Link::generic(
        "Other",
        "https://other.example.com",
    ));
    fleet
        .first()
        .edit_link(other, |link| link.consumer_key = Some(CONSUMER.to_owned()));
    let rotations = fleet.rotations("rotate --yes", 1);
    assert_eq!(
        ended(&rotations[0]),
        ("failed", "shared_key"),
        "{rotations:#?}"
    );
    assert!(message(&rotations[0]).contains("Other"), "{rotations:#?}");
    assert_eq!(fleet.writes(), 0);
    let rotations = fleet.rotations("rotate --yes --force", 0);
    assert_eq!(rotations[0]["after"], json!(fleet.held()));
}

#[test]
fn a_consumer_that_is_not_there() {
    let fleet = jira();
    let id = fleet.link().id;
    fleet.first().delete_link(id);
    let rotations = fleet.rotations("rotate --yes", 1);
    assert_eq!(ended(&rotations[0]), ("failed", "not_provisioned"));
    assert!(
        advice(&rotations[0]).contains("atl-admin apply"),
        "{rotations:#?}"
    );
    assert_eq!(fleet.writes(), 0);
}

/// No file may grow beyond so many blocks of 1024 bytes.
#[test]
#[cfg(unix)]
fn a_full_disk() {
    let fleet = jira();
    let mut stopped = 0;
    for blocks in (0..).step_by(8) {
        let at = format!("{blocks} blocks");
        let old = fleet.held();
        let run = fleet.env.shell(&format!(
            "ulimit -f {blocks}; atl-admin rotate --yes --settle 5s"
        ));
        fleet.hides_secrets(&run);
        if run.code == Some(0) {
            assert_ne!(fleet.held(), old);
            break;
        }
        stopped += 1;
        let shown = run.shown();
        assert!(
            shown.contains("the disk is full, a quota or file size limit is reached"),
            "{at}: {shown}"
        );
        let (report, code) = fleet.report("rotate --resume --settle 10s");
        assert!([0, 1].contains(&code), "{at}: {report:#}");
        fleet.rotated_or_not(&at);
    }
    assert!(stopped > 2, "{stopped}");
    fleet.rotated_or_not("with room");
}

#[test]
fn a_store_key_that_is_gone() {
    let fleet = jira();
    fs_err::remove_file(fleet.env.path("home/config/atl-admin/store.key")).unwrap();
    let run = fleet.run("rotate --yes");
    assert_eq!(run.code, Some(1), "{}", run.shown());
    assert!(run.stderr.contains("store key"), "{}", run.stderr);
    assert_eq!(fleet.requests(), 0);
    let run = fleet.run("rotate --yes --store sqlite:nowhere.db");
    assert_eq!(run.code, Some(1), "{}", run.shown());
    assert!(
        run.stderr.contains("there is no store `sqlite:nowhere.db`"),
        "{}",
        run.stderr
    );
    assert_eq!(fleet.requests(), 0);
}

//! Ctrl-C.

use atl_testbed::{Kind, Matcher, ServerSpec, When};
use serde_json::Value;

use crate::{
    env::Env,
    estate::{self, CONSUMER, Fleet},
};

#[test]
#[cfg(unix)]
fn ctrl_c_ends_with_130() {
    let env = Env::new();
    env.write(
        "key.sh",
        "kill -INT $PPID\nexec >/dev/null 2>&1\nwhile kill -0 $PPID; do :; done\n",
    );
    // The command that is asked for the store key presses Ctrl-C and ends after the program.
    let run = env.shell("atl-admin keys generate -c bot --store-key 'cmd:. ./key.sh'");
    insta::assert_snapshot!(run.shown(), @r"
    -- stderr
    interrupted; what was done is in the journal, see `atl-admin history`
    -- exit 130
    ");
    assert_eq!(env.files(), ["key.sh"]);
}

/// Two servers one after the other; the first one is asked to register the consumer when Ctrl-C is pressed.
#[test]
#[cfg(unix)]
fn ctrl_c_finishes_the_step_under_way() {
    let fleet = Fleet::new([ServerSpec::new(Kind::Jira), ServerSpec::new(Kind::Bamboo)]);
    let hold = fleet
        .first()
        .hold(Matcher::method("PUT").at("/consumer"), When::Before);
    let running = fleet.start("apply -p 1 -o json");
    let run = running.interrupt_held(&hold, "interrupted: finishing the steps that are under way");
    assert_eq!(run.code, Some(130), "{}", run.shown());
    let note = "interrupted; what was done is in the journal, see `atl-admin history`";
    assert!(run.stderr.contains(note), "{}", run.stderr);

    let results = |server: &str| {
        let document = run.json();
        let changes = estate::server(&document, server)["changes"].clone();
        let result = |change: &Value| change["result"].clone();
        changes
            .as_array()
            .unwrap()
            .iter()
            .map(result)
            .collect::<Vec<_>>()
    };
    assert_eq!(results("jira"), ["applied", "applied"]);
    assert_eq!(results("bamboo"), ["skipped", "skipped"]);
    assert!(fleet.first().consumer(CONSUMER).is_some());
    assert_eq!(fleet.server("bamboo").writes(), 0);

    finishes(&fleet);
}

/// The next run does what is left, and the one after it nothing.
#[track_caller]
fn finishes(fleet: &Fleet) {
    let (document, code) = fleet.json("apply");
    assert_eq!(code, 0, "{document:#}");
    fleet.forget();
    let (document, code) = fleet.json("apply");
    assert_eq!((code, fleet.writes()), (0, 0), "{document:#}");
    let (history, _) = fleet.json("history");
    let steps = history["journal"].as_array().unwrap();
    assert!(
        steps.iter().all(|step| step["outcome"] != "open"),
        "{history:#}"
    );
}

#[test]
#[cfg(unix)]
fn ctrl_c_while_looking_sends_nothing() {
    let fleet = Fleet::new([ServerSpec::new(Kind::Jira), ServerSpec::new(Kind::Bamboo)]);
    let hold = fleet.first().hold(Matcher::any(), When::Before);
    let running = fleet.start("apply -p 1 -o json");
    let run = running.interrupt_held(&hold, "interrupted: finishing");
    assert_eq!(run.code, Some(130), "{}", run.shown());
    let bamboo = estate::server(&run.json(), "bamboo").clone();
    assert_eq!(bamboo["error"]["code"], "interrupted");
    assert_eq!(fleet.server("bamboo").log().len(), 0);
    assert_eq!(fleet.writes(), 0);
    finishes(&fleet);
}

#[test]
#[cfg(unix)]
fn a_second_ctrl_c_stops_at_once() {
    let fleet = Fleet::of(Kind::Jira);
    let hold = fleet
        .first()
        .hold_one(Matcher::method("PUT").at("/consumer"), 0, When::After);
    let mut running = fleet.start("apply");
    assert!(hold.wait_reached());
    running.interrupt();
    running.wait_said("press Ctrl-C again to stop at once");
    running.interrupt();
    // It ends although the server never answers.
    let run = running.end();
    assert_eq!(run.code, Some(130), "{}", run.shown());
    assert!(
        run.stderr.contains("what was done is in the journal"),
        "{}",
        run.stderr
    );
    finishes(&fleet);
}

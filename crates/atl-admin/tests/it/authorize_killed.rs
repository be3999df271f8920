//! A dance that is killed: the next run says what may be left, and finishes.

use atl_testbed::{ALICE, BOB, Kind, Matcher, ServerSpec, When};
use serde_json::json;

use crate::{
    dances::{
        ACCESS_TOKEN, PAGE, REQUEST_TOKEN, access_tokens, allow, asked, code, granted_by, visit,
    },
    estate::Fleet,
};

const HEADLESS: &str = "authorize --headless";

fn jira() -> Fleet {
    Fleet::granting([ServerSpec::new(Kind::Jira)])
}

/// Kills a run at a request.
#[track_caller]
fn killed(fleet: &Fleet, path: &str, when: When) {
    let hold = fleet.first().hold_one(Matcher::path(path), 0, when);
    let running = fleet.start(HEADLESS);
    assert!(hold.wait_reached(), "{path}");
    running.kill();
}

/// What the journal says of the killed run's exchange after the next run.
#[track_caller]
fn first_dance(fleet: &Fleet) -> serde_json::Value {
    let dances = fleet.dances();
    assert!(
        dances.iter().all(|step| step["outcome"] != "open"),
        "{dances:#?}"
    );
    dances.last().unwrap().clone()
}

/// The grant is on the server and its token died with the run: the next one says where it can be seen.
#[test]
fn while_the_exchange_is_answered() {
    for line in [HEADLESS, "apply"] {
        let fleet = jira();
        killed(&fleet, ACCESS_TOKEN, When::After);
        assert_eq!(access_tokens(fleet.first()).len(), 1);
        let run = fleet.run(line);
        assert_eq!(run.code, Some(0), "{}", run.shown());
        let page = format!("{}{PAGE}", fleet.first().base_url());
        assert!(
            run.stderr
                .starts_with("warning: jira: deploy-bot: a run was killed")
                && run.stderr.contains(&page),
            "{line}: {}",
            run.shown()
        );
        let step = first_dance(&fleet);
        assert_eq!(step["outcome"], "unknown");
        assert!(
            step["message"].as_str().unwrap().contains(&page),
            "{step:#}"
        );
        // It is said once.
        let run = fleet.run(line);
        assert_eq!(
            (run.code, run.stderr.as_str()),
            (Some(0), ""),
            "{}",
            run.shown()
        );
    }
}

#[test]
fn before_the_exchange_arrives() {
    let fleet = jira();
    killed(&fleet, ACCESS_TOKEN, When::Before);
    let (report, exit) = fleet.report(HEADLESS);
    assert_eq!(exit, 0, "{report:#}");
    assert_eq!(granted_by(fleet.first()), [ALICE]);
    assert_eq!(first_dance(&fleet)["outcome"], "unknown");
}

/// The grant was stored before anything else: the next run asks who approved, and needs no dance.
#[test]
fn before_it_is_read_back() {
    for when in [When::Before, When::After] {
        let fleet = jira();
        let hold = fleet.first().hold_one(Matcher::path("/whoami"), 1, when);
        let running = fleet.start(HEADLESS);
        assert!(hold.wait_reached());
        running.kill();
        let (list, _) = fleet.json("tokens list --source store");
        assert_eq!(list["grants"][0]["status"], "unknown", "{list:#}");
        fleet.forget();
        let (report, exit) = fleet.report(HEADLESS);
        assert_eq!(
            (exit, &report["grants"][0]["status"]),
            (0, &json!("active"))
        );
        assert_eq!(asked(fleet.first(), REQUEST_TOKEN), 0);
        assert_eq!(access_tokens(fleet.first()).len(), 1);
        assert_eq!(first_dance(&fleet)["outcome"], "done");
    }
}

#[test]
fn before_a_wrong_account_is_noticed() {
    let fleet = jira().with("BROWSER", "true");
    let mut running = fleet.start("authorize");
    running.wait_said("oauth_token=");
    let hold = fleet
        .first()
        .hold_one(Matcher::path("/whoami"), 0, When::Before);
    let (callback, query) = allow(fleet.first(), BOB);
    visit(&callback, &query);
    assert!(hold.wait_reached());
    running.kill();
    assert_eq!(granted_by(fleet.first()), [BOB]);
    let (report, exit) = fleet.report(HEADLESS);
    assert_eq!((code(&report), exit), ("wrong_account", 1), "{report:#}");
    assert!(access_tokens(fleet.first()).is_empty());
    let (report, exit) = fleet.report(HEADLESS);
    assert_eq!(exit, 0, "{report:#}");
    assert_eq!(granted_by(fleet.first()), [ALICE]);
}

/// Nothing was written down yet, and nothing is left but a request token that expires by itself.
#[test]
fn before_the_exchange() {
    for path in [REQUEST_TOKEN, "/plugins/servlet/oauth/authorize", PAGE] {
        for when in [When::Before, When::After] {
            let fleet = jira();
            killed(&fleet, path, when);
            let run = fleet.run(HEADLESS);
            assert_eq!(
                (run.code, run.stderr.as_str()),
                (Some(0), ""),
                "{path}: {}",
                run.shown()
            );
            assert_eq!(granted_by(fleet.first()), [ALICE], "{path}");
            assert_eq!(fleet.dances().len(), 1, "{path}");
        }
    }
}

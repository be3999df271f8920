//! `authorize` with a person and a browser that comes back to this machine.

use std::net::TcpListener;

use atl_testbed::{ALICE, BOB, Fault, Generation, Kind, Matcher, ServerSpec, Setting, When};
use serde_json::json;

use crate::{
    dances::{
        ACCESS_TOKEN, PAGE, access_tokens, allow, allow_and_return, code, failed_with, failure,
        granted_by, pending, visit,
    },
    estate::{CONSUMER, Fleet, KINDS},
    running::Running,
};

const AUTHORIZE: &str = "authorize -o json";

/// One Jira, and a browser that shows its page to nobody.
fn jira() -> Fleet {
    Fleet::granting([ServerSpec::new(Kind::Jira)]).with("BROWSER", "true")
}

/// Starts the program and waits until it waits.
#[track_caller]
fn waiting<'f>(fleet: &'f Fleet, line: &str) -> Running<'f> {
    let mut running = fleet.start(line);
    running.wait_said("/plugins/servlet/oauth/authorize?oauth_token=");
    running
}

#[test]
fn the_page_is_shown_and_opened_and_the_browser_comes_back() {
    for kind in KINDS {
        for generation in [Generation::Legacy, Generation::Current, Generation::Next] {
            let spec = ServerSpec::new(kind).generation(generation).context("/ctx");
            let fleet = Fleet::granting([spec]).with("BROWSER", "sh browser.sh --new %s");
            fleet.env.write("browser.sh", "echo $1 $2 > opened\n");
            assert_eq!(fleet.env.shell("mkfifo opened").code, Some(0));
            let running = waiting(&fleet, AUTHORIZE);
            let (token, callback) = pending(fleet.first());
            let page = format!(
                "{}/plugins/servlet/oauth/authorize?oauth_token={token}",
                fleet.first().base_url()
            );
            assert_eq!(fleet.env.read("opened"), format!("--new {page}\n"));
            assert!(callback.starts_with("http://127.0.0.1:"), "{callback}");

            let answer = allow_and_return(fleet.first(), ALICE);
            assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
            let run = running.end();
            assert_eq!(run.code, Some(0), "{}", run.shown());
            assert!(run.stderr.contains(&page), "{}", run.shown());
            assert!(run.stderr.contains("sign in as `alice`"), "{}", run.shown());
            fleet.hides_tokens(&run);
            let report = run.json();
            assert_eq!(report["grants"][0]["status"], "active", "{report:#}");
            assert_eq!(granted_by(fleet.first()), [ALICE]);
        }
    }
}

#[test]
fn one_user_after_the_other() {
    let fleet = jira();
    fleet.wants(&[ALICE, BOB]);
    let mut running = waiting(&fleet, AUTHORIZE);
    let (callback, late) = allow(fleet.first(), ALICE);
    visit(&callback, &late);
    running.wait_said("sign in as `bob`");
    running.wait_said("oauth_token=");
    // What is left of the one before does not count.
    visit(&callback, &late);
    allow_and_return(fleet.first(), BOB);
    let run = running.end();
    assert_eq!(run.code, Some(0), "{}", run.shown());
    assert_eq!(granted_by(fleet.first()).len(), 2);
}

/// The dances of consumers and servers that nobody lists are wanted of whoever is named.
#[test]
fn somebody_who_is_not_in_the_file_may_approve() {
    let fleet = jira();
    fleet.wants(&[]);
    let running = waiting(&fleet, "authorize --user bob -o json");
    allow_and_return(fleet.first(), BOB);
    let run = running.end();
    assert_eq!(run.code, Some(0), "{}", run.shown());
    assert_eq!(granted_by(fleet.first()), [BOB]);
}

#[test]
fn a_denial_ends_it() {
    let fleet = jira();
    let running = waiting(&fleet, AUTHORIZE);
    let (token, callback) = pending(fleet.first());
    assert!(fleet.first().deny(&token));
    visit(
        &callback,
        &format!("oauth_token={token}&oauth_verifier=denied"),
    );
    let run = running.end();
    failed_with(&run, 4, "denied");
}

/// The browser is elsewhere and its callback arrives nowhere: the server is asked.
#[test]
fn a_denial_that_does_not_come_back_is_noticed() {
    let fleet = jira();
    let running = waiting(&fleet, AUTHORIZE);
    assert!(fleet.first().deny(&pending(fleet.first()).0));
    let run = running.end();
    failed_with(&run, 4, "denied");
}

#[test]
fn a_request_that_expires_ends_it() {
    let fleet = jira();
    let running = waiting(&fleet, AUTHORIZE);
    fleet.first().age_tokens(601);
    let run = running.end();
    failed_with(&run, 1, "request_token_expired");
}

#[test]
fn an_approval_that_does_not_come_back_is_told_of() {
    let fleet = jira();
    let mut running = waiting(&fleet, AUTHORIZE);
    allow(fleet.first(), ALICE);
    running.wait_said("the browser did not come back here");
    running.interrupt();
    assert_eq!(running.end().code, Some(130));
}

#[test]
fn the_wrong_account_is_turned_away() {
    let fleet = jira();
    let running = waiting(&fleet, AUTHORIZE);
    allow_and_return(fleet.first(), BOB);
    let run = running.end();
    let report = run.json();
    assert_eq!(
        (run.code, code(&report)),
        (Some(1), "wrong_account"),
        "{report:#}"
    );
    let error = &failure(&report)["error"];
    let message = error["message"].as_str().unwrap();
    assert!(
        message.contains("`bob` approved, and not `alice`") && message.contains("revoked"),
        "{message}"
    );
    assert!(access_tokens(fleet.first()).is_empty());
    assert_eq!(
        fleet.json("tokens list --source store").0["grants"],
        json!([])
    );
    assert_eq!(fleet.dances()[0]["outcome"], "failed");
}

/// It stays in the store as whose it is, so that it can be revoked from here.
#[test]
fn the_grant_of_a_wrong_account_that_stays_is_told_of() {
    let fleet = jira();
    fleet.first().set(Setting::NoRevocation(Some(403)));
    let running = waiting(&fleet, AUTHORIZE);
    allow_and_return(fleet.first(), BOB);
    let run = running.end();
    let report = run.json();
    assert_eq!(
        (run.code, code(&report)),
        (Some(1), "wrong_account"),
        "{report:#}"
    );
    let id = failure(&report)["id"].as_str().unwrap();
    let error = failure(&report)["error"].to_string();
    let page = format!("{}{PAGE}", fleet.first().base_url());
    assert!(error.contains(id) && error.contains(&page), "{error}");
    assert_eq!(granted_by(fleet.first()), [BOB]);
    let (list, _) = fleet.json("tokens list --source store");
    let grant = &list["grants"][0];
    assert_eq!((&grant["id"], &grant["user"]), (&json!(id), &json!(BOB)));
    assert!(
        grant["note"]
            .as_str()
            .unwrap()
            .contains("`alice` was to approve"),
        "{grant:#}"
    );
}

#[test]
fn a_foreign_callback_changes_nothing() {
    let fleet = jira();
    let running = waiting(&fleet, AUTHORIZE);
    let (token, callback) = pending(fleet.first());
    let script = "%3Cscript%3Ealert(1)%3C/script%3E";
    for query in [
        "oauth_token=another&oauth_verifier=abc123".to_owned(),
        format!("oauth_token={script}&oauth_verifier={script}"),
        format!("oauth_token={token}&{script}={script}"),
        format!("oauth_token={token}&oauth_token=another&oauth_verifier=abc123"),
        String::new(),
    ] {
        let answer = visit(&callback, &query);
        assert!(answer.starts_with("HTTP/1.1 4"), "{query}: {answer}");
        assert!(
            !answer.contains("<script>") && !answer.contains("alert"),
            "{query}: {answer}"
        );
    }
    allow_and_return(fleet.first(), ALICE);
    let run = running.end();
    assert_eq!(run.code, Some(0), "{}", run.shown());
    assert!(!run.shown().contains("alert"), "{}", run.shown());
}

#[test]
fn a_port_that_is_taken_is_said_before_anything_is_sent() {
    let fleet = jira();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let run = fleet.run(&format!("authorize --port {port}"));
    assert_eq!(run.code, Some(1), "{}", run.shown());
    assert!(run.stderr.contains(&port.to_string()), "{}", run.shown());
    assert_eq!(fleet.requests(), 0);
}

#[test]
fn the_port_can_be_chosen() {
    let fleet = jira();
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let running = waiting(&fleet, &format!("{AUTHORIZE} --no-browser --port {port}"));
    let (_, callback) = pending(fleet.first());
    assert_eq!(callback, format!("http://127.0.0.1:{port}/oauth/callback"));
    allow_and_return(fleet.first(), ALICE);
    assert_eq!(running.end().code, Some(0));
}

#[test]
fn without_a_browser_it_goes_on_waiting() {
    for browser in ["/no/such/browser", "false"] {
        let fleet = jira().with("BROWSER", browser);
        let mut running = fleet.start(AUTHORIZE);
        running.wait_said("no browser could be opened");
        allow_and_return(fleet.first(), ALICE);
        let run = running.end();
        assert_eq!(run.code, Some(0), "{}", run.shown());
    }
}

#[test]
fn no_browser_is_opened_where_none_is_wanted() {
    let fleet = jira().with("BROWSER", "sh browser.sh");
    fleet.env.write("browser.sh", "echo opened > opened\n");
    let running = waiting(&fleet, &format!("{AUTHORIZE} --no-browser"));
    allow_and_return(fleet.first(), ALICE);
    assert_eq!(running.end().code, Some(0));
    assert!(!fleet.env.files().contains(&"opened".to_owned()));
}

#[test]
#[cfg(unix)]
fn ctrl_c_ends_the_waiting() {
    let fleet = jira();
    let running = waiting(&fleet, AUTHORIZE);
    running.interrupt();
    let run = running.end();
    assert_eq!(run.code, Some(130), "{}", run.shown());
    assert_eq!(code(&run.json()), "interrupted");
    // Nothing was exchanged, so there is nothing to write down.
    assert!(fleet.dances().is_empty());
    assert!(access_tokens(fleet.first()).is_empty());
}

#[test]
fn the_server_may_restart_meanwhile() {
    let fleet = jira();
    let running = waiting(&fleet, AUTHORIZE);
    fleet.first().restart().unwrap();
    allow_and_return(fleet.first(), ALICE);
    let run = running.end();
    assert_eq!(run.code, Some(0), "{}", run.shown());
    assert_eq!(granted_by(fleet.first()), [ALICE]);
}

#[test]
fn what_a_lost_answer_may_have_left_is_told_of() {
    let fleet = jira();
    let running = waiting(&fleet, AUTHORIZE);
    let exchange = Matcher::path(ACCESS_TOKEN);
    let (callback, query) = allow(fleet.first(), ALICE);
    // The server may be asked how it stands before the browser is back; that loses nothing.
    fleet.first().set(Fault::Reset(When::After).on(exchange));
    visit(&callback, &query);
    let run = running.end();
    let report = run.json();
    assert_eq!(
        (run.code, code(&report)),
        (Some(3), "exchange_lost"),
        "{report:#}"
    );
    let advice = failure(&report)["error"]["advice"].as_str().unwrap();
    let page = format!("{}{PAGE}", fleet.first().base_url());
    assert!(advice.contains(&page) && advice.contains(ALICE), "{advice}");
    fleet.first().clear_faults();
    assert_eq!(fleet.dances()[0]["outcome"], "unknown");
}

/// Somebody else's run with the same store gave the grant meanwhile: the approval is left to expire.
#[test]
fn two_runs_make_one_grant() {
    let fleet = jira();
    let running = waiting(&fleet, AUTHORIZE);
    let (callback, query) = allow(fleet.first(), ALICE);
    let (other, exit) = fleet.report("authorize --headless");
    assert_eq!(exit, 0, "{other:#}");
    visit(&callback, &query);
    let run = running.end();
    assert_eq!(run.code, Some(0), "{}", run.shown());
    assert_eq!(run.json()["grants"][0]["id"], other["grants"][0]["id"]);
    assert_eq!(access_tokens(fleet.first()).len(), 1);
}

/// A lock that is held for a moment costs nobody an approval.
#[test]
fn an_exchange_waits_for_the_lock() {
    let fleet = jira();
    fleet.wants(&[ALICE, BOB]);
    let running = waiting(&fleet, "authorize --user alice -o json");
    let held = fleet
        .first()
        .hold(Matcher::path(ACCESS_TOKEN), When::Before);
    let other = fleet.start("authorize --headless --user bob -o json");
    assert!(held.wait_reached());
    let (token, callback) = {
        let mut tokens = fleet.first().pending_tokens();
        let token = tokens.remove(0);
        (token.value, token.callback.unwrap())
    };
    let verifier = fleet.first().approve(&token, ALICE).unwrap();
    visit(
        &callback,
        &format!("oauth_token={token}&oauth_verifier={verifier}"),
    );
    held.release();
    let (run, other) = (running.end(), other.end());
    assert_eq!(
        (run.code, other.code),
        (Some(0), Some(0)),
        "{} {}",
        run.shown(),
        other.shown()
    );
    let mut users = granted_by(fleet.first());
    users.sort();
    assert_eq!(users, [ALICE, BOB]);
}

#[test]
fn what_the_server_refuses_is_said_before_anybody_is_asked() {
    let fleet = jira();
    fleet.first().remove_consumer(CONSUMER);
    let run = fleet.run(AUTHORIZE);
    failed_with(&run, 4, "consumer_key_unknown");
    assert!(!run.stderr.contains("sign in as"), "{}", run.shown());
}

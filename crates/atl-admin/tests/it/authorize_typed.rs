//! `authorize` where the verifier, or the address that the browser landed on, is typed in.

use atl_testbed::{ALICE, BOB, Kind, ServerSpec};

use crate::{
    dances::{access_tokens, allow, granted_by, pending},
    estate::Fleet,
    typing::Typing,
};

const PROMPT: &str = "the page that you land on: ";
const REGISTERED: &str = "https://deploy.example.com/oauth/callback";

/// One Jira; the consumer has no callback, so that the server shows a verifier.
fn jira() -> Fleet {
    let fleet = Fleet::granting([ServerSpec::new(Kind::Jira)]).with("BROWSER", "true");
    fleet.edit(&format!("    callback: {REGISTERED}\n"), "");
    fleet.provision();
    fleet
}

/// Starts `--oob` and waits until it asks.
fn asked(fleet: &Fleet) -> Typing<'_> {
    let mut typing = fleet.on_terminal("authorize --oob");
    typing.wait_said(PROMPT);
    typing
}

/// The verifier in the query of a callback.
fn verifier(query: &str) -> &str {
    query.rsplit('=').next().unwrap()
}

#[test]
fn the_verifier_is_enough() {
    let fleet = jira();
    let mut typing = asked(&fleet);
    let (callback, query) = allow(fleet.first(), ALICE);
    assert_eq!(callback, "oob");
    typing.press(&format!("  {} \n", verifier(&query)));
    let run = typing.end();
    assert_eq!(run.code, Some(0), "{}", run.shown());
    assert_eq!(granted_by(fleet.first()), [ALICE]);
}

#[test]
fn a_registered_callback_is_told_of_and_its_whole_address_taken() {
    let fleet = Fleet::granting([ServerSpec::new(Kind::Jira)]);
    let mut typing = fleet.on_terminal("authorize --oob");
    typing.wait_said(REGISTERED);
    typing.wait_said(PROMPT);
    let (_, query) = allow(fleet.first(), ALICE);
    typing.press(&format!("{REGISTERED}?{query}\n"));
    let run = typing.end();
    assert_eq!(run.code, Some(0), "{}", run.shown());
    assert_eq!(granted_by(fleet.first()), [ALICE]);
}

#[test]
fn a_wrong_verifier_is_refused() {
    let fleet = jira();
    let mut typing = asked(&fleet);
    allow(fleet.first(), ALICE);
    typing.press("Wrong1\n");
    let run = typing.end();
    assert_eq!(run.code, Some(4), "{}", run.shown());
    assert!(run.stdout.contains("[verifier_refused]"), "{}", run.shown());
    // What went wrong is said, and not that nothing was looked for.
    assert!(!run.stdout.contains("no such grants"), "{}", run.shown());
    assert!(access_tokens(fleet.first()).is_empty());
    assert_eq!(fleet.dances()[0]["outcome"], "failed");
}

#[test]
fn what_is_no_answer_is_asked_for_again() {
    let fleet = jira();
    let mut typing = asked(&fleet);
    typing.press("\nhttps://deploy.example.com/oauth/callback\n");
    typing.wait_said("neither a verifier nor the address");
    typing.press("https://deploy.example.com/?oauth_token=another&oauth_verifier=abc123\n");
    typing.wait_said("the address of another request");
    let (_, query) = allow(fleet.first(), ALICE);
    typing.press(&format!("{}\n", verifier(&query)));
    let run = typing.end();
    assert_eq!(run.code, Some(0), "{}", run.shown());
}

#[test]
fn denied_is_no_verifier() {
    let fleet = jira();
    let mut typing = asked(&fleet);
    let (token, _) = pending(fleet.first());
    typing.press(&format!(
        "https://x.example.com/?oauth_token={token}&oauth_verifier=denied\n"
    ));
    let run = typing.end();
    assert_eq!(run.code, Some(4), "{}", run.shown());
    assert!(run.stdout.contains("[denied]"), "{}", run.shown());
}

/// Nothing is typed: the server is asked how the request stands.
#[test]
fn what_the_server_knows_ends_the_question() {
    let check = |decide: &dyn Fn(&Fleet), code, says: &str| {
        let fleet = jira();
        let typing = asked(&fleet);
        decide(&fleet);
        let run = typing.end();
        assert_eq!(run.code, Some(code), "{}", run.shown());
        assert!(run.stdout.contains(says), "{}", run.shown());
    };
    check(
        &|fleet| assert!(fleet.first().deny(&pending(fleet.first()).0)),
        4,
        "[denied]",
    );
    check(
        &|fleet| fleet.first().age_tokens(601),
        1,
        "[request_token_expired]",
    );
}

#[test]
fn the_end_of_the_input_is_an_answer() {
    let fleet = jira();
    let mut typing = asked(&fleet);
    typing.press("\u{4}");
    let run = typing.end();
    assert_eq!(run.code, Some(1), "{}", run.shown());
    assert!(run.stdout.contains("[no_answer]"), "{}", run.shown());
}

#[test]
fn ctrl_c_ends_the_question() {
    let fleet = jira();
    let mut typing = asked(&fleet);
    typing.press("\u{3}");
    let run = typing.end();
    assert_eq!(run.code, Some(130), "{}", run.shown());
    assert!(access_tokens(fleet.first()).is_empty());
    assert!(fleet.dances().is_empty());
}

#[test]
fn the_wrong_account_is_turned_away() {
    let fleet = jira();
    let mut typing = asked(&fleet);
    let (_, query) = allow(fleet.first(), BOB);
    typing.press(&format!("{}\n", verifier(&query)));
    let run = typing.end();
    assert_eq!(run.code, Some(1), "{}", run.shown());
    assert!(run.stdout.contains("[wrong_account]"), "{}", run.shown());
    assert!(access_tokens(fleet.first()).is_empty());
}

/// The browser runs on another machine, where our callback leads nowhere.
#[test]
fn an_address_can_be_pasted_while_a_callback_is_waited_for() {
    let fleet = Fleet::granting([ServerSpec::new(Kind::Jira)]);
    let mut typing = fleet.on_terminal("authorize --no-browser");
    typing.wait_said("oauth_token=");
    let (callback, query) = allow(fleet.first(), ALICE);
    assert!(callback.starts_with("http://127.0.0.1:"), "{callback}");
    typing.press(&format!("{callback}?{query}\n"));
    let run = typing.end();
    assert_eq!(run.code, Some(0), "{}", run.shown());
    assert_eq!(granted_by(fleet.first()), [ALICE]);
}

#[test]
fn whoever_can_type_is_asked_for_the_address_that_did_not_come_back() {
    let fleet = Fleet::granting([ServerSpec::new(Kind::Jira)]).with("BROWSER", "true");
    let mut typing = fleet.on_terminal("authorize");
    typing.wait_said("oauth_token=");
    let (callback, query) = allow(fleet.first(), ALICE);
    typing.wait_said("Paste the whole address");
    typing.press(&format!("{callback}?{query}\n"));
    let run = typing.end();
    assert_eq!(run.code, Some(0), "{}", run.shown());
}

/// A program answers for the user: nothing is asked, and each dance takes its own line.
#[test]
fn a_pipe_gives_a_line_for_each_dance() {
    let fleet = jira();
    fleet.wants(&[ALICE, BOB]);
    let mut running = fleet.start_fed("authorize --oob");
    running.wait_said("sign in as `alice`");
    running.wait_said("oauth_token=");
    let (_, query) = allow(fleet.first(), ALICE);
    running.feed(&format!("\n{}\n", verifier(&query)));
    running.wait_said("sign in as `bob`");
    running.wait_said("oauth_token=");
    let (_, query) = allow(fleet.first(), BOB);
    running.feed(&format!("{REGISTERED}?{query}"));
    let run = running.end();
    assert_eq!(run.code, Some(0), "{}", run.shown());
    assert!(!run.stderr.contains("Verifier, or"), "{}", run.shown());
    fleet.hides_tokens(&run);
    assert_eq!(granted_by(fleet.first()), [ALICE, BOB]);
}

/// What was on the pipe before a page was printed is an answer all the same: a wrong one, and never the next dance's.
#[test]
fn lines_on_a_pipe_are_taken_in_their_order() {
    let fleet = jira();
    fleet.wants(&[ALICE, BOB]);
    let mut running = fleet.start_fed("authorize --oob");
    running.feed("Wrong1\nWrong2\n");
    let run = running.end();
    assert_eq!(run.code, Some(4), "{}", run.shown());
    let refused = run.stderr.matches("[permission_unknown]").count();
    assert_eq!(refused, 2, "{}", run.shown());
    assert!(access_tokens(fleet.first()).is_empty());
}

#[test]
fn a_pipe_that_ends_gives_no_answer() {
    let fleet = jira();
    let run = fleet.start_fed("authorize --oob").end();
    assert_eq!(run.code, Some(1), "{}", run.shown());
    assert!(run.stderr.contains("[no_answer]"), "{}", run.shown());
    assert!(access_tokens(fleet.first()).is_empty());
}

#[test]
fn a_pipe_is_not_read_where_no_input_is_wanted() {
    let fleet = jira();
    let mut running = fleet.start_fed("authorize --oob --no-input");
    running.wait_said("--no-input");
    let run = running.end();
    assert_eq!(run.code, Some(2), "{}", run.shown());
    assert_eq!(fleet.requests(), 0);
}

#[test]
fn no_input_asks_nobody() {
    let fleet = jira();
    for line in ["authorize", "authorize --oob", "authorize --no-browser"] {
        let run = fleet.on_terminal(&format!("{line} --no-input")).end();
        assert_eq!(run.code, Some(2), "{line}: {}", run.shown());
        assert!(run.stdout.contains("--headless"), "{line}: {}", run.shown());
    }
    assert_eq!(fleet.requests(), 0);
}

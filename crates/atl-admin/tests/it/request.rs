//! `request`: who calls, and what that comes to.

use atl_store::GrantState;
use atl_testbed::{
    ALICE, AuthenticatedBy, BOB, Kind, Role, SERVICE_USER, ServerSpec, Setting, User,
};
use serde_json::json;

use crate::{
    env::Run,
    estate::{CONSUMER, Fleet},
    grants::{TTL, row, token},
};

/// Who is signed in, as text.
pub(crate) const WHOAMI: &str = "plugins/servlet/applinks/whoami";

impl Fleet {
    /// One Jira, and a grant of alice.
    pub(crate) fn granted() -> Self {
        let fleet = Self::provisioned();
        fleet.grant(1, ALICE);
        fleet
    }

    /// One Jira that lets the consumer make two-legged calls.
    pub(crate) fn two_legged(impersonation: bool, execute_as: Option<&str>) -> Self {
        let fleet = Self::provisioned();
        fleet.first().edit_consumer(CONSUMER, |consumer| {
            consumer.two_legged = true;
            consumer.impersonation = impersonation;
            consumer.execute_as = execute_as.map(str::to_owned);
        });
        fleet
    }

    /// Runs `request` with these words; no run may show a token.
    #[track_caller]
    pub(crate) fn request(&self, words: &[&str]) -> Run {
        let mut command = self.command("request");
        command.args(words);
        let run = self.env.finish(command);
        self.hides_secrets(&run);
        for number in 1..=3 {
            assert!(!run.stdout.contains(&token(number)), "{}", run.shown());
            assert!(!run.stderr.contains(&token(number)), "{}", run.shown());
        }
        run
    }

    /// Runs `request`, which is to end so, with this on stderr; what it printed.
    #[track_caller]
    pub(crate) fn request_fails(&self, words: &[&str], code: i32, said: &[&str]) -> String {
        let run = self.request(words);
        assert_eq!(run.code, Some(code), "{}", run.shown());
        for text in said {
            assert!(run.stderr.contains(text), "no `{text}`: {}", run.shown());
        }
        let causes = run
            .stderr
            .lines()
            .filter_map(|it| it.strip_prefix("Caused by: "));
        for cause in causes {
            let times = run.stderr.matches(cause).count();
            assert_eq!(times, 1, "`{cause}` is said twice: {}", run.shown());
        }
        run.stdout
    }
}

#[test]
fn a_grant_is_called_with() {
    let fleet = Fleet::granted();
    assert_eq!(fleet.request(&["GET", WHOAMI]).ok(), ALICE);
    let log = fleet.first().log();
    assert_eq!(log.len(), 1);
    assert_eq!(log[0].authenticated_by, AuthenticatedBy::OAuth);
    assert_eq!(log[0].user.as_deref(), Some(ALICE));
    assert_eq!(log[0].header("accept"), Some("application/json"));
}

#[test]
fn every_product_says_who_it_is() {
    for (kind, path) in [
        (Kind::Jira, "rest/api/2/myself"),
        (Kind::Confluence, "rest/api/user/current"),
        (Kind::Bitbucket, "rest/api/1.0/users/alice"),
        (Kind::Bamboo, "rest/api/latest/currentUser"),
    ] {
        let fleet = Fleet::new([ServerSpec::new(kind).context("/context")]);
        assert_eq!(fleet.run("apply").code, Some(0), "{kind:?}");
        fleet.grant(1, ALICE);
        let said = fleet.request(&["GET", path]).ok().to_owned();
        let said: serde_json::Value = serde_json::from_str(&said).unwrap();
        let name = ["name", "username"].map(|key| said[key].clone());
        assert!(name.contains(&json!(ALICE)), "{said}");
    }
}

#[test]
fn one_of_several_users_is_chosen() {
    let fleet = Fleet::granted();
    fleet.grant(2, BOB);
    fleet.forget();
    fleet.request_fails(
        &["GET", WHOAMI],
        2,
        &[
            "grants of several users",
            "choose one with `--as`: `alice`, `bob`",
        ],
    );
    fleet.request_fails(
        &["GET", WHOAMI, "--as", "carol"],
        1,
        &[
            "no grant of `carol` for consumer `deploy-bot` on `jira`",
            "`atl-admin authorize -s jira -c deploy-bot`; there are grants of `alice`, `bob`",
        ],
    );
    assert_eq!(fleet.requests(), 0);
    assert_eq!(fleet.request(&["GET", WHOAMI, "--as", "BOB"]).ok(), BOB);
    assert_eq!(fleet.request(&["--as", ALICE, "GET", WHOAMI]).ok(), ALICE);
}

#[test]
fn without_a_grant_nothing_is_sent() {
    let fleet = Fleet::provisioned();
    let advice = "obtain one with `atl-admin authorize -s jira -c deploy-bot`";
    fleet.request_fails(&["GET", WHOAMI], 1, &["the store has no grant", advice]);
    // A grant of another server, or of another consumer, is none.
    let mut elsewhere = row(fleet.first(), 1, ALICE);
    elsewhere.server_url = "https://jira.example.com".to_owned();
    fleet.keep(&elsewhere);
    let mut others = row(fleet.first(), 2, ALICE);
    others.consumer = "other-bot".to_owned();
    fleet.keep(&others);
    fleet.request_fails(&["GET", WHOAMI], 1, &["the store has no grant", advice]);
    assert_eq!(fleet.requests(), 0);
}

#[test]
fn of_several_grants_of_a_user_the_newest_living_one_is_used() {
    let fleet = Fleet::provisioned();
    fleet.grant(1, ALICE);
    let mut older = row(fleet.first(), 2, "Alice");
    older.issued -= jiff::SignedDuration::from_secs(10);
    fleet.keep(&older);
    let mut dead = row(fleet.first(), 3, ALICE);
    dead.issued += jiff::SignedDuration::from_secs(10);
    dead.state = GrantState::Rejected;
    fleet.keep(&dead);
    assert_eq!(fleet.request(&["GET", WHOAMI]).ok(), ALICE);
}

#[test]
fn a_rejected_token_is_recorded_and_explained() {
    let fleet = Fleet::granted();
    assert!(fleet.first().remove_token(&token(1)));
    let stdout = fleet.request_fails(
        &["GET", WHOAMI],
        4,
        &[
            "`jira` does not accept the grant of `alice` any more: `token_rejected`",
            "`atl-admin authorize -s jira -c deploy-bot --user alice`",
        ],
    );
    assert_eq!(stdout, "oauth_problem=token_rejected");
    let grants = fleet.listed();
    assert_eq!(grants[0]["status"], "rejected");
    let note = grants[0]["note"].as_str().unwrap();
    assert!(note.contains("holds no such token"), "{note}");
    // It is asked again all the same: the server decides.
    fleet.grant(1, ALICE);
    assert_eq!(fleet.request(&["GET", WHOAMI]).ok(), ALICE);
}

#[test]
fn an_expired_token_is_to_be_renewed_as_long_as_that_is_possible() {
    let fleet = Fleet::granted();
    fleet.first().age_tokens(TTL + 1);
    fleet.request_fails(
        &["GET", WHOAMI],
        4,
        &[
            "`token_expired`",
            "renew it with `atl-admin tokens renew -s jira -c deploy-bot --user alice`",
        ],
    );
    assert_eq!(fleet.listed()[0]["status"], "expired");

    let fleet = Fleet::provisioned();
    fleet.grant(2, BOB);
    let mut plain = row(fleet.first(), 2, BOB);
    plain.renewable = false;
    fleet.keep(&plain);
    fleet.first().age_tokens(TTL + 1);
    fleet.request_fails(
        &["GET", WHOAMI],
        4,
        &["authorize -s jira -c deploy-bot --user bob`: it cannot be renewed any more"],
    );
}

#[test]
fn two_legged_calls_need_no_grant_and_no_store_of_them() {
    let fleet = Fleet::two_legged(false, Some(SERVICE_USER));
    let run = fleet.request(&["GET", WHOAMI, "--two-legged"]);
    assert_eq!(run.ok(), SERVICE_USER);
    let log = fleet.first().log();
    assert_eq!(log[0].authenticated_by, AuthenticatedBy::OAuth);
    assert_eq!(log[0].query, "");
}

#[test]
fn two_legged_calls_for_nobody_are_explained_where_the_product_refuses_them() {
    let fleet = Fleet::two_legged(false, None);
    assert_eq!(fleet.request(&["GET", WHOAMI, "--two-legged"]).ok(), "");
    let stdout = fleet.request_fails(
        &["GET", "rest/api/2/myself", "--two-legged"],
        4,
        &[
            "GET rest/api/2/myself was answered with 401: You are not authenticated.",
            "`two_legged: { execute_as: USER }`",
        ],
    );
    assert!(stdout.contains("errorMessages"), "{}", stdout);
}

#[test]
fn a_user_is_impersonated() {
    let fleet = Fleet::two_legged(true, Some(SERVICE_USER));
    for user in [ALICE, BOB] {
        let run = fleet.request(&["GET", WHOAMI, "--impersonate", user]);
        assert_eq!(run.ok(), user);
    }
    let run = fleet.request(&[
        "--two-legged",
        "--impersonate",
        BOB,
        "GET",
        &format!("{WHOAMI}?a=b"),
    ]);
    assert_eq!(run.ok(), BOB);
    let queries: Vec<String> = fleet
        .first()
        .log()
        .into_iter()
        .map(|seen| seen.query)
        .collect();
    assert_eq!(
        queries,
        [
            "xoauth_requestor_id=alice",
            "xoauth_requestor_id=bob",
            "a=b&xoauth_requestor_id=bob"
        ]
    );
}

#[test]
fn impersonation_of_nobody_the_server_knows_is_warned_of() {
    let fleet = Fleet::two_legged(true, None);
    let run = fleet.request(&["GET", WHOAMI, "--impersonate", "J\u{fc}rgen & co"]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), ""));
    assert!(
        run.stderr
            .contains("warning: `jira` answered as to nobody: it has no user `J\u{fc}rgen & co`"),
        "{}",
        run.stderr
    );
    let log = fleet.first().log();
    assert_eq!(log[0].query, "xoauth_requestor_id=J%C3%BCrgen%20%26%20co");
    assert_eq!(log[0].authenticated_by, AuthenticatedBy::OAuth);
}

#[test]
fn a_bare_challenge_is_explained_by_who_called() {
    let fleet = Fleet::granted();
    fleet.request_fails(
        &["GET", WHOAMI, "--two-legged"],
        4,
        &[
            "`jira` accepts the signature of `deploy-bot` and no two-legged calls of it",
            "`two_legged: { enabled: true }`",
        ],
    );
    fleet.request_fails(
        &["GET", WHOAMI, "--impersonate", ALICE],
        4,
        &[
            "does not let it act as `alice`",
            "`two_legged: { impersonation: true }`",
        ],
    );
    fleet.first().put_user(User {
        active: false,
        ..User::new(ALICE, "password", Role::User)
    });
    let stdout = fleet.request_fails(
        &["GET", WHOAMI],
        4,
        &[
            "`jira` accepts the grant of `alice` and does not let the user in",
            "deactivated or has no licence",
        ],
    );
    assert_eq!(stdout, "");
}

#[test]
fn a_call_that_was_taken_for_an_anonymous_one_is_warned_of() {
    let fleet = Fleet::granted();
    // OAuth leaves this user agent alone (protocol.md 2.8).
    let run = fleet.request(&["GET", WHOAMI, "-H", "User-Agent: WebDAVFS/1"]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), ""));
    assert!(
        run.stderr.contains("took this call for an anonymous one"),
        "{}",
        run.stderr
    );
    fleet.request_fails(
        &["GET", "rest/api/2/myself", "-H", "User-Agent: WebDAVFS/1"],
        4,
        &["the call was taken for an anonymous one"],
    );
}

#[test]
fn the_url_that_is_signed_may_be_another_than_the_one_connected_to() {
    let fleet = Fleet::granted();
    let server = fleet.first();
    server.set(Setting::SeenAs(Some("https://internal:7999".to_owned())));
    let stdout = fleet.request_fails(
        &["GET", &format!("{WHOAMI}?a=b+c"), "-i"],
        4,
        &[
            "signature_invalid",
            "the server saw the scheme `https`, `http` was signed",
            "`sign_as`",
        ],
    );
    assert!(stdout.contains("oauth_signature_base_string"), "{}", stdout);
    assert!(stdout.contains("[redacted]"), "{}", stdout);
    fleet.add_to("jira", "sign_as: https://internal:7999");
    assert_eq!(
        fleet.request(&["GET", &format!("{WHOAMI}?a=b+c")]).ok(),
        ALICE
    );
}

#[test]
fn a_trace_has_the_base_string_and_no_token() {
    let fleet = Fleet::granted();
    let run = fleet.request(&["GET", &format!("{WHOAMI}?a=b+c"), "--trace-http"]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), ALICE));
    assert!(
        run.stderr.contains("a%3Db%2520c%26oauth_consumer_key"),
        "{}",
        run.stderr
    );
    assert!(
        run.stderr.contains("oauth_token%3Dredacted"),
        "{}",
        run.stderr
    );
    assert!(
        run.stderr.contains("oauth_token=[redacted]"),
        "{}",
        run.stderr
    );
    let server = fleet.first();
    server.set(Setting::SeenAs(Some("https://internal:7999".to_owned())));
    let run = fleet.request(&["GET", WHOAMI, "--trace-http"]);
    assert_eq!(run.code, Some(4), "{}", run.shown());
    assert!(
        run.stderr
            .contains("oauth_signature_base_string=[redacted]"),
        "{}",
        run.stderr
    );
}

//! Answers told to a responder: what counts as acceptance, and what does not.

use atl_client::{Client, Failure};
use atl_oauth::{ConsumerSigner, KeyState, OauthError, ProblemKind, Unclear, look, prove, rfc5849};
use url::Url;

use crate::{
    KEY, client,
    responder::{Answer, Asked, Responder},
};

type Proof = fn(&Client, &ConsumerSigner<'_>) -> Result<KeyState, OauthError>;

fn answer(text: &str) -> Answer {
    let text = text.to_owned();
    Box::new(move |_| text.clone())
}

/// Asks once with each answer in turn.
fn ask(
    proof: Proof,
    sign_as: Option<&str>,
    answers: Vec<Answer>,
) -> (Result<KeyState, OauthError>, Vec<Asked>) {
    let responder = Responder::start(answers);
    let client = client(&responder.url, sign_as);
    let state = proof(&client, &ConsumerSigner::new("deploy-bot", &*KEY));
    (state, responder.asked())
}

fn state(proof: Proof, text: &str) -> Result<KeyState, OauthError> {
    ask(proof, None, vec![answer(text)]).0
}

fn check_accepted(proof: Proof, text: &str) {
    assert_eq!(state(proof, text).unwrap(), KeyState::Accepted, "{text}");
}

fn check_refused(proof: Proof, text: &str, expected: &ProblemKind) {
    match state(proof, text).unwrap() {
        KeyState::Refused(problem) => assert_eq!(&problem.kind, expected, "{text}"),
        other => panic!("{text}: {other:?}"),
    }
}

fn check_unclear(proof: Proof, text: &str, expected: Unclear) {
    let error = state(proof, text).unwrap_err();
    let OauthError::Unclear { reason, server, .. } = &error else {
        panic!("{text}: {error:?}")
    };
    assert_eq!((*reason, server.as_str()), (expected, "jira"), "{text}");
    assert_eq!(error.failure(), Failure::Unreachable);
    assert_eq!(error.code(), "answer_unclear");
    assert!(!error.advice().is_empty());
}

const CHALLENGE: &str = r#"WWW-Authenticate: OAuth realm="http%3A%2F%2Fjira""#;

#[test]
fn looking_is_a_two_legged_get_of_whoami() {
    let (state, asked) = ask(
        look,
        None,
        vec![answer("200 OK\nContent-Type: text/plain\n\n")],
    );
    assert_eq!(state.unwrap(), KeyState::Accepted);
    assert_eq!(
        asked[0].line,
        "GET /jira/plugins/servlet/applinks/whoami HTTP/1.1"
    );
    let oauth = asked[0].oauth();
    assert!(
        oauth.contains(&("oauth_token".to_owned(), String::new())),
        "{oauth:?}"
    );
    assert_eq!(asked[0].header("cookie"), None);
}

#[test]
fn proving_is_a_request_token_call_without_body() {
    let token = "200 OK\nContent-Type: text/plain\n\noauth_token=a&oauth_token_secret=b&oauth_callback_confirmed=true\n";
    let (state, asked) = ask(prove, None, vec![answer(token)]);
    assert_eq!(state.unwrap(), KeyState::Accepted);
    assert_eq!(
        asked[0].line,
        "POST /jira/plugins/servlet/oauth/request-token HTTP/1.1"
    );
    let oauth = asked[0].oauth();
    assert!(
        oauth.contains(&("oauth_callback".to_owned(), "oob".to_owned())),
        "{oauth:?}"
    );
    assert!(
        !oauth.iter().any(|(name, _)| name == "oauth_token"),
        "{oauth:?}"
    );
    assert_eq!(asked[0].header("content-length").unwrap_or("0"), "0");
}

#[test]
fn a_look_is_accepted_by_a_user_by_nobody_and_by_a_bare_challenge() {
    check_accepted(
        look,
        "200 OK\nContent-Type: text/plain;charset=UTF-8\n\nsvc-deploy\n",
    );
    check_accepted(look, "200 OK\n\n");
    check_accepted(look, &format!("401 Unauthorized\n{CHALLENGE}\n\n"));
    check_accepted(
        look,
        &format!("401 Unauthorized\nWWW-Authenticate: Basic realm=\"x\"\n{CHALLENGE}\n\n"),
    );
}

#[test]
fn a_look_that_says_nothing_is_no_acceptance() {
    check_unclear(
        look,
        "200 OK\nContent-Type: text/html\n\n<html>Log in</html>",
        Unclear::Page,
    );
    check_unclear(look, "200 OK\nContent-Type: text/html\n\n", Unclear::Page);
    check_unclear(
        look,
        "200 OK\nContent-Type: text/plain\n\n<!DOCTYPE html>",
        Unclear::Page,
    );
    check_unclear(
        look,
        "200 OK\nContent-Type: text/plain\n\nwelcome\nto our proxy",
        Unclear::NotAUser,
    );
    check_unclear(
        look,
        "200 OK\nContent-Type: application/json\n\n{\"user\":null}",
        Unclear::NotAUser,
    );
    check_unclear(look, "401 Unauthorized\n\n", Unclear::NoChallenge);
    check_unclear(
        look,
        "401 Unauthorized\nWWW-Authenticate: Basic realm=\"x\"\n\n",
        Unclear::NoChallenge,
    );
    check_unclear(
        look,
        &format!("401 Unauthorized\n{CHALLENGE}\n\nplease log in"),
        Unclear::Unexplained,
    );
    check_unclear(look, "403 Forbidden\n\n<html>blocked</html>", Unclear::Page);
    check_unclear(look, "404 Not Found\n\n", Unclear::Status);
    check_unclear(look, "204 No Content", Unclear::Status);
}

#[test]
fn a_proof_that_says_nothing_is_no_acceptance() {
    check_unclear(prove, "200 OK\n\n", Unclear::NoToken);
    check_unclear(
        prove,
        "200 OK\nContent-Type: text/html\n\n<html>oauth_token=a</html>",
        Unclear::Page,
    );
    check_unclear(
        prove,
        "200 OK\n\noauth_token=&oauth_token_secret=b&oauth_callback_confirmed=true",
        Unclear::NoToken,
    );
    check_unclear(
        prove,
        "200 OK\n\noauth_token=a&oauth_callback_confirmed=true",
        Unclear::NoToken,
    );
    check_unclear(
        prove,
        "200 OK\n\noauth_token=a&oauth_token_secret=b",
        Unclear::NotConfirmed,
    );
    check_unclear(
        prove,
        &format!("401 Unauthorized\n{CHALLENGE}\n\n"),
        Unclear::Unexplained,
    );
    check_unclear(prove, "500 Internal Server Error\n\n", Unclear::Failing);
}

#[test]
fn problems_are_told_apart() {
    for proof in [look as Proof, prove] {
        let unknown =
            format!("401 Unauthorized\n{CHALLENGE}, oauth_problem=\"consumer_key_unknown\"\n\n");
        assert_eq!(state(proof, &unknown).unwrap(), KeyState::ConsumerUnknown);
        check_refused(
            proof,
            "401 Unauthorized\n\noauth_problem=permission_denied",
            &ProblemKind::PermissionDenied,
        );
        check_refused(
            proof,
            &format!(
                "403 Forbidden\nContent-Type: text/html\n{CHALLENGE}, oauth_problem=\"blocked\"\n\n<html>"
            ),
            &ProblemKind::Other("blocked".to_owned()),
        );
    }
}

#[test]
fn a_used_nonce_is_tried_once_more_with_a_fresh_one() {
    let used = || answer("401 Unauthorized\n\noauth_problem=nonce_used");
    let (state, asked) = ask(look, None, vec![used(), answer("200 OK\n\n")]);
    assert_eq!(state.unwrap(), KeyState::Accepted);
    let nonce = |asked: &Asked| {
        asked
            .oauth()
            .into_iter()
            .find(|(name, _)| name == "oauth_nonce")
    };
    assert_ne!(nonce(&asked[0]), nonce(&asked[1]));

    let (state, _asked) = ask(prove, None, vec![used(), used()]);
    let KeyState::Refused(problem) = state.unwrap() else {
        panic!("two used nonces were accepted")
    };
    assert_eq!(problem.kind, ProblemKind::NonceUsed);
}

/// Answers as a server that takes its own base URL for `origin`.
fn signature_invalid(origin: &'static str) -> Answer {
    Box::new(move |asked| {
        let (method, path) = asked.line.split_once(' ').unwrap();
        let path = path.strip_suffix(" HTTP/1.1").unwrap();
        let url = Url::parse(&format!("{origin}{path}")).unwrap();
        let base_string =
            rfc5849::base_string(method, &url, &rfc5849::collect(&url, &[], &asked.oauth()));
        format!(
            "401 Unauthorized\n\noauth_problem=signature_invalid&oauth_signature_base_string={}",
            rfc5849::percent_encode(&base_string)
        )
    })
}

#[test]
fn the_signature_is_made_over_the_address_that_the_server_takes_for_its_own() {
    let sign_as = Some("https://jira.example.com/jira");
    for proof in [look as Proof, prove] {
        let difference = |origin| {
            let (state, _asked) = ask(proof, sign_as, vec![signature_invalid(origin)]);
            let KeyState::Refused(problem) = state.unwrap() else {
                panic!("an invalid signature was accepted")
            };
            problem.base_string_difference.unwrap()
        };
        assert_eq!(
            difference("https://jira.example.com"),
            "the base strings are equal, so the server holds another public key"
        );
        assert_eq!(
            difference("https://jira.internal"),
            "the server saw the host `jira.internal`, `jira.example.com` was signed"
        );
    }
}

#[test]
fn the_date_of_the_server_tells_the_skew_where_nothing_else_does() {
    let text =
        "400 Bad Request\nDate: Sun, 06 Nov 1994 08:49:37 GMT\n\noauth_problem=timestamp_refused";
    let KeyState::Refused(problem) = state(look, text).unwrap() else {
        panic!("a refused timestamp was accepted")
    };
    assert!(problem.clock_skew.unwrap() < -600_000_000, "{problem:?}");
    assert!(problem.advice().contains("behind"), "{}", problem.advice());
}

#[test]
fn a_server_that_is_not_there_is_an_error_of_the_client() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = prove(
        &client(&url, None),
        &ConsumerSigner::new("deploy-bot", &*KEY),
    )
    .unwrap_err();
    assert!(matches!(error, OauthError::Client(_)), "{error:?}");
    assert_eq!(error.failure(), Failure::Unreachable);
}

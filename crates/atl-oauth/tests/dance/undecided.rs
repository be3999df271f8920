//! Asking what a user has decided elsewhere, and exchanging before, after and in spite of it.

use atl_client::Failure;
use atl_oauth::{Approval, Decision, OauthError, Pending, REQUEST_TOKEN_LIFETIME};
use atl_testbed::{ALICE, Fault, Matcher, Server, Setting, TokenKind, When};
use jiff::Timestamp;
use secrecy::ExposeSecret as _;

use crate::rig::{CALLBACK, ask, caller, jira, signer};

fn poll(server: &Server, pending: &Pending) -> Result<Decision, OauthError> {
    pending.poll(&caller(&server.base_url()), &signer())
}

/// What comes of an exchange with this verifier.
fn exchange(server: &Server, pending: Pending, verifier: &str) -> OauthError {
    let approved = pending.decided(Approval::of(verifier)).unwrap();
    approved
        .exchange(&caller(&server.base_url()), &signer())
        .unwrap_err()
}

#[test]
fn polling_tells_what_was_decided_and_uses_nothing_up() {
    let estate = jira();
    let server = estate.server(0);
    let pending = ask(server, CALLBACK);
    for _ in 0..3 {
        assert_eq!(poll(server, &pending).unwrap(), Decision::Undecided);
    }
    let verifier = server
        .approve(pending.token().expose_secret(), ALICE)
        .unwrap();
    for _ in 0..2 {
        assert_eq!(poll(server, &pending).unwrap(), Decision::Approved);
    }
    let approved = pending.decided(Approval::of(&verifier)).unwrap();
    approved
        .exchange(&caller(&server.base_url()), &signer())
        .unwrap();

    let denied = ask(server, CALLBACK);
    assert!(server.deny(denied.token().expose_secret()));
    assert_eq!(poll(server, &denied).unwrap(), Decision::Denied);

    let unnamed = ask(server, CALLBACK);
    let answer = Fault::Answer(400, "oauth_problem=parameter_absent".to_owned());
    server.set(answer.on(Matcher::path("access-token")));
    assert_eq!(poll(server, &unnamed).unwrap(), Decision::Approved);
    server.clear_faults();

    let late = ask(server, CALLBACK);
    server.age_tokens(601);
    assert_eq!(poll(server, &late).unwrap(), Decision::Expired);
}

#[test]
fn polling_a_token_that_is_not_there_is_an_error() {
    let estate = jira();
    let server = estate.server(0);
    let pending = ask(server, CALLBACK);
    assert!(server.remove_token(pending.token().expose_secret()));
    assert_eq!(poll(server, &pending).unwrap_err().code(), "token_rejected");
    server.set(Fault::Answer(200, String::new()).on(Matcher::path("access-token")));
    assert_eq!(poll(server, &pending).unwrap_err().code(), "answer_unclear");
}

#[test]
fn the_end_of_a_request_token_is_known_beforehand() {
    let estate = jira();
    let before = Timestamp::now().as_second() + REQUEST_TOKEN_LIFETIME;
    let expires = ask(estate.server(0), CALLBACK).expires().as_second();
    let after = Timestamp::now().as_second() + REQUEST_TOKEN_LIFETIME;
    assert!(
        (before..=after).contains(&expires),
        "{before} {expires} {after}"
    );
}

#[test]
fn a_denial_ends_the_dance() {
    let estate = jira();
    let server = estate.server(0);
    let pending = ask(server, CALLBACK);
    let error = pending.decided(Approval::of("denied")).unwrap_err();
    assert_eq!(
        (error.code(), error.failure()),
        ("denied", Failure::Refused)
    );

    let pending = ask(server, CALLBACK);
    assert!(server.deny(pending.token().expose_secret()));
    let error = exchange(server, pending, "a1B2c3");
    assert!(matches!(error, OauthError::Denied { .. }), "{error:?}");
}

#[test]
fn a_wrong_verifier_is_refused_and_the_right_one_still_works() {
    let estate = jira();
    let server = estate.server(0);
    let pending = ask(server, CALLBACK);
    let token = pending.token().clone();
    let verifier = server.approve(token.expose_secret(), ALICE).unwrap();
    let approved = pending.decided(Approval::of("wrong1")).unwrap();
    let client = caller(&server.base_url());
    let error = approved.exchange(&client, &signer()).unwrap_err();
    assert!(
        matches!(error, OauthError::VerifierRefused { .. }),
        "{error:?}"
    );
    assert!(!error.may_have_happened());
    assert!(
        server
            .tokens()
            .iter()
            .any(|token| token.kind == TokenKind::Request)
    );
    assert!(!format!("{error} {error:?} {}", error.advice()).contains(&verifier));
}

#[test]
fn a_request_token_that_expired_between_approval_and_exchange_is_named() {
    let estate = jira();
    let server = estate.server(0);
    server.set(Setting::RequestTokenTtl(60));
    let pending = ask(server, CALLBACK);
    let verifier = server
        .approve(pending.token().expose_secret(), ALICE)
        .unwrap();
    server.age_tokens(61);
    let error = exchange(server, pending, &verifier);
    assert!(
        matches!(error, OauthError::RequestTokenExpired { .. }),
        "{error:?}"
    );
    assert_eq!(error.failure(), Failure::Failed);
}

#[test]
fn a_lost_answer_of_the_exchange_may_have_happened() {
    let estate = jira();
    let server = estate.server(0);
    for (fault, happened, granted) in [
        (Fault::Reset(When::After), true, 1),
        (Fault::Truncate, true, 2),
        (Fault::Reset(When::Before), true, 2),
        (Fault::Unavailable, true, 2),
        (
            Fault::Answer(400, "oauth_problem=parameter_absent".to_owned()),
            false,
            2,
        ),
    ] {
        let pending = ask(server, CALLBACK);
        let verifier = server
            .approve(pending.token().expose_secret(), ALICE)
            .unwrap();
        server.clear_log();
        server.set(fault.clone().on(Matcher::path("access-token")));
        let error = exchange(server, pending, &verifier);
        assert_eq!(error.may_have_happened(), happened, "{fault:?}: {error:?}");
        assert_eq!(server.log().len(), 1, "{fault:?}: an exchange is sent once");
        server.clear_faults();
        let access = server
            .tokens()
            .into_iter()
            .filter(|token| token.kind == TokenKind::Access);
        assert_eq!(access.count(), granted, "{fault:?}");
    }
}

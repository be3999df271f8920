//! What becomes of access tokens: renewal, and the states that a server tells.

use atl_oauth::{AccessToken, OauthError, TokenState, renew, token_id};
use atl_testbed::{ALICE, ALICE_PASSWORD, Fault, Matcher, Role, Server, Setting, User, When};
use secrecy::{ExposeSecret as _, SecretString};

use crate::rig::{CALLBACK, active, caller, dance, jira, signer, state};

fn renewed(server: &Server, token: &AccessToken) -> Result<AccessToken, OauthError> {
    let handle = token.session_handle.as_ref().unwrap();
    renew(&caller(&server.base_url()), &signer(), &token.token, handle)
}

fn rejected(server: &Server, token: &AccessToken) -> String {
    match state(server, token) {
        TokenState::Rejected(problem) => problem.code().to_owned(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_server_says_how_long_a_grant_lives() {
    let estate = jira();
    let server = estate.server(0);
    server.set(Setting::AccessTokenTtl(3600));
    server.set(Setting::SessionTtl(Some(7200)));
    let token = dance(server, CALLBACK);
    assert_eq!(
        (token.expires_in, token.session_expires_in),
        (Some(3600), Some(7200))
    );
}

#[test]
fn a_grant_renewed_twice_works_and_the_old_tokens_are_dead() {
    let estate = jira();
    let server = estate.server(0);
    let first = dance(server, CALLBACK);
    let second = renewed(server, &first).unwrap();
    let third = renewed(server, &second).unwrap();
    assert_eq!(state(server, &third), active());
    for old in [&first, &second] {
        assert_eq!(rejected(server, old), "token_rejected");
        let error = renewed(server, old).unwrap_err();
        assert_eq!(error.code(), "token_rejected");
        assert!(!error.may_have_happened());
    }
    assert_eq!(server.tokens().len(), 1);
}

#[test]
fn an_expired_token_is_renewed_while_its_session_lasts() {
    let estate = jira();
    let server = estate.server(0);
    server.set(Setting::AccessTokenTtl(60));
    server.set(Setting::SessionTtl(Some(120)));
    let token = dance(server, CALLBACK);
    server.age_tokens(61);
    assert_eq!(state(server, &token), TokenState::Expired);
    let token = renewed(server, &token).unwrap();
    assert_eq!(state(server, &token), active());
    server.age_tokens(121);
    let error = renewed(server, &token).unwrap_err();
    assert_eq!(error.code(), "permission_denied");
    assert!(
        error.advice().contains("atl-admin authorize"),
        "{}",
        error.advice()
    );
}

#[test]
fn a_wrong_session_handle_renews_nothing() {
    let estate = jira();
    let server = estate.server(0);
    let mut token = dance(server, CALLBACK);
    let handle = token.session_handle.replace("wrong".into()).unwrap();
    assert_eq!(
        renewed(server, &token).unwrap_err().code(),
        "token_rejected"
    );
    assert_eq!(state(server, &token), active());
    token.session_handle = Some(handle);
    assert_eq!(state(server, &renewed(server, &token).unwrap()), active());
}

#[test]
fn after_a_lost_answer_of_a_renewal_the_old_token_tells() {
    let estate = jira();
    let server = estate.server(0);
    for (when, after) in [(When::Before, active()), (When::After, TokenState::Expired)] {
        let token = dance(server, CALLBACK);
        server.set(
            Fault::Reset(when)
                .on(Matcher::path("access-token"))
                .times(1),
        );
        let error = renewed(server, &token).unwrap_err();
        assert!(error.may_have_happened(), "{error:?}");
        match after {
            TokenState::Active { .. } => assert_eq!(state(server, &token), after),
            _ => assert_eq!(rejected(server, &token), "token_rejected"),
        }
    }
}

#[test]
fn a_token_is_told_to_be_rejected_whatever_took_it() {
    let estate = jira();
    let server = estate.server(0);
    let token = dance(server, CALLBACK);
    assert_eq!(state(server, &token), active());
    server.edit_consumer("deploy-bot", |consumer| consumer.three_legged = false);
    assert_eq!(rejected(server, &token), "permission_denied");
    server.edit_consumer("deploy-bot", |consumer| consumer.three_legged = true);
    assert!(server.remove_token(token.token.expose_secret()));
    assert_eq!(rejected(server, &token), "token_rejected");

    let token = dance(server, CALLBACK);
    server.put_user(User {
        active: false,
        ..User::new(ALICE, ALICE_PASSWORD, Role::User)
    });
    assert_eq!(state(server, &token), TokenState::NotAllowed);
    server.remove_user(ALICE);
    assert_eq!(rejected(server, &token), "token_rejected");
}

#[test]
fn an_id_is_the_start_of_the_digest() {
    // printf hunter2 | sha256sum
    let token = SecretString::from("hunter2");
    assert_eq!(token_id(&token), "f52fbd32b2b3");
}

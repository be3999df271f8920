//! Revoking one's own grants: signed with the token itself, and signed in.

use atl_client::{Failure, Login};
use atl_keys::{KeySize, Keypair};
use atl_oauth::{ConsumerSigner, TokenState, token_id, token_state};
use atl_testbed::{
    ADMIN, ADMIN_PASSWORD, ALICE, ALICE_PASSWORD, Fault, Generation, Matcher, Role, Server,
    Setting, Token, User, When,
};
use atl_tokens::{Revoked, TokensError, Unexpected, revoke_signed, revoke_signed_in};
use secrecy::SecretString;

use crate::{FIRST, OF_BOB, SECOND, alive, anonymous, fill, jira, products, signed_in, signer};

const PATH: &str = "users/access-tokens";

fn token(value: &str) -> SecretString {
    value.into()
}

fn revoke(server: &Server, value: &str) -> Result<Revoked, TokensError> {
    revoke_signed(&anonymous(server), &signer(), &token(value))
}

fn revoke_as_alice(server: &Server, value: &str) -> Result<(), TokensError> {
    let alice = signed_in(server, ALICE, ALICE_PASSWORD, Login::Auto);
    revoke_signed_in(&alice, &token(value))
}

/// Nothing that is shown of an error has the token.
fn check_silent(error: &TokensError) {
    let shown = format!("{error} {error:?} {}", error.advice());
    assert!(!shown.contains(FIRST), "{shown}");
}

#[test]
fn a_token_revokes_itself_on_every_product_and_generation() {
    for generation in [
        Generation::Legacy,
        Generation::Transitional,
        Generation::Current,
        Generation::Next,
    ] {
        let estate = products(generation);
        for server in estate.servers() {
            fill(server);
            server.set(Setting::XsrfFilter(true));
            let name = format!("{} {generation:?}", server.name());
            assert_eq!(revoke(server, FIRST).unwrap(), Revoked::Now, "{name}");
            assert_eq!(alive(server), [OF_BOB, SECOND], "{name}");
            assert_eq!(revoke(server, FIRST).unwrap(), Revoked::AlreadyGone);
            let state = token_state(&anonymous(server), &signer(), &token(FIRST)).unwrap();
            assert!(
                matches!(state, TokenState::Rejected(_)),
                "{name}: {state:?}"
            );
        }
    }
}

#[test]
fn a_user_revokes_on_every_product_however_one_signs_in() {
    for generation in [Generation::Current, Generation::Next] {
        let estate = products(generation);
        for server in estate.servers() {
            fill(server);
            server.set(Setting::XsrfFilter(true));
            for (login, value) in [(Login::Auto, FIRST), (Login::Session, SECOND)] {
                let alice = signed_in(server, ALICE, ALICE_PASSWORD, login);
                for again in [false, true] {
                    revoke_signed_in(&alice, &token(value)).unwrap_or_else(|error| {
                        panic!("{} {login:?} {again}: {error}", server.name())
                    });
                }
            }
            assert_eq!(alive(server), [OF_BOB], "{}", server.name());
        }
    }
}

#[test]
fn a_grant_is_revoked_by_its_user_alone() {
    let estate = jira();
    let server = estate.server(0);
    fill(server);
    let admin = signed_in(server, ADMIN, ADMIN_PASSWORD, Login::Auto);
    let error = revoke_signed_in(&admin, &token(FIRST)).unwrap_err();
    assert_eq!(error.code(), "grant_of_another_user");
    assert_eq!(error.failure(), Failure::Refused);
    let id = token_id(&token(FIRST));
    assert_eq!(
        error.to_string(),
        format!("jira: `admin` may not revoke grant {id}: another user gave it")
    );
    check_silent(&error);
    assert_eq!(alive(server).len(), 3);
}

#[test]
fn nobody_revokes_signed_in() {
    let estate = jira();
    let server = estate.server(0);
    let error = revoke_signed_in(&anonymous(server), &token(FIRST)).unwrap_err();
    assert_eq!(error.code(), "no_credentials");
    let sent = server.log().iter().any(|it| it.path.contains(PATH));
    assert!(!sent);
}

#[test]
fn an_expired_token_cannot_revoke_itself_and_its_user_can() {
    let estate = jira();
    let server = estate.server(0);
    fill(server);
    server.add_token(Token {
        ttl: 60,
        ..Token::access(FIRST, "deploy-bot", "alice")
    });
    let error = revoke(server, FIRST).unwrap_err();
    assert_eq!(error.code(), "grant_expired");
    assert_eq!(error.failure(), Failure::Refused);
    assert!(!error.may_have_happened());
    assert!(error.advice().contains(PATH), "{}", error.advice());
    check_silent(&error);
    assert_eq!(alive(server).len(), 3);

    revoke_as_alice(server, FIRST).unwrap();
    assert_eq!(alive(server), [OF_BOB, SECOND]);
}

#[test]
fn a_grant_goes_with_its_consumer_and_its_user() {
    let estate = jira();
    let server = estate.server(0);
    fill(server);
    server.remove_user("alice");
    assert_eq!(revoke(server, FIRST).unwrap(), Revoked::AlreadyGone);
    server.remove_consumer("deploy-bot");
    assert_eq!(revoke(server, OF_BOB).unwrap(), Revoked::AlreadyGone);
}

/// Left over where a link was made anew with another consumer key: the server still lists it (protocol.md 3.5).
#[test]
fn a_grant_without_consumer_is_not_taken_for_gone() {
    let estate = jira();
    let server = estate.server(0);
    server.add_token(Token::access(FIRST, "deploy-bot", "alice"));
    let error = revoke(server, FIRST).unwrap_err();
    assert_eq!(error.code(), "consumer_key_unknown");
    assert_eq!(alive(server), [FIRST]);
    revoke_as_alice(server, FIRST).unwrap();
    assert!(alive(server).is_empty());
}

#[test]
fn a_signature_that_is_refused_says_nothing_of_the_grant() {
    let estate = jira();
    let server = estate.server(0);
    fill(server);
    let other = Keypair::generate(KeySize::Bits2048).unwrap();
    let wrong = ConsumerSigner::new("deploy-bot", &other);
    let error = revoke_signed(&anonymous(server), &wrong, &token(FIRST)).unwrap_err();
    assert_eq!(error.code(), "signature_invalid");
    check_silent(&error);

    server.set(Setting::ClockSkew(3600));
    let error = revoke(server, FIRST).unwrap_err();
    assert_eq!(error.code(), "timestamp_refused");
    assert_eq!(error.failure(), Failure::Refused);
    assert_eq!(alive(server).len(), 3);
}

#[test]
fn a_user_who_may_not_sign_in_keeps_the_grant() {
    let estate = jira();
    let server = estate.server(0);
    fill(server);
    let mut alice = User::new(ALICE, ALICE_PASSWORD, Role::User);
    alice.active = false;
    server.put_user(alice);
    let error = revoke(server, FIRST).unwrap_err();
    let TokensError::NotRevoked {
        status: 401,
        got: Unexpected::Nothing,
        ..
    } = &error
    else {
        panic!("{error:?}");
    };
    assert_eq!(error.failure(), Failure::Refused);
    assert!(error.advice().contains("delete the application link"));
    assert_eq!(alive(server).len(), 3);
}

#[test]
fn where_the_handler_has_gone_the_page_is_named() {
    let estate = jira();
    let server = estate.server(0);
    fill(server);
    let page = format!(
        "{}/plugins/servlet/oauth/users/access-tokens",
        server.base_url()
    );
    for status in [404, 405] {
        server.set(Setting::NoRevocation(Some(status)));
        let errors = [
            revoke(server, FIRST).unwrap_err(),
            revoke_as_alice(server, FIRST).unwrap_err(),
        ];
        for error in errors {
            assert_eq!(error.code(), "not_revoked");
            assert_eq!(error.failure(), Failure::Failed);
            assert!(!error.may_have_happened());
            assert!(
                error
                    .to_string()
                    .contains(&format!("with {status} and a page"))
            );
            assert!(error.advice().ends_with(&page), "{}", error.advice());
            check_silent(&error);
        }
    }
    assert_eq!(alive(server).len(), 3);
}

/// Only 200 with nothing says that it is revoked; what else looks like success may have been one.
#[test]
fn what_is_not_understood_may_have_happened() {
    let estate = jira();
    let server = estate.server(0);
    fill(server);
    let page = format!("<title>Revoked {FIRST}</title>");
    for (status, body, said) in [
        (
            200,
            page.as_str(),
            "200 and a page titled `Revoked [redacted]`",
        ),
        (200, "<p>", "200 and a page"),
        (200, "OK", "200 and text that says nothing known"),
        (204, "", "204 and nothing else"),
        (500, "", "500 and nothing else"),
    ] {
        server.clear_faults();
        server.set(Fault::Answer(status, body.to_owned()).on(Matcher::path(PATH)));
        let errors = [
            revoke(server, FIRST).unwrap_err(),
            revoke_as_alice(server, FIRST).unwrap_err(),
        ];
        for error in errors {
            assert!(error.to_string().ends_with(said), "{error}");
            assert_eq!(error.failure(), Failure::Unreachable);
            assert!(error.may_have_happened());
            assert!(
                error.advice().contains("tokens verify"),
                "{}",
                error.advice()
            );
            check_silent(&error);
        }
    }
}

#[test]
fn a_lost_answer_is_not_asked_for_again() {
    let estate = jira();
    let server = estate.server(0);
    fill(server);
    server.set(Fault::Reset(When::After).on(Matcher::path(PATH)).times(1));
    let error = revoke(server, FIRST).unwrap_err();
    assert!(error.may_have_happened(), "{error}");
    assert_eq!(server.log().len(), 1);
    check_silent(&error);
    assert_eq!(revoke(server, FIRST).unwrap(), Revoked::AlreadyGone);
}

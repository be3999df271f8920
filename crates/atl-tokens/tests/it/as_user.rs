//! Grants ended as the users who gave them.

use atl_client::{Failure, Login};
use atl_testbed::{
    ADMIN, ADMIN_PASSWORD, ALICE, ALICE_PASSWORD, BOB, BOB_PASSWORD, Fault, Generation, Matcher,
    OAuth2Grant, Role, Server, Setting, User,
};
use atl_tokens::{
    PageAs, Revoked, TokensError, find_token, read_page, read_page_as, revoke_as, revoke_oauth2_as,
    revoke_oauth2_signed_in,
};
use secrecy::ExposeSecret as _;

use crate::{
    FIRST, OF_BOB, SECOND, add_auditor, alive, anonymous, auditor, fill, jira, products, signed_in,
};

const PATH: &str = "users/access-tokens";

fn revoke(server: &Server, user: &str, value: &str) -> Result<Revoked, TokensError> {
    revoke_as(&anonymous(server), &auditor(), user, &value.into())
}

fn page(server: &Server, user: &str) -> Result<PageAs, TokensError> {
    read_page_as(&anonymous(server), &auditor(), user)
}

#[test]
fn a_grant_that_an_inventory_names_is_found_on_the_page_again_and_ended() {
    for generation in [Generation::Legacy, Generation::Current, Generation::Next] {
        let estate = products(generation);
        for server in estate.servers() {
            let name = format!("{} {generation:?}", server.name());
            fill(server);
            add_auditor(server);
            server.set(Setting::XsrfFilter(true));
            let PageAs::Of { user, rows } = page(server, "alice").unwrap() else {
                panic!("{name}");
            };
            assert_eq!((&*user, rows.len()), (ALICE, 2), "{name}");
            let id = rows[1].id(&server.base_url());
            let token = find_token(&rows, &id).unwrap();
            assert_eq!(token.expose_secret(), SECOND);
            assert!(find_token(&rows, "000000000000").is_none());

            assert_eq!(
                revoke(server, ALICE, SECOND).unwrap(),
                Revoked::Now,
                "{name}"
            );
            assert_eq!(alive(server), [FIRST, OF_BOB], "{name}");
            // The server does not say that it was gone.
            assert_eq!(
                revoke(server, ALICE, SECOND).unwrap(),
                Revoked::Now,
                "{name}"
            );
            let PageAs::Of { rows, .. } = page(server, ALICE).unwrap() else {
                panic!("{name}");
            };
            assert!(find_token(&rows, &id).is_none(), "{name}");
        }
    }
}

#[test]
fn a_grant_is_ended_as_its_user_and_as_nobody_else() {
    let estate = jira();
    let server = estate.server(0);
    fill(server);
    add_auditor(server);
    let refused = |user: &str, code: &str, failure: Failure| {
        let error = revoke(server, user, FIRST).unwrap_err();
        assert_eq!(
            (error.code(), error.failure()),
            (code, failure),
            "{user}: {error}"
        );
        let shown = format!("{error} {error:?} {}", error.advice());
        assert!(!shown.contains(FIRST), "{shown}");
        assert!(!error.may_have_happened());
    };
    refused(BOB, "grant_of_another_user", Failure::Refused);
    refused("nobody-here", "unknown_user", Failure::Failed);
    refused("", "nobody_named", Failure::Failed);
    server.put_user(User {
        active: false,
        ..User::new(ALICE, ALICE_PASSWORD, Role::User)
    });
    refused(ALICE, "user_not_allowed", Failure::Refused);
    server.remove_consumer("auditor");
    refused(ALICE, "consumer_key_unknown", Failure::Refused);
    assert_eq!(alive(server), [FIRST, OF_BOB, SECOND]);
}

#[test]
fn an_answer_that_says_nothing_may_mean_that_it_happened() {
    let estate = jira();
    let server = estate.server(0);
    fill(server);
    add_auditor(server);
    let post = || Matcher::method("POST").at(PATH);
    server.set(Fault::Answer(200, "<title>Welcome</title>".to_owned()).on(post()));
    let error = revoke(server, ALICE, FIRST).unwrap_err();
    assert_eq!(error.code(), "not_revoked");
    assert!(error.may_have_happened());

    server.clear_faults();
    server.set(Fault::Reset(atl_testbed::When::After).on(post()));
    let error = revoke(server, ALICE, FIRST).unwrap_err();
    assert!(error.may_have_happened(), "{error:?}");
    assert_eq!(alive(server), [OF_BOB, SECOND]);
    let posts = server.log().iter().filter(|it| it.method == "POST").count();
    assert_eq!(posts, 2);
}

#[test]
fn a_call_that_is_taken_for_somebody_elses_is_no_page_of_the_user() {
    let estate = jira();
    let server = estate.server(0);
    fill(server);
    add_auditor(server);
    server.set(Fault::Answer(200, "mallory".to_owned()).on(Matcher::path("whoami")));
    let error = page(server, ALICE).unwrap_err();
    assert_eq!(error.code(), "acts_as_somebody_else");
    assert!(error.to_string().contains("mallory"), "{error}");
    let asked = server.log().iter().any(|it| it.path.contains(PATH));
    assert!(!asked);
}

#[test]
fn names_are_not_told_apart_by_case() {
    let estate = jira();
    let server = estate.server(0);
    fill(server);
    add_auditor(server);
    server.set(Fault::Answer(200, "ALICE".to_owned()).on(Matcher::path("whoami")));
    assert!(matches!(page(server, ALICE).unwrap(), PageAs::Of { user, .. } if user == "ALICE"));
}

/// Between the question who it is and the page.
#[test]
fn a_user_who_vanishes_in_between_has_no_page() {
    let estate = jira();
    let server = estate.server(0);
    fill(server);
    add_auditor(server);
    for gone in [true, false] {
        let hold = server.hold(Matcher::path(PATH), atl_testbed::When::Before);
        let read = std::thread::scope(|scope| {
            let reading = scope.spawn(|| page(server, ALICE));
            assert!(hold.wait_reached());
            if gone {
                server.remove_user(ALICE);
            } else {
                server.put_user(User {
                    active: false,
                    ..User::new(ALICE, ALICE_PASSWORD, Role::User)
                });
            }
            hold.release();
            reading.join().unwrap()
        });
        match read.unwrap() {
            PageAs::Unknown => assert!(gone),
            PageAs::NotAllowed => assert!(!gone),
            PageAs::Of { user, .. } => panic!("{user}"),
        }
        server.clear_faults();
        server.put_user(User::new(ALICE, ALICE_PASSWORD, Role::User));
    }
}

#[test]
fn an_oauth2_grant_is_ended_by_its_user_alone() {
    let estate = products(Generation::Next);
    for server in estate.servers() {
        let name = server.name();
        add_auditor(server);
        let [one, other] = ["one", "other"].map(|client| {
            let grant = OAuth2Grant::new(client, ALICE, 1_762_128_000);
            server.put_oauth2_grant(grant.clone());
            grant.id
        });
        let sign_in = |user, password| signed_in(server, user, password, Login::Auto);
        let error = revoke_oauth2_signed_in(&sign_in(ADMIN, ADMIN_PASSWORD), &one).unwrap_err();
        assert_eq!(error.code(), "grant_of_another_user", "{name}: {error}");
        let anonymous = anonymous(server);
        let error = revoke_oauth2_as(&anonymous, &auditor(), BOB, &one).unwrap_err();
        assert_eq!(error.code(), "grant_of_another_user", "{name}: {error}");
        let error = revoke_oauth2_as(&anonymous, &auditor(), "nobody", &one).unwrap_err();
        assert_eq!(error.code(), "unknown_user", "{name}: {error}");
        assert_eq!(server.oauth2_grants().len(), 2, "{name}");

        let alice = sign_in(ALICE, ALICE_PASSWORD);
        for expected in [Revoked::Now, Revoked::AlreadyGone] {
            assert_eq!(
                revoke_oauth2_signed_in(&alice, &one).unwrap(),
                expected,
                "{name}"
            );
            let revoked = revoke_oauth2_as(&anonymous, &auditor(), ALICE, &other).unwrap();
            assert_eq!(revoked, expected, "{name}");
        }
        assert!(read_page(&alice).unwrap().is_empty(), "{name}");
        assert!(server.oauth2_grants().is_empty(), "{name}");
    }
}

/// Without a provider everything there is a 404, and that is not "gone already".
#[test]
fn without_a_provider_nothing_is_gone_already() {
    let estate = products(Generation::Legacy);
    for server in estate.servers() {
        let bob = signed_in(server, BOB, BOB_PASSWORD, Login::Auto);
        let error = revoke_oauth2_signed_in(&bob, "17").unwrap_err();
        assert_eq!(error.code(), "not_found", "{}: {error}", server.name());
    }
}

#[test]
fn a_provider_that_wants_https_says_so() {
    let estate = jira();
    let server = estate.server(0);
    server.set(Setting::OAuth2NeedsHttps(true));
    let bob = signed_in(server, BOB, BOB_PASSWORD, Login::Auto);
    let error = revoke_oauth2_signed_in(&bob, "17").unwrap_err();
    assert!(error.to_string().contains("https is required"), "{error}");
}

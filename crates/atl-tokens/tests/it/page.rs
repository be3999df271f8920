//! The page of the signed-in account.

use atl_client::{Client, Failure, Login};
use atl_testbed::{
    ADMIN, ADMIN_PASSWORD, ALICE, ALICE_PASSWORD, BOB, BOB_PASSWORD, Fault, Generation, Language,
    Layout, Matcher, OAuth2Grant, Oddity, Server, Setting, Token,
};
use atl_tokens::{RowKind, Strange, TokensError, read_page};
use jiff::Timestamp;
use secrecy::ExposeSecret as _;

use crate::{FIRST, OF_BOB, SECOND, anonymous, fill, jira, products, signed_in};

const PATH: &str = "users/access-tokens";

fn alice(server: &Server) -> Client {
    signed_in(server, ALICE, ALICE_PASSWORD, Login::Auto)
}

/// What the page shows of the grants of an account, in its order.
fn listed(server: &Server, user: &str, password: &str) -> Vec<(String, String, Option<i64>)> {
    let client = signed_in(server, user, password, Login::Auto);
    let rows = read_page(&client).unwrap();
    let listed = rows.into_iter().map(|row| {
        let what = match &row.kind {
            RowKind::Oauth1(token) => token.expose_secret().to_owned(),
            RowKind::Oauth2(handle) => handle.clone(),
            RowKind::Oauth2Unnamed(_) => "unnamed".to_owned(),
        };
        let created = row.created.and_then(|created| created.at());
        let name = row.consumer_name.unwrap_or_default();
        (what, name, created.map(Timestamp::as_second))
    });
    listed.collect()
}

/// Layouts that the reader was made with, and others; all languages; and texts that look like tokens and are none.
#[test]
fn every_layout_in_every_language_shows_the_grants_of_the_account_and_no_others() {
    const DAY: i64 = 1_762_128_000;
    let estate = jira();
    let server = estate.server(0);
    fill(server);
    for token in server.tokens() {
        let created = DAY;
        server.add_token(Token { created, ..token });
    }
    let grant = OAuth2Grant::new("OAuth 2 app", ALICE, DAY);
    server.put_oauth2_grant(grant.clone());
    let row = |what: &str, name: &str| (what.to_owned(), name.to_owned(), Some(DAY));
    let of_alice = [
        row(FIRST, "Deploy bot"),
        row(SECOND, "CI & <more>"),
        row(&grant.id, "OAuth 2 app"),
    ];
    let layouts = Layout::ALL.into_iter().chain(Layout::UNSEEN);
    for layout in layouts {
        server.set(Setting::Layout(layout));
        for language in Language::ALL {
            server.set(Setting::Language(language));
            for oddity in [None, Some(Oddity::Decoys)] {
                server.set(Setting::Oddity(oddity));
                let name = format!("{layout:?} {language:?} {oddity:?}");
                assert_eq!(listed(server, ALICE, ALICE_PASSWORD), of_alice, "{name}");
                let of_bob = [row(OF_BOB, "Deploy bot")];
                assert_eq!(listed(server, BOB, BOB_PASSWORD), of_bob, "{name}");
            }
        }
    }
}

#[test]
fn none_is_what_a_page_says_in_a_language_that_is_known() {
    let estate = jira();
    let server = estate.server(0);
    fill(server);
    for layout in Layout::ALL.into_iter().chain(Layout::UNSEEN) {
        server.set(Setting::Layout(layout));
        for language in Language::ALL {
            server.set(Setting::Language(language));
            for oddity in [None, Some(Oddity::Decoys)] {
                server.set(Setting::Oddity(oddity));
                let admin = signed_in(server, ADMIN, ADMIN_PASSWORD, Login::Auto);
                let name = format!("{layout:?} {language:?} {oddity:?}");
                match read_page(&admin) {
                    Ok(rows) => assert!(rows.is_empty(), "{name}"),
                    // What stands in place of rows is known in English only.
                    Err(error) => {
                        assert_ne!(language, Language::English, "{name}: {error}");
                        assert_eq!(error.code(), "page_not_understood", "{name}");
                    }
                }
            }
        }
    }
}

#[test]
fn what_stands_in_place_of_the_page_is_not_one_without_grants() {
    let estate = jira();
    let server = estate.server(0);
    fill(server);
    for layout in Layout::ALL.into_iter().chain(Layout::UNSEEN) {
        server.set(Setting::Layout(layout));
        for (oddity, code) in [
            (Oddity::SignIn, "page_not_understood"),
            (Oddity::Error(200), "page_not_understood"),
            (Oddity::Error(500), "server_error"),
            (Oddity::Half, "page_not_understood"),
        ] {
            server.set(Setting::Oddity(Some(oddity)));
            for (user, password) in [(ALICE, ALICE_PASSWORD), (ADMIN, ADMIN_PASSWORD)] {
                let client = signed_in(server, user, password, Login::Auto);
                let error = read_page(&client).unwrap_err();
                assert_eq!(error.code(), code, "{layout:?} {oddity:?} {user}: {error}");
            }
        }
    }
}

#[test]
fn every_product_and_generation_is_read_however_one_signs_in() {
    for generation in [
        Generation::Legacy,
        Generation::Transitional,
        Generation::Current,
        Generation::Next,
    ] {
        let estate = products(generation);
        for server in estate.servers() {
            fill(server);
            for login in [Login::Auto, Login::Session] {
                let client = signed_in(server, ALICE, ALICE_PASSWORD, login);
                let grants = read_page(&client).unwrap_or_else(|error| {
                    panic!("{} {generation:?} {login:?}: {error}", server.name())
                });
                assert_eq!(grants.len(), 2, "{} {generation:?}", server.name());
                client.sign_out();
            }
            assert_eq!(server.writes(), 0);
        }
    }
}

#[test]
fn a_page_of_somebody_else_is_not_one_without_grants() {
    let estate = jira();
    let server = estate.server(0);
    fill(server);
    server.set(Fault::Html.on(Matcher::path(PATH)));
    let error = read_page(&alice(server)).unwrap_err();
    let TokensError::NotUnderstood {
        saw: Strange::Other { title: None },
        ..
    } = &error
    else {
        panic!("{error:?}");
    };
    assert_eq!(error.code(), "page_not_understood");
    assert_eq!(error.failure(), Failure::Unreachable);
    assert!(!error.may_have_happened());
    let page = format!(
        "{}/plugins/servlet/oauth/users/access-tokens",
        server.base_url()
    );
    assert!(error.advice().contains(&page), "{}", error.advice());
}

/// What was not understood can be shown to others, and is not part of what is printed.
#[test]
fn a_page_that_was_not_understood_is_kept_without_its_secrets() {
    let estate = jira();
    let server = estate.server(0);
    let page = format!("<table><tr id={FIRST}><td>{ALICE_PASSWORD}<td>Bot</table>");
    server.set(Fault::Answer(200, page).on(Matcher::path(PATH)));
    let error = read_page(&alice(server)).unwrap_err();
    let TokensError::NotUnderstood { redacted, .. } = &error else {
        panic!("{error:?}");
    };
    assert_eq!(
        redacted.as_str(),
        r#"<table><tr id="[redacted]"><td>[redacted]<td>Bot</table>"#
    );
    assert!(!format!("{error} {error:?}").contains("<table>"));
}

/// The client reads no more than its cap, and half of a page is none.
#[test]
fn a_page_of_ten_megabytes_is_not_one_without_grants() {
    let estate = jira();
    let server = estate.server(0);
    fill(server);
    server.set(Setting::Oddity(Some(Oddity::Padded(10 * 1024 * 1024))));
    let error = read_page(&alice(server)).unwrap_err();
    assert_eq!(error.code(), "too_large", "{error}");
    assert_eq!(error.failure(), Failure::Unreachable);
    server.set(Setting::Oddity(Some(Oddity::Padded(1024 * 1024))));
    assert_eq!(read_page(&alice(server)).unwrap().len(), 2);
}

#[test]
fn a_title_does_not_repeat_a_password() {
    let estate = jira();
    let server = estate.server(0);
    let page = format!("<title>Wrong: {ALICE_PASSWORD}</title>");
    server.set(Fault::Answer(200, page).on(Matcher::path(PATH)));
    let error = read_page(&alice(server)).unwrap_err().to_string();
    assert_eq!(
        error,
        "jira: the page of access tokens was not understood: it is another page, titled `Wrong: [redacted]`"
    );
}

#[test]
fn what_is_refused_is_not_a_page_without_grants() {
    let estate = jira();
    let server = estate.server(0);
    fill(server);
    for (status, code, failure) in [
        (401, "unauthorized", Failure::Refused),
        (403, "forbidden", Failure::Refused),
        (404, "not_found", Failure::Failed),
        (500, "server_error", Failure::Unreachable),
    ] {
        server.clear_faults();
        server.set(Fault::Answer(status, "None specified".to_owned()).on(Matcher::path(PATH)));
        let error = read_page(&alice(server)).unwrap_err();
        assert_eq!((error.code(), error.failure()), (code, failure), "{status}");
        assert!(
            !error.advice().contains("administrator"),
            "{}",
            error.advice()
        );
    }
}

#[test]
fn nobody_has_no_page() {
    let estate = jira();
    let server = estate.server(0);
    fill(server);
    let error = read_page(&anonymous(server)).unwrap_err();
    assert_eq!(error.code(), "no_credentials");
    let asked = server.log().iter().any(|it| it.path.contains(PATH));
    assert!(!asked);

    let stranger = signed_in(server, ALICE, "wrong", Login::Auto);
    let error = read_page(&stranger).unwrap_err();
    assert_eq!(error.code(), "wrong_password");
    assert_eq!(server.failed_sign_ins(ALICE), 1);
}

#[test]
fn a_session_that_ended_is_not_a_page_without_grants() {
    let estate = jira();
    let server = estate.server(0);
    fill(server);
    let client = signed_in(server, ALICE, ALICE_PASSWORD, Login::Session);
    assert_eq!(read_page(&client).unwrap().len(), 2);
    server.end_sessions();
    let error = read_page(&client).unwrap_err();
    assert_eq!(error.code(), "login_page", "{error}");
    assert_eq!(error.failure(), Failure::Refused);
}

//! The page of the signed-in account.

use atl_client::{Client, Failure, Login};
use atl_testbed::{
    ADMIN, ADMIN_PASSWORD, ALICE, ALICE_PASSWORD, BOB, BOB_PASSWORD, Fault, Generation, Layout,
    Matcher, Server, Setting,
};
use atl_tokens::{PageRow, Strange, TokensError, read_page};
use secrecy::ExposeSecret as _;

use crate::{FIRST, OF_BOB, SECOND, anonymous, fill, jira, products, signed_in};

const PATH: &str = "users/access-tokens";

fn alice(server: &Server) -> Client {
    signed_in(server, ALICE, ALICE_PASSWORD, Login::Auto)
}

/// Token and consumer of each.
fn shown(rows: &[PageRow]) -> Vec<(&str, Option<&str>)> {
    let shown = rows.iter().map(|row| {
        let token = row.token().unwrap();
        (token.expose_secret(), row.consumer_name.as_deref())
    });
    shown.collect()
}

#[test]
fn every_layout_shows_the_grants_of_the_account_and_no_others() {
    let estate = jira();
    let server = estate.server(0);
    fill(server);
    for layout in Layout::ALL {
        server.set(Setting::Layout(layout));
        let grants = read_page(&alice(server)).unwrap();
        let expected = [(FIRST, Some("Deploy bot")), (SECOND, Some("CI & <more>"))];
        assert_eq!(shown(&grants), expected, "{layout:?}");
        for grant in &grants {
            let created = grant.created.as_ref().unwrap();
            assert_eq!(
                created.at().unwrap().as_second(),
                0,
                "{layout:?}: {created:?}"
            );
        }

        let bob = signed_in(server, BOB, BOB_PASSWORD, Login::Auto);
        let grants = read_page(&bob).unwrap();
        assert_eq!(shown(&grants), [(OF_BOB, Some("Deploy bot"))], "{layout:?}");

        let admin = signed_in(server, ADMIN, ADMIN_PASSWORD, Login::Auto);
        assert!(read_page(&admin).unwrap().is_empty(), "{layout:?}");
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
    let page = format!("<p>None specified</p>{}", " ".repeat(10 * 1024 * 1024));
    server.set(Fault::Answer(200, page).on(Matcher::path(PATH)));
    let error = read_page(&alice(server)).unwrap_err();
    assert_eq!(error.code(), "too_large", "{error}");
    assert_eq!(error.failure(), Failure::Unreachable);
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

//! Answers to an approval that no such server gives, but something in between may.

use atl_client::Failure;
use atl_oauth::{Approval, ApproveError, Pending, approve};
use secrecy::ExposeSecret as _;

use crate::{
    responder::{Answer, Responder},
    rig::{caller, signer, user},
};

const PAGE: &str = "200 OK\nContent-Type: text/html\n\n<form><button name=approve></form>";

fn always(text: &'static str) -> Answer {
    Box::new(move |_| text.to_owned())
}

/// What comes of an approval whose page and answer are these.
fn approved(page: &'static str, answer: Option<&'static str>) -> Result<Approval, ApproveError> {
    let answers = [
        "200 OK\n\noauth_token=ours&oauth_token_secret=s&oauth_callback_confirmed=true",
        r#"200 OK
Content-Type: application/json

{"id":"i","name":"Jira","typeId":"jira","version":"9.12.0","applinksVersion":"9.1.4","url":"https://jira.example.com"}"#,
        "200 OK\nSet-Cookie: JSESSIONID=s; Path=/\nContent-Type: application/json\n\n{}",
        "200 OK\nContent-Type: text/plain\n\nalice",
        page,
    ];
    let responder = Responder::start(answers.into_iter().chain(answer).map(always).collect());
    let pending = Pending::ask(&caller(&responder.url), &signer(), "oob").unwrap();
    let approval = approve(&user(&responder.url, "alice", "secret"), &pending);
    let asked = responder.asked();
    let callback = ("oauth_callback".to_owned(), "oob".to_owned());
    assert!(asked[0].oauth().contains(&callback));
    if answer.is_some() {
        let last = asked.last().unwrap();
        assert_eq!(
            last.line,
            "POST /jira/plugins/servlet/oauth/authorize?oauth_token=ours HTTP/1.1"
        );
        assert_eq!(last.header("accept"), Some("text/html"));
    }
    approval
}

fn redirect(location: &'static str) -> Result<Approval, ApproveError> {
    approved(PAGE, Some(location))
}

#[test]
fn a_denial_is_recognised_where_the_answer_says_so() {
    let approval =
        redirect("302 Found\nLocation: https://e.com/?oauth_token=ours&oauth_verifier=denied")
            .unwrap();
    assert!(matches!(approval, Approval::Denied), "{approval:?}");
}

#[test]
fn redirects_that_are_no_callback_of_ours_are_told_apart() {
    for (location, code, failure) in [
        (
            "302 Found\nLocation: https://e.com/?oauth_token=theirs&oauth_verifier=a1B2c3",
            "foreign_token",
            Failure::Failed,
        ),
        (
            "302 Found\nLocation: https://e.com/?oauth_token=ours",
            "no_verifier",
            Failure::Failed,
        ),
        (
            "302 Found\nLocation: https://e.com/?oauth_token=theirs",
            "stray_redirect",
            Failure::Unreachable,
        ),
        (
            "302 Found\nLocation: https://e.com/?oauth_token=ours&oauth_verifier=a1B2c3&oauth_verifier=d4E5f6",
            "stray_redirect",
            Failure::Unreachable,
        ),
        (
            "303 See Other\nLocation: https://sso.example.com/",
            "stray_redirect",
            Failure::Unreachable,
        ),
        (
            "302 Found\nLocation: https://[",
            "stray_redirect",
            Failure::Unreachable,
        ),
    ] {
        let error = redirect(location).unwrap_err();
        assert_eq!(
            (error.code(), error.failure()),
            (code, failure),
            "{location}"
        );
        assert!(error.may_have_happened(), "{location}");
        let shown = format!("{error} {error:?} {}", error.advice());
        assert!(
            !shown.contains("a1B2c3") && !shown.contains("theirs"),
            "{shown}"
        );
    }
}

#[test]
fn a_redirect_in_place_of_the_page_is_not_followed() {
    let error = approved(
        "302 Found\nLocation: https://me:hunter2@sso.example.com/portal?next=hunter2",
        None,
    )
    .unwrap_err();
    assert_eq!(
        error.to_string(),
        "jira: GET plugins/servlet/oauth/authorize was redirected to https://sso.example.com/portal, which is no callback"
    );
    assert!(!error.may_have_happened());
}

#[test]
fn a_verifier_on_the_page_is_taken() {
    let approval = approved(
        PAGE,
        Some("200 OK\nContent-Type: text/html\n\n<p>Your verification code is <b>a1B2c3</b>."),
    );
    assert!(
        matches!(approval, Ok(Approval::Verifier(_))),
        "{approval:?}"
    );
}

#[test]
fn tokens_are_read_whatever_the_answer_says_it_is() {
    let answer = "200 OK\nContent-Type: text/html;charset=UTF-8\n\n\
                  oauth_token_secret=s&oauth_callback_confirmed=true&oauth_token=ours\r\n";
    let responder = Responder::start(vec![always(answer)]);
    let pending = Pending::ask(&caller(&responder.url), &signer(), "oob").unwrap();
    assert_eq!(pending.token().expose_secret(), "ours");
}

//! Approving without a browser.

use atl_client::{ClientError, Failure, Refusal};
use atl_oauth::{Approval, ApproveError, PageDoubt, approve};
use atl_testbed::{
    ALICE, ALICE_PASSWORD, AuthenticatedBy, BOB, Estate, Fault, Generation, Kind, Layout, Matcher,
    ServerSpec, Setting, TokenKind, When,
};
use secrecy::ExposeSecret as _;

use crate::rig::{
    CALLBACK, active, alice, approved, ask, caller, dance, jira, register, signer, state, user,
};

const AUTHORIZE: &str = "plugins/servlet/oauth/authorize";

#[test]
fn the_whole_dance_on_every_product_generation_and_layout() {
    let generations = [
        Generation::Ancient,
        Generation::Legacy,
        Generation::Transitional,
        Generation::Current,
        Generation::Next,
    ];
    let specs = [Kind::Jira, Kind::Confluence, Kind::Bitbucket, Kind::Bamboo]
        .into_iter()
        .flat_map(|kind| {
            generations.map(|generation| ServerSpec::new(kind).generation(generation).context("/c"))
        })
        .collect();
    let estate = Estate::start(specs).unwrap();
    for server in estate.servers() {
        register(server);
        for layout in Layout::ALL {
            server.set(Setting::Layout(layout));
            for callback in [CALLBACK, "oob"] {
                let token = dance(server, callback);
                assert_eq!(
                    state(server, &token),
                    active(),
                    "{} {layout:?} {callback}",
                    server.name()
                );
            }
        }
    }
}

#[test]
fn the_callback_is_read_and_never_requested() {
    let callback = jira();
    let estate = jira();
    let server = estate.server(0);
    let url = format!("{}/callback", callback.server(0).base_url());
    let pending = ask(server, &url);
    let approval = approve(&alice(server), &pending).unwrap();
    assert!(matches!(approval, Approval::Verifier(_)), "{approval:?}");
    assert!(callback.server(0).log().is_empty());
}

#[test]
fn a_registered_callback_is_read_where_none_was_asked_for() {
    let estate = jira();
    let server = estate.server(0);
    server.edit_consumer("deploy-bot", |consumer| {
        consumer.callback = Some("https://deploy.example.com/login.jsp".to_owned());
    });
    assert_eq!(state(server, &dance(server, "oob")), active());
}

#[test]
fn the_user_signs_in_with_a_session_and_once() {
    let estate = jira();
    let server = estate.server(0);
    let client = alice(server);
    server.clear_log();
    for _ in 0..2 {
        approved(server, &client).unwrap();
    }
    let log = server.log();
    let asked = |path: &str, by: AuthenticatedBy| {
        let asked = log.iter().filter(|exchange| exchange.path.contains(path));
        asked
            .filter(|exchange| exchange.authenticated_by == by)
            .count()
    };
    assert_eq!(asked("rest/auth/1/session", AuthenticatedBy::Nothing), 1);
    assert_eq!(asked(AUTHORIZE, AuthenticatedBy::Session), 4);
    assert_eq!(asked("", AuthenticatedBy::Basic), 0);
}

#[test]
fn the_account_that_signed_in_must_be_the_one_named_whatever_the_case() {
    let estate = jira();
    let server = estate.server(0);
    let says = |name: &str| Fault::Answer(200, name.to_owned()).on(Matcher::path("whoami"));
    server.set(says("ALICE"));
    approved(server, &alice(server)).unwrap();
    server.clear_faults();
    server.clear_log();
    server.set(says(BOB));
    let error = approved(server, &alice(server)).unwrap_err();
    let ApproveError::Client(ClientError::SignIn { refusal, .. }) = &error else {
        panic!("{error:?}")
    };
    assert_eq!(
        *refusal,
        Refusal::SomebodyElse {
            expected: ALICE.into(),
            actual: BOB.into()
        }
    );
    let asked = server
        .log()
        .iter()
        .any(|exchange| exchange.path.contains(AUTHORIZE));
    assert!(!asked, "nobody approves as somebody else");
}

#[test]
fn a_wrong_password_is_sent_once_and_approves_nothing() {
    let estate = jira();
    let server = estate.server(0);
    let client = user(&server.base_url(), ALICE, "wrong");
    for _ in 0..2 {
        let error = approved(server, &client).unwrap_err();
        assert_eq!(
            (error.code(), error.failure()),
            ("wrong_password", Failure::Refused)
        );
        assert!(!error.may_have_happened());
    }
    assert_eq!(server.failed_sign_ins(ALICE), 1);
    assert_eq!(server.pending_tokens().len(), 2);
}

#[test]
fn a_captcha_is_named() {
    let estate = jira();
    let server = estate.server(0);
    server.set(Setting::CaptchaAfter(Some(1)));
    for (password, code) in [("wrong", "wrong_password"), (ALICE_PASSWORD, "captcha")] {
        let client = user(&server.base_url(), ALICE, password);
        assert_eq!(approved(server, &client).unwrap_err().code(), code);
    }
}

#[test]
fn a_second_step_is_for_a_browser() {
    let spec = ServerSpec::new(Kind::Bitbucket).generation(Generation::Next);
    let estate = Estate::start(vec![spec]).unwrap();
    let server = estate.server(0);
    register(server);
    let body = r#"{"message":"totp code required"}"#.to_owned();
    server.set(Fault::Answer(401, body).on(Matcher::path("tsv")));
    let error = approved(server, &alice(server)).unwrap_err();
    assert_eq!(error.code(), "two_step");
    assert!(
        error.advice().contains("without `--headless`"),
        "{}",
        error.advice()
    );
}

#[test]
fn a_request_token_that_nobody_can_decide_about_is_explained() {
    let estate = jira();
    let server = estate.server(0);
    let client = alice(server);
    let check = |spoil: &dyn Fn(&str), code: &str, failure: Failure, words: &str| {
        let pending = ask(server, CALLBACK);
        spoil(pending.token().expose_secret());
        let error = approve(&client, &pending).unwrap_err();
        assert_eq!((error.code(), error.failure()), (code, failure));
        assert!(error.advice().contains(words), "{}", error.advice());
        assert!(error.to_string().starts_with("jira: "), "{error}");
        assert!(!error.may_have_happened());
    };
    check(
        &|_| server.age_tokens(601),
        "request_token_expired",
        Failure::Failed,
        "lives for ten minutes",
    );
    check(
        &|token| assert!(server.approve(token, BOB).is_some()),
        "token_used",
        Failure::Refused,
        "decided about this request token already",
    );
    check(
        &|token| assert!(server.remove_token(token)),
        "token_rejected",
        Failure::Refused,
        "does not know its own request token",
    );
}

#[test]
fn a_page_that_is_not_understood_is_an_error_and_approves_nothing() {
    let estate = jira();
    let server = estate.server(0);
    let client = alice(server);
    let page = |form: &str| {
        Fault::Answer(200, format!("<title>Please wait</title>{form}"))
            .on(Matcher::method("GET").at(AUTHORIZE))
    };
    let button = "<button name=approve>";
    for (form, expected) in [
        (
            "<form><button name=allow></form>".to_owned(),
            PageDoubt::NoForm,
        ),
        (
            format!("<form>{button}</form><form>{button}</form>"),
            PageDoubt::SeveralForms,
        ),
        (
            format!("<form action=//evil.example/jira>{button}</form>"),
            PageDoubt::ElsewhereBound,
        ),
        (
            format!("<form action='{}x'>{button}</form>", server.base_url()),
            PageDoubt::ElsewhereBound,
        ),
        (
            format!("<form action=/elsewhere>{button}</form>"),
            PageDoubt::ElsewhereBound,
        ),
    ] {
        server.set(page(&form));
        let error = approved(server, &client).unwrap_err();
        let ApproveError::PageNotUnderstood { doubt, title, .. } = &error else {
            panic!("{form}: {error:?}")
        };
        assert_eq!(
            (*doubt, title.as_deref()),
            (expected, Some("Please wait")),
            "{form}"
        );
        assert_eq!(error.failure(), Failure::Unreachable);
        assert!(!error.may_have_happened());
        server.clear_faults();
    }
    server.set(page(&format!(
        "<form><input type=hidden name=oauth_token value=theirs>{button}</form>"
    )));
    let error = approved(server, &client).unwrap_err();
    assert_eq!(error.code(), "foreign_token");
    assert!(!error.may_have_happened());
    assert!(
        !server
            .log()
            .iter()
            .any(|exchange| exchange.method == "POST" && exchange.path.contains(AUTHORIZE))
    );
}

#[test]
fn a_form_that_leaves_the_request_token_out_is_given_it() {
    let estate = jira();
    let server = estate.server(0);
    let form = format!("<form action=/jira/{AUTHORIZE}><button name=approve></form>");
    server.set(Fault::Answer(200, form).on(Matcher::method("GET").at(AUTHORIZE)));
    let error = approved(server, &alice(server)).unwrap_err();
    // A server looks at the request token before it looks at the XSRF token.
    assert_eq!(error.code(), "xsrf_refused");
}

#[test]
fn what_goes_wrong_after_the_approval_may_have_happened() {
    let estate = jira();
    let server = estate.server(0);
    let client = alice(server);
    let posts = || Matcher::method("POST").at(AUTHORIZE);
    let answer = |status, page: &str| Fault::Answer(status, page.to_owned());
    for (fault, code, happened) in [
        (
            answer(403, "<h1>Xsrf token validation failed</h1>"),
            "xsrf_refused",
            false,
        ),
        (
            answer(403, "<h1>Blocked by the firewall</h1>"),
            "forbidden",
            false,
        ),
        (
            answer(200, "<form><button name=approve></form>"),
            "page_not_understood",
            false,
        ),
        (
            answer(200, "<h1>Access Approved</h1>"),
            "page_not_understood",
            true,
        ),
        (
            answer(200, "<b>a1B2c3</b><b>d4E5f6</b>"),
            "page_not_understood",
            true,
        ),
        (answer(502, "<h1>Bad gateway</h1>"), "server_error", true),
        (Fault::Reset(When::After), "connection_reset", true),
    ] {
        server.set(fault.clone().on(posts()));
        let error = approved(server, &client).unwrap_err();
        assert_eq!(
            (error.code(), error.may_have_happened()),
            (code, happened),
            "{fault:?}: {error:?}"
        );
        assert!(!error.advice().is_empty());
        server.clear_faults();
    }
    let approved = server
        .tokens()
        .into_iter()
        .filter(|token| token.decision.is_some());
    assert_eq!(approved.count(), 1, "the one whose answer was lost");
    assert!(
        server
            .tokens()
            .iter()
            .all(|token| token.kind == TokenKind::Request)
    );
}

#[test]
fn a_session_that_ended_is_a_refusal() {
    let estate = jira();
    let server = estate.server(0);
    let client = alice(server);
    client.sign_in().unwrap();
    server.end_sessions();
    let error = approved(server, &client).unwrap_err();
    assert_eq!(
        (error.code(), error.failure()),
        ("login_page", Failure::Refused)
    );
}

#[test]
fn a_server_may_restart_between_the_legs() {
    let estate = jira();
    let server = estate.server(0);
    let pending = ask(server, CALLBACK);
    server.restart().unwrap();
    let approval = approve(&alice(server), &pending).unwrap();
    server.restart().unwrap();
    let approved = pending.decided(approval).unwrap();
    let granted = approved
        .exchange(&caller(&server.base_url()), &signer())
        .unwrap();
    server.restart().unwrap();
    assert_eq!(state(server, &granted), active());
}

#[test]
fn nothing_that_is_shown_holds_a_token() {
    let estate = jira();
    let server = estate.server(0);
    let client = alice(server);
    let pending = ask(server, CALLBACK);
    let token = pending.token().expose_secret().to_owned();
    let approval = approve(&client, &pending).unwrap();
    let Approval::Verifier(verifier) = &approval else {
        panic!("{approval:?}")
    };
    let again = approve(&client, &pending).unwrap_err();
    let shown = format!(
        "{approval:?} {pending:?} {again} {again:?} {}",
        again.advice()
    );
    assert!(
        !shown.contains(&token) && !shown.contains(verifier.expose_secret()),
        "{shown}"
    );
    let approved = pending.decided(approval.clone()).unwrap();
    let granted = approved
        .exchange(&caller(&server.base_url()), &signer())
        .unwrap();
    let shown = format!("{approved:?} {granted:?}");
    assert!(
        !shown.contains(granted.token.expose_secret()) && !shown.contains(&token),
        "{shown}"
    );
}

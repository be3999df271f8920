//! The dance, from a request token to an access token (protocol.md 2.2 to 2.4).

use atl_testbed::{Consumer, Generation, Kind, ServerSpec, Setting, TokenKind};

use crate::browser::Browser;
use crate::steps::{authorize_url, exchange, grant, parameter, press, request_token, whoami};
use crate::support::{Answer, KEY, Key, Signed, estate, provision, provisioned};

const CALLBACK: &str = "http://bot.example.com/back?at=home";

fn problem(status: u16, name: &str) -> (u16, Option<String>) {
    (status, Some(name.to_owned()))
}

#[test]
fn the_whole_dance_on_every_product_and_generation() {
    for kind in [Kind::Jira, Kind::Confluence, Kind::Bitbucket, Kind::Bamboo] {
        for generation in [Generation::Ancient, Generation::Current, Generation::Next] {
            let spec = ServerSpec::new(kind).generation(generation).context("/ctx");
            let estate = estate(spec);
            let server = estate.server(0);
            provision(server, &KEY);
            let token = request_token(server, Some(CALLBACK));

            // The user comes without a session, and is led back after signing in.
            let browser = Browser::new();
            let url = authorize_url(server, &token);
            let login = browser.get(&url);
            let (page, name) = match kind {
                Kind::Jira => ("/login.jsp", "os_destination"),
                Kind::Confluence => ("/login.action", "os_destination"),
                Kind::Bitbucket => ("/login", "next"),
                Kind::Bamboo => ("/userlogin!doDefault.action", "os_destination"),
            };
            assert_eq!(login.location().path(), format!("/ctx{page}"));
            assert_eq!(parameter(&login.location(), name), Some(url.clone()));
            let page = browser.sign_in(server, &login, "alice");
            assert_eq!((page.status, page.url.as_str()), (200, url.as_str()));

            let back = browser.submit(&press(&page, "approve")).location();
            assert!(back.as_str().starts_with(CALLBACK), "{back}");
            assert_eq!(parameter(&back, "oauth_token").as_ref(), Some(&token));
            let verifier = parameter(&back, "oauth_verifier").unwrap();
            assert_eq!(verifier.len(), 6);
            assert!(verifier.bytes().all(|byte| byte.is_ascii_alphanumeric()));

            let granted = exchange(&token)
                .with("oauth_verifier", &verifier)
                .send(server, &KEY);
            assert_eq!(granted.status, 200, "{granted:?}");
            let access = granted.field("oauth_token").unwrap();
            assert_eq!(
                whoami(server, &access).body,
                "alice",
                "{kind:?} {generation:?}"
            );
        }
    }
}

#[test]
fn the_answers_say_what_the_products_say() {
    let estate = provisioned();
    let jira = estate.server(0);
    let asked = Signed::request_token("bot").send(jira, &KEY);
    let token = asked.field("oauth_token").unwrap();
    let verifier = jira.approve(&token, "alice").unwrap();
    let granted = exchange(&token)
        .with("oauth_verifier", &verifier)
        .send(jira, &KEY);
    let length = |answer: &Answer, name| answer.field(name).map(|value| value.len());
    assert_eq!(length(&granted, "oauth_token"), Some(32));
    assert_eq!(length(&granted, "oauth_session_handle"), Some(32));
    assert_eq!(length(&granted, "oauth_token_secret"), Some(32));
    assert_eq!(
        granted.field("oauth_token_secret"),
        asked.field("oauth_token_secret")
    );
    let seconds = |name| granted.field(name).unwrap();
    assert_eq!(seconds("oauth_expires_in"), "157680000");
    assert_eq!(seconds("oauth_authorization_expires_in"), "160272000");
    let left = jira.tokens();
    assert_eq!(left.len(), 1, "the request token is gone");
    assert_eq!(left[0].kind, TokenKind::Access);
    let again = exchange(&token)
        .with("oauth_verifier", &verifier)
        .send(jira, &KEY);
    assert_eq!(again.problem(), problem(401, "token_rejected"));
}

/// Every check of an exchange with those after it failing as well: the first one speaks.
#[test]
fn an_exchange_is_checked_in_order_and_consumed_by_success_only() {
    let estate = provisioned();
    let jira = estate.server(0);
    let other = Key::new(2048);
    jira.put_consumer(
        None,
        Consumer::new("other", "Other", &other.public_pem()).unwrap(),
    );
    let wrong = |token: &str| exchange(token).set("oauth_consumer_key", Some("other"));
    let check = |signed: Signed<'_>, status, name| {
        let answer = signed.send(jira, &other);
        assert_eq!(answer.problem(), problem(status, name), "{answer:?}");
        answer
    };
    let absent = check(wrong("x").set("oauth_token", None), 400, "parameter_absent");
    assert_eq!(
        absent.field("oauth_parameters_absent").as_deref(),
        Some("oauth_token")
    );
    check(wrong(""), 400, "parameter_absent");
    check(wrong("unknown"), 401, "token_rejected");

    let token = request_token(jira, Some("oob"));
    check(wrong(&token), 401, "permission_unknown");
    let late = request_token(jira, Some("oob"));
    jira.set(Setting::ClockSkew(602));
    check(wrong(&late), 401, "token_expired");
    jira.set(Setting::ClockSkew(0));
    let denied = request_token(jira, Some("oob"));
    jira.deny(&denied);
    check(wrong(&denied), 401, "permission_denied");

    let verifier = jira.approve(&token, "alice").unwrap();
    check(wrong(&token), 401, "token_rejected");
    let absent = check(exchange(&token), 400, "parameter_absent");
    assert_eq!(
        absent.field("oauth_parameters_absent").as_deref(),
        Some("oauth_verifier")
    );
    let verified = |verifier: &str| exchange(&token).with("oauth_verifier", verifier);
    let hmac = |signed: Signed<'static>| signed.set("oauth_signature_method", Some("HMAC-SHA1"));
    check(hmac(verified("wrong1")), 401, "token_rejected");
    check(hmac(verified(&verifier)), 400, "signature_method_rejected");
    check(verified(&verifier), 401, "signature_invalid");

    let granted = verified(&verifier).send(jira, &KEY);
    assert_eq!(
        granted.status, 200,
        "nothing of that consumed it: {granted:?}"
    );
}

/// The switch is looked at before a request token and at each call, not in between.
#[test]
fn three_legged_off_stops_new_dances_and_every_call() {
    let estate = provisioned();
    let jira = estate.server(0);
    let token = request_token(jira, Some("oob"));
    let verifier = jira.approve(&token, "alice").unwrap();
    jira.edit_consumer("bot", |bot| bot.three_legged = false);
    let granted = exchange(&token)
        .with("oauth_verifier", &verifier)
        .send(jira, &KEY);
    let access = granted.field("oauth_token").unwrap();
    let denied = problem(401, "permission_denied");
    assert_eq!(whoami(jira, &access).problem(), denied);
    let another = Signed::request_token("bot").send(jira, &KEY);
    assert_eq!(another.problem(), denied);
}

#[test]
fn what_nobody_checks_is_signed_and_ignored() {
    let estate = provisioned();
    let jira = estate.server(0);
    let token = request_token(jira, Some("oob"));
    let verifier = jira.approve(&token, "alice").unwrap();
    let granted = exchange(&token)
        .with("oauth_verifier", &verifier)
        .with("oauth_callback", "oob")
        .send(jira, &KEY);
    let access = granted.field("oauth_token").unwrap();
    let answer = Signed::whoami("bot")
        .set("oauth_token", Some(&access))
        .with("oauth_callback", "oob")
        .with("oauth_verifier", &verifier)
        .send(jira, &KEY);
    assert_eq!(answer.body, "alice");
}

#[test]
fn lifetimes_are_what_they_are_set_to() {
    let estate = provisioned();
    let jira = estate.server(0);
    jira.set(Setting::RequestTokenTtl(3));
    let token = request_token(jira, Some("oob"));
    jira.approve(&token, "alice");
    jira.age_tokens(10);
    assert_eq!(
        exchange(&token).send(jira, &KEY).problem(),
        problem(401, "token_expired")
    );
    jira.set(Setting::RequestTokenTtl(600));
    jira.set(Setting::AccessTokenTtl(3600));
    let granted = grant(jira, "alice");
    let seconds = |name| granted.field(name).unwrap();
    assert_eq!(seconds("oauth_expires_in"), "3600");
    assert_eq!(seconds("oauth_authorization_expires_in"), "2595600");
    let access = granted.field("oauth_token").unwrap();
    jira.age_tokens(3000);
    assert_eq!(whoami(jira, &access).body, "alice");
    jira.age_tokens(1000);
    assert_eq!(
        whoami(jira, &access).problem(),
        problem(401, "token_expired")
    );
}

#[test]
fn a_user_who_is_gone_takes_every_token_along() {
    let estate = provisioned();
    let jira = estate.server(0);
    let token = request_token(jira, Some("oob"));
    jira.approve(&token, "alice");
    jira.remove_user("alice");
    assert_eq!(
        exchange(&token).send(jira, &KEY).problem(),
        problem(401, "token_rejected")
    );
    assert_eq!(jira.tokens(), []);
}

//! The page on which a user decides (protocol.md 2.3).

use crate::browser::Browser;
use crate::steps::{
    AUTHORIZE, ask, authorize_url, decide, exchange, grant, parameter, press, request_token,
};
use crate::support::{KEY, provisioned};

const CALLBACK: &str = "http://bot.example.com/back?at=home";

fn problem(status: u16, name: &str) -> (u16, Option<String>) {
    (status, Some(name.to_owned()))
}

#[test]
fn the_page_is_not_to_be_framed_and_shows_no_script_of_a_consumer() {
    let estate = provisioned();
    let jira = estate.server(0);
    jira.edit_consumer("bot", |bot| bot.name = "<script>x</script>".to_owned());
    let token = request_token(jira, Some("oob"));
    let (_, page) = ask(jira, "alice", &token);
    assert_eq!(page.header("content-type"), "text/html;charset=UTF-8");
    assert_eq!(page.header("x-frame-options"), "SAMEORIGIN");
    assert_eq!(
        page.header("content-security-policy"),
        "frame-ancestors 'self'"
    );
    assert!(page.body.contains("&lt;script&gt;x"), "{}", page.body);
    assert!(!page.body.contains("<script>x"), "{}", page.body);
}

/// Whoever opens the page of a token that nobody can approve hears so before he is asked to sign in.
#[test]
fn tokens_are_looked_at_before_anybody_signs_in() {
    let estate = provisioned();
    let jira = estate.server(0);
    let open = |query: &str| {
        let page = Browser::new().get(&format!("{}{AUTHORIZE}{query}", jira.base_url()));
        let challenge = page.header("www-authenticate").to_owned();
        assert_eq!(page.header("content-type"), "text/html;charset=UTF-8");
        let (_, named) = challenge.split_once("oauth_problem=\"").unwrap();
        (page.status, named.split('"').next().map(str::to_owned))
    };
    assert_eq!(open(""), problem(400, "parameter_absent"));
    assert_eq!(open("?oauth_token=x"), problem(401, "token_rejected"));
    let access = grant(jira, "alice").field("oauth_token").unwrap();
    let query = format!("?oauth_token={access}");
    assert_eq!(open(&query), problem(401, "token_rejected"));

    let query = |token: &str| format!("?oauth_token={token}");
    let token = request_token(jira, Some("oob"));
    jira.deny(&token);
    assert_eq!(open(&query(&token)), problem(401, "token_used"));
    let token = request_token(jira, Some("oob"));
    jira.age_tokens(602);
    assert_eq!(open(&query(&token)), problem(401, "token_expired"));
    let token = request_token(jira, Some("oob"));
    jira.approve(&token, "alice");
    jira.age_tokens(602);
    assert_eq!(open(&query(&token)), problem(401, "token_used"));
}

#[test]
fn a_form_without_its_token_decides_nothing() {
    let estate = provisioned();
    let jira = estate.server(0);
    let token = request_token(jira, Some(CALLBACK));
    let (browser, page) = ask(jira, "alice", &token);
    for value in [None, Some("made-up")] {
        let refused = browser.submit(&press(&page, "approve").set("atl_token", value));
        assert_eq!(refused.status, 403);
        assert!(refused.body.contains("Xsrf token validation failed"));
    }
    let neither = browser.submit(&page.form("approve"));
    assert_eq!(neither.status, 200);
    assert_eq!(jira.pending_tokens().len(), 1);
    let approved = browser.submit(&press(&neither, "approve"));
    assert!(parameter(&approved.location(), "oauth_verifier").is_some());
}

#[test]
fn a_form_sent_after_the_session_ended_leads_back_to_the_page() {
    let estate = provisioned();
    let jira = estate.server(0);
    let token = request_token(jira, Some(CALLBACK));
    let (browser, page) = ask(jira, "alice", &token);
    jira.end_sessions();
    let login = browser.submit(&press(&page, "approve"));
    let again = browser.sign_in(jira, &login, "bob");
    assert_eq!(again.url.as_str(), authorize_url(jira, &token));
    browser.submit(&press(&again, "approve"));
    assert_eq!(jira.tokens()[0].user.as_deref(), Some("bob"));
}

#[test]
fn a_denial_comes_back_as_the_verifier_denied() {
    let estate = provisioned();
    let jira = estate.server(0);
    let token = request_token(jira, Some("http://bot.example.com"));
    let back = decide(jira, "alice", &token, "deny").location();
    assert_eq!(
        back.as_str(),
        format!("http://bot.example.com/?oauth_token={token}&oauth_verifier=denied")
    );
    let answer = exchange(&token)
        .with("oauth_verifier", "denied")
        .send(jira, &KEY);
    assert_eq!(answer.problem(), problem(401, "permission_denied"));
}

#[test]
fn out_of_band_shows_the_verifier_unless_a_callback_is_registered() {
    let estate = provisioned();
    let jira = estate.server(0);
    let token = request_token(jira, Some("oob"));
    let shown = decide(jira, "alice", &token, "approve");
    let verifier = shown.body.split("<strong>").nth(1).unwrap();
    let verifier = verifier.split('<').next().unwrap();
    let granted = exchange(&token)
        .with("oauth_verifier", verifier)
        .send(jira, &KEY);
    assert_eq!(granted.status, 200, "{granted:?}");

    let token = request_token(jira, Some("oob"));
    let denied = decide(jira, "alice", &token, "deny");
    assert_eq!(denied.status, 200);
    assert!(denied.body.contains("id=\"continue-link\""));

    jira.edit_consumer("bot", |bot| bot.callback = Some(CALLBACK.to_owned()));
    let token = request_token(jira, Some("oob"));
    let back = decide(jira, "alice", &token, "approve").location();
    assert!(back.as_str().starts_with(CALLBACK), "{back}");
    let token = request_token(jira, Some("http://elsewhere.example.com/"));
    let back = decide(jira, "alice", &token, "approve").location();
    assert_eq!(back.host_str(), Some("elsewhere.example.com"));
}

#[test]
fn version_1_0_has_neither_verifier_nor_denial() {
    let estate = provisioned();
    let jira = estate.server(0);
    let token = request_token(jira, None);
    let shown = decide(jira, "alice", &token, "approve");
    assert_eq!((shown.status, jira.pending_tokens().len()), (200, 0));
    let granted = exchange(&token)
        .with("oauth_verifier", "whatever")
        .send(jira, &KEY);
    assert_eq!(granted.status, 200, "{granted:?}");

    jira.edit_consumer("bot", |bot| bot.callback = Some(CALLBACK.to_owned()));
    for button in ["approve", "deny"] {
        let token = request_token(jira, None);
        let back = decide(jira, "alice", &token, button).location();
        assert_eq!(back.as_str(), format!("{CALLBACK}&oauth_token={token}"));
    }
    // The callback that was given on the way wins, and outlives the form.
    let token = request_token(jira, None);
    let browser = Browser::of(jira, "alice");
    let given = "&oauth_callback=http%3A%2F%2Fgiven.example.com%2F";
    let page = browser.get(&format!("{}{given}", authorize_url(jira, &token)));
    let back = browser.submit(&press(&page, "approve")).location();
    assert_eq!(
        back.as_str(),
        format!("http://given.example.com/?oauth_token={token}")
    );
}

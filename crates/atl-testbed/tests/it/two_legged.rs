//! Signed access to resources (protocol.md 2.8).

use atl_testbed::{ALICE, OAuth2Grant, Pat, Role, Server, Token, User};

use crate::support::{Answer, KEY, Signed, provisioned};

#[test]
fn two_legged_off_is_an_empty_401_with_a_bare_challenge() {
    let estate = provisioned();
    let jira = estate.server(0);
    let answer = Signed::whoami("bot").send(jira, &KEY);
    assert_eq!((answer.status, answer.body.as_str()), (401, ""));
    assert_eq!(
        answer.challenges,
        [format!(
            r#"OAuth realm="{}""#,
            crate::support::encode(&jira.base_url())
        )]
    );
}

#[test]
fn two_legged_runs_as_nobody_or_as_the_executing_user() {
    let estate = provisioned();
    let jira = estate.server(0);
    jira.edit_consumer("bot", |bot| bot.two_legged = true);
    let whoami = || Signed::whoami("bot").send(jira, &KEY);
    assert_eq!((whoami().status, whoami().body.as_str()), (200, ""));
    jira.edit_consumer("bot", |bot| bot.execute_as = Some("svc-deploy".to_owned()));
    assert_eq!(whoami().body, "svc-deploy");
    jira.put_user(User {
        active: false,
        ..User::new("svc-deploy", "x", Role::User)
    });
    assert_eq!(whoami().status, 401);
}

#[test]
fn impersonation_needs_its_flag_and_takes_nobody_for_nobody() {
    let estate = provisioned();
    let jira = estate.server(0);
    jira.edit_consumer("bot", |bot| bot.two_legged = true);
    let whoami = |name, user| Signed::whoami("bot").query(name, user).send(jira, &KEY);
    assert_eq!(
        (
            whoami("xoauth_requestor_id", "bob").status,
            whoami("user_id", "bob").status
        ),
        (401, 401)
    );
    jira.edit_consumer("bot", |bot| bot.impersonation = true);
    assert_eq!(whoami("xoauth_requestor_id", "bob").body, "bob");
    assert_eq!(whoami("user_id", "bob").body, "bob");
    let nobody = whoami("xoauth_requestor_id", "nobody");
    assert_eq!((nobody.status, nobody.body.as_str()), (200, ""));
}

/// A call with impersonation to each place where a user's grants are seen and ended: who am I, the page, its revocation,
/// that of OAuth 2, and the user's personal access tokens.
fn everywhere(jira: &Server, user: &str) -> [Answer; 5] {
    let page = "/plugins/servlet/oauth/users/access-tokens";
    let calls = [
        Signed::new("GET", "/plugins/servlet/applinks/whoami", "bot"),
        Signed::new("GET", page, "bot"),
        Signed::new("POST", page, "bot").form("token", "of-alice"),
        Signed::new("POST", "/rest/oauth2/latest/revoke/id-of-alice", "bot"),
        Signed::new("GET", "/rest/pat/latest/tokens", "bot"),
    ];
    calls.map(|call| {
        call.with("oauth_token", "")
            .query("xoauth_requestor_id", user)
            .header("x-atlassian-token", "no-check")
            .send(jira, &KEY)
    })
}

/// A Jira where alice granted something of each kind, and the consumer may impersonate.
fn audited(jira: &Server) {
    jira.edit_consumer("bot", |bot| bot.impersonation = true);
    jira.add_token(Token::access("of-alice", "bot", ALICE));
    jira.put_oauth2_grant(OAuth2Grant {
        id: "id-of-alice".to_owned(),
        ..OAuth2Grant::new("App", ALICE, 0)
    });
    jira.put_pat(Pat::new(1, ALICE, "script", 0));
}

fn statuses(answers: &[Answer; 5]) -> [u16; 5] {
    [0, 1, 2, 3, 4].map(|place| answers[place].status)
}

fn left(jira: &Server) -> (usize, usize, usize) {
    let (tokens, oauth2) = (jira.tokens().len(), jira.oauth2_grants().len());
    (tokens, oauth2, jira.pats().len())
}

#[test]
fn an_impersonated_user_has_a_page_and_ends_what_is_on_it() {
    let estate = provisioned();
    let jira = estate.server(0);
    audited(jira);
    let answers = everywhere(jira, ALICE);
    assert_eq!(statuses(&answers), [200; 5]);
    let [whoami, page, _, _, pats] = &answers;
    assert_eq!(whoami.body, ALICE);
    for shown in ["of-alice", "/rest/oauth2/latest/revoke/id-of-alice"] {
        assert!(page.body.contains(shown), "{page:?}");
    }
    assert!(pats.body.contains("script"), "{pats:?}");
    assert_eq!(left(jira), (0, 0, 1));
}

#[test]
fn an_impersonated_stranger_is_nobody_everywhere() {
    let estate = provisioned();
    let jira = estate.server(0);
    audited(jira);
    let answers = everywhere(jira, "stranger");
    assert_eq!(statuses(&answers), [200, 302, 401, 401, 401]);
    assert_eq!(answers[0].body, "");
    assert_eq!(left(jira), (1, 1, 1));
}

/// The 401 that says nothing stands before everything else.
#[test]
fn an_impersonated_user_who_may_not_log_in_is_refused_everywhere() {
    let estate = provisioned();
    let jira = estate.server(0);
    audited(jira);
    jira.put_user(User {
        active: false,
        ..User::ordinary(ALICE)
    });
    for answer in everywhere(jira, ALICE) {
        assert_eq!((answer.status, answer.body.as_str()), (401, ""));
        let realm = crate::support::encode(&jira.base_url());
        assert_eq!(answer.challenges, [format!(r#"OAuth realm="{realm}""#)]);
    }
    assert_eq!(left(jira), (1, 1, 1));
}

#[test]
fn without_its_flag_nobody_is_impersonated_anywhere() {
    let estate = provisioned();
    let jira = estate.server(0);
    audited(jira);
    jira.edit_consumer("bot", |bot| bot.impersonation = false);
    assert_eq!(statuses(&everywhere(jira, ALICE)), [401; 5]);
    assert_eq!(left(jira), (1, 1, 1));
}

#[test]
fn a_call_that_lacks_a_parameter_is_anonymous_and_not_wrong() {
    let estate = provisioned();
    let jira = estate.server(0);
    for name in [
        "oauth_token",
        "oauth_nonce",
        "oauth_timestamp",
        "oauth_consumer_key",
        "oauth_signature_method",
    ] {
        let answer = Signed::whoami("bot").set(name, None).send(jira, &KEY);
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (200, ""),
            "without {name}"
        );
    }
}

#[test]
fn a_stranger_is_told_so() {
    let estate = provisioned();
    let jira = estate.server(0);
    let unknown = Signed::whoami("stranger").send(jira, &KEY);
    assert_eq!(
        unknown.problem(),
        (401, Some("consumer_key_unknown".to_owned()))
    );
    let token = Signed::whoami("bot")
        .set("oauth_token", Some("made-up"))
        .send(jira, &KEY);
    assert_eq!(token.problem(), (401, Some("token_rejected".to_owned())));
}

#[test]
fn an_access_token_speaks_for_its_user() {
    let estate = provisioned();
    let jira = estate.server(0);
    jira.add_token(Token {
        created: crate::support::now(),
        ttl: 60,
        ..Token::access("granted", "bot", "alice")
    });
    let whoami = || {
        Signed::whoami("bot")
            .set("oauth_token", Some("granted"))
            .send(jira, &KEY)
    };
    assert_eq!(whoami().body, "alice");
    let myself = Signed::new("GET", "/rest/api/2/myself", "bot")
        .with("oauth_token", "granted")
        .send(jira, &KEY);
    assert!(myself.body.contains(r#""name":"alice""#), "{myself:?}");
    jira.remove_user("alice");
    assert_eq!(whoami().problem(), (401, Some("token_rejected".to_owned())));
    assert_eq!(
        jira.tokens(),
        [],
        "a user who is gone takes the token along"
    );
}

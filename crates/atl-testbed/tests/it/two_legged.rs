//! Signed access to resources (protocol.md 2.8).

use atl_testbed::{Role, Token, User};

use crate::support::{KEY, Signed, provisioned};

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

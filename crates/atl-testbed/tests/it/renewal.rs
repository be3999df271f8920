//! Renewal by session handle (protocol.md 2.4).

use atl_testbed::{Consumer, Setting, Token};

use crate::steps::{exchange, grant, renewal, whoami};
use crate::support::{Answer, KEY, Key, Signed, now, provisioned};

fn problem(status: u16, name: &str) -> (u16, Option<String>) {
    (status, Some(name.to_owned()))
}

fn token_of(answer: &Answer) -> String {
    answer.field("oauth_token").unwrap()
}

#[test]
fn a_renewal_kills_the_old_token_and_keeps_the_age_of_the_session() {
    let estate = provisioned();
    let jira = estate.server(0);
    let mut granted = grant(jira, "alice");
    let first = jira.tokens().remove(0).session.unwrap();
    let secret = granted.field("oauth_token_secret");
    for times in 1..=2 {
        jira.age_tokens(1000);
        let renewed = renewal(&granted).send(jira, &KEY);
        assert_eq!(renewed.status, 200, "{renewed:?}");
        assert_eq!(renewed.field("oauth_token_secret"), secret);
        for name in ["oauth_token", "oauth_session_handle"] {
            assert_ne!(renewed.field(name), granted.field(name), "{name}");
        }
        for name in ["oauth_expires_in", "oauth_authorization_expires_in"] {
            assert_eq!(renewed.field(name), granted.field(name), "{name}");
        }
        let old = whoami(jira, &token_of(&granted)).problem();
        assert_eq!(old, problem(401, "token_rejected"));
        let again = renewal(&granted).send(jira, &KEY).problem();
        assert_eq!(again, problem(401, "token_rejected"));
        assert_eq!(whoami(jira, &token_of(&renewed)).body, "alice");
        let session = jira.tokens().remove(0).session.unwrap();
        assert_eq!(session.created, first.created - 1000 * times);
        assert!((session.renewed - now()).abs() < 60, "{session:?}");
        granted = renewed;
    }
    assert_eq!(jira.tokens().len(), 1);
}

/// Every check of a renewal with those after it failing as well: the first one speaks.
#[test]
fn a_renewal_is_checked_in_order() {
    let estate = provisioned();
    let jira = estate.server(0);
    let other = Key::new(2048);
    let check = |signed: Signed<'_>, status, name| {
        let answer = signed.send(jira, &other);
        assert_eq!(answer.problem(), problem(status, name), "{answer:?}");
    };
    jira.add_token(Token::access("by-hand", "bot", "alice"));
    check(exchange("by-hand"), 401, "token_rejected");
    jira.set(Setting::SessionTtl(Some(100)));
    let granted = grant(jira, "alice");
    let access = token_of(&granted);
    jira.age_tokens(200);
    check(exchange(&access), 400, "parameter_absent");
    let wrong = exchange(&access).with("oauth_session_handle", "wrong");
    check(wrong, 401, "token_rejected");
    check(renewal(&granted), 401, "permission_denied");

    let granted = grant(jira, "alice");
    let hmac = renewal(&granted).set("oauth_signature_method", Some("HMAC-SHA1"));
    check(hmac, 400, "signature_method_rejected");
    check(renewal(&granted), 401, "signature_invalid");
    assert_eq!(renewal(&granted).send(jira, &KEY).status, 200);
}

#[test]
fn a_token_that_expired_is_renewed_all_the_same_until_its_session_is_over() {
    let estate = provisioned();
    let jira = estate.server(0);
    jira.set(Setting::AccessTokenTtl(100));
    jira.set(Setting::SessionTtl(Some(1000)));
    let granted = grant(jira, "alice");
    assert_eq!(
        granted.field("oauth_authorization_expires_in").as_deref(),
        Some("1000")
    );
    jira.age_tokens(500);
    let expired = whoami(jira, &token_of(&granted)).problem();
    assert_eq!(expired, problem(401, "token_expired"));
    let renewed = renewal(&granted).send(jira, &KEY);
    assert_eq!(whoami(jira, &token_of(&renewed)).body, "alice");
    // The session counts from its last renewal.
    jira.age_tokens(900);
    let renewed = renewal(&renewed).send(jira, &KEY);
    assert_eq!(renewed.status, 200, "{renewed:?}");
    jira.age_tokens(1100);
    let over = renewal(&renewed).send(jira, &KEY).problem();
    assert_eq!(over, problem(401, "permission_denied"));
}

#[test]
fn the_key_of_the_tokens_consumer_decides_whoever_asks() {
    let estate = provisioned();
    let jira = estate.server(0);
    let key = Key::new(2048);
    jira.put_consumer(
        None,
        Consumer::new("other", "Other", &key.public_pem()).unwrap(),
    );
    let granted = grant(jira, "alice");
    let as_other = || renewal(&granted).set("oauth_consumer_key", Some("other"));
    let refused = as_other().send(jira, &key).problem();
    assert_eq!(refused, problem(401, "signature_invalid"));
    let renewed = as_other().send(jira, &KEY);
    assert_eq!(whoami(jira, &token_of(&renewed)).body, "alice");
}

#[test]
fn nodes_share_tokens_and_not_the_nonces_they_have_seen() {
    let estate = provisioned();
    let jira = estate.server(0);
    jira.set(Setting::TwoNodes {
        catch_up_after: None,
    });
    // Every request is a connection of its own, so the nodes take turns.
    let granted = grant(jira, "alice");
    let renewed = renewal(&granted).send(jira, &KEY);
    let call = Signed::whoami("bot").set("oauth_token", Some(&token_of(&renewed)));
    for _ in 0..2 {
        assert_eq!(call.send(jira, &KEY).body, "alice");
    }
    let seen = call.send(jira, &KEY).problem();
    assert_eq!(seen, problem(401, "nonce_used"));
    let nodes: Vec<usize> = jira.log().iter().map(|exchange| exchange.node).collect();
    assert_eq!(nodes[1..], [2, 1, 2, 1, 2], "{nodes:?}");
}

//! The verifier, proven with signatures that the `openssl` command made.

use atl_testbed::{Consumer, Estate, Link, Server};

use crate::support::{Key, Signed, jira};

fn provisioned(bits: u32) -> (Estate, Key) {
    let estate = jira();
    let key = Key::new(bits);
    provision(estate.server(0), &key);
    (estate, key)
}

fn provision(server: &Server, key: &Key) {
    let link = server.add_link(Link::generic("Bot", "https://bot.example.com"));
    server.put_consumer(
        Some(link),
        Consumer::new("bot", "Bot", &key.public_pem()).unwrap(),
    );
}

#[test]
fn a_signature_of_openssl_is_accepted() {
    for bits in [1024, 2048, 3072, 4096] {
        let (estate, key) = provisioned(bits);
        let answer = Signed::request_token("bot").send(estate.server(0), &key);
        assert_eq!(answer.status, 200, "{bits} bits: {answer:?}");
        assert_eq!(answer.field("oauth_token").unwrap().len(), 32);
        assert_eq!(
            answer.field("oauth_callback_confirmed").as_deref(),
            Some("true")
        );
        assert_eq!(estate.server(0).tokens().len(), 1);
    }
}

#[test]
fn what_is_not_rsa_sha1_is_refused() {
    let (estate, key) = provisioned(2048);
    let jira = estate.server(0);
    let refused =
        |signed: Signed<'_>, signature: &str| signed.send_signed(jira, signature).problem();
    let invalid = (401, Some("signature_invalid".to_owned()));
    let method = (400, Some("signature_method_rejected".to_owned()));

    let rsa = || Signed::request_token("bot");
    let named = |name| Signed::request_token("bot").set("oauth_signature_method", Some(name));

    let signed = named("HMAC-SHA1");
    let hmac = crate::support::openssl(
        &["dgst", "-sha1", "-hmac", "&", "-binary"],
        signed.base_string(jira).as_bytes(),
    );
    let hmac = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, hmac);
    assert_eq!(refused(signed, &hmac), method);
    assert_eq!(
        refused(rsa(), &hmac),
        invalid,
        "an HMAC under the name of RSA-SHA1"
    );

    let signed = named("RSA-SHA512");
    let signature = key.sign("-sha512", &signed.base_string(jira));
    assert_eq!(refused(signed, &signature), method);
    let signed = rsa();
    let signature = key.sign("-sha512", &signed.base_string(jira));
    assert_eq!(
        refused(signed, &signature),
        invalid,
        "SHA-512 under the name of RSA-SHA1"
    );

    let signed = rsa();
    let signature = key.sign_without_digest_info(&signed.base_string(jira));
    assert_eq!(refused(signed, &signature), invalid, "no DigestInfo");

    let signed = rsa();
    let signature = Key::new(2048).sign("-sha1", &signed.base_string(jira));
    assert_eq!(refused(signed, &signature), invalid, "another key");
    assert_eq!(refused(rsa(), "not base64!"), invalid);
    assert_eq!(jira.tokens(), []);
}

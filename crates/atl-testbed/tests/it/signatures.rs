//! The verifier, proven with signatures that the `openssl` command made.

use atl_testbed::{Consumer, Setting};

use crate::support::{KEY, Key, Signed, jira, now, openssl, provision, provisioned};

#[test]
fn a_signature_of_openssl_is_accepted() {
    for bits in [1024, 2048, 3072, 4096] {
        let estate = jira();
        let key = Key::new(bits);
        provision(estate.server(0), &key);
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
    let estate = provisioned();
    let (jira, key) = (estate.server(0), &*KEY);
    let refused =
        |signed: Signed<'_>, signature: &str| signed.send_signed(jira, signature).problem();
    let invalid = (401, Some("signature_invalid".to_owned()));
    let method = (400, Some("signature_method_rejected".to_owned()));

    let rsa = || Signed::request_token("bot");
    let named = |name| Signed::request_token("bot").set("oauth_signature_method", Some(name));

    let signed = named("HMAC-SHA1");
    let hmac = openssl(
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

/// What a request token call lacks or has too much of, and what the server says to it, in the server's order.
#[test]
fn every_problem_has_its_name_and_status() {
    let estate = provisioned();
    let jira = estate.server(0);
    let check = |signed: Signed<'_>, status: u16, problem: &str| {
        let answer = signed.send(jira, &KEY);
        assert_eq!(
            answer.problem(),
            (status, Some(problem.to_owned())),
            "{answer:?}"
        );
        assert!(
            answer.challenges[0].contains(&format!(r#"oauth_problem="{problem}""#)),
            "{answer:?}"
        );
        answer
    };
    let token = || Signed::request_token("bot");
    let absent = check(
        token().set("oauth_consumer_key", None),
        400,
        "parameter_absent",
    );
    assert_eq!(
        absent.field("oauth_parameters_absent").as_deref(),
        Some("oauth_consumer_key")
    );
    check(
        Signed::request_token("stranger"),
        401,
        "consumer_key_unknown",
    );
    check(
        token().set("oauth_callback", Some("myapp://back")),
        400,
        "parameter_rejected",
    );
    check(
        token().set("oauth_signature_method", Some("PLAINTEXT")),
        400,
        "signature_method_rejected",
    );
    check(
        token().with("oauth_nonce", "again"),
        400,
        "parameter_rejected",
    );
    let version = check(
        token().set("oauth_version", Some("2.0")),
        400,
        "version_rejected",
    );
    assert_eq!(
        version.field("oauth_acceptable_versions").as_deref(),
        Some("1.0-1.0")
    );
    let late = check(
        token().set("oauth_timestamp", Some(&(now() - 400).to_string())),
        400,
        "timestamp_refused",
    );
    let window = late.field("oauth_acceptable_timestamps").unwrap();
    let (from, to) = window.split_once('-').unwrap();
    assert_eq!(
        to.parse::<i64>().unwrap() - from.parse::<i64>().unwrap(),
        600
    );
    assert_eq!(
        token()
            .set("oauth_timestamp", Some("soon"))
            .send(jira, &KEY)
            .status,
        500
    );
    jira.edit_consumer("bot", |bot| bot.three_legged = false);
    check(token(), 401, "permission_denied");
}

#[test]
fn a_bad_signature_shows_the_servers_base_string_and_burns_the_nonce() {
    let estate = provisioned();
    let jira = estate.server(0);
    let signed = Signed::request_token("bot");
    let bad = signed.send_signed(jira, "AAAA");
    assert_eq!(
        bad.field("oauth_signature_base_string"),
        Some(signed.base_string(jira))
    );
    assert_eq!(
        signed.send(jira, &KEY).problem(),
        (401, Some("nonce_used".to_owned()))
    );
}

#[test]
fn a_token_without_a_callback_is_not_confirmed() {
    let estate = provisioned();
    let answer = Signed::request_token("bot")
        .set("oauth_callback", None)
        .send(estate.server(0), &KEY);
    assert_eq!(
        (answer.status, answer.field("oauth_callback_confirmed")),
        (200, None)
    );
}

#[test]
fn a_get_of_a_token_endpoint_is_empty() {
    let estate = jira();
    for endpoint in ["request-token", "access-token"] {
        let url = format!(
            "{}/plugins/servlet/oauth/{endpoint}",
            estate.server(0).base_url()
        );
        let response = reqwest::blocking::get(url).unwrap();
        assert_eq!(
            (
                response.status().as_u16(),
                response.text().unwrap().as_str()
            ),
            (200, "")
        );
    }
}

#[test]
fn a_server_introduces_itself_as_a_consumer() {
    let estate = jira();
    let url = format!(
        "{}/plugins/servlet/oauth/consumer-info",
        estate.server(0).base_url()
    );
    let info = reqwest::blocking::get(url).unwrap().text().unwrap();
    let key = info
        .split("<publicKey>")
        .nth(1)
        .unwrap()
        .split('<')
        .next()
        .unwrap();
    assert!(Consumer::new("k", "n", key).is_ok(), "{info}");
}

#[test]
fn a_proxy_that_rewrites_the_host_spoils_the_signature() {
    let estate = provisioned();
    let jira = estate.server(0);
    jira.set(Setting::SeenAs(Some("https://internal:7999".to_owned())));
    let answer = Signed::request_token("bot").send(jira, &KEY);
    let seen = answer.field("oauth_signature_base_string").unwrap();
    assert!(
        seen.starts_with("POST&https%3A%2F%2Finternal%3A7999%2Fjira%2Fplugins"),
        "{seen}"
    );
}

#[test]
fn a_clock_that_is_off_refuses_and_shows_in_the_date() {
    let estate = provisioned();
    let jira = estate.server(0);
    jira.set(Setting::ClockSkew(3600));
    assert_eq!(
        Signed::request_token("bot")
            .send(jira, &KEY)
            .field("oauth_problem")
            .as_deref(),
        Some("timestamp_refused")
    );
    let ahead =
        Signed::request_token("bot").set("oauth_timestamp", Some(&(now() + 3600).to_string()));
    assert_eq!(ahead.send(jira, &KEY).status, 200);
}

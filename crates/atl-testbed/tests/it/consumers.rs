//! The consumer endpoint (protocol.md 1.7 and 1.10).

use atl_testbed::{Consumer, Generation, Kind, Link, Server, ServerSpec, Token};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{KEY, Key, call, client, estate, jira, json, openssl, provision, provisioned};

fn path(id: Uuid) -> String {
    format!("/rest/applinks-oauth/1.0/applicationlink/{id}/authentication/consumer")
}

fn put(server: &Server, id: Uuid, body: &Value) -> (u16, Value) {
    json(server, "PUT", &path(id), Some(body))
}

fn bot() -> Value {
    json!({ "key": "bot", "name": "Bot", "publicKey": KEY.public_pem() })
}

#[test]
fn every_put_is_a_201_and_a_generic_link_has_no_flags() {
    let estate = jira();
    let jira = estate.server(0);
    let id = jira.add_link(Link::generic("Bot", "https://a.example.com"));
    assert_eq!(json(jira, "GET", &path(id), None).0, 404, "no consumer");
    assert_eq!(
        json(jira, "GET", &path(Uuid::nil()), None).0,
        404,
        "no link"
    );
    let mut body = bot();
    body["twoLOAllowed"] = json!(true);
    body["callback"] = json!("https://a.example.com/back");
    for _ in 0..2 {
        let (status, made) = put(jira, id, &body);
        let href = format!("applicationlink/{id}/authentication/consumer");
        assert_eq!(
            (status, &made["resources-created"][0]["href"]),
            (201, &json!(href))
        );
    }
    let (_, shown) = json(jira, "GET", &path(id), None);
    let shown = &shown["consumers"][0];
    assert_eq!(
        (&shown["key"], &shown["twoLOAllowed"], &shown["outgoing"]),
        (&json!("bot"), &json!(false), &json!(false))
    );
    assert_eq!(
        shown["callback"], "https://a.example.com/back",
        "no slash is appended"
    );
    assert_eq!(
        shown["publicKey"],
        KEY.public_pem()
            .lines()
            .filter(|line| !line.starts_with('-'))
            .collect::<String>()
    );
    assert_eq!(jira.writes(), 2);
    assert_eq!(call(jira, "DELETE", &path(id), None).status(), 405);
}

#[test]
fn a_second_put_puts_two_legged_out() {
    let estate = provisioned();
    let jira = estate.server(0);
    let id = jira.links()[0].id;
    jira.edit_consumer("bot", |bot| {
        bot.two_legged = true;
        bot.execute_as = Some("alice".to_owned());
    });
    jira.add_token(Token::access("t", "bot", "alice"));
    put(jira, id, &bot());
    let stored = jira.consumer("bot").unwrap();
    assert_eq!((stored.two_legged, stored.execute_as), (false, None));
    assert_eq!(jira.tokens().len(), 1, "tokens of the same key survive");
}

#[test]
fn a_product_link_keeps_its_flags() {
    let estate = jira();
    let jira = estate.server(0);
    let id = jira.add_link(Link::product(
        "confluence",
        Uuid::from_u128(7),
        "Wiki",
        "https://wiki.example.com",
    ));
    let mut body = bot();
    body["twoLOAllowed"] = json!(true);
    body["executingTwoLOUser"] = json!("alice");
    assert_eq!(put(jira, id, &body).0, 201);
    let stored = jira.consumer("bot").unwrap();
    assert_eq!(
        (stored.two_legged, stored.execute_as.as_deref()),
        (true, Some("alice"))
    );
}

#[test]
fn a_key_that_another_link_has_is_taken_over() {
    let estate = provisioned();
    let jira = estate.server(0);
    let first = jira.links()[0].id;
    let second = jira.add_link(Link::generic("Other", "https://other.example.com"));
    let mut body = bot();
    body["name"] = json!("Thief");
    assert_eq!(put(jira, second, &body).0, 201);
    assert_eq!(
        json(jira, "GET", &path(first), None).1["consumers"][0]["name"],
        "Thief"
    );
    jira.delete_link(second);
    assert_eq!(
        json(jira, "GET", &path(first), None).0,
        404,
        "the property of the first link dangles"
    );
}

#[test]
fn another_key_orphans_the_old_consumer() {
    let estate = provisioned();
    let jira = estate.server(0);
    let mut body = bot();
    body["key"] = json!("bot-2");
    put(jira, jira.links()[0].id, &body);
    let keys: Vec<String> = jira
        .consumers()
        .into_iter()
        .map(|consumer| consumer.key)
        .collect();
    assert_eq!(keys, ["bot", "bot-2"]);
}

#[test]
fn what_a_put_lacks() {
    let estate = jira();
    let jira = estate.server(0);
    let id = jira.add_link(Link::generic("Bot", "https://a.example.com"));
    let check = |body: Value, status: u16, messages: usize| {
        let (got, answer) = put(jira, id, &body);
        assert_eq!(
            (got, answer["message"].as_array().map_or(0, Vec::len)),
            (status, messages),
            "{answer}"
        );
    };
    check(json!({ "name": "Bot" }), 400, 2);
    check(json!({ "name": "Bot", "key": "bot" }), 400, 1);
    check(
        json!({ "key": "bot", "publicKey": KEY.public_pem() }),
        500,
        0,
    );
    check(
        json!({ "key": "bot", "name": "Bot", "publicKey": "nonsense" }),
        400,
        1,
    );
    check(
        json!({ "key": "b", "name": "B", "publicKey": KEY.public_pem(), "callback": "app://x" }),
        500,
        0,
    );
    check(json!({ "outgoing": true, "key": "b" }), 400, 2);
    assert_eq!(
        call(jira, "PUT", &path(id), None).status(),
        500,
        "no body at all"
    );
    assert_eq!(jira.consumers(), []);
}

#[test]
fn outgoing_consumers_follow_the_incoming_one() {
    let estate = provisioned();
    let jira = estate.server(0);
    let id = jira.links()[0].id;
    let body =
        json!({ "outgoing": true, "key": "us", "name": "Us", "sharedSecret": "not-for-eyes" });
    assert_eq!(put(jira, id, &body).0, 201);
    let class = "com.atlassian.applinks.api.auth.types.OAuthAuthenticationProvider";
    jira.add_provider(id, class, &[("consumerKey.outbound", "us")]);
    let (_, shown) = json(jira, "GET", &path(id), None);
    let keys: Vec<&Value> = shown["consumers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|consumer| &consumer["key"])
        .collect();
    assert_eq!(keys, ["bot", "us"]);
    assert!(
        !shown.to_string().contains("not-for-eyes"),
        "the secret never shows"
    );
    assert_eq!(put(jira, id, &body).0, 500, "the key is taken");
}

/// The table of protocol.md 1.10, every input made by `openssl` or spoiled from what it made.
#[test]
fn what_is_a_public_key() {
    let pem = KEY.public_pem();
    let line: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let good = [
        pem.clone(),
        pem.replace('\n', "\r\n"),
        line.clone(),
        format!("{line} \n"),
        line.replace('+', "-").replace('/', "_"),
    ];
    for text in good {
        assert!(Consumer::new("k", "n", &text).is_ok(), "{text}");
    }
    let private = KEY.private_pem();
    let pkcs1 = openssl(&["rsa", "-RSAPublicKey_out"], private.as_bytes());
    let elliptic = openssl(&["ecparam", "-name", "prime256v1", "-genkey"], b"");
    let elliptic = openssl(&["ec", "-pubout"], &elliptic);
    let bad = [
        String::from_utf8(pkcs1).unwrap(),
        String::from_utf8(elliptic).unwrap(),
        private,
        KEY.certificate_pem(),
        "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQC7 me@here".to_owned(),
        line[..line.len() - 8].to_owned(),
        String::new(),
    ];
    for text in bad {
        assert!(Consumer::new("k", "n", &text).is_err(), "{text}");
    }
}

#[test]
fn xml_goes_in_as_well() {
    let estate = jira();
    let jira = estate.server(0);
    let id = jira.add_link(Link::generic("Bot", "https://a.example.com"));
    let body = format!(
        "<?xml version='1.0'?><consumer><key>bot</key><name>R &amp; D &#x263a;</name><publicKey>{}</publicKey></consumer>",
        KEY.public_pem()
    );
    let response = client()
        .put(format!("{}{}", jira.base_url(), path(id)))
        .basic_auth("admin", Some("admin-secret-1"))
        .header("content-type", "application/xml")
        .body(body)
        .send()
        .unwrap();
    assert_eq!(response.status(), 201);
    let text = response.text().unwrap();
    let href = format!(
        r#"<resources-created><link href="applicationlink/{id}/authentication/consumer" rel="self"/>"#
    );
    assert!(text.contains(&href), "{text}");
    assert_eq!(jira.consumer("bot").unwrap().name, "R & D \u{263a}");
}

#[test]
fn each_generation_has_its_own_place_for_consumers() {
    for (generation, found) in [
        (Generation::Ancient, [false, false, false]),
        (Generation::Legacy, [true, false, false]),
        (Generation::Transitional, [false, true, false]),
        (Generation::Current, [false, true, true]),
        (Generation::Next, [false, true, true]),
    ] {
        let estate = estate(ServerSpec::new(Kind::Jira).generation(generation));
        let jira = estate.server(0);
        let id = provision(jira, &KEY);
        let places = [
            format!("/rest/applinks/2.0/applicationlink/{id}/authentication/consumer"),
            path(id),
            format!("/rest/applinks/3.0/status/{id}/oauth"),
        ];
        assert_eq!(
            places.map(|place| json(jira, "GET", &place, None).0 == 200),
            found,
            "{generation:?}"
        );
    }
}

#[test]
fn a_smaller_key_is_nobodys_business() {
    assert!(Consumer::new("k", "n", &Key::new(1024).public_pem()).is_ok());
}

//! What `apply` refuses rather than break something

use atl_testbed::{Consumer, Kind, Link, ServerSpec, Setting, Token};
use serde_json::json;

use crate::{
    estate::{CONSUMER, Fleet, KINDS, URL, link_by_hand},
    wire::Wire,
};

/// `plan` and `apply` refuse the consumer, `apply` sends no write, and a person is told code and advice.
#[track_caller]
fn refused(fleet: &Fleet, code: &str, advice: &str) {
    fleet.forget();
    for command in ["plan --detailed-exitcode", "apply --yes"] {
        let (document, exit) = fleet.json(command);
        let entry = &document["servers"][0];
        assert_eq!(
            (&entry["status"], &entry["error"]["code"], exit),
            (&json!("failed"), &json!(code), 1),
            "{command}: {document:#}"
        );
        assert!(
            entry["error"]["advice"].as_str().unwrap().contains(advice),
            "{command}: {entry:#}"
        );
    }
    let run = fleet.run("apply --yes");
    assert!(
        run.stdout.contains(&format!("[{code}]")) && run.stdout.contains(advice),
        "{}",
        run.shown()
    );
    assert_eq!(fleet.writes(), 0);
}

#[test]
fn another_consumer_at_our_url_is_replaced_only_when_told_and_confirmed() {
    for kind in KINDS {
        let fleet = Fleet::of(kind);
        let link = link_by_hand(fleet.first(), URL, "theirs");
        fleet
            .first()
            .add_token(Token::access("granted", "theirs", "alice"));
        refused(&fleet, "foreign_consumer", "--replace-consumer");

        let run = fleet.run("apply --replace-consumer");
        assert_eq!((run.code, fleet.writes()), (Some(2), 0), "{}", run.shown());
        assert!(run.stderr.contains("--yes"), "{}", run.shown());

        let (document, exit) = fleet.json("apply --replace-consumer --yes");
        assert_eq!(exit, 0, "{document:#}");
        let change = &document["servers"][0]["changes"][1];
        assert_eq!(
            (
                &change["result"],
                &change["verified"],
                &change["kills_grants_complete"]
            ),
            (&json!("applied"), &json!(true), &json!(false)),
            "{change:#}"
        );
        assert_eq!(fleet.link().id, link.id);
        assert_eq!(fleet.link().consumer_key.as_deref(), Some(CONSUMER));
        assert!(
            fleet.first().consumer("theirs").is_none(),
            "{kind:?}: no orphan stays"
        );
        let tokens = fleet.first().tokens();
        assert!(tokens.iter().all(|token| token.consumer_key == CONSUMER));
    }
}

#[test]
fn a_consumer_key_that_is_taken_is_never_taken_over() {
    let public_key = include_str!("../../../../fixtures/keys/another.pub.pem");
    for kind in KINDS {
        let fleet = Fleet::of(kind);
        link_by_hand(fleet.first(), "https://elsewhere.example.com", CONSUMER);
        refused(&fleet, "consumer_key_taken", "`key`");
        assert!(fleet.first().link(URL).is_none());

        let fleet = Fleet::of(kind);
        fleet
            .first()
            .put_consumer(None, Consumer::new(CONSUMER, "orphan", public_key).unwrap());
        refused(&fleet, "consumer_key_taken", "`key`");
    }
}

#[test]
fn a_link_of_another_kind_or_one_that_moved_is_not_ours() {
    let fleet = Fleet::of(Kind::Jira);
    fleet.first().add_link(Link::product(
        "confluence",
        Link::generic("x", "https://other.example.com").id,
        "Wiki",
        URL,
    ));
    refused(&fleet, "foreign_link", "application URL of its own");

    let fleet = Fleet::provisioned();
    let id = fleet.link().id;
    fleet.first().edit_link(id, |link| {
        link.rpc_url = "https://moved.example.com".to_owned();
    });
    refused(&fleet, "relocated", "`url`");
}

#[test]
fn a_key_that_no_store_has_is_not_replaced_by_an_empty_store() {
    let fleet = Fleet::provisioned();
    let before = fleet.first().consumer(CONSUMER);
    for store in [
        "--store sqlite:empty.db --store-key file:empty.key",
        "--store sqlite:mistyped/store.db",
    ] {
        fleet.forget();
        let (document, exit) = fleet.json(&format!("apply --yes {store}"));
        let error = &document["servers"][0]["error"];
        assert_eq!(
            (&error["code"], exit, fleet.writes()),
            (&json!("unknown_key"), 1, 0),
            "{document:#}"
        );
        for word in ["--store", "keys import", "--replace-keys"] {
            assert!(
                error["advice"].as_str().unwrap().contains(word),
                "{error:#}"
            );
        }
        assert_eq!(fleet.first().consumer(CONSUMER), before);
    }
    let replace = "apply --replace-keys --store sqlite:empty.db --store-key file:empty.key";
    let run = fleet.run(replace);
    assert_eq!((run.code, fleet.writes()), (Some(2), 0), "{}", run.shown());

    let (document, exit) = fleet.json(&format!("{replace} --yes"));
    assert_eq!(
        (&document["servers"][0]["changes"][1]["verified"], exit),
        (&json!(true), 0),
        "{document:#}"
    );
    assert_ne!(fleet.first().consumer(CONSUMER), before);
}

#[test]
fn the_private_key_of_a_registered_consumer_can_be_imported() {
    let fleet = Fleet::of(Kind::Confluence);
    fleet.env.fixture("pkcs8.pem");
    let public_key = include_str!("../../../../fixtures/keys/pkcs8.pub.pem");
    let id = fleet.first().add_link(Link::generic("Deploy bot", URL));
    fleet.first().put_consumer(
        Some(id),
        Consumer::new(CONSUMER, "Deploy bot", public_key).unwrap(),
    );
    refused(&fleet, "unknown_key", "keys import");

    assert_eq!(
        fleet
            .run(&format!("keys import pkcs8.pem --consumer {CONSUMER}"))
            .code,
        Some(0)
    );
    let (document, exit) = fleet.json("apply");
    assert_eq!(
        (&document["servers"][0]["changes"][1]["verified"], exit),
        (&json!(true), 0),
        "{document:#}"
    );
    let held = fleet.first().consumer(CONSUMER).unwrap();
    assert_eq!(
        held.public_key,
        Consumer::new("x", "x", public_key).unwrap().public_key
    );
}

#[test]
fn plain_http_to_another_machine_needs_leave() {
    let fleet = Fleet::of(Kind::Jira);
    let web = Wire::web("200 OK", "text/plain", "a proxy");
    // Were anything sent, even a name looked up, the proxy would see it.
    fleet.add_to("jira", &format!("proxy: {}", web.url()));
    fleet.edit(&fleet.first().base_url(), "http://jira.example.com");
    for command in ["apply", "plan", "check", "links list"] {
        let run = fleet.run(command);
        assert_eq!(run.code, Some(2), "{command}: {}", run.shown());
        assert!(
            run.stderr.contains("--allow-http") && run.stdout.is_empty(),
            "{command}: {}",
            run.shown()
        );
    }
    assert_eq!(web.requests(), 0);
    assert_eq!(fleet.run("plan --allow-http").code, Some(3));
    assert!(web.requests() > 0);
}

#[test]
fn loopback_never_goes_through_a_proxy_of_the_environment() {
    let proxy = Wire::web("502 Bad Gateway", "text/plain", "");
    let fleet = [
        "http_proxy",
        "HTTP_PROXY",
        "https_proxy",
        "HTTPS_PROXY",
        "all_proxy",
        "ALL_PROXY",
    ]
    .into_iter()
    .fold(Fleet::of(Kind::Jira), |fleet, name| {
        fleet.with(name, &proxy.url())
    });
    assert_eq!(fleet.run("apply").code, Some(0));
    assert_eq!(proxy.requests(), 0);
}

#[test]
fn a_clock_that_is_off_is_named() {
    for skew in [-900, 900] {
        let fleet = Fleet::new([ServerSpec::new(Kind::Jira).setting(Setting::ClockSkew(skew))]);
        let (document, exit) = fleet.json("check");
        let checks = document["servers"][0]["checks"].as_array().unwrap();
        let clock = checks
            .iter()
            .find(|check| check["check"] == "clock")
            .unwrap();
        assert_eq!(
            (&clock["status"], exit),
            (&json!("fail"), 1),
            "{document:#}"
        );

        let (document, exit) = fleet.json("apply");
        let entry = &document["servers"][0];
        assert_eq!(
            (&entry["status"], exit),
            (&json!("failed"), 1),
            "{document:#}"
        );
        assert_eq!(entry["error"]["code"], "clock", "{document:#}");
        assert_eq!(fleet.writes(), 0, "no signature could prove the key");
    }
}

#[test]
fn a_proxy_that_rewrites_the_address_is_told_by_the_base_string() {
    let fleet = Fleet::new([ServerSpec::new(Kind::Jira)
        .setting(Setting::SeenAs(Some("https://internal:7999".to_owned())))]);
    let (document, exit) = fleet.json("apply --settle 1s");
    let error = &document["servers"][0]["error"];
    assert_eq!(
        (&error["code"], exit),
        (&json!("base_url"), 1),
        "{document:#}"
    );
    assert!(
        error["message"].as_str().unwrap().contains("internal"),
        "{error:#}"
    );
    assert!(
        error["advice"].as_str().unwrap().contains("sign_as"),
        "{error:#}"
    );

    fleet.add_to("jira", "sign_as: https://internal:7999");
    let (document, exit) = fleet.json("apply");
    assert_eq!(
        (&document["servers"][0]["changes"][1]["verified"], exit),
        (&json!(true), 0),
        "{document:#}"
    );
}

//! `links`

use std::collections::BTreeSet;

use atl_testbed::{Consumer, Fault, Kind, Link, Matcher, ServerSpec, Token};
use serde_json::json;

use crate::estate::{CONSUMER, Fleet, KINDS, URL, keys, link_by_hand};

const ELSEWHERE: &str = "https://elsewhere.example.com";

#[test]
fn list_tells_ours_from_theirs() {
    let fleet = Fleet::new(KINDS.map(ServerSpec::new));
    assert_eq!(fleet.run("apply").code, Some(0));
    let by_hand = link_by_hand(fleet.first(), ELSEWHERE, "theirs");
    fleet
        .first()
        .add_link(Link::generic("Nothing", "https://nothing.example.com"));
    fleet.forget();
    let (document, code) = fleet.json("links list");
    assert_eq!((code, fleet.writes()), (0, 0), "{document:#}");
    let entry = &document["servers"][0];
    assert_eq!(
        keys(entry),
        BTreeSet::from(["server", "status", "error", "links"])
    );
    let links = entry["links"].as_array().unwrap();
    let column = |name: &str| {
        links
            .iter()
            .map(|link| link[name].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        column("managed_as"),
        [json!(CONSUMER), json!(null), json!(null)]
    );
    assert_eq!(
        column("rpc_url"),
        [URL, ELSEWHERE, "https://nothing.example.com"]
    );
    assert_eq!(column("type_id"), ["generic"; 3]);
    assert_eq!(links[1]["id"], by_hand.id.to_string());
    assert_eq!(
        (&links[1]["consumer"]["key"], &links[2]["consumer"]),
        (&json!("theirs"), &json!(null))
    );
    let fingerprint = links[0]["consumer"]["fingerprint"].as_str().unwrap();
    assert!(fleet.run("keys list -o json").stdout.contains(fingerprint));
}

#[test]
fn show_finds_a_link_by_id_address_or_name() {
    let fleet = Fleet::provisioned();
    let id = fleet.link().id.to_string();
    for wanted in [id.as_str(), URL, "https://deploy.example.com/"] {
        let (document, code) = fleet.json(&format!("links show {wanted}"));
        assert_eq!(
            (&document["link"]["id"], code),
            (&json!(id), 0),
            "{document:#}"
        );
        assert_eq!(document["format_version"], "1.0");
    }
    link_by_hand(fleet.first(), ELSEWHERE, "theirs");
    assert_eq!(fleet.run("links show theirs").code, Some(0));
    let run = fleet.run("links show nothing");
    assert_eq!(
        (run.code, run.stdout.as_str()),
        (Some(1), ""),
        "{}",
        run.shown()
    );
    assert_eq!(fleet.writes(), 0);
}

#[test]
fn commands_for_one_server_want_one() {
    let fleet = Fleet::new(["a", "b"].map(|name| ServerSpec::new(Kind::Jira).name(name)));
    for line in [
        "links show x",
        "links delete x --yes",
        "links create -c deploy-bot",
        "links create -s a",
        "links create -s a -c deploy-bot -c other",
    ] {
        let run = fleet.run(line);
        assert_eq!(
            (run.code, run.stdout.as_str()),
            (Some(2), ""),
            "{line}: {}",
            run.shown()
        );
    }
    assert_eq!(fleet.writes(), 0);
}

#[test]
fn create_makes_one_link_as_apply_does() {
    let fleet = Fleet::new(["a", "b"].map(|name| ServerSpec::new(Kind::Jira).name(name)));
    let (document, code) = fleet.json(&format!("links create -s a -c {CONSUMER}"));
    assert_eq!(code, 0, "{document:#}");
    assert_eq!(document["servers"][0]["changes"][1]["verified"], true);
    assert!(fleet.server("a").link(URL).is_some() && fleet.server("b").link(URL).is_none());
    let (document, _) = fleet.json("apply");
    assert_eq!(
        document["summary"],
        json!({"create": 2, "update": 0, "delete": 0, "unchanged": 2, "failed": 0})
    );
}

#[test]
fn delete_asks_takes_the_grants_along_and_is_journalled() {
    for kind in KINDS {
        let fleet = Fleet::of(kind);
        assert_eq!(fleet.run("apply").code, Some(0));
        fleet
            .first()
            .add_token(Token::access("granted", CONSUMER, "alice"));
        fleet.forget();
        let run = fleet.run(&format!("links delete {URL}"));
        assert_eq!((run.code, fleet.writes()), (Some(2), 0), "{}", run.shown());
        assert!(
            run.stderr.contains(CONSUMER) && run.stderr.contains("grant"),
            "{}",
            run.shown()
        );

        let run = fleet.run(&format!("links delete {URL} --yes"));
        assert_eq!(
            (run.code, run.stdout.as_str()),
            (Some(0), ""),
            "{}",
            run.shown()
        );
        let server = fleet.first();
        assert!(
            server.links().is_empty()
                && server.consumers().is_empty()
                && server.tokens().is_empty(),
            "{kind:?}"
        );
        let journal = fleet.json("history").0;
        let step = &journal["journal"][0];
        assert_eq!(
            (&step["action"], &step["outcome"]),
            (&json!("link delete"), &json!("done")),
            "{journal:#}"
        );

        // It can be made again, with the same key.
        assert_eq!(fleet.run("apply").code, Some(0));
    }
}

#[test]
fn delete_leaves_system_links_and_shared_keys_alone() {
    let fleet = Fleet::of(Kind::Confluence);
    let mut system = Link::generic("System", "https://system.example.com");
    system.system = true;
    fleet.first().add_link(system);
    link_by_hand(fleet.first(), ELSEWHERE, "shared");
    link_by_hand(fleet.first(), "https://third.example.com", "shared");
    for (link, says) in [("System", "system link"), (ELSEWHERE, "shared")] {
        let run = fleet.run(&format!("links delete {link} --yes"));
        assert_eq!((run.code, fleet.writes()), (Some(1), 0), "{}", run.shown());
        assert!(run.stderr.contains(says), "{}", run.shown());
    }
    assert_eq!(
        fleet
            .run(&format!("links delete {ELSEWHERE} --yes --force"))
            .code,
        Some(0)
    );
    assert!(fleet.first().link(ELSEWHERE).is_none());
}

#[test]
fn what_adopt_prints_belongs_into_the_fleet_file() {
    let fleet = Fleet::new(KINDS.map(ServerSpec::new)).without_consumers();
    fleet.env.fixture("pkcs8.pem");
    let public_key = include_str!("../../../../fixtures/keys/pkcs8.pub.pem");
    for server in fleet.estate.servers() {
        let id = server.add_link(Link::generic("Old bot", URL));
        let mut consumer = Consumer::new("old/bot", "Old bot", public_key).unwrap();
        consumer.description = Some("who: knows # what".to_owned());
        consumer.callback = Some("https://deploy.example.com/back".to_owned());
        consumer.two_legged = server.name() == "git";
        server.put_consumer(Some(id), consumer);
    }
    let run = fleet.run("links adopt");
    assert_eq!(run.code, Some(0), "{}", run.shown());
    assert!(run.stderr.contains("keys import"), "{}", run.stderr);
    let text = fleet.env.read("fleet.yaml");
    fleet
        .env
        .write("fleet.yaml", &format!("{text}\n{}", run.stdout));

    let import = |name: &str| fleet.run(&format!("keys import pkcs8.pem --consumer {name}"));
    assert_eq!(import("old-bot").code, Some(0));
    // Two-legged OAuth differs on one server, so there are two entries, and a keypair in the store is of one.
    let run = import("old-bot-2");
    assert_eq!(run.code, Some(1), "{}", run.shown());
    assert!(
        run.stderr.contains("`old-bot`") && run.stderr.contains("private_key_file"),
        "{}",
        run.shown()
    );
    fleet.edit(
        "  old-bot-2:\n",
        "  old-bot-2:\n    keypair: { private_key_file: pkcs8.pem }\n",
    );
    let (document, code) = fleet.json("plan --detailed-exitcode");
    assert_eq!(
        (&document["summary"]["unchanged"], code),
        (&json!(9), 0),
        "{document:#}"
    );
    assert_eq!(fleet.writes(), 0);
    let run = fleet.run("links adopt https://nowhere.example.com");
    assert_eq!(
        (run.code, run.stdout.as_str()),
        (Some(1), ""),
        "{}",
        run.shown()
    );
    let run = fleet.run("links adopt");
    assert_eq!(
        (run.code, run.stdout.as_str()),
        (Some(0), ""),
        "nothing is left to adopt: {}",
        run.shown()
    );
}

#[test]
fn a_list_that_could_not_be_read_is_not_an_empty_one() {
    let fleet = Fleet::new(["a", "b"].map(|name| ServerSpec::new(Kind::Jira).name(name)));
    fleet
        .server("b")
        .set(Fault::Html.on(Matcher::path("/applicationlink")));
    for line in ["links list", "links list -o csv", "links adopt"] {
        let run = fleet.run(line);
        assert_eq!(run.code, Some(3), "{line}: {}", run.shown());
        assert!(
            run.stderr.starts_with("error: b: "),
            "{line}: {}",
            run.shown()
        );
    }
}

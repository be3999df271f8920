//! `scrub`: what came along when production was copied goes, and nothing else.

use atl_testbed::{
    Consumer, Flags, Generation, Kind, Link, Role, SERVICE_USER, ServerSpec, Setting, Token, User,
    link_id,
};
use serde_json::{Value, json};

use crate::{
    env::Run,
    estate::{CONSUMER, Fleet, KINDS, URL, link_by_hand},
};

pub(crate) const CI: &str = "https://ci.example.com/app";
pub(crate) const TEST_CI: &str = "https://ci.test.example.com/app";
pub(crate) const REPOINT: &str = "--repoint https://ci.example.com=https://ci.test.example.com";
const WIKI: &str = "https://wiki.example.com";
const OUT: &str = "com.atlassian.applinks.api.auth.types.OAuthAuthenticationProvider";
const ON: Flags = Flags {
    enabled: true,
    two_legged: true,
    impersonation: false,
};
const OFF: Flags = Flags {
    enabled: false,
    two_legged: false,
    impersonation: false,
};

/// Production, and before it a copy of it: each with our link, one of somebody else and one to a product, all with grants.
pub(crate) fn copied(generation: Generation) -> Fleet {
    copied_of(Kind::Jira, generation)
}

fn copied_of(kind: Kind, generation: Generation) -> Fleet {
    let spec = |name| ServerSpec::new(kind).name(name).generation(generation);
    let fleet = Fleet::new([spec("staging"), spec("jira")]);
    fleet.edit(
        "    callback:",
        "    keypair: { bits: 2048 }\n    callback:",
    );
    assert_eq!(fleet.run("apply").code, Some(0));
    for server in fleet.estate.servers() {
        for token in server.tokens() {
            server.remove_token(&token.value);
        }
        let ci = link_by_hand(server, CI, "ci");
        server.edit_link(ci.id, |link| "CI".clone_into(&mut link.name));
        server.set_matrix(ci.id, ON, OFF);
        let wiki = Link::product("confluence", link_id(WIKI), "Wiki", WIKI);
        let wiki = server.add_link(wiki);
        let key = include_str!("../../../../fixtures/keys/pkcs8.pub.pem");
        let consumer = Consumer::new("wiki-key", "Wiki", key).unwrap();
        server.put_consumer(Some(wiki), consumer);
        server.add_provider(wiki, OUT, &[]);
        for key in [CONSUMER, "ci", "wiki-key"] {
            server.add_token(Token::access(&format!("granted-to-{key}"), key, "alice"));
        }
    }
    let production = fleet.server("jira").base_url();
    fleet.server("staging").set(Setting::CopyOf(production));
    fleet.forget();
    fleet
}

/// Production has everything, and saw no write.
#[track_caller]
pub(crate) fn production_is_whole(fleet: &Fleet) {
    let production = fleet.server("jira");
    let sizes = (
        production.links().len(),
        production.consumers().len(),
        production.tokens().len(),
        production.writes(),
    );
    assert_eq!(sizes, (3, 3, 3, 0));
}

#[track_caller]
fn links(document: &Value) -> Vec<(&str, &str, &Value)> {
    let links = document["links"].as_array().unwrap();
    links
        .iter()
        .map(|link| {
            let text = |name: &str| link[name].as_str().unwrap();
            (text("name"), text("action"), &link["result"])
        })
        .collect()
}

#[track_caller]
fn ends(run: &Run, code: i32) {
    assert_eq!(run.code, Some(code), "{}", run.shown());
}

#[test]
fn everything_goes_and_production_keeps_all() {
    let fleet = copied(Generation::Current);
    let (document, code) = fleet.json("scrub -s staging --dry-run");
    assert_eq!((code, fleet.writes()), (0, 0), "{document:#}");
    let (done, null) = (json!("done"), json!(null));
    assert_eq!(
        links(&document),
        [
            ("Deploy bot", "remove", &null),
            ("CI", "remove", &null),
            ("Wiki", "remove", &null)
        ],
        "{document:#}"
    );
    let ours = &document["links"][0];
    assert_eq!(
        (&ours["managed_as"], &ours["consumer_key"], &ours["type"]),
        (&json!(CONSUMER), &json!(CONSUMER), &json!("generic"))
    );
    assert!(ours.as_object().unwrap()["to"].is_null(), "{ours:#}");
    let wiki = &document["links"][2];
    assert_eq!(
        (&wiki["outgoing"], &document["links"][1]["two_legged"]),
        (&json!(["OAuthAuthenticationProvider"]), &json!("on"))
    );
    assert_eq!(document["format_version"], "1.0");
    assert_eq!(document["not_reached"].as_array().unwrap().len(), 3);
    let warning = document["warnings"][0].as_str().unwrap();
    assert!(warning.contains("takes itself for"), "{warning}");

    // A copy has the id of its original, so that a yes is not enough.
    for line in ["scrub -s staging", "scrub -s staging --yes"] {
        let run = fleet.run(line);
        ends(&run, 2);
        assert!(
            run.stderr.contains("--confirm staging") && run.stderr.contains("`jira`"),
            "{}",
            run.shown()
        );
    }
    ends(&fleet.run("scrub -s staging --confirm jira"), 2);
    assert_eq!(fleet.writes(), 0);

    let (document, code) = fleet.json("scrub -s staging --confirm staging");
    assert_eq!(code, 0, "{document:#}");
    let every = links(&document);
    assert!(
        every.len() == 3 && every.iter().all(|(_, _, result)| **result == done),
        "{document:#}"
    );
    let staging = fleet.server("staging");
    assert!(staging.links().is_empty() && staging.consumers().is_empty());
    assert!(staging.tokens().is_empty());
    production_is_whole(&fleet);
    let (keys, _) = fleet.json("keys list");
    assert_eq!(keys["keys"][0]["servers"], json!(["jira"]), "{keys:#}");

    fleet.forget();
    let run = fleet.run("scrub -s staging");
    ends(&run, 0);
    assert_eq!(fleet.writes(), 0);
    assert!(
        run.stderr.contains("no application links"),
        "{}",
        run.shown()
    );
}

#[test]
fn copies_of_every_product_are_scrubbed() {
    for kind in KINDS {
        let fleet = copied_of(kind, Generation::Current);
        let (document, code) = fleet.json("scrub -s staging --confirm staging");
        assert_eq!(code, 0, "{kind:?}: {document:#}");
        let staging = fleet.server("staging");
        let left = (
            staging.links().len(),
            staging.consumers().len(),
            staging.tokens().len(),
        );
        assert_eq!(left, (0, 0, 0), "{kind:?}: {document:#}");
        production_is_whole(&fleet);
    }
}

#[test]
fn another_name_for_production_is_refused() {
    let fleet = copied(Generation::Current);
    let url = fleet.server("jira").base_url();
    let alias = url.replace("127.0.0.1", "localhost");
    let staging = fleet.server("staging").base_url();
    fleet.edit(&staging, &alias);
    for line in [
        "scrub -s staging --confirm staging --yes",
        "scrub -s staging --dry-run",
    ] {
        let (document, code) = fleet.json(line);
        assert_eq!((code, fleet.requests()), (1, 0), "{document:#}");
        assert_eq!(document["error"]["code"], "same_address", "{document:#}");
    }
    production_is_whole(&fleet);
    // Below another context path another server is at home.
    fleet.edit(&alias, &format!("{alias}/elsewhere"));
    let (document, code) = fleet.json("scrub -s staging --confirm staging");
    assert_eq!(code, 3, "{document:#}");
    assert_ne!(document["error"]["code"], "same_address", "{document:#}");
    production_is_whole(&fleet);
}

#[test]
fn a_yes_is_enough_only_where_the_servers_can_be_told_apart() {
    let fleet = copied(Generation::Current);
    let url = fleet.server("staging").base_url();
    fleet.server("staging").set(Setting::CopyOf(url));
    fleet.server("jira").stop();
    let run = fleet.run("scrub -s staging --yes");
    ends(&run, 2);
    assert!(
        run.stderr.contains("could not be compared with `jira`"),
        "{}",
        run.shown()
    );
    fleet.server("jira").start().unwrap();
    ends(&fleet.run("scrub -s staging"), 2);
    assert_eq!(fleet.writes(), 0);
    ends(&fleet.run("scrub -s staging --yes"), 0);
    assert!(fleet.server("staging").links().is_empty());
    production_is_whole(&fleet);

    // Nothing to compare with is no better.
    let alone = Fleet::provisioned();
    ends(&alone.run("scrub -s jira --yes"), 2);
    assert_eq!(alone.writes(), 0);
}

#[cfg(target_os = "linux")]
#[test]
fn the_name_is_typed_on_a_terminal() {
    let fleet = copied(Generation::Current);
    for (keys, code, says) in [
        ("yes\n", 1, "was not typed"),
        ("staging\n", 0, "scrubbed 3"),
    ] {
        let mut typing = fleet.on_terminal("scrub -s staging");
        typing.wait_said("type the name of the server");
        assert_eq!(fleet.writes(), 0);
        typing.press(keys);
        let run = typing.end();
        ends(&run, code);
        assert!(run.stdout.contains(says), "{}", run.shown());
    }
    assert!(fleet.server("staging").links().is_empty());
    production_is_whole(&fleet);
}

#[test]
fn named_links_stay_without_their_grants() {
    let fleet = copied(Generation::Current);
    let staging = fleet.server("staging");
    let ours = staging.link(URL).unwrap();
    staging.set_matrix(ours.id, ON, ON);
    staging.add_provider(
        ours.id,
        OUT,
        &[("serviceProvider.accessTokenUrl", "https://x.example.com")],
    );
    // A second link with the same consumer key goes, and with it the consumer: it is registered again all the same.
    let other = staging.add_link(Link::generic("Other", "https://other.example.com"));
    let consumer = staging.consumer(CONSUMER).unwrap();
    staging.put_consumer(Some(other), consumer);
    let before = (
        staging.link(URL).unwrap(),
        staging.consumer(CONSUMER).unwrap(),
    );

    let (document, code) = fleet.json("scrub -s staging --keep-named --confirm staging");
    assert_eq!(code, 0, "{document:#}");
    let done = json!("done");
    assert_eq!(
        links(&document),
        [
            ("Deploy bot", "keep", &done),
            ("CI", "remove", &done),
            ("Wiki", "remove", &done),
            ("Other", "remove", &done),
        ]
    );
    let after = (
        staging.link(URL).unwrap(),
        staging.consumer(CONSUMER).unwrap(),
    );
    assert_eq!(after, before);
    assert_eq!((staging.links().len(), staging.tokens()), (1, vec![]));
    production_is_whole(&fleet);
    fleet.forget();
    let (plan, _) = fleet.json("apply");
    assert_eq!(
        (&plan["summary"]["failed"], fleet.writes()),
        (&json!(0), 0),
        "{plan:#}"
    );
}

#[test]
fn links_are_re_pointed_without_their_grants() {
    for generation in [Generation::Current, Generation::Legacy] {
        let fleet = copied(generation);
        let staging = fleet.server("staging");
        if generation == Generation::Legacy {
            // Without a matrix, only the admin form puts two-legged OAuth back, and that names a user.
            staging.edit_consumer("ci", |consumer| {
                consumer.execute_as = Some(SERVICE_USER.to_owned());
            });
        }
        let before = staging.consumer("ci").unwrap();
        let line = format!("scrub -s staging --confirm staging {REPOINT}");
        for _ in 0..2 {
            let (document, code) = fleet.json(&line);
            assert_eq!(code, 0, "{document:#}");
            let [link] = staging.links().try_into().unwrap();
            assert_eq!(
                (
                    link.name.as_str(),
                    link.rpc_url.as_str(),
                    link.display_url.as_str()
                ),
                ("CI", TEST_CI, TEST_CI)
            );
            assert_eq!(link.consumer_key.as_deref(), Some("ci"));
            let after = staging.consumers();
            assert_eq!(after.as_slice(), std::slice::from_ref(&before));
            assert_eq!(staging.tokens(), []);
        }
        production_is_whole(&fleet);
    }
}

#[test]
fn a_product_cannot_be_re_pointed_and_a_place_taken_twice() {
    let fleet = copied(Generation::Current);
    link_by_hand(fleet.server("staging"), TEST_CI, "test-ci");
    let line = format!("scrub -s staging --dry-run {REPOINT} --repoint {WIKI}=https://w.test");
    let (document, _) = fleet.json(&line);
    let null = json!(null);
    assert_eq!(
        links(&document),
        [
            ("Deploy bot", "remove", &null),
            ("CI", "remove", &null),
            ("Wiki", "remove", &null),
            ("test-ci", "keep", &null),
        ]
    );
    for (place, says) in [(1, "already"), (2, "cannot be re-pointed")] {
        let note = document["links"][place]["note"].as_str().unwrap();
        assert!(note.contains(says), "{note}");
    }
}

#[test]
fn who_may_not_or_is_not_there_is_told() {
    let fleet = copied(Generation::Current);
    let staging = fleet.server("staging");
    staging.put_user(User::new("admin", atl_testbed::ADMIN_PASSWORD, Role::User));
    let (document, code) = fleet.json("scrub -s staging --confirm staging");
    assert_eq!(
        (code, &document["status"], fleet.writes()),
        (4, &json!("refused"), 0),
        "{document:#}"
    );
    staging.stop();
    let (document, code) = fleet.json("scrub -s staging --confirm staging");
    assert_eq!(
        (code, &document["status"]),
        (3, &json!("unreachable")),
        "{document:#}"
    );
    assert!(document["error"]["advice"].is_string() && document["links"] == json!([]));
}

#[test]
fn the_store_learns_which_grants_ended() {
    let specs = ["staging", "jira"].map(|name| ServerSpec::new(Kind::Jira).name(name));
    let fleet = Fleet::granting(specs);
    ends(&fleet.run("authorize --headless"), 0);
    let (document, code) = fleet.json("scrub -s staging --confirm staging");
    assert_eq!(
        (code, &document["links"][0]["grants_known"]),
        (0, &json!(1)),
        "{document:#}"
    );
    let (document, _) = fleet.json("tokens list --source store");
    let grants = document["grants"].as_array().unwrap();
    let mut states: Vec<_> = grants
        .iter()
        .map(|grant| (grant["server"].as_str(), grant["status"].as_str()))
        .collect();
    states.sort_unstable();
    let wanted = [("jira", "active"), ("staging", "rejected")];
    assert_eq!(
        states,
        wanted.map(|(server, state)| (Some(server), Some(state)))
    );
}

/// What only a system administrator could put back is not taken away.
#[test]
fn a_plain_administrator_keeps_no_impersonation() {
    let fleet = copied(Generation::Current);
    let staging = fleet.server("staging");
    staging.edit_consumer("ci", |consumer| consumer.impersonation = true);
    staging.put_user(User::new("admin", atl_testbed::ADMIN_PASSWORD, Role::Admin));
    let (document, code) = fleet.json(&format!("scrub -s staging --confirm staging {REPOINT}"));
    assert_eq!(code, 1, "{document:#}");
    assert_eq!(document["links"][1]["error"]["code"], "unrestorable");
    let results: Vec<_> = links(&document).iter().map(|link| link.2.clone()).collect();
    assert_eq!(results, ["done", "failed", "done"], "{document:#}");
    assert!(staging.link(CI).is_some() && staging.consumer("ci").unwrap().impersonation);
    ends(&fleet.run("scrub -s staging --confirm staging"), 0);
    assert!(staging.links().is_empty());
}

#[test]
fn one_server_is_scrubbed_and_it_is_named() {
    let fleet = copied(Generation::Current);
    for line in [
        "scrub --confirm staging",
        "scrub -s staging -s jira --confirm staging",
        "scrub -s staging -c deploy-bot --confirm staging",
        "scrub -s staging --repoint https://a.example.com",
        "scrub -s nothing",
    ] {
        let run = fleet.run(line);
        assert_eq!(
            (run.code, run.stdout.as_str()),
            (Some(2), ""),
            "{line}: {}",
            run.shown()
        );
    }
    assert_eq!(fleet.requests(), 0);
    fleet.add_to("staging", "labels: [copy]");
    ends(&fleet.run("scrub -s label:copy --confirm staging"), 0);
    production_is_whole(&fleet);
}

#[test]
fn every_format_lists_the_links() {
    let fleet = copied(Generation::Current);
    let shown = |format: &str| {
        let run = fleet.run(&format!("scrub -s staging --dry-run -o {format}"));
        ends(&run, 0);
        run
    };
    let table = shown("table").stdout;
    for part in [
        "CONSUMER KEY",
        "wiki-key",
        "remove",
        "NOT REACHED",
        "personal access",
    ] {
        assert!(table.contains(part), "{part}: {table}");
    }
    assert_eq!(shown("csv").stdout.lines().count(), 4);
    assert!(shown("yaml").stdout.contains("consumer_key: wiki-key"));
    let line = "scrub -s staging --confirm staging -o ndjson";
    let run = fleet.run(line);
    ends(&run, 0);
    let events: Vec<Value> = run
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let count = |name: &str| events.iter().filter(|event| event["event"] == name).count();
    assert_eq!(
        (count("scrubbed"), count("not_reached"), count("warning")),
        (3, 3, 1),
        "{events:#?}"
    );
    assert_eq!(events.last().unwrap()["event"], "server");
}

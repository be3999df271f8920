//! kill -9 at every point of a run: the next one finishes, with no duplicate link and no unknown key (cli.md 4.7).

use atl_testbed::{Consumer, Flags, Generation, Link, SERVICE_USER};
use serde_json::json;

use crate::{
    estate::{CONSUMER, Fleet, URL},
    killing::Scenario,
};

/// One link at our URL, with our consumer, whose key the store has; and the store knows that the link is its own.
#[track_caller]
fn provisioned(fleet: &Fleet) {
    ours(fleet);
    // What this tool made it also takes away: prune it from a copy of the fleet file that names nothing.
    let text = fleet.env.read("fleet.yaml");
    let (servers, _) = text.split_once("\nconsumers:").unwrap();
    fleet.env.write("empty.yaml", servers);
    let (plan, code) = fleet.json("plan --prune -f empty.yaml");
    assert_eq!(
        (code, &plan["summary"]["delete"]),
        (0, &json!(1)),
        "{plan:#}"
    );
}

#[track_caller]
fn ours(fleet: &Fleet) {
    let server = fleet.first();
    let links: Vec<_> = server
        .links()
        .into_iter()
        .filter(|link| link.rpc_url == URL)
        .collect();
    assert_eq!(links.len(), 1, "{links:?}");
    assert_eq!(links[0].consumer_key.as_deref(), Some(CONSUMER));
    assert_eq!(server.consumers().len(), 1);
    let (keys, _) = fleet.json("keys list");
    let [key] = keys["keys"].as_array().unwrap().as_slice() else {
        panic!("not one keypair: {keys:#}");
    };
    assert_eq!(key["servers"], json!(["jira"]));
}

#[track_caller]
fn two_legged(fleet: &Fleet) {
    assert!(fleet.first().consumer(CONSUMER).unwrap().two_legged);
}

fn apply(fleet: &Fleet) {
    let run = fleet.run("apply");
    assert_eq!(run.code, Some(0), "{}", run.shown());
}

fn enable_two_legged(fleet: &Fleet) {
    fleet.edit(
        "    callback:",
        "    two_legged: { enabled: true }\n    callback:",
    );
}

#[test]
fn a_first_apply() {
    Scenario {
        name: "first apply with two-legged OAuth",
        generation: Generation::Current,
        prepare: enable_two_legged,
        line: "apply",
        settled: |fleet| {
            two_legged(fleet);
            provisioned(fleet);
        },
    }
    .run(true);
}

#[test]
fn a_first_apply_on_an_older_server() {
    Scenario {
        name: "first apply on an older server",
        generation: Generation::Legacy,
        prepare: |_| {},
        line: "apply",
        settled: provisioned,
    }
    .run(false);
}

#[test]
fn an_executing_user() {
    Scenario {
        name: "executing user",
        generation: Generation::Current,
        prepare: |fleet| {
            let two = format!("    two_legged: {{ enabled: true, execute_as: {SERVICE_USER} }}\n");
            fleet.edit("    callback:", &format!("{two}    callback:"));
        },
        line: "apply",
        settled: |fleet| {
            two_legged(fleet);
            let consumer = fleet.first().consumer(CONSUMER).unwrap();
            assert_eq!(consumer.execute_as.as_deref(), Some(SERVICE_USER));
            provisioned(fleet);
        },
    }
    .run(false);
}

/// The fixture's key, registered by hand.
fn stranger(key: &str) -> Consumer {
    let pem = include_str!("../../../../fixtures/keys/pkcs8.pub.pem");
    Consumer::new(key, "Other bot", pem).unwrap()
}

#[test]
fn another_consumer_is_replaced() {
    Scenario {
        name: "another consumer is replaced",
        generation: Generation::Current,
        prepare: |fleet| {
            let id = fleet.first().add_link(Link::generic("Other", URL));
            fleet.first().put_consumer(Some(id), stranger("other-bot"));
        },
        line: "apply --replace-consumer --yes",
        settled: ours,
    }
    .run(false);
}

#[test]
fn a_link_is_deleted() {
    Scenario {
        name: "state: absent",
        generation: Generation::Current,
        prepare: |fleet| {
            apply(fleet);
            fleet.edit("    callback:", "    state: absent\n    callback:");
        },
        line: "apply --yes",
        settled: nothing_left,
    }
    .run(false);
}

#[test]
fn a_link_is_pruned() {
    Scenario {
        name: "prune",
        generation: Generation::Current,
        prepare: |fleet| {
            apply(fleet);
            let text = fleet.env.read("fleet.yaml");
            let (servers, _) = text.split_once("\nconsumers:").unwrap();
            fleet.env.write("fleet.yaml", servers);
        },
        line: "apply --prune --yes",
        settled: nothing_left,
    }
    .run(false);
}

/// Neither the server nor the store knows of the link any more.
#[track_caller]
fn nothing_left(fleet: &Fleet) {
    assert_eq!(
        (fleet.first().links(), fleet.first().consumers()),
        (vec![], vec![])
    );
    let (keys, _) = fleet.json("keys list");
    assert_eq!(keys["keys"][0]["servers"], json!([]), "{keys:#}");
}

const PROVIDER: &str = "com.atlassian.applinks.api.auth.types.OAuthAuthenticationProvider";

/// Repairing a drifted callback resets two-legged OAuth and the outgoing side (cli.md 4.9).
#[test]
fn drift_is_repaired() {
    Scenario {
        name: "drift",
        generation: Generation::Current,
        prepare: |fleet| {
            apply(fleet);
            let server = fleet.first();
            let id = fleet.link().id;
            server.add_provider(
                id,
                PROVIDER,
                &[("serviceProvider.accessTokenUrl", "https://x.example.com")],
            );
            let on = Flags {
                enabled: true,
                two_legged: true,
                impersonation: false,
            };
            let out = Flags {
                enabled: true,
                two_legged: false,
                impersonation: false,
            };
            server.set_matrix(id, on, out);
            server.add_provider(
                id,
                PROVIDER,
                &[("serviceProvider.accessTokenUrl", "https://x.example.com")],
            );
            server.edit_consumer(CONSUMER, |consumer| consumer.callback = None);
            server.edit_link(id, |link| {
                "https://elsewhere.example.com".clone_into(&mut link.display_url);
            });
        },
        line: "apply",
        settled: |fleet| {
            two_legged(fleet);
            let link = fleet.link();
            assert_eq!(link.display_url, URL);
            assert_eq!(link.providers[PROVIDER].len(), 1, "{link:?}");
            provisioned(fleet);
        },
    }
    .run(false);
}

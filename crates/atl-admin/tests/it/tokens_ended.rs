//! Grants that end with what this tool takes away: the plan counts them, and the store says that they are dead.

use atl_store::GrantRow;
use atl_testbed::{ALICE, BOB, Consumer, Link};
use serde_json::{Value, json};

use crate::{
    estate::{CONSUMER, Fleet, URL, link_by_hand},
    grants::row,
};

/// Two grants, and one of another consumer on another link.
fn granted() -> Fleet {
    let fleet = Fleet::provisioned();
    link_by_hand(fleet.first(), "https://other.example.com", "other-bot");
    fleet.edit(
        "\nconsumers:\n",
        "\nconsumers:\n  other-bot:\n    url: https://other.example.com\n",
    );
    fleet.grant(1, ALICE);
    fleet.grant(2, BOB);
    fleet.keep(&GrantRow {
        consumer: "other-bot".to_owned(),
        consumer_key: "other-bot".to_owned(),
        ..row(fleet.first(), 3, ALICE)
    });
    fleet
}

/// The statuses of the grants of the consumer and of the other one, without asking anybody.
#[track_caller]
fn statuses(fleet: &Fleet) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let grants = fleet.listed().into_iter();
    let mut shown: Vec<_> = grants
        .map(|grant| (text(&grant["consumer"]), text(&grant["status"])))
        .collect();
    shown.sort();
    shown
}

#[track_caller]
fn ended(fleet: &Fleet, why: &str) {
    let pair = |consumer: &str, status: &str| (consumer.to_owned(), status.to_owned());
    assert_eq!(
        statuses(fleet),
        [
            pair(CONSUMER, "rejected"),
            pair(CONSUMER, "rejected"),
            pair("other-bot", "active")
        ]
    );
    let (list, _) = fleet.json("tokens list --source store --status rejected");
    let note = list["grants"][0]["note"].as_str().unwrap();
    assert!(note.starts_with(why), "{note}");
}

#[test]
fn a_link_that_the_fleet_file_takes_away() {
    let fleet = granted();
    fleet.edit("    callback:", "    state: absent\n    callback:");
    let (plan, _) = fleet.json("plan -c deploy-bot");
    let change = &plan["servers"][0]["changes"][0];
    assert_eq!(
        (
            &change["action"],
            &change["kills_grants"],
            &change["kills_grants_complete"]
        ),
        (&json!("delete"), &json!(2), &json!(false)),
        "{plan:#}"
    );
    let run = fleet.run("apply -c deploy-bot");
    assert!(
        run.stderr.contains("ends its grants (at least 2 known)"),
        "{}",
        run.shown()
    );
    let run = fleet.run("apply -c deploy-bot --yes");
    assert_eq!(run.code, Some(0), "{}", run.shown());
    ended(&fleet, "its link was deleted on 20");
}

#[test]
fn a_link_that_is_deleted_by_hand() {
    let fleet = granted();
    let run = fleet.run(&format!("links delete {URL} --yes"));
    assert_eq!(run.code, Some(0), "{}", run.shown());
    ended(&fleet, "its link was deleted on 20");
}

#[test]
fn a_link_that_is_pruned() {
    let fleet = granted();
    let whole = fleet.env.read("fleet.yaml");
    let start = whole.find("  deploy-bot:").unwrap();
    fleet.env.write("fleet.yaml", &whole[..start]);
    let run = fleet.run("apply --prune --yes -s jira");
    assert_ne!(run.code, Some(2), "{}", run.shown());
    assert!(fleet.first().link(URL).is_none(), "{}", run.shown());
    fleet.env.write("fleet.yaml", &whole);
    ended(&fleet, "its link was deleted on 20");
}

/// Our grants of a consumer key that is put out of a link, such as a former key of ours.
#[test]
fn a_consumer_that_is_replaced() {
    let fleet = granted();
    let other = include_str!("../../../../fixtures/keys/another.pub.pem");
    let other = Consumer::new("former-key", "Former", other).unwrap();
    let link = fleet.link();
    fleet.first().delete_link(link.id);
    let id = fleet.first().add_link(Link::generic("Deploy bot", URL));
    fleet.first().put_consumer(Some(id), other);
    fleet.keep(&GrantRow {
        consumer_key: "former-key".to_owned(),
        ..row(fleet.first(), 4, ALICE)
    });
    let (plan, _) = fleet.json("plan -c deploy-bot --replace-consumer");
    let changes = plan["servers"][0]["changes"].as_array().unwrap();
    let killed = changes
        .iter()
        .find(|change| change["kind"] == "consumer")
        .unwrap();
    assert_eq!(killed["kills_grants"], 1, "{plan:#}");
    let run = fleet.run("apply -c deploy-bot --replace-consumer --yes");
    assert_eq!(run.code, Some(0), "{}", run.shown());
    let (list, _) = fleet.json("tokens list --source store --status rejected");
    let grants = list["grants"].as_array().unwrap();
    assert_eq!(
        (grants.len(), &grants[0]["consumer_key"]),
        (1, &json!("former-key"))
    );
}

//! What takes links away: `--prune` and `state: absent`

use serde_json::json;

use crate::estate::{CONSUMER, Fleet, KINDS, URL, link_by_hand};

const ELSEWHERE: &str = "https://elsewhere.example.com";

#[test]
fn prune_takes_away_what_this_tool_made_and_nothing_else() {
    let fleet = Fleet::provisioned();
    link_by_hand(fleet.first(), ELSEWHERE, "theirs");
    let fleet = fleet.without_consumers();
    let (document, code) = fleet.json("apply");
    assert_eq!(
        (&document["summary"]["delete"], code, fleet.writes()),
        (&json!(0), 0, 0),
        "{document:#}"
    );

    let (document, _) = fleet.json("plan --prune");
    let change = &document["servers"][0]["changes"][0];
    let link_id = fleet.link().id.to_string();
    assert_eq!(
        [
            &change["kind"],
            &change["action"],
            &change["consumer"],
            &change["link_id"]
        ],
        [
            &json!("link"),
            &json!("delete"),
            &json!(CONSUMER),
            &json!(link_id)
        ]
    );
    assert_eq!(change["kills_grants_complete"], false);
    assert!(fleet.run("plan --prune").stdout.contains("at least 0"));
    let run = fleet.run("apply --prune");
    assert_eq!((run.code, fleet.writes()), (Some(2), 0), "{}", run.shown());

    let (document, code) = fleet.json("apply --prune --yes");
    assert_eq!(
        (&document["summary"]["delete"], code),
        (&json!(1), 0),
        "{document:#}"
    );
    let left: Vec<_> = fleet
        .first()
        .links()
        .into_iter()
        .map(|link| link.rpc_url)
        .collect();
    assert_eq!(left, [ELSEWHERE]);
    fleet.forget();
    assert_eq!(
        (fleet.run("apply --prune --yes").code, fleet.writes()),
        (Some(0), 0)
    );
}

#[test]
fn absent_deletes_the_link_that_carries_this_consumer_only() {
    for kind in KINDS {
        let fleet = Fleet::of(kind);
        assert_eq!(fleet.run("apply").code, Some(0));
        fleet.edit(
            "    name: Deploy bot\n",
            "    name: Deploy bot\n    state: absent\n",
        );
        fleet.forget();
        let run = fleet.run("apply");
        assert_eq!((run.code, fleet.writes()), (Some(2), 0), "{}", run.shown());
        let (document, code) = fleet.json("apply --yes");
        let change = &document["servers"][0]["changes"][0];
        assert_eq!(
            (&change["action"], &change["result"], code),
            (&json!("delete"), &json!("applied"), 0),
            "{document:#}"
        );
        assert!(
            fleet.first().links().is_empty() && fleet.first().consumer(CONSUMER).is_none(),
            "{kind:?}"
        );
        fleet.forget();
        assert_eq!((fleet.run("apply").code, fleet.writes()), (Some(0), 0));

        link_by_hand(fleet.first(), URL, "theirs");
        let (document, code) = fleet.json("apply --yes");
        let error = &document["servers"][0]["error"]["code"];
        assert_eq!(
            (error, code, fleet.writes()),
            (&json!("foreign_consumer"), 1, 0),
            "{document:#}"
        );
    }
}

//! `apply`: the main job

use atl_testbed::{Generation, ServerSpec};
use serde_json::{Value, json};

use crate::estate::{CONSUMER, Fleet, KINDS, URL, keys, server};

/// The four products of every generation that has REST for consumers.
fn fleet() -> Fleet {
    let generations = [
        Generation::Legacy,
        Generation::Transitional,
        Generation::Current,
        Generation::Next,
    ];
    Fleet::new(generations.iter().flat_map(|generation| {
        KINDS.map(|kind| {
            ServerSpec::new(kind)
                .generation(*generation)
                .context("/ctx")
        })
    }))
}

#[test]
fn makes_every_product_and_generation_so_proves_it_and_then_changes_nothing() {
    let fleet = fleet();
    let servers = fleet.estate.servers();
    let (first, code) = fleet.json("apply");
    assert_eq!(code, 0, "{first:#}");
    for server in servers {
        let entry = self::server(&first, server.name());
        assert_eq!(entry["status"], "ok", "{entry:#}");
        assert_eq!(
            entry["product"],
            server.kind().type_id().replace("stash", "bitbucket")
        );
        let changes = entry["changes"].as_array().unwrap();
        let kinds: Vec<_> = changes
            .iter()
            .map(|change| {
                (
                    change["kind"].as_str().unwrap(),
                    change["action"].as_str().unwrap(),
                )
            })
            .collect();
        assert_eq!(
            kinds,
            [("link", "create"), ("consumer", "create")],
            "{entry:#}"
        );
        for change in changes {
            assert_eq!(
                (&change["result"], &change["verified"]),
                (&json!("applied"), &json!(true)),
                "{entry:#}"
            );
        }
        let link = server.link(URL).unwrap();
        assert_eq!(changes[0]["link_id"], link.id.to_string());
        assert_eq!(link.consumer_key.as_deref(), Some(CONSUMER));
        assert_eq!(
            server.consumer(CONSUMER).unwrap().callback.unwrap(),
            "https://deploy.example.com/oauth/callback"
        );
    }
    let count = servers.len();
    assert_eq!(
        first["summary"],
        json!({"create": 2 * count, "update": 0, "delete": 0, "unchanged": 0, "failed": 0})
    );

    fleet.forget();
    let (second, code) = fleet.json("apply");
    assert_eq!(code, 0, "{second:#}");
    assert_eq!(fleet.writes(), 0);
    assert_eq!(
        second["summary"],
        json!({"create": 0, "update": 0, "delete": 0, "unchanged": 2 * count, "failed": 0})
    );
    for server in servers {
        assert!(
            server
                .log()
                .iter()
                .all(|exchange| !exchange.path.contains("request-token"))
        );
        assert_eq!(
            self::server(&second, server.name())["changes"][1]["verified"],
            true
        );
    }
}

#[test]
fn the_document_has_exactly_the_promised_shape() {
    let fleet = Fleet::provisioned();
    fleet.edit(
        "callback: https://deploy.example.com/oauth/callback",
        "callback: https://deploy.example.com/back",
    );
    let (document, code) = fleet.json("apply");
    assert_eq!(code, 0);
    let promised = ["format_version", "servers", "summary"];
    assert!(promised.iter().all(|key| keys(&document).contains(key)));
    assert_eq!(document["format_version"], "1.0");
    let entry = &document["servers"][0];
    assert!(
        ["server", "product", "version", "status", "error", "changes"]
            .iter()
            .all(|key| keys(entry).contains(key)),
        "{entry:#}"
    );
    assert_eq!(entry["server"], "jira");
    assert_eq!(entry["product"], "jira");
    assert_eq!(entry["version"], "9.12.0");
    assert_eq!(
        (&entry["status"], &entry["error"]),
        (&json!("ok"), &Value::Null)
    );
    let link = json!({
        "kind": "link", "action": "none", "consumer": CONSUMER, "link_id": fleet.link().id.to_string(), "fields": [],
        "kills_grants": 0, "kills_grants_complete": true, "result": null, "verified": true,
    });
    let consumer = json!({
        "kind": "consumer", "action": "update", "consumer": CONSUMER, "link_id": fleet.link().id.to_string(),
        "fields": [{"path": "callback", "before": "https://deploy.example.com/oauth/callback", "after": "https://deploy.example.com/back"}],
        "kills_grants": 0, "kills_grants_complete": true, "result": "applied", "verified": true,
    });
    assert_eq!(entry["changes"], json!([link, consumer]));
    assert_eq!(
        document["summary"],
        json!({"create": 0, "update": 1, "delete": 0, "unchanged": 1, "failed": 0})
    );
}

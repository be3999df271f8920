//! `plan`, and `apply` of a saved plan

use atl_testbed::{Kind, ServerSpec};
use serde_json::{Value, json};

use crate::estate::{CONSUMER, Fleet, KINDS, URL, server};

#[test]
fn shows_what_would_be_done_and_does_nothing() {
    let fleet = Fleet::new(KINDS.map(ServerSpec::new));
    let before = fleet.env.files();
    let (document, code) = fleet.json("plan");
    assert_eq!(code, 0, "{document:#}");
    for entry in document["servers"].as_array().unwrap() {
        let changes = &entry["changes"];
        let public_key =
            json!({"path": "public_key", "before": null, "after": null, "known_after_apply": true});
        assert!(
            changes[1]["fields"]
                .as_array()
                .unwrap()
                .contains(&public_key),
            "{changes:#}"
        );
        for change in changes.as_array().unwrap() {
            assert_eq!(
                (&change["action"], &change["result"], &change["verified"]),
                (&json!("create"), &Value::Null, &Value::Null)
            );
            assert_eq!(change["link_id"], atl_testbed::link_id(URL).to_string());
        }
    }
    assert_eq!(
        document["summary"],
        json!({"create": 8, "update": 0, "delete": 0, "unchanged": 0, "failed": 0})
    );
    assert_eq!((fleet.writes(), fleet.env.files()), (0, before));
}

#[test]
fn nothing_to_do_is_told_from_nothing_to_look_for() {
    let fleet = Fleet::provisioned();
    assert_eq!(fleet.run("plan").stderr, "");
    let fleet = fleet.without_consumers();
    for line in ["plan", "apply", "plan -o json"] {
        let run = fleet.run(line);
        assert_eq!(run.code, Some(0), "{line}: {}", run.shown());
        assert!(run.stderr.contains("under `consumers:`"), "{}", run.shown());
    }
    let fleet = Fleet::of(Kind::Jira);
    let run = fleet.run("links list");
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), ""));
    assert!(
        run.stderr.contains("no application links"),
        "{}",
        run.shown()
    );
}

#[test]
fn the_detailed_exit_code_tells_changes_from_none() {
    let fleet = Fleet::of(Kind::Jira);
    let codes = |fleet: &Fleet| {
        ["plan", "plan --detailed-exitcode"].map(|line| fleet.run(line).code.unwrap())
    };
    assert_eq!(codes(&fleet), [0, 10]);
    assert_eq!(fleet.run("apply").code, Some(0));
    assert_eq!(codes(&fleet), [0, 0]);
    fleet.edit("name: Deploy bot", "name: Deploy robot");
    assert_eq!(codes(&fleet), [0, 10]);
}

#[test]
fn drift_made_by_hand_is_shown_and_repaired() {
    let fleet = Fleet::provisioned();
    fleet.first().edit_consumer(CONSUMER, |consumer| {
        consumer.name = "Changed".to_owned();
        consumer.callback = None;
    });
    fleet.first().edit_link(fleet.link().id, |link| {
        link.display_url = "https://elsewhere.example.com".to_owned();
    });
    let (document, _) = fleet.json("plan");
    let changes = document["servers"][0]["changes"].as_array().unwrap();
    let fields: Vec<_> = changes
        .iter()
        .flat_map(|change| change["fields"].as_array().unwrap())
        .cloned()
        .collect();
    assert_eq!(
        fields,
        [
            json!({"path": "display_url", "before": "https://elsewhere.example.com", "after": URL}),
            json!({"path": "name", "before": "Changed", "after": "Deploy bot"}),
            json!({"path": "callback", "before": null, "after": "https://deploy.example.com/oauth/callback"}),
        ]
    );
    let (document, code) = fleet.json("apply");
    assert_eq!(
        (&document["summary"]["update"], code),
        (&json!(2), 0),
        "{document:#}"
    );
    assert_eq!(fleet.run("plan --detailed-exitcode").code, Some(0));
}

#[test]
fn a_saved_plan_is_carried_out_as_it_is() {
    let fleet = Fleet::new(KINDS.map(ServerSpec::new));
    let shown = fleet.json("plan --out saved.plan -s jira -s wiki").0;
    let saved: Value = serde_json::from_str(&fleet.env.read("saved.plan")).unwrap();
    assert_eq!(saved, shown);
    #[cfg(unix)]
    assert_eq!(fleet.env.mode("saved.plan"), 0o600);
    let (document, code) = fleet.json("apply saved.plan");
    assert_eq!(
        (&document["summary"]["create"], code),
        (&json!(4), 0),
        "{document:#}"
    );
    let writes: Vec<_> = fleet
        .estate
        .servers()
        .iter()
        .map(|server| server.writes() > 0)
        .collect();
    assert_eq!(writes, [true, true, false, false]);
    // What it was made from is no longer so.
    fleet.forget();
    let (document, code) = fleet.json("apply saved.plan");
    assert_eq!(
        (
            &document["servers"][0]["error"]["code"],
            code,
            fleet.writes()
        ),
        (&json!("moved_on"), 1, 0),
        "{document:#}"
    );
}

#[test]
fn a_saved_plan_is_not_carried_out_on_a_server_that_moved_on() {
    let fleet = Fleet::new(["a", "b"].map(|name| ServerSpec::new(Kind::Jira).name(name)));
    assert_eq!(fleet.run("apply").code, Some(0));
    fleet.edit("name: Deploy bot", "name: Deploy robot");
    assert_eq!(fleet.run("plan --out saved.plan").code, Some(0));
    fleet.server("a").edit_consumer(CONSUMER, |consumer| {
        consumer.description = Some("by hand".to_owned());
    });
    fleet.forget();

    let (document, code) = fleet.json("apply saved.plan");
    assert_eq!(code, 5, "{document:#}");
    let moved = server(&document, "a");
    assert_eq!(
        (&moved["status"], &moved["error"]["code"]),
        (&json!("failed"), &json!("moved_on"))
    );
    assert!(
        moved["error"]["advice"].as_str().unwrap().contains("plan"),
        "{moved:#}"
    );
    assert_eq!(server(&document, "b")["changes"][1]["verified"], true);
    assert_eq!(fleet.server("a").writes(), 0);
    assert_eq!(
        fleet.server("b").consumer(CONSUMER).unwrap().name,
        "Deploy robot"
    );
}

#[test]
fn a_saved_plan_is_for_the_fleet_file_it_was_made_from() {
    let fleet = Fleet::of(Kind::Jira);
    assert_eq!(fleet.run("plan --out saved.plan").code, Some(0));
    let text = fleet.env.read("fleet.yaml");
    fleet.edit("name: Deploy bot", "name: Deploy robot");
    fleet.forget();
    let check = |line: &str, says: &str| {
        let run = fleet.run(line);
        assert_eq!(
            (run.code, run.stdout.as_str()),
            (Some(2), ""),
            "{line}: {}",
            run.shown()
        );
        assert!(run.stderr.contains(says), "{line}: {}", run.stderr);
    };
    check("apply saved.plan", "changed since the plan was made");
    fleet.env.write("fleet.yaml", &text);
    check("apply saved.plan -s jira", "--server");
    check("apply saved.plan --prune", "--prune");
    check("apply missing.plan", "missing.plan");
    check("apply fleet.yaml", "not a saved plan");
    fleet.env.write(
        "newer.plan",
        &fleet.env.read("saved.plan").replace("\"1.0\"", "\"2.0\""),
    );
    check("apply newer.plan", "format version 2.0");
    assert_eq!(fleet.requests(), 0);
    assert_eq!(fleet.run("apply saved.plan").code, Some(0));
}

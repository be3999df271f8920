//! `history`

use atl_store::{Holder, KeySource, Outcome, Step, Store};
use serde_json::json;

use crate::env::Env;

/// A store with three steps, the last of them still open.
fn with_journal() -> Env {
    let env = Env::new();
    let url = format!("sqlite:{}", env.path("store.db").display());
    let key = KeySource::File(env.path("store.key"));
    let holder = Holder {
        user: "ann".to_owned(),
        host: "desk".to_owned(),
        command: "apply".to_owned(),
    };
    let store = Store::open(&url.parse().unwrap(), &key, holder).unwrap();
    let step = |server: &str, consumer: &str| Step {
        run: "run-1".to_owned(),
        command: "apply".to_owned(),
        action: "consumer put".to_owned(),
        server: server.to_owned(),
        server_url: format!("https://{server}.example.com"),
        consumer: Some(consumer.to_owned()),
        detail: json!({"link_id": "42"}),
        os_user: "ann".to_owned(),
        host: "desk".to_owned(),
        account: Some("admin".to_owned()),
    };
    let first = store.begin(&step("jira", "bot")).unwrap();
    store.finish(first, &Outcome::Done).unwrap();
    let second = store.begin(&step("wiki", "bot")).unwrap();
    let message = "refused with \u{1b}[2J".to_owned();
    store.finish(second, &Outcome::Failed(message)).unwrap();
    store.begin(&step("wiki", "other")).unwrap();
    env.with("ATL_ADMIN_STORE", &url)
        .with("ATL_ADMIN_STORE_KEY", "file:store.key")
}

#[test]
fn shows_what_was_done_by_whom_with_what_outcome() {
    let env = with_journal();
    let json = env.run("history -o json").json();
    let steps = json["journal"].as_array().unwrap();
    let column = |key: &str| -> Vec<_> { steps.iter().map(|step| step[key].clone()).collect() };
    assert_eq!(column("server"), ["wiki", "wiki", "jira"]);
    assert_eq!(column("outcome"), ["open", "failed", "done"]);
    assert_eq!(column("os_user"), ["ann"; 3]);
    assert_eq!(column("account"), ["admin"; 3]);
    assert_eq!(
        column("detail"),
        [
            json!({"link_id": "42"}),
            json!({"link_id": "42"}),
            json!({"link_id": "42"})
        ]
    );
    assert!(steps[2]["started"].as_str().unwrap().ends_with('Z'));
    assert!(steps[0]["finished"].is_null());
}

#[test]
fn a_table_cannot_drive_the_terminal() {
    let run = with_journal().run("history");
    assert!(run.ok().contains("failed"), "{}", run.shown());
    assert!(!run.stdout.contains('\u{1b}'));
}

#[test]
fn selects_and_limits() {
    let env = with_journal();
    let check = |flags: &str, expected: usize| {
        let json = env.run(&format!("history -o json {flags}")).json();
        assert_eq!(
            json["journal"].as_array().unwrap().len(),
            expected,
            "{flags}"
        );
    };
    check("", 3);
    check("--limit 1", 1);
    check("-s wiki", 2);
    check("-s wiki -c bot", 1);
    check("-s wiki --limit 1", 1);
    check("-s nowhere", 0);
    env.write(
        "fleet.yaml",
        "version: 1\nservers:\n  wiki: { url: 'https://wiki.example.com', labels: [docs] }\n",
    );
    check("-s label:docs", 2);
}

#[test]
fn an_empty_journal_is_said_and_nothing_is_made() {
    let env = Env::new();
    insta::assert_snapshot!(env.run("history").shown(), @r"
    -- stderr
    the journal has no such steps
    -- exit 0
    ");
    assert_eq!(env.run("history -o json").json()["journal"], json!([]));
    assert_eq!(env.files(), [""; 0]);
}

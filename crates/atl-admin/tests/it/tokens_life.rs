//! A grant from the dance to its end, on every product.

use atl_testbed::{ALICE, Generation, ServerSpec};
use serde_json::json;

use crate::estate::{Fleet, KINDS};

#[test]
fn a_grant_is_given_renewed_twice_used_and_revoked() {
    let specs = KINDS.map(|kind| ServerSpec::new(kind).generation(Generation::Next));
    let fleet = Fleet::granting(specs);
    let every = |line: &str| {
        let run = fleet.run(&format!("{line} -o json -vvv --trace-http"));
        fleet.hides_tokens(&run);
        assert_eq!(run.code, Some(0), "{line}: {}", run.shown());
        run.json()["grants"].as_array().unwrap().clone()
    };
    let given = every("authorize --headless");
    assert_eq!(given.len(), 4);
    let mut ids: Vec<_> = given.iter().map(|grant| grant["id"].clone()).collect();
    for line in ["tokens renew", "tokens renew --expires-in 9999w"] {
        for grant in every(line) {
            assert!(!ids.contains(&grant["id"]), "{grant:#}");
            ids.push(grant["id"].clone());
        }
        for server in fleet.estate.servers() {
            let whoami = "GET plugins/servlet/applinks/whoami";
            let run = fleet.run(&format!(
                "request -s {} -c deploy-bot {whoami}",
                server.name()
            ));
            assert_eq!(run.ok(), ALICE, "{}", server.name());
        }
    }
    assert_eq!(ids.len(), 12);
    for line in ["tokens verify", "tokens list --source store"] {
        let grants = every(line);
        let active = grants.iter().all(|grant| grant["status"] == "active");
        assert!(active && grants.len() == 4, "{line}: {grants:#?}");
    }
    let revoked = every("tokens revoke --user alice --yes");
    assert!(
        revoked.iter().all(|grant| grant["note"] == "revoked"),
        "{revoked:#?}"
    );
    assert_eq!(
        every("tokens list --source store"),
        Vec::<serde_json::Value>::new()
    );
    let run = fleet.run("request -s jira -c deploy-bot GET plugins/servlet/applinks/whoami");
    assert_ne!(run.code, Some(0), "{}", run.shown());
    let (history, _) = fleet.json("history");
    let steps = history["journal"].as_array().unwrap();
    assert!(
        steps.iter().all(|step| step["outcome"] == json!("done")),
        "{history:#}"
    );
}

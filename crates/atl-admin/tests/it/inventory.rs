//! `tokens list` from every source: the same grants, and what each cannot see.

use std::collections::BTreeSet;

use atl_testbed::{ADMIN, Granted, Kind, Population, Postgres, PostgresDatabase, ServerSpec, skip};
use serde_json::Value;

use crate::estate::{CONSUMER, Fleet, KINDS, link_by_hand};

const JANUARY: i64 = 1_735_689_600;
/// A consumer that the fleet file does not name.
const FOREIGN: &str = "reports";

/// A provisioned fleet, with users who granted our consumer, a foreign one, a client and personal access tokens.
fn crowded(kinds: &[Kind], users: usize) -> Fleet {
    let fleet = Fleet::new(kinds.iter().map(|&kind| ServerSpec::new(kind)));
    let run = fleet.run("apply");
    assert_eq!(run.code, Some(0), "{}", run.shown());
    for server in fleet.estate.servers() {
        link_by_hand(server, "https://reports.example.com", FOREIGN);
        let pat = Granted::Pat {
            name: "laptop".to_owned(),
            days: None,
        };
        server.populate(
            &Population::of(users)
                .with_keys()
                .granting(CONSUMER, |number| Some(JANUARY + 3600 * number))
                .granting(FOREIGN, |number| (number % 3 == 0).then_some(JANUARY))
                .granting(Granted::Client("Planner".to_owned()), |number| {
                    (number % 4 == 0).then_some(JANUARY)
                })
                .granting(pat, |number| (number % 2 == 0).then_some(JANUARY)),
        );
    }
    fleet.forget();
    fleet
}

/// What a grant is known by, and what every source knows of it.
fn grants(list: &Value) -> BTreeSet<(String, String, String, Option<String>)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let grants = list["grants"].as_array().unwrap().iter();
    grants
        .map(|grant| {
            (
                text(&grant["id"]),
                text(&grant["kind"]),
                text(&grant["user"]),
                // The id of an OAuth 2 client is in the database only.
                grant["consumer_key"]
                    .as_str()
                    .filter(|_| grant["kind"] == "oauth1")
                    .map(str::to_owned),
            )
        })
        .collect()
}

fn coverage<'a>(list: &'a Value, server: &str, source: &str) -> &'a Value {
    let mut lines = list["coverage"].as_array().unwrap().iter();
    let found = lines.find(|line| line["server"] == server && line["source"] == source);
    found.unwrap_or_else(|| panic!("no {source} of {server} in {list:#}"))
}

/// The database of the Jira of a fleet, which the fleet file names.
fn database(fleet: &Fleet) -> Option<PostgresDatabase> {
    let postgres = match Postgres::shared() {
        Ok(postgres) => postgres,
        Err(why) => {
            skip("atl-admin", "inventory", why);
            return None;
        }
    };
    let database = postgres.database();
    fleet.server("jira").write_database(&database);
    fleet.add_to("jira", "database: ${env:JIRA_DB}");
    Some(database)
}

#[test]
fn pages_database_and_export_give_the_same_grants() {
    let fleet = crowded(&[Kind::Jira], 24);
    let Some(kept) = database(&fleet) else {
        return;
    };
    let fleet = fleet.with("JIRA_DB", &kept.url());
    let list = |line: &str| {
        let (list, code) = fleet.json(&format!("tokens list {line}"));
        assert_eq!(code, 0, "{line}: {list:#}");
        list
    };
    let pages = list("--with-auditor --source impersonated");
    let database = list("--source database --kind oauth1 --kind oauth2");
    assert_eq!(grants(&pages), grants(&database));
    assert_eq!(grants(&pages).len(), 24 + 8 + 6);
    let mut keys: Vec<_> = grants(&pages).into_iter().map(|grant| grant.3).collect();
    keys.sort();
    keys.dedup();
    let known = [None, Some(CONSUMER), Some(FOREIGN)].map(|key| key.map(str::to_owned));
    assert_eq!(keys, known);

    let note = coverage(&pages, "jira", "impersonated");
    assert!(
        note["note"]
            .as_str()
            .unwrap()
            .contains("impersonation: inferred, not tried on a real product"),
        "{note}"
    );
    assert_eq!(coverage(&database, "jira", "database")["complete"], true);

    // What a database administrator exports with the printed query.
    let printed = fleet.run("tokens sql --product jira --db postgres");
    let query = printed.ok();
    let copy = format!(
        "COPY ({}) TO STDOUT (FORMAT csv, HEADER)",
        query.trim_end().trim_end_matches(';')
    );
    let mut csv = String::new();
    let mut client = kept.client();
    std::io::Read::read_to_string(&mut client.copy_out(&copy).unwrap(), &mut csv).unwrap();
    fleet.env.write("grants.csv", &csv);
    let run = fleet.run("tokens import grants.csv");
    assert_eq!(run.code, Some(0), "{}", run.shown());
    let export = list("--source export --kind oauth1 --kind oauth2");
    assert_eq!(grants(&export), grants(&database));
    let note = coverage(&export, "jira", "export");
    assert_eq!(note["complete"], false);
    let note = note["note"].as_str().unwrap();
    assert!(
        note.contains("what changed since then is not in it"),
        "{note}"
    );

    // Everything at once: each grant once, with all that saw it.
    let all = list("--with-auditor");
    assert_eq!(all["grants"].as_array().unwrap().len(), 24 + 8 + 6 + 12);
    let pats: Vec<&Value> = all["grants"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|grant| grant["kind"] == "pat")
        .collect();
    assert_eq!(pats.len(), 12);
    for pat in pats {
        assert_eq!(
            pat["sources"],
            serde_json::json!(["database", "pat", "export"])
        );
    }
    assert_eq!(fleet.run("check").code, Some(0), "no auditor is left");
}

#[test]
fn the_four_products_show_the_pages_of_their_users() {
    let fleet = crowded(&KINDS, 6);
    let (list, code) = fleet.json("tokens list --with-auditor --source impersonated --kind oauth1");
    assert_eq!(code, 0, "{list:#}");
    assert_eq!(list["grants"].as_array().unwrap().len(), 4 * (6 + 2));
    for server in fleet.estate.servers() {
        let links = server.links().into_iter();
        let auditors = links.filter(|link| link.rpc_url.contains("atl-admin.invalid"));
        assert_eq!(auditors.count(), 0, "{}", server.name());
    }
}

#[test]
fn only_a_system_administrator_has_an_auditor() {
    let fleet = crowded(&[Kind::Jira], 2);
    let fleet = fleet.with("ATL_ADMIN_PASSWORD", atl_testbed::MANAGER_PASSWORD);
    fleet.edit(&format!("username: {ADMIN}"), "username: manager");
    let (list, code) = fleet.json("tokens list --with-auditor --source impersonated");
    assert_eq!(code, 4, "{list:#}");
    let line = coverage(&list, "jira", "impersonated");
    assert_eq!(line["error"]["code"], "not_sysadmin");
    assert_eq!(fleet.server("jira").writes(), 0);
    // Without a name, what this account has no right to is a note.
    let (list, code) = fleet.json("tokens list");
    assert_eq!(code, 0, "{list:#}");
    assert_eq!(coverage(&list, "jira", "pat")["complete"], false);
    let (_, code) = fleet.json("tokens list --source pat");
    assert_eq!(code, 4);
}

#[test]
fn a_server_that_is_down_is_not_clean() {
    let fleet = crowded(&[Kind::Jira, Kind::Confluence], 2);
    fleet.server("wiki").stop();
    let (list, code) = fleet.json("tokens list");
    assert_eq!(code, 3, "{list:#}");
    assert_eq!(
        coverage(&list, "wiki", "page")["error"]["code"],
        "connection_refused"
    );
    let run = fleet.run("tokens list");
    assert!(run.stderr.contains("wiki"), "{}", run.shown());
    // It keeps two sources from being read, and is said once.
    let said = run.stderr.matches("[connection_refused]").count();
    assert_eq!(said, 1, "{}", run.shown());
}

#[test]
fn what_cannot_be_asked_for_is_wrong_usage() {
    let fleet = Fleet::of(Kind::Jira);
    for (line, said) in [
        ("tokens list --source impersonated", "--with-auditor"),
        ("tokens list --with-auditor --source page", "--source"),
        ("tokens list --users names.txt", "--with-auditor"),
        (
            "tokens list --with-auditor --users missing.txt",
            "missing.txt",
        ),
        ("tokens verify --source page", "store"),
        ("tokens list --source cloud", "impersonated"),
    ] {
        let run = fleet.run(line);
        assert_eq!(run.code, Some(2), "{line}: {}", run.shown());
        assert!(run.stderr.contains(said), "{line}: {}", run.shown());
    }
    assert_eq!(fleet.requests(), 0);
}

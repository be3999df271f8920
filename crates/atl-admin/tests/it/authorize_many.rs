//! Twenty dances on a bad day: what fails stays where it is.

use std::collections::BTreeSet;

use atl_testbed::{ALICE, Fault, Kind, Matcher, ServerSpec, When};

use crate::{
    dances::{ACCESS_TOKEN, access_tokens, granted_by},
    estate::{CONSUMER, Fleet},
};

#[test]
fn five_of_twenty_fail_in_five_ways_and_fifteen_are_stored() {
    let specs = (0..20).map(|number| {
        let kind = [Kind::Jira, Kind::Confluence, Kind::Bitbucket, Kind::Bamboo][number % 4];
        ServerSpec::new(kind).name(&format!("s{number:02}"))
    });
    let fleet = Fleet::granting(specs);
    let server = |name| fleet.server(name);
    server("s02").stop();
    server("s05").remove_consumer(CONSUMER);
    server("s08").remove_user(ALICE);
    server("s13").set(
        Fault::Reset(When::After)
            .on(Matcher::path(ACCESS_TOKEN))
            .times(1),
    );
    server("s19").set(Fault::Html.on(Matcher::path("/plugins/servlet/oauth/authorize")));

    let (report, exit) = fleet.report("authorize --headless -p 6");
    assert_eq!(exit, 5, "{report:#}");
    let failed = report["failed"].as_array().unwrap();
    let servers: Vec<_> = failed
        .iter()
        .map(|failed| failed["server"].as_str().unwrap())
        .collect();
    assert_eq!(servers, ["s02", "s05", "s08", "s13", "s19"], "{report:#}");
    let codes: BTreeSet<_> = failed
        .iter()
        .map(|failed| failed["error"]["code"].as_str().unwrap())
        .collect();
    assert_eq!(codes.len(), 5, "{codes:?}");
    let (list, _) = fleet.json("tokens list --source store --status active");
    assert_eq!(list["grants"].as_array().unwrap().len(), 15);
    for server in fleet.estate.servers() {
        let expected: &[&str] = if servers.contains(&server.name()) {
            &[]
        } else {
            &[ALICE]
        };
        assert_eq!(granted_by(server), expected, "{}", server.name());
    }

    // The next run has to do with the five only.
    fleet.server("s02").start().unwrap();
    fleet.server("s19").clear_faults();
    fleet.forget();
    let (report, exit) = fleet.report("authorize --headless");
    assert_eq!(exit, 5, "{report:#}");
    assert_eq!(report["failed"].as_array().unwrap().len(), 2, "{report:#}");
    assert_eq!(access_tokens(fleet.server("s00")).len(), 1);
    assert_eq!(fleet.server("s00").log().len(), 1);
}

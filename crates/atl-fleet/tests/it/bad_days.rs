//! Lost answers, and servers that are down, slow, limiting or answering nonsense (cli.md 4.5, 4.7).

use atl_fleet::{Exit, PlanOptions, Status, of_apply};
use atl_testbed::{Fault, Kind as Product, Matcher, Rule, ServerSpec, When};

use crate::rig::{DEPLOY, Rig, code};

/// Applies once with the fault on the first request that matches; everything is done, once, and proven.
fn check(lines: &str, matcher: Matcher, fault: Fault) {
    let shown = format!("{fault:?} on {matcher:?} with {lines}");
    let rig = Rig::jira();
    if lines.contains("absent") {
        rig.provision();
    }
    rig.deploy_bot(lines);
    rig.server().set(Rule::new(fault).on(matcher).times(1));
    let applied = rig.apply(&PlanOptions::default());
    assert_eq!(of_apply(&applied), Exit::Done, "{shown}: {applied:#?}");
    let links = usize::from(!lines.contains("absent"));
    assert_eq!(rig.server().links().len(), links, "{shown}");
    assert_eq!(rig.server().consumers().len(), links, "{shown}");
    assert_eq!(rig.store().links_made().unwrap().len(), links, "{shown}");
    assert_eq!(rig.keypairs().len(), 1, "{shown}");
    rig.assert_settled();
}

/// Each write of the tool, as a fleet file that leads to it and what matches it.
fn writes() -> [(&'static str, Matcher); 5] {
    [
        ("", Matcher::method("PUT").at("/applicationlink")),
        ("", Matcher::method("PUT").at("/authentication/consumer")),
        (
            "    two_legged: { enabled: true }\n",
            Matcher::method("PUT").at("/status/"),
        ),
        (
            "    two_legged: { enabled: true, execute_as: svc-deploy }\n",
            Matcher::method("POST").at("/add-consumer-manually/"),
        ),
        ("    state: absent\n", Matcher::method("DELETE")),
    ]
}

#[test]
fn a_write_whose_answer_is_lost_takes_effect_once() {
    for (lines, matcher) in writes() {
        check(lines, matcher.clone(), Fault::Reset(When::Before));
        check(lines, matcher, Fault::Reset(When::After));
    }
}

#[test]
fn a_write_with_a_truncated_answer_takes_effect_once() {
    for (lines, matcher) in writes() {
        check(lines, matcher, Fault::Truncate);
    }
}

#[test]
fn a_write_that_is_told_to_wait_waits() {
    for (lines, matcher) in writes() {
        check(lines, matcher, Fault::TooManyRequests(1));
    }
}

/// What breaks all requests to one server, and what becomes of that server.
#[test]
fn a_broken_server_does_not_stop_or_hide_the_others() {
    let everything = Matcher::any;
    let broken = [
        (
            Fault::TooManyRequests(3600),
            everything(),
            Status::Unreachable,
        ),
        (Fault::Unavailable, everything(), Status::Unreachable),
        (Fault::Truncate, everything(), Status::Unreachable),
        (Fault::Html, everything(), Status::Unreachable),
        (
            Fault::Reset(When::Before),
            everything(),
            Status::Unreachable,
        ),
        (
            Fault::Answer(500, "oops".to_owned()),
            everything(),
            Status::Unreachable,
        ),
        (
            Fault::Answer(200, "{}".to_owned()),
            everything(),
            Status::Unreachable,
        ),
        (
            Fault::Answer(401, "{\"status-code\":401}".to_owned()),
            Matcher::path("/applicationlink"),
            Status::Refused,
        ),
    ];
    let specs = (0..=broken.len()).map(|_| ServerSpec::new(Product::Jira));
    let rig = Rig::new(specs.collect());
    for (place, (fault, matcher, _)) in broken.iter().enumerate() {
        let rule = fault.clone().on(matcher.clone());
        rig.estate.server(place).set(rule);
    }
    let applied = rig.apply(&PlanOptions::default());
    assert_eq!(of_apply(&applied), Exit::Partly, "{applied:#?}");
    for (plan, (fault, _, status)) in applied.servers.iter().zip(&broken) {
        assert_eq!(plan.status, *status, "{fault:?}: {plan:#?}");
        let error = plan.error.as_ref().unwrap();
        assert!(
            !error.advice.is_empty() && error.message.contains(&plan.server),
            "{error:?}"
        );
    }
    let well = broken.len();
    assert_eq!(code(&applied.servers[well]), None);
    assert!(rig.estate.server(well).consumer("deploy-bot").is_some());
    for (place, _) in broken.iter().enumerate() {
        assert!(rig.estate.server(place).links().is_empty());
        rig.estate.server(place).clear_faults();
    }
    rig.provision();
    rig.assert_settled();
}

#[test]
fn a_server_that_breaks_down_in_the_middle_is_finished_by_the_next_run() {
    for fault in [Fault::Unavailable, Fault::Html, Fault::Reset(When::After)] {
        let rig = Rig::new((0..2).map(|_| ServerSpec::new(Product::Jira)).collect());
        let matcher = Matcher::path("/authentication/consumer");
        // The look reads no consumer of a link that is not there yet, so this begins with the write.
        rig.server().set(fault.clone().on(matcher));
        let applied = rig.apply(&PlanOptions::default());
        assert_eq!(of_apply(&applied), Exit::Partly, "{fault:?}: {applied:#?}");
        assert_eq!(code(&applied.servers[1]), None);
        rig.server().clear_faults();
        rig.provision();
        assert_eq!(rig.server().links().len(), 1);
        assert_eq!(
            rig.server().link(DEPLOY).unwrap().consumer_key.as_deref(),
            Some("deploy-bot")
        );
        rig.assert_settled();
    }
}

#[test]
fn a_server_that_signs_somebody_else_in_is_refused() {
    let rig = Rig::jira();
    let whoami = Matcher::path("/plugins/servlet/applinks/whoami");
    rig.server()
        .set(Fault::Answer(200, "bob".to_owned()).on(whoami));
    let applied = rig.apply(&PlanOptions::default());
    assert_eq!(of_apply(&applied), Exit::Refused, "{applied:#?}");
    assert_eq!(rig.server().writes(), 0);
    assert!(
        rig.server()
            .log()
            .iter()
            .all(|exchange| !exchange.path.contains("/applicationlink"))
    );
}

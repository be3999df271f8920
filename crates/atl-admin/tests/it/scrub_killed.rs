//! `scrub` on bad days: killed, or an answer lost. The next run finishes.

use std::collections::BTreeSet;

use atl_testbed::{Exchange, Fault, Generation, Matcher, When};

use crate::{
    estate::{CONSUMER, Fleet, URL},
    killing::{in_halves, kill_at, no_open_step, points},
    scrub::{REPOINT, TEST_CI, copied, production_is_whole},
};

fn line() -> String {
    format!("scrub -s staging --confirm staging --keep-named {REPOINT}")
}

/// Ours is kept, another one re-pointed, the third is gone; nothing was granted to any of them.
#[track_caller]
fn is_scrubbed(fleet: &Fleet, at: &str) {
    let staging = fleet.server("staging");
    let mut links: Vec<_> = staging
        .links()
        .into_iter()
        .map(|link| (link.name, link.rpc_url, link.consumer_key))
        .collect();
    links.sort();
    let wanted = [("CI", TEST_CI, "ci"), ("Deploy bot", URL, CONSUMER)];
    let wanted =
        wanted.map(|(name, url, key)| (name.to_owned(), url.to_owned(), Some(key.to_owned())));
    assert_eq!(links, wanted, "{at}");
    assert_eq!(
        (staging.consumers().len(), staging.tokens()),
        (2, vec![]),
        "{at}"
    );
    assert!(staging.consumer("ci").unwrap().two_legged, "{at}");
    production_is_whole(fleet);
    no_open_step(fleet, at);
}

#[test]
fn killed_at_every_write() {
    let line = line();
    let undisturbed = copied(Generation::Current);
    let run = undisturbed.run(&line);
    assert_eq!(run.code, Some(0), "{}", run.shown());
    is_scrubbed(&undisturbed, "undisturbed");
    let mut points = points(&undisturbed, false, Exchange::is_write);
    // Before a read nothing is other than after the write that came before it.
    let writes: BTreeSet<u32> = points
        .iter()
        .filter(|point| point.when == When::After)
        .map(|point| point.request)
        .collect();
    points.retain(|point| writes.contains(&point.request));
    in_halves("scrub", "to be killed at", &points, |half| {
        for point in half {
            let fleet = copied(Generation::Current);
            kill_at(&fleet, &line, point);
            let again = fleet.run(&line);
            assert_eq!(again.code, Some(0), "killed {point}: {}", again.shown());
            is_scrubbed(&fleet, &format!("killed {point}"));
        }
    });
}

#[test]
fn a_lost_answer_is_asked_for() {
    for (what, on) in [
        ("delete", Matcher::method("DELETE")),
        ("create", Matcher::method("PUT").at("/3.0/applicationlink")),
        ("update", Matcher::method("POST").at("/3.0/applicationlink")),
        ("disable", Matcher::method("PUT").at("/oauth")),
        (
            "register",
            Matcher::method("PUT").at("/authentication/consumer"),
        ),
    ] {
        let fleet = copied(Generation::Current);
        fleet
            .server("staging")
            .set(Fault::Reset(When::After).on(on).times(1));
        let run = fleet.run(&line());
        assert_eq!(run.code, Some(0), "{what}: {}", run.shown());
        is_scrubbed(&fleet, what);
    }
}

#[test]
#[cfg(unix)]
fn ctrl_c_ends_between_two_steps() {
    let (fleet, line) = (copied(Generation::Current), line());
    let staging = fleet.server("staging");
    let hold = staging.hold_one(Matcher::method("DELETE"), 0, When::Before);
    let running = fleet.start(&line);
    let run = running.interrupt_held(&hold, "interrupted: finishing the steps that are under way");
    assert_eq!(run.code, Some(130), "{}", run.shown());
    production_is_whole(&fleet);
    let again = fleet.run(&line);
    assert_eq!(again.code, Some(0), "{}", again.shown());
    is_scrubbed(&fleet, "after Ctrl-C");
}

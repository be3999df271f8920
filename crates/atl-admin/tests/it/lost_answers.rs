//! Writes whose answer is lost, refused for now, or not one: the run finds out, or the next one does.

use atl_testbed::{Fault, Kind, Link, Matcher, SERVICE_USER, When};

use crate::{
    env::Run,
    estate::{CONSUMER, Fleet, URL},
};

/// A kind of write, and a fleet where a run makes it.
struct Write {
    name: &'static str,
    on: fn() -> Matcher,
    prepare: fn(&Fleet),
    line: &'static str,
    gone: bool,
}

fn writes() -> Vec<Write> {
    let two_legged = |fleet: &Fleet| {
        fleet.edit(
            "    callback:",
            "    two_legged: { enabled: true }\n    callback:",
        );
    };
    let execute_as = |fleet: &Fleet| {
        let two = format!("    two_legged: {{ enabled: true, execute_as: {SERVICE_USER} }}\n");
        fleet.edit("    callback:", &format!("{two}    callback:"));
    };
    let other = |fleet: &Fleet| {
        let id = fleet.first().add_link(Link::generic("Other", URL));
        let pem = include_str!("../../../../fixtures/keys/pkcs8.pub.pem");
        let consumer = atl_testbed::Consumer::new("other-bot", "Other", pem).unwrap();
        fleet.first().put_consumer(Some(id), consumer);
    };
    let absent = |fleet: &Fleet| {
        assert_eq!(fleet.run("apply").code, Some(0));
        fleet.edit("    callback:", "    state: absent\n    callback:");
    };
    let put = || Matcher::method("PUT");
    let write = |name, on, prepare, line| Write {
        name,
        on,
        prepare,
        line,
        gone: false,
    };
    vec![
        write(
            "link create",
            || Matcher::method("PUT").at("/3.0/applicationlink"),
            |_| {},
            "apply",
        ),
        write(
            "consumer put",
            || Matcher::method("PUT").at("/authentication/consumer"),
            |_| {},
            "apply",
        ),
        write(
            "matrix put",
            || Matcher::method("PUT").at("/oauth"),
            two_legged,
            "apply",
        ),
        write(
            "form",
            || Matcher::method("POST").at("/plugins/servlet/applinks"),
            execute_as,
            "apply",
        ),
        write(
            "disable",
            || Matcher::method("PUT").at("/oauth"),
            other,
            "apply --replace-consumer --yes",
        ),
        Write {
            gone: true,
            ..write(
                "link delete",
                || Matcher::method("DELETE").at("/applicationlink"),
                absent,
                "apply --yes",
            )
        },
        write("any put", put, two_legged, "apply"),
    ]
}

/// With this fault once, the run succeeds or says what is wrong; the next one finishes and the third has nothing to do.
fn check(fault: &Fault) -> Vec<(&'static str, Run)> {
    let mut runs = Vec::new();
    for write in writes() {
        let at = format!("{fault:?} on {}", write.name);
        let fleet = Fleet::of(Kind::Jira);
        (write.prepare)(&fleet);
        fleet.forget();
        fleet.first().set(fault.clone().on((write.on)()).times(1));
        let run = fleet.run(&format!("{} --settle 1s -o json", write.line));
        assert!(fleet.writes() > 0, "{at}: the fault never came");
        if run.code != Some(0) {
            assert!([1, 3].contains(&run.code.unwrap()), "{at}: {}", run.shown());
            let error = &run.json()["servers"][0]["error"];
            for part in ["code", "message", "advice"] {
                assert!(!error[part].as_str().unwrap().is_empty(), "{at}: {error}");
            }
        }
        fleet.first().clear_faults();
        let again = fleet.run(&format!("{} -o json", write.line));
        assert_eq!(
            again.code,
            Some(0),
            "{at}: {} then {}",
            run.shown(),
            again.shown()
        );
        fleet.forget();
        let (third, code) = fleet.json(write.line);
        assert_eq!((code, fleet.writes()), (0, 0), "{at}: {third:#}");
        let expected = usize::from(!write.gone);
        assert_eq!(fleet.first().links().len(), expected, "{at}");
        assert_eq!(fleet.first().consumers().len(), expected, "{at}");
        assert_eq!(
            fleet.first().consumer(CONSUMER).is_some(),
            !write.gone,
            "{at}"
        );
        let (history, _) = fleet.json("history");
        let steps = history["journal"].as_array().unwrap();
        assert!(
            steps.iter().all(|step| step["outcome"] != "open"),
            "{at}: {history:#}"
        );
        runs.push((write.name, run));
    }
    runs
}

/// The server is asked whether it happened, so that a lost answer needs no second run.
#[track_caller]
fn check_repaired(fault: &Fault) {
    for (name, run) in check(fault) {
        assert_eq!(run.code, Some(0), "{fault:?} on {name}: {}", run.shown());
    }
}

#[test]
fn a_reset_before_the_change() {
    check_repaired(&Fault::Reset(When::Before));
}

#[test]
fn a_reset_after_the_change() {
    check_repaired(&Fault::Reset(When::After));
}

#[test]
fn half_an_answer() {
    check(&Fault::Truncate);
}

#[test]
fn a_page_instead_of_an_answer() {
    check(&Fault::Html);
}

#[test]
fn a_server_that_is_busy() {
    check(&Fault::Unavailable);
    check(&Fault::TooManyRequests(1));
}

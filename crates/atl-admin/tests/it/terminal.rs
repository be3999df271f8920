//! What is different where a person sits at a terminal: a bar, and questions.

use atl_testbed::{Fault, Kind};

use crate::{
    env::Run,
    estate::{Fleet, URL},
};

/// Runs the program on a terminal of its own, where somebody types; stdout and stderr are one there.
#[track_caller]
fn typed(fleet: &Fleet, keys: &str, line: &str) -> Run {
    let program = fleet.command("");
    let program = program.get_program().to_str().unwrap();
    let run = fleet.env.shell(&format!(
        "printf '{keys}' | TERM=xterm script -qec '{program} {line}' /dev/null"
    ));
    fleet.hides_secrets(&run);
    run
}

#[test]
fn a_bar_is_on_a_terminal_only() {
    const BAR: &str = "/1 servers";
    for line in ["check", "plan", "apply"] {
        let fleet = Fleet::of(Kind::Jira);
        let run = typed(&fleet, "", line);
        assert_eq!(run.code, Some(0), "{line}: {}", run.shown());
        assert!(run.stdout.contains(BAR), "{line}: {}", run.shown());
        // It is gone in the end.
        let last = run.stdout.trim_end().lines().last().unwrap();
        assert!(last.contains("1 server"), "{line}: {}", run.shown());
        assert!(!last.contains(BAR), "{line}: {}", run.shown());

        let run = fleet.run(line);
        assert!(!run.shown().contains(BAR), "{line}: {}", run.shown());
        assert_eq!(run.stderr, "", "{line}");
    }
}

#[test]
fn what_ends_grants_is_asked_for() {
    let fleet = Fleet::provisioned().without_consumers();
    for (keys, line, code, says) in [
        ("n\\n", "apply --prune", 1, "not confirmed"),
        ("\\n", "apply --prune", 1, "not confirmed"),
        ("y\\n", "apply --prune --no-input", 2, "pass `--yes`"),
    ] {
        let run = typed(&fleet, keys, line);
        assert_eq!(run.code, Some(code), "{line}: {}", run.shown());
        assert!(run.stdout.contains("will delete"), "{}", run.shown());
        assert!(run.stdout.contains(says), "{line}: {}", run.shown());
        assert_eq!(fleet.writes(), 0);
    }
    let fleet = fleet.with("ATL_ADMIN_NO_INPUT", "1");
    let run = typed(&fleet, "y\\n", "apply --prune");
    assert_eq!((run.code, fleet.writes()), (Some(2), 0), "{}", run.shown());

    let fleet = fleet.with("ATL_ADMIN_NO_INPUT", "");
    let run = typed(&fleet, "y\\n", "apply --prune");
    assert_eq!(run.code, Some(0), "{}", run.shown());
    assert!(fleet.first().link(URL).is_none());
}

#[test]
fn yes_is_short_and_asks_nothing() {
    let fleet = Fleet::provisioned().without_consumers();
    let run = typed(&fleet, "", "apply --prune -y");
    assert_eq!(run.code, Some(0), "{}", run.shown());
    assert!(!run.stdout.contains("[y/N]"), "{}", run.shown());
    assert!(fleet.first().link(URL).is_none());
}

#[test]
fn an_answer_cannot_drive_the_terminal() {
    let fleet = Fleet::granted();
    let body = "caf\u{e9}\t1\u{1b}]0;title\u{7}\u{9b}2J\n";
    fleet.first().set(Fault::Answer(200, body.to_owned()));
    let run = typed(&fleet, "", "request GET rest/x");
    assert_eq!(run.code, Some(0), "{}", run.shown());
    assert_eq!(run.stdout, "caf\u{e9}\t1?]0;title??2J\r\n");
    assert_eq!(fleet.run("request GET rest/x").ok(), body);
}

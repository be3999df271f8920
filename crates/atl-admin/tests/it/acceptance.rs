//! What a script relies on and no single command owns.

use std::{
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
    sync::mpsc,
    time::Duration,
};

use atl_testbed::{Matcher, ServerSpec, When};
use serde_json::json;

use crate::{
    env::Env,
    estate::{CONSUMER, Fleet, KINDS, server},
    wire::Wire,
};

const CALLBACK: &str = "callback: https://deploy.example.com/oauth/callback";

#[test]
fn an_empty_variable_is_one_that_is_not_set() {
    let fleet = Fleet::provisioned()
        .with("ATL_ADMIN_FLEET", "")
        .with("ATL_ADMIN_STORE", "")
        .with("ATL_ADMIN_STORE_KEY", "")
        .with("ATL_ADMIN_OUTPUT", "")
        .with("ATL_ADMIN_PARALLEL", "")
        .with("ATL_ADMIN_NO_INPUT", "")
        .with("ATL_ADMIN_ALLOW_CMD", "");
    let run = fleet.run("plan --detailed-exitcode");
    assert_eq!(run.code, Some(0), "{}", run.shown());
    assert_eq!(fleet.run("-o json plan").json()["summary"]["unchanged"], 2);
}

#[test]
fn a_run_that_nobody_confirmed_still_prints_its_document() {
    let fleet = Fleet::provisioned();
    fleet.edit(CALLBACK, &format!("{CALLBACK}\n    state: absent"));
    let (document, code) = fleet.json("apply --no-input");
    assert_eq!(code, 2);
    assert_eq!(fleet.writes(), 0);
    let change = &server(&document, "jira")["changes"][0];
    assert_eq!(
        (&change["action"], &change["result"], &change["consumer"]),
        (&json!("delete"), &json!("skipped"), &json!(CONSUMER))
    );
    assert_eq!(document["summary"]["delete"], 0);
}

/// Presses Ctrl-C while the first request is under way, and answers it once the program has said that it knows.
#[cfg(unix)]
fn interrupt_while_looking(command: &str) {
    let (asked, is_asked) = mpsc::channel::<()>();
    let (knows, go_on) = mpsc::channel::<()>();
    let wire = Wire::start(move |_| {
        asked.send(()).ok();
        go_on.recv_timeout(Duration::from_secs(30)).ok();
        "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_owned()
    });
    let env = Env::new();
    env.write(
        "fleet.yaml",
        &format!(
            "version: 1\nservers:\n  jira:\n    url: {}\n    admin: {{ username: a, password: \"${{env:PW}}\" }}\n\
             consumers:\n  bot:\n    url: https://bot.example.com\n",
            wire.url()
        ),
    );
    let env = env.with("PW", "a-password");
    let mut program = env
        .command(&format!("{command} -o json"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    is_asked.recv_timeout(Duration::from_secs(30)).unwrap();
    let pid = program.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &pid])
            .status()
            .unwrap()
            .success()
    );
    let mut stderr = BufReader::new(program.stderr.take().unwrap());
    let mut line = String::new();
    stderr.read_line(&mut line).unwrap();
    assert!(line.starts_with("interrupted"), "{line}");
    knows.send(()).unwrap();
    drop(knows);
    let output = program.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["servers"][0]["server"], "jira", "{document:#}");
}

#[test]
#[cfg(unix)]
fn an_interrupted_run_still_prints_its_document() {
    for command in ["plan", "apply", "check"] {
        interrupt_while_looking(command);
    }
}

#[test]
fn an_error_names_its_server_once() {
    let env = Env::new().with("PW", "a-password");
    env.write(
        "fleet.yaml",
        "version: 1\nservers:\n  jira:\n    url: http://127.0.0.1:1\n    admin: { username: a, password: \"${env:PW}\" }\n\
         consumers:\n  bot:\n    url: https://bot.example.com\n",
    );
    let run = env.run("plan");
    assert_eq!(run.code, Some(3), "{}", run.shown());
    assert!(
        run.stdout.contains("error: jira: the connection"),
        "{}",
        run.shown()
    );
}

/// Whether so many servers are worked on at once shows in how many are asked before the first one answers.
#[test]
fn so_many_servers_are_worked_on_at_once() {
    #[track_caller]
    fn check(fleet: &Fleet, line: &str, at_once: usize) {
        let holds: Vec<_> = fleet
            .estate
            .servers()
            .iter()
            .map(|server| server.hold(Matcher::any(), When::Before))
            .collect();
        let running = fleet.start(line);
        for hold in &holds[..at_once] {
            assert!(hold.wait_reached(), "{line}");
        }
        let asked = fleet.estate.servers()[at_once..]
            .iter()
            .map(|server| server.log().len());
        assert_eq!(asked.sum::<usize>(), 0, "{line}");
        holds.iter().for_each(atl_testbed::Hold::release);
        let run = running.end();
        assert_eq!(run.code, Some(0), "{line}: {}", run.shown());
    }
    let fleet = || Fleet::new(KINDS.map(ServerSpec::new));
    check(&fleet(), "plan -p 1", 1);
    check(&fleet(), "plan --parallel 3", 3);
    check(&fleet(), "plan", 4);
    let two = || fleet().with("ATL_ADMIN_PARALLEL", "2");
    check(&two(), "plan", 2);
    check(&two(), "-p 3 plan", 3);
}

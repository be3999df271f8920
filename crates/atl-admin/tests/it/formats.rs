//! The formats of a run's result, and what no stream ever shows

use atl_testbed::{Fault, Kind, ServerSpec, Setting};
use serde_json::{Value, json};

use crate::estate::{CONSUMER, Fleet, KINDS, keys};

#[test]
fn ndjson_tells_what_happens_line_by_line() {
    let fleet = Fleet::new(KINDS.map(ServerSpec::new));
    let run = fleet.run("apply -o ndjson");
    let events: Vec<Value> = run
        .ok()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let named = |name: &str| {
        events
            .iter()
            .filter(|event| event["event"] == name)
            .collect::<Vec<_>>()
    };
    let counts = ["begin", "planned", "keypair", "change", "server", "summary"]
        .map(|name| named(name).len());
    assert_eq!(counts, [2, 4, 1, 8, 4, 1], "{}", run.stdout);
    assert!(events.iter().all(|event| event["event"].is_string()));
    assert_eq!(events.last().unwrap(), named("summary")[0]);

    // A change is the object of the document with the event and the server added.
    let document = fleet.json("plan").0;
    let shape = keys(&document["servers"][0]["changes"][0]);
    for change in named("change") {
        let mut has = keys(change);
        assert!(has.remove("event") && has.remove("server"));
        assert_eq!(has, shape, "{change:#}");
        assert_eq!(
            (&change["result"], &change["verified"]),
            (&json!("applied"), &json!(true))
        );
    }
    // The key was in the store before any step was taken.
    let place = |name: &str| {
        events
            .iter()
            .position(|event| event["event"] == name)
            .unwrap()
    };
    assert!(place("keypair") < place("step") && place("step") < place("change"));

    let plan = fleet.run("plan -o ndjson");
    let last: Value = serde_json::from_str(plan.ok().lines().last().unwrap()).unwrap();
    assert_eq!(
        last,
        json!({"event": "summary", "create": 0, "update": 0, "delete": 0, "unchanged": 8, "failed": 0})
    );
}

#[test]
fn yaml_is_the_same_document() {
    let fleet = Fleet::provisioned();
    for command in ["plan", "apply", "check", "links list"] {
        let yaml = fleet.run(&format!("{command} -o yaml"));
        let yaml: Value = serde_yaml::from_str(yaml.ok()).unwrap();
        assert_eq!(yaml, fleet.json(command).0, "{command}");
    }
}

#[test]
fn csv_has_a_row_for_every_change() {
    let fleet = Fleet::new(["a", "b"].map(|name| ServerSpec::new(Kind::Jira).name(name)));
    fleet.server("b").set(Fault::Html);
    let run = fleet.run("plan -o csv");
    let lines: Vec<_> = run.stdout.lines().collect();
    assert_eq!(
        lines[0],
        "server,sign,action,kind,consumer,link_id,fields,result,verified,error"
    );
    assert!(
        lines[1].starts_with("a,+,+ create,link,deploy-bot,"),
        "{}",
        run.stdout
    );
    assert!(
        lines[2].starts_with("a,+,+ create,consumer,deploy-bot,"),
        "{}",
        run.stdout
    );
    assert_eq!(lines.len(), 3);
    // Whoever reads the rows alone would take the other server for clean.
    assert!(
        run.stderr.starts_with("error: b: ") && run.stderr.contains("not_atlassian"),
        "{}",
        run.shown()
    );
    assert_eq!(run.code, Some(3));
}

#[test]
fn tables_fit_the_width() {
    for width in [60, 80, 120, 200] {
        let fleet = Fleet::new(KINDS.map(ServerSpec::new)).with("COLUMNS", &width.to_string());
        for command in ["plan", "check -v", "apply", "links list", "history"] {
            let run = fleet.run(command);
            assert_eq!(run.code, Some(0), "{}", run.shown());
            // Sentences are left to the terminal to break.
            let sentence = |line: &&str| {
                ["hint: ", "Plan: ", "Done: ", "4 servers: "]
                    .iter()
                    .any(|start| line.starts_with(start))
            };
            let table = run.stdout.lines().filter(|line| !sentence(line));
            for line in table {
                assert!(
                    line.chars().count() <= width,
                    "{command} at {width}: {line}"
                );
            }
        }
    }
}

#[test]
fn the_table_ends_with_a_summary_and_says_each_error_once() {
    let fleet = Fleet::new([Kind::Jira, Kind::Confluence].map(ServerSpec::new));
    fleet.server("wiki").stop();
    let run = fleet.run("apply");
    let errors: Vec<_> = run
        .stdout
        .lines()
        .filter(|line| line.starts_with("error: "))
        .collect();
    assert_eq!(errors.len(), 1, "{}", run.stdout);
    assert!(
        errors[0].starts_with("error: wiki: the connection was refused"),
        "{}",
        errors[0]
    );
    let last = run.stdout.lines().last().unwrap();
    assert_eq!(
        last,
        "Done: 2 created, 0 updated, 0 deleted, 0 unchanged, 0 failed on 2 servers (1 not reached)"
    );
    let run = fleet.run("apply -s jira");
    assert_eq!(
        run.ok(),
        "Done: 0 created, 0 updated, 0 deleted, 2 unchanged, 0 failed on 1 server\n"
    );
}

/// [`Fleet::run`] looks for secrets in both streams; here everything is said that can be said.
#[test]
fn no_log_shows_a_secret_and_no_log_is_on_stdout() {
    let specs = KINDS.map(|kind| {
        ServerSpec::new(kind)
            .generation(atl_testbed::Generation::Next)
            .setting(Setting::BasicAllowed(kind == Kind::Bamboo))
    });
    for login in ["auto", "session"] {
        let fleet = Fleet::new(specs.clone());
        fleet.edit("password: ", &format!("login: {login}\n    password: "));
        for command in [
            "check",
            "plan",
            "apply",
            "links list",
            "history",
            "keys list",
        ] {
            let run = fleet.run(&format!("{command} -o json -vvv --trace-http"));
            assert_eq!(run.code, Some(0), "{command}: {}", run.shown());
            assert_eq!(run.json()["format_version"], "1.0", "{command}");
            let sends = !["history", "keys list"].contains(&command);
            assert_eq!(
                run.stderr.contains("GET"),
                sends,
                "{command}: {}",
                run.stderr
            );
            for line in run
                .stderr
                .lines()
                .filter(|line| line.contains("cookie") || line.contains("authorization"))
            {
                assert!(
                    line.contains("[redacted]") || line.contains("***"),
                    "{line}"
                );
            }
            if command == "apply" {
                assert!(
                    run.stderr
                        .contains("base_string=POST&http%3A%2F%2F127.0.0.1"),
                    "{}",
                    run.stderr
                );
            }
        }
    }
}

#[test]
fn the_password_of_a_proxy_is_not_shown() {
    let fleet = Fleet::of(Kind::Jira).with("PROXY_PASSWORD", "hunter2");
    fleet.add_to(
        "jira",
        "proxy: \"http://me:${env:PROXY_PASSWORD}@127.0.0.1:1\"",
    );
    for line in [
        "apply",
        "check -v",
        "plan -o json",
        "links list -vvv --trace-http",
    ] {
        let run = fleet.run(line);
        assert_eq!(run.code, Some(3), "{line}: {}", run.shown());
        assert!(
            run.shown().contains("proxy") && !run.shown().contains("hunter2"),
            "{line}: {}",
            run.shown()
        );
    }
}

#[test]
fn a_format_that_makes_no_sense_is_wrong_usage() {
    let fleet = Fleet::provisioned();
    for line in [
        "links show x -o csv",
        "schema -o csv",
        "links adopt -o csv",
        "links show x -o ndjson",
    ] {
        let run = fleet.run(line);
        assert_eq!(
            (run.code, run.stdout.as_str()),
            (Some(2), ""),
            "{line}: {}",
            run.shown()
        );
    }
    assert_eq!(fleet.requests(), 0);
    assert_eq!(
        fleet.run(&format!("plan -c {CONSUMER} -o nonsense")).code,
        Some(2)
    );
}

//! An auditor consumer that a run left: what the next run does about it, and what tells of it until then.

use std::{sync::atomic::AtomicBool, time::Duration};

use atl_fleet::{
    ConnectionOptions, Environment, FleetFile, Needs, Ready, RunInfo, RunOptions, Select,
    auditor::Auditor,
};
use atl_store::Store;
use atl_testbed::{ADMIN, ADMIN_PASSWORD, Fault, Kind, ServerSpec};
use serde_json::{Value, json};

use crate::{
    estate::{CONSUMER, Fleet, URL, server},
    killing::no_open_step,
};

impl Fleet {
    /// The fleet file, with the administrator's password.
    fn ready(&self) -> Ready {
        let environment = Environment {
            var: &|name| (name == "ATL_ADMIN_PASSWORD").then(|| ADMIN_PASSWORD.to_owned()),
            command: None,
            keyring: None,
        };
        let needs = Needs {
            admin: true,
            ..Needs::default()
        };
        let connection = ConnectionOptions {
            timeout: Duration::from_secs(10),
            allow_http: false,
        };
        let file = FleetFile::read(&self.env.path("fleet.yaml"), &environment).unwrap();
        file.ready(&Select::default(), needs, &environment, connection)
            .unwrap()
    }

    /// Does something while an auditor stands on the server with this number; its run is one of this process.
    fn with_auditor(&self, number: usize, store: &Store, work: impl FnOnce()) {
        let info = RunInfo {
            run: "run".to_owned(),
            command: "audit".to_owned(),
            os_user: "somebody".to_owned(),
            host: "elsewhere".to_owned(),
        };
        let interrupted = AtomicBool::new(false);
        let run = RunOptions {
            parallel: 1,
            settle: Duration::from_secs(10),
            interrupted: &interrupted,
            sink: &|_| {},
        };
        let ready = self.ready();
        let auditor = Auditor::set_up(&ready.servers[number], store, &info, run).unwrap();
        work();
        drop(auditor);
    }

    /// Leaves an auditor on the server with this number, as a run does that cannot take it down.
    pub(crate) fn leave_auditor_on(&self, number: usize) {
        let broken = self.estate.server(number);
        self.with_auditor(number, &self.store(), || {
            broken.set(Fault::Answer(500, String::new()));
        });
        broken.clear_faults();
    }

    /// The first server has the link of the fleet file's consumer and nothing else, and the journal nothing open.
    #[track_caller]
    pub(crate) fn has_no_auditor(&self, at: &str) {
        let links = self.first().links();
        let urls: Vec<_> = links.iter().map(|link| link.rpc_url.as_str()).collect();
        assert_eq!(urls, [URL], "{at}");
        let consumers = self.first().consumers();
        let keys: Vec<_> = consumers.iter().map(|one| one.key.as_str()).collect();
        assert_eq!(keys, [CONSUMER], "{at}");
        no_open_step(self, at);
    }

    /// What `check` says of auditors on the first server.
    #[track_caller]
    pub(crate) fn auditor_check(&self) -> Value {
        let (document, code) = self.json("check");
        let checks = &document["servers"][0]["checks"];
        let mut checks = checks.as_array().unwrap().iter();
        let found = checks.find(|check| check["check"] == "auditor").unwrap();
        assert_eq!(code == 1, found["status"] == "fail", "{document:#}");
        found.clone()
    }
}

#[test]
fn apply_removes_it_and_says_so() {
    let fleet = Fleet::provisioned();
    fleet.leave_auditor_on(0);
    fleet.forget();
    let (plan, code) = fleet.json("plan --detailed-exitcode");
    assert_eq!((code, fleet.writes()), (0, 0), "{plan:#}");

    let run = fleet.run("apply -o ndjson");
    assert_eq!(run.code, Some(0), "{}", run.shown());
    assert!(
        run.stderr
            .contains("of `audit` of somebody on elsewhere at")
            && run.stderr.contains("was left, and is removed"),
        "{}",
        run.stderr
    );
    let events: Vec<Value> = run
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .filter(|event: &Value| event["event"] == "auditor")
        .collect();
    let [event] = events.as_slice() else {
        panic!("not one event: {}", run.stdout);
    };
    assert_eq!(
        (
            &event["server"],
            &event["state"],
            &event["begun"]["command"]
        ),
        (&json!("jira"), &json!("removed"), &json!("audit")),
    );
    fleet.has_no_auditor("apply");

    let (history, _) = fleet.json("history");
    let steps = history["journal"].as_array().unwrap();
    let of = |action: &str| steps.iter().find(|step| step["action"] == action).unwrap();
    let (auditor, removal) = (of("auditor"), of("auditor remove"));
    assert_eq!(
        (&auditor["command"], &auditor["outcome"]),
        (&json!("audit"), &json!("failed"))
    );
    assert_eq!(
        (&removal["command"], &removal["outcome"]),
        (&json!("apply"), &json!("done"))
    );

    fleet.forget();
    let (plan, code) = fleet.json("apply");
    assert_eq!((code, fleet.writes()), (0, 0), "{plan:#}");
}

#[test]
fn a_server_that_is_down_keeps_it_and_the_others_are_applied() {
    let fleet = Fleet::new([Kind::Jira, Kind::Confluence].map(ServerSpec::new));
    assert_eq!(fleet.run("apply -s wiki").code, Some(0));
    fleet.leave_auditor_on(0);
    fleet.leave_auditor_on(1);
    fleet.first().stop();
    let run = fleet.run("apply -o json");
    assert_eq!(run.code, Some(5), "{}", run.shown());
    let document = run.json();
    assert_eq!(server(&document, "jira")["status"], "unreachable");
    assert_eq!(server(&document, "wiki")["status"], "ok");
    assert!(
        run.stderr.contains("warning:") && run.stderr.contains("--remove-auditor -s jira"),
        "{}",
        run.stderr
    );
    assert_eq!(fleet.server("wiki").links().len(), 1);
    assert_eq!(fleet.store().open_steps().unwrap().len(), 1);
    fleet.first().start().unwrap();
    assert_eq!(fleet.run("apply").code, Some(0));
    fleet.has_no_auditor("both");
}

#[test]
fn a_wrong_password_is_sent_once_and_no_more() {
    let fleet = Fleet::provisioned();
    fleet.leave_auditor_on(0);
    let fleet = fleet.with("ATL_ADMIN_PASSWORD", "not-the-password");
    let run = fleet.run("apply");
    assert_eq!(run.code, Some(4), "{}", run.shown());
    assert!(run.stderr.contains("[auditor_left]"), "{}", run.stderr);
    assert_eq!(fleet.first().failed_sign_ins(ADMIN), 1);
    assert_eq!(fleet.first().links().len(), 2);
}

#[test]
fn one_that_a_living_run_uses_is_left_alone() {
    let fleet = Fleet::provisioned();
    let store = fleet.store();
    fleet.with_auditor(0, &store, || {
        let run = fleet.run("apply --prune --yes");
        assert_eq!(run.code, Some(0), "{}", run.shown());
        assert!(
            run.stderr.contains("was left alone") && run.stderr.contains("being worked on by"),
            "{}",
            run.stderr
        );
        assert_eq!(fleet.first().links().len(), 2);
        assert_eq!(fleet.first().consumers().len(), 2);
    });
    fleet.has_no_auditor("taken down");
}

#[test]
fn check_fails_and_links_list_warns_as_long_as_it_is_there() {
    let fleet = Fleet::provisioned();
    assert_eq!(fleet.auditor_check()["status"], "pass");
    fleet.leave_auditor_on(0);
    fleet.forget();
    let found = fleet.auditor_check();
    assert_eq!(found["status"], "fail");
    let advice = found["advice"].as_str().unwrap();
    assert!(
        advice.contains("atl-admin audit --remove-auditor -s jira"),
        "{advice}"
    );

    let run = fleet.run("links list");
    assert_eq!(run.code, Some(0), "{}", run.shown());
    assert!(run.stdout.contains("atl-admin auditor"), "{}", run.stdout);
    assert!(run.stderr.contains("may act as any user"), "{}", run.stderr);
    let (document, _) = fleet.json("links list");
    let links = document["servers"][0]["links"].as_array().unwrap();
    let auditors: Vec<_> = links.iter().map(|link| link["auditor"].clone()).collect();
    assert_eq!(auditors, [json!(false), json!(true)]);
    assert_eq!(fleet.writes(), 0);

    assert_eq!(fleet.run("apply").code, Some(0));
    assert_eq!(fleet.auditor_check()["status"], "pass");
}

#[test]
fn one_on_a_server_that_left_the_fleet_file_is_not_forgotten() {
    let fleet = Fleet::provisioned();
    fleet.leave_auditor_on(0);
    let url = fleet.first().base_url();
    fleet.edit("127.0.0.1", "localhost");
    let run = fleet.run("check");
    let said = format!("may still be on {url}, which is not in the fleet file any more");
    assert!(run.stderr.contains(&said), "{}", run.shown());
    assert!(
        run.stderr.contains("audit --remove-auditor -s jira"),
        "{}",
        run.shown()
    );
    fleet.edit("localhost", "127.0.0.1");
    assert!(!fleet.run("check").stderr.contains("any more"));
}

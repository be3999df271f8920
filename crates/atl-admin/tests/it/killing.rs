//! Killing a run at every one of its requests.

use atl_testbed::{Generation, Kind, Matcher, ServerSpec, When};
use serde_json::Value;

use crate::estate::{Fleet, server};

/// A run to be killed: what there is before it, the command, and what must be there in the end.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) generation: Generation,
    pub(crate) prepare: fn(&Fleet),
    pub(crate) line: &'static str,
    pub(crate) settled: fn(&Fleet),
}

/// A place in a run: the request with this number is held before or after it takes effect.
#[derive(Clone, Copy, Debug)]
struct Point {
    request: usize,
    when: When,
}

impl Scenario {
    fn fleet(&self) -> Fleet {
        let spec = ServerSpec::new(Kind::Jira).generation(self.generation);
        let fleet = Fleet::new([spec]);
        fleet.edit(
            "    callback:",
            "    keypair: { bits: 2048 }\n    callback:",
        );
        (self.prepare)(&fleet);
        fleet.forget();
        fleet
    }

    /// The points of an undisturbed run: before every request from the number `from` of the first write on, and after
    /// every write.
    fn points(&self, whole: bool) -> Vec<(Point, String)> {
        let fleet = self.fleet();
        let run = fleet.run(self.line);
        assert_eq!(run.code, Some(0), "{}: {}", self.name, run.shown());
        let log = fleet.first().log();
        let first = log
            .iter()
            .position(atl_testbed::Exchange::is_write)
            .unwrap();
        let mut points = Vec::new();
        for (request, exchange) in log.iter().enumerate() {
            let shown = format!("{} {}", exchange.method, exchange.path);
            if whole || request >= first {
                let when = When::Before;
                points.push((Point { request, when }, shown.clone()));
            }
            if exchange.is_write() {
                let when = When::After;
                points.push((Point { request, when }, shown));
            }
        }
        points
    }

    /// Kills a run at a point, runs again, and looks.
    fn check(&self, point: Point, shown: &str) {
        let at = format!("{}, killed {:?} {shown}", self.name, point.when);
        let fleet = self.fleet();
        let server = fleet.first();
        let request = u32::try_from(point.request).unwrap();
        let hold = server.hold_one(Matcher::any(), request, point.when);
        let running = fleet.start(self.line);
        assert!(hold.wait_reached(), "{at}");
        running.kill();

        let again = fleet.run(&format!("{} -o json", self.line));
        assert_eq!(again.code, Some(0), "{at}: {}", again.shown());
        let document = again.json();
        for change in changes(&document) {
            let done = change["action"] == "none" || change["result"] == "applied";
            let proven = change["kind"] != "consumer" || change["verified"] == true;
            assert!(done && proven, "{at}: {document:#}");
        }
        (self.settled)(&fleet);
        no_open_step(&fleet, &at);

        fleet.forget();
        let (third, code) = fleet.json(self.line);
        assert_eq!((code, fleet.writes()), (0, 0), "{at}: {third:#}");
    }

    /// Kills a run at each of its points, from the first write on or in the whole of it.
    #[expect(clippy::print_stderr, reason = "how many points there were")]
    pub(crate) fn run(&self, whole: bool) {
        let points = self.points(whole);
        eprintln!("{}: {} points to be killed at", self.name, points.len());
        let (one, other) = points.split_at(points.len() / 2);
        std::thread::scope(|scope| {
            for half in [one, other] {
                scope.spawn(move || {
                    for (point, shown) in half {
                        self.check(*point, shown);
                    }
                });
            }
        });
    }
}

fn changes(document: &Value) -> &Vec<Value> {
    server(document, "jira")["changes"].as_array().unwrap()
}

/// Every step of the journal has an outcome.
#[track_caller]
fn no_open_step(fleet: &Fleet, at: &str) {
    let (history, _) = fleet.json("history");
    let steps = history["journal"].as_array().unwrap();
    for step in steps {
        let outcome = step["outcome"].as_str().unwrap();
        let known = ["done", "failed", "unknown"].contains(&outcome);
        assert!(known && !step["finished"].is_null(), "{at}: {step:#}");
    }
}

//! Killing a run at every one of its requests.

use atl_testbed::{Exchange, Generation, Kind, Matcher, ServerSpec, When};
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
#[derive(Clone, Debug)]
pub(crate) struct Point {
    pub(crate) request: u32,
    pub(crate) when: When,
    shown: String,
}

impl std::fmt::Display for Point {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            request,
            when,
            shown,
        } = self;
        write!(f, "{when:?} request {request}, {shown}")
    }
}

/// The points of a run that is in the log of the first server: before every request from the first write on, and after
/// every one that this chooses; with `whole`, before those that come earlier too.
pub(crate) fn points(fleet: &Fleet, whole: bool, after: fn(&Exchange) -> bool) -> Vec<Point> {
    let log = fleet.first().log();
    let first = log.iter().position(Exchange::is_write).unwrap();
    let mut points = Vec::new();
    for (request, exchange) in log.iter().enumerate() {
        let mut add = |when| {
            points.push(Point {
                request: u32::try_from(request).unwrap(),
                when,
                shown: format!("{} {}", exchange.method, exchange.path),
            });
        };
        if whole || request >= first {
            add(When::Before);
        }
        if request >= first && after(exchange) {
            add(When::After);
        }
    }
    points
}

/// Starts a run and kills it at a point.
#[track_caller]
pub(crate) fn kill_at(fleet: &Fleet, line: &str, point: &Point) {
    let server = fleet.first();
    let hold = server.hold_one(Matcher::any(), point.request, point.when);
    let running = fleet.start(line);
    assert!(hold.wait_reached(), "{line}: never came {point}");
    running.kill();
    assert!(hold.wait_gone(), "{line}: still there {point}");
    server.clear_faults();
}

/// Says how many points there are, and checks one half of them beside the other.
pub(crate) fn in_halves(name: &str, what: &str, points: &[Point], check: impl Fn(&[Point]) + Sync) {
    tell_size(&format!("{} points {what}: {name}", points.len()));
    let (one, other) = points.split_at(points.len() / 2);
    std::thread::scope(|scope| {
        for half in [one, other] {
            scope.spawn(|| check(half));
        }
    });
}

/// What a matrix comes to, for whoever runs the tests: `cargo xtask test` prints it in the end.
#[expect(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "only the environment says where sizes are listed"
)]
fn tell_size(line: &str) {
    eprintln!("{line}");
    if let Some(file) = std::env::var_os("ATL_TEST_SIZES") {
        let mut options = std::fs::OpenOptions::new();
        let mut file = options.append(true).create(true).open(file).unwrap();
        std::io::Write::write_all(&mut file, format!("{line}\n").as_bytes()).unwrap();
    }
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

    /// Kills a run at a point, runs again, and looks.
    fn check(&self, point: &Point) {
        let at = format!("{}, killed {point}", self.name);
        let fleet = self.fleet();
        kill_at(&fleet, self.line, point);

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
    pub(crate) fn run(&self, whole: bool) {
        let undisturbed = self.fleet();
        let run = undisturbed.run(self.line);
        assert_eq!(run.code, Some(0), "{}: {}", self.name, run.shown());
        let points = points(&undisturbed, whole, Exchange::is_write);
        in_halves(self.name, "to be killed at", &points, |half| {
            for point in half {
                self.check(point);
            }
        });
    }
}

fn changes(document: &Value) -> &Vec<Value> {
    server(document, "jira")["changes"].as_array().unwrap()
}

/// Every step of the journal has an outcome.
#[track_caller]
pub(crate) fn no_open_step(fleet: &Fleet, at: &str) {
    let (history, _) = fleet.json("history --limit 1000");
    let steps = history["journal"].as_array().unwrap();
    for step in steps {
        let outcome = step["outcome"].as_str().unwrap();
        let known = ["done", "failed", "unknown"].contains(&outcome);
        assert!(known && !step["finished"].is_null(), "{at}: {step:#}");
    }
}

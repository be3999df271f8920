//! kill -9 at every point of a run that sets an auditor up, uses it, takes it down or removes one that was left: after the
//! next run none is there, and until then `check` says so.

use atl_testbed::{Fault, Matcher, Rule};

use crate::{
    estate::Fleet,
    killing::{Point, in_halves, kill_at, points},
};

/// A run to be killed: what there is before it, the command, and the one that comes next.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) prepare: fn(&Fleet),
    pub(crate) line: &'static str,
    pub(crate) next: &'static str,
}

impl Scenario {
    /// The points of an undisturbed run from its first write on, each before and after the request.
    fn points(&self) -> Vec<Point> {
        let fleet = self.fleet();
        let run = fleet.run(self.line);
        assert_eq!(run.code, Some(0), "{}: {}", self.name, run.shown());
        fleet.has_no_auditor(self.name);
        points(&fleet, false, |_| true)
    }

    fn fleet(&self) -> Fleet {
        let fleet = Fleet::provisioned();
        (self.prepare)(&fleet);
        fleet.forget();
        fleet
    }

    /// One fleet goes through all these points, since it is sound again after each.
    fn check(&self, points: &[Point], disturb: impl Fn(&Fleet, &Point)) {
        let fleet = self.fleet();
        for point in points {
            let at = format!("{}, {point}", self.name);
            disturb(&fleet, point);
            let is_there = fleet.first().links().len() + fleet.first().consumers().len() > 2;
            let found = fleet.auditor_check();
            assert_eq!(found["status"] == "fail", is_there, "{at}: {found:#}");
            let run = fleet.run(self.next);
            assert_eq!(run.code, Some(0), "{at}: {}", run.shown());
            fleet.has_no_auditor(&at);
            let temporary = fs_err::read_dir(fleet.env.path("tmp")).unwrap();
            assert_eq!(temporary.count(), 0, "{at}: a temporary file is left");
            (self.prepare)(&fleet);
            fleet.forget();
        }
    }

    /// Kills the run at each of its points.
    pub(crate) fn kill(&self) {
        in_halves(self.name, "to be killed at", &self.points(), |half| {
            self.check(half, |fleet, point| kill_at(fleet, self.line, point));
        });
    }

    /// Drops the connection at each of its points; the run itself has to cope.
    pub(crate) fn drop_connections(&self) {
        let what = "where the connection is dropped";
        in_halves(self.name, what, &self.points(), |half| {
            self.check(half, |fleet, point| {
                let fault = Rule::new(Fault::Reset(point.when)).on(Matcher::any());
                fleet.first().set(fault.after(point.request).times(1));
                let ended = fleet.run(self.line).code;
                assert!(ended.is_some(), "{}, {point}", self.name);
                fleet.first().clear_faults();
            });
        });
    }
}

const APPLY: Scenario = Scenario {
    name: "apply that removes an auditor",
    prepare: |fleet| fleet.leave_auditor_on(0),
    line: "apply --settle 10s",
    next: "apply --settle 10s",
};

/// Two users are enough: what is read in between is not what a kill makes a difference to.
const AUDIT: Scenario = Scenario {
    name: "audit that sets an auditor up",
    prepare: |fleet| fleet.env.write("users.txt", "alice\nbob\n"),
    line: "audit --with-auditor --users users.txt -p 1 -o csv",
    next: "audit --with-auditor --users users.txt -p 1 -o csv",
};

#[test]
fn an_audit_that_sets_one_up() {
    AUDIT.kill();
}

#[test]
fn an_apply_that_removes_one() {
    APPLY.kill();
}

#[test]
fn answers_that_are_lost() {
    APPLY.drop_connections();
}

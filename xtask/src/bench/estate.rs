//! `apply` on an estate of the testbed whose servers take their time, `apply` again, and `rotate`.

use std::{fmt::Write as _, num::NonZero, path::Path, process::Command, thread, time::Duration};

use anyhow::{Context as _, ensure};
use atl_testbed::{ADMIN_PASSWORD, Estate, Fault, Kind, Purpose, Rule, ServerSpec};
use serde_json::Value;

use super::{
    process::{Taken, take},
    report::{megabytes, seconds},
};

const KINDS: [Kind; 4] = [Kind::Jira, Kind::Confluence, Kind::Bitbucket, Kind::Bamboo];

/// How long every server waits before it looks at a request.
const LATENCY: Duration = Duration::from_millis(20);

/// The default of `--parallel`.
const PARALLEL: u32 = 8;

/// The servers asked, and what it took.
pub(super) struct Measured {
    pub(super) servers: u32,
    pub(super) cores: u32,
    estates: usize,
    /// `apply` on servers that have nothing yet.
    pub(super) first: Run,
    /// `apply` again.
    pub(super) again: Run,
    /// `rotate`: one keypair for all servers.
    pub(super) rotated: Run,
    /// `rotate --per-server`: one keypair for each.
    pub(super) rotated_each: Run,
}

/// One run of the program.
pub(super) struct Run {
    pub(super) taken: Taken,
    /// Requests to all servers, by what they are for.
    requests: Requests,
    /// The most requests that any one server got.
    longest: u32,
    /// The most reads that any one server got.
    pub(super) most_reads: u32,
}

#[derive(Default)]
struct Requests {
    sign_in: u32,
    reads: u32,
    writes: u32,
    tokens: u32,
}

impl Run {
    pub(super) fn writes(&self) -> u32 {
        self.requests.writes
    }

    /// The waiting that cannot be avoided: the longest server's own chain, for every server, so many at once.
    fn chains(&self, servers: u32) -> Duration {
        LATENCY * self.longest * servers / PARALLEL
    }

    /// The larger of what the processors and what the servers need.
    pub(super) fn bound(&self, servers: u32, cores: u32) -> Duration {
        self.chains(servers).max(self.taken.cpu / cores)
    }
}

/// Provisions estates of so many servers; the run in the middle, by time, is the one that is told.
pub(super) fn measure(program: &Path, servers: usize, estates: usize) -> anyhow::Result<Measured> {
    let mut runs = Vec::new();
    for number in 1..=estates {
        eprintln!("provisioning {servers} servers ({number} of {estates})");
        runs.push(provision(program, servers)?);
    }
    runs.sort_by_key(|[first, ..]| first.taken.wall);
    let [first, again, rotated, rotated_each] = runs.swap_remove(estates / 2);
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    Ok(Measured {
        servers: u32::try_from(servers)?,
        cores: u32::try_from(cores)?,
        estates,
        first,
        again,
        rotated,
        rotated_each,
    })
}

/// Provisions new servers, then rotates the keys of all of them, twice.
fn provision(program: &Path, servers: usize) -> anyhow::Result<[Run; 4]> {
    let kinds = KINDS.iter().cycle().take(servers);
    let estate = Estate::start(kinds.map(|kind| ServerSpec::new(*kind)).collect())?;
    for server in estate.servers() {
        server.set(Rule::new(Fault::Latency(LATENCY)));
    }
    let folder = tempfile::tempdir()?;
    fs_err::write(folder.path().join("fleet.yaml"), estate.fleet_yaml())?;

    let (document, first) = take_run(program, folder.path(), &estate, &["apply"])?;
    let created = &document["summary"]["create"];
    ensure!(*created == 2 * servers, "{created} changes were made");
    let verified = changes(&document).all(|change| change["verified"] == true);
    ensure!(verified, "not every change is verified");

    let (document, again) = take_run(program, folder.path(), &estate, &["apply"])?;
    let unchanged = &document["summary"]["unchanged"];
    ensure!(
        *unchanged == 2 * servers,
        "{unchanged} changes were unneeded"
    );
    let rotate = |more: &[&str]| {
        let line = [&["rotate", "--yes", "--force"], more].concat();
        let (document, run) = take_run(program, folder.path(), &estate, &line)?;
        let rotations = document["rotations"]
            .as_array()
            .map_or(&[][..], Vec::as_slice);
        let verified = rotations.iter().filter(|one| one["state"] == "verified");
        let verified = verified.count();
        ensure!(verified == servers, "{verified} rotations are verified");
        Ok(run)
    };
    Ok([first, again, rotate(&[])?, rotate(&["--per-server"])?])
}

fn changes(document: &Value) -> impl Iterator<Item = &Value> {
    let servers = document["servers"].as_array().into_iter().flatten();
    servers.flat_map(|server| server["changes"].as_array().into_iter().flatten())
}

fn take_run(
    program: &Path,
    folder: &Path,
    estate: &Estate,
    line: &[&str],
) -> anyhow::Result<(Value, Run)> {
    for server in estate.servers() {
        server.clear_log();
    }
    let mut command = Command::new(program);
    command
        .current_dir(folder)
        .env_clear()
        .env("ATL_ADMIN_PASSWORD", ADMIN_PASSWORD)
        .args([
            "--store",
            "sqlite:store.db",
            "--store-key",
            "file:store.key",
        ])
        .args(["--parallel", &PARALLEL.to_string(), "--no-input"])
        .args(line)
        .args(["--output", "json"]);
    let (printed, taken) = take(&mut command)?;
    let document = serde_json::from_str(&printed)
        .with_context(|| format!("`{}` printed no document", line.join(" ")))?;
    let mut run = Run {
        taken,
        requests: Requests::default(),
        longest: 0,
        most_reads: 0,
    };
    for server in estate.servers() {
        let log = server.log();
        let count = |wanted| -> anyhow::Result<u32> {
            let these = log.iter().filter(|exchange| exchange.purpose() == wanted);
            Ok(u32::try_from(these.count())?)
        };
        let reads = count(Purpose::Read)?;
        run.requests.sign_in += count(Purpose::SignIn)?;
        run.requests.reads += reads;
        run.requests.writes += count(Purpose::Write)?;
        run.requests.tokens += count(Purpose::Token)?;
        run.longest = run.longest.max(u32::try_from(log.len())?);
        run.most_reads = run.most_reads.max(reads);
    }
    Ok((document, run))
}

impl Measured {
    /// The section of the report.
    pub(super) fn section(&self) -> String {
        let servers = self.servers;
        let mut text = format!(
            "### {servers} servers\n\n\
             `atl-admin apply` with one consumer on {servers} servers of four products, each of which lets every request \
             wait {} ms; `--parallel {PARALLEL}`. The estate runs on the same machine; its processor time is not counted. The \
             middle one, by the time of the first `apply`, of {} runs, each with new servers and a new store. Each rotation is \
             proven by three calls on new connections.\n\n\
             | | first `apply` | `apply` again | `rotate` | `rotate --per-server` |\n|---|---|---|---|---|\n",
            LATENCY.as_millis(),
            self.estates,
        );
        let runs = [&self.first, &self.again, &self.rotated, &self.rotated_each];
        let columns = runs.map(|run| self.cells(run));
        for (row, label) in LABELS.iter().enumerate() {
            let cells = columns.each_ref().map(|column| column[row].as_str());
            // Writing to a string does not fail.
            let _infallible = writeln!(text, "| {label} | {} |", cells.join(" | "));
        }
        text
    }

    /// What stands beside [`LABELS`].
    fn cells(&self, run: &Run) -> [String; 12] {
        let (taken, requests) = (&run.taken, &run.requests);
        let a_server = |count| format!("{:.2}", f64::from(count) / f64::from(self.servers));
        [
            seconds(taken.wall),
            seconds(taken.cpu),
            seconds(taken.cpu / self.cores),
            seconds(run.chains(self.servers)),
            format!("{:.2}", self.times(run)),
            megabytes(taken.peak),
            run.longest.to_string(),
            a_server(requests.sign_in),
            a_server(requests.reads),
            a_server(requests.writes),
            a_server(requests.tokens),
            seconds(taken.others),
        ]
    }

    /// How many times the larger of what the processors and what the servers need a run took.
    pub(super) fn times(&self, run: &Run) -> f64 {
        run.taken.wall.as_secs_f64() / run.bound(self.servers, self.cores).as_secs_f64()
    }
}

const LABELS: [&str; 12] = [
    "wall time",
    "processor time",
    "processor time / cores",
    "longest server's chain x servers / parallel",
    "wall time / the larger of these two",
    "peak memory",
    "requests of the longest server",
    "sign-in requests a server",
    "reads a server",
    "writes a server",
    "request-token calls a server",
    "processor time that other programs took meanwhile",
];

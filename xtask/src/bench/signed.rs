//! Signed calls a second: our client library, other people's, and one process a call.

use std::{
    fmt::Write as _,
    num::NonZero,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::Duration,
};

use anyhow::{Context as _, ensure};
use atl_testbed::{ALICE, Fault, Kind, ServerSpec, TokenKind};

use super::{
    calls::{Job, Times},
    process::take,
    report::milliseconds,
    site::Site,
};
use crate::{
    run::root,
    test::{node, python},
};

const LATENCY: Duration = Duration::from_millis(20);

/// The default of `--parallel`.
const PARALLEL: u32 = 8;

const WHOAMI: &str = "plugins/servlet/applinks/whoami";

/// What was measured.
pub(super) struct Signed {
    rows: Vec<Row>,
    processes: u32,
    /// `request`s a second, one process each.
    one_a_process: f64,
    /// Processor time of one such process.
    cpu_a_process: Duration,
}

struct Row {
    client: &'static str,
    latency: Duration,
    parallel: u32,
    calls: u32,
    times: Times,
}

impl Row {
    fn a_second(&self) -> f64 {
        f64::from(self.calls) / self.times.wall
    }

    /// Calls a second of the client's own processor time.
    fn a_core(&self) -> f64 {
        f64::from(self.calls) / self.times.cpu
    }

    fn line(&self) -> String {
        format!(
            "| {} | {} ms | {} | {} | {:.0} | {:.2} ms | {:.0} |",
            self.client,
            self.latency.as_millis(),
            self.parallel,
            self.calls,
            self.a_second(),
            self.times.cpu * 1000.0 / f64::from(self.calls),
            self.a_core(),
        )
    }
}

const OURS: &str = "`atl-oauth`";
const PYTHON: &str = "`requests-oauthlib`";
const NODE: &str = "npm `oauth`";

/// Measures with so many calls of each client.
pub(super) fn measure(program: &Path, calls: u32, processes: u32) -> anyhow::Result<Signed> {
    let site = Site::provisioned(program, vec![ServerSpec::new(Kind::Jira)], &[ALICE])?;
    site.run(&["authorize", "--headless"])?;
    site.run(&[
        "keys",
        "export",
        "deploy-bot",
        "--private",
        "--out",
        "key.pem",
    ])?;
    let server = site.estate.server(0);
    let tokens = server.tokens();
    let token = tokens.iter().find(|token| token.kind == TokenKind::Access);
    let token = token.context("there is no access token")?;
    let job = Job {
        server: server.base_url().clone(),
        url: format!("{}/{WHOAMI}", server.base_url()),
        path: WHOAMI.to_owned(),
        consumer_key: token.consumer_key.clone(),
        key: fs_err::read_to_string(site.folder.path().join("key.pem"))?,
        token: token.value.clone(),
        secret: token.secret.clone(),
        user: ALICE.to_owned(),
        calls,
        parallel: 1,
    };
    let clients = [
        (OURS, vec![std::env::current_exe()?, "calls".into()]),
        (
            PYTHON,
            vec![python()?.join("bin/python"), script("rate.py")],
        ),
        (NODE, vec!["node".into(), script("rate.js")]),
    ];
    let modules = node()?.join("node_modules");

    eprintln!("one signed call a process, {processes} times");
    let (mut wall, mut cpu) = (Duration::ZERO, Duration::ZERO);
    for _ in 0..processes {
        let (_, used) = site.run(&["request", "GET", WHOAMI])?;
        wall += used.wall;
        cpu += used.cpu;
    }

    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let mut rows = Vec::new();
    let settings = [
        (Duration::ZERO, 1),
        (Duration::ZERO, u32::try_from(cores)?),
        (LATENCY, PARALLEL),
    ];
    for (latency, parallel) in settings {
        if !latency.is_zero() {
            server.set(Fault::Latency(latency));
        }
        for (client, command) in &clients {
            eprintln!("{calls} signed calls of {client}, {parallel} at once, {latency:?}");
            let job = Job {
                parallel,
                ..job.clone()
            };
            let file = site.folder.path().join("job.json");
            fs_err::write(&file, serde_json::to_vec(&job)?)?;
            server.clear_log();
            let mut command = command_of(command);
            let (printed, _) = take(command.arg(&file).env("NODE_PATH", &modules))?;
            let calls = calls / parallel * parallel;
            ensure!(
                server.log().len() == usize::try_from(calls)? + 1,
                "{client} did not make {calls} calls and one before"
            );
            rows.push(Row {
                client,
                latency,
                parallel,
                calls,
                times: serde_json::from_str(&printed)?,
            });
        }
    }
    Ok(Signed {
        rows,
        processes,
        one_a_process: f64::from(processes) / wall.as_secs_f64(),
        cpu_a_process: cpu / processes,
    })
}

fn script(name: &str) -> PathBuf {
    root().join("fixtures/interop").join(name)
}

fn command_of(words: &[PathBuf]) -> Command {
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]);
    command
}

impl Signed {
    /// How many times the rate per core of `requests-oauthlib` ours is, one call after the other without latency.
    pub(super) fn times_python(&self) -> Option<f64> {
        let of = |client| self.rows.iter().find(|row| row.client == client);
        Some(of(OURS)?.a_core() / of(PYTHON)?.a_core())
    }

    /// Our rate with latency, and what latency and `--parallel` allow.
    pub(super) fn with_latency(&self) -> Option<(f64, f64)> {
        let ours = |row: &&Row| row.client == OURS && !row.latency.is_zero();
        let row = self.rows.iter().find(ours)?;
        Some((
            row.a_second(),
            f64::from(row.parallel) / row.latency.as_secs_f64(),
        ))
    }

    /// The section of the report.
    pub(super) fn section(&self) -> String {
        let mut text = String::from(
            "### Signed calls\n\nWho-am-I as the user of a grant, RSA-SHA1 with a key of 2048 bits. The rate per core is calls \
             divided by the processor seconds that the client's process took for them.\n\n\
             | client | latency | at once | calls | calls a second | processor time of one | calls a second per core |\n\
             |---|---|---|---|---|---|---|\n",
        );
        for row in &self.rows {
            // Writing to a string does not fail.
            let _infallible = writeln!(text, "{}", row.line());
        }
        let _infallible = write!(
            text,
            "\n`atl-admin request`, one process a call, one after the other without latency: {:.0} calls a second, {:.1} ms of \
             processor time each ({} calls).\n",
            self.one_a_process,
            milliseconds(self.cpu_a_process),
            self.processes
        );
        text
    }
}

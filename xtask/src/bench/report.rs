//! The report: what the machine is, what was aimed at, and the file that keeps it.

use std::{
    fmt::{Display, Write as _},
    num::NonZero,
    process::Command,
    thread,
    time::Duration,
};

use anyhow::{Context as _, bail};

use super::{
    estate::{Measured, Run},
    program::Program,
    signed::Signed,
};

const FILE: &str = "docs/BENCHMARKS.md";
const MEGABYTE: u64 = 1024 * 1024;

/// How times of the same thing differ.
#[derive(Debug, Default)]
pub(super) struct Spread {
    pub(super) median: Duration,
    pub(super) mean: Duration,
    fastest: Duration,
    slowest: Duration,
}

impl Spread {
    /// `None` of no times.
    pub(super) fn of(mut times: Vec<Duration>) -> Option<Self> {
        times.sort_unstable();
        Some(Self {
            median: times[times.len().checked_sub(1)? / 2],
            mean: times.iter().sum::<Duration>() / u32::try_from(times.len()).ok()?,
            fastest: *times.first()?,
            slowest: *times.last()?,
        })
    }

    /// Median, mean, fastest and slowest, as cells of a table.
    pub(super) fn cells(&self) -> String {
        [self.median, self.mean, self.fastest, self.slowest]
            .map(|time| format!("{:.0}", milliseconds(time)))
            .join(" | ")
    }
}

pub(super) fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

pub(super) fn seconds(time: Duration) -> String {
    format!("{:.2} s", time.as_secs_f64())
}

pub(super) fn megabytes(bytes: u64) -> String {
    let tenths = bytes * 10 / MEGABYTE;
    format!("{}.{} MB", tenths / 10, tenths % 10)
}

/// The machine in general terms, and how busy it is already.
pub(super) fn machine() -> anyhow::Result<String> {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let memory = fs_err::read_to_string("/proc/meminfo")?
        .lines()
        .find_map(|line| {
            line.strip_prefix("MemTotal:")?
                .trim()
                .strip_suffix(" kB")?
                .parse::<u64>()
                .ok()
        })
        .map_or_else(
            || "unknown".to_owned(),
            |kilobytes| format!("{} GB", (kilobytes * 1024).div_ceil(1024 * MEGABYTE)),
        );
    let rust = Command::new("rustc").arg("--version").output()?;
    let rust = String::from_utf8_lossy(&rust.stdout);
    let rust = rust.split(' ').nth(1).unwrap_or("unknown").to_owned();
    let load = fs_err::read_to_string("/proc/loadavg")?;
    let load = load.split(' ').next().unwrap_or("unknown").to_owned();
    Ok(format!(
        "Measured on {cores} cores with {memory} of memory, {}, Rust {rust}; load average at the start {load}.\n",
        std::env::consts::OS
    ))
}

/// What was aimed at, and what was measured.
pub(super) fn aims(program: &Program, estate: &Measured, signed: &Signed) -> String {
    let Measured {
        servers,
        cores,
        first,
        again,
        ..
    } = estate;
    let bound = first.bound(*servers, *cores);
    let limit = bound.mul_f64(1.3);
    let peak = first.taken.peak.max(again.taken.peak);
    let start = program.start.median;
    let times = signed.times_python().unwrap_or_default();
    let (rate, allowed) = signed.with_latency().unwrap_or_default();
    let rotation = |how: &str, run: &Run| {
        let limit = run.bound(*servers, *cores).mul_f64(1.3);
        (
            format!(
                "`rotate{how}` on {servers} servers: at most 1.3 times the larger of both, {}",
                seconds(limit)
            ),
            format!(
                "{}, {:.2} times",
                seconds(run.taken.wall),
                estate.times(run)
            ),
            run.taken.wall <= limit,
        )
    };
    let rows = [
        (
            "signed calls through the client library: at least 10 times the rate per core of `requests-oauthlib`".to_owned(),
            format!("{times:.1} times"),
            times >= 10.0,
        ),
        (
            format!("signed calls with 20 ms latency: at least 80 % of `--parallel` / latency, {allowed:.0} a second"),
            format!("{rate:.0} a second"),
            rate >= 0.8 * allowed && rate > 0.0,
        ),
        (
            format!(
                "`apply` on {servers} servers: at most 1.3 times the larger of processor time / cores and the longest chain x servers / parallel, {}",
                seconds(limit)
            ),
            format!(
                "{}, {:.2} times",
                seconds(first.taken.wall),
                estate.times(first)
            ),
            first.taken.wall <= limit,
        ),
        rotation("", &estate.rotated),
        rotation(" --per-server", &estate.rotated_each),
        (
            "`apply` again: no write".to_owned(),
            format!("{} writes", again.writes()),
            again.writes() == 0,
        ),
        (
            "`apply` again: at most 2 reads a server and 3 a consumer, sign-in apart: 5".to_owned(),
            format!("at most {} reads", again.most_reads),
            again.most_reads <= 5,
        ),
        (
            "peak memory: under 80 MB".to_owned(),
            megabytes(peak),
            peak < 80 * MEGABYTE,
        ),
        (
            "`atl-admin --version`: under 15 ms".to_owned(),
            format!(
                "{:.1} ms, the median of {} starts (mean {:.1} ms)",
                milliseconds(start),
                program.starts,
                milliseconds(program.start.mean)
            ),
            start < Duration::from_millis(15),
        ),
        (
            "release binary: under 20 MB".to_owned(),
            megabytes(program.size),
            program.size < 20 * MEGABYTE,
        ),
    ];
    aims_table(rows)
}

/// A table of what was aimed at: the aim, what was measured, and whether that meets it.
pub(super) fn aims_table<A: Display>(rows: impl IntoIterator<Item = (A, String, bool)>) -> String {
    let mut text = "### Aims\n\n| aim | measured | met |\n|---|---|---|\n".to_owned();
    for (aim, measured, met) in rows {
        let met = if met { "yes" } else { "no" };
        // Writing to a string does not fail.
        let _infallible = writeln!(text, "| {aim} | {measured} | {met} |");
    }
    text
}

/// Puts the figures of a part between its markers.
pub(super) fn record(part: &str, figures: &str) -> anyhow::Result<()> {
    let [begin, end] =
        ["begin", "end"].map(|edge| format!("<!-- {edge}: cargo xtask bench {part} -->\n"));
    let text = fs_err::read_to_string(FILE)?;
    let parts = text.split_once(&begin).and_then(|(before, rest)| {
        let (_, after) = rest.split_once(&end)?;
        Some((before, after))
    });
    let Some((before, after)) = parts else {
        bail!("{FILE} has lost its markers");
    };
    fs_err::write(FILE, format!("{before}{begin}\n{figures}\n{end}{after}"))
        .context("the figures could not be recorded")
}

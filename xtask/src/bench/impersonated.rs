//! Hundreds of users' own pages, read through an auditor consumer on a server that takes its time.

use std::{path::Path, time::Duration};

use anyhow::ensure;
use atl_testbed::{AuthenticatedBy, Fault, Kind, Population, Rule, SERVICE_USER, ServerSpec};
use serde_json::Value;

use super::{
    process::Taken,
    report::{aims_table, megabytes, seconds},
    site::Site,
};
use crate::demo::CONSUMER;

/// How long the server waits before it looks at a request.
const LATENCY: Duration = Duration::from_millis(20);

const PARALLEL: u32 = 8;

/// 2025-01-01.
const GRANTED: i64 = 1_735_689_600;

/// Reads the pages of so many users; the section of the report.
pub(super) fn measure(program: &Path, users: usize) -> anyhow::Result<String> {
    let site = Site::provisioned(program, vec![ServerSpec::new(Kind::Jira)], &[SERVICE_USER])?;
    let server = site.estate.server(0);
    server.populate(&Population::of(users).granting(CONSUMER, |number| Some(GRANTED + number)));
    server.set(Rule::new(Fault::Latency(LATENCY)));
    server.clear_log();
    let line = format!("tokens list --with-auditor --source impersonated --parallel {PARALLEL}");
    eprintln!("$ atl-admin {line}");
    let arguments: Vec<_> = line.split(' ').chain(["-o", "json"]).collect();
    let (printed, taken) = site.run(&arguments)?;
    let document: Value = serde_json::from_str(&printed)?;
    let found = document["grants"].as_array().map_or(0, Vec::len);
    ensure!(found == users, "{found} grants of {users} were found");

    let log = server.log();
    let signed = |by| by == AuthenticatedBy::OAuth;
    let pages = log
        .iter()
        .filter(|one| signed(one.authenticated_by))
        .count();
    let (pages, others) = (u32::try_from(pages)?, u32::try_from(log.len() - pages)?);
    Ok(section(&line, users, &taken, pages, others))
}

fn section(line: &str, users: usize, taken: &Taken, pages: u32, others: u32) -> String {
    let bound = LATENCY * pages / PARALLEL + LATENCY * others;
    let times = taken.wall.as_secs_f64() / bound.as_secs_f64();
    let aim = format!(
        "pages of {users} users: at most 1.3 times what the latency alone takes, {}",
        seconds(bound.mul_f64(1.3))
    );
    let measured = format!("{}, {times:.2} times", seconds(taken.wall));
    format!(
        "{}\n### Pages of {users} users\n\n\
         `atl-admin {line}` on a Jira that lets every request wait {} ms. What the latency alone takes is that of the signed \
         requests, {PARALLEL} at once, and that of all others, one after the other: signing in, setting the auditor consumer \
         up, listing the users and taking it down.\n\n\
         | | |\n|---|---|\n\
         | wall time | {} |\n| what the latency alone takes | {} |\n| processor time | {} |\n| peak memory | {} |\n\
         | signed requests | {pages} |\n| other requests | {others} |\n\
         | processor time that other programs took meanwhile | {} |\n",
        aims_table([(aim, measured, times <= 1.3)]),
        LATENCY.as_millis(),
        seconds(taken.wall),
        seconds(bound),
        seconds(taken.cpu),
        megabytes(taken.peak),
        seconds(taken.others),
    )
}

//! `authorize --headless`: a hundred dances in one run.

use std::path::Path;

use anyhow::ensure;
use atl_testbed::{ALICE, BOB, Kind, MANAGER, SERVICE_USER, ServerSpec, TokenKind};

use super::{
    process::Taken,
    report::{megabytes, milliseconds, seconds},
    site::Site,
};

const KINDS: [Kind; 4] = [Kind::Jira, Kind::Confluence, Kind::Bitbucket, Kind::Bamboo];
const USERS: [&str; 4] = [ALICE, BOB, MANAGER, SERVICE_USER];

/// Lets four users dance on each of so many servers; the section of the report.
pub(super) fn measure(program: &Path, servers: u32) -> anyhow::Result<String> {
    let count = usize::try_from(servers)?;
    let specs = KINDS.into_iter().cycle().take(count).map(ServerSpec::new);
    let site = Site::provisioned(program, specs.collect(), &USERS)?;
    let dances = servers * 4;
    eprintln!("dancing {dances} times");
    for server in site.estate.servers() {
        server.clear_log();
    }
    let (_, taken) = site.run(&["authorize", "--headless", "-o", "json"])?;
    let mut requests = 0;
    for server in site.estate.servers() {
        let tokens = server.tokens();
        let granted = tokens
            .iter()
            .filter(|token| token.kind == TokenKind::Access);
        ensure!(
            granted.count() == USERS.len(),
            "`{}` did not give out every grant",
            server.name()
        );
        requests += server.log().len();
    }
    Ok(section(&taken, dances, servers, requests))
}

fn section(taken: &Taken, dances: u32, servers: u32, requests: usize) -> String {
    format!(
        "### {dances} headless dances\n\n\
         `atl-admin authorize --headless` for four users on {servers} servers without latency; `--parallel 8`, a key of 2048 \
         bits. Each signs in, reads the page, allows, exchanges, asks who allowed it, stores the grant and signs out: {requests} \
         requests in all.\n\n\
         | | all | one dance |\n|---|---|---|\n\
         | wall time | {} | {:.1} ms |\n| processor time | {} | {:.1} ms |\n| peak memory | {} | |\n",
        seconds(taken.wall),
        milliseconds(taken.wall / dances),
        seconds(taken.cpu),
        milliseconds(taken.cpu / dances),
        megabytes(taken.peak),
    )
}

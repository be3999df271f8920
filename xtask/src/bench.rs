//! `cargo xtask bench`: measures the program, in parts that can be run alone, and records the figures in docs/BENCHMARKS.md.

mod calls;
mod dances;
mod estate;
mod impersonated;
mod keys;
mod million;
mod process;
mod program;
mod report;
mod signed;
mod site;

use std::{
    env,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context as _;
use clap::ValueEnum;

pub(crate) use self::calls::calls;
use crate::run::{cargo, run};

/// How much is measured.
struct Scale {
    /// Keypairs of each size, by bits.
    keypairs: fn(usize) -> usize,
    /// How long signatures are counted.
    signing: Duration,
    /// How often the program is started.
    starts: usize,
    /// How many servers the estate has.
    servers: usize,
    /// How often the estate is started anew and provisioned.
    estates: usize,
    /// Signed calls of each client.
    calls: u32,
    /// How often a process is started for one signed call.
    processes: u32,
    /// On how many servers four users dance.
    dances: u32,
    /// How many grants a database holds.
    grants: u32,
    /// How many users' pages are read.
    users: usize,
}

const FULL: Scale = Scale {
    keypairs: |bits| match bits {
        2048 => 60,
        3072 => 40,
        _ => 24,
    },
    signing: Duration::from_secs(2),
    starts: 200,
    servers: 200,
    estates: 3,
    calls: 600,
    processes: 100,
    dances: 25,
    grants: 1_000_000,
    users: 500,
};

const QUICK: Scale = Scale {
    keypairs: |_| 3,
    signing: Duration::from_millis(200),
    starts: 20,
    servers: 24,
    estates: 1,
    calls: 80,
    processes: 10,
    dances: 4,
    grants: 20_000,
    users: 40,
};

/// What can be measured alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// Keys, signed calls, dances, the program itself and an estate of 200 servers
    Program,
    /// Listing a million grants from a database
    Database,
    /// Importing an export of them, and listing that
    Export,
    /// Reading 500 users' pages through an auditor consumer
    Impersonated,
}

impl Part {
    fn measure(self, program: &Path, scale: &Scale) -> anyhow::Result<String> {
        match self {
            Self::Program => the_program(program, scale),
            Self::Database => million::database(program, scale.grants),
            Self::Export => million::export(program, scale.grants),
            Self::Impersonated => impersonated::measure(program, scale.users),
        }
    }

    /// What it is called on the command line and in the file.
    fn name(self) -> String {
        let value = self.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    }
}

/// Builds what is measured, optimised, and measures these parts of it, or all. A quick run is printed and not recorded.
pub(crate) fn bench(parts: &[Part], quick: bool) -> anyhow::Result<()> {
    if cfg!(debug_assertions) {
        let mut again = cargo(&["run", "--release", "--quiet", "--bin", "xtask", "--"]);
        again.arg("bench").args(quick.then_some("--quick"));
        again.args(parts.iter().map(|part| part.name()));
        return run(&mut again);
    }
    run(&mut cargo(&["build", "--release", "--bin", "atl-admin"]))?;
    let program = program()?;
    let scale = if quick { &QUICK } else { &FULL };
    let parts = if parts.is_empty() {
        Part::value_variants()
    } else {
        parts
    };
    for part in parts {
        let machine = report::machine()?;
        let figures = [machine, part.measure(&program, scale)?].join("\n");
        println!("{figures}");
        if !quick {
            report::record(&part.name(), &figures)?;
        }
    }
    Ok(())
}

fn the_program(program: &Path, scale: &Scale) -> anyhow::Result<String> {
    let generation = keys::generation(scale.keypairs)?;
    let signing = keys::signing(scale.signing)?;
    let program_figures = program::measure(program, scale.starts)?;
    let estate = estate::measure(program, scale.servers, scale.estates)?;
    let signed = signed::measure(program, scale.calls, scale.processes)?;
    let dances = dances::measure(program, scale.dances)?;
    let sections = [
        report::aims(&program_figures, &estate, &signed),
        generation,
        signing,
        signed.section(),
        dances,
        estate.section(),
    ];
    Ok(sections.join("\n"))
}

/// The optimised program, which cargo puts beside this one.
fn program() -> anyhow::Result<PathBuf> {
    let name = format!("atl-admin{}", env::consts::EXE_SUFFIX);
    let this = env::current_exe().context("where this program is could not be told")?;
    Ok(this.with_file_name(name))
}

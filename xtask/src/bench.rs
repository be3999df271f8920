//! `cargo xtask bench`: measures keys, signed calls, dances, the program and an estate of 200 servers, and records it in docs/BENCHMARKS.md.

mod calls;
mod dances;
mod estate;
mod keys;
mod process;
mod program;
mod report;
mod signed;
mod site;

use std::{env, path::PathBuf, time::Duration};

use anyhow::Context as _;

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
};

/// Builds what is measured, optimised, and measures it. A quick run is printed and not recorded.
pub(crate) fn bench(quick: bool) -> anyhow::Result<()> {
    if cfg!(debug_assertions) {
        let mut again = cargo(&["run", "--release", "--quiet", "--bin", "xtask", "--"]);
        again.arg("bench").args(quick.then_some("--quick"));
        return run(&mut again);
    }
    run(&mut cargo(&["build", "--release", "--bin", "atl-admin"]))?;
    let program = program()?;
    let scale = if quick { &QUICK } else { &FULL };

    let machine = report::machine()?;
    let generation = keys::generation(scale.keypairs)?;
    let signing = keys::signing(scale.signing)?;
    let program_figures = program::measure(&program, scale.starts)?;
    let estate = estate::measure(&program, scale.servers, scale.estates)?;
    let signed = signed::measure(&program, scale.calls, scale.processes)?;
    let dances = dances::measure(&program, scale.dances)?;
    let figures = [
        machine,
        report::aims(&program_figures, &estate, &signed),
        generation,
        signing,
        signed.section(),
        dances,
        estate.section(),
    ]
    .join("\n");
    println!("{figures}");
    if !quick {
        report::record(&figures)?;
    }
    Ok(())
}

/// The optimised program, which cargo puts beside this one.
fn program() -> anyhow::Result<PathBuf> {
    let name = format!("atl-admin{}", env::consts::EXE_SUFFIX);
    let this = env::current_exe().context("where this program is could not be told")?;
    Ok(this.with_file_name(name))
}

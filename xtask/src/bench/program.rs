//! The program itself: how long it takes to start, how large it is.

use std::{
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};

use super::report::Spread;

/// What was measured.
pub(super) struct Program {
    /// Starting it, until it has ended.
    pub(super) start: Spread,
    /// How often it was started.
    pub(super) starts: usize,
    /// Its size in bytes.
    pub(super) size: u64,
}

/// Starts `atl-admin --version` so often; the first times, which read it from disk, are not counted.
pub(super) fn measure(program: &Path, starts: usize) -> anyhow::Result<Program> {
    eprintln!("starting the program {starts} times");
    let mut times = Vec::new();
    for number in 0..starts + 5 {
        let started = Instant::now();
        let status = Command::new(program)
            .arg("--version")
            .stdout(Stdio::null())
            .status()?;
        anyhow::ensure!(status.success(), "`atl-admin --version` failed");
        if number >= 5 {
            times.push(started.elapsed());
        }
    }
    Ok(Program {
        start: Spread::of(times).unwrap_or_default(),
        starts,
        size: fs_err::metadata(program)?.len(),
    })
}

//! Keys: how long generating one takes, how many signatures a second.

use std::{
    fmt::Write as _,
    num::NonZero,
    process::{Command, Stdio},
    sync::Barrier,
    thread,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use atl_keys::{KeySize, Keypair, RsaSha1Signer as _};

use super::report::Spread;

const SIZES: [KeySize; 3] = [KeySize::Bits2048, KeySize::Bits3072, KeySize::Bits4096];

/// As long as a signature base string is.
const MESSAGE: [u8; 400] = [b'x'; 400];

/// Generates keypairs, one at a time, in turns with `openssl genrsa`.
pub(super) fn generation(keypairs: fn(usize) -> usize) -> anyhow::Result<String> {
    let openssl = Command::new("openssl").arg("version").output().ok();
    let version = openssl
        .as_ref()
        .map(|output| String::from_utf8_lossy(&output.stdout));
    let version = version.as_ref().and_then(|text| {
        let mut words = text.split_whitespace();
        Some(format!("{} {}", words.next()?, words.next()?))
    });
    let mut table = format!(
        "### Generating a keypair\n\n\
         Milliseconds on one core, in turns with `openssl genrsa` ({}), whose start is counted in. How long the search \
         for two primes takes is chance: compare medians, and expect them to differ between runs.\n\n\
         | bits | keypairs | median | mean | fastest | slowest | `openssl` median | mean | fastest | slowest |\n\
         |---|---|---|---|---|---|---|---|---|---|\n",
        version.as_deref().unwrap_or("not installed")
    );
    for size in SIZES {
        let (bits, count) = (size.bits(), keypairs(size.bits()));
        eprintln!("generating {count} keypairs of {bits} bits");
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..count {
            let started = Instant::now();
            Keypair::generate(size)?;
            ours.push(started.elapsed());
            if version.is_some() {
                theirs.push(genrsa(bits)?);
            }
        }
        let cells = |times| Spread::of(times).map_or_else(|| "- | - | - | -".into(), |s| s.cells());
        let (ours, theirs) = (cells(ours), cells(theirs));
        writeln!(table, "| {bits} | {count} | {ours} | {theirs} |")?;
    }
    Ok(table)
}

fn genrsa(bits: usize) -> anyhow::Result<Duration> {
    let started = Instant::now();
    let status = Command::new("openssl")
        .args(["genrsa", &bits.to_string()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .context("`openssl genrsa` could not be started")?;
    anyhow::ensure!(status.success(), "`openssl genrsa {bits}` failed");
    Ok(started.elapsed())
}

/// Counts signatures on one core and on all.
pub(super) fn signing(time: Duration) -> anyhow::Result<String> {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let mut table = format!(
        "### Signing\n\nRSA-SHA1 signatures a second, blinded, and checked before they are returned.\n\n\
         | bits | one core | all {cores} cores |\n|---|---|---|\n"
    );
    for size in SIZES {
        eprintln!("signing with {} bits", size.bits());
        let keypair = Keypair::generate(size)?;
        let one = signatures(&keypair, 1, time)?;
        let all = signatures(&keypair, cores, time)?;
        writeln!(table, "| {} | {one:.0} | {all:.0} |", size.bits())?;
    }
    Ok(table)
}

/// Signatures a second on so many threads.
fn signatures(keypair: &Keypair, threads: usize, time: Duration) -> anyhow::Result<f64> {
    let start = Barrier::new(threads);
    let count = || -> anyhow::Result<f64> {
        start.wait();
        let started = Instant::now();
        let mut made = 0.0;
        while started.elapsed() < time {
            keypair.sign_rsa_sha1(&MESSAGE)?;
            made += 1.0;
        }
        Ok(made / started.elapsed().as_secs_f64())
    };
    thread::scope(|scope| {
        let counting: Vec<_> = (0..threads).map(|_| scope.spawn(count)).collect();
        counting
            .into_iter()
            .map(|counting| {
                counting
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            })
            .sum()
    })
}

//! What a process took: time, processor time and memory, as Linux's /proc tells.

use std::{
    io::Read as _,
    process::{ChildStdout, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, anyhow, bail};

/// How often a running process is looked at.
const LOOK: Duration = Duration::from_millis(2);

/// A unit of processor time, which is the same for all Linux programs.
const TICK: Duration = Duration::from_millis(10);

/// What a process took.
#[derive(Debug, Clone, Copy)]
pub(super) struct Taken {
    /// From start to end.
    pub(super) wall: Duration,
    /// In user and system mode, all threads.
    pub(super) cpu: Duration,
    /// The most memory it had at once, in bytes.
    pub(super) peak: u64,
    /// Processor time that all others, this program apart, took meanwhile.
    pub(super) others: Duration,
}

/// Runs a command to its end; what it prints to standard output, and what it took.
pub(super) fn take(command: &mut Command) -> anyhow::Result<(String, Taken)> {
    let folder = tempfile::tempdir()?;
    let printed = folder.path().join("stdout");
    command.stdout(fs_err::File::create(&printed)?.into_file());
    let ((), status, taken) = watch(command, |_| Ok(()))?;
    let output = fs_err::read_to_string(&printed)?;
    if !status.success() {
        bail!(
            "`{}` failed ({status}):\n{output}",
            crate::run::shown(command)
        );
    }
    Ok((output, taken))
}

/// The same of a command that prints too much to be kept: how many lines it prints. They are counted while they come, by
/// this program.
pub(super) fn count(command: &mut Command) -> anyhow::Result<(usize, Taken)> {
    command.stdout(Stdio::piped());
    let (lines, status, taken) = watch(command, |printed| {
        let mut printed = printed.context("what it prints goes elsewhere")?;
        let (mut chunk, mut lines) = (vec![0; 64 * 1024], 0);
        loop {
            match printed.read(&mut chunk)? {
                0 => return Ok(lines),
                read => lines += chunk[..read].split(|byte| *byte == b'\n').count() - 1,
            }
        }
    })?;
    if !status.success() {
        bail!("`{}` failed ({status})", crate::run::shown(command));
    }
    Ok((lines, taken))
}

/// Runs a command to its end while something is done with what it prints.
fn watch<T: Send>(
    command: &mut Command,
    meanwhile: impl FnOnce(Option<ChildStdout>) -> anyhow::Result<T> + Send,
) -> anyhow::Result<(T, ExitStatus, Taken)> {
    let busy = busy()?;
    let own = cpu("self")?.0;
    let started = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .spawn()
        .context("the program could not be started")?;
    let printed = child.stdout.take();
    let id = child.id().to_string();
    thread::scope(|scope| {
        let doing = scope.spawn(move || meanwhile(printed));
        let mut peak = 0;
        // A process that ended tells of its processor time until it is waited for.
        let cpu_taken = loop {
            let (cpu, ended) = cpu(&id)?;
            if ended {
                break cpu;
            }
            peak = peak.max(high_water(&id)?.unwrap_or_default());
            thread::sleep(LOOK);
        };
        let wall = started.elapsed();
        let own = cpu("self")?.0.saturating_sub(own);
        let others = self::busy()?.saturating_sub(busy + own + cpu_taken);
        let status = child.wait()?;
        let done = doing
            .join()
            .map_err(|_| anyhow!("what it printed was lost"))??;
        let taken = Taken {
            wall,
            cpu: cpu_taken,
            peak,
            others,
        };
        Ok((done, status, taken))
    })
}

/// The processor time of this process so far.
pub(super) fn processor_time() -> anyhow::Result<Duration> {
    Ok(cpu("self")?.0)
}

/// The processor time of a process, and whether it has ended (proc(5), /proc/PID/stat).
fn cpu(process: &str) -> anyhow::Result<(Duration, bool)> {
    let text = fs_err::read_to_string(format!("/proc/{process}/stat"))
        .context("this needs the /proc of Linux")?;
    // The name, which may hold anything, is in parentheses; the state is the next field, 3 of the manual.
    let fields: Vec<_> = text
        .rsplit_once(") ")
        .map(|(_, rest)| rest.split(' ').collect())
        .unwrap_or_default();
    let [user, system] = [14, 15].map(|field| {
        let ticks = fields
            .get(field - 3)
            .and_then(|text| text.parse::<u32>().ok());
        ticks.context("/proc/PID/stat has no processor time")
    });
    Ok((TICK * (user? + system?), fields.first() == Some(&"Z")))
}

/// The most memory that a process had so far; `None` when it has ended.
fn high_water(process: &str) -> anyhow::Result<Option<u64>> {
    let text = fs_err::read_to_string(format!("/proc/{process}/status"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    Ok(line
        .and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok())
        .map(|kilobytes| kilobytes * 1024))
}

/// The processor time that everything together took since the machine was started (proc(5), /proc/stat).
fn busy() -> anyhow::Result<Duration> {
    let text = fs_err::read_to_string("/proc/stat")?;
    let ticks: Vec<u32> = text
        .lines()
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .skip(1)
        .filter_map(|field| field.parse().ok())
        .collect();
    // user, nice, system, (idle, iowait), irq, softirq, steal
    let busy = [0, 1, 2, 5, 6, 7]
        .iter()
        .filter_map(|&field| ticks.get(field));
    Ok(TICK * busy.sum::<u32>())
}

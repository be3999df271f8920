//! Ctrl-C. A command that works on servers asks for it to be graceful: the first one sets a flag that the engine
//! polls, the second one, and the first one everywhere else, ends the program at once.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, Ordering},
};

use crate::{exit::Exit, term};

/// Set where the running command polls for an interruption.
static GRACEFUL: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// Catches Ctrl-C and termination signals. Where that is not possible, they end the program as they always do.
pub(crate) fn catch() {
    ctrlc::set_handler(|| match GRACEFUL.get() {
        Some(flag) if !flag.swap(true, Ordering::SeqCst) => term::note(
            "interrupted: finishing the steps that are under way; press Ctrl-C again to stop at once",
        ),
        _ => stop(),
    })
    .ok();
    take_write_failures();
}

/// A write beyond the file size limit fails with an error that says so, rather than with a signal that kills.
#[cfg(unix)]
fn take_write_failures() {
    signal_hook::flag::register(signal_hook::consts::SIGXFSZ, Arc::default()).ok();
}

#[cfg(not(unix))]
fn take_write_failures() {}

/// The flag that becomes true at the first Ctrl-C; from now on only the second one ends the program.
pub(crate) fn graceful() -> Arc<AtomicBool> {
    GRACEFUL.get_or_init(Arc::default).clone()
}

/// Says that an interrupted command has ended.
pub(crate) fn tell() {
    term::note("interrupted; what was done is in the journal, see `atl-admin history`");
}

#[expect(clippy::exit, reason = "the user asked for it")]
fn stop() {
    tell();
    std::process::exit(Exit::Interrupted.code().into());
}

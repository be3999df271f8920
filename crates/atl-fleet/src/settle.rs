//! Asking again, with back-off, while the nodes of a cluster still learn of a change (cli.md 4.3).

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use backon::{BackoffBuilder as _, ExponentialBuilder};

/// What one try came to.
pub(crate) enum Try<T, E> {
    /// Done.
    Done(T),
    /// Not yet; the error stands if it stays so.
    NotYet(E),
    /// It cannot become better.
    Never(E),
}

/// Tries until it is done, cannot become better, the time is over or the user interrupts.
pub(crate) fn settle<T, E>(
    within: Duration,
    interrupted: &AtomicBool,
    mut attempt: impl FnMut() -> Try<T, E>,
) -> Result<T, E> {
    let deadline = Instant::now() + within;
    let mut pauses = ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(100))
        .with_max_delay(Duration::from_secs(5))
        .with_jitter()
        .without_max_times()
        .build();
    loop {
        let error = match attempt() {
            Try::Done(value) => return Ok(value),
            Try::Never(error) => return Err(error),
            Try::NotYet(error) => error,
        };
        let left = deadline.saturating_duration_since(Instant::now());
        let pause = pauses.next().unwrap_or_default().min(left);
        if left.is_zero() || !sleep(pause, interrupted) {
            return Err(error);
        }
    }
}

/// Sleeps; false where the user interrupted.
fn sleep(pause: Duration, interrupted: &AtomicBool) -> bool {
    let deadline = Instant::now() + pause;
    while !interrupted.load(Ordering::Relaxed) {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return true;
        }
        thread::sleep(left.min(Duration::from_millis(50)));
    }
    false
}

//! When a request is sent again, and how long that waits.

use std::{
    thread,
    time::{Duration, Instant, SystemTime},
};

use backon::{BackoffBuilder, ExponentialBuilder};

use crate::{ClientError, Response};

/// How much may go wrong before an answer counts. Each level includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Patience {
    /// Sent once: the request is good for one use.
    None,
    /// 429 is tried again: it was refused before anything was done.
    Throttled,
    /// 503 as well: credentials that nobody looked at may be sent again.
    Unavailable,
    /// Lost answers as well: it changes nothing.
    Lost,
}

/// Tries after the first.
const REPETITIONS: usize = 2;

/// Runs `attempt` with the time that is left, again while patience, tries and time last.
pub(crate) fn patiently(
    patience: Patience,
    budget: Duration,
    mut attempt: impl FnMut(Duration) -> Result<Response, ClientError>,
) -> Result<Response, ClientError> {
    let start = Instant::now();
    let mut pauses = ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(200))
        .with_max_times(REPETITIONS)
        .with_jitter()
        .build();
    loop {
        let outcome = attempt(budget.saturating_sub(start.elapsed()));
        let pause = reason(&outcome)
            .filter(|(needed, _)| patience >= *needed)
            .and_then(|(_, asked)| {
                let pause = pauses.next()?.max(asked.unwrap_or_default());
                (start.elapsed() + pause < budget).then_some(pause)
            });
        match pause {
            Some(pause) => thread::sleep(pause),
            None => return give_up(outcome),
        }
    }
}

/// Why it could be tried again, and how long the server wants us to wait.
fn reason(outcome: &Result<Response, ClientError>) -> Option<(Patience, Option<Duration>)> {
    match outcome {
        Ok(response) if response.status == 429 => {
            Some((Patience::Throttled, response.retry_after()))
        }
        Ok(response) if response.status == 503 => {
            Some((Patience::Unavailable, response.retry_after()))
        }
        Err(ClientError::Connection { sent: true, .. }) => Some((Patience::Lost, None)),
        _ => None,
    }
}

fn give_up(outcome: Result<Response, ClientError>) -> Result<Response, ClientError> {
    match outcome {
        Ok(response) if response.status == 429 => Err(ClientError::RateLimited {
            retry_after: response.retry_after(),
            server: response.server.into(),
            what: response.what.into(),
        }),
        other => other,
    }
}

impl Response {
    /// `Retry-After` in seconds or as a date.
    pub fn retry_after(&self) -> Option<Duration> {
        let value = self.header_values("retry-after").first().copied()?.trim();
        if let Ok(seconds) = value.parse() {
            return Some(Duration::from_secs(seconds));
        }
        let then = httpdate::parse_http_date(value).ok()?;
        Some(then.duration_since(SystemTime::now()).unwrap_or_default())
    }
}

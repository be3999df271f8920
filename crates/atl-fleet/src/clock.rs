//! The server's clock against ours: the servers refuse signatures whose timestamp is too far off (protocol.md 2.6).

use atl_client::Client;

use crate::trouble::Trouble;

/// Seconds of difference from which signatures are refused.
const REFUSED: i64 = 300;
/// Seconds of difference from which a warning is due.
const WARNED: i64 = 60;

/// What to do about it.
pub(crate) const ADVICE: &str =
    "set both clocks by NTP: signatures with a timestamp more than 300 s off are refused";

/// How the clocks stand to each other.
pub(crate) enum Clock {
    /// The server sent no `Date`.
    Unknown,
    /// Near enough.
    Near(i64),
    /// Far enough for a warning.
    Off(i64),
    /// Too far: signatures are refused.
    Refused(Trouble),
}

/// Compares the clocks by the last answer's `Date`.
pub(crate) fn clock(client: &Client) -> Clock {
    match client.clock_skew() {
        None => Clock::Unknown,
        Some(skew) if skew.abs() > REFUSED => {
            let side = if skew > 0 {
                "ahead of ours"
            } else {
                "behind ours"
            };
            Clock::Refused(Trouble::own(
                "clock",
                format!(
                    "the clock of `{}` is {} s {side}: signatures would be refused for their timestamp",
                    client.server(),
                    skew.abs()
                ),
                ADVICE,
            ))
        }
        Some(skew) if skew.abs() > WARNED => Clock::Off(skew.abs()),
        Some(skew) => Clock::Near(skew.abs()),
    }
}

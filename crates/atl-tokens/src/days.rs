//! How old something is, in the words of reports. No I/O: what time it is, is an argument.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// One day.
pub(crate) const DAY: Duration = Duration::from_hours(24);

/// Whether what was made then is at least so old now.
pub(crate) fn older_than(made: Timestamp, now: Timestamp, limit: Duration) -> bool {
    let age = now.duration_since(made);
    age >= SignedDuration::try_from(limit).unwrap_or(SignedDuration::MAX)
}

/// A time in days, or in hours where it is no whole number of days.
pub(crate) fn in_days(time: Duration) -> String {
    let seconds = time.as_secs();
    if seconds.is_multiple_of(DAY.as_secs()) {
        format!("{}d", seconds / DAY.as_secs())
    } else {
        format!("{}h", seconds / 3600)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_from_the_very_second_on() {
        let at = |seconds| Timestamp::from_second(seconds).unwrap();
        for (now, expected) in [(86_399, false), (86_400, true), (-5, false)] {
            assert_eq!(older_than(at(0), at(now), DAY), expected, "{now}");
        }
        assert!(!older_than(Timestamp::MIN, Timestamp::MAX, Duration::MAX));
    }

    #[test]
    fn words() {
        assert_eq!(in_days(90 * DAY), "90d");
        assert_eq!(in_days(Duration::from_hours(36)), "36h");
    }
}

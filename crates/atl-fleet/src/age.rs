//! How old something is, and whether that is too old. No I/O: what time it is, is an argument.

use std::time::Duration;

use jiff::Timestamp;

use crate::wanted::Policy;

/// How old what was made then is now; what a clock says was made in the future has no age yet.
pub fn age(created: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(created)).unwrap_or_default()
}

/// Whether what was made then is at least so old now.
pub fn older_than(created: Timestamp, now: Timestamp, limit: Duration) -> bool {
    now >= created && age(created, now) >= limit
}

/// An age in its largest unit up to days, rounded down: `400d`, `5h`, `3m`, `10s`.
pub fn in_words(age: Duration) -> String {
    let seconds = age.as_secs();
    let (number, unit) = match seconds {
        0..60 => (seconds, 's'),
        60..3600 => (seconds / 60, 'm'),
        3600..86_400 => (seconds / 3600, 'h'),
        _ => (seconds / 86_400, 'd'),
    };
    format!("{number}{unit}")
}

/// From which age on a key is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IfOlderThan {
    /// This one.
    Age(Duration),
    /// What the consumer's `policy.max_key_age` says.
    Policy,
}

impl IfOlderThan {
    /// The age for a consumer with this policy; `None` where the policy is asked for and says nothing.
    pub fn limit(self, policy: &Policy) -> Option<Duration> {
        match self {
            Self::Age(age) => Some(age),
            Self::Policy => policy.max_key_age.map(Duration::from_secs),
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    const DAY: u64 = 86_400;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_secs(seconds)
    }

    #[test]
    fn old_enough_from_the_very_second_on() {
        let limit = Duration::from_secs(DAY);
        for (now, expected) in [(86_399, false), (86_400, true), (86_401, true)] {
            assert_eq!(older_than(at(0), at(now), limit), expected, "{now}");
        }
        assert!(older_than(at(0), at(0), Duration::ZERO));
    }

    #[test]
    fn a_clock_that_went_back_makes_nothing_old() {
        assert_eq!(age(at(10), at(0)), Duration::ZERO);
        assert!(!older_than(at(10), at(0), Duration::ZERO));
        let ever = (Timestamp::MIN, Timestamp::MAX);
        assert!(!older_than(ever.0, ever.1, Duration::MAX));
    }

    #[test]
    fn words() {
        for (seconds, expected) in [
            (0, "0s"),
            (59, "59s"),
            (60, "1m"),
            (3599, "59m"),
            (3600, "1h"),
            (DAY - 1, "23h"),
            (DAY, "1d"),
            (400 * DAY, "400d"),
        ] {
            assert_eq!(in_words(Duration::from_secs(seconds)), expected);
        }
    }

    #[test]
    fn a_policy_that_says_nothing_has_no_limit() {
        let policy = |max_key_age| Policy {
            max_key_age,
            ..Policy::default()
        };
        let asked = IfOlderThan::Policy;
        assert_eq!(asked.limit(&policy(None)), None);
        let day = Some(Duration::from_secs(DAY));
        assert_eq!(asked.limit(&policy(Some(DAY))), day);
        let hour = Duration::from_hours(1);
        let given = IfOlderThan::Age(hour).limit(&policy(Some(DAY)));
        assert_eq!(given, Some(hour));
    }
}

//! Times as databases and their tools write them.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::fmt::strtime;
use jiff::tz::TimeZone;

use crate::moment;

/// The year that the products write where something never ends.
const NEVER: &str = "9999-";

/// A time of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    /// `None` where it is beyond every calendar, which is how the products write "never".
    pub(super) time: Option<Timestamp>,
    /// Whether it is known in which zone it is.
    pub(super) exact: bool,
}

/// As Oracle writes times where nobody says otherwise.
const ORACLE: [&str; 4] = [
    "%d-%b-%y %I.%M.%S%.f %p",
    "%d-%b-%Y %I.%M.%S%.f %p",
    "%d-%b-%y %H:%M:%S%.f",
    "%d-%b-%Y %H:%M:%S%.f",
];
const ORACLE_DAYS: [&str; 2] = ["%d-%b-%y", "%d-%b-%Y"];

/// Reads a time: ISO 8601 with a zone or without, also with a space in the middle and without a time of day; milliseconds
/// or seconds since 1970; Oracle's style. `None` where it is none of these.
pub(super) fn read(text: &str) -> Option<Moment> {
    let exact = |time| Some(Moment { time, exact: true });
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        let number: i64 = text.parse().ok()?;
        // Seconds have no more digits than this until the year 2286.
        let millis = if text.len() <= 10 {
            number.checked_mul(1_000)?
        } else {
            number
        };
        return exact(moment::of_millis(millis));
    }
    if text.starts_with(NEVER) {
        return exact(None);
    }
    if let Ok(time) = text.parse::<Timestamp>() {
        return exact(moment::of_millis(time.as_millisecond()).map(|_| time));
    }
    let local = text.parse::<DateTime>().ok().or_else(|| oracle(text))?;
    let time = TimeZone::UTC.to_timestamp(local).ok()?;
    Some(Moment {
        time: Some(time),
        exact: false,
    })
}

fn oracle(text: &str) -> Option<DateTime> {
    let time = ORACLE
        .iter()
        .find_map(|format| strtime::parse(format, text).ok()?.to_datetime().ok());
    time.or_else(|| {
        let day =
            |format: &&str| -> Option<Date> { strtime::parse(format, text).ok()?.to_date().ok() };
        Some(
            ORACLE_DAYS
                .iter()
                .find_map(day)?
                .to_datetime(jiff::civil::Time::midnight()),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str, exact: bool) {
        let found = read(text).unwrap_or_else(|| panic!("{text}"));
        let time = found
            .time
            .map_or_else(|| "never".to_owned(), |time| time.to_string());
        assert_eq!((&*time, found.exact), (expected, exact), "{text}");
    }

    #[test]
    fn times_with_a_zone_are_moments() {
        for text in [
            "2026-03-01T08:00:00.5Z",
            "2026-03-01T08:00:00.5+00:00",
            "2026-03-01 08:00:00.5+00",
            "2026-03-01T10:00:00.500000+0200",
            "2026-03-01 10:00:00.5+02",
            "1772352000500",
        ] {
            check(text, "2026-03-01T08:00:00.5Z", true);
        }
        check("1772352000", "2026-03-01T08:00:00Z", true);
        check("0", "1970-01-01T00:00:00Z", true);
    }

    #[test]
    fn times_without_a_zone_are_taken_for_utc() {
        for text in [
            "2026-03-01T08:00:00.5",
            "2026-03-01 08:00:00.5000000",
            "01-MAR-26 08.00.00.500000 AM",
            "01-MAR-2026 08:00:00.5",
        ] {
            check(text, "2026-03-01T08:00:00.5Z", false);
        }
        for text in ["2026-03-01", "01-MAR-26", "01-Mar-2026", "2026-03-01T00:00"] {
            check(text, "2026-03-01T00:00:00Z", false);
        }
        check("01-MAR-26 08.00.00 PM", "2026-03-01T20:00:00Z", false);
    }

    #[test]
    fn the_year_9999_is_never() {
        for text in [
            "9999-12-31T00:00:00",
            "9999-12-31 00:00:00+00",
            "253402214400000",
        ] {
            assert_eq!(read(text).unwrap().time, None, "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in [
            "",
            "soon",
            "3/1/2026",
            "2026-13-01",
            "5gTq8Zr1VbN3yKcW0uXhLmJf7sQe2DpA",
            "99999999999999999999",
            "-5",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}

//! How the values of flags and environment variables are read.

use std::{ffi::OsStr, time::Duration};

use atl_fleet::age::IfOlderThan;
use clap::{Arg, Command, ValueEnum, builder::TypedValueParser};

use crate::context::is_name;

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` says otherwise
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Format {
    /// A table for people
    #[default]
    Table,
    /// One JSON document
    Json,
    /// One JSON object a line, while the run goes on
    Ndjson,
    /// Comma-separated values with a header line
    Csv,
    /// One YAML document
    Yaml,
}

impl Format {
    /// All of them, for commands that list something.
    pub const ALL: [Self; 5] = [Self::Table, Self::Json, Self::Ndjson, Self::Csv, Self::Yaml];

    /// The value as it is typed.
    pub fn name(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Json => "json",
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
            Self::Yaml => "yaml",
        }
    }
}

/// Whether the value of a boolean environment variable means on: anything but empty, `0`, `false`, `no`, `off`.
pub fn is_on(value: &OsStr) -> bool {
    let value = value.to_string_lossy().to_ascii_lowercase();
    !matches!(value.as_str(), "" | "0" | "false" | "no" | "off")
}

/// Reads boolean environment variables by [`is_on`].
#[derive(Debug, Clone, Copy)]
pub struct Switch;

impl TypedValueParser for Switch {
    type Value = bool;

    fn parse_ref(
        &self,
        _command: &Command,
        _arg: Option<&Arg>,
        value: &OsStr,
    ) -> Result<bool, clap::Error> {
        Ok(is_on(value))
    }
}

/// Reads a duration such as `30s`, `500ms` or `1m30s`; zero and less are refused.
///
/// # Errors
///
/// A sentence for the user.
pub fn duration(text: &str) -> Result<Duration, String> {
    let example = "write a number and a unit, such as `30s`, `500ms` or `2m`";
    let duration: jiff::SignedDuration = text.parse().map_err(|_| example.to_owned())?;
    match Duration::try_from(duration) {
        Ok(duration) if !duration.is_zero() => Ok(duration),
        _ => Err(format!("must be more than nothing; {example}")),
    }
}

/// Reads a long duration, such as `90d`, `12h` or `2w`; a day has 24 hours.
///
/// # Errors
///
/// A sentence for the user.
pub fn age(text: &str) -> Result<Duration, String> {
    let example = "write a number and a unit, such as `90d`, `12h` or `2w`";
    let duration = text
        .parse::<jiff::Span>()
        .and_then(|span| span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()))
        .map_err(|_| example.to_owned())?;
    match Duration::try_from(duration) {
        Ok(duration) if !duration.is_zero() => Ok(duration),
        _ => Err(format!("must be more than nothing; {example}")),
    }
}

/// Reads an absolute http or https URL.
///
/// # Errors
///
/// A sentence for the user.
pub fn application_url(text: &str) -> Result<String, String> {
    match url::Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => {
            Ok(text.to_owned())
        }
        _ => Err("must be an absolute http or https URL".to_owned()),
    }
}

/// Reads a consumer key that is to be: it becomes a part of a URL and a value of the fleet file.
///
/// # Errors
///
/// A sentence for the user.
pub fn new_consumer_key(text: &str) -> Result<String, String> {
    if is_name(text) && text.starts_with(|c: char| c.is_ascii_alphabetic()) {
        Ok(text.to_owned())
    } else {
        Err("must be a letter and up to 63 of `A-Z a-z 0-9 . _ -`".to_owned())
    }
}

/// Reads from which age on a key is replaced: an age, or `policy`.
///
/// # Errors
///
/// A sentence for the user.
pub fn if_older_than(text: &str) -> Result<IfOlderThan, String> {
    if text == "policy" {
        return Ok(IfOlderThan::Policy);
    }
    age(text).map(IfOlderThan::Age).map_err(|why| {
        format!("{why}; or write `policy` for what the fleet file says of each consumer")
    })
}

/// Reads how many servers are worked on at once.
///
/// # Errors
///
/// A sentence for the user.
pub fn parallel(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number @ 1..=256) => Ok(number),
        _ => Err("must be a whole number from 1 to 256".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn switches_are_on_unless_they_say_off() {
        for off in ["", "0", "false", "no", "off", "FALSE", "Off"] {
            assert!(!is_on(OsStr::new(off)), "{off:?}");
        }
        for on in ["1", "true", "yes", "on", "n", "f", " ", "2"] {
            assert!(is_on(OsStr::new(on)), "{on:?}");
        }
    }

    #[test]
    fn durations() {
        let check = |text, expected: Option<u128>| {
            assert_eq!(
                duration(text).ok().map(|d| d.as_millis()),
                expected,
                "{text:?}"
            );
        };
        check("30s", Some(30_000));
        check("500ms", Some(500));
        check("2m", Some(120_000));
        check("1m30s", Some(90_000));
        check("1h", Some(3_600_000));
        for bad in ["", "30", "s", "-5s", "0s", "five seconds", "1e400s"] {
            check(bad, None);
        }
    }

    #[test]
    fn ages() {
        let check = |text, expected: Option<u64>| {
            assert_eq!(
                age(text).ok().map(|age| age.as_secs()),
                expected,
                "{text:?}"
            );
        };
        check("90d", Some(90 * 86_400));
        check("12h", Some(12 * 3600));
        check("2w", Some(14 * 86_400));
        check("1d12h", Some(36 * 3600));
        for bad in ["90", "d", "-5d", "0d", "3 months", "1y", "soon", "1e400d"] {
            check(bad, None);
        }
    }

    #[test]
    fn an_age_or_the_policy() {
        let day = IfOlderThan::Age(Duration::from_hours(24));
        assert_eq!(if_older_than("1d"), Ok(day));
        assert_eq!(if_older_than("policy"), Ok(IfOlderThan::Policy));
        for bad in ["", "Policy", "90", "0d"] {
            assert!(if_older_than(bad).unwrap_err().contains("policy"), "{bad}");
        }
    }

    #[test]
    fn parallel_is_a_small_number() {
        assert_eq!(parallel("8"), Ok(8));
        for bad in ["0", "257", "-1", "many", ""] {
            assert!(parallel(bad).is_err(), "{bad:?}");
        }
    }
}

//! Times as a page shows them: for scripts, or in the words of the user's language (protocol.md 3.1: a medium date and a
//! short time).

use jiff::{Timestamp, civil, tz::TimeZone};

use super::{
    redact::redacted_text,
    words::{AFTER_NOON, BEFORE_NOON, FILLERS, month},
};

/// When something happened, as a page shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ShownTime {
    /// At this moment.
    Exact(Timestamp),
    /// At this moment or up to a day before or after it: the page does not say in which time zone.
    Approximate(Timestamp),
    /// These words, which may mean several days, or were not understood.
    Words(String),
}

/// What a text is, as a time.
pub(super) enum Reading {
    /// A time.
    Time(ShownTime),
    /// A date that may be one of several.
    Ambiguous,
    /// None.
    No,
}

impl ShownTime {
    /// The time that a text says.
    pub(super) fn of(text: &str) -> Self {
        match read(text) {
            Reading::Time(time) => time,
            Reading::Ambiguous | Reading::No => Self::Words(redacted_text(text)),
        }
    }

    /// The time, where it was understood.
    pub fn at(&self) -> Option<Timestamp> {
        match self {
            Self::Exact(at) | Self::Approximate(at) => Some(*at),
            Self::Words(_) => None,
        }
    }
}

/// The value of a `datetime` attribute: RFC 3339, also without a zone or without a time.
pub(super) fn machine(value: &str) -> Option<ShownTime> {
    let value = value.trim();
    if let Ok(at) = value.parse::<Timestamp>() {
        return Some(ShownTime::Exact(at));
    }
    value.parse::<civil::DateTime>().ok().and_then(about)
}

/// The value of a `data-` attribute: seconds or milliseconds since 1970, from 2001 on.
pub(super) fn epoch(value: &str) -> Option<ShownTime> {
    let number: i64 = value.parse().ok().filter(|number| *number > 0)?;
    let at = match value.len() {
        10 => Timestamp::from_second(number),
        13 => Timestamp::from_millisecond(number),
        _ => return None,
    };
    at.ok().map(ShownTime::Exact)
}

/// Reads a text that is a date, or a date and a time of the day, and nothing else.
pub(super) fn read(text: &str) -> Reading {
    if let Some(time) = machine(text) {
        return Reading::Time(time);
    }
    let words = words(text);
    let Some((days, rest)) = date(&words) else {
        return Reading::No;
    };
    let Some((time, zone)) = time_of_day(rest) else {
        return Reading::No;
    };
    let mut days = days.into_iter();
    let day = match (days.next(), days.next()) {
        (Some(day), None) => day,
        (Some(_), Some(_)) => return Reading::Ambiguous,
        (None, _) => return Reading::No,
    };
    let moment = day.to_datetime(time);
    let shown = match zone {
        Zone::Universal => exact(moment),
        Zone::Unknown => about(moment),
    };
    shown.map_or(Reading::No, Reading::Time)
}

fn exact(moment: civil::DateTime) -> Option<ShownTime> {
    TimeZone::UTC
        .to_timestamp(moment)
        .ok()
        .map(ShownTime::Exact)
}

fn about(moment: civil::DateTime) -> Option<ShownTime> {
    TimeZone::UTC
        .to_timestamp(moment)
        .ok()
        .map(ShownTime::Approximate)
}

/// A part of a date.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Word {
    /// A number, and how many digits it has.
    Number(i16, usize),
    /// Letters, in lower case.
    Letters(String),
    /// Anything else.
    Sign(char),
}

/// The parts of a text, without spaces, commas, brackets and words that mean nothing.
fn words(text: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let text = text.to_lowercase().replace('\u{a0}', " ");
    let text = ["a.m.", "a. m.", "p.m.", "p. m."]
        .iter()
        .fold(text, |text, dotted| {
            text.replace(dotted, &dotted.replace(['.', ' '], ""))
        });
    let mut rest = text.as_str();
    while let Some(first) = rest.chars().next() {
        let end = |same: fn(char) -> bool| rest.find(|c| !same(c)).unwrap_or(rest.len());
        let length = if first.is_ascii_digit() {
            end(|c| c.is_ascii_digit())
        } else if first.is_alphabetic() && !is_unit(first) {
            end(|c| c.is_alphabetic() && !is_unit(c))
        } else {
            first.len_utf8()
        };
        let (word, after) = rest.split_at(length);
        rest = after;
        words.push(match word.parse() {
            Ok(number) if first.is_ascii_digit() => Word::Number(number, length),
            _ if FILLERS.contains(&word) => continue,
            _ if first.is_whitespace() || ",()".contains(first) => continue,
            _ if first.is_alphabetic() => Word::Letters(word.to_owned()),
            _ => Word::Sign(first),
        });
    }
    words
}

/// A sign that is a word by itself, whatever follows it.
fn is_unit(c: char) -> bool {
    "年月日時时分秒".contains(c)
}

/// The days that the beginning may mean, and what follows it.
fn date(words: &[Word]) -> Option<(Vec<civil::Date>, &[Word])> {
    use Word::{Letters, Number, Sign};
    let unit = |word: &Word, c: char| *word == Letters(c.to_string());
    if let [
        Number(year, 4),
        y,
        Number(month, _),
        m,
        Number(day, _),
        d,
        rest @ ..,
    ] = words
        && unit(y, '年')
        && unit(m, '月')
        && unit(d, '日')
    {
        return Some((days(&[(*year, *month, *day)]), rest));
    }
    if let [
        Number(a, first),
        Sign(s),
        Number(b, _),
        Sign(t),
        Number(c, last),
        rest @ ..,
    ] = words
        && s == t
        && "/-.".contains(*s)
    {
        let rest = rest.strip_prefix(&[Sign('.')]).unwrap_or(rest);
        return Some((numbers([*a, *b, *c], *first, *last, *s)?, rest));
    }
    let (first, rest) = part(words)?;
    let (second, rest) = part(rest)?;
    let (third, rest) = part(rest)?;
    let (year, name, day) = match (first, second, third) {
        (Number(day, 1 | 2), Letters(name), year @ Number(_, 2 | 4))
        | (Letters(name), Number(day, 1 | 2), year @ Number(_, 4))
        | (year @ Number(_, 4), Letters(name), Number(day, 1 | 2)) => (year, name, *day),
        _ => return None,
    };
    let rest = rest.strip_prefix(&[Sign('.')]).unwrap_or(rest);
    Some((days(&[(full(year)?, month(name)?.into(), day)]), rest))
}

/// The first part of a date that is no sign between two.
fn part(words: &[Word]) -> Option<(&Word, &[Word])> {
    match words {
        [Word::Sign('.' | '-' | '/'), rest @ ..] => part(rest),
        [word, rest @ ..] => Some((word, rest)),
        [] => None,
    }
}

/// Three numbers: years come first or last, and where dots stand between them, months are never first.
fn numbers(numbers: [i16; 3], first: usize, last: usize, sign: char) -> Option<Vec<civil::Date>> {
    let [a, b, c] = numbers;
    let short = |year: i16| full(&Word::Number(year, 2));
    let candidates = match (first, last) {
        (4, 1 | 2) => vec![(a, b, c)],
        (1 | 2, 4) if sign == '.' => vec![(c, b, a)],
        (1 | 2, 4) => vec![(c, b, a), (c, a, b)],
        (1 | 2, 2) => vec![(short(c)?, b, a), (short(c)?, a, b), (short(a)?, b, c)],
        _ => return None,
    };
    Some(days(&candidates))
}

/// The days there are among these, each once.
fn days(candidates: &[(i16, i16, i16)]) -> Vec<civil::Date> {
    let day = |(year, month, day): &(i16, i16, i16)| {
        let (month, day) = (i8::try_from(*month).ok()?, i8::try_from(*day).ok()?);
        civil::Date::new(*year, month, day).ok()
    };
    let mut days: Vec<_> = candidates.iter().filter_map(day).collect();
    days.sort_unstable();
    days.dedup();
    days
}

/// A year of two digits is one from 1970 to 2069.
fn full(year: &Word) -> Option<i16> {
    match year {
        Word::Number(year, 4) => Some(*year),
        Word::Number(year, 2) => Some(year + if *year < 70 { 2000 } else { 1900 }),
        _ => None,
    }
}

/// Where a time is the time of.
enum Zone {
    Universal,
    Unknown,
}

/// The time that follows a date, midnight where none does; `None` where something else does.
fn time_of_day(words: &[Word]) -> Option<(civil::Time, Zone)> {
    use Word::{Letters, Number, Sign};
    let (mut half, mut rest) = half_of_day(words);
    if rest.is_empty() {
        return (half.is_none()).then_some((civil::Time::midnight(), Zone::Unknown));
    }
    let (hour, minute, mut second) = match rest {
        [Number(hour, 1 | 2), between, Number(minute, 2), after @ ..]
            if matches!(between, Sign(':' | '.')) || is_hour(between) =>
        {
            rest = after;
            (*hour, *minute, 0)
        }
        _ => return None,
    };
    if let [Sign(':' | '.'), Number(seconds, 2), after @ ..] = rest {
        (second, rest) = (*seconds, after);
    }
    if let [Letters(minutes), after @ ..] = rest
        && minutes == "分"
    {
        rest = after;
    }
    if half.is_none() {
        (half, rest) = half_of_day(rest);
    }
    let zone = match rest {
        [] => Zone::Unknown,
        [Letters(zone)] if matches!(&**zone, "utc" | "gmt" | "z") => Zone::Universal,
        [Letters(zone)] if (3..=5).contains(&zone.len()) && zone.is_ascii() => Zone::Unknown,
        _ => return None,
    };
    let hour = match half {
        None => hour,
        Some(_) if !(1..=12).contains(&hour) => return None,
        Some(half) => hour % 12 + half,
    };
    let small = |number: i16| i8::try_from(number).ok();
    let time = civil::Time::new(small(hour)?, small(minute)?, small(second)?, 0).ok()?;
    Some((time, zone))
}

fn is_hour(word: &Word) -> bool {
    matches!(word, Word::Letters(unit) if matches!(&**unit, "h" | "時" | "时"))
}

/// How many hours to add for the half of the day, where it is said here, and what follows.
fn half_of_day(words: &[Word]) -> (Option<i16>, &[Word]) {
    match words {
        [Word::Letters(half), rest @ ..] if BEFORE_NOON.contains(&&**half) => (Some(0), rest),
        [Word::Letters(half), rest @ ..] if AFTER_NOON.contains(&&**half) => (Some(12), rest),
        _ => (None, words),
    }
}

#[cfg(test)]
mod tests;

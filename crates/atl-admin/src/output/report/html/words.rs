//! Numbers, times and sentences as a reader of the page sees them.

use askama::{Template, filters::HtmlSafe};
use jiff::Timestamp;

use crate::output::report::harmless;

/// A number with a comma between thousands.
pub(super) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// So many of something: `1 grant`, `1,200 grants`.
pub(super) fn counted(count: u64, noun: &str) -> String {
    let many = if count == 1 { "" } else { "s" };
    format!("{} {noun}{many}", thousands(count))
}

/// A title with a capital letter.
pub(super) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters).collect()
}

/// How many of how many are shown, where that is not all.
pub(super) fn cut(shown: usize, total: u64) -> Option<String> {
    let shown = shown as u64;
    (shown < total).then(|| format!("{} of {}", thousands(shown), thousands(total)))
}

/// A day.
pub(super) fn day(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d").to_string()
}

/// A moment, in words.
pub(super) fn moment(time: Timestamp) -> String {
    time.strftime("%-d %B %Y, %H:%M UTC").to_string()
}

/// A sentence of ours, in which servers may have a say: what stands between backticks is set as code.
#[derive(Debug, Template)]
#[template(
    ext = "html",
    source = "{% for part in parts %}{% if loop.index0 % 2 == 1 %}<code>{{ part }}</code>{% else %}{{ part }}{% endif %}{% endfor %}"
)]
pub(super) struct Prose {
    /// Text and code, in turn.
    parts: Vec<String>,
}

/// It has escaped its parts itself.
impl HtmlSafe for Prose {}

impl Prose {
    pub(super) fn new(text: &str) -> Self {
        let text = harmless(text);
        let parts: Vec<_> = text.split('`').map(str::to_owned).collect();
        if parts.len() % 2 == 1 {
            Self { parts }
        } else {
            Self {
                parts: vec![text.into_owned()],
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.parts.iter().all(String::is_empty)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_easy_to_read() {
        let check = |number, expected: &str| assert_eq!(thousands(number), expected);
        check(0, "0");
        check(999, "999");
        check(1_000, "1,000");
        check(123_456, "123,456");
        check(1_234_567, "1,234,567");
        assert_eq!(counted(1, "grant"), "1 grant");
        assert_eq!(counted(5_000, "grant"), "5,000 grants");
        assert_eq!(sentence("an OAuth grant"), "An OAuth grant");
        assert_eq!(sentence(""), "");
    }

    #[test]
    fn what_is_cut_says_so() {
        assert_eq!(cut(7, 7), None);
        assert_eq!(cut(5_000, 123_456).as_deref(), Some("5,000 of 123,456"));
    }

    #[test]
    fn times_are_in_utc() {
        let time = Timestamp::from_second(1_795_854_600).unwrap();
        assert_eq!(day(time), "2026-11-28");
        assert_eq!(moment(time), "28 November 2026, 08:30 UTC");
    }

    #[test]
    fn backticks_are_code() {
        let check = |text, expected: &str| assert_eq!(Prose::new(text).to_string(), expected);
        check(
            "run `rotate -c <bot>`",
            "run <code>rotate -c &#60;bot&#62;</code>",
        );
        check("a ` alone & <b>", "a ` alone &#38; &#60;b&#62;");
        assert!(Prose::new("").is_empty());
    }
}

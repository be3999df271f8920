//! Charts of bars, counted while the grants go by.

use std::collections::HashMap;

use atl_tokens::{GrantEntry, GrantStatus};
use jiff::Timestamp;

use super::words::{counted, thousands};

/// More bars than these are one bar of others.
const MOST_BARS: usize = 12;

const DAY: i64 = 86_400;

/// A chart.
pub(super) struct Chart {
    pub(super) title: &'static str,
    pub(super) note: &'static str,
    /// Whether its bars stand up, as those of a scale do.
    pub(super) upright: bool,
    pub(super) bars: Vec<Bar>,
}

impl Chart {
    /// How long a bar is, in percent of the longest; what is more than nothing can be seen.
    pub(super) fn share(&self, bar: &Bar) -> String {
        percent(self.permille(bar))
    }

    /// The rest of the way.
    pub(super) fn rest(&self, bar: &Bar) -> String {
        percent(1_000 - self.permille(bar))
    }

    fn permille(&self, bar: &Bar) -> u64 {
        let longest = self.bars.iter().map(|bar| bar.count).max().unwrap_or(0);
        match bar.count {
            0 => 0,
            count => (count.saturating_mul(1_000) / longest).max(8),
        }
    }
}

fn percent(permille: u64) -> String {
    format!("{}.{}%", permille / 10, permille % 10)
}

/// A bar.
pub(super) struct Bar {
    pub(super) label: String,
    pub(super) detail: String,
    count: u64,
    /// The class that colours it.
    pub(super) tone: &'static str,
}

impl Bar {
    fn new(label: impl Into<String>, count: u64, tone: &'static str) -> Self {
        Self {
            label: label.into(),
            detail: String::new(),
            count,
            tone,
        }
    }

    pub(super) fn number(&self) -> String {
        thousands(self.count)
    }
}

/// How old grants are: the label of each class, and the days with which the next one begins.
const AGES: [(&str, i64); 8] = [
    ("< 1 month", 30),
    ("1–3 months", 91),
    ("3–6 months", 182),
    ("6–12 months", 365),
    ("1–2 years", 730),
    ("2–3 years", 1_095),
    ("3–5 years", 1_826),
    ("> 5 years", i64::MAX / DAY),
];

/// How soon grants end, likewise.
const ENDS: [(&str, i64); 6] = [
    ("ended", 0),
    ("7 days", 7),
    ("30 days", 30),
    ("90 days", 90),
    ("1 year", 365),
    ("later", i64::MAX / DAY),
];

/// The numbers behind a scale, with a place after its classes for what is not on it.
#[derive(Debug)]
pub(super) struct Scale<const N: usize> {
    classes: &'static [(&'static str, i64); N],
    counts: [u64; N],
    endless: u64,
    unknown: u64,
}

impl<const N: usize> Scale<N> {
    fn new(classes: &'static [(&'static str, i64); N]) -> Self {
        Self {
            classes,
            counts: [0; N],
            endless: 0,
            unknown: 0,
        }
    }

    fn add(&mut self, seconds: i64) {
        let class = self
            .classes
            .iter()
            .position(|(_, days)| seconds < days * DAY);
        self.counts[class.unwrap_or(N - 1)] += 1;
    }

    fn chart(&self, title: &'static str, note: &'static str) -> Chart {
        let known = self.classes.iter().zip(self.counts);
        let mut bars: Vec<_> = known
            .map(|((label, _), count)| Bar::new(*label, count, "plain"))
            .collect();
        if self.endless > 0 {
            bars.push(Bar::new("never", self.endless, "medium"));
        }
        if self.unknown > 0 {
            bars.push(Bar::new("not known", self.unknown, "pale"));
        }
        Chart {
            title,
            note,
            upright: true,
            bars,
        }
    }
}

/// How old grants are.
#[derive(Debug)]
pub(super) struct Ages(Scale<8>);

impl Ages {
    pub(super) fn new() -> Self {
        Self(Scale::new(&AGES))
    }

    pub(super) fn add(&mut self, grant: &GrantEntry, now: Timestamp) {
        match grant.created {
            Some(created) => self.0.add(now.as_second() - created.as_second()),
            None => self.0.unknown += 1,
        }
    }

    pub(super) fn chart(&self) -> Chart {
        self.0.chart("Age", "How long ago the grants were given")
    }
}

/// How soon grants end.
#[derive(Debug)]
pub(super) struct Ends(Scale<6>);

impl Ends {
    pub(super) fn new() -> Self {
        Self(Scale::new(&ENDS))
    }

    pub(super) fn add(&mut self, grant: &GrantEntry, now: Timestamp) {
        match (grant.status, grant.expires) {
            (GrantStatus::Expired | GrantStatus::Rejected, _) => self.0.counts[0] += 1,
            (_, Some(end)) => self.0.add(end.as_second() - now.as_second()),
            (_, None) if grant.endless => self.0.endless += 1,
            (_, None) => self.0.unknown += 1,
        }
    }

    pub(super) fn chart(&self) -> Chart {
        self.0.chart(
            "What ends when",
            "Within how much time from the day of this report",
        )
    }
}

/// How many there are of each; the label may have a detail.
#[derive(Debug, Default)]
pub(super) struct Shares(HashMap<(String, String), u64>);

impl Shares {
    pub(super) fn add(&mut self, label: String, detail: String) {
        *self.0.entry((label, detail)).or_default() += 1;
    }

    /// The most first; those beyond the most bars become one, called so many of `others`.
    pub(super) fn chart(&self, title: &'static str, note: &'static str, others: &str) -> Chart {
        let mut shares: Vec<_> = self.0.iter().collect();
        shares.sort_by(|(one, some), (other, more)| more.cmp(some).then_with(|| one.cmp(other)));
        let shown = if shares.len() > MOST_BARS {
            MOST_BARS - 1
        } else {
            shares.len()
        };
        let rest = shares.split_off(shown);
        let mut bars: Vec<_> = shares
            .into_iter()
            .map(|((label, detail), count)| Bar {
                detail: detail.clone(),
                ..Bar::new(label, *count, "plain")
            })
            .collect();
        if !rest.is_empty() {
            let label = counted(rest.len() as u64, others);
            let count = rest.iter().map(|(_, count)| *count).sum();
            bars.push(Bar::new(label, count, "pale"));
        }
        Chart {
            title,
            note,
            upright: false,
            bars,
        }
    }
}

#[cfg(test)]
mod tests {
    use atl_tokens::{GrantKind, SourceKind};

    use super::*;

    const NOW: i64 = 1_795_854_600;

    fn now() -> Timestamp {
        Timestamp::from_second(NOW).unwrap()
    }

    fn grant() -> GrantEntry {
        GrantEntry::new(
            GrantKind::Oauth1,
            "0123456789ab",
            "jira",
            "alice",
            SourceKind::Page,
        )
    }

    /// The bars that have something, with their labels.
    fn seen(chart: &Chart) -> Vec<(&str, u64)> {
        let bars = chart.bars.iter().filter(|bar| bar.count > 0);
        bars.map(|bar| (bar.label.as_str(), bar.count)).collect()
    }

    #[test]
    fn a_grant_is_of_the_class_that_its_age_is_in() {
        let check = |days: Option<i64>, expected: &str| {
            let mut ages = Ages::new();
            let created = days.map(|days| Timestamp::from_second(NOW - days * DAY).unwrap());
            ages.add(&GrantEntry { created, ..grant() }, now());
            assert_eq!(seen(&ages.chart()), [(expected, 1)], "{days:?}");
        };
        check(Some(-1), "< 1 month");
        check(Some(29), "< 1 month");
        check(Some(30), "1–3 months");
        check(Some(364), "6–12 months");
        check(Some(365), "1–2 years");
        check(Some(20_000), "> 5 years");
        check(None, "not known");
    }

    #[test]
    fn a_grant_is_of_the_class_that_its_end_is_in() {
        let check = |entry: GrantEntry, expected: &str| {
            let mut ends = Ends::new();
            ends.add(&entry, now());
            assert_eq!(seen(&ends.chart()), [(expected, 1)], "{entry:?}");
        };
        let ending = |days: i64| GrantEntry {
            expires: Timestamp::from_second(NOW + days * DAY).ok(),
            ..grant()
        };
        check(ending(-1), "ended");
        check(ending(6), "7 days");
        check(ending(7), "30 days");
        check(ending(4_000), "later");
        check(
            GrantEntry {
                endless: true,
                ..grant()
            },
            "never",
        );
        check(grant(), "not known");
        check(
            GrantEntry {
                status: GrantStatus::Rejected,
                ..ending(6)
            },
            "ended",
        );
    }

    #[test]
    fn few_stand_alone_and_the_rest_together() {
        let mut shares = Shares::default();
        for index in 0..MOST_BARS + 3 {
            for _ in 0..=index {
                shares.add(format!("bot {index:02}"), String::new());
            }
        }
        let chart = shares.chart("", "", "consumer");
        let seen = seen(&chart);
        assert_eq!(seen.len(), MOST_BARS);
        assert_eq!(seen[0], ("bot 14", 15));
        assert_eq!(seen[MOST_BARS - 1], ("4 consumers", 1 + 2 + 3 + 4));
    }

    #[test]
    fn a_bar_is_as_long_as_it_is_much() {
        let bars = [1_000, 500, 1, 0].map(|count| Bar::new("", count, "plain"));
        let chart = Chart {
            title: "",
            note: "",
            upright: false,
            bars: bars.into(),
        };
        let shares: Vec<_> = chart.bars.iter().map(|bar| chart.share(bar)).collect();
        assert_eq!(shares, ["100.0%", "50.0%", "0.8%", "0.0%"]);
        assert_eq!(chart.rest(&chart.bars[1]), "50.0%");
    }
}

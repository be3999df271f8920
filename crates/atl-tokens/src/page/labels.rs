//! What a row says beside its token: consumer, times and scopes.

use scraper::ElementRef;

use super::{
    element::{elements, lineage, own_texts},
    table,
    when::{Reading, ShownTime, epoch, machine, read},
};
use crate::text::line;

/// What attributes with the time of an issue are called after.
const ISSUE: [&str; 6] = ["created", "creation", "issued", "date", "time", "epoch"];

const MOST_SCOPES: usize = 20;
const LONGEST_SCOPE: usize = 60;

/// What a row says beside its token.
#[derive(Default)]
pub(super) struct Labels {
    pub(super) consumer: Option<String>,
    pub(super) created: Option<ShownTime>,
    pub(super) expires: Option<ShownTime>,
    pub(super) scopes: Vec<String>,
}

impl Labels {
    /// The same without what lets somebody in, should the page show that to people.
    pub(super) fn without(mut self, secret: &str) -> Self {
        self.consumer = self.consumer.filter(|name| !name.contains(secret));
        self.scopes.retain(|scope| !scope.contains(secret));
        self
    }
}

/// The labels of a row: what stands in the columns that say so, or in elements that do. `around` is what holds its
/// revoker and no other, from the inside out.
pub(super) fn of(row: ElementRef<'_>, around: &[ElementRef<'_>]) -> Labels {
    if let Some(labels) = table::labels(row, around) {
        return labels;
    }
    let first = |sign: fn(&ElementRef<'_>) -> bool| {
        around
            .iter()
            .find_map(|part| elements(*part).filter(sign).find_map(|it| line(it.text())))
    };
    let consumer = first(|it| {
        let name = it.value().name();
        matches!(name, "h3" | "h4" | "h5" | "h6" | "strong" | "b" | "dt")
            || is_called(*it, &["consumer"])
    });
    let times = |part: &ElementRef<'_>| {
        let ends = |it: &ElementRef<'_>| is_called(*it, &["expir"]);
        earliest(
            elements(*part)
                .filter(|it| {
                    !lineage(*it)
                        .take_while(|outer| outer != part)
                        .any(|outer| ends(&outer))
                })
                .filter_map(own_time),
        )
    };
    let shown = || first(|it| it.value().name() == "time").map(|text| ShownTime::of(&text));
    let scopes = around.iter().find_map(|part| {
        elements(*part)
            .find(|it| is_called(*it, &["scope", "permission"]))
            .map(scopes)
    });
    Labels {
        consumer,
        created: around.iter().find_map(times).or_else(shown),
        expires: None,
        scopes: scopes.unwrap_or_default(),
    }
}

/// The time that an element and what is in it say: for scripts, or else in its whole text.
pub(super) fn time(element: ElementRef<'_>) -> Option<ShownTime> {
    elements(element)
        .find_map(for_scripts)
        .or_else(|| words_of(&line(element.text())?))
}

/// The time that an element itself says, in an attribute or in its own text.
fn own_time(element: ElementRef<'_>) -> Option<ShownTime> {
    for_scripts(element).or_else(|| words_of(&line(own_texts(element))?))
}

/// The time that attributes say: `datetime`, or a number in a `data-` attribute that is called after an issue.
pub(super) fn for_scripts(element: ElementRef<'_>) -> Option<ShownTime> {
    let is_of_issue = |name: &str| {
        let name = name.strip_prefix("data-").unwrap_or_default();
        ISSUE.iter().any(|part| name.contains(part)) && !name.contains("expir")
    };
    let numbers = element
        .value()
        .attrs()
        .filter(|(name, _)| is_of_issue(name))
        .find_map(|(_, value)| epoch(value));
    element.attr("datetime").and_then(machine).or(numbers)
}

/// The time that a text says, whole or after a colon.
fn words_of(text: &str) -> Option<ShownTime> {
    let after = text.split_once(": ").map(|(_, after)| after.trim());
    [Some(text), after]
        .into_iter()
        .flatten()
        .find_map(|text| match read(text) {
            Reading::Time(time) => Some(time),
            Reading::Ambiguous => Some(ShownTime::Words(text.to_owned())),
            Reading::No => None,
        })
}

/// Of several times of a grant, that of its issue: the earliest, or where not all are known, the first.
pub(super) fn earliest(times: impl Iterator<Item = ShownTime>) -> Option<ShownTime> {
    let times: Vec<ShownTime> = times.collect();
    if times.iter().any(|time| time.at().is_none()) {
        return times.into_iter().next();
    }
    times.into_iter().min_by_key(ShownTime::at)
}

/// The scopes that a cell names, one a text or between commas.
pub(super) fn scopes(cell: ElementRef<'_>) -> Vec<String> {
    cell.text()
        .flat_map(|text| text.split([',', ';']))
        .filter_map(|text| line([text].into_iter()))
        .map(|scope| scope.chars().take(LONGEST_SCOPE).collect())
        .take(MOST_SCOPES)
        .collect()
}

fn is_called(element: ElementRef<'_>, parts: &[&str]) -> bool {
    let mut classes = element.value().classes();
    classes.any(|class| parts.iter().any(|part| class.contains(part)))
}

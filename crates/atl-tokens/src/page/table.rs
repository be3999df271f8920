//! Tables of grants: their columns, their rows, and what says that there is none (protocol.md 3.1).

use std::collections::HashSet;

use scraper::ElementRef;

use super::{
    Strange,
    element::{elements, lineage, own_texts, title},
    labels::{self, Labels},
    token::names_a_token,
    when::ShownTime,
    words::{CONSUMER, CREATED, EXPIRES, HEADINGS, NONE, SCOPES},
};
use crate::text::line;

/// Where headings may stand.
const FIRST_ROWS: usize = 5;

/// What a row of a table says, or the list of terms that is in its place; `None` where it is neither. `around` is what
/// holds its revoker and no other.
pub(super) fn labels(row: ElementRef<'_>, around: &[ElementRef<'_>]) -> Option<Labels> {
    if let Some(table) = table_of(row).filter(|_| row.value().name() == "tr") {
        let names = head(table).map(names).unwrap_or_default();
        return Some(labels_of(row, &names, &cells(row).collect::<Vec<_>>()));
    }
    let list = around.iter().find(|it| it.value().name() == "dl")?;
    let (names, cells) = terms(*list);
    column(&names, CONSUMER)?;
    Some(labels_of(*list, &names, &cells))
}

/// What cells below these headings say. In the cell of the consumer, its host or description may stand after its name.
/// Where no heading is known, a time is known by what it is.
fn labels_of(row: ElementRef<'_>, names: &[String], cells: &[ElementRef<'_>]) -> Labels {
    let cell = |column: Option<usize>| column.and_then(|column| cells.get(column).copied());
    let expires = column(names, EXPIRES);
    let created = column(names, CREATED).filter(|column| Some(*column) != expires);
    let consumer = column(names, CONSUMER).unwrap_or_default();
    let time = |cell: ElementRef<'_>| {
        labels::time(cell).or_else(|| line(cell.text()).map(|text| ShownTime::of(&text)))
    };
    let others = cells
        .iter()
        .enumerate()
        .filter(|(at, _)| *at != consumer && Some(*at) != expires)
        .filter_map(|(_, cell)| labels::time(*cell));
    Labels {
        consumer: cell(Some(consumer))
            .and_then(|cell| cell.text().find_map(|text| line([text].into_iter()))),
        created: cell(created)
            .and_then(time)
            .or_else(|| labels::for_scripts(row))
            .or_else(|| labels::earliest(others)),
        expires: cell(expires).and_then(time),
        scopes: cell(column(names, SCOPES)).map_or_else(Vec::new, labels::scopes),
    }
}

/// The terms of a list, each with the first of what it says of them.
fn terms(list: ElementRef<'_>) -> (Vec<String>, Vec<ElementRef<'_>>) {
    let mut pairs: Vec<(String, ElementRef<'_>)> = Vec::new();
    let mut term = None;
    for child in list.child_elements() {
        match child.value().name() {
            "dt" => term = line(child.text()),
            "dd" => pairs.extend(term.take().map(|term| (term.to_lowercase(), child))),
            _ => {}
        }
    }
    pairs.into_iter().unzip()
}

/// How many rows stand in a table between those of revokers and have none.
pub(super) fn rows_without(
    revokers: &[ElementRef<'_>],
    is_revoker: fn(&ElementRef<'_>) -> bool,
) -> usize {
    let mut seen = HashSet::new();
    revokers
        .iter()
        .filter_map(|revoker| lineage(*revoker).find(|it| it.value().name() == "tr"))
        .filter_map(table_of)
        .filter(|table| seen.insert(table.id()))
        .flat_map(rows)
        .filter(|row| is_of_a_grant(row) && !elements(*row).any(|it| is_revoker(&it)))
        .count()
}

/// Whether a page without revokers is one of access tokens that has none to show: it says "None specified", or has the
/// table for them, empty. A list that cannot be read is none of these, nor is a page that asks for a password.
pub(super) fn says_none(page: ElementRef<'_>) -> Result<(), Strange> {
    let tables: Vec<_> = elements(page).filter(is_of_grants).collect();
    match tables
        .iter()
        .flat_map(|it| rows(*it))
        .filter(is_of_a_grant)
        .count()
    {
        0 => {}
        rows => return Err(Strange::Irrevocable { rows }),
    }
    let says_none = elements(page).any(|it| own_texts(it).any(is_none) && !is_in_a_grant(it));
    let asks = elements(page).any(|it| it.attr("type") == Some("password"));
    if (says_none || !tables.is_empty()) && !asks {
        return Ok(());
    }
    Err(Strange::Other { title: title(page) })
}

/// Whether it is a table with the columns of the page of access tokens.
fn is_of_grants(table: &ElementRef<'_>) -> bool {
    table.value().name() == "table"
        && head(*table).map(names).is_some_and(|names| {
            column(&names, CONSUMER).is_some() && column(&names, CREATED).is_some()
        })
}

/// Whether something stands in a row or an item that shows a token: there it is what a consumer says of itself.
fn is_in_a_grant(element: ElementRef<'_>) -> bool {
    let is_row = |it: &ElementRef<'_>| matches!(it.value().name(), "tr" | "li" | "dl" | "article");
    lineage(element)
        .find(is_row)
        .is_some_and(|row| elements(row).any(names_a_token))
}

fn is_of_a_grant(row: &ElementRef<'_>) -> bool {
    let said: String = row.text().collect();
    cells(*row).count() > 1 && !is_head(row) && !is_none(&said)
}

/// The row of the headings, which is one of the first.
fn head(table: ElementRef<'_>) -> Option<ElementRef<'_>> {
    rows(table).take(FIRST_ROWS).find(is_head)
}

/// Whether it is the row of the headings: one of a `thead`, one with several `th`, or one that says what is documented.
fn is_head(row: &ElementRef<'_>) -> bool {
    let in_head = lineage(*row).any(|it| it.value().name() == "thead");
    let headings = cells(*row).filter(|it| it.value().name() == "th").count();
    let documented = names(*row);
    let documented = documented.iter().filter(|it| HEADINGS.contains(&&***it));
    in_head || headings > 1 || documented.count() > 1
}

fn is_none(said: &str) -> bool {
    let said = line([said].into_iter()).unwrap_or_default();
    said.trim_end_matches('.').eq_ignore_ascii_case(NONE)
}

/// The first column that has one of these headings, or else has the word in its heading.
fn column(names: &[String], wanted: &[&str]) -> Option<usize> {
    let whole = |word: &&str| names.iter().position(|name| name == word);
    let part = |word: &&str| names.iter().position(|name| has_word(name, word));
    let whole = wanted.iter().find_map(whole);
    whole.or_else(|| wanted.iter().find_map(part))
}

/// Whether a heading has a word. Languages that write no spaces between words have it anywhere.
fn has_word(name: &str, word: &str) -> bool {
    let spaceless = word.chars().all(|c| c >= '\u{3000}');
    name.split(' ').any(|it| it == word) || (spaceless && name.contains(word))
}

fn names(head: ElementRef<'_>) -> Vec<String> {
    let names = cells(head).map(|cell| line(cell.text()).unwrap_or_default());
    names.map(|name| name.to_lowercase()).collect()
}

fn cells(row: ElementRef<'_>) -> impl Iterator<Item = ElementRef<'_>> {
    row.child_elements()
        .filter(|it| matches!(it.value().name(), "td" | "th"))
}

/// The rows of a table, without those of a table within.
fn rows(table: ElementRef<'_>) -> impl Iterator<Item = ElementRef<'_>> {
    elements(table)
        .filter(|it| it.value().name() == "tr")
        .filter(move |it| table_of(*it) == Some(table))
}

fn table_of(row: ElementRef<'_>) -> Option<ElementRef<'_>> {
    lineage(row).find(|it| it.value().name() == "table")
}

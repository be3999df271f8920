//! The page of a user's own access tokens, read (protocol.md 3.1).
//!
//! Of its markup only one thing is known: what revokes a grant has the class `revoke` (protocol.md 9.1). Where the token
//! stands, and what is around it, is found by several signs, and every doubt makes the page one that was not understood.

mod element;
mod labels;
mod markup;
mod redact;
mod row;
mod table;
#[cfg(test)]
mod tests;
mod token;
mod when;
mod whole;
mod words;

use std::collections::HashSet;

use scraper::{ElementRef, Html};

use self::{
    element::{elements, lineage},
    labels::Labels,
    row::identity,
};
pub use self::{
    redact::{RedactedPage, redacted_page},
    row::{PageOf, PageRow, RowKind, find_token},
    when::ShownTime,
};

/// Why a page was not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Strange {
    /// Nothing on it is known from pages of access tokens.
    #[error("it is another page{}", title.as_ref().map(|title| format!(", titled `{title}`")).unwrap_or_default())]
    Other {
        /// Its title.
        title: Option<String>,
    },
    /// It ends before it is closed.
    #[error("it breaks off before its end")]
    Cut,
    /// Rows do not show one token each.
    #[error("{unclear} of its {rows} rows do not show which token they are of")]
    Unclear {
        /// How many.
        unclear: usize,
        /// Of how many.
        rows: usize,
    },
    /// Rows are no rows of grants as they are known.
    #[error("{rows} of its rows offer no way to revoke what they show")]
    Irrevocable {
        /// How many.
        rows: usize,
    },
}

/// The grants on a page, in its order. None means that the page says so.
pub(crate) fn read(html: &str) -> Result<Vec<PageRow>, Strange> {
    if !whole::is_whole(html) {
        return Err(Strange::Cut);
    }
    let document = Html::parse_document(html);
    let page = document.root_element();
    let revokers: Vec<_> = elements(page).filter(is_revoker).collect();
    if revokers.is_empty() {
        return table::says_none(page).map(|()| Vec::new());
    }
    match table::rows_without(&revokers, is_revoker) {
        0 => {}
        rows => return Err(Strange::Irrevocable { rows }),
    }
    let (mut grants, mut seen, mut unclear) = (Vec::new(), HashSet::new(), 0);
    for &revoker in &revokers {
        let around = around(revoker);
        let row = row(revoker, &around);
        match token::of(row, revoker) {
            Some(kind) if seen.insert(identity(&kind)) => {
                let Labels {
                    consumer,
                    created,
                    expires,
                    scopes,
                } = labels::of(row, &around).without(&identity(&kind).1);
                grants.push(PageRow {
                    kind,
                    consumer_name: consumer,
                    created,
                    expires,
                    scopes,
                });
            }
            Some(_) => {}
            None => unclear += 1,
        }
    }
    if unclear > 0 {
        let rows = revokers.len();
        return Err(Strange::Unclear { unclear, rows });
    }
    Ok(grants)
}

/// The title of a page.
pub(crate) fn title(html: &str) -> Option<String> {
    element::title(Html::parse_document(html).root_element())
}

/// What revokes one grant: the outermost element with the class `revoke`; the heading of a column is none.
fn is_revoker(found: &ElementRef<'_>) -> bool {
    let revokes = |element: &ElementRef<'_>| element.value().classes().any(|it| it == "revoke");
    let heads = |element: &ElementRef<'_>| matches!(element.value().name(), "th" | "thead" | "col");
    revokes(found) && !lineage(*found).any(|it| heads(&it) || (it != *found && revokes(&it)))
}

/// What holds a revoker and no other, from the inside out.
fn around(revoker: ElementRef<'_>) -> Vec<ElementRef<'_>> {
    lineage(revoker)
        .take_while(|it| !matches!(it.value().name(), "body" | "html"))
        .take_while(|it| !elements(*it).any(|other| other != revoker && is_revoker(&other)))
        .collect()
}

/// The row of a revoker: a row or an item of a list, else the least around it that shows a token.
fn row<'a>(revoker: ElementRef<'a>, around: &[ElementRef<'a>]) -> ElementRef<'a> {
    let is_row = |it: &&ElementRef<'_>| {
        matches!(it.value().name(), "tr" | "li") || it.attr("role") == Some("row")
    };
    let row = around.iter().find(is_row).or_else(|| {
        let shows = |it: &&ElementRef<'a>| token::of(**it, revoker).is_some();
        around.iter().find(shows)
    });
    row.or_else(|| around.last()).copied().unwrap_or(revoker)
}

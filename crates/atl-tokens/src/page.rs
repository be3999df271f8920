//! The page of a user's own access tokens, read (protocol.md 3.1).
//!
//! Of its markup only one thing is known: what revokes a grant has the class `revoke` (protocol.md 9.1). Where the token
//! stands, and what is around it, is found by several signs, and every doubt makes the page one that was not understood.

mod element;
mod table;
#[cfg(test)]
mod tests;
mod token;

use std::{collections::HashSet, fmt};

use atl_oauth::token_id;
use scraper::{ElementRef, Html};
use secrecy::SecretString;

use self::{
    element::{elements, line, lineage},
    token::Kind,
};

/// A grant as the page of its user shows it.
#[derive(Clone)]
pub struct PageGrant {
    /// The access token.
    pub token: SecretString,
    /// What the page calls the consumer.
    pub consumer_name: Option<String>,
    /// When the access token was issued, in the words of the page, which are those of the user's language.
    pub created: Option<String>,
}

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

impl PageGrant {
    /// The first 12 hex digits of the SHA-256 of the access token.
    pub fn id(&self) -> String {
        token_id(&self.token)
    }
}

impl fmt::Debug for PageGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PageGrant")
            .field("id", &self.id())
            .field("consumer_name", &self.consumer_name)
            .field("created", &self.created)
            .finish_non_exhaustive()
    }
}

/// The OAuth 1 grants on a page, in its order. None means that the page says so, or lists OAuth 2 grants only.
pub(crate) fn read(html: &str) -> Result<Vec<PageGrant>, Strange> {
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
            Kind::Oauth1(token) => {
                if seen.insert(token.clone()) {
                    let (consumer_name, created) = labels(row, &around);
                    grants.push(PageGrant {
                        token: token.into(),
                        consumer_name,
                        created,
                    });
                }
            }
            Kind::Oauth2 => {}
            Kind::Unclear => unclear += 1,
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
        let shows = |it: &&ElementRef<'a>| !matches!(token::of(**it, revoker), Kind::Unclear);
        around.iter().find(shows)
    });
    row.or_else(|| around.last()).copied().unwrap_or(revoker)
}

/// Consumer and date of a row: what stands in the columns that say so, or in elements that do.
fn labels(row: ElementRef<'_>, around: &[ElementRef<'_>]) -> (Option<String>, Option<String>) {
    if let Some(labels) = table::labels(row) {
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
            || it.value().classes().any(|class| class.contains("consumer"))
    });
    let created = first(|it| it.value().name() == "time");
    (consumer, created)
}

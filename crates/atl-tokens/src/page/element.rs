//! Ways around in a page.

use std::iter;

use scraper::ElementRef;

use super::redact::redacted_text;
use crate::text::line;

/// An element and all below it, as they stand on the page.
pub(super) fn elements(root: ElementRef<'_>) -> impl Iterator<Item = ElementRef<'_>> {
    iter::once(root).chain(root.descendent_elements().filter(move |it| *it != root))
}

/// An element and all that it stands in, from the inside out.
pub(super) fn lineage(element: ElementRef<'_>) -> impl Iterator<Item = ElementRef<'_>> {
    iter::once(element).chain(element.ancestors().filter_map(ElementRef::wrap))
}

/// The texts of an element itself.
pub(super) fn own_texts(element: ElementRef<'_>) -> impl Iterator<Item = &str> {
    element
        .children()
        .filter_map(|child| child.value().as_text().map(|text| &**text))
}

/// The title of a page, without what may be a token.
pub(super) fn title(page: ElementRef<'_>) -> Option<String> {
    elements(page)
        .find(|it| it.value().name() == "title")
        .and_then(|it| line(it.text()))
        .map(|title| redacted_text(&title))
}

//! Ways around in a page.

use std::iter;

use scraper::ElementRef;

use super::redact::redacted_text;

const LONGEST_LINE: usize = 300;

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

/// Texts as one line that is safe to print and not too long; `None` where there is none.
pub(super) fn line<'a>(texts: impl Iterator<Item = &'a str>) -> Option<String> {
    let text = texts.collect::<Vec<_>>().join(" ");
    let words = text.split(|c: char| c.is_whitespace() || c.is_control());
    let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
    let line: String = words.join(" ").chars().take(LONGEST_LINE).collect();
    (!line.is_empty()).then_some(line)
}

/// The title of a page, without what may be a token.
pub(super) fn title(page: ElementRef<'_>) -> Option<String> {
    elements(page)
        .find(|it| it.value().name() == "title")
        .and_then(|it| line(it.text()))
        .map(|title| redacted_text(&title))
}

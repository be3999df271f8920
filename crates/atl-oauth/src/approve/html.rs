//! Finding elements of a page.

use scraper::{ElementRef, Html, Selector};

/// The elements that a selector matches, in the order of the page.
pub(super) fn select<'p>(page: &'p Html, selector: &str) -> impl Iterator<Item = ElementRef<'p>> {
    let selector = Selector::parse(selector).ok();
    let found: Vec<_> = selector
        .iter()
        .flat_map(|selector| page.select(selector))
        .collect();
    found.into_iter()
}

/// The pages in a folder of the fixtures, by name.
#[cfg(test)]
pub(super) fn pages(folder: &str) -> Vec<(String, String)> {
    let folder = format!(
        "{}/../../fixtures/pages/{folder}",
        env!("CARGO_MANIFEST_DIR")
    );
    let files = fs_err::read_dir(folder).unwrap();
    let pages: Vec<_> = files
        .map(|file| file.unwrap().path())
        .map(|path| {
            (
                path.display().to_string(),
                fs_err::read_to_string(path).unwrap(),
            )
        })
        .collect();
    assert!(!pages.is_empty());
    pages
}

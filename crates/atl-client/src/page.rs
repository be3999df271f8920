//! The few things read from sign-in and elevation pages.

use scraper::{Html, Selector};

/// The value of a hidden `atl_token`, in an input or in the page's meta data.
pub(crate) fn form_token(page: &str) -> Option<String> {
    let document = Html::parse_document(page);
    let found = |selector: &str, attribute: &str| {
        let selector = Selector::parse(selector).ok()?;
        let element = document.select(&selector).next()?;
        element
            .attr(attribute)
            .filter(|value| !value.is_empty())
            .map(str::to_owned)
    };
    found("input[name=atl_token]", "value")
        .or_else(|| found("meta[name=ajs-atl-token]", "content"))
        .or_else(|| found("meta[name=atlassian-token]", "content"))
}

/// Whether the page shows an input whose name holds `part`.
pub(crate) fn has_input(page: &str, part: &str) -> bool {
    let document = Html::parse_document(page);
    Selector::parse("input[name]").is_ok_and(|selector| {
        let mut names = document
            .select(&selector)
            .filter_map(|element| element.attr("name"));
        names.any(|name| name.to_lowercase().contains(&part.to_lowercase()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_of_a_form_is_found() {
        #[track_caller]
        fn check(page: &str, expected: Option<&str>) {
            assert_eq!(form_token(page).as_deref(), expected);
        }
        check(
            "<form><input type=hidden name=atl_token value='a&amp;b'></form>",
            Some("a&b"),
        );
        check("<meta name=ajs-atl-token content=t1><p>", Some("t1"));
        check("<input name=atl_token>", None);
        check("<p>no form", None);
    }

    #[test]
    fn inputs_are_found_by_a_part_of_their_name() {
        let page = "<form><input name='os_Captcha'></form>";
        assert!(has_input(page, "captcha"));
        assert!(!has_input(page, "webSudoPassword"));
    }
}

//! What a copy shows of a page, and what not.

use proptest::{
    prelude::*,
    test_runner::{Config, RngSeed},
};

use super::*;

#[test]
fn a_copy_keeps_the_structure_and_no_secret() {
    #[track_caller]
    fn check(html: &str, expected: &str) {
        assert_eq!(redacted_page(html), expected);
    }
    check(
        r#"<tr CLASS="row 2" data-token=abc><td>Nov 28, 2026 4:05 PM</td></tr>"#,
        r#"<tr class="row 2" data-token="[redacted]"><td>Nov 28, 2026 4:05 PM</td></tr>"#,
    );
    check(
        "<a href='https://u:p@jira.example.com/jira/rest/oauth2/latest/revoke/17abc?a=b&c#5gTq8Zr1'>Me &amp; you</a>",
        r#"<a href="https://[host]/jira/rest/oauth2/latest/revoke/[redacted]?a=[redacted]&amp;[redacted]#[redacted]">Me &amp; you</a>"#,
    );
    check(
        r#"<input type="hidden" name="id" value="17"><input type="submit" class="revoke" value="Revoke">"#,
        r#"<input type="hidden" name="id" value="[redacted]"><input type="submit" class="revoke" value="Revoke">"#,
    );
    check(
        "<script>var a = 1;</script><style>a{}</style><!-- hunter2 --><p>a@example.com wrote</p>",
        "<script>[script of 10 characters]</script><style>[style of 3 characters]</style><!-- comment of 9 characters --><p>[redacted] wrote</p>",
    );
    check(
        r#"<button name="token" value="short">see short, or shorter</button>"#,
        r#"<button name="token" value="[redacted]">see short, or shorter</button>"#,
    );
    check(
        r#"<i data-secret="abc-def"></i>abc-def"#,
        r#"<i data-secret="[redacted]"></i>[redacted]"#,
    );
    check(
        "<p>a\n\n</p> <a h",
        "<p>a\n\n</p> <!-- it ends here, in the middle -->",
    );
    check(
        &format!("<p>{}", "word ".repeat(30)),
        "<p>[text of 149 characters]",
    );
}

#[test]
fn a_copy_does_not_grow_without_end_nor_print() {
    let html = format!("<p class='{}'>text</p>\n", "a ".repeat(120)).repeat(10_000);
    let copy = RedactedPage::of(&html);
    assert!(copy.as_str().len() < LONGEST_COPY + 1000);
    assert!(copy.as_str().ends_with("<!-- the rest is left out -->"));
    assert_eq!(
        format!("{copy:?}"),
        format!("RedactedPage({} bytes)", copy.as_str().len())
    );
}

/// Where a token may stand; `%` is the token.
const PLACES: [&str; 26] = [
    "<td>%</td>",
    "<td>Token: %.</td>",
    "%",
    "<a href=\"?token=%\">x</a>",
    "<a href='/jira/%/x?y=%&%'>x</a>",
    "<a href='https://%.example.com/a/%#%'>x</a>",
    "<a href='javascript:revoke(\"%\")'>x</a>",
    "<tr data-token='%'>",
    "<tr data-row='{\"token\":\"%\"}'>",
    "<tr id=%>",
    "<tr id='row-%'>",
    "<tr class='a % b'>",
    "<input name=x value='%'>",
    "<button value='%'>",
    "<form action=%>",
    "<script>var t = '%';</script>",
    "<style>#x%{}</style>",
    "<!-- % -->",
    "<meta name=x content='%'>",
    "<title>%</title>",
    "<textarea>%</textarea>",
    "<i onclick=\"revoke('%', 1)\" style='a:%' title=\"%\">",
    "<%>",
    "<a %=%>",
    "<a data-%='1'",
    "<!DOCTYPE %>",
];

fn token() -> impl Strategy<Value = String> {
    prop_oneof![
        "[A-Za-z0-9]{32}",
        "[A-Za-z]{32}",
        "[0-9]{32}",
        "[A-Za-z0-9+/]{42}[A-Za-z0-9]=",
        "[A-Za-z0-9_-]{10}[0-9][A-Za-z0-9_-]{10}[a-z][A-Za-z0-9_-]{21}",
        "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{11}7",
    ]
}

proptest! {
    #![proptest_config(Config { rng_seed: RngSeed::Fixed(7), cases: 600, failure_persistence: None, ..Config::default() })]

    #[test]
    fn no_token_survives_wherever_it_stands(
        token in token(),
        places in prop::collection::vec(prop::sample::select(PLACES.to_vec()), 1..6),
        cut in 0_usize..400,
    ) {
        let html = places.concat().replace('%', &token);
        let end = html.floor_char_boundary(html.len() - cut.min(html.len() / 2));
        // Half of a token may be a word.
        for (html, longest) in [(&html[..], SHORTEST_TOKEN), (&html[..end], LONGEST_WORD + 1)] {
            let copy = redacted_page(html).to_lowercase();
            let token = token.to_lowercase();
            for window in 0..=token.len() - longest {
                let part = &token[window..window + longest];
                prop_assert!(!copy.contains(part), "{part} of {html} in {copy}");
            }
        }
    }

    #[test]
    fn anything_is_copied_without_panic(html in any::<String>()) {
        let _copy = redacted_page(&html);
    }
}

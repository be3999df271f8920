//! Pages, and what is read from them: `fixtures/pages/access-tokens/` has one of each kind.

use std::path::PathBuf;

use proptest::{
    prelude::*,
    test_runner::{Config, RngSeed},
};
use secrecy::ExposeSecret as _;

use super::{PageRow, RowKind, ShownTime, read, redacted_page};

/// What a page comes to, as `fixtures/pages/access-tokens/*.read` have it.
fn shown(html: &str) -> String {
    match read(html) {
        Ok(rows) if rows.is_empty() => "none\n".to_owned(),
        Ok(rows) => rows.iter().map(line).collect(),
        Err(strange) => format!("not understood: {strange}\n"),
    }
}

fn line(row: &PageRow) -> String {
    let kind = match &row.kind {
        RowKind::Oauth1(token) => token.expose_secret().to_owned(),
        RowKind::Oauth2(handle) => format!("oauth2 {handle}"),
        RowKind::Oauth2Unnamed(mark) => format!("oauth2 unnamed {}", mark.expose_secret()),
    };
    let time = |time: &Option<ShownTime>| match time {
        None => String::new(),
        Some(ShownTime::Exact(at)) => at.to_string(),
        Some(ShownTime::Approximate(at)) => at.strftime("about %Y-%m-%d %H:%M").to_string(),
        Some(ShownTime::Words(words)) => format!("`{words}`"),
    };
    let columns = [
        kind,
        row.consumer_name.clone().unwrap_or_default(),
        time(&row.created),
        time(&row.expires),
        row.scopes.join("; "),
    ];
    let line = columns.join(" | ");
    format!("{}\n", line.trim_end_matches([' ', '|']))
}

/// The pages of `fixtures/pages/access-tokens/`, with what they come to.
fn fixtures() -> Vec<(PathBuf, String, String)> {
    let folder = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../fixtures/pages/access-tokens"
    );
    let paths = fs_err::read_dir(folder).unwrap();
    let paths = paths.map(|entry| entry.unwrap().path());
    let pages: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|it| it == "html"))
        .map(|path| {
            let html = fs_err::read_to_string(&path).unwrap();
            let expected = fs_err::read_to_string(path.with_extension("read")).unwrap();
            (path, html, expected)
        })
        .collect();
    assert!(pages.len() > 60, "{pages:?}");
    pages
}

#[test]
fn every_page_is_read_as_it_says_or_not_at_all() {
    for (path, html, expected) in fixtures() {
        assert_eq!(shown(&html), expected, "{}", path.display());
    }
}

/// Wherever it is cut, it is all there or it is not understood.
#[test]
fn a_page_that_is_cut_is_never_one_with_fewer_grants() {
    for (path, html, expected) in fixtures() {
        if expected.starts_with("not understood") {
            continue;
        }
        for (end, _) in html.char_indices() {
            let shown = shown(&html[..end]);
            assert!(
                shown.starts_with("not understood") || shown == expected,
                "{} cut at {end}: {shown}",
                path.display()
            );
        }
    }
}

#[test]
fn no_token_of_any_page_survives_in_its_copy() {
    for (path, html, _) in fixtures() {
        let copy = redacted_page(&html);
        for token in [
            "5gTq8Zr1VbN3yKcW0uXhLmJf7sQe2DpA",
            "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6",
            "QwErTyUiOpAsDfGhJkLzXcVbNm012345",
            "BQ4N-8L4T-TBN1-9PVR",
            "f3b1c9d2-58a7-4f55-9d52-3c8f0b5f1f11",
            "5gTq8Zr1",
        ] {
            assert!(!copy.contains(token), "{}: {copy}", path.display());
        }
        let shape = |html: &str| html.to_ascii_lowercase().matches("<tr").count();
        assert_eq!(shape(&copy), shape(&html), "{}", path.display());
    }
}

/// A page whose first column is the token itself.
#[test]
fn a_token_is_no_label() {
    let token = "5gTq8Zr1VbN3yKcW0uXhLmJf7sQe2DpA";
    let page = format!(
        "<table><tr><th>Name<th>Date<tr><td>{token}<td>of {token}<td><a class=revoke id={token}></a></table>"
    );
    let rows = read(&page).unwrap();
    assert!(!format!("{rows:?}").contains(token), "{rows:?}");
    assert_eq!(rows[0].consumer_name, None);
}

#[test]
fn a_grant_does_not_print_its_token() {
    let page = "<ul><li><b>Bot<a class=revoke data-token=hunter2hunter2hunter2></a></b></ul>";
    let [grant] = &read(page).unwrap()[..] else {
        panic!("{page}");
    };
    let printed = format!("{grant:?}");
    assert!(!printed.contains("hunter2"), "{printed}");
    let id = grant.id("https://jira.example.com");
    assert!(printed.contains(&id), "{printed}");
    assert_eq!(id.len(), 12);
}

#[test]
fn labels_are_one_line_that_ends() {
    let name = "a\u{1b}[31m\n b".repeat(1000);
    let page = format!(
        "<table><tr><td>{name}<td><a class=revoke data-token=0123456789abcdef></a></table>"
    );
    let grants = read(&page).unwrap();
    let shown = grants[0].consumer_name.as_deref().unwrap();
    assert_eq!(shown.chars().count(), 300);
    assert!(!shown.chars().any(char::is_control), "{shown}");
}

/// Parts of pages that show no token.
const BLAND: [&str; 18] = [
    "<table>",
    "</table>",
    "<tr><th>Consumer<th>Issued On</tr>",
    "<tbody>",
    "<tr>",
    "</tr>",
    "<td>",
    "<td class=revoke>",
    "<ul>",
    "<li>",
    "<div>",
    "</div>",
    "<form action='/plugins/servlet/oauth/users/access-tokens?atl_token=0123456789abcdef'>",
    "</form>",
    "<input name=atl_token value=fedcba9876543210>",
    "<body class=revoke>",
    "None specified",
    "\u{0}\u{fffd}&#0;",
];

/// Parts that do, and others.
const TELLING: [&str; 8] = [
    "<thead>",
    "<th class=revoke>",
    "<tr data-token=0123456789abcdef>",
    "<form action='/rest/oauth2/latest/revoke/1'>",
    "<a class=revoke href='?token=0123456789abcdef&%'>",
    "<input name=token value=fedcba9876543210>",
    "<template>",
    "<title>",
];

/// A whole page of so many rows, in one of several ways to write them. `#` is the number of a row.
fn written(style: usize, rows: usize, text: &str) -> String {
    const STYLES: [[&str; 3]; 5] = [
        [
            "<!DOCTYPE html><html><head><title>T</title></head><body><table><thead><tr><th>Name</th><th>Date</th><th></th></tr></thead><tbody>",
            "<tr data-token='0123456789abcde#'><td>%</td><td>3/Nov/25</td><td><a class='revoke'>x</a></td></tr>",
            "</tbody></table><p>%</p></body></html>",
        ],
        [
            "<HTML><HEAD><TITLE>T</TITLE><BODY><TABLE><TR><TH>Name<TH>Date<TH>",
            "<TR><TD>%<TD>3/Nov/25<TD><A CLASS=revoke HREF='?token=0123456789abcde#'>x</A>",
            "</TABLE><P>%",
        ],
        [
            "<html><head></head><body><ul>",
            "<li><b>%</b> <a class=revoke data-token=0123456789abcde#></a></li>",
            "</ul></body>",
        ],
        [
            "<html><head></head><body><h1>%</h1>",
            "<div><h3>%</h3><form><input type=hidden name=token value=0123456789abcde#><button class=revoke>x</button></form></div>",
            "<script>'</body>'</script></body></html>",
        ],
        [
            "<html><head></head><body><dl>",
            "<dt>%</dt><dd><button class=revoke data-row='{\"token\":\"0123456789abcde#\"}'>x</button></dd>",
            "</dl></html>",
        ],
    ];
    let [before, row, after] = STYLES[style];
    let rows: String = (0..rows)
        .map(|number| row.replace('#', &number.to_string()))
        .collect();
    format!("{before}{rows}{after}").replace('%', text)
}

fn pages(parts: &[&'static str]) -> impl Strategy<Value = String> {
    let part = prop::sample::select(parts.to_vec());
    prop::collection::vec(part, 0..30).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(Config { rng_seed: RngSeed::Fixed(5), failure_persistence: None, ..Config::default() })]

    #[test]
    fn a_page_that_is_cut_anywhere_is_whole_or_not_understood(
        style in 0_usize..5,
        rows in 1_usize..9,
        text in "[A-Za-z &;é/'-]{0,20}",
        cut in any::<prop::sample::Index>(),
    ) {
        let html = written(style, rows, &text);
        prop_assert_eq!(read(&html).map(|rows| rows.len()), Ok(rows), "{}", html);
        let end = html.floor_char_boundary(cut.index(html.len()));
        let read = read(&html[..end]).map(|rows| rows.len());
        prop_assert!(read.is_err() || read == Ok(rows), "{read:?} of {}", &html[..end]);
    }

    #[test]
    fn anything_is_read_without_panic(html in any::<String>(), page in pages(&[&BLAND[..], &TELLING].concat())) {
        let _anything = (read(&html), read(&page));
    }

    #[test]
    fn a_page_with_something_to_revoke_and_no_token_is_never_one_without_grants(
        before in pages(&BLAND),
        after in pages(&BLAND),
    ) {
        let read = read(&format!("{before}<a class=revoke>Revoke</a>{after}"));
        prop_assert!(read.is_err(), "{read:?}");
    }
}

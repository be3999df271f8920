//! Pages, and what is read from them: `fixtures/pages/access-tokens/` has one of each kind.

use proptest::prelude::*;
use secrecy::ExposeSecret as _;

use super::{PageGrant, read};

/// What a page comes to, as `fixtures/pages/access-tokens/*.read` have it.
fn shown(html: &str) -> String {
    let line = |grant: &PageGrant| {
        let [consumer, created] =
            [&grant.consumer_name, &grant.created].map(|it| it.as_deref().unwrap_or_default());
        let token = grant.token.expose_secret();
        format!("{token} | {consumer} | {created}\n")
    };
    match read(html) {
        Ok(grants) if grants.is_empty() => "none\n".to_owned(),
        Ok(grants) => grants.iter().map(line).collect(),
        Err(strange) => format!("not understood: {strange}\n"),
    }
}

#[test]
fn every_page_is_read_as_it_says_or_not_at_all() {
    let folder = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../fixtures/pages/access-tokens"
    );
    let paths = fs_err::read_dir(folder).unwrap();
    let paths = paths.map(|entry| entry.unwrap().path());
    let pages: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|it| it == "html"))
        .collect();
    assert!(pages.len() > 20, "{pages:?}");
    for page in pages {
        let html = fs_err::read_to_string(&page).unwrap();
        let expected = fs_err::read_to_string(page.with_extension("read")).unwrap();
        assert_eq!(shown(&html), expected, "{}", page.display());
    }
}

#[test]
fn a_grant_does_not_print_its_token() {
    let page = "<li><b>Bot</b><a class=revoke data-token=hunter2hunter2hunter2></a></li>";
    let [grant] = &read(page).unwrap()[..] else {
        panic!("{page}");
    };
    let printed = format!("{grant:?}");
    assert!(!printed.contains("hunter2"), "{printed}");
    assert!(printed.contains(&grant.id()), "{printed}");
    assert_eq!(grant.id().len(), 12);
}

#[test]
fn labels_are_one_line_that_ends() {
    let name = "a\u{1b}[31m\n b".repeat(1000);
    let page = format!(
        "<table><tr><td>{name}</td><td><a class=revoke data-token=0123456789abcdef></a></td></tr></table>"
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

fn pages(parts: &[&'static str]) -> impl Strategy<Value = String> {
    let part = prop::sample::select(parts.to_vec());
    prop::collection::vec(part, 0..30).prop_map(|parts| parts.concat())
}

proptest! {
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

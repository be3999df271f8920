//! Whether a page came to its end, or was cut on the way.

use std::collections::HashMap;

use super::markup::{Piece, pieces};

/// Elements that have no end tag.
const VOID: [&str; 16] = [
    "area", "base", "basefont", "br", "col", "embed", "frame", "hr", "img", "input", "link",
    "meta", "param", "source", "track", "wbr",
];

/// Elements whose end tag may be left out.
const OPTIONAL: [&str; 19] = [
    "body", "caption", "colgroup", "dd", "dt", "head", "html", "li", "optgroup", "option", "p",
    "rp", "rt", "tbody", "td", "tfoot", "th", "thead", "tr",
];

/// No page that people look at is deeper. What takes long to find in a deeper one is not looked for.
const DEEPEST: i64 = 1000;

/// Whether a page is whole. One that closes its head closes itself as well, though both could be left out; of any other,
/// everything that must be closed is closed.
pub(super) fn is_whole(html: &str) -> bool {
    let mut page = Page::default();
    pieces(html, |piece| page.see(&piece));
    !page.broken && (page.over || (!page.closes && page.open.values().all(|open| *open <= 0)))
}

#[derive(Default)]
struct Page {
    broken: bool,
    /// Whether `</html>` or `</body>` was the last tag.
    over: bool,
    /// Whether it closed its head.
    closes: bool,
    depth: i64,
    /// How many of each element that must be closed are open.
    open: HashMap<String, i64>,
}

impl Page {
    fn see(&mut self, piece: &Piece<'_>) {
        match piece {
            Piece::Start(tag) => {
                self.over = false;
                if !tag.self_closing {
                    self.count(&tag.name, 1);
                }
            }
            Piece::End(name) => {
                self.over = matches!(*name, "html" | "body");
                self.closes |= *name == "head";
                self.count(name, -1);
            }
            Piece::Broken => self.broken = true,
            Piece::Text(_) | Piece::Comment(_) => {}
        }
    }

    fn count(&mut self, name: &str, by: i64) {
        if !VOID.contains(&name) && !OPTIONAL.contains(&name) {
            *self.open.entry(name.to_owned()).or_default() += by;
            self.depth += by;
            self.broken |= self.depth > DEEPEST;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_whole_where_it_ends_as_it_is_written() {
        #[track_caller]
        fn check(html: &str, expected: bool) {
            assert_eq!(is_whole(html), expected, "{html}");
        }
        check("", true);
        check("<p>None specified", true);
        check("<p>None specified</p>", true);
        check("<head></head><p>None specified</p>", false);
        check(
            "<html><body><p>None specified</p></body></html>\n<!-- 1 -->",
            true,
        );
        check("<html><body><p>None specified</p></body>", true);
        check("<html><body><div><p>None specified</p></body></html>", true);
        check("<TABLE><TR><TD>1<TD>2</TABLE>", true);
        check("<TABLE><TR><TD>1<TD>2", false);
        check("<table><tr><td>1</td></tr>", false);
        check("<UL><LI>1<LI>2</UL><P>3", true);
        check("<UL><LI>1<LI><B>2", false);
        check("<P>1<BR><IMG SRC=x><HR>", true);
        check("<P>1<A HREF", false);
        check("<P>1<!-- 2", false);
        check("<P>1<SCRIPT>if (1 < 2) '</html>'", false);
        check("<P>1<SCRIPT>'</body>'</SCRIPT>", true);
        check("</body></html><table>", false);
        let deep = |depth| format!("{}{}", "<b>".repeat(depth), "</b>".repeat(depth));
        check(&deep(1000), true);
        check(&deep(1001), false);
    }
}

//! The page that shows a verifier where there is no callback (protocol.md 2.3): six letters and digits, somewhere.

use scraper::{ElementRef, Html};
use secrecy::SecretString;

use super::{error::PageDoubt, html::select};

/// What makes a word of six letters and digits look like a verifier, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Trace {
    /// It is all there is in an element that is called after it.
    Named,
    /// The text says that it is the verification code.
    Said,
    /// It is all there is in an element, or stands between quotes.
    Alone,
    /// It follows the words `verification code`.
    Following,
    /// As one of the last three, but it could be a word of a language: six random characters are one once in sixty times.
    Word,
}

/// Elements that lead elsewhere or label something, and their contents.
const NOT_CONTENT: &[&str] = &[
    "a", "button", "footer", "head", "header", "label", "nav", "option", "script", "style", "th",
];
/// Inputs whose value nobody reads.
const NOT_SHOWN: &[&str] = &[
    "button", "checkbox", "file", "hidden", "image", "password", "radio", "reset", "submit",
];
const PHRASES: &[&str] = &["verification code", "verifier"];
const QUOTES: &[char] = &[
    '\'', '"', '`', '‘', '’', '“', '”', '„', '‚', '«', '»', '‹', '›',
];
/// How many characters lie between the words and the code at most.
const LONGEST_SENTENCE: usize = 200;

/// The verifier on a page. Of the traces that there are, the best must lead to one word alone.
pub(crate) fn verifier(page: &str) -> Result<SecretString, PageDoubt> {
    let page = Html::parse_document(page);
    let mut found = named(&page);
    found.extend(alone(&page));
    found.extend(in_text(&shown_text(&page)));
    let best = found.iter().map(|(trace, _)| *trace).min();
    let mut words: Vec<String> = found
        .into_iter()
        .filter(|(trace, _)| Some(*trace) == best)
        .map(|(_, word)| word)
        .collect();
    words.sort_unstable();
    words.dedup();
    match words.pop() {
        None => Err(PageDoubt::NoVerifier),
        Some(word) if words.is_empty() => Ok(word.into()),
        Some(_) => Err(PageDoubt::SeveralVerifiers),
    }
}

/// Elements that are called after the verifier and hold nothing else.
fn named(page: &Html) -> Vec<(Trace, String)> {
    const CALLED: &str = r#"[id*="verif" i], [class*="verif" i], [name*="verif" i]"#;
    select(page, CALLED)
        .filter_map(|element| {
            let value = element.attr("value").map(str::to_owned);
            let text = value.unwrap_or_else(|| element.text().collect());
            Some((Trace::Named, code(&text)?.to_owned()))
        })
        .collect()
}

/// Elements, and inputs that one can read, that hold one code and nothing else.
fn alone(page: &Html) -> Vec<(Trace, String)> {
    let inputs = select(page, "input[value]")
        .filter(|input| {
            let kind = input.attr("type").unwrap_or_default().to_ascii_lowercase();
            !NOT_SHOWN.contains(&kind.as_str())
        })
        .filter_map(|input| code(input.attr("value")?));
    let elements = select(page, "body *").filter_map(|element| {
        let mut texts = element
            .children()
            .filter_map(|child| child.value().as_text());
        let only = texts.find_map(|text| code(text))?;
        let mut others = element.text().filter(|text| !text.trim().is_empty());
        let is_only = others.next().is_some() && others.next().is_none();
        (is_only && is_content(element)).then_some(only)
    });
    inputs
        .chain(elements)
        .map(|word| (or_word(Trace::Alone, word), word.to_owned()))
        .collect()
}

fn is_content(element: ElementRef<'_>) -> bool {
    let around = element.ancestors().filter_map(ElementRef::wrap);
    [element]
        .into_iter()
        .chain(around)
        .all(|element| !NOT_CONTENT.contains(&element.value().name()))
}

/// What a reader sees, a space between any two pieces.
fn shown_text(page: &Html) -> String {
    let texts = page.tree.root().descendants().filter_map(|node| {
        let parent = node.parent().and_then(ElementRef::wrap)?;
        let text = node.value().as_text()?;
        let shown = !matches!(parent.value().name(), "script" | "style" | "title");
        shown.then_some(&**text)
    });
    texts.collect::<Vec<_>>().join(" ")
}

/// Codes in running text, by what stands around them.
fn in_text(text: &str) -> Vec<(Trace, String)> {
    let mut found = Vec::new();
    let mut rest = 0;
    while let Some(start) = text[rest..].find(char::is_alphanumeric) {
        let start = rest + start;
        let end = text[start..]
            .find(|c: char| !c.is_alphanumeric())
            .map_or(text.len(), |length| start + length);
        let traced = code(&text[start..end])
            .and_then(|word| Some((trace(&text[..start], word, &text[end..])?, word)));
        found.extend(traced.map(|(trace, word)| (trace, word.to_owned())));
        rest = end;
    }
    found
}

fn trace(before: &str, word: &str, after: &str) -> Option<Trace> {
    let quoted = before.ends_with(QUOTES) && after.starts_with(QUOTES);
    let sentence = before
        .char_indices()
        .rev()
        .take(LONGEST_SENTENCE)
        .last()
        .map_or("", |(start, _)| &before[start..])
        .to_lowercase();
    let sentence = sentence.trim_end_matches(|c: char| c.is_whitespace() || QUOTES.contains(&c));
    let follows = |words: &[&str]| words.iter().any(|words| sentence.ends_with(words));
    let trace = if follows(&[":", "=", " is"]) && PHRASES.iter().any(|said| sentence.contains(said))
    {
        Trace::Said
    } else if quoted {
        Trace::Alone
    } else if follows(PHRASES) {
        Trace::Following
    } else {
        return None;
    };
    Some(or_word(trace, word))
}

/// The trace, or a weaker one where the code could be a word of a language.
fn or_word(trace: Trace, word: &str) -> Trace {
    let lower = |c: char| c.is_ascii_lowercase();
    if word.chars().skip(1).all(lower) || word.chars().all(|c| c.is_ascii_uppercase()) {
        Trace::Word
    } else {
        trace
    }
}

/// A text that is six letters and digits and nothing else.
fn code(text: &str) -> Option<&str> {
    let text = text.trim();
    let is_code = text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_code.then_some(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use secrecy::ExposeSecret as _;

    use super::{super::html::pages, *};

    fn read(page: &str) -> Result<String, PageDoubt> {
        verifier(page).map(|found| found.expose_secret().to_owned())
    }

    #[track_caller]
    fn check(page: &str, expected: &str) {
        assert_eq!(read(page), Ok(expected.to_owned()), "{page}");
    }

    #[track_caller]
    fn check_doubt(page: &str, expected: PageDoubt) {
        assert_eq!(read(page), Err(expected), "{page}");
    }

    #[test]
    fn every_page_of_the_fixtures_is_understood() {
        for (name, page) in pages("verifier") {
            assert_eq!(read(&page), Ok("qTJ9Pi".to_owned()), "{name}");
        }
        for (name, page) in pages("authorize").into_iter().chain(pages("other")) {
            assert_eq!(read(&page), Err(PageDoubt::NoVerifier), "{name}");
        }
    }

    #[test]
    fn it_is_found_alone_in_an_element() {
        for element in [
            "strong", "code", "b", "em", "span", "p", "pre", "h2", "div", "textarea",
        ] {
            check(&format!("<{element}> a1B2c3\n</{element}>"), "a1B2c3");
        }
        check("<table><tr><td>a1B2c3</table>", "a1B2c3");
        check("<p><b>a1B2c3</b></p><p>a1B2c3</p>", "a1B2c3");
        check("<input readonly value=a1B2c3>", "a1B2c3");
        check_doubt("<p>a1B2c3 <b>and more</b></p>", PageDoubt::NoVerifier);
        check_doubt(
            "<p>a1B2c3d</p><p>a1B2c</p><p>a1-2c3</p><p>\u{e9}1B2c3</p>",
            PageDoubt::NoVerifier,
        );
    }

    #[test]
    fn it_is_found_in_running_text() {
        check("<p>Your verification code is a1B2c3.", "a1B2c3");
        check(
            "<p>The Verification Code for deploy-bot, which please keep: <b>a1B2c3</b> now",
            "a1B2c3",
        );
        check("<p>oauth_verifier=a1B2c3", "a1B2c3");
        check("<p>Verification code a1B2c3 should be entered", "a1B2c3");
        check("<p>Le code \u{ab}a1B2c3\u{bb} est", "a1B2c3");
        check_doubt("<p>The ticket is a1B2c3.", PageDoubt::NoVerifier);
    }

    #[test]
    fn words_do_not_pass_for_verifiers_beside_one() {
        check(
            "<p>Your verification code is needed: enter it where <b>Deploy</b> asks for it.<p><code>a1B2c3</code>",
            "a1B2c3",
        );
        check(
            "<ul><li>Boards<li>Issues<li>PEOPLE</ul><code>a1B2c3</code>",
            "a1B2c3",
        );
        check("<p>Your verification code is <b>Monday</b>.</p>", "Monday");
        check_doubt("<p>Monday<p>Friday", PageDoubt::SeveralVerifiers);
    }

    #[test]
    fn menus_labels_and_scripts_are_no_content() {
        for element in [
            "a", "button", "footer", "header", "label", "nav", "script", "style", "title",
        ] {
            check_doubt(
                &format!("<{element}><span>a1B2c3</span></{element}>"),
                PageDoubt::NoVerifier,
            );
        }
        check_doubt(
            "<script>var verifier = 'a1B2c3'</script>",
            PageDoubt::NoVerifier,
        );
        check_doubt(
            "<input type=hidden value=a1B2c3><input type=submit value=a1B2c3><input type=password value=a1B2c3>",
            PageDoubt::NoVerifier,
        );
    }

    #[test]
    fn two_that_could_be_it_are_none() {
        check_doubt("<b>a1B2c3</b><b>d4E5f6</b>", PageDoubt::SeveralVerifiers);
        check_doubt(
            "<p class=verifier>a1B2c3</p><input name=verifier value=d4E5f6>",
            PageDoubt::SeveralVerifiers,
        );
        check_doubt("", PageDoubt::NoVerifier);
    }

    proptest! {
        #[test]
        fn anything_is_read_without_panic(
            text in any::<String>(),
            markup in "(<p id=verifier>|<b>|<td>|<input value=|a1B2c3|Friday|verification code|verifier| is |:|'|\u{201e}|\u{130}|>|</b>| |[a-z])*",
        ) {
            for page in [text, markup] {
                let _anything = verifier(&page);
            }
        }

        #[test]
        fn every_verifier_is_found_in_the_sentence_that_leads_to_it(code in "[A-Za-z0-9]{6}") {
            check(&format!("<h1>Access Approved</h1><p>Your verification code is <strong>{code}</strong>.</p>"), &code);
            check(&format!("<p>Your verification code is '{code}'. Enter it when asked."), &code);
        }
    }
}

//! OAuth parameters in HTTP headers: `Authorization` as it is sent, challenges as they come back.

use crate::rfc5849::{Parameter, percent_decode, percent_encode};

/// The value of an `Authorization` header (RFC 5849, section 3.5.1), sorted by name so that the same call always reads
/// the same.
pub fn write(parameters: &[Parameter]) -> String {
    let mut pairs: Vec<String> = parameters
        .iter()
        .map(|(name, value)| format!(r#"{}="{}""#, percent_encode(name), percent_encode(value)))
        .collect();
    pairs.sort();
    format!("OAuth {}", pairs.join(", "))
}

/// The parameters that a header value carries under the `OAuth` scheme (RFC 5849, section 3.5.1; RFC 9110, section
/// 11.6.1), `realm` included; `None` where it speaks of other schemes only. Challenges of other schemes may stand beside
/// it in the same value.
pub fn read(value: &str) -> Option<Vec<Parameter>> {
    let mut found: Option<Vec<Parameter>> = None;
    let mut ours = false;
    for item in items(value) {
        let parameter = match scheme(item) {
            Some((scheme, rest)) => {
                ours = scheme.eq_ignore_ascii_case("OAuth");
                if ours {
                    found.get_or_insert_default();
                }
                rest
            }
            None => item,
        };
        if ours
            && let Some((name, value)) = parameter.split_once('=')
            && let Some(found) = &mut found
        {
            found.push((
                percent_decode(name.trim()),
                percent_decode(&unquoted(value.trim())),
            ));
        }
    }
    found
}

/// The parts between commas that stand outside of quotes.
fn items(value: &str) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    value
        .split(move |character| {
            let literal = escaped;
            escaped = quoted && !literal && character == '\\';
            if character == '"' && !literal {
                quoted = !quoted;
            }
            character == ',' && !quoted
        })
        .map(str::trim)
}

/// The scheme an item begins with, and what follows it; `None` for `name=value` and `name = value`.
fn scheme(item: &str) -> Option<(&str, &str)> {
    let end = item
        .find(|character: char| character.is_whitespace() || character == '=')
        .unwrap_or(item.len());
    let (name, rest) = item.split_at(end);
    let rest = rest.trim_start();
    (!name.is_empty() && !rest.starts_with('=')).then_some((name, rest))
}

/// The text of a quoted string (RFC 9110, section 5.6.4), or the token as it is.
fn unquoted(value: &str) -> String {
    let Some(quoted) = value.strip_prefix('"') else {
        return value.to_owned();
    };
    let mut text = String::new();
    let mut characters = quoted.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => break,
            '\\' => text.extend(characters.next()),
            other => text.push(other),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(value: &str, expected: Option<&[(&str, &str)]>) {
        let expected: Option<Vec<Parameter>> = expected.map(|pairs| {
            pairs
                .iter()
                .map(|&(name, value)| (name.to_owned(), value.to_owned()))
                .collect()
        });
        assert_eq!(read(value), expected, "{value}");
    }

    #[test]
    fn a_challenge_is_found_among_others() {
        check("", None);
        check("Basic", None);
        check(r#"Basic realm="OAuth realm""#, None);
        check("Negotiate YWJj==", None);
        check("OAuth", Some(&[]));
        check(
            r#"OAuth realm="https%3A%2F%2Fjira""#,
            Some(&[("realm", "https://jira")]),
        );
        check(
            r#"oauth realm="a, b", oauth_problem = "nonce%5Fused""#,
            Some(&[("realm", "a, b"), ("oauth_problem", "nonce_used")]),
        );
        check(
            r#"Basic realm="x", charset="UTF-8", OAuth oauth_problem=token_used, Digest oauth_problem="no""#,
            Some(&[("oauth_problem", "token_used")]),
        );
        check(r#"Bearer x="\", OAuth oauth_problem=\"no\"""#, None);
        check(r#"OAuth a="\"quoted\"", b"#, Some(&[("a", "\"quoted\"")]));
        check(r#"OAuth a="open"#, Some(&[("a", "open")]));
    }

    #[test]
    fn an_empty_token_is_written() {
        let parameters = [("oauth_token", ""), ("oauth_nonce", "a b")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(
            write(&parameters),
            r#"OAuth oauth_nonce="a%20b", oauth_token="""#
        );
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(parameters in prop::collection::vec(("[a-z_]{1,12}", any::<String>()), 0..6)) {
            let mut read = read(&write(&parameters)).unwrap();
            let mut expected = parameters;
            read.sort();
            expected.sort();
            prop_assert_eq!(read, expected);
        }

        #[test]
        fn anything_is_read_without_panic(value in r#"([a-zA-Z]| |,|=|"|\\|%|é|OAuth |oauth_problem)*"#) {
            let _anything = read(&value);
        }
    }
}

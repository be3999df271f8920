//! The path as a user types it, made one that is sent and signed as it was meant, or refused.

use atl_client::BaseUrl;
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use url::Url;

/// What a path may not hold as it is (RFC 3986, section 3.3). Servlet containers refuse these characters, so they are
/// encoded, which says the same; an escape stays as it was typed.
const PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// The same for a query. The apostrophe is encoded by whoever writes an http URL.
const QUERY: &AsciiSet = &PATH.add(b'\'');

/// Why a path is not sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PathError {
    /// A whole URL that is not below the base URL.
    #[error("it is a URL that is not below `{base_url}`")]
    Elsewhere {
        /// The base URL.
        base_url: String,
    },
    /// A fragment.
    #[error("it has a fragment, which is never sent")]
    Fragment,
    /// A line break or another control character.
    #[error("it holds a control character")]
    Control,
    /// `.` or `..` as a segment.
    #[error("it has `.` or `..` as a segment")]
    Dots,
    /// A `%` that begins no escape.
    #[error("it has a `%` that is not followed by two hex digits")]
    Escape,
}

impl PathError {
    /// What to do about it.
    pub(super) fn advice(&self) -> &'static str {
        match self {
            Self::Elsewhere { .. } => {
                "write it relative to the base URL of the server, such as `rest/api/2/myself`, or select another server"
            }
            Self::Fragment => "leave it out, or write `%23` where a `#` is meant",
            Self::Control => "remove it, or write its escape, such as `%0A`",
            Self::Dots => "write the path without them",
            Self::Escape => "write `%25` where a percent sign is meant",
        }
    }
}

/// Path and query below the base URL, without a slash at the start. What is typed arrives: only characters that no URL
/// may hold are encoded.
pub(super) fn below(typed: &str, base: &BaseUrl) -> Result<String, PathError> {
    let typed = relative(typed, base)?;
    if typed.contains('#') {
        return Err(PathError::Fragment);
    }
    if typed.contains(char::is_control) {
        return Err(PathError::Control);
    }
    if !escapes_are_whole(typed) {
        return Err(PathError::Escape);
    }
    let (path, query) = match typed.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (typed, None),
    };
    if path.split('/').any(is_dots) {
        return Err(PathError::Dots);
    }
    let mut encoded = utf8_percent_encode(path.trim_start_matches('/'), PATH).to_string();
    if let Some(query) = query {
        encoded.push('?');
        encoded.extend(utf8_percent_encode(query, QUERY));
    }
    Ok(encoded)
}

/// What follows the base URL, where the whole URL was typed.
fn relative<'t>(typed: &'t str, base: &BaseUrl) -> Result<&'t str, PathError> {
    let Some(after_scheme) = after_scheme(typed) else {
        return Ok(typed);
    };
    let elsewhere = || PathError::Elsewhere {
        base_url: base.as_str().to_owned(),
    };
    let root = base.join("");
    let given = Url::parse(typed).map_err(|_| elsewhere())?;
    let named = !given.username().is_empty() || given.password().is_some();
    if named || given.origin() != root.origin() {
        return Err(elsewhere());
    }
    let rest = after_scheme
        .find(['/', '?', '#'])
        .map_or("", |start| &after_scheme[start..]);
    let context = root.path().trim_end_matches('/');
    rest.strip_prefix(context)
        .filter(|rest| rest.is_empty() || rest.starts_with(['/', '?', '#']))
        .ok_or_else(elsewhere)
}

/// What follows `scheme://`, where a text begins so.
fn after_scheme(typed: &str) -> Option<&str> {
    let (scheme, rest) = typed.split_once("://")?;
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    is_scheme.then_some(rest)
}

fn escapes_are_whole(text: &str) -> bool {
    text.split('%').skip(1).all(|after| {
        let digits = after.as_bytes().iter().take(2);
        digits.filter(|byte| byte.is_ascii_hexdigit()).count() == 2
    })
}

/// Whether a segment, escaped or not, is one of those that are resolved away.
fn is_dots(segment: &str) -> bool {
    matches!(
        &*percent_decode_str(segment).decode_utf8_lossy(),
        "." | ".."
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BASE: &str = "https://jira.example.com:8443/jira";

    fn base() -> BaseUrl {
        BaseUrl::parse(BASE).unwrap()
    }

    #[test]
    fn what_is_typed_is_what_is_sent() {
        #[track_caller]
        fn check(typed: &str, sent: &str) {
            let path = below(typed, &base()).unwrap();
            assert_eq!(base().join(&path).as_str(), format!("{BASE}/{sent}"));
        }
        check("rest/api/2/myself", "rest/api/2/myself");
        check("/rest/api/2/myself", "rest/api/2/myself");
        check("", "");
        check("/?a=b", "?a=b");
        check("rest?", "rest?");
        for query in [
            "a+b=c+d",
            "a=%2B&a=%20&a=%2f",
            "a&b=&&c==&d",
            "a=~*!$'()@:/?".replace('\'', "%27").as_str(),
            "a=%C3%A9%26%3D%25",
        ] {
            check(&format!("x/%2F+;~*?{query}"), &format!("x/%2F+;~*?{query}"));
        }
        check("r\u{e9} x?q=\u{e9} x", "r%C3%A9%20x?q=%C3%A9%20x");
        check(
            "a\\b?jql=x[\"1\"]^{2}|'`\\<>",
            "a%5Cb?jql=x%5B%221%22%5D%5E%7B2%7D%7C%27%60%5C%3C%3E",
        );
        check("rest/http://evil.example/x", "rest/http://evil.example/x");
        check("//evil.example/x", "evil.example/x");
    }

    #[test]
    fn a_url_below_the_base_url_is_taken() {
        #[track_caller]
        fn check(typed: &str, expected: &str) {
            assert_eq!(below(typed, &base()).as_deref(), Ok(expected), "{typed}");
        }
        check(BASE, "");
        check(
            "HTTPS://Jira.Example.com:8443/jira/rest/x?a=b+c",
            "rest/x?a=b+c",
        );
        check("https://jira.example.com:8443/jira?a", "?a");
        let plain = BaseUrl::parse("https://jira.example.com").unwrap();
        assert_eq!(
            below("https://jira.example.com:443/x", &plain).as_deref(),
            Ok("x")
        );
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        #[track_caller]
        fn check(typed: &str, expected: &PathError) {
            assert_eq!(below(typed, &base()).as_ref(), Err(expected), "{typed}");
        }
        let elsewhere = PathError::Elsewhere {
            base_url: BASE.to_owned(),
        };
        for typed in [
            "https://evil.example/jira/rest",
            "http://jira.example.com:8443/jira/rest",
            "https://jira.example.com/jira/rest",
            "https://jira.example.com:8443/jirafication",
            "https://jira.example.com:8443/",
            "https://me:hunter2@jira.example.com:8443/jira/rest",
            "ftp://jira.example.com:8443/jira/rest",
            "https://",
        ] {
            check(typed, &elsewhere);
        }
        check("rest#top", &PathError::Fragment);
        check("rest?a=#top", &PathError::Fragment);
        check(
            "https://jira.example.com:8443/jira#top",
            &PathError::Fragment,
        );
        check("rest\r\nx: y", &PathError::Control);
        check("rest?a=b\tc", &PathError::Control);
        for typed in [
            "..",
            "../admin",
            "rest/../../x",
            "rest/.%2E/x",
            "%2e%2E/x",
            "./x",
            "x/.",
        ] {
            check(typed, &PathError::Dots);
        }
        for typed in ["a%", "a?b=100%", "a%4", "a?%zz", "%\u{e9}"] {
            check(typed, &PathError::Escape);
        }
    }

    proptest! {
        #[test]
        fn whatever_is_taken_stays_below_the_base_url_and_means_the_same(typed in r#"([a-z/.?&=+%:\\'" é\[|~*;@!]|%2[0Ef5]|://)*"#) {
            if let Ok(path) = below(&typed, &base()) {
                let url = base().join(&path);
                prop_assert_eq!(url.as_str(), format!("{BASE}/{path}"));
                let query = typed.split_once('?').map_or("", |(_, query)| query);
                let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
                prop_assert_eq!(decode(url.query().unwrap_or_default()), decode(query));
            }
        }
    }
}

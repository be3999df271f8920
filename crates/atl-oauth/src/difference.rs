//! Two signature base strings side by side, without what must not be shown.

use std::collections::{BTreeMap, BTreeSet};

use url::Url;

use crate::rfc5849::{Parameter, percent_decode, percent_encode};

/// A signature base string taken apart (RFC 5849, section 3.4.1.1).
struct BaseString {
    method: String,
    url: String,
    parameters: Vec<Parameter>,
}

impl BaseString {
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('&').map(percent_decode);
        let (method, url, normalised) = (parts.next()?, parts.next()?, parts.next()?);
        let parameters = normalised
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                (percent_decode(name), percent_decode(value))
            })
            .collect();
        parts.next().is_none().then_some(Self {
            method,
            url,
            parameters,
        })
    }

    /// The values of each name, sorted, repeated ones kept.
    fn by_name(&self) -> BTreeMap<&str, Vec<&str>> {
        let mut values: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (name, value) in &self.parameters {
            values.entry(name).or_default().push(value);
        }
        for values in values.values_mut() {
            values.sort_unstable();
        }
        values
    }
}

/// The URL in a signature base string, without its query.
pub(crate) fn url(base_string: &str) -> Option<String> {
    Some(BaseString::parse(base_string)?.url)
}

/// The value of a parameter in a signature base string.
pub(crate) fn parameter(base_string: &str, name: &str) -> Option<String> {
    BaseString::parse(base_string)?
        .parameters
        .into_iter()
        .find_map(|(found, value)| (found == name).then_some(value))
}

/// A signature base string that may be shown: values of tokens, verifiers and passwords are taken out. What is no base
/// string is not shown at all.
pub fn redacted(base_string: &str) -> String {
    let Some(BaseString {
        method,
        url,
        parameters,
    }) = BaseString::parse(base_string)
    else {
        return "unreadable".to_owned();
    };
    let pairs: Vec<String> = parameters
        .iter()
        .map(|(name, value)| {
            let shown = if value.is_empty() || !is_secret(name) {
                value
            } else {
                "redacted"
            };
            format!("{}={}", percent_encode(name), percent_encode(shown))
        })
        .collect();
    [method, url, pairs.join("&")]
        .map(|part| percent_encode(&part))
        .join("&")
}

/// Whether the value of a parameter stays unseen.
fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name == "oauth_signature"
        || ["token", "secret", "password", "verifier", "session_handle"]
            .iter()
            .any(|word| name.contains(word))
}

/// Text of a server in one short printable line.
pub(crate) fn printable(text: &str) -> String {
    const LONGEST: usize = 200;
    let mut line: String = text
        .chars()
        .take(LONGEST)
        .map(|character| {
            if character.is_control() {
                char::REPLACEMENT_CHARACTER
            } else {
                character
            }
        })
        .collect();
    if text.chars().nth(LONGEST).is_some() {
        line.push_str("...");
    }
    line
}

/// Where the two base strings part, which decides the advice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// Nowhere: what was signed is what arrived, so the key is another one.
    Key,
    /// In the URL, as behind a proxy that rewrites it (protocol.md 2.9): the key may well be good.
    Url,
    /// In the method or the parameters: something changed the call on its way.
    Call,
}

/// How the server's base string differs from ours, in plain words.
pub(crate) fn difference(server: &str, ours: &str) -> (Cause, String) {
    if server == ours {
        let text = "the base strings are equal, so the server holds another public key";
        return (Cause::Key, text.to_owned());
    }
    let (Some(theirs), Some(ours)) = (BaseString::parse(server), BaseString::parse(ours)) else {
        let text = "the base string that the server returned is not one";
        return (Cause::Call, text.to_owned());
    };
    let mut words = Vec::new();
    if theirs.method != ours.method {
        words.push(differs("method", &theirs.method, &ours.method));
    }
    let url = url_differences(&theirs.url, &ours.url);
    let cause = if url.is_empty() {
        Cause::Call
    } else {
        Cause::Url
    };
    words.extend(url);
    words.extend(parameter_differences(&theirs, &ours));
    if words.is_empty() {
        words.push("both mean the same, but are encoded or sorted differently".to_owned());
    }
    (cause, words.join("; "))
}

fn differs(what: &str, theirs: &str, ours: &str) -> String {
    format!(
        "the server saw the {what} `{}`, `{}` was signed",
        printable(theirs),
        printable(ours)
    )
}

fn url_differences(theirs: &str, ours: &str) -> Vec<String> {
    if theirs == ours {
        return Vec::new();
    }
    let (Ok(server), Ok(client)) = (Url::parse(theirs), Url::parse(ours)) else {
        return vec![differs("URL", theirs, ours)];
    };
    let port = |url: &Url| {
        url.port_or_known_default()
            .map(|port| port.to_string())
            .unwrap_or_default()
    };
    let parts = [
        (
            "scheme",
            server.scheme().to_owned(),
            client.scheme().to_owned(),
        ),
        (
            "host",
            server.host_str().unwrap_or_default().to_owned(),
            client.host_str().unwrap_or_default().to_owned(),
        ),
        ("port", port(&server), port(&client)),
        ("path", server.path().to_owned(), client.path().to_owned()),
    ];
    let words: Vec<String> = parts
        .iter()
        .filter(|(_, theirs, ours)| theirs != ours)
        .map(|(what, theirs, ours)| differs(what, theirs, ours))
        .collect();
    if words.is_empty() {
        // Such as a default port that the server did not leave out.
        return vec![differs("URL", theirs, ours)];
    }
    words
}

fn parameter_differences(theirs: &BaseString, ours: &BaseString) -> Vec<String> {
    let (theirs, ours) = (theirs.by_name(), ours.by_name());
    let names: BTreeSet<&str> = theirs.keys().chain(ours.keys()).copied().collect();
    names
        .into_iter()
        .filter_map(|name| {
            let shown = printable(name);
            match (theirs.get(name), ours.get(name)) {
                (Some(theirs), Some(ours)) if theirs == ours => None,
                (Some(theirs), Some(ours)) => Some(format!(
                    "the server saw `{shown}` as {}, {} was signed",
                    values(name, theirs),
                    values(name, ours)
                )),
                (Some(theirs), None) => Some(format!(
                    "the server also saw `{shown}` as {}",
                    values(name, theirs)
                )),
                (None, _) => Some(format!("the server did not see `{shown}`")),
            }
        })
        .collect()
}

/// The values of one name; what is secret is only counted.
fn values(name: &str, values: &[&str]) -> String {
    let values: Vec<String> = values
        .iter()
        .map(|value| match value {
            &"" => "empty".to_owned(),
            _ if is_secret(name) => "another value".to_owned(),
            value => format!("`{}`", printable(value)),
        })
        .collect();
    values.join(" and ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &str = "POST&https%3A%2F%2Fjira.example.com%2Fjira%2Frest&a%3D1%26a%3D2%26oauth_nonce%3Dn%26oauth_token%3D";

    fn check(change: impl Fn(&str) -> String, cause: Cause, text: &str) {
        let found = difference(&change(OURS), OURS);
        assert_eq!((found.0, found.1.as_str()), (cause, text));
    }

    #[test]
    fn differences_are_said_in_words() {
        check(
            str::to_owned,
            Cause::Key,
            "the base strings are equal, so the server holds another public key",
        );
        check(
            |ours| ours.replace("POST", "GET"),
            Cause::Call,
            "the server saw the method `GET`, `POST` was signed",
        );
        check(
            |ours| {
                ours.replace(
                    "https%3A%2F%2Fjira.example.com",
                    "http%3A%2F%2Fjira.internal%3A8080",
                )
            },
            Cause::Url,
            "the server saw the scheme `http`, `https` was signed; the server saw the host `jira.internal`, \
             `jira.example.com` was signed; the server saw the port `8080`, `443` was signed",
        );
        check(
            |ours| ours.replace("%2Fjira%2Frest", "%2Frest"),
            Cause::Url,
            "the server saw the path `/rest`, `/jira/rest` was signed",
        );
        check(
            |ours| ours.replace(".com%2F", ".com%3A443%2F"),
            Cause::Url,
            "the server saw the URL `https://jira.example.com:443/jira/rest`, `https://jira.example.com/jira/rest` was signed",
        );
        check(
            |ours| ours.replace("a%3D1%26a%3D2", "a%3D2%26os_authType%3Dbasic"),
            Cause::Call,
            "the server saw `a` as `2`, `1` and `2` was signed; the server also saw `os_authType` as `basic`",
        );
        check(
            |ours| ours.replace("%26oauth_token%3D", ""),
            Cause::Call,
            "the server did not see `oauth_token`",
        );
        check(
            |ours| ours.replace("a%3D1%26a%3D2", "a%3D2%26a%3D1"),
            Cause::Call,
            "both mean the same, but are encoded or sorted differently",
        );
        check(
            |_| "<html>".to_owned(),
            Cause::Call,
            "the base string that the server returned is not one",
        );
        check(
            |ours| ours.replace("oauth_nonce%3Dn", "oauth_nonce%3D%251B%255B2J"),
            Cause::Call,
            "the server saw `oauth_nonce` as `\u{fffd}[2J`, `n` was signed",
        );
    }

    #[test]
    fn secret_values_are_not_said() {
        let ours = format!("{OURS}hunter2");
        let (_, text) = difference(&OURS.replace("a%3D1", "oauth_signature%3Dhunter3"), &ours);
        assert_eq!(
            text,
            "the server saw `a` as `2`, `1` and `2` was signed; the server also saw `oauth_signature` as another \
             value; the server saw `oauth_token` as empty, another value was signed"
        );
    }

    #[test]
    fn redaction_keeps_everything_else() {
        assert_eq!(redacted(OURS), OURS);
        assert_eq!(
            redacted(&format!("{OURS}hunter2")),
            format!("{OURS}redacted")
        );
        assert_eq!(redacted("hunter2"), "unreadable");
        assert_eq!(redacted("a&b&c&hunter2"), "unreadable");
    }

    #[test]
    fn long_text_is_cut() {
        assert_eq!(
            printable(&"x".repeat(201)),
            format!("{}...", "x".repeat(200))
        );
        assert_eq!(printable("ab\n"), "ab\u{fffd}");
    }
}

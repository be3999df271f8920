//! Opening a page in the user's browser.

use std::{
    io,
    process::{Command, Stdio},
};

use url::Url;

use crate::environment;

/// A browser.
pub(super) enum Browser {
    /// The system's.
    System,
    /// What `BROWSER` names: a program and its words.
    Named(Vec<String>),
}

impl Browser {
    /// The one of `BROWSER`, else the system's.
    pub(super) fn of_environment() -> Self {
        let named = environment::variable("BROWSER").and_then(|value| value.into_string().ok());
        let words: Vec<String> = named
            .iter()
            .flat_map(|text| text.split_whitespace())
            .map(str::to_owned)
            .collect();
        if words.is_empty() {
            Self::System
        } else {
            Self::Named(words)
        }
    }

    /// Opens a page and does not wait until it is closed. What the browser prints is nobody's data.
    pub(super) fn open(&self, url: &Url) -> io::Result<()> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(io::Error::other("the page is no web page"));
        }
        match self {
            Self::System => open::that_detached(url.as_str()),
            Self::Named(words) => {
                let words = with_page(words, url.as_str());
                let (program, rest) = words.split_first().ok_or(io::ErrorKind::InvalidInput)?;
                let mut command = Command::new(program);
                command.args(rest);
                let nothing = Stdio::null;
                command.stdin(nothing()).stdout(nothing()).stderr(nothing());
                command.spawn().map(drop)
            }
        }
    }
}

/// The words with the page in the place of `%s`, or at the end; no shell sees it.
fn with_page(words: &[String], page: &str) -> Vec<String> {
    let mut all: Vec<String> = words.iter().map(|word| word.replace("%s", page)).collect();
    if !words.iter().any(|word| word.contains("%s")) {
        all.push(page.to_owned());
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_goes_where_it_belongs() {
        let check = |words: &[&str], expected: &[&str]| {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            assert_eq!(with_page(&words, "http://x/?a=b&c"), expected);
        };
        check(&["firefox"], &["firefox", "http://x/?a=b&c"]);
        check(
            &["chromium", "--new-window"],
            &["chromium", "--new-window", "http://x/?a=b&c"],
        );
        check(
            &["run", "--url=%s", "-x"],
            &["run", "--url=http://x/?a=b&c", "-x"],
        );
    }

    #[test]
    fn only_web_pages_are_opened() {
        for page in ["file:///etc/passwd", "javascript:alert(1)", "mailto:a@b"] {
            assert!(
                Browser::System.open(&page.parse().unwrap()).is_err(),
                "{page}"
            );
        }
    }
}

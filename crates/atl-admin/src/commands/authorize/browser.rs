//! Opening a page in the user's browser.

use std::{
    io,
    process::{Child, Command, Stdio},
    thread,
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

    /// Opens a page without waiting for it; `failed` is told why there is none, perhaps later. What the browser prints is
    /// nobody's data.
    pub(super) fn open(&self, url: &Url, failed: fn(&str)) {
        if !matches!(url.scheme(), "http" | "https") {
            return failed("the page is no web page");
        }
        match self {
            Self::System => {
                let page = url.to_string();
                thread::spawn(move || {
                    if let Err(error) = open::that_detached(page) {
                        failed(&error.to_string());
                    }
                });
            }
            Self::Named(words) => match start(&with_page(words, url.as_str())) {
                Err(error) => failed(&error.to_string()),
                Ok(mut browser) => {
                    thread::spawn(move || match browser.wait() {
                        Ok(status) if !status.success() => failed(&status.to_string()),
                        _ => {}
                    });
                }
            },
        }
    }
}

/// Starts a program; its words are given as they are, to no shell.
fn start(words: &[String]) -> io::Result<Child> {
    let (program, rest) = words.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    Command::new(program)
        .args(rest)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
}

/// The words with the page in the place of `%s`, or at the end.
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
}

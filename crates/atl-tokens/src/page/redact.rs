//! A page to be shown to others: its structure, without what lets somebody in and without what people wrote.

use std::{
    collections::BTreeSet,
    fmt::{self, Write as _},
    mem,
};

use html5ever::{Attribute, tokenizer::Tag};

use super::markup::{Piece, pieces};

const HIDDEN: &str = "[redacted]";

/// What is longer is no heading, no date and no name.
const LONGEST_TEXT: usize = 60;
/// What is longer is no list of classes.
const LONGEST_NAME: usize = 300;
const LONGEST_COPY: usize = 1024 * 1024;

/// The shortest run of characters that may be a token.
const SHORTEST_TOKEN: usize = 16;
/// The longest run of letters and digits that may be a word.
const LONGEST_WORD: usize = 19;

/// Attributes whose value is never shown where their name has one of these parts.
const SECRET_NAMES: [&str; 8] = [
    "token", "xsrf", "csrf", "secret", "password", "session", "nonce", "key",
];

/// A copy of a page without its secrets. It prints only its length.
#[derive(Clone, PartialEq, Eq)]
pub struct RedactedPage(Box<str>);

impl RedactedPage {
    /// The copy of a page, as [`redacted_page`] makes it.
    pub fn of(html: &str) -> Self {
        Self(redacted_page(html).into())
    }

    /// Its HTML.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for RedactedPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RedactedPage({} bytes)", self.0.len())
    }
}

/// A copy of a page that keeps its tags, classes, headings and dates. Everything that may be a token or another secret
/// is replaced by `[redacted]`; scripts, comments, hosts and long texts are left out.
pub fn redacted_page(html: &str) -> String {
    let mut secrets = Secrets::default();
    pieces(html, |piece| {
        if let Piece::Start(tag) = piece {
            secrets.learn(tag);
        }
    });
    let mut copy = Copy {
        secrets,
        html: String::new(),
        raw: None,
        text: String::new(),
    };
    pieces(html, |piece| {
        if copy.html.len() < LONGEST_COPY {
            copy.write(&piece);
        }
    });
    copy.write_text();
    if copy.html.len() >= LONGEST_COPY {
        copy.html.push_str("<!-- the rest is left out -->");
    }
    copy.html
}

/// A text for a message, such as a title, without what may be a token.
pub(super) fn redacted_text(text: &str) -> String {
    Secrets::default().hide(text)
}

/// What the page itself says is secret and does not look it, wherever else it stands.
#[derive(Default)]
struct Secrets(BTreeSet<String>);

impl Secrets {
    /// The shortest and the most that are looked for.
    const SHORTEST: usize = 6;
    const MOST: usize = 1000;

    fn learn(&mut self, tag: &Tag) {
        for attribute in tag.attrs.iter().filter(|it| is_secret(tag, it)) {
            let value = &*attribute.value;
            let looks_it = value.chars().all(is_of_token) && may_be_token(value);
            if !looks_it && value.len() >= Self::SHORTEST && self.0.len() < Self::MOST {
                self.0.insert(value.to_owned());
            }
        }
    }

    /// The text without what was learnt.
    fn known(&self, text: &str) -> String {
        let mut shown = text.to_owned();
        for secret in &self.0 {
            if shown.contains(secret.as_str()) {
                shown = shown.replace(secret.as_str(), HIDDEN);
            }
        }
        shown
    }

    /// The same, and without what may be a token.
    fn hide(&self, text: &str) -> String {
        let shown = self.known(text);
        let mut hidden = String::with_capacity(shown.len());
        let mut rest = shown.as_str();
        while !rest.is_empty() {
            let end = rest.find(|c| !is_of_token(c)).unwrap_or(rest.len());
            let (run, after) = rest.split_at(end);
            hidden.push_str(if may_be_token(run) { HIDDEN } else { run });
            let other = after.find(is_of_token).unwrap_or(after.len());
            hidden.push_str(&after[..other]);
            rest = &after[other..];
        }
        hidden
    }
}

struct Copy {
    secrets: Secrets,
    html: String,
    /// The element whose contents are not markup, where one is open.
    raw: Option<String>,
    /// The text since the last tag, which comes in parts.
    text: String,
}

impl Copy {
    fn write(&mut self, piece: &Piece<'_>) {
        if let Piece::Text(text) = piece {
            self.text.push_str(text);
            return;
        }
        self.write_text();
        match piece {
            Piece::Start(tag) => {
                self.html.push('<');
                self.write_name(&tag.name);
                for attribute in &tag.attrs {
                    self.html.push(' ');
                    self.write_name(&attribute.name.local);
                    if !attribute.value.is_empty() {
                        let value = escaped(&self.value(tag, attribute)).replace('"', "&quot;");
                        let _infallible = write!(self.html, "=\"{value}\"");
                    }
                }
                self.html.push('>');
                if matches!(&*tag.name, "script" | "style") {
                    self.raw = Some(tag.name.to_string());
                }
            }
            Piece::End(name) => {
                self.raw = None;
                self.html.push_str("</");
                self.write_name(name);
                self.html.push('>');
            }
            Piece::Comment(text) => {
                let length = text.chars().count();
                let _infallible = write!(self.html, "<!-- comment of {length} characters -->");
            }
            Piece::Broken => self.html.push_str("<!-- it ends here, in the middle -->"),
            Piece::Text(_) => {}
        }
    }

    /// The text since the last tag.
    fn write_text(&mut self) {
        let text = mem::take(&mut self.text);
        if text.is_empty() {
            return;
        }
        if let Some(raw) = &self.raw {
            let length = text.chars().count();
            let _infallible = write!(self.html, "[{raw} of {length} characters]");
        } else if text.trim().is_empty() {
            let space = if text.contains('\n') { "\n" } else { " " };
            self.html.push_str(space);
        } else {
            let shown = self.words(&text);
            self.html.push_str(&escaped(&shown));
        }
    }

    fn write_name(&mut self, name: &str) {
        let is_name = |c: char| c.is_ascii_alphanumeric() || "-_:@.".contains(c);
        if name.chars().all(is_name) {
            let shown = self.secrets.hide(name);
            self.html.push_str(&shown);
        } else {
            self.html.push_str(HIDDEN);
        }
    }

    fn value(&self, tag: &Tag, attribute: &Attribute) -> String {
        let (name, value) = (&*attribute.name.local, &*attribute.value);
        if is_secret(tag, attribute) {
            HIDDEN.to_owned()
        } else if matches!(name, "class" | "id" | "name" | "role" | "type" | "method") {
            self.short(value, LONGEST_NAME)
        } else if is_url(name, value) {
            self.secrets.known(&url(value))
        } else {
            self.words(value)
        }
    }

    /// What people wrote: short, and without what may be a token or a mail address.
    fn words(&self, text: &str) -> String {
        let words = text.split_inclusive(char::is_whitespace);
        let shown = words.map(|word| {
            let space = &word[word.trim_end().len()..];
            if word.contains('@') {
                format!("{HIDDEN}{space}")
            } else {
                word.to_owned()
            }
        });
        self.short(&shown.collect::<String>(), LONGEST_TEXT)
    }

    fn short(&self, text: &str, longest: usize) -> String {
        match text.trim().chars().count() {
            length if length > longest => format!("[text of {length} characters]"),
            _ => self.secrets.hide(text),
        }
    }
}

/// Whether a value is not shown whatever it is: fields that people do not press, meta data, and what is called a secret.
fn is_secret(tag: &Tag, attribute: &Attribute) -> bool {
    let name = &*attribute.name.local;
    let of = |wanted: &str| {
        let found = tag.attrs.iter().find(|it| &*it.name.local == wanted);
        found.map(|it| it.value.to_ascii_lowercase())
    };
    let is_called = |name: &str| SECRET_NAMES.iter().any(|part| name.contains(part));
    let pressed =
        || of("type").is_some_and(|kind| matches!(&*kind, "submit" | "button" | "reset" | "image"));
    if attribute.value.is_empty() {
        return false;
    }
    match (&*tag.name, name) {
        ("input", "value") if !pressed() => true,
        (_, "value") => of("name").is_some_and(|name| is_called(&name)),
        ("meta", "content") => true,
        _ => is_called(name),
    }
}

fn is_url(name: &str, value: &str) -> bool {
    matches!(name, "href" | "src" | "action" | "formaction")
        || value.starts_with('/')
        || value.contains("://")
        || value.contains('?')
}

/// A URL without its host, without the values of its query, and without parts of its path that may mean something.
fn url(value: &str) -> String {
    let (before, fragment) = value
        .split_once('#')
        .map_or((value, None), |(url, it)| (url, Some(it)));
    let (place, query) = before
        .split_once('?')
        .map_or((before, None), |(url, it)| (url, Some(it)));
    let (scheme, path) = match place.split_once("//") {
        Some((scheme, rest)) => (
            format!("{}//[host]", if is_plain(scheme) { scheme } else { HIDDEN }),
            rest.find('/').map_or("", |start| &rest[start..]),
        ),
        None => (String::new(), place),
    };
    let segments: Vec<&str> = path
        .split('/')
        .map(|it| if is_plain(it) { it } else { HIDDEN })
        .collect();
    let mut shown = format!("{scheme}{}", segments.join("/"));
    if let Some(query) = query {
        let names = query.split('&').map(|pair| match pair.split_once('=') {
            Some((name, _)) if is_plain(name) => format!("{name}={HIDDEN}"),
            _ => HIDDEN.to_owned(),
        });
        shown = format!("{shown}?{}", names.collect::<Vec<_>>().join("&"));
    }
    match fragment {
        Some(fragment) if !is_plain(fragment) => format!("{shown}#{HIDDEN}"),
        Some(fragment) => format!("{shown}#{fragment}"),
        None => shown,
    }
}

/// Whether a part of a URL is a word rather than a value: letters in short runs, or a version.
fn is_plain(part: &str) -> bool {
    let word = part
        .chars()
        .all(|c| c.is_ascii_alphabetic() || "-_.!:".contains(c))
        && longest_run(part) < SHORTEST_TOKEN;
    let version = part.len() <= 4 && part.chars().all(|c| c.is_ascii_digit() || c == '.');
    word || version || matches!(part, "oauth2" | "oauth1")
}

fn is_of_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || "._~+/=-".contains(c)
}

/// Whether a run of such characters may be a token: long, and of letters and digits, or hardly a word.
fn may_be_token(run: &str) -> bool {
    let has = |kind: fn(&u8) -> bool| run.bytes().any(|byte| kind(&byte));
    let mixed = has(u8::is_ascii_alphabetic) && has(u8::is_ascii_digit);
    let digits = !has(u8::is_ascii_alphabetic) && has(u8::is_ascii_digit);
    run.len() >= SHORTEST_TOKEN && (mixed || digits) || longest_run(run) > LONGEST_WORD
}

fn longest_run(text: &str) -> usize {
    let runs = text.split(|c: char| !c.is_ascii_alphanumeric());
    runs.map(str::len).max().unwrap_or_default()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests;

//! Which token a row is of.
//!
//! Where a name says that something is a token (`name=token`, `data-token`, `?token=`), anything that looks like one is
//! taken. Elsewhere, in other attributes and at the end of a path or a fragment, only what the servers make is: 32 letters
//! and digits (protocol.md 2.2).

use std::collections::BTreeSet;

use scraper::ElementRef;
use serde_json::Value;
use url::form_urlencoded;

use super::{
    element::{elements, lineage},
    row::RowKind,
};

/// Attributes that hold what people wrote, or what is read elsewhere.
const NO_WORDS: [&str; 12] = [
    "class",
    "style",
    "title",
    "alt",
    "aria-label",
    "placeholder",
    "href",
    "src",
    "action",
    "formaction",
    "type",
    "value",
];

/// What a row is of; `None` where it shows no token, or several.
pub(super) fn of(row: ElementRef<'_>, revoker: ElementRef<'_>) -> Option<RowKind> {
    let controls = controls(row, revoker);
    let urls: Vec<&str> = controls.iter().flat_map(|it| urls(*it)).collect();
    let is_oauth2 = urls.iter().any(|url| is_of_oauth2(url)) || elements(row).any(says_oauth2);
    if !is_oauth2 {
        let token = only(tokens(row, &controls, &urls))?;
        return Some(RowKind::Oauth1(token.into()));
    }
    let ids: BTreeSet<&str> = urls.iter().filter_map(|url| id_of_oauth2(url)).collect();
    if ids.is_empty() {
        let mark = only(tokens(row, &controls, &urls))?;
        return Some(RowKind::Oauth2Unnamed(mark.into()));
    }
    only(ids).map(|id| RowKind::Oauth2(id.to_owned()))
}

/// Whether something says by its name that it is a token, and looks like one.
pub(super) fn names_a_token(element: ElementRef<'_>) -> bool {
    named(element)
        .iter()
        .any(|(name, value)| is_token_name(name) && looks_like_token(value))
}

fn only<T: Ord>(mut found: BTreeSet<T>) -> Option<T> {
    let first = found.pop_first();
    first.filter(|_| found.is_empty())
}

/// What may be the token of a row: what is called one, or else what looks as if it was made by a server.
fn tokens(row: ElementRef<'_>, controls: &[ElementRef<'_>], urls: &[&str]) -> BTreeSet<String> {
    let called: BTreeSet<String> = elements(row)
        .flat_map(named)
        .chain(urls.iter().flat_map(|url| query(url)))
        .filter(|(name, value)| is_token_name(name) && looks_like_token(value))
        .map(|(_, value)| value)
        .collect();
    if !called.is_empty() {
        return called;
    }
    let values = elements(row)
        .flat_map(named)
        .chain(urls.iter().flat_map(|url| query(url)))
        .filter(|(name, _)| !is_xsrf(name))
        .map(|(_, value)| value);
    let ends = urls.iter().map(|url| end_of_path(url).to_owned());
    let words = controls.iter().flat_map(|it| words(*it)).map(str::to_owned);
    values
        .chain(ends)
        .chain(words)
        .filter(|it| is_made_here(it))
        .collect()
}

/// What acts on a row: the row itself, what revokes it with all that is around it there, and the form of that. Links
/// elsewhere in it are the consumer's, who may point them anywhere.
fn controls<'a>(row: ElementRef<'a>, revoker: ElementRef<'a>) -> Vec<ElementRef<'a>> {
    let around = || lineage(revoker).skip(1).take_while(|it| *it != row);
    let inner = around().find(|it| it.value().name() == "form");
    [row]
        .into_iter()
        .chain(around())
        .chain(elements(inner.unwrap_or(revoker)))
        .collect()
}

/// The attributes that are URLs, or may be.
fn urls(element: ElementRef<'_>) -> impl Iterator<Item = &str> {
    let attributes = element.value().attrs();
    attributes
        .filter(|(name, _)| matches!(*name, "href" | "action" | "formaction") || name.contains('-'))
        .map(|(_, value)| value)
        .filter(|value| value.contains(['/', '?']) && !value.starts_with('{'))
}

/// The `data-` attributes, without their prefix.
fn data(element: ElementRef<'_>) -> impl Iterator<Item = (&str, &str)> {
    let attributes = element.value().attrs();
    attributes.filter_map(|(name, value)| Some((name.strip_prefix("data-")?, value)))
}

/// Names and values: of fields, of `data-` attributes, and of the members of attributes that are JSON.
fn named(element: ElementRef<'_>) -> Vec<(String, String)> {
    let field = matches!(element.value().name(), "input" | "button")
        .then(|| element.attr("name").zip(element.attr("value")))
        .flatten();
    let plain = field.into_iter().chain(data(element));
    let plain = plain.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let json = element
        .value()
        .attrs()
        .filter(|(name, value)| value.starts_with('{') && !NO_WORDS.contains(name))
        .filter_map(|(_, value)| serde_json::from_str::<serde_json::Map<_, _>>(value).ok())
        .flatten()
        .filter_map(|(name, value)| match value {
            Value::String(text) => Some((name, text)),
            _ => None,
        });
    plain.chain(json).collect()
}

/// The words of the attributes that a script would read the token from, where no name says so.
fn words(element: ElementRef<'_>) -> impl Iterator<Item = &str> {
    let attributes = element
        .value()
        .attrs()
        .filter(|(name, _)| !NO_WORDS.contains(name) && !name.starts_with("data-"));
    let unnamed = element
        .attr("value")
        .filter(|_| element.attr("name").is_none());
    let fragment = element.attr("href").and_then(|url| url.split_once('#'));
    attributes
        .map(|(_, value)| value)
        .chain(unnamed)
        .chain(fragment.map(|(_, fragment)| fragment))
        .flat_map(|value| value.split(|c: char| !c.is_ascii_alphanumeric()))
}

fn query(url: &str) -> impl Iterator<Item = (String, String)> {
    let (_, query) = split(url);
    form_urlencoded::parse(query.as_bytes()).into_owned()
}

fn end_of_path(url: &str) -> &str {
    let (path, _) = split(url);
    path.rsplit('/').next().unwrap_or_default()
}

/// Path and query of a URL, which may be a relative one.
fn split(url: &str) -> (&str, &str) {
    let url = url.split('#').next().unwrap_or_default();
    url.split_once('?').unwrap_or((url, ""))
}

/// Whether a URL is `.../rest/oauth2/VERSION/revoke/ID` or the like (protocol.md 3.1, 3.3).
fn is_of_oauth2(url: &str) -> bool {
    after_revoke(url).is_some()
}

/// The id at the end of such a URL.
fn id_of_oauth2(url: &str) -> Option<&str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._~-".contains(&byte);
    after_revoke(url).filter(|id| !id.is_empty() && id.len() <= 255 && id.bytes().all(plain))
}

/// What follows `revoke` in the path of such a URL; nothing where that is no id.
fn after_revoke(url: &str) -> Option<&str> {
    let segments: Vec<&str> = split(url).0.split('/').collect();
    let endpoint = segments
        .windows(2)
        .position(|pair| matches!(pair, ["rest" | "servlet", "oauth2"]))?;
    let below = &segments[endpoint..];
    let revoke = below.iter().position(|segment| *segment == "revoke")?;
    Some(match below[revoke + 1..] {
        [id] | [id, ""] => id,
        _ => "",
    })
}

/// Whether an attribute says that a row is of OAuth 2: `data-type="oauth2"`, `data-is-oauth2="true"`. Others may hold
/// what a consumer is called.
fn says_oauth2(element: ElementRef<'_>) -> bool {
    data(element).any(|(name, value)| {
        (name.ends_with("type") && value.eq_ignore_ascii_case("oauth2"))
            || (name.contains("oauth2") && value.eq_ignore_ascii_case("true"))
    })
}

fn is_token_name(name: &str) -> bool {
    name.to_ascii_lowercase().contains("token") && !is_xsrf(name)
}

/// `atl_token` and the like, which stand in every form.
fn is_xsrf(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["atl", "xsrf", "csrf"]
        .iter()
        .any(|part| name.contains(part))
}

fn looks_like_token(value: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._~-".contains(&byte);
    value.len() >= 16 && value.bytes().all(allowed)
}

fn is_made_here(value: &str) -> bool {
    value.len() == 32 && value.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

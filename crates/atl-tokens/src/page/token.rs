//! Which token a row is of.
//!
//! Where a name says that something is a token (`name=token`, `data-token`, `?token=`), anything that looks like one is
//! taken. Elsewhere, in other attributes and at the end of a path or a fragment, only what the servers make is: 32 letters
//! and digits (protocol.md 2.2).

use std::collections::BTreeSet;

use scraper::ElementRef;
use url::form_urlencoded;

use super::element::{elements, lineage};

/// What a row is of.
pub(super) enum Kind {
    /// An OAuth 1 access token, which is this.
    Oauth1(String),
    /// An OAuth 2 grant: its `revokeUrl` is below the endpoint that revokes such grants (protocol.md 3.1, 3.3).
    Oauth2,
    /// It shows no token, or several.
    Unclear,
}

pub(super) fn of(row: ElementRef<'_>, revoker: ElementRef<'_>) -> Kind {
    let controls = controls(row, revoker);
    let urls: Vec<&str> = controls.iter().flat_map(|it| urls(*it)).collect();
    if urls.iter().any(|url| is_of_oauth2(url)) || elements(row).any(says_oauth2) {
        return Kind::Oauth2;
    }
    let named = elements(row)
        .flat_map(named)
        .chain(urls.iter().flat_map(|url| query(url)))
        .filter(|(name, value)| is_token_name(name) && looks_like_token(value));
    let mut found: BTreeSet<String> = named.map(|(_, value)| value).collect();
    if found.is_empty() {
        let unnamed = elements(row)
            .flat_map(data)
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .chain(urls.iter().flat_map(|url| query(url)))
            .filter(|(name, _)| !is_xsrf(name))
            .map(|(_, value)| value);
        let ends = urls.iter().map(|url| end_of_path(url).to_owned());
        let words = controls.iter().flat_map(|it| words(*it)).map(str::to_owned);
        found = unnamed
            .chain(ends)
            .chain(words)
            .filter(|it| is_made_here(it))
            .collect();
    }
    match (found.pop_first(), found.is_empty()) {
        (Some(token), true) => Kind::Oauth1(token),
        _ => Kind::Unclear,
    }
}

/// What acts on a row: the row itself, what revokes it, and the form around that. Links elsewhere in it are the
/// consumer's, who may point them anywhere.
fn controls<'a>(row: ElementRef<'a>, revoker: ElementRef<'a>) -> Vec<ElementRef<'a>> {
    let form = lineage(revoker)
        .take_while(|it| *it != row)
        .find(|it| it.value().name() == "form");
    let inner = form.unwrap_or(revoker);
    [row].into_iter().chain(elements(inner)).collect()
}

/// The attributes that are URLs, or may be.
fn urls(element: ElementRef<'_>) -> impl Iterator<Item = &str> {
    let attributes = element.value().attrs();
    attributes
        .filter(|(name, _)| {
            matches!(*name, "href" | "action" | "formaction") || name.starts_with("data-")
        })
        .map(|(_, value)| value)
        .filter(|value| value.contains(['/', '?']))
}

/// The `data-` attributes, without their prefix.
fn data(element: ElementRef<'_>) -> impl Iterator<Item = (&str, &str)> {
    let attributes = element.value().attrs();
    attributes.filter_map(|(name, value)| Some((name.strip_prefix("data-")?, value)))
}

/// Names and values: of fields, and of `data-` attributes.
fn named(element: ElementRef<'_>) -> impl Iterator<Item = (String, String)> {
    let field = matches!(element.value().name(), "input" | "button")
        .then(|| element.attr("name").zip(element.attr("value")))
        .flatten();
    field
        .into_iter()
        .chain(data(element))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
}

/// The words of the attributes that a script would read the token from, where no name says so.
fn words(element: ElementRef<'_>) -> impl Iterator<Item = &str> {
    let attributes = element
        .value()
        .attrs()
        .filter(|(name, _)| matches!(*name, "id" | "rel" | "onclick"));
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

/// Whether a URL is `.../rest/oauth2/VERSION/revoke/ID` or the like.
fn is_of_oauth2(url: &str) -> bool {
    let segments: Vec<&str> = split(url).0.split('/').collect();
    let endpoint = segments
        .windows(2)
        .position(|pair| matches!(pair, ["rest" | "servlet", "oauth2"]));
    endpoint.is_some_and(|at| segments.iter().skip(at).any(|segment| *segment == "revoke"))
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

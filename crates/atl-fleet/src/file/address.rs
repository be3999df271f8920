//! Texts that are URLs. Whatever is wrong with one, user and password in it never show.

use atl_client::BaseUrl;
use serde_json::{Value as Json, json};
use url::Url;

use super::{error::Problem, mask::mask_credentials, scalar::FromText};

impl FromText for BaseUrl {
    const WHAT: &'static str = "a URL";

    fn show(text: &str) -> String {
        mask_credentials(text)
    }

    fn from_text(text: &str) -> Result<Self, Problem> {
        plain_http_url(text)?;
        Self::parse(text).map_err(|error| Problem::new(error.to_string()))
    }

    fn schema() -> Json {
        json!({ "type": "string", "pattern": "^https?://[^@?#]+$" })
    }
}

/// The application URL of a consumer: as written, without slashes at the end, for servers compare it as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ApplicationUrl {
    pub(super) text: String,
    /// For finding duplicates.
    pub(super) normal: String,
}

impl FromText for ApplicationUrl {
    const WHAT: &'static str = "a URL";

    fn show(text: &str) -> String {
        mask_credentials(text)
    }

    fn from_text(text: &str) -> Result<Self, Problem> {
        let url = plain_http_url(text)?;
        Ok(Self {
            text: text.trim_end_matches('/').to_owned(),
            normal: url.as_str().trim_end_matches('/').to_owned(),
        })
    }

    fn schema() -> Json {
        BaseUrl::schema()
    }
}

/// Where a browser is sent back to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Callback(pub(super) String);

impl FromText for Callback {
    const WHAT: &'static str = "a URL";

    fn show(text: &str) -> String {
        mask_credentials(text)
    }

    fn from_text(text: &str) -> Result<Self, Problem> {
        let url = http_url(text)?;
        if url.fragment().is_some() {
            return Err(Problem::new("a callback has no fragment (`#...`)"));
        }
        Ok(Self(text.to_owned()))
    }

    fn schema() -> Json {
        json!({ "type": "string", "pattern": "^https?://[^@#]+$" })
    }
}

/// A proxy, which may have credentials of its own.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Proxy(pub(super) Url);

impl std::fmt::Debug for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&mask_credentials(self.0.as_str()))
    }
}

impl FromText for Proxy {
    const WHAT: &'static str = "a URL";

    fn show(text: &str) -> String {
        mask_credentials(text)
    }

    fn holds_password(&self) -> bool {
        self.0.password().is_some()
    }

    fn from_text(text: &str) -> Result<Self, Problem> {
        let url = Url::parse(text).ok().filter(|url| {
            let known = ["http", "https", "socks5", "socks5h"].contains(&url.scheme());
            known && url.host_str().is_some_and(|host| !host.is_empty())
        });
        url.map(Self).ok_or_else(|| {
            Problem::new("not the URL of a proxy").suggest("as in `http://proxy.example.com:3128`")
        })
    }

    fn schema() -> Json {
        json!({ "type": "string", "pattern": "^(https?|socks5h?)://.+$" })
    }
}

/// An absolute http(s) URL with neither credentials nor query nor fragment.
fn plain_http_url(text: &str) -> Result<Url, Problem> {
    let url = http_url(text)?;
    if url.query().is_some() || url.fragment().is_some() {
        return Err(
            Problem::new("a URL with a query or a fragment cannot stand here")
                .suggest("leave out everything from `?` or `#` on"),
        );
    }
    Ok(url)
}

fn http_url(text: &str) -> Result<Url, Problem> {
    let problem = || Problem::new("not an absolute http or https URL");
    if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(problem().suggest("remove the white space in it"));
    }
    let prefixed = |scheme: &str| {
        text.get(..scheme.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    };
    if !prefixed("http://") && !prefixed("https://") {
        let rest = text.trim_start_matches('/');
        let host = rest.split('/').next().unwrap_or_default();
        let is_host = host.contains('.') && !text.contains("://") && !text.contains('@');
        return Err(if is_host {
            problem().suggest(format!("write `https://{rest}`"))
        } else {
            problem().suggest("it begins with `https://`")
        });
    }
    let url = Url::parse(text).map_err(|error| Problem::new(format!("not a URL: {error}")))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Problem::new("a URL with credentials cannot stand here")
            .suggest("leave out everything between `//` and `@`; credentials go under `admin`"));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn http_urls_are_absolute_and_plain() {
        for (text, good) in [
            ("https://jira.example.com", true),
            ("HTTP://jira.example.com:8080/ctx/", true),
            ("https://[::1]:7990/a", true),
            ("jira.example.com", false),
            ("//jira.example.com", false),
            ("ftp://jira.example.com", false),
            ("https://", false),
            ("https://a b", false),
            ("https://me:pw@host", false),
            ("https://host?x=1", false),
            ("https://host/#x", false),
            ("https://host:99999", false),
            ("", false),
        ] {
            assert_eq!(plain_http_url(text).is_ok(), good, "{text}");
        }
    }
}

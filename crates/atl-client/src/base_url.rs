//! The base URL of a server.

use std::{collections::BTreeSet, fmt, io, net::SocketAddr};

use url::{Host, Url};

/// The base URL of a server: absolute http(s), context path kept, no trailing slash, no credentials, query or fragment.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct BaseUrl(Url);

/// Why a text is no base URL. The text itself is not repeated: it may hold a password.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum BaseUrlError {
    /// Nothing like `https://` at its start.
    #[error("the URL has no scheme; it must start with `https://` or `http://`")]
    NoScheme,
    /// Neither http nor https.
    #[error("the scheme `{scheme}` is not http or https")]
    OtherScheme {
        /// The scheme it has.
        scheme: String,
    },
    /// No host.
    #[error("the URL names no host")]
    NoHost,
    /// A user name or a password inside.
    #[error("the URL holds a user name or a password; credentials belong under `admin`")]
    Credentials,
    /// A query.
    #[error("the URL has a query; a base URL ends with the context path")]
    Query,
    /// A fragment.
    #[error("the URL has a fragment; a base URL ends with the context path")]
    Fragment,
    /// Not a URL.
    #[error("the text is no URL")]
    Invalid(#[source] url::ParseError),
}

impl BaseUrl {
    /// Parses and normalises: scheme and host in lower case, default port and trailing slashes dropped.
    ///
    /// # Errors
    /// One variant for each way in which a text is no base URL.
    pub fn parse(text: &str) -> Result<Self, BaseUrlError> {
        let text = text.trim();
        if !text.contains("://") {
            return Err(BaseUrlError::NoScheme);
        }
        let mut url = Url::parse(text).map_err(|problem| match problem {
            url::ParseError::EmptyHost => BaseUrlError::NoHost,
            url::ParseError::RelativeUrlWithoutBase => BaseUrlError::NoScheme,
            other => BaseUrlError::Invalid(other),
        })?;
        if !matches!(url.scheme(), "http" | "https") {
            let scheme = url.scheme().to_owned();
            return Err(BaseUrlError::OtherScheme { scheme });
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(BaseUrlError::Credentials);
        }
        if url.query().is_some() {
            return Err(BaseUrlError::Query);
        }
        if url.fragment().is_some() {
            return Err(BaseUrlError::Fragment);
        }
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&path);
        Ok(Self(url))
    }

    /// The URL of `path` (which may carry a query) below this base; the context path stays.
    pub fn join(&self, path: &str) -> Url {
        let (path, query) = match path.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (path, None),
        };
        let context = self.0.path().trim_end_matches('/');
        let mut url = self.0.clone();
        url.set_path(&format!("{context}/{}", path.trim_start_matches('/')));
        url.set_query(query);
        url
    }

    /// The text without a trailing slash.
    pub fn as_str(&self) -> &str {
        self.0.as_str().trim_end_matches('/')
    }

    /// Whether the host is this machine (`localhost`, 127.0.0.0/8, `::1`).
    pub fn is_loopback(&self) -> bool {
        match self.0.host() {
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.to_canonical().is_loopback(),
            None => false,
        }
    }

    /// The addresses that the host name and port stand for now, as this machine resolves them.
    ///
    /// # Errors
    /// The name cannot be resolved.
    pub fn addresses(&self) -> io::Result<BTreeSet<SocketAddr>> {
        let found = self.0.socket_addrs(|| None)?;
        let canonical = |address: SocketAddr| (address.ip().to_canonical(), address.port()).into();
        Ok(found.into_iter().map(canonical).collect())
    }

    /// The context path, empty where there is none.
    pub fn context_path(&self) -> &str {
        self.0.path().trim_end_matches('/')
    }

    /// Whether what is sent there can be read on the way.
    pub(crate) fn is_plain(&self) -> bool {
        self.0.scheme() == "http"
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_for_addresses() {
        let addresses = |text: &str| BaseUrl::parse(text).unwrap().addresses();
        let there = addresses("http://127.0.0.1:8080/jira").unwrap();
        assert_eq!(there, BTreeSet::from([([127, 0, 0, 1], 8080).into()]));
        assert!(
            addresses("http://localhost:8080")
                .unwrap()
                .is_superset(&there)
        );
        assert_ne!(addresses("https://127.0.0.1").unwrap(), there);
        assert!(addresses("https://nowhere.invalid").is_err());
    }

    #[test]
    fn context_paths() {
        let path = |text: &str| BaseUrl::parse(text).unwrap().context_path().to_owned();
        assert_eq!(path("https://jira.example.com"), "");
        assert_eq!(path("https://jira.example.com/a/b/"), "/a/b");
    }

    #[test]
    fn base_urls_are_normalised() {
        #[track_caller]
        fn check(text: &str, expected: &str) {
            assert_eq!(BaseUrl::parse(text).unwrap().as_str(), expected);
        }
        check("https://jira.example.com", "https://jira.example.com");
        check("https://jira.example.com/", "https://jira.example.com");
        check("HTTPS://Jira.Example.COM:443/", "https://jira.example.com");
        check(
            " http://wiki:8090/Confluence// ",
            "http://wiki:8090/Confluence",
        );
        check("http://[::1]:7990/bitbucket", "http://[::1]:7990/bitbucket");
    }

    #[test]
    fn each_mistake_is_its_own_error() {
        #[track_caller]
        fn check(text: &str, expected: &BaseUrlError) {
            let error = BaseUrl::parse(text).unwrap_err();
            assert_eq!(&error, expected);
            assert!(!error.to_string().contains("hunter2"));
        }
        check("jira.example.com", &BaseUrlError::NoScheme);
        check("localhost:8080/jira", &BaseUrlError::NoScheme);
        check("", &BaseUrlError::NoScheme);
        let scheme = "ftp".to_owned();
        check("ftp://example.com", &BaseUrlError::OtherScheme { scheme });
        check("https://", &BaseUrlError::NoHost);
        check(
            "https://admin:hunter2@example.com",
            &BaseUrlError::Credentials,
        );
        check("https://hunter2@example.com", &BaseUrlError::Credentials);
        check(
            "https://example.com/?os_authType=basic",
            &BaseUrlError::Query,
        );
        check("https://example.com/#top", &BaseUrlError::Fragment);
        check(
            "https://example.com:port",
            &BaseUrlError::Invalid(url::ParseError::InvalidPort),
        );
    }

    #[test]
    fn joining_keeps_the_context_path() {
        #[track_caller]
        fn check(base: &str, path: &str, expected: &str) {
            let base = BaseUrl::parse(base).unwrap();
            assert_eq!(base.join(path).as_str(), expected);
        }
        check("https://e.com", "rest/a", "https://e.com/rest/a");
        check(
            "https://e.com/jira",
            "/rest/a?x=1&y=a%20b",
            "https://e.com/jira/rest/a?x=1&y=a%20b",
        );
        check("https://e.com/a/b/", "rest//c", "https://e.com/a/b/rest//c");
        check(
            "https://e.com/jira",
            "http://evil.example/x",
            "https://e.com/jira/http://evil.example/x",
        );
        check(
            "https://e.com/jira",
            "//evil.example/x",
            "https://e.com/jira/evil.example/x",
        );
        check("https://e.com/jira", "a#b", "https://e.com/jira/a%23b");
    }

    #[test]
    fn loopback_is_recognised() {
        #[track_caller]
        fn check(base: &str, expected: bool) {
            assert_eq!(
                BaseUrl::parse(base).unwrap().is_loopback(),
                expected,
                "{base}"
            );
        }
        check("http://localhost:8080", true);
        check("http://127.0.0.2", true);
        check("http://[::1]/x", true);
        check("http://[::ffff:127.0.0.1]/x", true);
        check("http://localhost.example.com", false);
        check("http://10.0.0.1", false);
    }
}

//! URLs, as far as rules judge them. What is not understood is judged as nothing.

use url::{Host, Url};

/// Whether what goes there travels unencrypted. What stays on its machine does not travel.
pub(super) fn is_plain_http(text: &str) -> bool {
    Url::parse(text.trim()).is_ok_and(|url| url.scheme() == "http" && !is_loopback(&url))
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.');
            name == "localhost" || name.ends_with(".localhost")
        }
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// The same for all ways to write the address of one application: without scheme, case of the host, default port and
/// trailing slashes.
pub(super) fn application(text: &str) -> Option<String> {
    let url = Url::parse(text.trim()).ok()?;
    let host = url.host_str()?.trim_end_matches('.');
    let port = url.port().map(|port| format!(":{port}"));
    let path = url.path().trim_end_matches('/');
    let query = url.query().map(|query| format!("?{query}"));
    Some(format!(
        "{host}{}{path}{}",
        port.unwrap_or_default(),
        query.unwrap_or_default()
    ))
}

/// Whether two texts are one URL but for trailing slashes, as servers compare them (protocol.md 1.4).
pub(super) fn same(one: &str, other: &str) -> bool {
    one.trim_end_matches('/') == other.trim_end_matches('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_what_leaves_the_machine_unencrypted() {
        for (url, expected) in [
            ("http://deploy.example.com/callback", true),
            (" HTTP://DEPLOY.example.com", true),
            ("http://192.0.2.7:8080", true),
            ("http://localhost.example.com", true),
            ("https://deploy.example.com", false),
            ("http://localhost:8080/callback", false),
            ("http://app.localhost./", false),
            ("http://127.0.0.9", false),
            ("http://[::1]:80", false),
            ("oob", false),
            ("", false),
        ] {
            assert_eq!(is_plain_http(url), expected, "{url}");
        }
    }

    #[test]
    fn one_application_is_written_in_many_ways() {
        let one = application("https://Deploy.example.com:443/app//").unwrap();
        assert_eq!(one, "deploy.example.com/app");
        for same in [
            "http://deploy.example.com/app",
            "https://deploy.EXAMPLE.com./app/",
        ] {
            assert_eq!(application(same).unwrap(), one, "{same}");
        }
        for other in [
            "https://deploy.example.com:8443/app",
            "https://deploy.example.com/App",
            "https://deploy.example.com/app?x=1",
            "https://deploy.example.com",
        ] {
            assert_ne!(application(other).unwrap(), one, "{other}");
        }
        assert_eq!(application("not a url"), None);
    }
}

//! Where a redirect points, and which base URL it suggests.

use url::Url;

use crate::{BaseUrl, ClientError, Response, product::Profile};

/// Where a redirecting answer points; `None` for any other answer.
pub(crate) fn target(response: &Response, url: &Url) -> Option<Url> {
    let redirects = matches!(response.status, 301 | 302 | 303 | 307 | 308);
    let location = response.header_values("location").first().copied()?;
    redirects.then(|| url.join(location).ok()).flatten()
}

/// Whether a path is the product's sign-in page.
pub(crate) fn is_login_page(target: &Url, profile: &Profile) -> bool {
    profile
        .login_pages
        .iter()
        .any(|page| target.path().ends_with(page))
}

/// Whether a path is the product's page for a secure administrator session.
pub(crate) fn is_elevation_page(target: &Url, profile: &Profile) -> bool {
    let path = target.path().to_lowercase();
    profile
        .elevation_pages
        .iter()
        .any(|page| path.contains(page))
}

/// The error of a redirect.
pub(crate) fn error(response: &Response, base: &BaseUrl, asked: &Url, target: &Url) -> ClientError {
    let mut to = target.clone();
    let _ = to.set_username("");
    let _ = to.set_password(None);
    to.set_query(None);
    to.set_fragment(None);
    ClientError::Redirected {
        server: response.server.as_str().into(),
        what: response.what.as_str().into(),
        status: response.status,
        base_url: suggestion(base, asked, &to).map(Into::into),
        to: to.as_str().into(),
    }
}

/// The base URL under which the same path is where the redirect points.
fn suggestion(base: &BaseUrl, asked: &Url, to: &Url) -> Option<String> {
    let context = base.join("");
    let path = asked.path().strip_prefix(context.path())?;
    let wanted = to.as_str().trim_end_matches('/');
    let found = wanted.strip_suffix(path.trim_end_matches('/'))?;
    let found = BaseUrl::parse(found).ok()?;
    (found != *base).then(|| found.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_suggests_the_base_url_to_use() {
        #[track_caller]
        fn check(base: &str, path: &str, to: &str, expected: Option<&str>) {
            let base = BaseUrl::parse(base).unwrap();
            let to = Url::parse(to).unwrap();
            assert_eq!(
                suggestion(&base, &base.join(path), &to).as_deref(),
                expected
            );
        }
        check(
            "http://e.com",
            "rest/m",
            "https://e.com/rest/m",
            Some("https://e.com"),
        );
        check(
            "https://e.com",
            "rest/m?x=1",
            "https://e.com/jira/rest/m",
            Some("https://e.com/jira"),
        );
        check(
            "https://e.com/old",
            "rest/m",
            "https://new.e.com:8443/wiki/rest/m/",
            Some("https://new.e.com:8443/wiki"),
        );
        check("https://e.com", "rest/m", "https://sso.e.com/portal", None);
        check("https://e.com", "rest/m", "https://e.com/rest/m/", None);
    }
}

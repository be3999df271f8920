//! What the callback answers. Nothing of a request ever comes back in it.

use hyper::{
    Method, Request, Response, StatusCode,
    header::{
        ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, HeaderValue,
        REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    },
};

use super::inbox::Verdict;
use crate::callback::CallbackAnswer;

/// The path of the callback.
pub(super) const PATH: &str = "/oauth/callback";

const POLICY: &str =
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It was meant for another host, as a page does that has its own name point here.
    Host,
    /// There is no such path.
    Path,
    /// It is no `GET`.
    Method,
    /// It does not carry exactly one token and one verifier.
    Query,
}

/// Reads the callback that a request carries.
pub(super) fn read<B>(request: &Request<B>, port: u16) -> Result<CallbackAnswer, Refusal> {
    let uri = request.uri();
    let named = request.headers().get_all(HOST).iter();
    let mut hosts = named
        .map(HeaderValue::as_bytes)
        .chain(
            uri.authority()
                .map(|authority| authority.as_str().as_bytes()),
        )
        .peekable();
    if hosts.peek().is_none() || !hosts.all(|host| is_own(host, port)) {
        return Err(Refusal::Host);
    }
    if uri.path() != PATH {
        return Err(Refusal::Path);
    }
    if request.method() != Method::GET {
        return Err(Refusal::Method);
    }
    let query = uri.query().unwrap_or_default();
    CallbackAnswer::read(&format!("?{query}")).ok_or(Refusal::Query)
}

/// Whether a host is this machine, at this port.
fn is_own(host: &[u8], port: u16) -> bool {
    let host = host.to_ascii_lowercase();
    let suffix = format!(":{port}");
    let name = match host.strip_suffix(suffix.as_bytes()) {
        Some(name) => name,
        None if port == 80 => &host,
        None => return false,
    };
    [&b"localhost"[..], b"127.0.0.1", b"[::1]"].contains(&name)
}

/// The answer to a callback.
pub(super) fn of_verdict(verdict: Verdict) -> Response<String> {
    let (status, title, text) = match verdict {
        Verdict::Approved => (
            StatusCode::OK,
            "Approved",
            "The approval has arrived. You can close this page.",
        ),
        Verdict::Denied => (
            StatusCode::OK,
            "Denied",
            "You have denied the request, so nothing was granted. You can close this page.",
        ),
        Verdict::Foreign | Verdict::Held => (
            StatusCode::FORBIDDEN,
            "Not expected",
            "Nobody waits for this answer any more. You can close this page.",
        ),
    };
    page(status, title, text)
}

/// The answer to anything else.
pub(super) fn of_refusal(refusal: Refusal) -> Response<String> {
    let text = "Only the answer to one request for approval is taken here.";
    let (status, title) = match refusal {
        Refusal::Host => (StatusCode::FORBIDDEN, "Not this host"),
        Refusal::Path => (StatusCode::NOT_FOUND, "Not found"),
        Refusal::Method => (StatusCode::METHOD_NOT_ALLOWED, "Method not allowed"),
        Refusal::Query => (StatusCode::BAD_REQUEST, "Not an answer"),
    };
    let mut response = page(status, title, text);
    if refusal == Refusal::Method {
        let get = HeaderValue::from_static("GET");
        response.headers_mut().insert(ALLOW, get);
    }
    response
}

fn page(status: StatusCode, title: &'static str, text: &'static str) -> Response<String> {
    let mut response = Response::new(format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title></head>\n\
         <body><h1>{title}</h1><p>{text}</p></body></html>\n"
    ));
    *response.status_mut() = status;
    for (name, value) in [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CACHE_CONTROL, "no-store"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
    ] {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(method: &str, uri: &str, hosts: &[&str], expected: Option<Refusal>) {
        let request = Request::builder().method(method).uri(uri);
        let request = hosts
            .iter()
            .fold(request, |request, host| request.header(HOST, *host));
        let read = read(&request.body(()).unwrap(), 8080);
        assert_eq!(read.err(), expected, "{method} {uri} {hosts:?}");
    }

    const GOOD: &str = "/oauth/callback?oauth_token=t&oauth_verifier=v";

    #[test]
    fn only_this_machine_at_this_port_is_the_host() {
        for host in [
            "127.0.0.1:8080",
            "localhost:8080",
            "LocalHost:8080",
            "[::1]:8080",
        ] {
            check("GET", GOOD, &[host], None);
        }
        for host in [
            "",
            "127.0.0.1",
            "127.0.0.1:8081",
            "127.0.0.1:80",
            "127.0.0.2:8080",
            "evil.example",
            "evil.example:8080",
            "localhost.evil.example:8080",
            "evil.example@localhost:8080",
            "[::1]",
            "::1:8080",
        ] {
            check("GET", GOOD, &[host], Some(Refusal::Host));
        }
        check("GET", GOOD, &[], Some(Refusal::Host));
        check(
            "GET",
            GOOD,
            &["localhost:8080", "evil.example:8080"],
            Some(Refusal::Host),
        );
        let absolute = |host: &str| format!("http://{host}{GOOD}");
        check(
            "GET",
            &absolute("localhost:8080"),
            &["localhost:8080"],
            None,
        );
        check(
            "GET",
            &absolute("evil.example"),
            &["localhost:8080"],
            Some(Refusal::Host),
        );
        assert!(is_own(b"localhost", 80) && is_own(b"[::1]:80", 80));
    }

    #[test]
    fn only_one_path_and_method_is_served() {
        let host = &["127.0.0.1:8080"][..];
        for uri in [
            "/",
            "/favicon.ico",
            "/oauth/callback/",
            "/OAUTH/callback?x",
            "/oauth/../oauth/callback",
        ] {
            check("GET", uri, host, Some(Refusal::Path));
        }
        for method in ["POST", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH"] {
            check(method, GOOD, host, Some(Refusal::Method));
        }
    }

    #[test]
    fn only_one_token_and_one_verifier_make_a_callback() {
        let host = &["127.0.0.1:8080"][..];
        check(
            "GET",
            "/oauth/callback?a=b?c&oauth_token=t&oauth_verifier=v",
            host,
            None,
        );
        for query in [
            "",
            "?",
            "?oauth_token=t",
            "?oauth_verifier=v",
            "?oauth_token=&oauth_verifier=v",
            "?oauth_token=t&oauth_verifier=",
            "?oauth_token=t&oauth_token=t&oauth_verifier=v",
            "?oauth_token=t&oauth_verifier=v&oauth_verifier=w",
        ] {
            check(
                "GET",
                &format!("/oauth/callback{query}"),
                host,
                Some(Refusal::Query),
            );
        }
    }

    proptest! {
        #[test]
        fn any_query_is_read_without_panic(query in "[!-~]*", host in "[ -~]*") {
            let request = Request::builder().uri(format!("/oauth/callback?{query}")).header(HOST, host);
            if let Ok(request) = request.body(()) {
                let _anything = read(&request, 8080);
            }
        }
    }
}

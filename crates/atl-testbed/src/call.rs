//! A request as the servlet container hands it on.

use hyper::HeaderMap;
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, COOKIE};
use url::form_urlencoded;

/// Names and values, decoded, in order.
pub(crate) type Pairs = Vec<(String, String)>;

/// A request.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) method: String,
    /// The path as it was sent, context path included.
    pub(crate) raw_path: String,
    /// The path below the context path.
    pub(crate) path: String,
    pub(crate) raw_query: String,
    pub(crate) query: Pairs,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// The parameters of a form that was posted; containers do not read forms of other methods (protocol.md 2.6).
    pub(crate) form: Pairs,
    /// The node that serves the call: 0, or 1 for the second.
    pub(crate) node: usize,
    /// `http` or `https`.
    pub(crate) scheme: &'static str,
}

/// Where a request came in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entrance {
    pub(crate) node: usize,
    pub(crate) scheme: &'static str,
}

impl Call {
    /// Builds a call, or nothing where the path lies outside the context path.
    pub(crate) fn new(
        context: &str,
        entrance: Entrance,
        head: &hyper::http::request::Parts,
        body: Bytes,
    ) -> Option<Self> {
        let raw_path = head.uri.path().to_owned();
        let path = raw_path
            .strip_prefix(context)
            .filter(|path| path.is_empty() || path.starts_with('/'))?
            .to_owned();
        let raw_query = head.uri.query().unwrap_or_default().to_owned();
        let mut call = Self {
            method: head.method.as_str().to_owned(),
            path,
            query: decoded(raw_query.as_bytes()),
            raw_query,
            headers: head.headers.clone(),
            raw_path,
            body,
            form: Vec::new(),
            node: entrance.node,
            scheme: entrance.scheme,
        };
        if call.method == "POST" && call.media_type() == Some("application/x-www-form-urlencoded") {
            call.form = decoded(&call.body);
        }
        Some(call)
    }

    pub(crate) fn header(&self, name: impl hyper::header::AsHeaderName) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The media type of the body, without parameters.
    pub(crate) fn media_type(&self) -> Option<&str> {
        self.header(CONTENT_TYPE)
            .map(|value| value.split(';').next().unwrap_or_default().trim())
    }

    /// A parameter of the query.
    pub(crate) fn query_param(&self, name: &str) -> Option<&str> {
        find(&self.query, name)
    }

    /// A parameter of the query or of the form.
    pub(crate) fn param(&self, name: &str) -> Option<&str> {
        self.query_param(name).or_else(|| find(&self.form, name))
    }

    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        self.headers
            .get_all(COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'))
            .filter_map(|cookie| cookie.trim().split_once('='))
            .find_map(|(known, value)| (known == name).then_some(value))
    }

    /// Whether `X-Atlassian-Token` waives the XSRF check, in either spelling (protocol.md 1.2).
    pub(crate) fn waives_xsrf(&self) -> bool {
        matches!(
            self.header("x-atlassian-token"),
            Some("no-check" | "nocheck")
        )
    }

    /// The path's segments, decoded.
    pub(crate) fn segments(&self) -> Vec<String> {
        self.path
            .split('/')
            .filter(|segment| !segment.is_empty())
            .map(|segment| {
                // A plus is a plus in a path.
                let pairs = decoded(
                    segment
                        .replace('+', "%2B")
                        .replace('=', "%3D")
                        .replace('&', "%26")
                        .as_bytes(),
                );
                pairs
                    .into_iter()
                    .next()
                    .map(|(name, _)| name)
                    .unwrap_or_default()
            })
            .collect()
    }
}

fn decoded(text: &[u8]) -> Pairs {
    form_urlencoded::parse(text)
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect()
}

pub(crate) fn find<'a>(pairs: &'a Pairs, name: &str) -> Option<&'a str> {
    pairs
        .iter()
        .find(|(known, _)| known == name)
        .map(|(_, value)| value.as_str())
}

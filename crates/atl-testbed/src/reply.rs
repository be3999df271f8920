//! An answer, before it is put on the wire.

use hyper::header::{
    CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION, SET_COOKIE, WWW_AUTHENTICATE,
};
use serde_json::Value;

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn empty(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    pub(crate) fn body(status: u16, content_type: &'static str, body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![(CONTENT_TYPE, HeaderValue::from_static(content_type))];
        Self {
            status,
            headers,
            body: body.into(),
        }
    }

    pub(crate) fn text(status: u16, text: &str) -> Self {
        Self::body(status, "text/plain;charset=UTF-8", text)
    }

    pub(crate) fn html(status: u16, page: String) -> Self {
        Self::body(status, "text/html;charset=UTF-8", page)
    }

    pub(crate) fn json(status: u16, value: &Value) -> Self {
        Self::body(status, "application/json", value.to_string())
    }

    pub(crate) fn redirect(location: &str) -> Self {
        Self::empty(302).with(LOCATION, location)
    }

    /// Adds a header; one that cannot be sent is left out.
    pub(crate) fn with(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((name, value));
        }
        self
    }

    pub(crate) fn header(self, name: &'static str, value: &str) -> Self {
        self.with(HeaderName::from_static(name), value)
    }

    pub(crate) fn no_cache(self) -> Self {
        self.with(CACHE_CONTROL, "no-cache")
    }

    pub(crate) fn challenge(self, challenge: &str) -> Self {
        self.with(WWW_AUTHENTICATE, challenge)
    }

    pub(crate) fn cookie(self, name: &str, value: &str, path: &str) -> Self {
        let path = if path.is_empty() { "/" } else { path };
        self.with(
            SET_COOKIE,
            &format!("{name}={value}; Path={path}; HttpOnly"),
        )
    }

    /// The value of a cookie that this answer sets.
    pub(crate) fn cookie_value(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .filter(|(header, _)| *header == SET_COOKIE)
            .filter_map(|(_, value)| value.to_str().ok()?.split(';').next()?.split_once('='))
            .find_map(|(known, value)| (known == name).then_some(value))
    }
}

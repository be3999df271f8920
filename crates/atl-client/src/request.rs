//! What is asked of a server.

use std::{borrow::Cow, fmt};

/// Whether a request may be sent again when its answer is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// It changes nothing: lost answers, 429 and 503 are tried again with back-off.
    Safe,
    /// It changes something: only a 429 (refused before anything was done) is tried again.
    Never,
}

/// What to do with an answer that redirects; none is ever followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Redirect {
    /// It is an error that names the base URL to use instead.
    #[default]
    Refuse,
    /// It is an answer like any other: admin forms say so that they saved. A redirect to the server's own sign-in page is
    /// still an error.
    Return,
}

/// A body to send; its contents are never printed.
#[derive(Clone)]
pub enum Body {
    /// None.
    Empty,
    /// `application/json`.
    Json(serde_json::Value),
    /// `application/x-www-form-urlencoded`.
    Form(Vec<(String, String)>),
    /// Anything else, with its `Content-Type`.
    Raw {
        /// The media type.
        content_type: String,
        /// The bytes.
        bytes: Vec<u8>,
    },
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "Empty",
            Self::Json(_) => "Json(..)",
            Self::Form(_) => "Form(..)",
            Self::Raw { .. } => "Raw(..)",
        })
    }
}

/// One request below the base URL.
#[derive(Clone)]
pub struct Request {
    /// `GET`, `PUT`, ...
    pub method: Cow<'static, str>,
    /// Relative to the base URL, no leading slash needed, may carry a query.
    pub path: String,
    /// Further headers. A request with its own `Authorization` is never repeated: a signature is good for one use.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Body,
    /// Whether it may be repeated.
    pub repeat: Repeat,
    /// What to do with an answer that redirects.
    pub redirect: Redirect,
}

impl Request {
    fn new(method: &'static str, path: impl Into<String>, body: Body, repeat: Repeat) -> Self {
        Self {
            method: method.into(),
            path: path.into(),
            headers: Vec::new(),
            body,
            repeat,
            redirect: Redirect::Refuse,
        }
    }

    /// A `GET`, which may be repeated.
    pub fn get(path: impl Into<String>) -> Self {
        Self::new("GET", path, Body::Empty, Repeat::Safe)
    }

    /// A `PUT` of JSON, which may not be repeated.
    pub fn put_json(path: impl Into<String>, value: serde_json::Value) -> Self {
        Self::new("PUT", path, Body::Json(value), Repeat::Never)
    }

    /// A `POST` of JSON, which may not be repeated.
    pub fn post_json(path: impl Into<String>, value: serde_json::Value) -> Self {
        Self::new("POST", path, Body::Json(value), Repeat::Never)
    }

    /// A `POST` of form fields, which may not be repeated.
    pub fn post_form(path: impl Into<String>, fields: Vec<(String, String)>) -> Self {
        Self::new("POST", path, Body::Form(fields), Repeat::Never)
    }

    /// A `DELETE`, which may not be repeated.
    pub fn delete(path: impl Into<String>) -> Self {
        Self::new("DELETE", path, Body::Empty, Repeat::Never)
    }

    /// The same with one more header.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// The same, with redirects returned.
    #[must_use]
    pub fn returning_redirects(mut self) -> Self {
        self.redirect = Redirect::Return;
        self
    }

    /// `METHOD path`, without the query: for messages.
    pub(crate) fn what(&self) -> String {
        let path = self.path.split('?').next().unwrap_or_default();
        format!("{} {}", self.method, path.trim_start_matches('/'))
    }

    pub(crate) fn has_header(&self, name: &str) -> bool {
        self.headers
            .iter()
            .any(|(given, _)| given.eq_ignore_ascii_case(name))
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("what", &self.what())
            .field("body", &self.body)
            .field("repeat", &self.repeat)
            .field("redirect", &self.redirect)
            .finish_non_exhaustive()
    }
}

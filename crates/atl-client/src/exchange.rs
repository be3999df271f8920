//! One request on the wire and its answer.

use std::{
    io::{self, Read as _},
    time::{Duration, Instant, SystemTime},
};

use reqwest::{
    Method,
    blocking::Client as Http,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, COOKIE, HeaderMap, HeaderName, HeaderValue},
};
use url::Url;

use crate::{
    Body, ClientError, ConnectionFault, Request, Response, Secrets, ServerConfig, Unreadable,
    redact,
};

/// The longest body that is read.
pub(crate) const LONGEST_BODY: usize = 8 * 1024 * 1024;

/// A request with everything that goes with it.
pub(crate) struct Exchange<'a> {
    pub(crate) config: &'a ServerConfig,
    pub(crate) request: &'a Request,
    pub(crate) url: &'a Url,
    /// What is not shown where the answer repeats it.
    pub(crate) secrets: Secrets,
    /// `Authorization` of the signed-in account.
    pub(crate) authorization: Option<HeaderValue>,
    /// `Cookie` of its session.
    pub(crate) cookie: Option<HeaderValue>,
}

impl Exchange<'_> {
    /// Sends once and reads the whole answer, all within `time`.
    pub(crate) fn run(&self, http: &Http, time: Duration) -> Result<Response, ClientError> {
        let started = Instant::now();
        let method = Method::from_bytes(self.request.method.as_bytes())
            .map_err(|_| self.invalid("method"))?;
        let headers = self.headers()?;
        self.trace_request(&headers);
        let body = match &self.request.body {
            Body::Empty => Vec::new(),
            Body::Json(value) => value.to_string().into_bytes(),
            Body::Form(fields) => url::form_urlencoded::Serializer::new(String::new())
                .extend_pairs(fields)
                .finish()
                .into_bytes(),
            Body::Raw { bytes, .. } => bytes.clone(),
        };
        let mut call = http
            .request(method.clone(), self.url.clone())
            .headers(headers)
            .timeout(time);
        if method != Method::GET || !body.is_empty() {
            call = call.body(body);
        }
        let answer = call.send().map_err(|source| self.failed(source, started))?;
        let status = answer.status().as_u16();
        let headers = readable(answer.headers());
        let body = self.read(answer, started)?;
        let response = Response {
            status,
            headers,
            body,
            what: self.request.what(),
            server: self.config.name.clone(),
            secrets: self.secrets.clone(),
        };
        self.trace_response(&response, started);
        Ok(response)
    }

    fn headers(&self) -> Result<HeaderMap, ClientError> {
        let mut headers = HeaderMap::new();
        if !self.request.has_header("accept") {
            headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        }
        if self.request.method != "GET" {
            headers.insert("x-atlassian-token", HeaderValue::from_static("no-check"));
        }
        let content_type = match &self.request.body {
            Body::Empty => None,
            Body::Json(_) => Some("application/json"),
            Body::Form(_) => Some("application/x-www-form-urlencoded"),
            Body::Raw { content_type, .. } => Some(content_type.as_str()),
        };
        if let Some(content_type) = content_type {
            let value =
                HeaderValue::from_str(content_type).map_err(|_| self.invalid("content type"))?;
            headers.insert(CONTENT_TYPE, value);
        }
        for (name, value) in &self.request.headers {
            let header =
                HeaderName::from_bytes(name.as_bytes()).map_err(|_| self.invalid("header name"))?;
            let mut value = HeaderValue::from_str(value)
                .map_err(|_| self.invalid(&format!("header `{header}`")))?;
            value.set_sensitive(header == AUTHORIZATION || header == COOKIE);
            headers.insert(header, value);
        }
        for (name, value) in [(AUTHORIZATION, &self.authorization), (COOKIE, &self.cookie)] {
            if let Some(mut value) = value.clone() {
                value.set_sensitive(true);
                headers.insert(name, value);
            }
        }
        Ok(headers)
    }

    /// Reads no more of the body than is allowed.
    fn read(
        &self,
        answer: reqwest::blocking::Response,
        started: Instant,
    ) -> Result<Vec<u8>, ClientError> {
        let mut body = Vec::new();
        match answer.take(LONGEST_BODY as u64 + 1).read_to_end(&mut body) {
            Ok(_) if body.len() > LONGEST_BODY => Err(self.unreadable(Unreadable::TooLarge {
                limit: LONGEST_BODY,
            })),
            Ok(_) => Ok(body),
            Err(error) => match io_cause(error) {
                Some(source) => Err(self.failed(source, started)),
                None => Err(self.unreadable(Unreadable::Encoding)),
            },
        }
    }

    fn failed(&self, source: reqwest::Error, started: Instant) -> ClientError {
        let connecting = source.is_connect();
        let fault = ConnectionFault::of(
            &source,
            connecting,
            source.is_timeout(),
            self.config.proxy.is_some(),
        );
        tracing::debug!(
            target: "atl::http",
            server = %self.config.name,
            method = self.request.method,
            url = %redact::url(self.url),
            error = %fault,
            ms = milliseconds(started),
        );
        if fault == ConnectionFault::Encoding {
            return self.unreadable(Unreadable::Encoding);
        }
        ClientError::Connection {
            server: self.config.name.as_str().into(),
            base_url: self.config.base_url.as_str().into(),
            what: self.request.what().into(),
            fault,
            sent: !connecting && fault != ConnectionFault::ClientCertificate,
            source: source.without_url(),
        }
    }

    fn invalid(&self, part: &str) -> ClientError {
        ClientError::InvalidRequest {
            server: self.config.name.as_str().into(),
            what: self.request.what().into(),
            part: part.into(),
        }
    }

    fn unreadable(&self, why: Unreadable) -> ClientError {
        ClientError::Unreadable {
            server: self.config.name.as_str().into(),
            what: self.request.what().into(),
            why,
        }
    }

    fn trace_request(&self, headers: &HeaderMap) {
        for (name, value) in readable(headers) {
            tracing::trace!(target: "atl::http", server = %self.config.name, header = %name, value = %redact::header(&name, &value), "sent");
        }
    }

    fn trace_response(&self, response: &Response, started: Instant) {
        tracing::debug!(
            target: "atl::http",
            server = %self.config.name,
            method = self.request.method,
            url = %redact::url(self.url),
            status = response.status,
            ms = milliseconds(started),
        );
        tracing::trace!(target: "atl::http", server = %self.config.name, bytes = response.body.len(), "received");
        for (name, value) in &response.headers {
            let value = self.secrets.hide(&redact::header(name, value));
            tracing::trace!(target: "atl::http", server = %self.config.name, header = %name, %value, "received");
        }
    }
}

/// How far the server's clock is ahead of ours, in seconds, by the `Date` of its answer.
pub(crate) fn clock_skew(response: &Response) -> Option<i64> {
    let date = response.header_values("date").first().copied()?;
    let theirs = httpdate::parse_http_date(date).ok()?;
    let seconds = |time: SystemTime| {
        let since = time.duration_since(SystemTime::UNIX_EPOCH).ok()?;
        i64::try_from(since.as_secs()).ok()
    };
    Some(seconds(theirs)? - seconds(SystemTime::now())?)
}

fn readable(headers: &HeaderMap) -> Vec<(String, String)> {
    let pairs = headers.iter();
    pairs
        .map(|(name, value)| {
            (
                name.as_str().to_owned(),
                String::from_utf8_lossy(value.as_bytes()).into_owned(),
            )
        })
        .collect()
}

/// The HTTP error inside an I/O error.
fn io_cause(error: io::Error) -> Option<reqwest::Error> {
    error.into_inner()?.downcast().ok().map(|inner| *inner)
}

fn milliseconds(started: Instant) -> u64 {
    u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX)
}

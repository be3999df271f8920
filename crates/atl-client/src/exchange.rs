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
    Body, ClientError, ConnectionFault, Incoming, Request, Response, Secrets, ServerConfig,
    Unreadable, redact,
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
        let answer = self.call(http, Some(time), started)?;
        let mut response = self.head(&answer);
        response.body = self.read(answer, started)?;
        self.trace_response(&response, started);
        tracing::trace!(target: "atl::http", server = %self.config.name, bytes = response.body.len(), "received");
        Ok(response)
    }

    /// Sends once. The time of one request holds for the head of the answer, and anew for each piece of its body.
    pub(crate) fn open(&self, http: &Http) -> Result<Incoming, ClientError> {
        let started = Instant::now();
        let answer = self.call(http, None, started)?;
        let head = self.head(&answer);
        self.trace_response(&head, started);
        Incoming::new(head, answer, self.origin(), started)
    }

    fn call(
        &self,
        http: &Http,
        time: Option<Duration>,
        started: Instant,
    ) -> Result<reqwest::blocking::Response, ClientError> {
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
        let bodiless = matches!(method, Method::GET | Method::HEAD);
        let mut call = http.request(method, self.url.clone()).headers(headers);
        if let Some(time) = time {
            call = call.timeout(time);
        }
        if !bodiless || !body.is_empty() {
            call = call.body(body);
        }
        call.send()
            .map_err(|source| self.origin().failed(source, started))
    }

    /// The answer without its body.
    fn head(&self, answer: &reqwest::blocking::Response) -> Response {
        Response {
            status: answer.status().as_u16(),
            headers: readable(answer.headers()),
            body: Vec::new(),
            what: self.request.what(),
            server: self.config.name.clone(),
            secrets: self.secrets.clone(),
        }
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
        let mut given = HeaderMap::new();
        for (name, value) in &self.request.headers {
            let header =
                HeaderName::from_bytes(name.as_bytes()).map_err(|_| self.invalid("header name"))?;
            let mut value = HeaderValue::from_str(value)
                .map_err(|_| self.invalid(&format!("header `{header}`")))?;
            value.set_sensitive(header == AUTHORIZATION || header == COOKIE);
            given.append(header, value);
        }
        // What was given takes the place of a default, and may be given more than once.
        headers.extend(given);
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
            Ok(_) if body.len() > LONGEST_BODY => {
                Err(self.origin().unreadable(Unreadable::TooLarge {
                    limit: LONGEST_BODY,
                }))
            }
            Ok(_) => Ok(body),
            Err(error) => Err(self.origin().broken(error, started)),
        }
    }

    fn origin(&self) -> Origin {
        Origin {
            server: self.config.name.clone(),
            base_url: self.config.base_url.as_str().to_owned(),
            method: self.request.method.clone().into_owned(),
            what: self.request.what(),
            url: redact::url(self.url),
            proxied: self.config.proxy.is_some(),
        }
    }

    fn invalid(&self, part: &str) -> ClientError {
        ClientError::InvalidRequest {
            server: self.config.name.as_str().into(),
            what: self.request.what().into(),
            part: part.into(),
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
            method = &*self.request.method,
            url = %redact::url(self.url),
            status = response.status,
            ms = milliseconds(started),
        );
        for (name, value) in &response.headers {
            let value = self.secrets.hide(&redact::header(name, value));
            tracing::trace!(target: "atl::http", server = %self.config.name, header = %name, %value, "received");
        }
    }
}

/// Where an answer comes from, for the errors of those who read it.
pub(crate) struct Origin {
    server: String,
    base_url: String,
    pub(crate) method: String,
    what: String,
    url: String,
    proxied: bool,
}

impl Origin {
    /// The error of a request that got no answer.
    fn failed(&self, source: reqwest::Error, started: Instant) -> ClientError {
        let connecting = source.is_connect();
        let fault = ConnectionFault::of(&source, connecting, source.is_timeout(), self.proxied);
        tracing::debug!(
            target: "atl::http",
            server = %self.server,
            method = self.method.as_str(),
            url = %self.url,
            error = %fault,
            ms = milliseconds(started),
        );
        if fault == ConnectionFault::Encoding {
            return self.unreadable(Unreadable::Encoding);
        }
        ClientError::Connection {
            server: self.server.as_str().into(),
            base_url: self.base_url.as_str().into(),
            what: self.what.as_str().into(),
            fault,
            sent: !connecting && fault != ConnectionFault::ClientCertificate,
            source: source.without_url(),
        }
    }

    /// The error of a body that broke off.
    pub(crate) fn broken(&self, error: io::Error, started: Instant) -> ClientError {
        match io_cause(error) {
            Some(source) => self.failed(source, started),
            None => self.unreadable(Unreadable::Encoding),
        }
    }

    fn unreadable(&self, why: Unreadable) -> ClientError {
        ClientError::Unreadable {
            server: self.server.as_str().into(),
            what: self.what.as_str().into(),
            why,
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

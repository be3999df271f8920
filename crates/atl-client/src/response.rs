//! An answer, and what can be wrong with its body.

use std::fmt;

use serde::de::DeserializeOwned;

use crate::{ClientError, Secrets, message::message};

/// An answer, whatever its status; redirects, refused sign-ins, CAPTCHA, websudo and rate limits never get here.
/// Body and header values are never printed.
#[derive(Clone)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Header names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, capped.
    pub body: Vec<u8>,
    /// `METHOD path`, for error messages.
    pub what: String,
    /// The server's name, for error messages.
    pub server: String,
    /// What was sent and is not shown where it comes back.
    pub secrets: Secrets,
}

/// What is wrong with the body of a good answer. What the body holds is not repeated: it may be a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unreadable {
    /// A page.
    #[error("it is an HTML page{}", title.as_ref().map(|title| format!(" titled `{title}`")).unwrap_or_default())]
    Html {
        /// Its title.
        title: Option<Box<str>>,
    },
    /// No JSON.
    #[error("it is not JSON")]
    NotJson,
    /// JSON that ends early.
    #[error("the JSON ends early")]
    TruncatedJson,
    /// JSON of another shape.
    #[error("the JSON has an unexpected shape at `{path}`")]
    Shape {
        /// Where.
        path: Box<str>,
    },
    /// More than we read.
    #[error("it is longer than {limit} bytes")]
    TooLarge {
        /// The cap.
        limit: usize,
    },
    /// A compressed body that does not unpack.
    #[error("it cannot be decompressed")]
    Encoding,
}

impl Response {
    /// All values of a header.
    pub fn header_values<'a>(&'a self, name: &str) -> Vec<&'a str> {
        let of_name = self
            .headers
            .iter()
            .filter(|(given, _)| given.eq_ignore_ascii_case(name));
        of_name.map(|(_, value)| value.as_str()).collect()
    }

    /// The usual words for the status; servers no longer send their own.
    pub fn reason(&self) -> Option<&'static str> {
        reqwest::StatusCode::from_u16(self.status)
            .ok()?
            .canonical_reason()
    }

    /// The body as text, invalid UTF-8 replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The JSON body of a 2xx answer; anything else is a typed error.
    ///
    /// # Errors
    /// As [`Self::success`], and [`ClientError::Unreadable`] where the body is not the JSON that was due.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, ClientError> {
        self.check()?;
        self.parse().map_err(|why| ClientError::Unreadable {
            server: self.server.as_str().into(),
            what: self.what.as_str().into(),
            why,
        })
    }

    /// This answer where it is 2xx, else the typed error for it.
    ///
    /// # Errors
    /// [`ClientError::Status`] for any other status.
    pub fn success(self) -> Result<Self, ClientError> {
        self.check()?;
        Ok(self)
    }

    /// What an error body says, on one line and short, control characters and secrets removed (protocol.md 1.3).
    pub fn message(&self) -> Option<String> {
        message(&self.body, &self.secrets)
    }

    /// Whether this is the answer of 5.2: Basic authentication is off, and the credentials were not looked at.
    pub fn says_basic_is_disabled(&self) -> bool {
        self.status == 403 && {
            let text = self.text().to_lowercase();
            text.contains("basic auth") && text.contains("disabled")
        }
    }

    /// Whether the body is a page.
    pub(crate) fn is_html(&self) -> bool {
        let declared = self
            .header_values("content-type")
            .iter()
            .any(|value| value.contains("html"));
        declared || self.body.trim_ascii_start().starts_with(b"<")
    }

    fn check(&self) -> Result<(), ClientError> {
        if (200..300).contains(&self.status) {
            return Ok(());
        }
        Err(ClientError::Status {
            server: self.server.as_str().into(),
            what: self.what.as_str().into(),
            status: self.status,
            basic_disabled: self.says_basic_is_disabled(),
            message: self.message().map(Into::into),
        })
    }

    pub(crate) fn parse<T: DeserializeOwned>(&self) -> Result<T, Unreadable> {
        if self.is_html() {
            return Err(Unreadable::Html {
                title: self.message().map(Into::into),
            });
        }
        let mut reader = serde_json::Deserializer::from_slice(&self.body);
        let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
            let path = self.secrets.hide(&error.path().to_string()).into();
            match error.inner().classify() {
                serde_json::error::Category::Data => Unreadable::Shape { path },
                serde_json::error::Category::Eof => Unreadable::TruncatedJson,
                _ => Unreadable::NotJson,
            }
        })?;
        reader.end().map_err(|_| Unreadable::NotJson)?;
        Ok(value)
    }
}

impl AsRef<Self> for Response {
    fn as_ref(&self) -> &Self {
        self
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("server", &self.server)
            .field("what", &self.what)
            .field("status", &self.status)
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

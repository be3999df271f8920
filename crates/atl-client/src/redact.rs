//! What of a request may be logged, and of an answer shown.

use std::{fmt, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use secrecy::{ExposeSecret as _, SecretString};
use url::{Url, form_urlencoded};
use zeroize::Zeroizing;

use crate::{Credentials, ServerConfig};

const HIDDEN: &str = "[redacted]";

/// Parameters that are secrets or good for impersonation.
const SECRET_PARAMETERS: &[&str] = &[
    "oauth_signature",
    "oauth_signature_base_string",
    "oauth_token",
    "oauth_verifier",
    "atl_token",
    "os_password",
    "j_password",
    "password",
    "al_password",
    "token",
    "access_token",
    "refresh_token",
    "code",
];

/// The secrets that a client sends to its server, which may come back in an error body.
#[derive(Clone, Default)]
pub struct Secrets(Arc<[SecretString]>);

impl Secrets {
    /// Password or token as they are, as a form carries them and as Basic authentication does. A password that is the
    /// user name hides nothing, and every message that names the user would lose the name.
    pub(crate) fn of(config: &ServerConfig) -> Self {
        let mut forms = Vec::new();
        let mut add = |secret: &str| {
            let encoded = form_urlencoded::byte_serialize(secret.as_bytes()).collect::<String>();
            forms.extend([SecretString::from(secret), encoded.into()]);
        };
        match &config.credentials {
            Credentials::Anonymous => {}
            Credentials::Password {
                username, password, ..
            } => {
                let password = password.expose_secret();
                let pair = Zeroizing::new(format!("{username}:{password}"));
                add(&Zeroizing::new(STANDARD.encode(pair.as_bytes())));
                if password != username {
                    add(password);
                }
            }
            Credentials::Token { token, .. } => add(token.expose_secret()),
        }
        if let Some(password) = config.proxy.as_ref().and_then(Url::password) {
            add(password);
        }
        forms.retain(|form| !form.expose_secret().is_empty());
        Self(forms.into())
    }

    /// The same with one more, however often it is encoded: an answer may repeat it inside a signature base string.
    #[must_use]
    pub fn and(&self, secret: &SecretString) -> Self {
        let mut forms = self.0.to_vec();
        let mut form = Zeroizing::new(secret.expose_secret().to_owned());
        for _ in 0..3 {
            forms.push(SecretString::from(form.as_str()));
            form = Zeroizing::new(form_urlencoded::byte_serialize(form.as_bytes()).collect());
        }
        forms.retain(|form| !form.expose_secret().is_empty());
        Self(forms.into())
    }

    /// The text with every secret hidden.
    pub fn hide(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, secret| {
            text.replace(secret.expose_secret(), HIDDEN)
        })
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

/// A URL without credentials and with secret parameters hidden.
pub(crate) fn url(url: &Url) -> String {
    let mut shown = url.clone();
    let _ = shown.set_username("");
    let _ = shown.set_password(None);
    shown.set_fragment(None);
    if let Some(query) = url.query() {
        let parts: Vec<String> = query.split('&').map(parameter).collect();
        shown.set_query(Some(&parts.join("&")));
    }
    shown.into()
}

fn parameter(part: &str) -> String {
    match part.split_once('=') {
        Some((name, _)) if is_secret(name) => format!("{name}={HIDDEN}"),
        _ => part.to_owned(),
    }
}

fn cookie(pair: &str) -> String {
    let name = pair.split('=').next().unwrap_or_default();
    format!("{name}={HIDDEN}")
}

fn is_secret(name: &str) -> bool {
    SECRET_PARAMETERS
        .iter()
        .any(|secret| secret.eq_ignore_ascii_case(name.trim()))
}

/// A header value with secrets hidden.
pub(crate) fn header(name: &str, value: &str) -> String {
    match name.to_ascii_lowercase().as_str() {
        "authorization" | "www-authenticate" if value.starts_with("OAuth ") => {
            let parts = value["OAuth ".len()..].split(',');
            let shown: Vec<String> = parts.map(|part| parameter(part.trim())).collect();
            format!("OAuth {}", shown.join(", "))
        }
        "authorization" | "proxy-authorization" => {
            let scheme = value.split(' ').next().unwrap_or_default();
            format!("{scheme} {HIDDEN}")
        }
        "cookie" => {
            let shown: Vec<String> = value.split(';').map(|pair| cookie(pair.trim())).collect();
            shown.join("; ")
        }
        "set-cookie" => match value.split_once(';') {
            Some((pair, attributes)) => format!("{};{attributes}", cookie(pair)),
            None => cookie(value),
        },
        "location" => value.split('?').next().unwrap_or_default().to_owned(),
        _ => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_hidden_in_headers() {
        #[track_caller]
        fn check(name: &str, value: &str, expected: &str) {
            assert_eq!(header(name, value), expected);
        }
        check(
            "Authorization",
            "Basic YWRtaW46aHVudGVyMg==",
            "Basic [redacted]",
        );
        check("authorization", "Bearer hunter2", "Bearer [redacted]");
        check(
            "authorization",
            r#"OAuth oauth_consumer_key="bot", oauth_token="hunter2", oauth_signature="hunter2""#,
            r#"OAuth oauth_consumer_key="bot", oauth_token=[redacted], oauth_signature=[redacted]"#,
        );
        check(
            "set-cookie",
            "JSESSIONID=hunter2; Path=/; HttpOnly",
            "JSESSIONID=[redacted]; Path=/; HttpOnly",
        );
        check(
            "location",
            "/login.jsp?os_destination=hunter2",
            "/login.jsp",
        );
        check("retry-after", "3", "3");
    }

    #[test]
    fn secrets_are_hidden_in_urls() {
        let full = Url::parse(
            "https://me:hunter2@e.com/x?a=1&oauth_token=hunter2&atl_token=hunter2#hunter2",
        )
        .unwrap();
        assert_eq!(
            url(&full),
            "https://e.com/x?a=1&oauth_token=[redacted]&atl_token=[redacted]"
        );
    }
}

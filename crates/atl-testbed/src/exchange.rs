//! The log of exchanges, which holds no secret.

use hyper::HeaderMap;

use crate::call::Call;

/// How a caller proved who he is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthenticatedBy {
    /// Not at all: anonymous.
    Nothing,
    /// A user name and a password sent along.
    Basic,
    /// A session cookie.
    Session,
    /// A personal access token.
    AccessToken,
    /// A signed request.
    OAuth,
}

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To sign in, elevate, sign out or ask who is signed in; and what was refused for want of these.
    SignIn,
    /// To look.
    Read,
    /// To change something.
    Write,
    /// To be given a token, which proves a key.
    Token,
}

/// One request and what became of it.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// The method.
    pub method: String,
    /// The path, without the context path.
    pub path: String,
    /// The raw query, passwords masked.
    pub query: String,
    /// The status of the answer; 0 if the connection was reset before there was one.
    pub status: u16,
    /// The user, or `None` for the anonymous.
    pub user: Option<String>,
    /// How the user was authenticated.
    pub authenticated_by: AuthenticatedBy,
    /// The request's headers; of `Authorization` only the scheme, of `Cookie` only the names.
    pub headers: Vec<(String, String)>,
    /// The request's body; empty where it carries a password or a token.
    pub body: String,
    /// Which node answered: 1, or 2 in two-node mode.
    pub node: usize,
}

impl Exchange {
    pub(crate) fn of(call: &Call) -> Self {
        Self {
            method: call.method.clone(),
            path: call.path.clone(),
            query: masked_query(&call.raw_query),
            status: 0,
            user: None,
            authenticated_by: AuthenticatedBy::Nothing,
            headers: masked_headers(&call.headers),
            body: if carries_secret(call) {
                String::new()
            } else {
                String::from_utf8_lossy(&call.body).into_owned()
            },
            node: call.node + 1,
        }
    }

    /// The value of a request header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// What it is for.
    pub fn purpose(&self) -> Purpose {
        let signed = self
            .header("authorization")
            .is_some_and(|value| value.starts_with("OAuth"));
        let asks_who = self.path == "/plugins/servlet/applinks/whoami";
        let refused = matches!(self.status, 401 | 403);
        if is_token(&self.path) {
            Purpose::Token
        } else if is_sign_in(&self.path) || (!signed && (asks_who || refused)) {
            Purpose::SignIn
        } else if self.is_write() {
            Purpose::Write
        } else {
            Purpose::Read
        }
    }

    /// Whether this is a request to change something: not a read, not a sign-in, an elevation or a sign-out, not a
    /// request for a token.
    pub fn is_write(&self) -> bool {
        is_write(&self.method, &self.path)
    }
}

/// Whether a request of this method and path would change something.
pub(crate) fn is_write(method: &str, path: &str) -> bool {
    let searches = path.ends_with("/tokens/search");
    let changes = matches!(method, "PUT" | "DELETE") || (method == "POST" && !searches);
    changes && !is_sign_in(path) && !is_token(path)
}

/// Sign-in, elevation and sign-out (protocol.md 5.1 and 5.3).
fn is_sign_in(path: &str) -> bool {
    const PATHS: &[&str] = &[
        "/rest/auth/",
        "/rest/tsv/",
        "/login",
        "/dologin.action",
        "/j_atl_security_check",
        "/j_atl_security_logout",
        "/userlogin",
        "/userLogout",
        "/logout",
        "/authenticate.action",
        "/secure/admin/WebSudoAuthenticate",
        "/doauthenticate.action",
        "/admin/webSudoSubmit.action",
    ];
    PATHS.iter().any(|known| path.starts_with(known))
}

fn is_token(path: &str) -> bool {
    ["/request-token", "/access-token"]
        .iter()
        .any(|known| path == format!("/plugins/servlet/oauth{known}"))
}

fn carries_secret(call: &Call) -> bool {
    is_sign_in(&call.path) || call.path.starts_with("/plugins/servlet/oauth/") || {
        let body = String::from_utf8_lossy(&call.body).to_ascii_lowercase();
        ["password", "sharedsecret", "oauth_signature"]
            .iter()
            .any(|word| body.contains(word))
    }
}

fn masked_query(query: &str) -> String {
    let mask = |pair: &str| match pair.split_once('=') {
        Some((name, value))
            if name.contains("password")
                || ["token", "oauth_token", "oauth_signature"].contains(&name)
                || value.contains("oauth_token") =>
        {
            format!("{name}=***")
        }
        _ => pair.to_owned(),
    };
    if query.is_empty() {
        String::new()
    } else {
        query.split('&').map(mask).collect::<Vec<_>>().join("&")
    }
}

fn masked_headers(headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes());
            let shown = match name.as_str() {
                "authorization" => format!("{} ***", value.split(' ').next().unwrap_or_default()),
                "cookie" => value
                    .split(';')
                    .map(|cookie| {
                        format!(
                            "{}=***",
                            cookie.split('=').next().unwrap_or_default().trim()
                        )
                    })
                    .collect::<Vec<_>>()
                    .join("; "),
                "referer" if value.contains("oauth_token") => "***".to_owned(),
                _ => value.into_owned(),
            };
            (name.as_str().to_owned(), shown)
        })
        .collect()
}

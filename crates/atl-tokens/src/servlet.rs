//! The servlet of a user's access tokens: GET lists them, POST revokes one (protocol.md 3.1, 3.2).

use atl_client::{Client, Request, Response};
use atl_oauth::token_id;
use secrecy::{ExposeSecret as _, SecretString};

use crate::{
    PageRow, RedactedPage, Strange, TokensError,
    error::Unexpected,
    page::{self, title},
};

const ACCESS_TOKENS: &str = "plugins/servlet/oauth/users/access-tokens";

/// In English, as far as it depends on who asks and not on whose page it is.
pub(crate) fn list() -> Request {
    Request::get(ACCESS_TOKENS)
        .header("Accept", "text/html")
        .header("Accept-Language", "en")
}

pub(crate) fn revocation(token: &SecretString) -> Request {
    let fields = vec![("token".to_owned(), token.expose_secret().to_owned())];
    Request::post_form(ACCESS_TOKENS, fields)
}

/// The page where a person can do the same.
pub(crate) fn page_url(client: &Client) -> Box<str> {
    client.base_url().join(ACCESS_TOKENS).as_str().into()
}

/// The grants that an answer of 2xx lists.
pub(crate) fn understood(client: &Client, answer: &Response) -> Result<Vec<PageRow>, TokensError> {
    let html = answer.text();
    page::read(&html).map_err(|saw| TokensError::NotUnderstood {
        server: client.server().into(),
        page: page_url(client),
        saw: match saw {
            Strange::Other { title } => Strange::Other {
                title: title.map(|title| answer.secrets.hide(&title)),
            },
            saw => saw,
        },
        redacted: RedactedPage::of(&answer.secrets.hide(&html)),
    })
}

/// 200 with nothing means that it is revoked; nothing else does.
pub(crate) fn judge(
    client: &Client,
    response: &Response,
    token: &SecretString,
) -> Result<(), TokensError> {
    let text = response.text();
    let body = text.trim();
    if response.status == 200 && body.is_empty() {
        return Ok(());
    }
    let hide = |title: String| {
        let shown = response.secrets.hide(&title);
        shown.replace(token.expose_secret(), "[redacted]")
    };
    Err(TokensError::NotRevoked {
        server: client.server().into(),
        id: token_id(token).into(),
        page: page_url(client),
        status: response.status,
        got: if body.starts_with('<') {
            Unexpected::Page {
                title: title(body).map(hide),
            }
        } else if body.is_empty() {
            Unexpected::Nothing
        } else {
            Unexpected::Text
        },
    })
}

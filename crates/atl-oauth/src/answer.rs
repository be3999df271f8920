//! What an answer is that names no problem.

use atl_client::Response;

use crate::{
    error::{OauthError, Unclear},
    header,
};

/// Why a refusal without `oauth_problem` says nothing.
pub(crate) fn refusal(response: &Response) -> Unclear {
    match response.status {
        401 | 403 if is_challenged(response) => Unclear::Unexplained,
        401 | 403 if is_page(response) => Unclear::Page,
        401 | 403 => Unclear::NoChallenge,
        500.. => Unclear::Failing,
        _ => Unclear::Status,
    }
}

/// The error of an answer that says nothing.
pub(crate) fn unclear(response: &Response, reason: Unclear) -> OauthError {
    OauthError::Unclear {
        server: response.server.clone(),
        what: response.what.clone(),
        status: response.status,
        reason,
    }
}

/// Whether it carries an OAuth challenge, with or without a problem.
pub(crate) fn is_challenged(response: &Response) -> bool {
    response
        .header_values("www-authenticate")
        .into_iter()
        .any(|value| header::read(value).is_some())
}

/// One line of text without markup, or nothing. What says that it is anything but `text/plain` is no user name either.
pub(crate) fn is_user(response: &Response, body: &str) -> bool {
    let plain = content_types(response).all(|value| value.starts_with("text/plain"));
    plain
        && body.chars().count() <= 255
        && !body.chars().any(|c| c.is_control() || "<>{}".contains(c))
}

/// Whether it is a page for people.
pub(crate) fn is_page(response: &Response) -> bool {
    content_types(response).any(|value| value.contains("html"))
        || response.text().trim_start().starts_with('<')
}

fn content_types(response: &Response) -> impl Iterator<Item = String> {
    response
        .header_values("content-type")
        .into_iter()
        .map(str::to_ascii_lowercase)
}

//! What must not be among the parameters of a call that is signed.

use percent_encoding::percent_decode_str;

use atl_oauth::rfc5849::{self, Parameter};

/// The parameters that signing adds; servers refuse a call that has one of them twice (protocol.md 2.6).
const SIGNED_WITH: [&str; 7] = [
    "oauth_consumer_key",
    "oauth_nonce",
    "oauth_signature",
    "oauth_signature_method",
    "oauth_timestamp",
    "oauth_token",
    "oauth_version",
];

/// The parameters that servers read as impersonation where a call is two-legged (protocol.md 2.8).
const IMPERSONATES: [&str; 2] = ["user_id", "xoauth_requestor_id"];

/// Why a parameter is not sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParameterError {
    /// One that signing adds.
    #[error("the parameter `{0}` is made by signing and cannot be given")]
    SignedWith(&'static str),
    /// One that impersonates, in a two-legged call.
    #[error("the server would read the parameter `{0}` of a two-legged call as impersonation")]
    Impersonates(&'static str),
    /// One without a name.
    #[error("a parameter has a value and no name, which servers do not read")]
    Nameless,
    /// A form that says it is written in another way.
    #[error("the form has the charset `{0}`, and signatures are made over UTF-8")]
    Charset(String),
    /// Bytes that are no text.
    #[error("the parameters are not UTF-8 once decoded, which is how servers read them")]
    NotUtf8,
}

impl ParameterError {
    /// What to do about it.
    pub(super) fn advice(&self) -> &'static str {
        match self {
            Self::SignedWith(_) => "leave it out",
            Self::Impersonates(_) => {
                "call as a stored grant, with `--as USER`; where impersonation is meant, use `--impersonate USER`"
            }
            Self::Nameless => "write `NAME=VALUE`",
            Self::Charset(_) => "write the form in UTF-8, and leave `charset` out",
            Self::NotUtf8 => "encode text as UTF-8, such as `%C3%A9` for `é`",
        }
    }
}

/// Reads a query or a form body as servers do.
pub(super) fn read(text: &str) -> Result<Vec<Parameter>, ParameterError> {
    if percent_decode_str(text).decode_utf8().is_err() {
        return Err(ParameterError::NotUtf8);
    }
    Ok(rfc5849::form_parameters(text))
}

/// Reads the body of a form.
pub(super) fn read_form(
    content_type: &str,
    bytes: &[u8],
) -> Result<Vec<Parameter>, ParameterError> {
    let charset = content_type
        .split(';')
        .filter_map(|part| part.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"))
        .map(|(_, value)| value.trim().trim_matches('"'));
    if let Some(other) = charset.filter(|charset| !charset.eq_ignore_ascii_case("utf-8")) {
        return Err(ParameterError::Charset(other.to_owned()));
    }
    read(str::from_utf8(bytes).map_err(|_| ParameterError::NotUtf8)?)
}

/// Refuses what would not arrive, or not as what it is.
pub(super) fn check(parameters: &[Parameter], two_legged: bool) -> Result<(), ParameterError> {
    let has = |name: &str| parameters.iter().any(|(given, _)| given == name);
    if has("") {
        return Err(ParameterError::Nameless);
    }
    if let Some(name) = SIGNED_WITH.into_iter().find(|name| has(name)) {
        return Err(ParameterError::SignedWith(name));
    }
    match IMPERSONATES.into_iter().find(|name| has(name)) {
        Some(name) if two_legged => Err(ParameterError::Impersonates(name)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_text(text: &str, two_legged: bool, expected: Option<&ParameterError>) {
        let found = read(text).and_then(|parameters| check(&parameters, two_legged));
        assert_eq!(found.as_ref().err(), expected, "{text}");
    }

    #[test]
    fn parameters_that_change_who_calls_are_refused() {
        let user_id = ParameterError::Impersonates("user_id");
        let requestor = ParameterError::Impersonates("xoauth_requestor_id");
        check_text("a=1&a=2&b&c=&&d=%2B+x", true, None);
        check_text("user_id=bob&xoauth_requestor_id=bob", false, None);
        check_text("a&user%5Fid=bob", true, Some(&user_id));
        check_text("xoauth_requestor_id", true, Some(&requestor));
        check_text("User_Id=bob&user_ids=1", true, None);
    }

    #[test]
    fn parameters_that_would_not_arrive_are_refused() {
        let token = ParameterError::SignedWith("oauth_token");
        check_text("a&oauth_token=hunter2", false, Some(&token));
        check_text("oauth_callback=oob", false, None);
        check_text("=x", false, Some(&ParameterError::Nameless));
        check_text("a=%E9", false, Some(&ParameterError::NotUtf8));
        check_text("a=%C3%A9", false, None);
    }
}

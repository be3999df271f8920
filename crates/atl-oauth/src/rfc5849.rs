//! The signature of RFC 5849, function by function: values in, values out.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use url::Url;

/// A decoded parameter: its name and its value.
pub type Parameter = (String, String);

/// Everything but the unreserved characters of RFC 3986, section 2.3.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Percent-encodes (RFC 5849, section 3.6): only unreserved characters stay, a space becomes `%20`.
pub fn percent_encode(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// Undoes [`percent_encode`]; `+` stays, invalid UTF-8 is replaced.
pub fn percent_decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// The parameters of a query or a form body, where `+` is a space (RFC 5849, section 3.4.1.3.1).
pub fn form_parameters(text: &str) -> Vec<Parameter> {
    url::form_urlencoded::parse(text.as_bytes())
        .into_owned()
        .collect()
}

/// Collects what is signed (RFC 5849, section 3.4.1.3.1): the query, the form body and the header's parameters, without
/// `realm` and without `oauth_signature`.
pub fn collect(url: &Url, form: &[Parameter], header: &[Parameter]) -> Vec<Parameter> {
    form_parameters(url.query().unwrap_or_default())
        .into_iter()
        .chain(form.iter().cloned())
        .chain(header.iter().filter(|(name, _)| name != "realm").cloned())
        .filter(|(name, _)| name != "oauth_signature")
        .collect()
}

/// Normalises parameters (RFC 5849, section 3.4.1.3.2): encoded, sorted by encoded name and then by encoded value,
/// repeated names kept.
pub fn normalise(parameters: &[Parameter]) -> String {
    let mut pairs: Vec<(String, String)> = parameters
        .iter()
        .map(|(name, value)| (percent_encode(name), percent_encode(value)))
        .collect();
    pairs.sort();
    let pairs: Vec<String> = pairs
        .into_iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    pairs.join("&")
}

/// The base string URI (RFC 5849, section 3.4.1.2): scheme and host in lower case, the default port of the scheme left
/// out, the whole path, no query. [`Url`] keeps the first two parts in that form already.
pub fn base_url(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    let port = url.port().map(|port| format!(":{port}"));
    let port = port.unwrap_or_default();
    format!("{}://{host}{port}{}", url.scheme(), url.path())
}

/// The signature base string (RFC 5849, section 3.4.1.1).
pub fn base_string(method: &str, url: &Url, parameters: &[Parameter]) -> String {
    format!(
        "{}&{}&{}",
        percent_encode(&method.to_ascii_uppercase()),
        percent_encode(&base_url(url)),
        percent_encode(&normalise(parameters))
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn encoding_round_trips(text in any::<String>()) {
            let encoded = percent_encode(&text);
            prop_assert_eq!(percent_decode(&encoded), text);
            prop_assert!(encoded.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~%".contains(&byte)));
        }

        #[test]
        fn the_order_of_parameters_does_not_matter(
            (parameters, shuffled) in prop::collection::vec(("[a-c%&=+ é]{0,3}", any::<String>()), 0..8)
                .prop_flat_map(|parameters| (Just(parameters.clone()), Just(parameters).prop_shuffle()))
        ) {
            let url = Url::parse("https://jira.example.com/jira/rest").unwrap();
            prop_assert_eq!(base_string("GET", &url, &parameters), base_string("GET", &url, &shuffled));
        }

        #[test]
        fn a_query_means_the_same_as_the_pairs_it_encodes(parameters in prop::collection::vec(any::<(String, String)>(), 0..6)) {
            let query = normalise(&parameters);
            let mut read = form_parameters(&query);
            let mut expected: Vec<Parameter> = parameters;
            read.sort();
            expected.sort();
            prop_assert_eq!(read, expected);
        }
    }
}

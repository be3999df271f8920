//! What is shown of a text that may hold a secret.

/// Any text: where it looks like a URL, without user and password.
pub(super) fn mask(text: &str) -> String {
    if text.contains("://") || (text.contains('@') && text.contains(':')) {
        mask_credentials(text)
    } else {
        text.to_owned()
    }
}

/// A URL without user and password, also where it is not quite a URL: after a `:` comes a `//` or a port, or else what
/// may be a password.
pub(super) fn mask_credentials(text: &str) -> String {
    let (scheme, rest) = text
        .split_once("://")
        .map_or(("", text), |(scheme, rest)| (scheme, rest));
    let masked = match rest.rsplit_once('@') {
        Some((_, host)) => format!("***@{host}"),
        None => rest.to_owned(),
    };
    let suspicious =
        |part: &str| !part.starts_with(|c: char| c.is_ascii_digit()) && !part.starts_with("${");
    let end = masked.find(['/', '?', '#']).unwrap_or(masked.len());
    let authority = masked
        .get(..end)
        .unwrap_or_default()
        .replace("${env:", "${");
    let masked = if !authority.starts_with('[') && authority.split(':').skip(1).any(suspicious) {
        "***".to_owned()
    } else {
        masked
    };
    if scheme.is_empty() {
        masked
    } else {
        format!("{scheme}://{masked}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_in_urls_are_masked() {
        for (text, expected) in [
            ("https://me:marker@host/x", "https://***@host/x"),
            ("https://me@host:8080", "https://***@host:8080"),
            ("http://me:mar/ker@host", "http://***@host"),
            ("http://me:mar?k#er@host", "http://***@host"),
            ("http://me:marker.host:80", "http://***"),
            ("http:/me:marker@host", "***@host"),
            ("me:marker host", "***"),
            ("https://host:8080/a:b", "https://host:8080/a:b"),
            ("https://[::1]:80/", "https://[::1]:80/"),
            ("host:3128", "host:3128"),
            (
                "https://${env:HOST}:${env:PORT}/x",
                "https://${env:HOST}:${env:PORT}/x",
            ),
            ("${env:URL}", "${env:URL}"),
            ("plain", "plain"),
        ] {
            assert_eq!(mask_credentials(text), expected, "{text}");
        }
    }

    #[test]
    fn a_text_is_masked_where_it_looks_like_a_url() {
        for (text, expected) in [
            ("http://me:marker@host", "http://***@host"),
            ("me:marker@host", "***@host"),
            ("label:prod", "label:prod"),
            ("me@host", "me@host"),
        ] {
            assert_eq!(mask(text), expected, "{text}");
        }
    }
}

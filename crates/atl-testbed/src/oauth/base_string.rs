//! The signature base string, as the server computes it (RFC 5849, section 3.4.1).

use super::message::Message;
use crate::call::Call;

/// Percent-encoding (RFC 5849, section 3.6): all but the unreserved, capital digits.
pub(crate) fn encode(text: &str) -> String {
    const HEX: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F',
    ];
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(HEX[usize::from(byte >> 4)]);
            out.push(HEX[usize::from(byte & 15)]);
        }
    }
    out
}

/// `name=value&...`, encoded.
pub(crate) fn form(pairs: &[(String, String)]) -> String {
    pairs
        .iter()
        .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
        .collect::<Vec<_>>()
        .join("&")
}

/// The URL that the container saw: not the configured base URL (protocol.md 2.6), but behind a proxy perhaps not the
/// one the client called either.
fn url(call: &Call, seen_as: Option<&str>) -> String {
    let called = format!(
        "{}://{}",
        call.scheme,
        call.header("host").unwrap_or_default()
    );
    let origin = seen_as.unwrap_or(&called).to_ascii_lowercase();
    let origin = match origin.split_once("://") {
        Some(("http", host)) => format!("http://{}", host.strip_suffix(":80").unwrap_or(host)),
        Some(("https", host)) => format!("https://{}", host.strip_suffix(":443").unwrap_or(host)),
        _ => origin,
    };
    format!("{origin}{}", call.raw_path)
}

/// The signature base string of a call.
pub(crate) fn base_string(call: &Call, message: &Message, seen_as: Option<&str>) -> String {
    let mut params: Vec<(String, String)> = message
        .0
        .iter()
        .filter(|(name, _)| name != "oauth_signature")
        .map(|(name, value)| (encode(name), encode(value)))
        .collect();
    params.sort();
    let params = params
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect::<Vec<_>>()
        .join("&");
    format!(
        "{}&{}&{}",
        call.method.to_ascii_uppercase(),
        encode(&url(call, seen_as)),
        encode(&params)
    )
}

#[cfg(test)]
mod tests {
    use hyper::Request;
    use hyper::body::Bytes;

    use super::*;
    use crate::call::Entrance;

    fn call(request: Request<&'static str>) -> Call {
        let (head, body) = request.into_parts();
        Call::new(
            "",
            Entrance {
                node: 0,
                scheme: "http",
            },
            &head,
            Bytes::from_static(body.as_bytes()),
        )
        .unwrap()
    }

    /// The example of RFC 5849, section 3.4.1.1, whose escape in the query is `%3D`.
    #[test]
    fn the_example_of_the_rfc() {
        let request = Request::post("/request?b5=%3D%253D&a3=a&c%40=&a2=r%20b")
            .header("host", "EXAMPLE.COM:80")
            .header("content-type", "application/x-www-form-urlencoded")
            .header(
                "authorization",
                r#"OAuth realm="Example", oauth_consumer_key="9djdj82h48djs9d2", oauth_token="kkk9d7dh3k39sjv7",
                   oauth_signature_method="HMAC-SHA1", oauth_timestamp="137131201", oauth_nonce="7d8f3e4a",
                   oauth_signature="bYT5CMsGcbgUdFHObYMEfcx6bsw%3D""#
                    .replace('\n', " "),
            )
            .body("c2&a3=2+q")
            .unwrap();
        let call = call(request);
        assert_eq!(
            base_string(&call, &Message::of(&call), None),
            "POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5%3D%253D%25253D%26c%25\
             40%3D%26c2%3D%26oauth_consumer_key%3D9djdj82h48djs9d2%26oauth_nonce%3D7d8f3e4a%26oauth_signature_method\
             %3DHMAC-SHA1%26oauth_timestamp%3D137131201%26oauth_token%3Dkkk9d7dh3k39sjv7"
        );
    }

    #[test]
    fn a_proxy_that_rewrites_shows() {
        let request = Request::get("/jira/rest?x=1")
            .header("host", "outside:8443")
            .body("")
            .unwrap();
        let call = call(request);
        assert_eq!(
            base_string(&call, &Message(vec![]), Some("https://Inside:443")),
            "GET&https%3A%2F%2Finside%2Fjira%2Frest&"
        );
    }

    #[test]
    fn a_json_body_is_not_signed_and_neither_is_the_form_of_a_put() {
        for (method, media_type) in [
            ("POST", "application/json"),
            ("PUT", "application/x-www-form-urlencoded"),
        ] {
            let request = Request::builder()
                .method(method)
                .uri("/x")
                .header("host", "a")
                .header("content-type", media_type)
                .body("a=1")
                .unwrap();
            let call = call(request);
            assert_eq!(
                base_string(&call, &Message::of(&call), None),
                format!("{method}&http%3A%2F%2Fa%2Fx&")
            );
        }
    }
}

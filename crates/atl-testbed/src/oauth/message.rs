//! The parameters of a signed request, wherever they stand (RFC 5849, section 3.4.1.3).

use hyper::header::AUTHORIZATION;

use super::problem::{Failure, Problem};
use crate::call::{Call, Pairs, find};

/// Parameters of the header, of the query and of the form, in this order; `realm` is none of them.
#[derive(Debug)]
pub(crate) struct Message(pub(crate) Pairs);

impl Message {
    pub(crate) fn of(call: &Call) -> Self {
        let header = call
            .header(AUTHORIZATION)
            .and_then(of_header)
            .unwrap_or_default();
        Self(
            header
                .into_iter()
                .chain(call.query.iter().cloned())
                .chain(call.form.iter().cloned())
                .collect(),
        )
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        find(&self.0, name)
    }

    /// A parameter that must be there.
    pub(crate) fn need(&self, name: &str) -> Result<&str, Failure> {
        self.get(name)
            .ok_or_else(|| Problem::absent(&[name]).into())
    }
}

/// Reads `OAuth name="value", ...`: the scheme in any case, values in quotes, anything else passed over.
fn of_header(header: &str) -> Option<Pairs> {
    let (scheme, rest) = header.trim_start().split_once(char::is_whitespace)?;
    if !scheme.eq_ignore_ascii_case("oauth") {
        return None;
    }
    let pairs = rest.split(',').filter_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        let value = value.trim().strip_prefix('"')?.strip_suffix('"')?;
        let name = decode(name.trim());
        (name != "realm").then(|| (name, decode(value)))
    });
    Some(pairs.collect())
}

/// Percent-decoding, flexible as the servers' library is: a plus is a space.
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let hex = |digit: u8| char::from(digit).to_digit(16);
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let mut ahead = rest.clone();
                match (ahead.next().and_then(hex), ahead.next().and_then(hex)) {
                    (Some(high), Some(low)) => {
                        bytes.push(u8::try_from(high << 4 | low).unwrap_or_default());
                        rest = ahead;
                    }
                    _ => bytes.push(byte),
                }
            }
            _ => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_read_as_the_servers_read_it() {
        let read = |header: &str| of_header(header);
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            read(
                r#"oauth realm="http%3A%2F%2Fa", oauth_token="",oauth_nonce="a%2Bb%C3%A9" , x="1 2""#
            ),
            Some(vec![
                pair("oauth_token", ""),
                pair("oauth_nonce", "a+b\u{e9}"),
                pair("x", "1 2")
            ])
        );
        assert_eq!(
            read("OAuth oauth_token=bare"),
            Some(vec![]),
            "a value without quotes is passed over"
        );
        assert_eq!(
            read(r#"OAuth a="x+y""#),
            Some(vec![pair("a", "x y")]),
            "a raw plus is a space"
        );
        assert_eq!(read("Basic YWRtaW46YWRtaW4="), None);
    }
}

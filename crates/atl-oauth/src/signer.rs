//! Signing a call: a consumer key, its private key, a clock and a nonce source.

use std::fmt;

use atl_keys::RsaSha1Signer;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use rand::{TryRng as _, rngs::SysRng};
use url::Url;

use crate::{
    difference::redacted,
    error::OauthError,
    header,
    rfc5849::{self, Parameter},
};

/// Where the seconds since 1970 of `oauth_timestamp` come from.
pub trait Clock: Send + Sync {
    /// Seconds since 1970-01-01 UTC.
    fn now(&self) -> i64;
}

/// Where `oauth_nonce` comes from.
pub trait NonceSource: Send + Sync {
    /// A fresh nonce of at least 128 random bits.
    ///
    /// # Errors
    /// Where no random bits can be had.
    fn nonce(&self) -> Result<String, OauthError>;
}

/// The system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> i64 {
        jiff::Timestamp::now().as_second()
    }
}

/// Nonces from the operating system's random source.
#[derive(Debug, Clone, Copy, Default)]
pub struct RandomNonce;

impl NonceSource for RandomNonce {
    fn nonce(&self) -> Result<String, OauthError> {
        let mut bytes = [0; 16];
        SysRng
            .try_fill_bytes(&mut bytes)
            .map_err(|source| OauthError::Random {
                source: source.into(),
            })?;
        Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
    }
}

/// Who signs: a consumer key, its private key, and where time and nonces come from.
#[derive(Clone, Copy)]
pub struct ConsumerSigner<'a> {
    /// The consumer key.
    pub consumer_key: &'a str,
    /// The private key.
    pub key: &'a dyn RsaSha1Signer,
    /// The clock.
    pub clock: &'a dyn Clock,
    /// The nonces.
    pub nonces: &'a dyn NonceSource,
}

impl<'a> ConsumerSigner<'a> {
    /// Signs with the system's clock and random source.
    pub fn new(consumer_key: &'a str, key: &'a dyn RsaSha1Signer) -> Self {
        Self {
            consumer_key,
            key,
            clock: &SystemClock,
            nonces: &RandomNonce,
        }
    }
}

/// What is signed.
#[derive(Clone, Copy)]
pub struct Call<'a> {
    /// `GET`, `POST`, ...
    pub method: &'a str,
    /// The URL as the server sees it, query included.
    pub url: &'a Url,
    /// The fields of a form body; empty where the body is something else.
    pub form: &'a [(String, String)],
    /// `oauth_token`; `Some("")` is two-legged OAuth (protocol.md 2.8).
    pub token: Option<&'a str>,
    /// Further `oauth_` parameters, such as `oauth_callback`.
    pub oauth: &'a [(&'a str, &'a str)],
}

/// A signed call. It can be replayed for a few minutes, so it does not print.
#[derive(Clone)]
pub struct Signed {
    /// The value of the `Authorization` header.
    pub authorization: String,
    /// The signature base string (RFC 5849, section 3.4.1), for diagnosis; see [`redacted`].
    pub base_string: String,
}

impl fmt::Debug for Signed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signed")
            .field("base_string", &redacted(&self.base_string))
            .finish_non_exhaustive()
    }
}

/// Signs a call with RSA-SHA1 (RFC 5849, sections 3.1, 3.4.3 and 3.5.1). The base string is traced under `atl::oauth`.
///
/// # Errors
/// Where no nonce or no signature can be made.
pub fn sign(signer: &ConsumerSigner<'_>, call: &Call<'_>) -> Result<Signed, OauthError> {
    let nonce = signer.nonces.nonce()?;
    let timestamp = signer.clock.now().to_string();
    let mut header: Vec<Parameter> = [
        ("oauth_consumer_key", signer.consumer_key),
        ("oauth_nonce", &nonce),
        ("oauth_signature_method", "RSA-SHA1"),
        ("oauth_timestamp", &timestamp),
        ("oauth_version", "1.0"),
    ]
    .into_iter()
    .chain(call.token.map(|token| ("oauth_token", token)))
    .chain(call.oauth.iter().copied())
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .collect();

    let signed = rfc5849::collect(call.url, call.form, &header);
    let base_string = rfc5849::base_string(call.method, call.url, &signed);
    tracing::trace!(target: "atl::oauth", base_string = %redacted(&base_string), "signing");

    let signature = signer.key.sign_rsa_sha1(base_string.as_bytes())?;
    header.push((
        "oauth_signature".to_owned(),
        BASE64_STANDARD.encode(signature),
    ));
    Ok(Signed {
        authorization: header::write(&header),
        base_string,
    })
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{Arc, Mutex, PoisonError},
    };

    use atl_keys::SignError;

    use super::*;

    struct NoKey;

    impl RsaSha1Signer for NoKey {
        fn sign_rsa_sha1(&self, _message: &[u8]) -> Result<Vec<u8>, SignError> {
            Ok(b"signature".to_vec())
        }
    }

    fn signed(token: &str) -> Signed {
        let url = Url::parse("https://jira.example.com/?a=b").unwrap();
        let call = Call {
            method: "GET",
            url: &url,
            form: &[],
            token: Some(token),
            oauth: &[],
        };
        sign(&ConsumerSigner::new("deploy-bot", &NoKey), &call).unwrap()
    }

    #[test]
    fn nonces_are_long_and_differ() {
        let [one, other] = [(); 2].map(|()| RandomNonce.nonce().unwrap());
        assert_eq!(one.len(), 32);
        assert_ne!(one, other);
    }

    #[test]
    fn the_clock_is_past_the_day_this_was_written() {
        assert!(SystemClock.now() > 1_790_000_000);
    }

    #[test]
    fn a_signed_call_does_not_print_what_could_be_replayed() {
        let printed = format!("{:?}", signed("hunter2"));
        assert!(printed.contains("a%3Db"), "{printed}");
        assert!(!printed.contains("hunter2"), "{printed}");
        assert!(!printed.contains("c2ln"), "{printed}");
    }

    #[derive(Clone, Default)]
    struct Buffer(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Buffer {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn the_base_string_is_traced_without_the_token() {
        let buffer = Buffer::default();
        let writer = buffer.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .finish();
        // With one dispatcher only, a test on another thread that has none could switch an event off for all.
        let _second = tracing::Dispatch::new(
            tracing_subscriber::fmt()
                .with_max_level(tracing::Level::TRACE)
                .with_writer(io::sink)
                .finish(),
        );
        tracing::subscriber::with_default(subscriber, || {
            signed("hunter2");
            signed("");
        });

        let traced = String::from_utf8(buffer.0.lock().unwrap().clone()).unwrap();
        let lines: Vec<&str> = traced.lines().collect();
        assert_eq!(lines.len(), 2, "{traced}");
        assert!(
            traced.contains("TRACE atl::oauth: signing base_string=GET&https%3A%2F%2F"),
            "{traced}"
        );
        assert!(lines[0].contains("oauth_token%3Dredacted%26"), "{traced}");
        assert!(lines[1].contains("oauth_token%3D%26"), "{traced}");
        assert!(!traced.contains("hunter2"), "{traced}");
    }
}

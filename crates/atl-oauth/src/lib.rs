//! OAuth 1.0a for application links (RFC 5849, RSA-SHA1): signing, the two proofs of a key, problems explained.

use atl_client::{Client, ClientError, Failure};
use atl_keys::RsaSha1Signer;
use url::Url;

/// Where the seconds since 1970 of `oauth_timestamp` come from.
pub trait Clock: Send + Sync {
    /// Seconds since 1970-01-01 UTC.
    fn now(&self) -> i64;
}

/// Where `oauth_nonce` comes from.
pub trait NonceSource: Send + Sync {
    /// A fresh nonce of at least 128 random bits.
    fn nonce(&self) -> Result<String, OauthError>;
}

/// The system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> i64 {
        todo!()
    }
}

/// Nonces from the operating system's random source.
#[derive(Debug, Clone, Copy, Default)]
pub struct RandomNonce;

impl NonceSource for RandomNonce {
    fn nonce(&self) -> Result<String, OauthError> {
        todo!()
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
#[derive(Debug, Clone, Copy)]
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

/// A signed call.
#[derive(Debug, Clone)]
pub struct Signed {
    /// The value of the `Authorization` header.
    pub authorization: String,
    /// The signature base string (RFC 5849, section 3.4.1), for diagnosis.
    pub base_string: String,
}

/// Signs a call.
pub fn sign(_signer: &ConsumerSigner<'_>, _call: &Call<'_>) -> Result<Signed, OauthError> {
    todo!()
}

/// The value of `oauth_problem` (protocol.md 2.7).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProblemKind {
    /// `consumer_key_unknown`.
    ConsumerKeyUnknown,
    /// `signature_invalid`.
    SignatureInvalid,
    /// Any value not named here.
    Other(String),
}

/// A refusal explained by the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Which.
    pub kind: ProblemKind,
    /// The difference between the server's base string and ours, where it returned its own.
    pub base_string_difference: Option<String>,
}

impl Problem {
    /// What to do about it.
    pub fn advice(&self) -> String {
        todo!()
    }
}

/// What a server makes of a consumer key and a signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyState {
    /// The signature was accepted.
    Accepted,
    /// The server knows no such consumer key.
    ConsumerUnknown,
    /// The server knows the consumer key and refused the call.
    Refused(Problem),
}

/// Asks without leaving a trace: a signed two-legged GET of whoami (cli.md 4.3, protocol.md 2.8). 200, or 401 with an
/// empty body and a bare OAuth challenge, means that the key was accepted.
pub fn look(_client: &Client, _signer: &ConsumerSigner<'_>) -> Result<KeyState, OauthError> {
    todo!()
}

/// Proves a key after a write: a signed request-token call on a new connection (protocol.md 2.2).
pub fn prove(_client: &Client, _signer: &ConsumerSigner<'_>) -> Result<KeyState, OauthError> {
    todo!()
}

/// Why a signed call was not made or not understood.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OauthError {
    /// The request failed.
    #[error(transparent)]
    Client(#[from] ClientError),
}

impl OauthError {
    /// A stable snake_case name for scripts.
    pub fn code(&self) -> &'static str {
        todo!()
    }
    /// What to do about it.
    pub fn advice(&self) -> String {
        todo!()
    }
    /// What kind of failure it is.
    pub fn failure(&self) -> Failure {
        todo!()
    }
}

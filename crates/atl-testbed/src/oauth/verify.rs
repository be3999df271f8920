//! Version, timestamp, nonce and signature, in the servers' order (protocol.md 2.6).

use std::collections::HashMap;

use aws_lc_rs::signature::{RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::base_string::{base_string, form};
use super::message::Message;
use super::problem::{Failure, Problem};
use crate::call::Call;
use crate::key::PublicKey;
use crate::state::State;

/// How far a timestamp may be off, in seconds.
const WINDOW: i64 = 300;

/// The parameters that may stand once only.
const SINGLE: [&str; 9] = [
    "oauth_consumer_key",
    "oauth_token",
    "oauth_token_secret",
    "oauth_callback",
    "oauth_signature_method",
    "oauth_signature",
    "oauth_timestamp",
    "oauth_nonce",
    "oauth_version",
];

/// The nonces that one node has seen, by consumer.
#[derive(Debug, Default)]
pub(crate) struct Nonces(HashMap<(String, String), i64>);

impl Nonces {
    /// Notes a nonce; says whether it was new. Nonces too old for any timestamp are forgotten now and then.
    fn burn(&mut self, consumer_key: &str, nonce: &str, now: i64) -> bool {
        if self.0.len() >= 1 << 16 {
            self.0.retain(|_, seen| now - *seen <= 2 * WINDOW);
        }
        self.0
            .insert((consumer_key.to_owned(), nonce.to_owned()), now)
            .is_none()
    }
}

/// Checks the signature of a message and all that goes with it. The nonce is burned even where the signature is bad.
pub(crate) fn verify(
    state: &mut State,
    call: &Call,
    message: &Message,
    key: &PublicKey,
) -> Result<(), Failure> {
    if message.need("oauth_signature_method")? != "RSA-SHA1" {
        return Err(Problem::new("signature_method_rejected").into());
    }
    check_single(message)?;
    if let Some(version) = message.get("oauth_version") {
        let version: f64 = version.parse().map_err(|_| Failure::Crash)?;
        if (version - 1.0).abs() > f64::EPSILON {
            return Err(Problem::new("version_rejected")
                .with("oauth_acceptable_versions", "1.0-1.0")
                .into());
        }
    }
    let timestamp: i64 = message
        .need("oauth_timestamp")?
        .parse()
        .map_err(|_| Failure::Crash)?;
    let nonce = message.need("oauth_nonce")?;
    let now = state.now();
    let (earliest, latest) = (now - WINDOW, now + WINDOW);
    if !(earliest..=latest).contains(&timestamp) {
        let acceptable = format!("{earliest}-{latest}");
        return Err(Problem::new("timestamp_refused")
            .with("oauth_acceptable_timestamps", acceptable)
            .into());
    }
    let consumer_key = message.need("oauth_consumer_key")?;
    if !state.nonces[call.node].burn(consumer_key, nonce, now) {
        return Err(Problem::new("nonce_used").into());
    }
    let signature = message.need("oauth_signature")?;
    let signed = base_string(call, message, state.settings.seen_as.as_deref());
    if is_signature(key, signature, &signed) {
        return Ok(());
    }
    Err(Problem::new("signature_invalid")
        .with("oauth_signature", signature)
        .with("oauth_signature_base_string", signed)
        .with("oauth_signature_method", "RSA-SHA1")
        .into())
}

/// RSASSA-PKCS1-v1_5 with SHA-1 (RFC 5849, section 3.4.3; RFC 8017, section 8.2.2). AWS-LC takes keys from 1024 bits,
/// so a smaller one can be registered here, as on the servers, but signs nothing.
fn is_signature(key: &PublicKey, signature: &str, signed: &str) -> bool {
    let Ok(signature) = STANDARD.decode(signature) else {
        return false;
    };
    UnparsedPublicKey::new(&RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY, key.pkcs1())
        .verify(signed.as_bytes(), &signature)
        .is_ok()
}

fn check_single(message: &Message) -> Result<(), Problem> {
    let mut repeated = Vec::new();
    for name in SINGLE {
        let values: Vec<_> = message
            .0
            .iter()
            .filter(|(known, _)| known == name)
            .cloned()
            .collect();
        if values.len() > 1 {
            repeated.extend(values);
        }
    }
    if repeated.is_empty() {
        return Ok(());
    }
    Err(Problem::new("parameter_rejected").with("oauth_parameters_rejected", form(&repeated)))
}

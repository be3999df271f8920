//! The name of a key: the SHA-256 of its public half.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use sha2::{Digest as _, Sha256};

const PREFIX: &str = "SHA256:";

/// `SHA256:` and the unpadded base64 of the SHA-256 of the `SubjectPublicKeyInfo` DER.
#[derive(
    Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(try_from = "String", into = "String")]
pub struct Fingerprint(String);

/// A text that is not a fingerprint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a fingerprint (`SHA256:` and 43 characters of base64)")]
pub struct NotAFingerprint {
    /// The text.
    pub text: String,
}

impl Fingerprint {
    /// The fingerprint of a public key given as `SubjectPublicKeyInfo` DER.
    pub(crate) fn of_spki(der: &[u8]) -> Self {
        Self(format!(
            "{PREFIX}{}",
            STANDARD_NO_PAD.encode(Sha256::digest(der))
        ))
    }

    /// The text, `SHA256:` included.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A short handle: the first 12 hex digits of the same SHA-256.
    pub fn id(&self) -> String {
        let digest = digest(&self.0).unwrap_or_default();
        let number = digest[..6]
            .iter()
            .fold(0, |number, byte| number << 8 | u64::from(*byte));
        format!("{number:012x}")
    }
}

fn digest(text: &str) -> Option<[u8; 32]> {
    let digest = STANDARD_NO_PAD.decode(text.strip_prefix(PREFIX)?).ok()?;
    digest.try_into().ok()
}

impl TryFrom<String> for Fingerprint {
    type Error = NotAFingerprint;

    fn try_from(text: String) -> Result<Self, NotAFingerprint> {
        match digest(&text) {
            Some(_) => Ok(Self(text)),
            None => Err(NotAFingerprint { text }),
        }
    }
}

impl FromStr for Fingerprint {
    type Err = NotAFingerprint;

    fn from_str(text: &str) -> Result<Self, NotAFingerprint> {
        text.to_owned().try_into()
    }
}

impl From<Fingerprint> for String {
    fn from(fingerprint: Fingerprint) -> Self {
        fingerprint.0
    }
}

impl AsRef<str> for Fingerprint {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

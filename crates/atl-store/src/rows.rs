//! What the store keeps, as values.

use atl_keys::Fingerprint;
use jiff::Timestamp;

/// Where a keypair stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyState {
    /// In use, or ready to be used.
    Active,
    /// Made for a rotation that has not ended.
    Pending,
    /// Replaced.
    Retired,
}

impl KeyState {
    /// The word for it: `active`, `pending` or `retired`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Pending => "pending",
            Self::Retired => "retired",
        }
    }

    pub(crate) fn from_word(word: &str) -> Option<Self> {
        [Self::Active, Self::Pending, Self::Retired]
            .into_iter()
            .find(|state| state.as_str() == word)
    }
}

/// A keypair, without its private half.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeypairRow {
    /// A short stable id: the first 12 hex digits of the SHA-256 behind the fingerprint.
    pub id: String,
    /// The consumer's name in the fleet file.
    pub consumer: String,
    /// The size.
    pub bits: usize,
    /// The fingerprint.
    pub fingerprint: Fingerprint,
    /// The public half in one line (base64 `SubjectPublicKeyInfo` DER).
    pub public_key: String,
    /// When it came into the store.
    pub created: Timestamp,
    /// Where it stands.
    pub state: KeyState,
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Which key is registered for a consumer on a server. One per (consumer, server URL).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// The consumer's name in the fleet file.
    pub consumer: String,
    /// The server's name in the fleet file, for people.
    pub server: String,
    /// The server's base URL, which identifies it.
    pub server_url: String,
    /// The consumer key.
    pub consumer_key: String,
    /// The link.
    pub link_id: String,
    /// The key that is registered.
    pub fingerprint: Fingerprint,
    /// When the server last accepted a call signed with it.
    pub proven: Option<Timestamp>,
}

/// A link that this tool made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkMade {
    /// The server's name in the fleet file, for people.
    pub server: String,
    /// The server's base URL, which identifies it.
    pub server_url: String,
    /// The link.
    pub link_id: String,
    /// Its application URL.
    pub application_url: String,
    /// The consumer's name in the fleet file.
    pub consumer: String,
    /// The consumer key.
    pub consumer_key: String,
    /// When.
    pub created: Timestamp,
}

//! RSA keypairs for application links: generate, read, write, fingerprint and sign. No I/O.

use std::fmt;

use secrecy::SecretString;
use zeroize::Zeroizing;

/// The sizes this tool generates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum KeySize {
    /// 2048 bits.
    Bits2048,
    /// 3072 bits, the default.
    #[default]
    Bits3072,
    /// 4096 bits.
    Bits4096,
}

impl KeySize {
    /// The number of bits.
    pub fn bits(self) -> usize {
        todo!()
    }
    /// The size with this many bits, where it is one of the three.
    pub fn from_bits(_bits: usize) -> Option<Self> {
        todo!()
    }
}

/// `SHA256:` and the unpadded base64 of the SHA-256 of the `SubjectPublicKeyInfo` DER.
#[derive(
    Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(transparent)]
pub struct Fingerprint(String);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether a key under 2048 bits may be read: `Strict` refuses it, `Insecure` takes 1024 bits and more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ImportPolicy {
    /// 2048 to 8192 bits.
    #[default]
    Strict,
    /// 1024 to 8192 bits.
    Insecure,
}

/// A value that was read, and what had to be converted to read it (each a sentence for the user).
#[derive(Debug)]
pub struct Read<T> {
    /// What was read.
    pub value: T,
    /// What was converted on the way, such as a PKCS#1 public key.
    pub notes: Vec<String>,
}

/// An RSA private key with its public half.
#[derive(Clone)]
pub struct Keypair(());

/// The public half of a keypair.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey(());

/// How a private key is written.
#[derive(Clone, Copy)]
pub enum PrivateFormat<'a> {
    /// `BEGIN PRIVATE KEY`.
    Pkcs8,
    /// `BEGIN RSA PRIVATE KEY`.
    Pkcs1,
    /// `BEGIN ENCRYPTED PRIVATE KEY`.
    EncryptedPkcs8 {
        /// The passphrase.
        passphrase: &'a SecretString,
        /// How the encryption key is derived from it.
        kdf: Kdf,
    },
}

/// Key derivation of an encrypted PKCS#8 key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kdf {
    /// scrypt.
    #[default]
    Scrypt,
    /// PBKDF2 with HMAC-SHA-256, for Java and older tools.
    Pbkdf2,
}

/// Why a key was not read, written or generated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {}

impl KeyError {
    /// What to do about it.
    pub fn advice(&self) -> String {
        todo!()
    }
}

impl Keypair {
    /// Generates one keypair.
    pub fn generate(_size: KeySize) -> Result<Self, KeyError> {
        todo!()
    }
    /// Generates several keypairs on all cores.
    pub fn generate_many(_size: KeySize, _count: usize) -> Result<Vec<Self>, KeyError> {
        todo!()
    }
    /// Reads PKCS#8, PKCS#1 or encrypted PKCS#8 PEM.
    pub fn read(
        _text: &[u8],
        _passphrase: Option<&SecretString>,
        _policy: ImportPolicy,
    ) -> Result<Read<Self>, KeyError> {
        todo!()
    }
    /// Writes PEM.
    pub fn to_pem(&self, _format: PrivateFormat<'_>) -> Result<Zeroizing<String>, KeyError> {
        todo!()
    }
    /// PKCS#8 DER, for the store.
    pub fn to_der(&self) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        todo!()
    }
    /// Reads PKCS#8 DER, as the store kept it.
    pub fn from_der(_der: &[u8]) -> Result<Self, KeyError> {
        todo!()
    }
    /// The public half.
    pub fn public_key(&self) -> PublicKey {
        todo!()
    }
    /// The fingerprint of the public half.
    pub fn fingerprint(&self) -> Fingerprint {
        todo!()
    }
    /// The size of the modulus.
    pub fn bits(&self) -> usize {
        todo!()
    }
}

impl PublicKey {
    /// Reads SPKI PEM, one-line base64 DER, an X.509 certificate, a PKCS#1 public key.
    pub fn read(_text: &[u8], _policy: ImportPolicy) -> Result<Read<Self>, KeyError> {
        todo!()
    }
    /// Reads what a server printed (protocol.md 1.3): base64 `SubjectPublicKeyInfo`, any RSA size.
    pub fn from_server(_text: &str) -> Result<Self, KeyError> {
        todo!()
    }
    /// SPKI PEM.
    pub fn to_pem(&self) -> String {
        todo!()
    }
    /// The one line that the servers print and take: base64 of the `SubjectPublicKeyInfo` DER.
    pub fn to_one_line(&self) -> String {
        todo!()
    }
    /// The fingerprint.
    pub fn fingerprint(&self) -> Fingerprint {
        todo!()
    }
    /// The size of the modulus.
    pub fn bits(&self) -> usize {
        todo!()
    }
}

/// Signing failed.
#[derive(Debug, thiserror::Error)]
#[error("the RSA-SHA1 signature could not be made")]
pub struct SignError;

/// Something that signs with RSA-SHA1 (RFC 5849, section 3.4.3).
pub trait RsaSha1Signer: Send + Sync {
    /// The RSASSA-PKCS1-v1_5 signature with SHA-1 over `message`.
    fn sign_rsa_sha1(&self, message: &[u8]) -> Result<Vec<u8>, SignError>;
}

impl RsaSha1Signer for Keypair {
    fn sign_rsa_sha1(&self, _message: &[u8]) -> Result<Vec<u8>, SignError> {
        todo!()
    }
}

/// A published key that must be nobody's key, and where it was published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SampleKey {
    /// Its fingerprint.
    pub fingerprint: &'static str,
    /// Where it was published.
    pub published: &'static str,
}

/// The published sample key with this fingerprint, if it is one.
pub fn sample_key(_fingerprint: &Fingerprint) -> Option<&'static SampleKey> {
    todo!()
}

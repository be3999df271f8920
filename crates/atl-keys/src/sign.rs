//! Signing, behind a trait so that a key need not be in this process.

use sha1::Sha1;

use crate::Keypair;

/// Signing failed: the private operation did not succeed, or the operating system gave no randomness for blinding.
#[derive(Debug, thiserror::Error)]
#[error("the RSA-SHA1 signature could not be made")]
pub struct SignError;

/// Something that signs with RSA-SHA1 (RFC 5849, section 3.4.3).
pub trait RsaSha1Signer: Send + Sync {
    /// The RSASSA-PKCS1-v1_5 signature with SHA-1 over `message` (RFC 8017, section 8.2.1).
    ///
    /// # Errors
    /// The signer could not sign; nothing is said about `message`.
    fn sign_rsa_sha1(&self, message: &[u8]) -> Result<Vec<u8>, SignError>;
}

/// Blinded with the randomness of the operating system and checked with the public key before it is returned.
impl RsaSha1Signer for Keypair {
    fn sign_rsa_sha1(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        self.key
            .pkcs1v15_sign::<Sha1>(message)
            .map_err(|_| SignError)
    }
}

//! Encrypted PKCS#8 (RFC 5208, section 6) with PBES2 (RFC 8018, section 6.2).

use pkcs8::pkcs5::pbes2::{self, Parameters};
use pkcs8::pkcs5::{self, EncryptionScheme};
use pkcs8::{EncryptedPrivateKeyInfoRef, PrivateKeyInfoRef, SecretDocument};
use rand::rngs::SysRng;
use secrecy::{ExposeSecret as _, SecretString};

use crate::KeyError;

/// The most rounds of PBKDF2 that are run for somebody else's file: seconds, where the default takes a tenth of one.
const MOST_ROUNDS: u32 = 10_000_000;

/// The most work of scrypt, N times r times p: one gibibyte and seconds, where the default is 2^17.
const MOST_WORK: u64 = 1 << 23;

/// Key derivation of an encrypted PKCS#8 key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kdf {
    /// scrypt.
    #[default]
    Scrypt,
    /// PBKDF2 with HMAC-SHA-256, for Java and older tools.
    Pbkdf2,
}

impl Kdf {
    /// Fresh parameters with AES-256-CBC, which OpenSSL reads; AES-GCM is not portable.
    fn parameters(self) -> pkcs5::Result<Parameters> {
        match self {
            Self::Scrypt => Parameters::generate_scrypt(&mut SysRng),
            Self::Pbkdf2 => Parameters::generate_pbkdf2(&mut SysRng),
        }
    }
}

/// Encrypts a PKCS#8 key.
pub(crate) fn encrypt(
    der: &SecretDocument,
    passphrase: &SecretString,
    kdf: Kdf,
) -> Result<SecretDocument, KeyError> {
    let passphrase = passphrase.expose_secret();
    if passphrase.is_empty() {
        return Err(KeyError::EmptyPassphrase);
    }
    let encrypt = || {
        PrivateKeyInfoRef::try_from(der.as_bytes())?
            .encrypt_with_params(kdf.parameters()?, passphrase)
    };
    encrypt().map_err(|source: pkcs8::Error| KeyError::Encode {
        source: source.into(),
    })
}

/// Decrypts to a PKCS#8 key.
pub(crate) fn decrypt(
    der: &[u8],
    passphrase: Option<&SecretString>,
) -> Result<SecretDocument, KeyError> {
    let unsupported = |source| KeyError::UnsupportedEncryption { source };
    let key = EncryptedPrivateKeyInfoRef::try_from(der).map_err(unsupported)?;
    let EncryptionScheme::Pbes2(parameters) = &key.encryption_algorithm else {
        return Err(unsupported(pkcs5::Error::NoPbes1CryptSupport.into()));
    };
    if costly(&parameters.kdf) {
        return Err(KeyError::CostlyEncryption);
    }
    let passphrase = passphrase.ok_or(KeyError::PassphraseNeeded)?;
    key.decrypt(passphrase.expose_secret())
        .map_err(|source| match source {
            // A wrong passphrase now and then leaves well-formed padding, and then no well-formed key.
            pkcs8::Error::EncryptedPrivateKey(pkcs5::Error::DecryptFailed)
            | pkcs8::Error::Asn1(_) => KeyError::WrongPassphrase,
            source => unsupported(source),
        })
}

fn costly(kdf: &pbes2::Kdf) -> bool {
    match kdf {
        pbes2::Kdf::Pbkdf2(parameters) => parameters.iteration_count > MOST_ROUNDS,
        pbes2::Kdf::Scrypt(parameters) => {
            let work = u64::from(parameters.block_size) * u64::from(parameters.parallelization);
            parameters.cost_parameter.saturating_mul(work) > MOST_WORK
        }
        _ => true,
    }
}

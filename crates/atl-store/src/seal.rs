//! Sealing: XChaCha20-Poly1305, a random nonce for each value, and the row's identity as associated data, so that a
//! sealed value does not open in another place.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use rand::TryRng as _;
use rand::rngs::SysRng;
use secrecy::ExposeSecret as _;
use zeroize::{Zeroize, Zeroizing};

use crate::StoreError;
use crate::key::StoreKey;

/// The length of a nonce, which stands before what it sealed.
const NONCE: usize = 24;

/// What the key check value holds, and the place it is sealed for.
const CHECK: (&str, &[&str]) = ("meta", &["key_check"]);

/// Random bytes of the operating system.
pub(crate) fn random<const N: usize>() -> Result<Zeroizing<[u8; N]>, StoreError>
where
    [u8; N]: Zeroize,
{
    let mut bytes = Zeroizing::new([0; N]);
    SysRng
        .try_fill_bytes(bytes.as_mut_slice())
        .map_err(|_| StoreError::NotSealed)?;
    Ok(bytes)
}

/// How a key is derived from a passphrase: scrypt (RFC 7914), its parameters and its salt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kdf {
    log_n: u8,
    r: u32,
    p: u32,
    salt: [u8; 16],
}

impl Kdf {
    /// A new salt, and parameters that take 32 MiB.
    pub(crate) fn new() -> Result<Self, StoreError> {
        Ok(Self {
            log_n: 15,
            r: 8,
            p: 3,
            salt: *random()?,
        })
    }

    fn derive(&self, passphrase: &str) -> Option<Zeroizing<[u8; 32]>> {
        let params = scrypt::Params::new(self.log_n, self.r, self.p).ok()?;
        let mut key = Zeroizing::new([0; 32]);
        scrypt::scrypt(
            passphrase.as_bytes(),
            &self.salt,
            &params,
            key.as_mut_slice(),
        )
        .ok()?;
        Some(key)
    }
}

/// As the store records it: `scrypt:LOG_N:R:P:SALT`.
impl fmt::Display for Kdf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let salt = STANDARD_NO_PAD.encode(self.salt);
        write!(f, "scrypt:{}:{}:{}:{salt}", self.log_n, self.r, self.p)
    }
}

/// Parameters that are no valid ones, or would take more than a gigabyte, are a damaged store.
impl FromStr for Kdf {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let parts: Vec<&str> = text.split(':').collect();
        let ["scrypt", log_n, r, p, salt] = parts[..] else {
            return Err(());
        };
        let kdf = Self {
            log_n: log_n.parse().map_err(drop)?,
            r: r.parse().map_err(drop)?,
            p: p.parse().map_err(drop)?,
            salt: STANDARD_NO_PAD
                .decode(salt)
                .map_err(drop)?
                .try_into()
                .map_err(drop)?,
        };
        let sane = kdf.log_n <= 20 && kdf.r <= 8 && kdf.p <= 16;
        if sane && scrypt::Params::new(kdf.log_n, kdf.r, kdf.p).is_ok() {
            Ok(kdf)
        } else {
            Err(())
        }
    }
}

/// What a store says about its key: how one is derived from a passphrase, and a value that only the right one opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SealHeader {
    pub(crate) kdf: Kdf,
    pub(crate) check: Vec<u8>,
}

/// Seals and unseals.
pub(crate) struct Seal {
    key: Zeroizing<[u8; 32]>,
}

impl Seal {
    fn new(key: &StoreKey, kdf: &Kdf) -> Option<Self> {
        let key = match key {
            StoreKey::Raw(key) => key.clone(),
            StoreKey::Passphrase(text) => kdf.derive(text.expose_secret())?,
        };
        Some(Self { key })
    }

    /// The seal of a new store, and what that store has to remember.
    pub(crate) fn first(key: &StoreKey) -> Result<SealHeader, StoreError> {
        let kdf = Kdf::new()?;
        let seal = Self::new(key, &kdf).ok_or(StoreError::KeyTextInvalid)?;
        let check = seal.seal(CHECK.0, CHECK.1, b"")?;
        Ok(SealHeader { kdf, check })
    }

    /// The seal of an existing store; `None` where the key is not the one it was made with.
    pub(crate) fn unlock(key: &StoreKey, header: &SealHeader) -> Option<Self> {
        let seal = Self::new(key, &header.kdf)?;
        seal.unseal(CHECK.0, CHECK.1, &header.check)?;
        Some(seal)
    }

    /// Seals a value for one place.
    pub(crate) fn seal(
        &self,
        table: &str,
        row: &[&str],
        plain: &[u8],
    ) -> Result<Vec<u8>, StoreError> {
        let nonce = random::<NONCE>()?;
        let payload = Payload {
            msg: plain,
            aad: &place(table, row),
        };
        let sealed = self
            .cipher()
            .encrypt(&XNonce::from(*nonce), payload)
            .map_err(|_| StoreError::NotSealed)?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// Opens a value sealed for this place; `None` where it was sealed for another, under another key, or changed.
    pub(crate) fn unseal(
        &self,
        table: &str,
        row: &[&str],
        sealed: &[u8],
    ) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE>()?;
        let payload = Payload {
            msg: sealed,
            aad: &place(table, row),
        };
        let plain = self.cipher().decrypt(&XNonce::from(*nonce), payload).ok()?;
        Some(Zeroizing::new(plain))
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new((&*self.key).into())
    }
}

/// Associated data: the table and what identifies the row, each with its length before it.
fn place(table: &str, row: &[&str]) -> Vec<u8> {
    let mut place = Vec::new();
    for part in [table].iter().chain(row) {
        place.extend_from_slice(&(part.len() as u64).to_be_bytes());
        place.extend_from_slice(part.as_bytes());
    }
    place
}

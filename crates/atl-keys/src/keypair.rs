//! The private half: generated, read and written.

use std::error::Error;
use std::fmt;
use std::num::NonZero;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use pkcs8::der::Decode as _;
use pkcs8::der::pem::PemLabel as _;
use pkcs8::{EncodePrivateKey as _, EncryptedPrivateKeyInfoRef, LineEnding, PrivateKeyInfoRef};
use rand::rngs::SysRng;
use rsa::pkcs1::{EncodeRsaPrivateKey as _, RsaPrivateKeyRef};
use rsa::traits::PublicKeyParts as _;
use secrecy::SecretString;
use zeroize::Zeroizing;

use crate::text::{self, Block};
use crate::{
    Fingerprint, Form, Half, ImportPolicy, Kdf, KeyError, KeySize, PublicKey, Read, encryption,
    public,
};

/// An RSA private key with its public half.
#[derive(Clone)]
pub struct Keypair {
    pub(crate) key: rsa::PrivateKey,
    public: PublicKey,
}

/// How a private key is written.
#[derive(Debug, Clone, Copy)]
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

impl Keypair {
    /// Generates one keypair, with the randomness of the operating system.
    ///
    /// # Errors
    /// The operating system gave no randomness.
    pub fn generate(size: KeySize) -> Result<Self, KeyError> {
        let bits = size.bits();
        let key = rsa::PrivateKey::new(&mut SysRng, bits)
            .map_err(|source| KeyError::Generate { bits, source })?;
        Self::new(key)
    }

    /// Generates several keypairs on all cores.
    ///
    /// # Errors
    /// As for [`Keypair::generate`].
    pub fn generate_many(size: KeySize, count: usize) -> Result<Vec<Self>, KeyError> {
        let workers = thread::available_parallelism().map_or(1, NonZero::get);
        // Some keys take ten times as long as others, so each worker takes the next one when it is free.
        let taken = AtomicUsize::new(0);
        let work = || {
            let mut made = Vec::new();
            while taken.fetch_add(1, Ordering::Relaxed) < count {
                made.push(Self::generate(size)?);
            }
            Ok(made)
        };
        thread::scope(|scope| {
            let workers: Vec<_> = (0..workers.min(count)).map(|_| scope.spawn(work)).collect();
            let mut keypairs = Vec::with_capacity(count);
            for worker in workers {
                keypairs.extend(worker.join().unwrap_or_else(|panic| resume_unwind(panic))?);
            }
            Ok(keypairs)
        })
    }

    /// Reads PKCS#8, PKCS#1 or encrypted PKCS#8 PEM, or the base64 of either alone.
    ///
    /// # Errors
    /// There is no RSA private key in the text, the passphrase is missing or wrong, or the policy does not let the key in.
    pub fn read(
        text: &[u8],
        passphrase: Option<&SecretString>,
        policy: ImportPolicy,
    ) -> Result<Read<Self>, KeyError> {
        let (keypair, _) = Self::open(text, passphrase)?;
        policy.admit(&keypair.public)?;
        Ok(Read {
            value: keypair,
            notes: Vec::new(),
        })
    }

    /// Reads any form of a private key, up to the largest size there is, and says which it was.
    pub(crate) fn open(
        text: &[u8],
        passphrase: Option<&SecretString>,
    ) -> Result<(Self, Form), KeyError> {
        let Block { form, der } = text::block(text, Half::Private)?;
        let keypair = match form {
            Form::Pkcs8 => Self::from_pkcs8(&der, form),
            Form::Pkcs1 => Self::from_pkcs1(&der, form),
            Form::EncryptedPkcs8 => {
                Self::from_pkcs8(encryption::decrypt(&der, passphrase)?.as_bytes(), form)
            }
            Form::LegacyEncrypted => Err(KeyError::LegacyEncryption),
            Form::OtherPrivate(algorithm) => Err(KeyError::NotRsa { algorithm }),
            found => Err(KeyError::WrongForm {
                found,
                wanted: Half::Private,
            }),
        };
        Ok((keypair?, form))
    }

    fn from_pkcs8(der: &[u8], form: Form) -> Result<Self, KeyError> {
        match Form::of_der(der) {
            Some(Form::OtherPrivate(algorithm)) => return Err(KeyError::NotRsa { algorithm }),
            Some(Form::Pkcs8) => {}
            _ => return Err(damaged(form)("it is not PKCS#8")),
        }
        let info = PrivateKeyInfoRef::from_der(der).map_err(damaged(form))?;
        Self::from_pkcs1(info.private_key.as_bytes(), form)
    }

    /// The modulus is measured first: the decoder takes keys of 512 bits, and minutes over enormous ones.
    fn from_pkcs1(der: &[u8], form: Form) -> Result<Self, KeyError> {
        let numbers = RsaPrivateKeyRef::from_der(der).map_err(damaged(form))?;
        let bits = public::bits(numbers.modulus);
        let policy = ImportPolicy::Insecure;
        if bits > policy.most() {
            return Err(KeyError::Size { bits, policy });
        }
        Self::new(
            numbers
                .try_into()
                .map_err(|source: rsa::pkcs1::Error| damaged(form)(source))?,
        )
    }

    fn new(key: rsa::PrivateKey) -> Result<Self, KeyError> {
        let public = PublicKey::from_numbers(&key.n_bytes(), &key.e_bytes()).map_err(encode)?;
        Ok(Self { key, public })
    }

    /// Writes PEM.
    ///
    /// # Errors
    /// The passphrase is empty, or the operating system gave no randomness.
    pub fn to_pem(&self, format: PrivateFormat<'_>) -> Result<Zeroizing<String>, KeyError> {
        match format {
            PrivateFormat::Pkcs8 => self.key.to_pkcs8_pem(LineEnding::LF).map_err(encode),
            PrivateFormat::Pkcs1 => self.key.to_pkcs1_pem(LineEnding::LF).map_err(encode),
            PrivateFormat::EncryptedPkcs8 { passphrase, kdf } => {
                let der = self.key.to_pkcs8_der().map_err(encode)?;
                encryption::encrypt(&der, passphrase, kdf)?
                    .to_pem(EncryptedPrivateKeyInfoRef::PEM_LABEL, LineEnding::LF)
                    .map_err(encode)
            }
        }
    }

    /// PKCS#8 DER, for the store.
    ///
    /// # Errors
    /// The key could not be encoded.
    pub fn to_der(&self) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        Ok(self.key.to_pkcs8_der().map_err(encode)?.to_bytes())
    }

    /// Reads PKCS#8 DER, as the store kept it.
    ///
    /// A key that was let in once is not judged again: 1024 bits and sample keys of a later table are read.
    ///
    /// # Errors
    /// The bytes are not PKCS#8 with an RSA key of 1024 to 8192 bits.
    pub fn from_der(der: &[u8]) -> Result<Self, KeyError> {
        let keypair = Self::from_pkcs8(der, Form::Pkcs8)?;
        ImportPolicy::Insecure.admit_size(keypair.bits())?;
        Ok(keypair)
    }

    /// The public half.
    pub fn public_key(&self) -> PublicKey {
        self.public.clone()
    }

    /// The fingerprint of the public half.
    pub fn fingerprint(&self) -> Fingerprint {
        self.public.fingerprint()
    }

    /// The size of the modulus.
    pub fn bits(&self) -> usize {
        self.public.bits()
    }
}

fn damaged<E: Into<Box<dyn Error + Send + Sync>>>(form: Form) -> impl Fn(E) -> KeyError {
    move |source| KeyError::Damaged {
        what: form.to_string(),
        source: Some(source.into()),
    }
}

fn encode(source: impl Into<Box<dyn Error + Send + Sync>>) -> KeyError {
    KeyError::Encode {
        source: source.into(),
    }
}

impl fmt::Debug for Keypair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keypair")
            .field("private", &"[REDACTED]")
            .field("public", &self.public)
            .finish_non_exhaustive()
    }
}

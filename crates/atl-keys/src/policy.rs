//! Which keys are let in.

use crate::{KeyError, PublicKey, sample_key};

/// Whether a key under 2048 bits may be read: `Strict` refuses it, `Insecure` takes 1024 bits and more.
///
/// A published sample key is refused by both: everybody can sign with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ImportPolicy {
    /// 2048 to 8192 bits.
    #[default]
    Strict,
    /// 1024 to 8192 bits.
    Insecure,
}

impl ImportPolicy {
    /// The smallest modulus that is let in, in bits.
    pub fn least(self) -> usize {
        match self {
            Self::Strict => 2048,
            Self::Insecure => 1024,
        }
    }

    /// The largest modulus that is let in, in bits.
    pub fn most(self) -> usize {
        8192
    }

    pub(crate) fn admit_size(self, bits: usize) -> Result<(), KeyError> {
        if (self.least()..=self.most()).contains(&bits) {
            Ok(())
        } else {
            Err(KeyError::Size { bits, policy: self })
        }
    }

    pub(crate) fn admit(self, key: &PublicKey) -> Result<(), KeyError> {
        if let Some(sample) = sample_key(&key.fingerprint()) {
            return Err(KeyError::Sample { sample });
        }
        self.admit_size(key.bits())
    }
}

/// A value that was read, and what had to be converted to read it (each a sentence for the user).
#[derive(Debug)]
pub struct Read<T> {
    /// What was read.
    pub value: T,
    /// What was converted on the way, such as a PKCS#1 public key.
    pub notes: Vec<String>,
}

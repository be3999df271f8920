//! What can go wrong with a key, and what to do about it.

use std::error::Error;

use crate::{Fingerprint, Form, Half, ImportPolicy, SampleKey, mend};

/// Why a key was not read, written or generated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// Nothing but white space.
    #[error("the key is empty")]
    Empty,
    /// More text than any key has.
    #[error("the text of the key has {bytes} bytes, and no key has more than {limit}")]
    TooLong {
        /// The length of the text.
        bytes: usize,
        /// The most that is looked at.
        limit: usize,
    },
    /// No PEM block, no base64 of a key, no SSH key.
    #[error("no key was found in the text")]
    NotAKey,
    /// DER where text was due.
    #[error(
        "the key is binary (DER) where text (PEM) was expected: it is {form} without its header"
    )]
    Binary {
        /// What it holds.
        form: Form,
    },
    /// A block begins and does not end.
    #[error("the block `BEGIN {label}` has no `END {label}`")]
    Truncated {
        /// The label of the block.
        label: String,
    },
    /// Something that looks like a key and cannot be decoded.
    #[error("{what} is damaged")]
    Damaged {
        /// What could not be decoded.
        what: String,
        /// Why, where a decoder said so.
        #[source]
        source: Option<Box<dyn Error + Send + Sync>>,
    },
    /// A key in a form that cannot serve as this half.
    #[error("the {wanted} half of a keypair was expected, and this is {found}")]
    WrongForm {
        /// What it is.
        found: Form,
        /// What it should be.
        wanted: Half,
    },
    /// A key of another algorithm.
    #[error("this is a key for {algorithm}, and application links take only RSA")]
    NotRsa {
        /// The algorithm.
        algorithm: &'static str,
    },
    /// Encryption of the time before PKCS#8.
    #[error("the private key has legacy encryption (`Proc-Type: 4,ENCRYPTED`)")]
    LegacyEncryption,
    /// An encryption that is not PBES2 with scrypt or PBKDF2-HMAC-SHA-2 and AES.
    #[error("the private key is encrypted in a way that is not supported")]
    UnsupportedEncryption {
        /// What the decoder said.
        #[source]
        source: pkcs8::Error,
    },
    /// A key derivation that would take minutes or gigabytes.
    #[error("the passphrase of the private key is stretched further than is reasonable")]
    CostlyEncryption,
    /// No passphrase was given.
    #[error("the private key is encrypted and no passphrase was given")]
    PassphraseNeeded,
    /// The passphrase does not decrypt the key.
    #[error("the passphrase does not decrypt the private key")]
    WrongPassphrase,
    /// Encryption was asked for with a passphrase that protects nothing.
    #[error("an empty passphrase protects nothing")]
    EmptyPassphrase,
    /// A modulus that the import policy does not let in.
    #[error("the key has {bits} bits, and {} to {} are accepted", policy.least(), policy.most())]
    Size {
        /// The size of the modulus.
        bits: usize,
        /// The policy that refused it.
        policy: ImportPolicy,
    },
    /// A key whose private half is published.
    #[error("this is a published sample key; anyone can sign with it, it is in {}", sample.published)]
    Sample {
        /// The entry of the table.
        sample: &'static SampleKey,
    },
    /// A private and a public key that are not one pair.
    #[error(
        "the halves do not match: the private key belongs to {private}, the public key is {public}"
    )]
    HalvesDiffer {
        /// The fingerprint that the private key has.
        private: Fingerprint,
        /// The fingerprint of the public key.
        public: Fingerprint,
    },
    /// The key could not be encoded.
    #[error("the key could not be written")]
    Encode {
        /// What the encoder said.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// No key could be generated.
    #[error("a key of {bits} bits could not be generated")]
    Generate {
        /// The size asked for.
        bits: usize,
        /// What the generator said.
        #[source]
        source: rsa::Error,
    },
}

impl KeyError {
    /// A stable name for scripts.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::TooLong { .. } => "too_long",
            Self::NotAKey => "not_a_key",
            Self::Binary { .. } => "binary",
            Self::Truncated { .. } => "truncated",
            Self::Damaged { .. } => "damaged",
            Self::WrongForm { found, wanted } => match (found.half() == *wanted, found, wanted) {
                (false, _, Half::Public) => "private_as_public",
                (false, _, Half::Private) => "public_as_private",
                (true, Form::SshPublic, _) => "ssh_public_key",
                (true, Form::OpenSshPrivate, _) => "openssh_private_key",
                (true, Form::CertificateRequest, _) => "certificate_request",
                (true, ..) => "wrong_form",
            },
            Self::NotRsa { .. } => "not_rsa",
            Self::LegacyEncryption => "legacy_encryption",
            Self::UnsupportedEncryption { .. } => "unsupported_encryption",
            Self::CostlyEncryption => "costly_encryption",
            Self::PassphraseNeeded => "passphrase_needed",
            Self::WrongPassphrase => "wrong_passphrase",
            Self::EmptyPassphrase => "empty_passphrase",
            Self::Size { .. } => "size",
            Self::Sample { .. } => "sample_key",
            Self::HalvesDiffer { .. } => "halves_differ",
            Self::Encode { .. } => "encode",
            Self::Generate { .. } => "generate",
        }
    }

    /// The shell command that mends the key in this file, where there is one.
    pub fn mend(&self, file: &str) -> Option<String> {
        match self {
            Self::Binary { form } => mend::binary(*form, file),
            Self::WrongForm { found, wanted } => mend::form(*found, *wanted, file),
            Self::LegacyEncryption
            | Self::UnsupportedEncryption { .. }
            | Self::CostlyEncryption => Some(mend::encryption(file)),
            Self::HalvesDiffer { .. } => mend::form(Form::Pkcs8, Half::Public, file),
            Self::NotRsa { .. } | Self::Size { .. } | Self::Sample { .. } => Some(mend::new_key()),
            _ => None,
        }
    }

    /// What to do about it.
    pub fn advice(&self) -> String {
        let advice = match self {
            Self::Empty | Self::NotAKey | Self::TooLong { .. } => {
                "give a file with one key in PEM form; `atl-admin keys generate --out FILE` makes one"
            }
            Self::Truncated { .. } | Self::Damaged { .. } => {
                "copy the whole file again, every line from `-----BEGIN` to `-----END`, and nothing shortened in between"
            }
            Self::WrongForm { found, wanted } => match (found.half(), wanted) {
                (Half::Private, Half::Public) => {
                    "a private key stays where it is and is never given to a server; give the public half"
                }
                (Half::Public, Half::Private) => {
                    "a public key does not contain the private half; give the file it was made from"
                }
                _ => "convert it",
            },
            Self::Binary { .. }
            | Self::LegacyEncryption
            | Self::UnsupportedEncryption { .. }
            | Self::CostlyEncryption => "convert it",
            Self::NotRsa { .. } | Self::Sample { .. } => "use a key of your own",
            Self::PassphraseNeeded => "give its passphrase with `--passphrase-file FILE`",
            Self::WrongPassphrase => {
                "check the passphrase file; one line end at its end is not part of the passphrase"
            }
            Self::EmptyPassphrase => "give a passphrase, or ask for a file without one",
            Self::Size { bits, policy } => match policy {
                ImportPolicy::Strict
                    if *bits >= ImportPolicy::Insecure.least() && *bits <= policy.most() =>
                {
                    "where this one must be kept for a while, `keys import --insecure` takes it; better make a larger one"
                }
                _ => "use a key of 2048 to 4096 bits",
            },
            Self::HalvesDiffer { .. } => "make the public half again from the private one",
            Self::Encode { .. } | Self::Generate { .. } => {
                "try again; if it stays so, please report it with the output of `-v`"
            }
        };
        match self.mend("FILE") {
            Some(command) => format!("{advice}: `{command}`"),
            None => advice.to_owned(),
        }
    }
}

//! The public half: read from every form, kept as the one that servers hold.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pkcs8::SubjectPublicKeyInfoRef;
use pkcs8::der::asn1::{BitStringRef, UintRef};
use pkcs8::der::{self, Decode as _, Encode as _};
use rsa::pkcs1::{ALGORITHM_ID, RsaPublicKeyRef};
use x509_cert::Certificate;

use crate::text::{self, Block};
use crate::{Fingerprint, Form, Half, ImportPolicy, KeyError, Read};

/// The public half of a keypair.
///
/// It is a value to compare, to print and to hand to servers, of any size: an audit meets keys that nobody would make
/// today. Nothing is computed with it here.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PublicKey {
    /// `SubjectPublicKeyInfo`, always written by [`PublicKey::from_numbers`], so that equal keys are equal bytes.
    der: Vec<u8>,
    bits: usize,
}

impl PublicKey {
    /// Reads SPKI PEM, one-line base64 DER, an X.509 certificate, a PKCS#1 public key.
    ///
    /// The last two are converted, with a note: servers refuse them (protocol.md 1.10).
    ///
    /// # Errors
    /// There is no RSA public key in the text, or the policy does not let it in.
    pub fn read(text: &[u8], policy: ImportPolicy) -> Result<Read<Self>, KeyError> {
        let (key, form) = Self::open(text)?;
        policy.admit(&key)?;
        Ok(Read {
            value: key,
            notes: note(form).into_iter().map(str::to_owned).collect(),
        })
    }

    /// Reads what a server printed (protocol.md 1.3): base64 `SubjectPublicKeyInfo`, any RSA size.
    ///
    /// # Errors
    /// The text is not the base64 of an RSA public key.
    pub fn from_server(text: &str) -> Result<Self, KeyError> {
        let Block { form, der } = text::block(text.as_bytes(), Half::Public)?;
        match form {
            Form::Spki => Self::from_spki(&der).map_err(damaged(form)),
            form => Err(refuse(form)),
        }
    }

    /// Reads any form of a public key, whatever its size, and says which it was.
    pub(crate) fn open(text: &[u8]) -> Result<(Self, Form), KeyError> {
        let Block { form, der } = text::block(text, Half::Public)?;
        let key = match form {
            Form::Spki => Self::from_spki(&der),
            Form::Pkcs1Public => Self::from_pkcs1(&der),
            Form::Certificate => {
                let key = Certificate::from_der(&der).and_then(|certificate| {
                    certificate
                        .tbs_certificate()
                        .subject_public_key_info()
                        .to_der()
                });
                let key = key.map_err(damaged(form))?;
                if let Some(other @ Form::OtherPublic(_)) = Form::of_der(&key) {
                    return Err(refuse(other));
                }
                Self::from_spki(&key)
            }
            form => return Err(refuse(form)),
        };
        Ok((key.map_err(damaged(form))?, form))
    }

    fn from_spki(der: &[u8]) -> der::Result<Self> {
        let key = SubjectPublicKeyInfoRef::from_der(der)?;
        Self::from_pkcs1(
            key.subject_public_key
                .as_bytes()
                .ok_or(der::ErrorKind::Failed)?,
        )
    }

    fn from_pkcs1(der: &[u8]) -> der::Result<Self> {
        let key = RsaPublicKeyRef::from_der(der)?;
        Self::from_numbers(key.modulus.as_bytes(), key.public_exponent.as_bytes())
    }

    /// The key of a modulus and a public exponent, both big-endian (RFC 8017, section 3.1).
    pub(crate) fn from_numbers(modulus: &[u8], exponent: &[u8]) -> der::Result<Self> {
        let key = RsaPublicKeyRef {
            modulus: UintRef::new(modulus)?,
            public_exponent: UintRef::new(exponent)?,
        };
        // An exponent of 1 would make every message its own signature.
        let odd = |number: UintRef<'_>| number.as_bytes().last().is_some_and(|byte| byte % 2 == 1);
        if !odd(key.modulus) || !odd(key.public_exponent) || bits(key.public_exponent) < 2 {
            return Err(der::ErrorKind::Failed.into());
        }
        let bits = bits(key.modulus);
        let key = key.to_der()?;
        let der = SubjectPublicKeyInfoRef {
            algorithm: ALGORITHM_ID,
            subject_public_key: BitStringRef::from_bytes(&key)?,
        }
        .to_der()?;
        Ok(Self { der, bits })
    }

    /// SPKI PEM.
    pub fn to_pem(&self) -> String {
        let mut pem = String::from("-----BEGIN PUBLIC KEY-----\n");
        for (place, c) in self.to_one_line().chars().enumerate() {
            if place > 0 && place % 64 == 0 {
                pem.push('\n');
            }
            pem.push(c);
        }
        pem.push_str("\n-----END PUBLIC KEY-----\n");
        pem
    }

    /// The one line that the servers print and take: base64 of the `SubjectPublicKeyInfo` DER.
    pub fn to_one_line(&self) -> String {
        STANDARD.encode(&self.der)
    }

    /// The fingerprint.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of_spki(&self.der)
    }

    /// The size of the modulus.
    pub fn bits(&self) -> usize {
        self.bits
    }
}

/// The number of bits of a number.
pub(crate) fn bits(number: UintRef<'_>) -> usize {
    let bytes = number.as_bytes();
    let leading = bytes
        .first()
        .map_or(0, |byte| byte.leading_zeros() as usize);
    bytes.len() * 8 - leading
}

/// What was converted, for the user.
pub(crate) fn note(form: Form) -> Option<&'static str> {
    match form {
        Form::Pkcs1Public => Some(
            "converted from a PKCS#1 public key (`BEGIN RSA PUBLIC KEY`), which servers refuse",
        ),
        Form::Certificate => Some(
            "taken from an X.509 certificate, which servers refuse; nothing else of the certificate is used",
        ),
        _ => None,
    }
}

/// Why a form is not taken as a public key.
fn refuse(form: Form) -> KeyError {
    match form {
        Form::OtherPublic(algorithm) => KeyError::NotRsa { algorithm },
        found => KeyError::WrongForm {
            found,
            wanted: Half::Public,
        },
    }
}

fn damaged(form: Form) -> impl Fn(der::Error) -> KeyError {
    move |source| KeyError::Damaged {
        what: form.to_string(),
        source: Some(source.into()),
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PublicKey")
            .field("bits", &self.bits)
            .field("fingerprint", &self.fingerprint())
            .finish_non_exhaustive()
    }
}

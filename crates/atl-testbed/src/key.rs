//! Public keys as the servers read them (protocol.md 1.10): X.509 `SubjectPublicKeyInfo`, RSA, nothing else.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{
    DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::STANDARD,
};

/// `rsaEncryption`, 1.2.840.113549.1.1.1.
const RSA_ENCRYPTION: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];

/// An RSA public key, as `SubjectPublicKeyInfo` DER and as the `RSAPublicKey` inside it.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    spki: Vec<u8>,
    inner: std::ops::Range<usize>,
}

/// A text that the server does not take for a public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an RSA public key in X.509 form")]
pub struct KeyError;

impl PublicKey {
    /// Reads a key the way the REST endpoint does: PEM markers and newlines are dropped, base64 is decoded
    /// leniently, and what is left must be the `SubjectPublicKeyInfo` of an RSA key.
    ///
    /// # Errors
    ///
    /// [`KeyError`] for everything else: PKCS#1, certificates, ssh keys, private keys, other algorithms.
    pub fn from_rest(text: &str) -> Result<Self, KeyError> {
        Self::from_spki(lenient_base64(&without_markers(text))?)
    }

    /// Reads a key the way the admin form does, which also takes a certificate (protocol.md 1.11).
    ///
    /// # Errors
    ///
    /// [`KeyError`] where neither is found.
    pub fn from_form(text: &str) -> Result<Self, KeyError> {
        if !text.starts_with("-----BEGIN CERTIFICATE-----") {
            return Self::from_rest(text);
        }
        let der = lenient_base64(&without_markers(text))?;
        Self::from_spki(spki_of_certificate(&der).ok_or(KeyError)?.to_vec())
    }

    /// Takes `SubjectPublicKeyInfo` DER.
    ///
    /// # Errors
    ///
    /// [`KeyError`] where it is not the key of an RSA pair.
    pub fn from_spki(spki: Vec<u8>) -> Result<Self, KeyError> {
        let inner = rsa_key_within(&spki).ok_or(KeyError)?;
        let start = spki.len() - inner.len();
        Ok(Self {
            inner: start..spki.len(),
            spki,
        })
    }

    /// The form in which the servers print a key: base64 of the `SubjectPublicKeyInfo`, on one line.
    pub fn one_line(&self) -> String {
        STANDARD.encode(&self.spki)
    }

    /// The `SubjectPublicKeyInfo` DER.
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// The PKCS#1 `RSAPublicKey` DER.
    pub(crate) fn pkcs1(&self) -> &[u8] {
        &self.spki[self.inner.clone()]
    }
}

impl std::fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PublicKey({})", self.one_line())
    }
}

/// Drops `-----ANY CAPITALS-----` and newlines.
fn without_markers(text: &str) -> String {
    const DASHES: &str = "-----";
    let mut kept = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(DASHES) {
        let after = &rest[start + DASHES.len()..];
        let label = after
            .bytes()
            .take_while(|byte| byte.is_ascii_uppercase() || *byte == b' ')
            .count();
        if let Some(tail) = after[label..].strip_prefix(DASHES) {
            kept.push_str(&rest[..start]);
            rest = tail;
        } else {
            kept.push_str(&rest[..=start]);
            rest = &rest[start + 1..];
        }
    }
    kept.push_str(rest);
    kept.replace('\n', "")
}

/// Ignores whatever is outside the alphabet, takes the URL-safe letters as well, and cares for no padding.
fn lenient_base64(text: &str) -> Result<Vec<u8>, KeyError> {
    const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(true);
    let letters: String = text
        .chars()
        .filter_map(|letter| match letter {
            '-' => Some('+'),
            '_' => Some('/'),
            '+' | '/' | 'a'..='z' | 'A'..='Z' | '0'..='9' => Some(letter),
            _ => None,
        })
        .collect();
    GeneralPurpose::new(&alphabet::STANDARD, LENIENT)
        .decode(letters)
        .map_err(|_| KeyError)
}

/// One DER element off the front: its tag, its content, and what follows it.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
        if digits.is_empty() || digits.len() > 4 {
            return None;
        }
        (
            digits
                .iter()
                .fold(0, |length, digit| length << 8 | usize::from(*digit)),
            rest,
        )
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OBJECT_ID: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
const EXPLICIT_VERSION: u8 = 0xa0;

fn expect(der: &[u8], wanted: u8) -> Option<(&[u8], &[u8])> {
    element(der)
        .filter(|(tag, ..)| *tag == wanted)
        .map(|(_, content, rest)| (content, rest))
}

/// The `RSAPublicKey` at the end of a `SubjectPublicKeyInfo` (RFC 5280, section 4.1.2.7).
fn rsa_key_within(spki: &[u8]) -> Option<&[u8]> {
    let (info, rest) = expect(spki, SEQUENCE)?;
    let (algorithm, bits) = expect(info, SEQUENCE)?;
    let (oid, _) = expect(algorithm, OBJECT_ID)?;
    let (bits, end) = expect(bits, BIT_STRING)?;
    let key = bits.strip_prefix(&[0])?;
    let (numbers, tail) = expect(key, SEQUENCE)?;
    let (modulus, numbers) = expect(numbers, INTEGER)?;
    let (exponent, numbers) = expect(numbers, INTEGER)?;
    let whole = [rest, end, tail, numbers]
        .iter()
        .all(|left| left.is_empty());
    (whole && oid == RSA_ENCRYPTION && modulus.len() >= 64 && !exponent.is_empty()).then_some(key)
}

/// The `SubjectPublicKeyInfo` of a certificate: after serial, algorithm, issuer, validity and subject.
fn spki_of_certificate(certificate: &[u8]) -> Option<&[u8]> {
    let (certificate, _) = expect(certificate, SEQUENCE)?;
    let (mut fields, _) = expect(certificate, SEQUENCE)?;
    if let Some((_, rest)) = expect(fields, EXPLICIT_VERSION) {
        fields = rest;
    }
    for wanted in [INTEGER, SEQUENCE, SEQUENCE, SEQUENCE, SEQUENCE] {
        (_, fields) = expect(fields, wanted)?;
    }
    let (_, rest) = expect(fields, SEQUENCE)?;
    Some(&fields[..fields.len() - rest.len()])
}

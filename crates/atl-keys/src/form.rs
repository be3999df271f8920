//! The forms in which people have keys, told apart by label and by structure.

use std::fmt;

use pkcs8::SubjectPublicKeyInfoRef;
use pkcs8::der::Decode as _;
use pkcs8::{EncryptedPrivateKeyInfoRef, ObjectIdentifier, PrivateKeyInfoRef};
use rsa::pkcs1::{self, RsaPrivateKeyRef, RsaPublicKeyRef};
use x509_cert::Certificate;

/// One half of a keypair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Half {
    /// The private key, which signs.
    Private,
    /// The public key, which servers hold.
    Public,
}

impl fmt::Display for Half {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Private => "private",
            Self::Public => "public",
        })
    }
}

/// What a key file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Form {
    /// `BEGIN PRIVATE KEY` (RFC 5208), RSA.
    Pkcs8,
    /// `BEGIN RSA PRIVATE KEY` (RFC 8017, appendix A.1.2).
    Pkcs1,
    /// `BEGIN ENCRYPTED PRIVATE KEY` (RFC 5208, section 6).
    EncryptedPkcs8,
    /// A private key with `Proc-Type: 4,ENCRYPTED` (RFC 1421), which RFC 7468 forbids.
    LegacyEncrypted,
    /// `BEGIN OPENSSH PRIVATE KEY`.
    OpenSshPrivate,
    /// A private key of another algorithm.
    OtherPrivate(&'static str),
    /// `BEGIN PUBLIC KEY`: `SubjectPublicKeyInfo` (RFC 5280, section 4.1.2.7), RSA.
    Spki,
    /// `BEGIN RSA PUBLIC KEY` (RFC 8017, appendix A.1.1).
    Pkcs1Public,
    /// `BEGIN CERTIFICATE` (RFC 5280).
    Certificate,
    /// `BEGIN CERTIFICATE REQUEST` (RFC 2986).
    CertificateRequest,
    /// `ssh-rsa AAAA...` or `BEGIN SSH2 PUBLIC KEY` (RFC 4253, RFC 4716).
    SshPublic,
    /// A public key of another algorithm.
    OtherPublic(&'static str),
}

impl Form {
    /// The half of the keypair that this form carries.
    pub fn half(self) -> Half {
        match self {
            Self::Pkcs8
            | Self::Pkcs1
            | Self::EncryptedPkcs8
            | Self::LegacyEncrypted
            | Self::OpenSshPrivate
            | Self::OtherPrivate(_) => Half::Private,
            Self::Spki
            | Self::Pkcs1Public
            | Self::Certificate
            | Self::CertificateRequest
            | Self::SshPublic
            | Self::OtherPublic(_) => Half::Public,
        }
    }

    /// Whether this tool reads a key from this form.
    pub(crate) fn readable(self) -> bool {
        matches!(
            self,
            Self::Pkcs8
                | Self::Pkcs1
                | Self::EncryptedPkcs8
                | Self::Spki
                | Self::Pkcs1Public
                | Self::Certificate
        )
    }

    /// The form of a PEM block with this label and content.
    pub(crate) fn of_block(label: &str, der: &[u8]) -> Option<Self> {
        match label {
            "ENCRYPTED PRIVATE KEY" => Some(Self::EncryptedPkcs8),
            "OPENSSH PRIVATE KEY" => Some(Self::OpenSshPrivate),
            "EC PRIVATE KEY" => Some(Self::OtherPrivate("EC")),
            "DSA PRIVATE KEY" => Some(Self::OtherPrivate("DSA")),
            "CERTIFICATE" => Some(Self::Certificate),
            "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST" => Some(Self::CertificateRequest),
            _ => Self::of_der(der),
        }
    }

    /// The form of DER without a label.
    pub(crate) fn of_der(der: &[u8]) -> Option<Self> {
        if let Ok(key) = PrivateKeyInfoRef::from_der(der) {
            return Some(match algorithm(key.algorithm.oid) {
                None => Self::Pkcs8,
                Some(other) => Self::OtherPrivate(other),
            });
        }
        if let Ok(key) = SubjectPublicKeyInfoRef::from_der(der) {
            return Some(match algorithm(key.algorithm.oid) {
                None => Self::Spki,
                Some(other) => Self::OtherPublic(other),
            });
        }
        let plain = [
            (RsaPrivateKeyRef::from_der(der).is_ok(), Self::Pkcs1),
            (RsaPublicKeyRef::from_der(der).is_ok(), Self::Pkcs1Public),
            (
                EncryptedPrivateKeyInfoRef::from_der(der).is_ok(),
                Self::EncryptedPkcs8,
            ),
            (Certificate::from_der(der).is_ok(), Self::Certificate),
        ];
        plain.into_iter().find_map(|(is, form)| is.then_some(form))
    }
}

/// The algorithm of a key, where it is not RSA.
fn algorithm(oid: ObjectIdentifier) -> Option<&'static str> {
    const KNOWN: [(&str, &str); 6] = [
        ("1.2.840.10045.2.1", "EC"),
        ("1.2.840.10040.4.1", "DSA"),
        ("1.2.840.113549.1.1.10", "RSASSA-PSS"),
        ("1.2.840.113549.1.3.1", "Diffie-Hellman"),
        ("1.3.101.112", "Ed25519"),
        ("1.3.101.110", "X25519"),
    ];
    if oid == pkcs1::ALGORITHM_OID {
        return None;
    }
    let oid = oid.to_string();
    let known = KNOWN.into_iter().find(|(known, _)| *known == oid);
    Some(known.map_or("unknown", |(_, name)| name))
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pkcs8 => "a PKCS#8 private key (`BEGIN PRIVATE KEY`)",
            Self::Pkcs1 => "a PKCS#1 private key (`BEGIN RSA PRIVATE KEY`)",
            Self::EncryptedPkcs8 => {
                "an encrypted PKCS#8 private key (`BEGIN ENCRYPTED PRIVATE KEY`)"
            }
            Self::LegacyEncrypted => {
                "a private key with legacy encryption (`Proc-Type: 4,ENCRYPTED`)"
            }
            Self::OpenSshPrivate => "an OpenSSH private key (`BEGIN OPENSSH PRIVATE KEY`)",
            Self::Spki => "a public key (`BEGIN PUBLIC KEY`)",
            Self::Pkcs1Public => "a PKCS#1 public key (`BEGIN RSA PUBLIC KEY`)",
            Self::Certificate => "an X.509 certificate (`BEGIN CERTIFICATE`)",
            Self::CertificateRequest => "a certificate request (`BEGIN CERTIFICATE REQUEST`)",
            Self::SshPublic => "an SSH public key (`ssh-rsa`)",
            Self::OtherPrivate(algorithm) => return write!(f, "a private key ({algorithm})"),
            Self::OtherPublic(algorithm) => return write!(f, "a public key ({algorithm})"),
        })
    }
}

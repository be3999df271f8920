//! Generated keypairs, and what is written of them.

use std::collections::BTreeSet;

use atl_keys::{ImportPolicy, Kdf, KeyError, KeySize, Keypair, PrivateFormat, PublicKey};

use crate::support::{fixture, passphrase};

#[test]
fn each_size_is_generated() {
    for size in [KeySize::Bits2048, KeySize::Bits3072, KeySize::Bits4096] {
        assert_eq!(Keypair::generate(size).unwrap().bits(), size.bits());
    }
}

#[test]
fn many_keypairs_are_all_different() {
    for count in [0, 1, 5] {
        let keypairs = Keypair::generate_many(KeySize::Bits2048, count).unwrap();
        let different: BTreeSet<_> = keypairs.iter().map(Keypair::fingerprint).collect();
        assert_eq!((keypairs.len(), different.len()), (count, count));
    }
}

#[test]
fn every_private_form_is_read_back() {
    let keypair = Keypair::generate(KeySize::Bits2048).unwrap();
    let passphrase = passphrase();
    let encrypted = |kdf| PrivateFormat::EncryptedPkcs8 {
        passphrase: &passphrase,
        kdf,
    };
    for (format, label) in [
        (PrivateFormat::Pkcs8, "-----BEGIN PRIVATE KEY-----\n"),
        (PrivateFormat::Pkcs1, "-----BEGIN RSA PRIVATE KEY-----\n"),
        (
            encrypted(Kdf::Scrypt),
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\n",
        ),
        (
            encrypted(Kdf::Pbkdf2),
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\n",
        ),
    ] {
        let pem = keypair.to_pem(format).unwrap();
        assert!(pem.starts_with(label), "{format:?}");
        let again = Keypair::read(pem.as_bytes(), Some(&passphrase), ImportPolicy::Strict).unwrap();
        assert_eq!(
            again.value.fingerprint(),
            keypair.fingerprint(),
            "{format:?}"
        );
    }
}

#[test]
fn the_same_key_is_written_as_openssl_writes_it() {
    let keypair = Keypair::read(&fixture("pkcs8.pem"), None, ImportPolicy::Strict)
        .unwrap()
        .value;
    let text = |name| String::from_utf8(fixture(name)).unwrap();
    assert_eq!(
        *keypair.to_pem(PrivateFormat::Pkcs8).unwrap(),
        text("pkcs8.pem")
    );
    assert_eq!(
        *keypair.to_pem(PrivateFormat::Pkcs1).unwrap(),
        text("pkcs1.pem")
    );
    assert_eq!(keypair.public_key().to_pem(), text("pkcs8.pub.pem"));
    assert_eq!(keypair.public_key().to_one_line(), text("one-line.pub.txt"));
}

#[test]
fn a_certificate_and_a_pkcs1_public_key_are_written_as_servers_take_them() {
    for name in ["certificate.pem", "pkcs1.pub.pem"] {
        let key = PublicKey::read(&fixture(name), ImportPolicy::Strict)
            .unwrap()
            .value;
        assert_eq!(key.to_pem().as_bytes(), fixture("pkcs8.pub.pem"), "{name}");
    }
}

#[test]
fn an_empty_passphrase_encrypts_nothing() {
    let keypair = Keypair::read(&fixture("pkcs8.pem"), None, ImportPolicy::Strict)
        .unwrap()
        .value;
    let format = PrivateFormat::EncryptedPkcs8 {
        passphrase: &"".into(),
        kdf: Kdf::Scrypt,
    };
    assert!(matches!(
        keypair.to_pem(format),
        Err(KeyError::EmptyPassphrase)
    ));
}

#[test]
fn nothing_private_is_printed() {
    let read = Keypair::read(&fixture("pkcs8.pem"), None, ImportPolicy::Strict).unwrap();
    let shown = format!("{read:?}");
    let expected = "Read { value: Keypair { private: \"[REDACTED]\", public: PublicKey { bits: 2048, fingerprint: Fingerprint(";
    assert!(shown.starts_with(expected), "{shown}");
    assert!(shown.len() < 300, "{shown}");
    let passphrase = passphrase();
    let format = PrivateFormat::EncryptedPkcs8 {
        passphrase: &passphrase,
        kdf: Kdf::Scrypt,
    };
    assert!(!format!("{format:?}").contains("horse"));
}

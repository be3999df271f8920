//! Both ways with the real OpenSSL: it reads what is written here, and makes the same signatures.

use atl_keys::{ImportPolicy, Kdf, KeySize, Keypair, PrivateFormat, PublicKey, RsaSha1Signer as _};
use tempfile::tempdir;

use crate::support::{fixture, installed, passphrase, shell};

/// What is signed in practice: a signature base string (RFC 5849, section 3.4.1).
const MESSAGE: &[u8] = b"GET&https%3A%2F%2Fjira.example.com%2Frest&oauth_consumer_key%3Ddeploy-bot";

#[test]
fn openssl_reads_every_private_form() {
    if !installed(&["openssl"]) {
        return;
    }
    let folder = tempdir().unwrap();
    let keypair = Keypair::generate(KeySize::Bits3072).unwrap();
    let passphrase = passphrase();
    let encrypted = |kdf| PrivateFormat::EncryptedPkcs8 {
        passphrase: &passphrase,
        kdf,
    };
    for format in [
        PrivateFormat::Pkcs8,
        PrivateFormat::Pkcs1,
        encrypted(Kdf::Scrypt),
        encrypted(Kdf::Pbkdf2),
    ] {
        fs_err::write(
            folder.path().join("key.pem"),
            &*keypair.to_pem(format).unwrap(),
        )
        .unwrap();
        shell(
            folder.path(),
            "openssl pkey -in key.pem -passin pass:'correct horse' -noout -check",
        );
        let public = shell(
            folder.path(),
            "openssl pkey -in key.pem -passin pass:'correct horse' -pubout",
        );
        assert_eq!(
            public,
            keypair.public_key().to_pem().as_bytes(),
            "{format:?}"
        );
    }
}

#[test]
fn openssl_computes_the_same_fingerprint() {
    if !installed(&["openssl"]) {
        return;
    }
    let folder = tempdir().unwrap();
    for name in ["pkcs8.pub.pem", "rsa-1024.pub.pem"] {
        let text = fixture(name);
        fs_err::write(folder.path().join("key.pem"), &text).unwrap();
        let fingerprint = "openssl pkey -pubin -in key.pem -outform DER | openssl dgst -sha256 -binary | openssl base64 -A | tr -d =";
        let fingerprint = shell(folder.path(), fingerprint);
        let key = PublicKey::read(&text, ImportPolicy::Insecure)
            .unwrap()
            .value;
        assert_eq!(
            key.fingerprint().as_str().as_bytes(),
            [b"SHA256:", &fingerprint[..]].concat()
        );
    }
}

#[test]
fn openssl_makes_and_accepts_the_same_signature() {
    if !installed(&["openssl"]) {
        return;
    }
    let folder = tempdir().unwrap();
    fs_err::write(folder.path().join("message"), MESSAGE).unwrap();
    for size in [KeySize::Bits2048, KeySize::Bits4096] {
        let keypair = Keypair::generate(size).unwrap();
        let signature = keypair.sign_rsa_sha1(MESSAGE).unwrap();
        let private = keypair.to_pem(PrivateFormat::Pkcs8).unwrap();
        fs_err::write(folder.path().join("key.pem"), &*private).unwrap();
        fs_err::write(
            folder.path().join("key.pub.pem"),
            keypair.public_key().to_pem(),
        )
        .unwrap();
        fs_err::write(folder.path().join("signature"), &signature).unwrap();
        shell(
            folder.path(),
            "openssl dgst -sha1 -verify key.pub.pem -signature signature message",
        );
        let theirs = shell(folder.path(), "openssl dgst -sha1 -sign key.pem message");
        assert_eq!(theirs, signature, "{size:?}");
    }
}

#[test]
fn a_signature_of_another_message_is_not_the_same() {
    let read = Keypair::read(&fixture("pkcs8.pem"), None, ImportPolicy::Strict).unwrap();
    let one = read.value.sign_rsa_sha1(MESSAGE).unwrap();
    assert_eq!(one, read.value.sign_rsa_sha1(MESSAGE).unwrap());
    assert_ne!(one, read.value.sign_rsa_sha1(&MESSAGE[1..]).unwrap());
    assert_eq!(one.len(), 256);
}

//! Whatever is in a file, reading it ends with a key or an error.

use atl_keys::{ImportPolicy, KeyFile, Keypair, PublicKey, check};
use proptest::prelude::*;

use crate::support::{fixture, passphrase};

fn read_all(text: &[u8]) {
    let passphrase = passphrase();
    drop(Keypair::read(
        text,
        Some(&passphrase),
        ImportPolicy::Insecure,
    ));
    drop(PublicKey::read(text, ImportPolicy::Insecure));
    drop(PublicKey::from_server(&String::from_utf8_lossy(text)));
    drop(Keypair::from_der(text));
    let file = KeyFile {
        name: "key.pem",
        text,
    };
    let report = check(file, Some(&passphrase), Some(file));
    assert!(report.form.is_some() || !report.findings.is_empty());
}

/// A fixture that is cheap to read even when it is whole.
fn key() -> impl Strategy<Value = Vec<u8>> {
    let names = [
        "pkcs8.pem",
        "pkcs1.pem",
        "legacy.pem",
        "pkcs8.der",
        "ec-params.pem",
        "ssh.pub",
    ];
    let public = [
        "pkcs8.pub.pem",
        "one-line.pub.txt",
        "pkcs1.pub.pem",
        "certificate.pem",
    ];
    prop::sample::select([&names[..], &public].concat()).prop_map(fixture)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes(text in prop::collection::vec(any::<u8>(), 0..2000)) {
        read_all(&text);
    }

    #[test]
    fn arbitrary_blocks(label in "[A-Z0-9 ]{0,70}", body in "[A-Za-z0-9+/=\r\n:,-]{0,400}", end in any::<bool>()) {
        let end = if end { format!("-----END {label}-----") } else { String::new() };
        read_all(format!("-----BEGIN {label}-----{body}{end}").as_bytes());
    }

    #[test]
    fn damaged_keys(text in key(), place in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>()) {
        let mut text = text;
        let place = place.index(text.len());
        text[place] = byte;
        read_all(&text);
        text.truncate(cut.index(text.len()));
        read_all(&text);
    }
}

//! What is read, what is refused, and as what.

use atl_keys::{Fingerprint, ImportPolicy, KeyError, KeySize, Keypair, PublicKey};
use pkcs8::SubjectPublicKeyInfoRef;
use pkcs8::der::asn1::BitStringRef;
use rsa::pkcs1::{ALGORITHM_ID, RsaPrivateKey, RsaPublicKey, UintRef};
use rsa::pkcs8::der::Encode as _;

use crate::support::{FINGERPRINT, fixture, passphrase};

fn code<T>(result: Result<T, KeyError>) -> &'static str {
    result.err().map_or("ok", |error| error.code())
}

fn private(text: &[u8]) -> Result<Keypair, KeyError> {
    Keypair::read(text, Some(&passphrase()), ImportPolicy::Strict).map(|read| read.value)
}

fn public(text: &[u8]) -> Result<PublicKey, KeyError> {
    PublicKey::read(text, ImportPolicy::Strict).map(|read| read.value)
}

/// The base64 of a PEM file, wrapped after so many characters.
fn rewrapped(pem: &[u8], width: usize) -> String {
    let text = str::from_utf8(pem).unwrap();
    let (head, rest) = text.split_once("-----\n").unwrap();
    let (body, end) = rest.split_once("-----END").unwrap();
    let body: Vec<char> = body.chars().filter(|c| *c != '\n').collect();
    let lines: Vec<String> = body
        .chunks(width)
        .map(|line| line.iter().collect())
        .collect();
    format!("{head}-----\n{}\n-----END{end}", lines.join("\n"))
}

#[test]
fn every_form_of_the_private_half_is_the_same_key() {
    for name in [
        "pkcs8.pem",
        "pkcs1.pem",
        "scrypt.pem",
        "pbkdf2.pem",
        "crlf.pem",
        "text.pem",
        "one-line.txt",
    ] {
        let keypair = private(&fixture(name)).unwrap();
        assert_eq!(keypair.fingerprint().as_str(), FINGERPRINT, "{name}");
        assert_eq!(keypair.bits(), 2048, "{name}");
    }
}

#[test]
fn every_form_of_the_public_half_is_the_same_key() {
    for (name, notes) in [
        ("pkcs8.pub.pem", 0),
        ("crlf.pub.pem", 0),
        ("text.pub.pem", 0),
        ("one-line.pub.txt", 0),
        ("pkcs1.pub.pem", 1),
        ("certificate.pem", 1),
    ] {
        let read = PublicKey::read(&fixture(name), ImportPolicy::Strict).unwrap();
        assert_eq!(read.value.fingerprint().as_str(), FINGERPRINT, "{name}");
        assert_eq!(read.value.bits(), 2048, "{name}");
        assert_eq!(read.notes.len(), notes, "{name}: {:?}", read.notes);
    }
}

#[test]
fn base64_may_be_wrapped_anywhere() {
    for width in [1, 63, 76, usize::MAX] {
        let text = rewrapped(&fixture("pkcs8.pem"), width);
        assert_eq!(
            private(text.as_bytes()).unwrap().fingerprint().as_str(),
            FINGERPRINT
        );
        let text = rewrapped(&fixture("pkcs8.pub.pem"), width);
        assert_eq!(
            public(text.as_bytes()).unwrap().fingerprint().as_str(),
            FINGERPRINT
        );
    }
}

#[test]
fn bare_base64_may_have_a_byte_order_mark_spaces_no_padding_and_the_url_alphabet() {
    let line = String::from_utf8(fixture("one-line.pub.txt")).unwrap();
    for text in [
        format!("\u{feff}{line}"),
        format!("  {line} \r\n"),
        line.trim_end_matches('=').to_owned(),
        line.replace('+', "-").replace('/', "_"),
    ] {
        assert_eq!(
            public(text.as_bytes()).unwrap().fingerprint().as_str(),
            FINGERPRINT
        );
    }
}

#[test]
fn each_reader_takes_its_half_from_a_file_with_several_keys() {
    let both = [
        fixture("another.pub.pem"),
        fixture("pkcs8.pem"),
        fixture("ec-params.pem"),
    ]
    .concat();
    assert_eq!(private(&both).unwrap().fingerprint().as_str(), FINGERPRINT);
    let both = [
        fixture("ec-params.pem"),
        fixture("pkcs8.pem"),
        fixture("certificate.pem"),
    ]
    .concat();
    assert_eq!(public(&both).unwrap().fingerprint().as_str(), FINGERPRINT);
}

#[test]
fn what_is_not_a_private_key_is_named() {
    for (name, expected) in [
        ("pkcs8.pub.pem", "public_as_private"),
        ("certificate.pem", "public_as_private"),
        ("ssh.pub", "public_as_private"),
        ("openssh.pem", "openssh_private_key"),
        ("legacy.pem", "legacy_encryption"),
        ("pbes1.pem", "unsupported_encryption"),
        ("costly.pem", "costly_encryption"),
        ("pkcs8.der", "binary"),
        ("ec.pem", "not_rsa"),
        ("ec-params.pem", "not_rsa"),
        ("ec.pub.pem", "public_as_private"),
        ("rsa-1024.pem", "size"),
        ("rsa-512.pem", "size"),
    ] {
        assert_eq!(code(private(&fixture(name))), expected, "{name}");
    }
}

#[test]
fn what_is_not_a_public_key_is_named() {
    for (name, expected) in [
        ("pkcs8.pem", "private_as_public"),
        ("pkcs1.pem", "private_as_public"),
        ("scrypt.pem", "private_as_public"),
        ("legacy.pem", "private_as_public"),
        ("openssh.pem", "private_as_public"),
        ("ec.pem", "private_as_public"),
        ("one-line.txt", "private_as_public"),
        ("ssh.pub", "ssh_public_key"),
        ("request.pem", "certificate_request"),
        ("ec.pub.pem", "not_rsa"),
        ("ec-certificate.pem", "not_rsa"),
        ("rsa-1024.pub.pem", "size"),
        ("rsa-512.pub.pem", "size"),
        ("sample-2048.pub.pem", "sample_key"),
        ("sample-1024.pub.pem", "sample_key"),
    ] {
        assert_eq!(code(public(&fixture(name))), expected, "{name}");
    }
}

#[test]
fn text_without_a_key_is_named() {
    let key = fixture("pkcs8.pem");
    let cut = &key[..key.len() / 2];
    let whole = str::from_utf8(&key).unwrap();
    let holed = whole.replace("MII", "M?I");
    let short = whole.replace("MII", "");
    let long = vec![b' '; (1 << 20) + 1];
    for (text, expected) in [
        (&b""[..], "empty"),
        (b" \r\n\t", "empty"),
        (b"hello, world", "not_a_key"),
        (b"TWFu", "not_a_key"),
        (b"\x00\xff\xfe binary", "not_a_key"),
        (b"-----BEGIN PRIVATE KEY-----", "truncated"),
        (cut, "truncated"),
        (holed.as_bytes(), "damaged"),
        (short.as_bytes(), "damaged"),
        (&long, "too_long"),
    ] {
        assert_eq!(code(private(text)), expected, "{}", text.escape_ascii());
        assert_eq!(code(public(text)), expected, "{}", text.escape_ascii());
    }
}

#[test]
fn an_encrypted_key_needs_its_passphrase() {
    for name in ["scrypt.pem", "pbkdf2.pem"] {
        let read = |passphrase| Keypair::read(&fixture(name), passphrase, ImportPolicy::Strict);
        assert_eq!(code(read(None)), "passphrase_needed", "{name}");
        let wrong = "correct house".into();
        assert_eq!(code(read(Some(&wrong))), "wrong_passphrase", "{name}");
    }
}

#[test]
fn insecure_takes_1024_bits_and_never_less() {
    for (name, expected) in [("rsa-1024", "ok"), ("rsa-512", "size")] {
        let key = fixture(&format!("{name}.pem"));
        assert_eq!(
            code(Keypair::read(&key, None, ImportPolicy::Insecure)),
            expected
        );
        let key = fixture(&format!("{name}.pub.pem"));
        assert_eq!(
            code(PublicKey::read(&key, ImportPolicy::Insecure)),
            expected
        );
    }
}

#[test]
fn insecure_takes_no_published_key() {
    for name in ["sample-1024.pub.pem", "sample-2048.pub.pem"] {
        let error = PublicKey::read(&fixture(name), ImportPolicy::Insecure).unwrap_err();
        assert_eq!(error.code(), "sample_key");
        assert!(
            error.to_string().contains("atlassian-oauth-examples"),
            "{error}"
        );
    }
}

#[test]
fn insecure_takes_no_published_private_key() {
    for name in ["oauth-wiki.pem", "oauthlib.pem", "node-oauth.pem"] {
        let key = fixture(&format!("../vectors/keys/{name}"));
        let read = Keypair::read(&key, None, ImportPolicy::Insecure);
        assert_eq!(code(read), "sample_key", "{name}");
    }
}

#[test]
fn what_is_damaged_beside_a_good_key_does_not_hide_it() {
    let good = fixture("pkcs8.pem");
    for damage in [
        &b"-----BEGIN PGP PUBLIC KEY BLOCK-----\nVersion: 1\n-----END PGP PUBLIC KEY BLOCK-----\n"
            [..],
        b"-----BEGIN CERTIFICATE-----\n?\n-----END CERTIFICATE-----\n",
        b"-----BEGIN certificate-----\n",
    ] {
        let text = [damage, &good].concat();
        assert_eq!(private(&text).unwrap().fingerprint().as_str(), FINGERPRINT);
    }
    let cut = [&good, &b"-----BEGIN CERTIFICATE-----\nMII"[..]].concat();
    assert_eq!(private(&cut).unwrap().fingerprint().as_str(), FINGERPRINT);
    assert_eq!(code(public(&cut)), "truncated");
}

#[test]
fn a_public_key_without_a_usable_exponent_is_damaged() {
    for exponent in [[0_u8], [1], [2]] {
        let key = RsaPublicKey {
            modulus: UintRef::new(&[0xff; 256]).unwrap(),
            public_exponent: UintRef::new(&exponent).unwrap(),
        };
        let text = base64(&key.to_der().unwrap());
        assert_eq!(code(public(text.as_bytes())), "damaged", "{exponent:?}");
    }
}

#[test]
fn an_enormous_key_is_refused_before_anything_is_computed_with_it() {
    let modulus = [0xff; 8200 / 8];
    let number = UintRef::new(&modulus).unwrap();
    let key = RsaPrivateKey {
        modulus: number,
        public_exponent: number,
        private_exponent: number,
        prime1: number,
        prime2: number,
        exponent1: number,
        exponent2: number,
        coefficient: number,
        other_prime_infos: None,
    };
    let text = format!(
        "-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----\n",
        base64(&key.to_der().unwrap())
    );
    let error = Keypair::read(text.as_bytes(), None, ImportPolicy::Insecure).unwrap_err();
    assert!(
        matches!(error, KeyError::Size { bits: 8200, .. }),
        "{error:?}"
    );
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

#[test]
fn a_server_may_print_a_key_of_any_size() {
    for (name, bits) in [
        ("pkcs8.pub.pem", 2048),
        ("one-line.pub.txt", 2048),
        ("rsa-1024.pub.pem", 1024),
        ("rsa-512.pub.pem", 512),
        ("sample-1024.pub.pem", 1024),
    ] {
        let text = String::from_utf8(fixture(name)).unwrap();
        assert_eq!(
            PublicKey::from_server(&text).unwrap().bits(),
            bits,
            "{name}"
        );
    }
    for (name, expected) in [
        ("ec.pub.pem", "not_rsa"),
        ("pkcs1.pub.pem", "wrong_form"),
        ("pkcs8.pem", "private_as_public"),
    ] {
        let text = String::from_utf8(fixture(name)).unwrap();
        assert_eq!(code(PublicKey::from_server(&text)), expected, "{name}");
    }
}

#[test]
fn a_server_may_print_a_key_larger_than_any_that_is_let_in() {
    let key = RsaPublicKey {
        modulus: UintRef::new(&[0xff; 16384 / 8]).unwrap(),
        public_exponent: UintRef::new(&[1, 0, 1]).unwrap(),
    };
    let key = key.to_der().unwrap();
    let info = SubjectPublicKeyInfoRef {
        algorithm: ALGORITHM_ID,
        subject_public_key: BitStringRef::from_bytes(&key).unwrap(),
    };
    let text = base64(&info.to_der().unwrap());
    assert_eq!(PublicKey::from_server(&text).unwrap().bits(), 16384);
    assert_eq!(
        code(PublicKey::read(text.as_bytes(), ImportPolicy::Insecure)),
        "size"
    );
}

#[test]
fn what_a_server_prints_equals_the_key_that_it_was_given() {
    let keypair = private(&fixture("pkcs8.pem")).unwrap();
    let printed = String::from_utf8(fixture("one-line.pub.txt")).unwrap();
    assert_eq!(
        PublicKey::from_server(&printed).unwrap(),
        keypair.public_key()
    );
    let other = String::from_utf8(fixture("another.pub.pem")).unwrap();
    assert_ne!(
        PublicKey::from_server(&other).unwrap(),
        keypair.public_key()
    );
}

#[test]
fn the_store_gets_back_what_it_kept() {
    for name in ["pkcs8.pem", "rsa-1024.pem"] {
        let read = Keypair::read(&fixture(name), None, ImportPolicy::Insecure).unwrap();
        let kept = read.value.to_der().unwrap();
        let again = Keypair::from_der(&kept).unwrap();
        assert_eq!(again.fingerprint(), read.value.fingerprint());
        assert_eq!(again.to_der().unwrap(), kept);
    }
    assert_eq!(code(Keypair::from_der(&fixture("pkcs8.pem"))), "damaged");
    assert_eq!(code(Keypair::from_der(b"")), "damaged");
}

#[test]
fn fingerprints_are_checked_when_they_are_read() {
    let fingerprint: Fingerprint = FINGERPRINT.parse().unwrap();
    assert_eq!(fingerprint.to_string(), FINGERPRINT);
    assert_eq!(fingerprint.id(), "5029eb87169e");
    for text in [
        "",
        "SHA256:",
        "SHA256:abc",
        &FINGERPRINT[7..],
        &format!("{FINGERPRINT}="),
    ] {
        assert!(text.parse::<Fingerprint>().is_err(), "{text}");
    }
}

#[test]
fn only_three_sizes_are_generated() {
    for (bits, expected) in [
        (1024, None),
        (2048, Some(KeySize::Bits2048)),
        (3072, Some(KeySize::Bits3072)),
        (4096, Some(KeySize::Bits4096)),
        (4097, None),
    ] {
        assert_eq!(KeySize::from_bits(bits), expected);
    }
}

#[test]
fn advice_says_what_to_do() {
    let advice = |name| private(&fixture(name)).unwrap_err().advice();
    for (name, expected) in [
        (
            "legacy.pem",
            "`openssl pkcs8 -topk8 -scrypt -in FILE -out FILE.pkcs8.pem`",
        ),
        ("openssh.pem", "ssh-keygen -p"),
        ("ec.pem", "`atl-admin keys generate"),
        ("rsa-1024.pem", "`keys import --insecure`"),
        ("pkcs8.pub.pem", "the file it was made from"),
    ] {
        assert!(advice(name).contains(expected), "{name}: {}", advice(name));
    }
    assert!(!advice("rsa-512.pem").contains("--insecure"));
    let given = public(&fixture("pkcs8.pem")).unwrap_err().advice();
    assert!(given.contains("never given to a server"), "{given}");
}

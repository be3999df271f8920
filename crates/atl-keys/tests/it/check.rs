//! Each usual mistake is named, and the command printed for it mends it.

use std::path::Path;

use atl_keys::{Finding, Form, ImportPolicy, KeyFile, Keypair, PublicKey, Severity, check};
use tempfile::tempdir;

use crate::support::{FINGERPRINT, fixture, installed, passphrase, shell};

/// The findings on a fixture that lies in a file of this name.
fn findings(name: &str, fixture_name: &str, other: Option<&str>) -> Vec<Finding> {
    let text = fixture(fixture_name);
    let other = other.map(|name| (name, fixture(name)));
    let other = other.as_ref().map(|(name, text)| KeyFile { name, text });
    check(KeyFile { name, text: &text }, Some(&passphrase()), other).findings
}

fn codes(findings: &[Finding]) -> Vec<&'static str> {
    findings.iter().map(|finding| finding.code).collect()
}

#[test]
fn a_good_key_is_described_and_nothing_is_found() {
    for (name, form) in [
        ("pkcs8.pem", Form::Pkcs8),
        ("pkcs1.pem", Form::Pkcs1),
        ("scrypt.pem", Form::EncryptedPkcs8),
        ("pkcs8.pub.pem", Form::Spki),
        ("crlf.pub.pem", Form::Spki),
        ("text.pem", Form::Pkcs8),
    ] {
        let text = fixture(name);
        let report = check(KeyFile { name, text: &text }, Some(&passphrase()), None);
        assert_eq!(report.findings, [], "{name}");
        assert_eq!(report.form, Some(form), "{name}");
        assert_eq!(report.bits, Some(2048), "{name}");
        assert_eq!(report.fingerprint.unwrap().as_str(), FINGERPRINT, "{name}");
    }
}

#[test]
fn each_mistake_is_named() {
    for (name, expected) in [
        ("pkcs1.pub.pem", &["pkcs1_public_key"][..]),
        ("certificate.pem", &["certificate"]),
        ("ssh.pub", &["ssh_public_key"]),
        ("openssh.pem", &["openssh_private_key"]),
        ("request.pem", &["certificate_request"]),
        ("legacy.pem", &["legacy_encryption"]),
        ("pbes1.pem", &["unsupported_encryption"]),
        ("rsa-1024.pem", &["size"]),
        ("rsa-512.pub.pem", &["size"]),
        ("sample-2048.pub.pem", &["sample_key"]),
        ("sample-1024.pub.pem", &["sample_key", "size"]),
        ("ec.pem", &["not_rsa"]),
        ("ec.pub.pem", &["not_rsa"]),
        ("pkcs8.der", &["binary"]),
        ("README.md", &["not_a_key"]),
    ] {
        assert_eq!(codes(&findings(name, name, None)), expected, "{name}");
    }
    let empty = KeyFile {
        name: "key.pem",
        text: b"\n",
    };
    assert_eq!(codes(&check(empty, None, None).findings), ["empty"]);
}

#[test]
fn a_private_key_in_a_file_for_a_public_one_is_named() {
    for name in [
        "jira.pub",
        "jira.pub.pem",
        "Public-Key.pem",
        "keys/jira_publickey.pem",
    ] {
        assert_eq!(
            codes(&findings(name, "pkcs8.pem", None)),
            ["private_as_public"],
            "{name}"
        );
    }
    for name in ["publisher.pem", "republic.pem", "public/jira.pem"] {
        assert_eq!(findings(name, "pkcs8.pem", None), [], "{name}");
    }
}

#[test]
fn two_files_are_compared() {
    for (one, other, expected) in [
        ("pkcs8.pem", "pkcs8.pub.pem", &[][..]),
        ("pkcs8.pub.pem", "pkcs8.pem", &[]),
        ("pkcs8.pem", "certificate.pem", &["certificate"]),
        ("pkcs8.pem", "another.pub.pem", &["halves_differ"]),
        ("another.pub.pem", "pkcs1.pem", &["halves_differ"]),
        ("pkcs8.pem", "pkcs1.pem", &["private_as_public"]),
        ("pkcs8.pub.pem", "pkcs8.pub.pem", &["public_as_private"]),
        ("pkcs8.pem", "ssh.pub", &["ssh_public_key"]),
        ("README.md", "another.pub.pem", &["not_a_key"]),
    ] {
        assert_eq!(
            codes(&findings(one, one, Some(other))),
            expected,
            "{one} with {other}"
        );
    }
}

#[test]
fn a_missing_passphrase_is_no_mistake_of_the_key() {
    let file = KeyFile {
        name: "key.pem",
        text: &fixture("scrypt.pem"),
    };
    let findings = check(file, None, None).findings;
    assert_eq!(codes(&findings), ["passphrase_needed"]);
    assert_eq!(findings[0].severity, Severity::Warn);
}

#[test]
fn what_a_server_refuses_is_a_failure_even_where_this_tool_converts_it() {
    for (name, severity) in [
        ("pkcs1.pub.pem", Severity::Fail),
        ("certificate.pem", Severity::Fail),
        ("ssh.pub", Severity::Fail),
        ("rsa-1024.pem", Severity::Fail),
    ] {
        assert_eq!(findings(name, name, None)[0].severity, severity, "{name}");
    }
}

#[test]
fn commands_quote_the_name_of_the_file() {
    for (name, quoted) in [
        ("key.pem", "key.pem"),
        ("my key.pem", "'my key.pem'"),
        ("it's; rm $HOME.pem", r"'it'\''s; rm $HOME.pem'"),
        ("-in.pem", "./-in.pem"),
    ] {
        let mend = findings(name, "legacy.pem", None).remove(0).mend.unwrap();
        assert!(mend.contains(&format!(" -in {quoted} ")), "{mend}");
    }
}

/// Puts a fixture in a file, runs the command that is printed for it, and returns the one file that the command made.
///
/// OpenSSL asks on the terminal for passphrases, so those are appended as its options.
fn mended(
    folder: &Path,
    name: &str,
    fixture_name: &str,
    other: Option<&str>,
    options: &str,
) -> Vec<u8> {
    for (name, fixture_name) in [(name, fixture_name), ("another.pub.pem", "another.pub.pem")] {
        fs_err::write(folder.join(name), fixture(fixture_name)).unwrap();
    }
    let before = files(folder);
    let mend = findings(name, fixture_name, other).remove(0).mend.unwrap();
    shell(folder, &format!("{mend}{options}"));
    let made: Vec<_> = files(folder)
        .into_iter()
        .filter(|file| !before.contains(file))
        .collect();
    assert_eq!(made.len(), 1, "`{mend}` made {made:?}");
    fs_err::read(folder.join(&made[0])).unwrap()
}

fn files(folder: &Path) -> Vec<String> {
    fs_err::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

#[test]
fn the_command_makes_the_public_key_that_servers_take() {
    if !installed(&["openssl", "ssh-keygen"]) {
        return;
    }
    for (name, fixture_name, other) in [
        ("my key.pem", "pkcs1.pub.pem", None),
        ("it's mine.pem", "certificate.pem", None),
        ("request.pem", "request.pem", None),
        ("id_rsa.pub", "ssh.pub", None),
        ("jira.pub", "pkcs8.pem", None),
        ("jira.pub", "pkcs1.pem", None),
        ("jira.pub", "openssh.pem", None),
        ("-in.pub", "pkcs8.pem", None),
        ("key.pem", "pkcs8.pem", Some("another.pub.pem")),
    ] {
        let folder = tempdir().unwrap();
        let made = mended(folder.path(), name, fixture_name, other, "");
        let read = PublicKey::read(&made, ImportPolicy::Strict).unwrap();
        assert_eq!(
            read.value.fingerprint().as_str(),
            FINGERPRINT,
            "{fixture_name}"
        );
        assert_eq!(read.notes, [""; 0], "{fixture_name}");
    }
}

#[test]
fn the_command_makes_a_private_key_that_is_read_here() {
    if !installed(&["openssl", "ssh-keygen"]) {
        return;
    }
    let both = " -passin pass:'correct horse' -passout pass:'correct horse'";
    for (name, options) in [
        ("legacy.pem", both),
        ("pbes1.pem", both),
        ("costly.pem", both),
        ("openssh.pem", ""),
        ("pkcs8.der", ""),
    ] {
        let folder = tempdir().unwrap();
        let made = mended(folder.path(), name, name, None, options);
        let read = Keypair::read(&made, Some(&passphrase()), ImportPolicy::Strict).unwrap();
        assert_eq!(read.value.fingerprint().as_str(), FINGERPRINT, "{name}");
    }
}

#[test]
fn the_command_makes_text_of_binary_keys() {
    if !installed(&["openssl"]) {
        return;
    }
    for der in [
        "openssl pkey -in pkcs8.pem -outform DER",
        "openssl rsa -in pkcs8.pem -traditional -outform DER",
        "openssl pkey -in pkcs8.pem -pubout -outform DER",
        "openssl rsa -in pkcs8.pem -RSAPublicKey_out -outform DER",
        "openssl x509 -in certificate.pem -outform DER",
    ] {
        let folder = tempdir().unwrap();
        for name in ["pkcs8.pem", "certificate.pem"] {
            fs_err::write(folder.path().join(name), fixture(name)).unwrap();
        }
        let text = shell(folder.path(), der);
        fs_err::write(folder.path().join("key"), &text).unwrap();
        let file = KeyFile {
            name: "key",
            text: &text,
        };
        let finding = check(file, None, None).findings.remove(0);
        assert_eq!(finding.code, "binary", "{der}");
        let before = files(folder.path());
        shell(folder.path(), &finding.mend.unwrap());
        let made = files(folder.path())
            .into_iter()
            .find(|file| !before.contains(file))
            .unwrap();
        let made = fs_err::read(folder.path().join(made)).unwrap();
        let report = check(
            KeyFile {
                name: "made",
                text: &made,
            },
            None,
            None,
        );
        assert_eq!(report.findings, [], "{der}");
        assert_eq!(report.fingerprint.unwrap().as_str(), FINGERPRINT, "{der}");
    }
}

#[test]
fn a_key_file_is_not_printed() {
    let file = KeyFile {
        name: "key.pem",
        text: &fixture("pkcs8.pem"),
    };
    assert_eq!(format!("{file:?}"), "KeyFile { name: \"key.pem\", .. }");
}

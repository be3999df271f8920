//! `keys generate`

use crate::env::Env;

#[test]
fn writes_both_halves_without_store_or_fleet_file() {
    let env = Env::new();
    let run = env.run(
        "keys generate --out a.pem --public-out a.pub.pem --no-passphrase --bits 2048 -o json",
    );
    assert_eq!(run.stderr, "");
    let key = &run.json()["key"];
    assert_eq!(key["bits"], 2048);
    assert_eq!(key["encrypted"], false);
    assert_eq!(env.files(), ["a.pem", "a.pub.pem"]);
    assert!(
        env.read("a.pem")
            .starts_with("-----BEGIN PRIVATE KEY-----\n")
    );
    assert!(
        env.read("a.pub.pem")
            .starts_with("-----BEGIN PUBLIC KEY-----\n")
    );
    assert_eq!(env.run("keys check a.pem --public a.pub.pem").code, Some(0));
    for file in ["a.pem", "a.pub.pem"] {
        let shown = env.run(&format!("keys show {file} -o json")).json();
        assert_eq!(shown["key"]["fingerprint"], key["fingerprint"], "{file}");
    }
}

#[test]
fn is_3072_bits_unless_told_otherwise() {
    let env = Env::new();
    let run = env.run("keys generate --out a.pem --no-passphrase -o json");
    assert_eq!(run.json()["key"]["bits"], 3072);
}

#[test]
#[cfg(unix)]
fn only_the_owner_may_read_the_private_half() {
    let env = Env::new();
    let run = env.shell(
        "umask 000; atl-admin keys generate --out a.pem --public-out a.pub.pem --no-passphrase --bits 2048",
    );
    assert_eq!(run.code, Some(0));
    assert_eq!((env.mode("a.pem"), env.mode("a.pub.pem")), (0o600, 0o644));
    // A file that was open to others is not when it is replaced.
    env.set_mode("a.pem", 0o666);
    let run = env.run("keys generate --out a.pem --no-passphrase --bits 2048 --force");
    assert_eq!((run.code, env.mode("a.pem")), (Some(0), 0o600));
}

#[test]
fn nothing_secret_is_printed() {
    let env = Env::new();
    env.write("pass", "correct horse\n");
    for line in [
        "keys generate --out a.pem --no-passphrase --bits 2048 -vvv --trace-http",
        "keys generate --out b.pem --passphrase-file pass --bits 2048 -o yaml -vvv",
        "keys generate --consumer bot --bits 2048 -o json -vvv",
        "keys export bot --private --out c.pem -vvv",
    ] {
        let run = env.run(line);
        assert_eq!(run.code, Some(0), "{line}: {}", run.shown());
        for secret in ["PRIVATE KEY--", "correct horse", "MIIE"] {
            assert!(!run.shown().contains(secret), "{line}: {}", run.shown());
        }
    }
}

#[test]
fn a_passphrase_encrypts() {
    let env = Env::new();
    env.write("pass", "correct horse\n");
    env.write("wrong", "battery staple\n");
    for kdf in ["", "--kdf pbkdf2"] {
        let line =
            format!("keys generate --out a.pem --passphrase-file pass --bits 2048 --force {kdf}");
        assert_eq!(env.run(&line).code, Some(0));
        assert!(
            env.read("a.pem")
                .starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----\n")
        );
        let shown = env.run("keys show a.pem --passphrase-file pass");
        assert_eq!(shown.code, Some(0), "{}", shown.shown());
        let refused = env.run("keys show a.pem --passphrase-file wrong");
        assert_eq!(refused.code, Some(1), "{}", refused.shown());
    }
}

#[test]
fn nobody_to_ask_for_a_passphrase_is_a_usage_error() {
    let env = Env::new();
    insta::assert_snapshot!(env.run("keys generate --out a.pem").shown(), @r"
    -- stderr
    error: a new private key needs a passphrase, and nobody can be asked for one
    hint: pass `--passphrase-file FILE`, or `--no-passphrase` where the file's mode is protection enough
    -- exit 2
    ");
    insta::assert_snapshot!(env.run("keys generate --out a.pem --format pkcs1").shown(), @r"
    -- stderr
    error: a PKCS#1 private key is never encrypted
    hint: leave `--format pkcs1` out, or write it without a passphrase
    -- exit 2
    ");
    assert_eq!(env.files(), [""; 0]);
}

#[test]
fn pkcs1_is_written_without_a_passphrase() {
    let env = Env::new();
    let run = env.run("keys generate --out a.pem --format pkcs1 --no-passphrase --bits 2048");
    assert_eq!(run.code, Some(0), "{}", run.shown());
    assert!(
        env.read("a.pem")
            .starts_with("-----BEGIN RSA PRIVATE KEY-----\n")
    );
}

#[test]
fn a_file_that_exists_is_not_overwritten() {
    let env = Env::new();
    env.write("a.pem", "mine");
    let refused = env.run("keys generate --out a.pem --no-passphrase");
    insta::assert_snapshot!(refused.shown(), @r"
    -- stderr
    error: `a.pem` exists and is not overwritten
    hint: name another file, or move this one away first
    -- exit 1
    ");
    let refused = env.run("keys generate --out b.pem --public-out a.pem --no-passphrase");
    assert_eq!(refused.code, Some(1));
    assert_eq!(env.read("a.pem"), "mine");
    assert_eq!(env.files(), ["a.pem"]);
    let forced = env.run("keys generate --out a.pem --no-passphrase --bits 2048 --force");
    assert_eq!(forced.code, Some(0));
    assert_eq!(env.files(), ["a.pem"]);
}

#[test]
fn a_key_that_cannot_be_read_is_never_overwritten() {
    let env = Env::new();
    env.write("pass", "correct horse");
    env.write("cut.pem", "-----BEGIN PRIVATE KEY-----\nMIIE\n");
    for name in [
        "scrypt.pem",
        "legacy.pem",
        "openssh.pem",
        "pkcs8.der",
        "ec.pem",
    ] {
        env.fixture(name);
    }
    for name in [
        "cut.pem",
        "scrypt.pem",
        "legacy.pem",
        "openssh.pem",
        "pkcs8.der",
        "ec.pem",
    ] {
        let before = fs_err::read(env.path(name)).unwrap();
        for line in [
            format!("keys generate --out {name} --no-passphrase --force"),
            format!("keys generate --out new.pem --public-out {name} --no-passphrase --force"),
        ] {
            let run = env.run(&line);
            assert_eq!(run.code, Some(1), "{line}: {}", run.shown());
            assert!(
                run.stderr.contains("hint: move it away first"),
                "{}",
                run.shown()
            );
        }
        assert_eq!(fs_err::read(env.path(name)).unwrap(), before, "{name}");
    }
    // With its passphrase the key can be read, and `--force` means it.
    let run = env.run("keys generate --out scrypt.pem --passphrase-file pass --bits 2048 --force");
    assert_eq!(run.code, Some(0), "{}", run.shown());
}

#[test]
fn a_place_that_cannot_be_is_said_before_any_work() {
    let env = Env::new();
    insta::assert_snapshot!(env.run("keys generate --out no/such/a.pem --no-passphrase").shown(), @r"
    -- stderr
    error: there is no folder `no/such`
    hint: make it first: `mkdir -p no/such`
    -- exit 1
    ");
    insta::assert_snapshot!(env.run("keys generate --out home --no-passphrase").shown(), @r"
    -- stderr
    error: `home` is a folder, not a file
    -- exit 2
    ");
    insta::assert_snapshot!(env.run("keys generate --out - --no-passphrase").shown(), @r"
    -- stderr
    error: stdout cannot be the place of this file
    hint: name a file; `./-` is a file of that name
    -- exit 2
    ");
    insta::assert_snapshot!(env.run("keys generate --out /dev/null --no-passphrase --force").shown(), @r"
    -- stderr
    error: `/dev/null` is not a regular file
    -- exit 1
    ");
    insta::assert_snapshot!(env.run("keys generate --out a.pem --public-out a.pem --no-passphrase").shown(), @r"
    -- stderr
    error: both halves cannot be in one file
    -- exit 2
    ");
    assert_eq!(env.files(), [""; 0]);
}

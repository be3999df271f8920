//! `keys check`

use crate::env::Env;

/// The names of what is wrong, and the exit code.
fn check(env: &Env, line: &str, expected: &[&str], code: i32) {
    let run = env.run(&format!("keys check {line} -o json"));
    let json = run.json();
    let found: Vec<_> = json["checks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|check| check["check"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(
        (found.as_slice(), run.code),
        (expected_strings(expected).as_slice(), Some(code)),
        "{line}"
    );
}

fn expected_strings(expected: &[&str]) -> Vec<String> {
    expected.iter().map(ToString::to_string).collect()
}

#[test]
fn names_each_usual_mistake() {
    let env = Env::new();
    for name in [
        "pkcs8.pem",
        "pkcs8.pub.pem",
        "pkcs1.pub.pem",
        "another.pub.pem",
        "certificate.pem",
        "ssh.pub",
        "legacy.pem",
        "scrypt.pem",
        "rsa-1024.pem",
        "sample-2048.pub.pem",
    ] {
        env.fixture(name);
    }
    check(&env, "pkcs8.pem", &[], 0);
    check(&env, "pkcs8.pem --public pkcs8.pub.pem", &[], 0);
    check(&env, "pkcs1.pub.pem", &["pkcs1_public_key"], 1);
    check(&env, "certificate.pem", &["certificate"], 1);
    check(&env, "scrypt.pem", &["passphrase_needed"], 0);
    check(&env, "ssh.pub", &["ssh_public_key"], 1);
    check(
        &env,
        "pkcs8.pem --public pkcs8.pem",
        &["private_as_public"],
        1,
    );
    check(
        &env,
        "pkcs8.pem --public another.pub.pem",
        &["halves_differ"],
        1,
    );
    check(&env, "legacy.pem", &["legacy_encryption"], 1);
    check(&env, "rsa-1024.pem", &["size"], 1);
    check(&env, "sample-2048.pub.pem", &["sample_key"], 1);
    assert!(!env.files().iter().any(|name| name.starts_with("home")));
}

#[test]
#[cfg(unix)]
fn a_private_key_that_others_may_read_is_a_warning() {
    let env = Env::new();
    env.fixture("pkcs8.pem");
    env.set_mode("pkcs8.pem", 0o644);
    check(&env, "pkcs8.pem", &["loose_mode"], 0);
}

#[test]
fn prints_the_command_that_mends_it() {
    let env = Env::new();
    env.fixture("pkcs1.pub.pem");
    env.fixture("pkcs8.pem");
    insta::assert_snapshot!(env.run("keys check pkcs1.pub.pem").shown(), @r"
    a PKCS#1 public key (`BEGIN RSA PUBLIC KEY`), 2048 bits, SHA256:UCnrhxaeFzbRZ4+4Lj59q9BESvdp76s15n8NTG2GZH8
    FILE           STATUS  CHECK             MESSAGE
    pkcs1.pub.pem  fail    pkcs1_public_key  converted from a PKCS#1 public key (`BEGIN RSA PUBLIC KEY`), which servers
                                             refuse

    To mend it:
      openssl rsa -RSAPublicKey_in -in pkcs1.pub.pem -pubout -out pkcs1.pub.pem.pub.pem
    -- exit 1
    ");
    insta::assert_snapshot!(env.run("keys check pkcs8.pem").shown(), @r"
    a PKCS#8 private key (`BEGIN PRIVATE KEY`), 2048 bits, SHA256:UCnrhxaeFzbRZ4+4Lj59q9BESvdp76s15n8NTG2GZH8
    nothing is wrong with it: ready to sign with
    -- exit 0
    ");
    insta::assert_snapshot!(env.run("keys check ./missing").shown(), @r"
    -- stderr
    error: failed to open file `./missing`: No such file or directory (os error 2)
    -- exit 1
    ");
}

#[test]
fn the_printed_command_works() {
    let env = Env::new();
    env.fixture("pkcs1.pub.pem");
    let json = env.run("keys check pkcs1.pub.pem -o json").json();
    let mend = json["checks"][0]["advice"].as_str().unwrap().to_owned();
    assert_eq!(env.shell(&mend).code, Some(0), "{mend}");
    check(&env, "pkcs1.pub.pem.pub.pem", &[], 0);
}

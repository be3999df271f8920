//! `keys show`

use crate::env::Env;

#[test]
fn shows_the_public_half_of_any_key_file() {
    let env = Env::new();
    env.write("pass", "correct horse");
    #[cfg(unix)]
    env.set_mode("pass", 0o600);
    let shown = |name: &str| {
        env.fixture(name);
        let run = env.run(&format!("keys show {name} --passphrase-file pass -o json"));
        assert_eq!(run.code, Some(0), "{name}: {}", run.shown());
        run.json()["key"]["fingerprint"].clone()
    };
    let expected = shown("pkcs8.pub.pem");
    for name in [
        "pkcs8.pem",
        "pkcs1.pem",
        "scrypt.pem",
        "pbkdf2.pem",
        "crlf.pem",
        "text.pem",
        "one-line.txt",
        "one-line.pub.txt",
        "pkcs1.pub.pem",
        "certificate.pem",
    ] {
        assert_eq!(shown(name), expected, "{name}");
    }
    assert!(!env.files().iter().any(|name| name.starts_with("home")));
}

#[test]
fn says_what_was_converted_on_stderr() {
    let env = Env::new();
    env.fixture("pkcs1.pub.pem");
    insta::assert_snapshot!(env.run("keys show pkcs1.pub.pem").shown(), @r"
    file:         pkcs1.pub.pem
    bits:         2048
    fingerprint:  SHA256:UCnrhxaeFzbRZ4+4Lj59q9BESvdp76s15n8NTG2GZH8
    public key:   MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAwuE2py5vSgGnjZaHLBzNK8ulm2gmRNi80h2DnO+w8ERxc21utZEcPg/7GDK8qrKt8IygaA6ziwjW6rFFtBPjPO5Mz51fUGMlcnK3rwT5xOVpqpLICHNG9YexGxwpq8fDxoEE1Ek/oOHrtwJE+g7WWBvo+9ayzmDtxTp99D1bRbYeLSBGjrHmy805LVQzkhFJ1bX5c/S7y3Du/9rxCV7VOHWcliwpANironrRC+WhLg32Pmd+zhMAwlhbkfuomUGrCR6y++LgNUXut6GbeTcbil+xPPSsxwhvrmuAr1GG65gwb3B5ztn5GAaaehZ3S238ziNEiTWDwXZ6xBkhoO/P6QIDAQAB
    -- stderr
    converted from a PKCS#1 public key (`BEGIN RSA PUBLIC KEY`), which servers refuse
    -- exit 0
    ");
}

#[test]
fn says_what_it_needs() {
    let env = Env::new();
    env.fixture("scrypt.pem");
    env.fixture("ssh.pub");
    insta::assert_snapshot!(env.run("keys show scrypt.pem").shown(), @r"
    -- stderr
    error: `scrypt.pem` is encrypted, and nobody can be asked for its passphrase
    hint: give it with `--passphrase-file FILE`
    -- exit 2
    ");
    insta::assert_snapshot!(env.run("keys show ssh.pub").shown(), @r"
    -- stderr
    error: could not take a key from `ssh.pub`
    Caused by: the public half of a keypair was expected, and this is an SSH public key (`ssh-rsa`)
    hint: convert it: `ssh-keygen -e -m PKCS8 -f ssh.pub > ssh.pub.pub.pem`
    -- exit 1
    ");
}

#[test]
fn a_file_that_is_no_key_is_not_read_whole() {
    let env = Env::new();
    fs_err::File::create(env.path("big"))
        .unwrap()
        .set_len(1 << 34)
        .unwrap();
    insta::assert_snapshot!(env.run("keys show big").shown(), @r"
    -- stderr
    error: `big` is too long to be a key or a passphrase
    -- exit 1
    ");
}

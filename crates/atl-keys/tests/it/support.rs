//! Fixtures and programs.

use std::path::Path;
use std::process::{Command, Stdio};

use secrecy::SecretString;

/// A file of `fixtures/keys/`.
pub(crate) fn fixture(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/keys");
    fs_err::read(path.join(name)).unwrap()
}

/// The passphrase of the encrypted fixtures.
pub(crate) fn passphrase() -> SecretString {
    "correct horse".into()
}

/// The fingerprint of `pkcs8.pem`, as OpenSSL computed it.
pub(crate) const FINGERPRINT: &str = "SHA256:UCnrhxaeFzbRZ4+4Lj59q9BESvdp76s15n8NTG2GZH8";

/// Whether the programs are there; where not, the test says so and passes.
pub(crate) fn installed(programs: &[&str]) -> bool {
    programs.iter().all(|program| {
        let found = Command::new(program)
            .arg("--help")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok();
        if !found {
            eprintln!("skipped: `{program}` is not installed");
        }
        found
    })
}

/// Runs a shell command in a folder and returns what it printed; fails the test when the command fails.
pub(crate) fn shell(folder: &Path, command: &str) -> Vec<u8> {
    let output = Command::new("sh")
        .args(["-c", command])
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "`{command}`: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

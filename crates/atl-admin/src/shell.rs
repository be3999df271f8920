//! Commands that the user named as the source of a secret.

use std::process::{Command, Stdio};

use secrecy::SecretString;
use zeroize::Zeroizing;

/// What the command prints on stdout. Its stderr is ours, and so is its stdin where it may ask.
///
/// # Errors
///
/// Why there is no secret, in words that follow its name.
pub(crate) fn output(command: &str, may_ask: bool) -> Result<SecretString, String> {
    let (shell, option) = if cfg!(windows) {
        ("cmd", "/C")
    } else {
        ("sh", "-c")
    };
    let stdin = if may_ask {
        Stdio::inherit()
    } else {
        Stdio::null()
    };
    let output = Command::new(shell)
        .args([option, command])
        .stdin(stdin)
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("could not be run: {error}"))?;
    let text = Zeroizing::new(output.stdout);
    if !output.status.success() {
        return Err(format!("failed ({})", output.status));
    }
    std::str::from_utf8(&text)
        .map(SecretString::from)
        .map_err(|_| "printed something that is not UTF-8".to_owned())
}

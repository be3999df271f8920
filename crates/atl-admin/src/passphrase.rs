//! Passphrases of private keys: from a file, or asked for on the terminal; never from the command line.

use std::path::Path;

use secrecy::{ExposeSecret as _, SecretString};

use crate::{
    error::{Error, Result},
    files,
    term::Terminal,
};

/// The passphrase in a file; one line end at its end is not part of it.
pub(crate) fn read(path: &Path) -> Result<SecretString> {
    let contents = files::read(path)?;
    files::warn_if_loose("passphrase file", path);
    let text = std::str::from_utf8(&contents).map_err(|_| {
        Error::usage(format!(
            "the passphrase in `{}` is not UTF-8",
            path.display()
        ))
    })?;
    let text = text.strip_suffix('\n').unwrap_or(text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    if text.is_empty() {
        return Err(Error::usage(format!(
            "the passphrase file `{}` is empty",
            path.display()
        )));
    }
    Ok(text.into())
}

/// A passphrase that opens an existing key: from the file where one is named, else asked for.
pub(crate) fn existing(
    file: Option<&Path>,
    key: &Path,
    terminal: Terminal,
) -> Result<SecretString> {
    match file {
        Some(file) => read(file),
        None if terminal.can_ask => prompt(&format!("Passphrase of {}: ", key.display())),
        None => Err(Error::usage(format!(
            "`{}` is encrypted, and nobody can be asked for its passphrase",
            key.display()
        ))
        .hint("give it with `--passphrase-file FILE`")),
    }
}

/// A new passphrase: from the file where one is named, else asked for twice.
pub(crate) fn new(file: Option<&Path>, terminal: Terminal) -> Result<SecretString> {
    if let Some(file) = file {
        return read(file);
    }
    if !terminal.can_ask {
        return Err(Error::usage(
            "a new private key needs a passphrase, and nobody can be asked for one",
        )
        .hint("pass `--passphrase-file FILE`, or `--no-passphrase` where the file's mode is protection enough"));
    }
    let first = prompt("New passphrase: ")?;
    let second = prompt("The same again: ")?;
    if first.expose_secret() != second.expose_secret() {
        return Err(Error::failed(
            "the two passphrases differ; nothing was written",
        ));
    }
    if first.expose_secret().is_empty() {
        return Err(
            Error::failed("an empty passphrase protects nothing; nothing was written")
                .hint("use `--no-passphrase` to write the key without one"),
        );
    }
    Ok(first)
}

fn prompt(question: &str) -> Result<SecretString> {
    rpassword::prompt_password(question)
        .map(SecretString::from)
        .map_err(|error| Error::failed("could not ask for a passphrase").caused_by(Some(&error)))
}

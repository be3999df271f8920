//! How a private key is written to a file, and what it never overwrites.

use std::path::{Path, PathBuf};

use atl_keys::{Half, ImportPolicy, Kdf, KeyError, Keypair, PrivateFormat};
use clap::ValueEnum;
use secrecy::SecretString;

use crate::{
    error::{Error, Result},
    files::{self, Target},
};

/// The form of a private key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Form {
    /// `BEGIN PRIVATE KEY`, or `BEGIN ENCRYPTED PRIVATE KEY` with a passphrase
    #[default]
    Pkcs8,
    /// `BEGIN RSA PRIVATE KEY`, which has no passphrase
    Pkcs1,
}

/// The name of a key derivation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Derivation {
    /// For OpenSSL and this tool
    #[default]
    Scrypt,
    /// For Java and older tools
    Pbkdf2,
}

/// Flags of every command that writes a private key.
#[derive(Debug, clap::Args)]
pub struct Protection {
    /// The form of the private key
    #[arg(
        long,
        value_name = "FORM",
        value_enum,
        default_value_t,
        requires = "out"
    )]
    pub format: Form,
    /// Encrypt the private key with the passphrase in this file
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
    /// How the encryption key is made from the passphrase
    #[arg(
        long,
        value_name = "KDF",
        value_enum,
        default_value_t,
        requires = "out"
    )]
    pub kdf: Derivation,
}

impl Protection {
    /// The private key as text, encrypted where there is a passphrase.
    pub(super) fn write(
        &self,
        keypair: &Keypair,
        passphrase: Option<&SecretString>,
        target: &Target,
    ) -> Result<()> {
        let format = match (self.format, passphrase) {
            (Form::Pkcs8, None) => PrivateFormat::Pkcs8,
            (Form::Pkcs1, None) => PrivateFormat::Pkcs1,
            (Form::Pkcs8, Some(passphrase)) => PrivateFormat::EncryptedPkcs8 {
                passphrase,
                kdf: match self.kdf {
                    Derivation::Scrypt => Kdf::Scrypt,
                    Derivation::Pbkdf2 => Kdf::Pbkdf2,
                },
            },
            (Form::Pkcs1, Some(_)) => return Err(unencrypted()),
        };
        target.write_secret(keypair.to_pem(format)?.as_bytes())
    }

    /// Refuses a form that cannot be encrypted together with a passphrase.
    pub(super) fn check(&self, wants_passphrase: bool) -> Result<()> {
        if self.format == Form::Pkcs1 && wants_passphrase {
            return Err(unencrypted());
        }
        Ok(())
    }
}

fn unencrypted() -> Error {
    Error::usage("a PKCS#1 private key is never encrypted")
        .hint("leave `--format pkcs1` out, or write it without a passphrase")
}

/// Refuses to overwrite a private key that cannot be read, `--force` or not: nobody could say what was lost.
pub(super) fn guard(path: &Path, passphrase: Option<&SecretString>) -> Result<()> {
    if !path.exists() {
        return Ok(());
    }
    let shown = path.display();
    let refused = |error: Error| {
        error
            .while_doing(format!(
                "`{shown}` may hold a key that cannot be read; it is not overwritten"
            ))
            .hint(format!("move it away first: `mv {shown} {shown}.old`"))
    };
    let text = files::read(path).map_err(refused)?;
    match Keypair::read(&text, passphrase, ImportPolicy::Insecure) {
        Ok(_)
        | Err(
            KeyError::Sample { .. } | KeyError::Size { .. } | KeyError::Empty | KeyError::NotAKey,
        ) => Ok(()),
        Err(KeyError::WrongForm { found: form, .. } | KeyError::Binary { form })
            if form.half() == Half::Public =>
        {
            Ok(())
        }
        Err(error) => Err(refused(error.into())),
    }
}

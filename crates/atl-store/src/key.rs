//! The store key: what unseals the store, and the file it is usually kept in.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

use crate::seal::random;
use crate::url::StoreName;
use crate::{StoreError, files};

/// What a store key begins with as text; the rest is 32 bytes in base64.
const PREFIX: &str = "atl-admin-store-key-v1:";

/// Where the store key comes from.
#[derive(Debug, Clone)]
pub enum KeySource {
    /// A file, made (0600, random) when the store is made and never afterwards.
    File(PathBuf),
    /// A store key or a passphrase, from an environment variable or a command.
    Text(SecretString),
}

/// A store key, or what one is made of.
pub(crate) enum StoreKey {
    /// The key itself.
    Raw(Zeroizing<[u8; 32]>),
    /// A passphrase that a key is derived from.
    Passphrase(SecretString),
}

impl fmt::Debug for StoreKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoreKey(..)")
    }
}

impl KeySource {
    /// The key of a store that exists: nothing is made.
    pub(crate) fn read(&self, store: &StoreName) -> Result<StoreKey, StoreError> {
        match self {
            Self::File(path) => read_file(path)?.ok_or_else(|| StoreError::KeyFileMissing {
                store: store.clone(),
                key: path.clone(),
            }),
            Self::Text(text) => from_text(text),
        }
    }

    /// The key of a store that is about to be made.
    pub(crate) fn read_or_make(&self) -> Result<StoreKey, StoreError> {
        match self {
            Self::File(path) => match read_file(path)? {
                Some(key) => Ok(key),
                None => make_file(path),
            },
            Self::Text(text) => from_text(text),
        }
    }

    /// What a user should know about the key file.
    pub(crate) fn warning(&self) -> Option<String> {
        match self {
            Self::File(path) => files::readable_by_others(path),
            Self::Text(_) => None,
        }
    }
}

/// Text that looks like a store key must be a whole one; any other is a passphrase.
fn from_text(text: &SecretString) -> Result<StoreKey, StoreError> {
    let trimmed = text.expose_secret().trim();
    if trimmed.starts_with(PREFIX) {
        return raw(trimmed).ok_or(StoreError::KeyTextInvalid);
    }
    if trimmed.is_empty() {
        return Err(StoreError::KeyTextInvalid);
    }
    Ok(StoreKey::Passphrase(trimmed.into()))
}

fn raw(text: &str) -> Option<StoreKey> {
    let bytes = Zeroizing::new(STANDARD.decode(text.strip_prefix(PREFIX)?).ok()?);
    let mut key = Zeroizing::new([0; 32]);
    if bytes.len() != key.len() {
        return None;
    }
    key.copy_from_slice(&bytes);
    Some(StoreKey::Raw(key))
}

fn read_file(path: &Path) -> Result<Option<StoreKey>, StoreError> {
    let text = match fs_err::read(path) {
        Ok(bytes) => Zeroizing::new(bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(StoreError::io(path, source)),
    };
    std::str::from_utf8(&text)
        .ok()
        .and_then(|text| raw(text.trim()))
        .map(Some)
        .ok_or_else(|| StoreError::KeyFileInvalid {
            path: path.to_owned(),
        })
}

/// Makes a key file; of two processes that do so at once, both get the key of the first.
fn make_file(path: &Path) -> Result<StoreKey, StoreError> {
    let key: Zeroizing<[u8; 32]> = random()?;
    files::make_once(path, |draft| {
        let encoded = Zeroizing::new(STANDARD.encode(key.as_slice()));
        let text = Zeroizing::new(format!("{PREFIX}{}\n", encoded.as_str()));
        fs_err::write(draft, text.as_bytes()).map_err(|source| StoreError::io(path, source))
    })?;
    read_file(path)?.ok_or_else(|| StoreError::Io {
        path: path.to_owned(),
        source: io::ErrorKind::NotFound.into(),
    })
}

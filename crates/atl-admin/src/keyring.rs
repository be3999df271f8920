//! `${keyring:SERVICE/USER}` references: the operating system's keyring, where this program was built with it.

use secrecy::SecretString;

/// Reads a keyring's entry by service and user.
pub(crate) type Reader = fn(&str, &str) -> Result<SecretString, String>;

/// The reader, in a build with the feature `keyring`.
#[cfg(feature = "keyring")]
pub(crate) const READER: Option<Reader> = Some(read);
/// The reader, in a build with the feature `keyring`.
#[cfg(not(feature = "keyring"))]
pub(crate) const READER: Option<Reader> = None;

/// The password of an entry; why there is none is said in words that follow "the keyring failed".
#[cfg(feature = "keyring")]
fn read(service: &str, user: &str) -> Result<SecretString, String> {
    if let Err(error) = keyring::v1::Entry::store_status() {
        return Err(format!("no keyring can be reached ({error})"));
    }
    keyring::v1::Entry::new(service, user)
        .and_then(|entry| entry.get_password())
        .map(SecretString::from)
        .map_err(|error| format!("`{service}/{user}`: {error}"))
}

#[cfg(all(test, feature = "keyring"))]
mod tests {
    use super::*;

    #[test]
    fn an_entry_that_is_not_there_is_an_error_in_words() {
        let error = read("atl-admin-test", "nobody-has-this").unwrap_err();
        assert!(!error.is_empty());
    }
}

//! Grants through the door: sealed on the way in, unsealed on the way out.

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use super::Store;
use crate::{GrantRow, GrantSecrets, GrantState, StoreError};

/// The place the secrets of a grant are sealed for: they open as no other grant's.
const GRANTS: &str = "grants";

/// What is sealed, as JSON.
#[derive(serde::Serialize, serde::Deserialize)]
struct Plain<T> {
    token: T,
    secret: T,
    session_handle: Option<T>,
}

impl Store {
    /// All grants, by server, consumer and user, oldest first.
    ///
    /// # Errors
    ///
    /// Where the store cannot be read or is damaged.
    pub fn grants(&self) -> Result<Vec<GrantRow>, StoreError> {
        self.database().grants()
    }

    /// Unseals the secrets of a grant.
    ///
    /// # Errors
    ///
    /// Where the store cannot be read, or the secrets were tampered with.
    pub fn grant_secrets(&self, grant: &GrantRow) -> Result<Option<GrantSecrets>, StoreError> {
        let Some(sealed) = self.database().sealed_grant(&grant.id)? else {
            return Ok(None);
        };
        let broken = || StoreError::GrantSealBroken {
            store: self.name.clone(),
            id: grant.id.clone(),
        };
        let plain = self
            .seal
            .unseal(GRANTS, &place(grant), &sealed)
            .ok_or_else(broken)?;
        let plain: Plain<String> = serde_json::from_slice(&plain).map_err(|_| broken())?;
        Ok(Some(GrantSecrets {
            token: plain.token.into(),
            secret: plain.secret.into(),
            session_handle: plain.session_handle.map(SecretString::from),
        }))
    }

    /// Adds a grant, durably. Where it takes the place of others, as a renewed one does, they go in the same step.
    ///
    /// # Errors
    ///
    /// Where the store cannot be written, is in use for too long, or was opened for looking.
    pub fn put_grant(
        &self,
        grant: &GrantRow,
        secrets: &GrantSecrets,
        instead_of: &[&str],
    ) -> Result<(), StoreError> {
        let plain = Plain {
            token: secrets.token.expose_secret(),
            secret: secrets.secret.expose_secret(),
            session_handle: secrets
                .session_handle
                .as_ref()
                .map(ExposeSecret::expose_secret),
        };
        let plain = serde_json::to_vec(&plain)
            .map(Zeroizing::new)
            .map_err(|_| StoreError::NotSealed)?;
        let sealed = self.seal.seal(GRANTS, &place(grant), &plain)?;
        self.database().put_grant(grant, &sealed, instead_of)
    }

    /// Records what a server said of a grant, now.
    ///
    /// # Errors
    ///
    /// Where there is no such grant, or the store cannot be written.
    pub fn set_grant_state(
        &self,
        id: &str,
        state: GrantState,
        note: Option<&str>,
    ) -> Result<(), StoreError> {
        let now = Timestamp::now();
        if self.database().set_grant_state(id, state, now, note)? {
            Ok(())
        } else {
            Err(StoreError::NoSuchGrant {
                store: self.name.clone(),
                id: id.to_owned(),
            })
        }
    }

    /// Forgets a grant; whether there was one.
    ///
    /// # Errors
    ///
    /// Where the store cannot be written, is in use for too long, or was opened for looking.
    pub fn forget_grant(&self, id: &str) -> Result<bool, StoreError> {
        self.database().delete_grant(id)
    }
}

/// What identifies a grant: its secrets are those of this user, for this consumer key, on this server.
fn place(grant: &GrantRow) -> [&str; 4] {
    [
        &grant.id,
        &grant.server_url,
        &grant.consumer_key,
        &grant.user,
    ]
}

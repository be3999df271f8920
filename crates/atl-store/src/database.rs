//! What a database must do to be a store: rows in, rows out. Secrets reach it sealed.

use atl_keys::Fingerprint;
use jiff::Timestamp;

use crate::StoreError;
use crate::grants::{GrantRow, GrantState};
use crate::journal::{JournalRow, Outcome, Step};
use crate::rows::{KeyState, KeypairRow, LinkMade, Registration};
use crate::seal::SealHeader;

/// The private half of a keypair as it is kept, and the consumer it is sealed for.
pub(crate) struct SealedKeypair {
    pub(crate) consumer: String,
    pub(crate) sealed: Vec<u8>,
}

/// Row-level operations. Each method is one transaction, and what it wrote is durable when it returns.
pub(crate) trait Database: Send {
    /// What the store says about its key; readable in every schema version.
    fn seal_header(&mut self) -> Result<SealHeader, StoreError>;
    /// Makes the store ready to work with: the schema is brought up to date. Nothing is changed before.
    fn migrate(&mut self) -> Result<(), StoreError>;

    /// All keypairs, oldest first.
    fn keypairs(&mut self) -> Result<Vec<KeypairRow>, StoreError>;
    /// The sealed private half.
    fn sealed_keypair(
        &mut self,
        fingerprint: &Fingerprint,
    ) -> Result<Option<SealedKeypair>, StoreError>;
    /// Adds a keypair, or returns the row of that fingerprint.
    fn add_keypair(&mut self, row: &KeypairRow, sealed: &[u8]) -> Result<KeypairRow, StoreError>;
    /// Returns the consumer's newest keypair that is not retired, or does as `add_keypair`.
    fn keypair_or_add(&mut self, row: &KeypairRow, sealed: &[u8])
    -> Result<KeypairRow, StoreError>;
    /// Whether there was such a keypair.
    fn set_keypair_state(
        &mut self,
        fingerprint: &Fingerprint,
        state: KeyState,
    ) -> Result<bool, StoreError>;
    /// Deletes a retired keypair; whether there was one.
    fn delete_keypair(&mut self, fingerprint: &Fingerprint) -> Result<bool, StoreError>;

    /// All registrations, by server and consumer.
    fn registrations(&mut self) -> Result<Vec<Registration>, StoreError>;
    /// Adds or replaces the registration of (consumer, server URL).
    fn put_registration(&mut self, registration: &Registration) -> Result<(), StoreError>;
    /// Removes it, where there is one.
    fn delete_registration(&mut self, consumer: &str, server_url: &str) -> Result<(), StoreError>;

    /// All links made, oldest first.
    fn links(&mut self) -> Result<Vec<LinkMade>, StoreError>;
    /// Adds a link, unless (server URL, link) is there.
    fn add_link(&mut self, link: &LinkMade) -> Result<(), StoreError>;
    /// Removes it, where there is one.
    fn delete_link(&mut self, server_url: &str, link_id: &str) -> Result<(), StoreError>;

    /// All grants, by server, consumer and user.
    fn grants(&mut self) -> Result<Vec<GrantRow>, StoreError>;
    /// The sealed part of a grant.
    fn sealed_grant(&mut self, id: &str) -> Result<Option<Vec<u8>>, StoreError>;
    /// Adds a grant in place of those with these ids, all in one transaction.
    fn put_grant(
        &mut self,
        row: &GrantRow,
        sealed: &[u8],
        instead_of: &[&str],
    ) -> Result<(), StoreError>;
    /// Whether there was such a grant.
    fn set_grant_state(
        &mut self,
        id: &str,
        state: GrantState,
        checked: Timestamp,
        note: Option<&str>,
    ) -> Result<bool, StoreError>;
    /// Whether there was such a grant.
    fn delete_grant(&mut self, id: &str) -> Result<bool, StoreError>;

    /// Adds an open step; returns its number.
    fn begin(&mut self, step: &Step, started: Timestamp) -> Result<i64, StoreError>;
    /// Ends an open step; whether there was one.
    fn finish(
        &mut self,
        id: i64,
        outcome: &Outcome,
        finished: Timestamp,
    ) -> Result<bool, StoreError>;
    /// The newest steps, newest first.
    fn journal(&mut self, limit: usize) -> Result<Vec<JournalRow>, StoreError>;
    /// Open steps, oldest first.
    fn open_steps(&mut self) -> Result<Vec<JournalRow>, StoreError>;
}

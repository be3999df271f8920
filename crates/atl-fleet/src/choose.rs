//! Which key a consumer should have on a server: a pure choice from the file, the store and what the server holds.

use atl_keys::{Fingerprint, PublicKey};
use atl_store::KeypairRow;

use crate::{
    known::{FileKeys, Known},
    wanted::{Consumer, KeypairSource},
};

/// The key that a consumer should have on a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// This one.
    Key {
        /// Its fingerprint.
        fingerprint: Fingerprint,
        /// Its public half in one line.
        public_key: String,
    },
    /// One that is made when the plan is applied.
    Made,
    /// None may be chosen: the server holds a key whose private half nobody here has (cli.md 4.8).
    Stranger(Option<Fingerprint>),
}

/// What a server holds for our consumer key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Held {
    /// Our consumer key is not registered on our link.
    Nothing,
    /// This public key; `None` where it could not be read as one.
    Key(Option<Fingerprint>),
}

impl Held {
    /// Reads what a consumer entry prints.
    pub(crate) fn of(consumer: Option<&atl_applinks::Consumer>, consumer_key: &str) -> Self {
        match consumer.filter(|consumer| consumer.key == consumer_key) {
            None => Self::Nothing,
            Some(consumer) => Self::Key(public_key_of(consumer).map(|key| key.fingerprint())),
        }
    }
}

/// The public key that a consumer entry prints, where it is one.
pub(crate) fn public_key_of(consumer: &atl_applinks::Consumer) -> Option<PublicKey> {
    PublicKey::from_server(consumer.public_key.as_deref()?).ok()
}

/// Chooses. The store's record of what is registered here wins; without one, a key of ours that the server holds is
/// taken over, since a run may have been killed between the registration and the record; a server new to the fleet
/// gets the newest.
pub(crate) fn choose(
    consumer: &Consumer,
    server_url: &str,
    held: &Held,
    known: &Known,
    files: &FileKeys,
    replace_keys: bool,
) -> Wanted {
    if !matches!(consumer.keypair, KeypairSource::Managed { .. }) {
        return files
            .get(&consumer.name)
            .map_or(Wanted::Stranger(None), |key| Wanted::Key {
                fingerprint: key.public.fingerprint(),
                public_key: key.public.to_one_line(),
            });
    }
    let held_by_us = match held {
        Held::Nothing => None,
        Held::Key(fingerprint) => {
            let ours = fingerprint
                .as_ref()
                .and_then(|print| known.keypair(&consumer.name, print));
            if ours.is_none() && !replace_keys {
                return Wanted::Stranger(fingerprint.clone());
            }
            // In the middle of a rotation, the server says which of both keys it has.
            if let (Some(row), Some(rotation)) = (ours, known.rotating(&consumer.name, server_url))
                && rotation.names(&row.fingerprint)
            {
                return Wanted::of(row);
            }
            ours
        }
    };
    known
        .registration(consumer, server_url)
        .and_then(|row| known.keypair(&consumer.name, &row.fingerprint))
        .or_else(|| {
            let succession = known.succession(&consumer.name, server_url)?;
            known.keypair(&consumer.name, succession.keypair(&consumer.key)?)
        })
        .or(held_by_us)
        .or_else(|| known.newest(&consumer.name))
        .map_or(Wanted::Made, Wanted::of)
}

impl Wanted {
    fn of(row: &KeypairRow) -> Self {
        Self::Key {
            fingerprint: row.fingerprint.clone(),
            public_key: row.public_key.clone(),
        }
    }
}

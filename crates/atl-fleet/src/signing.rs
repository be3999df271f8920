//! Which key signs for a consumer on a server.

use std::sync::Arc;

use atl_client::Client;
use atl_keys::{Fingerprint, Keypair};
use atl_oauth::{ConsumerSigner, KeyState, look};

use crate::{
    keys::Keys,
    known::Known,
    rotate::Unfinished,
    trouble::Trouble,
    wanted::{Consumer, KeypairSource},
};

/// The same for the consumer key that the fleet file names.
pub(crate) fn present_key(
    known: &Known,
    keys: &Keys<'_>,
    consumer: &Consumer,
    client: &Client,
) -> Result<SigningKey, Trouble> {
    signing_key(known, keys, consumer, &consumer.key, client)
}

/// A private key and the consumer key that it signs for.
pub(crate) struct SigningKey {
    consumer_key: String,
    keypair: Arc<Keypair>,
}

impl SigningKey {
    /// Signs with the system's clock and random source.
    pub(crate) fn signer(&self) -> ConsumerSigner<'_> {
        self.signer_as(&self.consumer_key)
    }

    /// The same for the consumer key that a grant was given to, which the fleet file may have changed since.
    pub(crate) fn signer_as<'k>(&'k self, consumer_key: &'k str) -> ConsumerSigner<'k> {
        ConsumerSigner::new(consumer_key, &*self.keypair)
    }
}

/// The key that the server is known to hold for one of the consumer's keys, else the consumer's newest. In the middle of a rotation, the server is asked
/// which of both it holds (cli.md section 1, `rotate`).
pub(crate) fn signing_key(
    known: &Known,
    keys: &Keys<'_>,
    consumer: &Consumer,
    consumer_key: &str,
    client: &Client,
) -> Result<SigningKey, Trouble> {
    let (server, server_url) = (client.server(), client.base_url().as_str());
    if let Some(rotation) = known
        .rotating(&consumer.name, server_url)
        .filter(|rotation| rotation.consumer_key == consumer_key)
        && let Some(keypair) = held(&rotation, keys, consumer, client)?
    {
        return Ok(SigningKey {
            consumer_key: consumer_key.to_owned(),
            keypair,
        });
    }
    let registered = registered(known, consumer, consumer_key, server_url);
    let file = keys.files().get(&consumer.name);
    let fingerprint = file
        .map(|file| file.public.fingerprint())
        .or(registered)
        .or_else(|| {
            known
                .newest(&consumer.name)
                .map(|row| row.fingerprint.clone())
        });
    let keypair = fingerprint
        .as_ref()
        .map(|fingerprint| keys.private(&consumer.name, fingerprint))
        .transpose()?
        .flatten();
    let Some(keypair) = keypair else {
        return Err(missing(consumer, server));
    };
    Ok(SigningKey {
        consumer_key: consumer_key.to_owned(),
        keypair,
    })
}

/// The keypair that is registered for a consumer key: the store's record of it, or that of one of two keys which are live
/// at once.
fn registered(
    known: &Known,
    consumer: &Consumer,
    consumer_key: &str,
    server_url: &str,
) -> Option<Fingerprint> {
    let succession = known.succession(&consumer.name, server_url);
    if let Some(fingerprint) = succession
        .as_ref()
        .and_then(|succession| succession.keypair(consumer_key))
    {
        return Some(fingerprint.clone());
    }
    known
        .registration(consumer, server_url)
        .map(|row| row.fingerprint.clone())
}

/// Which of the two keys of an unfinished rotation the server holds: the one with which it accepts a signed call. None,
/// where it accepts neither or does not say.
fn held(
    rotation: &Unfinished,
    keys: &Keys<'_>,
    consumer: &Consumer,
    client: &Client,
) -> Result<Option<Arc<Keypair>>, Trouble> {
    for fingerprint in [&rotation.after, &rotation.before] {
        let Some(keypair) = keys.private(&consumer.name, fingerprint)? else {
            continue;
        };
        let signer = ConsumerSigner::new(&rotation.consumer_key, &*keypair);
        if matches!(look(client, &signer), Ok(KeyState::Accepted)) {
            return Ok(Some(keypair));
        }
    }
    Ok(None)
}

fn missing(consumer: &Consumer, server: &str) -> Trouble {
    let name = &consumer.name;
    if matches!(consumer.keypair, KeypairSource::PublicKeyFile(_)) {
        return Trouble::own(
            "private_key_elsewhere",
            format!(
                "only the public key of consumer `{name}` is here, so that no call to `{server}` can be signed as it"
            ),
            "run it where the private key is, with `keypair: { private_key_file: FILE }`",
        );
    }
    Trouble::own(
        "no_keypair",
        format!(
            "consumer `{name}` has no private key in the store, so that no call to `{server}` can be signed as it"
        ),
        "run `atl-admin apply` first, name the right store with `--store`, or import the key with `atl-admin keys import`",
    )
}

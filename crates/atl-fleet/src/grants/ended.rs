//! Grants that end with their consumer: deleting a link, or putting another consumer in its place, takes every token of
//! the consumer key away (protocol.md 1.7).

use atl_store::{GrantState, Store, StoreError};
use jiff::Timestamp;

/// Records that the link, and every grant of the consumer keys that were registered on it, are gone from the server.
/// `carried` is the key that it carried last, where that is known.
pub(crate) fn with_link(
    store: &Store,
    server_url: &str,
    link_id: &str,
    carried: Option<&str>,
) -> Result<(), StoreError> {
    let made = store.links_made()?;
    let made = made
        .iter()
        .filter(|row| row.server_url == server_url && row.link_id == link_id)
        .map(|row| row.consumer_key.as_str());
    let registered = store.registrations()?;
    let registered = registered
        .iter()
        .filter(|row| row.server_url == server_url && row.link_id == link_id)
        .map(|row| row.consumer_key.as_str());
    let keys: Vec<&str> = carried.into_iter().chain(made).chain(registered).collect();
    end(store, server_url, &keys, "its link was deleted")
}

/// The same, and the store forgets that link and whatever was registered on it.
pub(crate) fn and_forgotten(
    store: &Store,
    server_url: &str,
    link_id: &str,
    carried: Option<&str>,
) -> Result<(), StoreError> {
    with_link(store, server_url, link_id, carried)?;
    store.forget_link(server_url, link_id)?;
    store
        .registrations()?
        .iter()
        .filter(|row| row.server_url == server_url && row.link_id == link_id)
        .try_for_each(|row| store.forget_registration(&row.consumer, server_url))
}

/// The same for a consumer that was removed from a link.
pub(crate) fn with_consumer(store: &Store, server_url: &str, key: &str) -> Result<(), StoreError> {
    end(store, server_url, &[key], "its consumer was removed")
}

fn end(store: &Store, server_url: &str, keys: &[&str], why: &str) -> Result<(), StoreError> {
    let note = format!("{why} on {:.0}", Timestamp::now());
    store
        .grants()?
        .iter()
        .filter(|row| row.server_url == server_url && keys.contains(&row.consumer_key.as_str()))
        .filter(|row| row.state != GrantState::Rejected)
        .try_for_each(|row| store.set_grant_state(&row.id, GrantState::Rejected, Some(&note)))
}

//! Which consumer key a page means: it shows the names of consumers only.

use std::collections::BTreeMap;

use atl_applinks::{Applinks, ApplinksError};
use atl_client::Client;
use atl_tokens::GrantEntry;

/// The consumers of a server by their names.
#[derive(Debug, Default)]
pub(super) struct Names(BTreeMap<String, Vec<String>>);

impl Names {
    /// Reads the consumers of all links.
    pub(super) fn read(client: &Client) -> Result<Self, ApplinksError> {
        let applinks = Applinks::open(client)?;
        let mut names: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for link in applinks.list()?.iter().filter(|link| !link.system) {
            if let Some(consumer) = applinks.consumer(&link.id)? {
                let keys = names.entry(consumer.name).or_default();
                if !keys.contains(&consumer.key) {
                    keys.push(consumer.key);
                }
            }
        }
        Ok(Self(names))
    }

    /// The grant with its consumer key, where one consumer and no other has the name that it shows.
    pub(super) fn fill_in(&self, mut grant: GrantEntry) -> GrantEntry {
        if grant.consumer_key.is_none()
            && let Some(name) = &grant.consumer_name
            && let Some([key]) = self.0.get(name).map(Vec::as_slice)
        {
            grant.consumer_key = Some(key.clone());
        }
        grant
    }
}

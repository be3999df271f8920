//! Where keypairs are registered, both of an overlap included.

use atl_keys::Fingerprint;
use atl_store::{Registration, Store, StoreError};

use super::succession::Succession;
use crate::known::Known;

/// Every keypair that a server holds, as far as the store knows. The store's own record has one consumer key for each
/// consumer and server; while two are live, the other one is known by its link.
///
/// # Errors
///
/// Where the store cannot be read.
pub fn registered(store: &Store) -> Result<Vec<Registration>, StoreError> {
    let known = Known::read(Some(store))?;
    let mut all = known.registrations.clone();
    for row in &known.open_steps {
        let Some(succession) = Succession::read(row) else {
            continue;
        };
        let both: [(&str, &Fingerprint); 2] = [
            (&succession.consumer_key, &succession.before),
            (&succession.new_key, &succession.after),
        ];
        for (consumer_key, fingerprint) in both {
            let link = known
                .links_on(&row.step.server_url)
                .find(|link| link.consumer_key == consumer_key);
            let on_record = all.iter().any(|one| {
                one.server_url == row.step.server_url && one.fingerprint == *fingerprint
            });
            if let Some(link) = link.filter(|_| !on_record) {
                all.push(Registration {
                    consumer: link.consumer.clone(),
                    server: link.server.clone(),
                    server_url: link.server_url.clone(),
                    consumer_key: consumer_key.to_owned(),
                    link_id: link.link_id.clone(),
                    fingerprint: fingerprint.clone(),
                    proven: None,
                });
            }
        }
    }
    Ok(all)
}

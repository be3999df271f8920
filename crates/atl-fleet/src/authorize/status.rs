//! `authorize --status`: how the grants stand that the fleet file wants, and those that the store has.

use atl_store::{GrantRow, Store, StoreError};

use super::wanted::{Wanted, all_wanted};
use crate::{
    engine::{RunOptions, StartError},
    event::Event,
    grant::{FailedGrant, GrantReport},
    grants::{self, GrantFilter, same_user},
    trouble::Trouble,
    wanted::{Ready, ReadyServer},
};

/// The code of a grant that is wanted and that nobody gave.
pub(crate) const NOT_GRANTED: &str = "not_granted";

/// Asks the servers about every grant of the selection in the store; one that is wanted and not there at all is among
/// those that failed. `users` keeps it to these. Where there is no store, nothing was given.
///
/// # Errors
///
/// Only where nothing could be started.
pub fn authorize_status(
    ready: &Ready,
    store: Option<&Store>,
    users: &[String],
    run: RunOptions<'_>,
) -> Result<GrantReport, StartError> {
    let mut report = match store {
        None => GrantReport::new(Vec::new(), Vec::new()),
        Some(store) => {
            let filter = GrantFilter {
                users: users.to_vec(),
                ..GrantFilter::default()
            };
            grants::verify(ready, store, &filter, run)?
        }
    };
    for missing in missing(ready, store, users)? {
        (run.sink)(&Event::GrantFailed(&missing));
        report.failed.push(missing);
    }
    Ok(report)
}

/// What is wanted and not in the store.
fn missing(
    ready: &Ready,
    store: Option<&Store>,
    users: &[String],
) -> Result<Vec<FailedGrant>, StoreError> {
    let stored = store.map_or_else(|| Ok(Vec::new()), Store::grants)?;
    let mut missing = Vec::new();
    for on in all_wanted(ready, users) {
        for wanted in &on.dances {
            if !stored.iter().any(|row| wanted.is(on.server, row)) {
                missing.push(wanted.missing(on.server));
            }
        }
    }
    Ok(missing)
}

impl Wanted<'_> {
    /// Whether a grant in the store is this one.
    fn is(&self, server: &ReadyServer, row: &GrantRow) -> bool {
        row.consumer == self.consumer.name
            && row.consumer_key == self.consumer.key
            && row.server_url == server.config.base_url.as_str()
            && same_user(&row.user, self.user)
    }

    fn missing(&self, server: &ReadyServer) -> FailedGrant {
        let server = &server.config.name;
        FailedGrant {
            server: server.clone(),
            consumer: self.consumer.name.clone(),
            user: self.user.to_owned(),
            id: None,
            error: Trouble::own(
                NOT_GRANTED,
                format!("{server}: no grant of this user is in the store"),
                "run `atl-admin authorize`",
            ),
        }
    }
}

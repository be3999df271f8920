//! Which server, which consumer and which grant a call is made with.

use std::collections::BTreeMap;

use atl_store::{GrantRow, GrantState, Store};
use jiff::Timestamp;
use secrecy::SecretString;

use super::error::RequestError;
use crate::{
    engine::consumers_of,
    grants::state,
    trouble::Trouble,
    wanted::{Consumer, Ready, ReadyServer, State},
};

/// The one selected server, and the one selected consumer that it is to have.
pub(super) fn place(ready: &Ready) -> Result<(&ReadyServer, &Consumer), RequestError> {
    let [server] = ready.servers.as_slice() else {
        let names = ready.servers.iter().map(|server| &server.config.name);
        return Err(RequestError::NotOne {
            what: "server",
            selected: names.cloned().collect(),
        });
    };
    let mut consumers = consumers_of(ready, &server.config.name);
    consumers.retain(|consumer| consumer.state == State::Present);
    match consumers.as_slice() {
        [consumer] => Ok((server, consumer)),
        [] => {
            let named = ready.named.iter().map(|link| link.consumer.clone());
            Err(RequestError::NotThere {
                server: server.config.name.clone(),
                consumers: named.collect(),
            })
        }
        several => Err(RequestError::NotOne {
            what: "consumer",
            selected: several
                .iter()
                .map(|consumer| consumer.name.clone())
                .collect(),
        }),
    }
}

/// The grant of this user, or of the only one there is, and its token.
pub(super) fn grant(
    store: Option<&Store>,
    consumer: &Consumer,
    server: &str,
    server_url: &str,
    user: Option<&str>,
) -> Result<(GrantRow, SecretString), RequestError> {
    let rows = match store {
        Some(store) => store.grants()?,
        None => Vec::new(),
    };
    let ours = rows
        .into_iter()
        .filter(|row| row.server_url == server_url && row.consumer == consumer.name);
    let row = choose(ours, consumer, server, user)?;
    let secrets = store.map(|store| store.grant_secrets(&row)).transpose()?;
    match secrets.flatten() {
        Some(secrets) => Ok((row, secrets.token)),
        None => Err(Trouble::own(
            "grant_gone",
            format!(
                "the grant of `{}` on `{server}` is not in the store any more",
                row.user
            ),
            "run it again: another run renewed or revoked it meanwhile",
        )
        .into()),
    }
}

/// Of each user, one whose token is not known to be dead counts before others, and the newest before older ones.
fn choose(
    rows: impl Iterator<Item = GrantRow>,
    consumer: &Consumer,
    server: &str,
    user: Option<&str>,
) -> Result<GrantRow, RequestError> {
    let now = Timestamp::now();
    let worth = |row: &GrantRow| {
        let alive = match state(row, now) {
            GrantState::Active => 2,
            GrantState::Unknown => 1,
            GrantState::Expired | GrantState::Rejected => 0,
        };
        (alive, row.issued)
    };
    let mut best: BTreeMap<String, GrantRow> = BTreeMap::new();
    for row in rows {
        let known = best
            .entry(row.user.to_lowercase())
            .or_insert_with(|| row.clone());
        if worth(&row) > worth(known) {
            *known = row;
        }
    }
    let names = |best: BTreeMap<String, GrantRow>| best.into_values().map(|row| row.user).collect();
    let none = |best| RequestError::NoGrant {
        consumer: consumer.name.clone(),
        server: server.to_owned(),
        user: user.map(str::to_owned),
        others: names(best),
    };
    match user {
        Some(user) => best.remove(&user.to_lowercase()).ok_or_else(|| none(best)),
        None if best.len() > 1 => Err(RequestError::SeveralUsers {
            consumer: consumer.name.clone(),
            server: server.to_owned(),
            users: names(best),
        }),
        None => match best.pop_first() {
            Some((_, row)) => Ok(row),
            None => Err(none(best)),
        },
    }
}

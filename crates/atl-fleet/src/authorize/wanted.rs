//! Which dances are wanted: every selected consumer on its selected servers, for every user of its `grants`.

use secrecy::SecretString;

use crate::{
    engine::StartError,
    grants::same_user,
    wanted::{Consumer, Grant, Ready, ReadyServer, State},
};

/// A grant that is wanted.
pub(super) struct Wanted<'r> {
    pub(super) consumer: &'r Consumer,
    pub(super) user: &'r str,
    pub(super) password: Option<&'r SecretString>,
}

/// What is wanted on one server, in the order of the file.
pub(super) struct OnServer<'r> {
    pub(super) server: &'r ReadyServer,
    pub(super) dances: Vec<Wanted<'r>>,
}

/// What is wanted, by server.
///
/// # Errors
///
/// Where nothing is.
pub(super) fn wanted<'r>(
    ready: &'r Ready,
    users: &'r [String],
) -> Result<Vec<OnServer<'r>>, StartError> {
    let servers = all_wanted(ready, users);
    if servers.is_empty() {
        return Err(StartError::NothingToAuthorize);
    }
    Ok(servers)
}

/// The same, also where it is nothing. `users` keeps it to these; a name that no selected consumer lists is wanted of all
/// of them, so that somebody who is not in the file can approve in a browser.
pub(super) fn all_wanted<'r>(ready: &'r Ready, users: &'r [String]) -> Vec<OnServer<'r>> {
    let present: Vec<&Consumer> = ready
        .consumers
        .iter()
        .filter(|consumer| consumer.state == State::Present)
        .collect();
    let strangers: Vec<&str> = users
        .iter()
        .map(String::as_str)
        .filter(|user| {
            !present
                .iter()
                .any(|consumer| grant_of(consumer, user).is_some())
        })
        .collect();
    let mut servers = Vec::new();
    for server in &ready.servers {
        let mut dances = Vec::new();
        for consumer in &present {
            if consumer.servers.contains(&server.config.name) {
                dances.extend(of_consumer(consumer, users, &strangers));
            }
        }
        if !dances.is_empty() {
            servers.push(OnServer { server, dances });
        }
    }
    servers
}

/// The grants of one consumer, each user once.
fn of_consumer<'r>(
    consumer: &'r Consumer,
    users: &'r [String],
    strangers: &[&'r str],
) -> Vec<Wanted<'r>> {
    let mut wanted: Vec<Wanted<'_>> = Vec::new();
    let mut add = |user: &'r str, password: Option<&'r SecretString>| {
        if !wanted.iter().any(|known| same_user(known.user, user)) {
            wanted.push(Wanted {
                consumer,
                user,
                password,
            });
        }
    };
    for Grant { user, password } in &consumer.grants {
        if users.is_empty() || users.iter().any(|named| same_user(named, user)) {
            add(user, password.as_ref());
        }
    }
    for user in strangers {
        add(user, None);
    }
    wanted
}

fn grant_of<'r>(consumer: &'r Consumer, user: &str) -> Option<&'r Grant> {
    consumer
        .grants
        .iter()
        .find(|grant| same_user(&grant.user, user))
}

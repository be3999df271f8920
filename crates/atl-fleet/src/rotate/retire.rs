//! The end of an overlap: the first link is deleted when every grant of it has a working successor.

use std::sync::atomic::Ordering;

use atl_client::Client;
use atl_oauth::{TokenState, token_state};
use atl_store::{KeyState, Outcome, Store};
use serde_json::json;

use super::{
    overlap,
    registered::registered,
    report::{Rotation, RotationReport, RotationState, Strategy},
    succession::Succession,
    turn::{NEVER, with_work},
};
use crate::{
    engine::{RunOptions, StartError, clients, side_by_side},
    event::Event,
    execute::{Execute, Work, interrupted},
    grants::same_user,
    keys::Keys,
    known::{Known, read_file_keys},
    observe::carrier,
    plan::PlanOptions,
    planner::shared_key,
    provision::record,
    signing::signing_key,
    step::RunInfo,
    trouble::Trouble,
    wanted::{Consumer, Ready, ReadyServer},
};

/// The consumer keys that can be retired.
pub struct Retirements<'a> {
    ready: &'a Ready,
    store: &'a Store,
    known: Known,
    force: bool,
    due: Vec<Due<'a>>,
}

struct Due<'a> {
    server: &'a ReadyServer,
    consumer: &'a Consumer,
    succession: Succession,
}

/// Finds the consumers that have two consumer keys. Nothing is sent.
///
/// # Errors
///
/// Where the store cannot be read.
pub fn retirements<'a>(
    ready: &'a Ready,
    store: &'a Store,
    force: bool,
) -> Result<Retirements<'a>, StartError> {
    let known = Known::read(Some(store))?;
    let mut due = Vec::new();
    for server in &ready.servers {
        for consumer in &ready.consumers {
            let url = server.config.base_url.as_str();
            if let Some(succession) = known.succession(&consumer.name, url) {
                due.push(Due {
                    server,
                    consumer,
                    succession,
                });
            }
        }
    }
    Ok(Retirements {
        ready,
        store,
        known,
        force,
        due,
    })
}

impl Retirements<'_> {
    /// What will happen, a sentence each.
    pub fn confirmations(&self) -> Vec<String> {
        self.due
            .iter()
            .map(|due| {
                let (old, url) = (&due.succession.consumer_key, due.server.config.base_url.as_str());
                format!(
                    "delete the link of the consumer key `{old}` on `{}`, which ends its grants ({} known); `{}` has taken its place",
                    due.server.config.name,
                    self.known.living_grants(url, old),
                    due.succession.new_key
                )
            })
            .collect()
    }

    /// What would be done.
    pub fn report(&self) -> RotationReport {
        RotationReport::new(self.due.iter().map(Due::rotation).collect())
    }

    /// Deletes the first links.
    ///
    /// # Errors
    ///
    /// Where nothing could be started.
    pub fn carry_out(
        self,
        info: &RunInfo,
        run: RunOptions<'_>,
    ) -> Result<RotationReport, StartError> {
        let keys = Keys::new(Some(self.store), read_file_keys(&self.ready.consumers)?);
        let options = PlanOptions {
            force: self.force,
            ..PlanOptions::default()
        };
        let execute = Execute {
            store: self.store,
            known: &self.known,
            keys: &keys,
            options: &options,
            info,
            settle: run.settle,
            interrupted: &NEVER,
            sink: run.sink,
        };
        let clients = clients(self.due.iter().map(|due| due.server))?;
        let tasks: Vec<(&Client, &Due<'_>)> = clients.iter().zip(&self.due).collect();
        (run.sink)(&Event::BeginRotations {
            phase: "retire",
            servers: tasks.len(),
            rotations: tasks.len(),
        });
        let rotations = side_by_side(run.parallel, &tasks, |_, (client, due)| {
            let retired = if run.interrupted.load(Ordering::Relaxed) {
                Err(interrupted())
            } else {
                with_work(execute, client, |work| retire(work, due)).and_then(|retired| retired)
            };
            client.sign_out();
            let rotation = match retired {
                Ok(grants) => Rotation {
                    state: RotationState::Verified,
                    grants_checked: grants,
                    grants_ok: grants,
                    ..due.rotation()
                },
                Err(trouble) => due.rotation().refused(trouble),
            };
            (run.sink)(&Event::Rotation(&rotation));
            rotation
        });
        Ok(RotationReport::new(rotations))
    }
}

impl Due<'_> {
    fn rotation(&self) -> Rotation {
        Rotation {
            strategy: Strategy::Overlap,
            after: Some(self.succession.after.clone()),
            new_key: Some(self.succession.new_key.clone()),
            new_url: Some(self.succession.new_url.clone()),
            ..Rotation::pending(
                &self.server.config.name,
                &self.consumer.name,
                Some(self.succession.before.clone()),
            )
        }
    }
}

/// Retires one; how many users have a working grant of the second consumer key. A link that is gone already is success.
fn retire(work: &Work<'_>, due: &Due<'_>) -> Result<usize, Trouble> {
    let Due {
        consumer,
        succession,
        ..
    } = due;
    let (store, url) = (work.execute.store, work.journal.server_url);
    let _lock = store.lock(url, &consumer.name)?;
    let links = work.links()?;
    let id = &succession.link_id;
    let new_link = links.iter().find(|link| link.has_url(&succession.new_url));
    let Some(new_link) = new_link else {
        return Err(no_second_link(work.client.server(), succession));
    };
    let successors = successors(work, consumer, succession)?;
    let is_there = links.iter().any(|link| link.id == *id);
    let carries = if is_there {
        work.applinks.consumer(id)?.map(|entry| entry.key)
    } else {
        None
    };
    if is_there {
        if carries
            .as_ref()
            .is_some_and(|key| *key != succession.consumer_key)
        {
            return Err(crate::execute::moved_on(
                work.client.server(),
                &consumer.name,
            ));
        }
        if let Some(other) = carrier(work.applinks, &links, &succession.consumer_key, Some(id))?
            .filter(|_| !work.execute.options.force)
        {
            return Err(shared_key(
                work.client.server(),
                &succession.consumer_key,
                &other,
            ));
        }
        let gone = || Ok(work.links()?.iter().all(|link| link.id != *id));
        work.journal.write_then(
            &consumer.name,
            "link delete",
            json!({ "link_id": id }),
            || work.applinks.delete(id),
            gone,
            || {
                work.settle_gone(gone, || still_there(work.client.server(), id))?;
                work.forget(&consumer.name, id)
            },
        )?;
    }
    // The grants that ended have successors: the store need not keep them.
    for row in store.grants()? {
        let ended = row.server_url == url && row.consumer_key == succession.consumer_key;
        if ended && successors.iter().any(|user| same_user(user, &row.user)) {
            store.forget_grant(&row.id)?;
        }
    }
    let second = Consumer {
        key: succession.new_key.clone(),
        url: succession.new_url.clone(),
        ..(*consumer).clone()
    };
    let now = Some(jiff::Timestamp::now());
    record(work, &second, &new_link.id, &succession.after, now)?;
    let used = registered(store)?
        .iter()
        .any(|row| row.fingerprint == succession.before);
    if !used {
        store.set_keypair_state(&succession.before, KeyState::Retired)?;
    }
    if succession.is_in_file(consumer) {
        overlap::close(work, &consumer.name, &Outcome::Done)?;
    }
    Ok(successors.len())
}

/// The users who have a grant of the second consumer key that works: everybody must whose grant of the first ends.
fn successors(
    work: &Work<'_>,
    consumer: &Consumer,
    succession: &Succession,
) -> Result<Vec<String>, Trouble> {
    let Execute {
        store, known, keys, ..
    } = work.execute;
    let url = work.journal.server_url;
    let rows = store.grants()?;
    let of_key = |key: &str| {
        rows.iter()
            .filter(|row| row.server_url == url && row.consumer_key == key)
            .filter(|row| row.state != atl_store::GrantState::Rejected)
            .collect::<Vec<_>>()
    };
    let mut users: Vec<&str> = consumer
        .grants
        .iter()
        .map(|grant| grant.user.as_str())
        .collect();
    for row in of_key(&succession.consumer_key) {
        if !users.iter().any(|user| same_user(user, &row.user)) {
            users.push(&row.user);
        }
    }
    let key = signing_key(known, keys, consumer, &succession.new_key, work.client)?;
    let new = of_key(&succession.new_key);
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for user in users {
        let mut works = false;
        for row in new.iter().filter(|row| same_user(&row.user, user)) {
            let secrets = keys.grant_secrets(row)?;
            let state = token_state(
                work.client,
                &key.signer_as(&succession.new_key),
                &secrets.token,
            )?;
            works = works || matches!(state, TokenState::Active { .. });
        }
        if works {
            with.push(user.to_owned());
        } else {
            without.push(format!("`{user}`"));
        }
    }
    if without.is_empty() || work.execute.options.force {
        return Ok(with);
    }
    let server = work.client.server();
    let in_file = if succession.is_in_file(consumer) {
        String::new()
    } else {
        format!(
            "put `key: {}` and `url: {}` into the fleet file and ",
            succession.new_key, succession.new_url
        )
    };
    Err(Trouble::own(
        "no_successor",
        format!(
            "there is no working grant of the consumer key `{}` on `{server}` for {}, whose grants of `{}` would end",
            succession.new_key,
            without.join(", "),
            succession.consumer_key
        ),
        format!(
            "{in_file}run `atl-admin authorize -s {server} -c {}`; `--force` deletes the link of `{}` all the same",
            consumer.name, succession.consumer_key
        ),
    ))
}

fn no_second_link(server: &str, succession: &Succession) -> Trouble {
    Trouble::own(
        "no_second_link",
        format!(
            "`{server}` has no link at `{}`, which was to carry the consumer key `{}`",
            succession.new_url, succession.new_key
        ),
        "run `atl-admin rotate --strategy overlap` again first: it goes on where it was",
    )
}

fn still_there(server: &str, link_id: &str) -> Trouble {
    Trouble::own(
        "read_back",
        format!("the link {link_id} was deleted on `{server}` and is still listed"),
        "another cluster node may answer late: run again in a minute",
    )
}

//! What the fleet file and the store say, as the rules take it. No I/O.

use std::{collections::BTreeMap, time::Duration};

use atl_applinks::Consumer as Registered;
use atl_keys::Fingerprint;
use atl_tokens::rules::Wanted;
use jiff::Timestamp;

use super::server::two_legged_facts;
use crate::{
    choose::{self, Held, choose},
    known::{FileKeys, Known},
    rotate::Succession,
    wanted::{Consumer, NamedLink, Ready, ReadyServer, State},
};

/// What is wanted of one server that has these consumers: every link that the file names, and the other one of two
/// consumer keys while a rotation has both.
pub(super) fn wanted(
    ready: &Ready,
    server: &ReadyServer,
    registered: &[Registered],
    known: &Known,
    files: &FileKeys,
) -> Vec<Wanted> {
    let url = server.config.base_url.as_str();
    let mut wanted = Vec::new();
    for link in &ready.named {
        if link.server != server.config.name {
            continue;
        }
        let consumer = ready
            .consumers
            .iter()
            .find(|consumer| consumer.name == link.consumer);
        let Some(consumer) = consumer else {
            wanted.push(not_selected(link));
            continue;
        };
        let here = of_file(consumer, url, registered, known, files);
        let succession = known.succession(&consumer.name, url);
        let other = succession.map(|succession| other_key(&here, &succession, consumer));
        wanted.push(here);
        wanted.extend(other);
    }
    wanted
}

/// A link of a consumer that was not selected: only that it is somebody's counts.
fn not_selected(link: &NamedLink) -> Wanted {
    Wanted {
        name: link.consumer.clone(),
        key: link.key.clone(),
        display_name: link.consumer.clone(),
        url: link.url.clone(),
        callback: None,
        fingerprint: None,
        two_legged: None,
        max_key_age: None,
        max_grant_age: None,
        absent: false,
    }
}

fn of_file(
    consumer: &Consumer,
    server_url: &str,
    registered: &[Registered],
    known: &Known,
    files: &FileKeys,
) -> Wanted {
    let here = registered.iter().find(|entry| entry.key == consumer.key);
    let held = Held::of(here, &consumer.key);
    let active = match choose(consumer, server_url, &held, known, files, false) {
        choose::Wanted::Key { fingerprint, .. } => Some(fingerprint),
        choose::Wanted::Made => None,
        choose::Wanted::Stranger(_) => known
            .newest(&consumer.name)
            .map(|row| row.fingerprint.clone()),
    };
    Wanted {
        name: consumer.name.clone(),
        key: consumer.key.clone(),
        display_name: consumer.display_name.clone(),
        url: consumer.url.clone(),
        callback: consumer.callback.clone(),
        fingerprint: active.as_ref().map(Fingerprint::to_string),
        two_legged: consumer.two_legged.clone().map(two_legged_facts),
        max_key_age: consumer.policy.max_key_age.map(Duration::from_secs),
        max_grant_age: consumer.policy.max_grant_age.map(Duration::from_secs),
        absent: consumer.state == State::Absent,
    }
}

/// The consumer key that the file does not name while two are live.
fn other_key(named: &Wanted, succession: &Succession, consumer: &Consumer) -> Wanted {
    let (key, url, keypair) = if succession.is_in_file(consumer) {
        (
            &succession.consumer_key,
            &succession.url,
            &succession.before,
        )
    } else {
        (&succession.new_key, &succession.new_url, &succession.after)
    };
    Wanted {
        key: key.clone(),
        url: url.clone(),
        fingerprint: Some(keypair.to_string()),
        callback: None,
        two_legged: None,
        ..named.clone()
    }
}

/// When the keys of the store were made, by fingerprint.
pub(super) fn keys_made(known: &Known) -> BTreeMap<String, Timestamp> {
    let rows = known.keypairs.iter();
    rows.map(|row| (row.fingerprint.to_string(), row.created))
        .collect()
}

//! What the rules judge, as plain values. Where something was not seen, its type says so.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;

use crate::RegisteredConsumer;

/// What one server has, as far as it was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerFacts {
    /// The server's name.
    pub server: String,
    /// Its application links; `None` where they could not be read.
    pub links: Option<Vec<LinkFacts>>,
    /// Every consumer that is registered, with a link or without one; `None` where no source saw the database.
    pub consumers: Option<Vec<RegisteredConsumer>>,
    /// Whether Basic authentication is allowed, where the server says so.
    pub basic_allowed: Option<bool>,
    /// Accounts that are known to be administrators.
    pub administrators: Vec<String>,
    /// Auditor consumers that an earlier run left behind.
    pub auditors: Vec<AuditorLeft>,
}

/// An application link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkFacts {
    /// Its id.
    pub id: String,
    /// Its name, perhaps suffixed by the server.
    pub name: String,
    /// `generic`, `jira`, ...
    pub type_id: String,
    /// The application URL; system links have none.
    pub rpc_url: Option<String>,
    /// The display URL.
    pub display_url: String,
    /// Whether it is a system link.
    pub system: bool,
    /// Its incoming consumer.
    pub incoming: Incoming,
    /// Whether the server itself makes calls over this link; `None` where it does not say.
    pub outgoing: Option<bool>,
}

/// What is known of the incoming consumer of a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming {
    /// It was not asked for, or could not be read.
    NotSeen,
    /// There is none.
    Nothing,
    /// This one.
    Consumer(ConsumerFacts),
}

/// The incoming consumer of a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsumerFacts {
    /// The consumer key.
    pub key: String,
    /// Its name.
    pub name: String,
    /// Its public key, where it is one that could be read.
    pub public_key: Option<KeyFacts>,
    /// Its registered callback.
    pub callback: Option<String>,
    /// Two-legged OAuth.
    pub two_legged: TwoLeggedFacts,
}

/// A public key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFacts {
    /// Its fingerprint.
    pub fingerprint: String,
    /// The size of its modulus.
    pub bits: usize,
    /// Whether that is too small for a key of today.
    pub weak: bool,
    /// Where its private half was published, where it was.
    pub published: Option<String>,
}

/// Two-legged OAuth of a consumer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TwoLeggedFacts {
    /// On or off.
    pub enabled: bool,
    /// With impersonation.
    pub impersonation: bool,
    /// The user that calls run as.
    pub execute_as: Option<String>,
}

/// An auditor consumer that an earlier run left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditorLeft {
    /// The id of its link.
    pub link_id: String,
    /// Its consumer key.
    pub consumer_key: String,
}

/// What the fleet file and the store say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FleetFacts {
    /// The moment of the audit.
    pub now: Timestamp,
    /// What the fleet file wants of each server that is looked at, by the server's name.
    pub wanted: BTreeMap<String, Vec<Wanted>>,
    /// When keys were made, by fingerprint, as far as the store knows.
    pub keys_made: BTreeMap<String, Timestamp>,
}

/// A consumer that the fleet file names on a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Its name in the fleet file.
    pub name: String,
    /// The consumer key.
    pub key: String,
    /// The name that the server is to show.
    pub display_name: String,
    /// The application URL.
    pub url: String,
    /// The callback, where the file says something about it.
    pub callback: Option<String>,
    /// The fingerprint of the public key that is to be registered, where one can be named.
    pub fingerprint: Option<String>,
    /// Two-legged OAuth, where the file says something about it.
    pub two_legged: Option<TwoLeggedFacts>,
    /// How old a key may grow.
    pub max_key_age: Option<Duration>,
    /// How old a grant may grow.
    pub max_grant_age: Option<Duration>,
    /// Whether it should be gone.
    pub absent: bool,
}

impl ServerFacts {
    /// The consumers of its links, each key once.
    pub(super) fn linked_consumers(&self) -> Vec<&ConsumerFacts> {
        let mut seen: Vec<&ConsumerFacts> = Vec::new();
        for consumer in self.judged_links().filter_map(LinkFacts::consumer) {
            if seen.iter().all(|other| other.key != consumer.key) {
                seen.push(consumer);
            }
        }
        seen
    }

    /// The links that rules are about: not those of the system, nor that of a left-over auditor, which has a rule of
    /// its own.
    pub(super) fn judged_links(&self) -> impl Iterator<Item = &LinkFacts> {
        let links = self.links.iter().flatten();
        links.filter(|link| !link.system && !self.is_auditor(link))
    }

    fn is_auditor(&self, link: &LinkFacts) -> bool {
        self.auditors.iter().any(|left| left.link_id == link.id)
    }
}

impl LinkFacts {
    /// The incoming consumer, where one was seen.
    pub fn consumer(&self) -> Option<&ConsumerFacts> {
        match &self.incoming {
            Incoming::Consumer(consumer) => Some(consumer),
            Incoming::NotSeen | Incoming::Nothing => None,
        }
    }
}

impl FleetFacts {
    /// What the fleet file wants of a server.
    pub(super) fn on(&self, server: &str) -> &[Wanted] {
        self.wanted.get(server).map_or(&[], Vec::as_slice)
    }

    /// What the fleet file wants of a consumer key.
    pub(super) fn of_key(&self, server: &str, key: &str) -> Option<&Wanted> {
        self.on(server).iter().find(|wanted| wanted.key == key)
    }
}

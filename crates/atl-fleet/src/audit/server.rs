//! Reading what the rules judge of one server. Nothing is written.

use atl_applinks::{ApplicationLink, Applinks, Consumer};
use atl_client::{Client, Failure};
use atl_keys::{ImportPolicy, PublicKey, sample_key};
use atl_store::JournalRow;
use atl_tokens::{
    Gap,
    rules::{
        AuditorLeft, ConsumerFacts, Incoming, KeyFacts, LinkFacts, ServerFacts, TwoLeggedFacts,
    },
};

use crate::{
    auditor::{is_auditor, open_on, unlisted},
    choose::public_key_of,
    engine::RunOptions,
    execute::interrupted,
    inventory::stopped,
    planner::two_legged_of,
    trouble::Trouble,
    two_legged::matrix_of,
    wanted::TwoLegged,
};

/// What was seen of a server.
pub(super) struct Seen {
    /// For the rules.
    pub(super) facts: ServerFacts,
    /// The incoming consumers of its links.
    pub(super) consumers: Vec<Consumer>,
    /// Why not all was seen.
    pub(super) gap: Option<Gap>,
}

/// Looks at links, consumers and settings. What was read before a failure stays valid; the rest counts as not seen.
pub(super) fn look(client: &Client, open_steps: &[JournalRow], run: &RunOptions<'_>) -> Seen {
    let mut seen = Seen {
        facts: ServerFacts {
            server: client.server().to_owned(),
            links: None,
            consumers: None,
            basic_allowed: None,
            administrators: Vec::new(),
            auditors: Vec::new(),
        },
        consumers: Vec::new(),
        gap: None,
    };
    if let Err(trouble) = seen.read(client, open_steps, run) {
        let mut gap = Gap::from(trouble);
        if seen.facts.links.is_some() {
            // Who saw a part was not refused: what is left could not be looked at.
            gap.failure = Failure::Unreachable;
        }
        seen.gap = Some(gap);
    }
    seen
}

impl Seen {
    fn read(
        &mut self,
        client: &Client,
        open_steps: &[JournalRow],
        run: &RunOptions<'_>,
    ) -> Result<(), Trouble> {
        client.manifest()?;
        let account = client.sign_in()?;
        let applinks = Applinks::open(client)?;
        let listed = applinks.list()?;
        // Nobody else may read them.
        self.facts.administrators.push(account.username);
        self.facts.auditors = auditors(client, &listed, open_steps);
        let links = listed.into_iter().map(not_seen).collect();
        let links = self.facts.links.insert(links);
        for link in links.iter_mut().filter(|link| !link.system) {
            if stopped(run).is_break() {
                return Err(interrupted());
            }
            if let Some(consumer) = read_link(&applinks, link)? {
                self.consumers.push(consumer);
            }
        }
        self.facts.basic_allowed = applinks.basic_allowed()?;
        Ok(())
    }
}

/// The auditor consumers among these links, as the journal or their application URLs name them.
fn auditors(
    client: &Client,
    listed: &[ApplicationLink],
    open_steps: &[JournalRow],
) -> Vec<AuditorLeft> {
    let listed: Vec<_> = listed
        .iter()
        .filter(|link| is_auditor(link))
        .cloned()
        .collect();
    let mut left = open_on(open_steps, client.server(), client.base_url().as_str());
    left.retain(|left| listed.iter().any(|link| left.is_on(link)));
    left.extend(unlisted(client.server(), &listed, &left));
    left.into_iter()
        .map(|left| AuditorLeft {
            link_id: left.link_id,
            consumer_key: left.consumer_key,
        })
        .collect()
}

/// A link as the list has it.
fn not_seen(link: ApplicationLink) -> LinkFacts {
    LinkFacts {
        id: link.id,
        name: link.name,
        type_id: link.type_id,
        rpc_url: link.rpc_url,
        display_url: link.display_url,
        system: link.system,
        incoming: Incoming::NotSeen,
        outgoing: None,
    }
}

/// Reads the consumer and the matrix. The link's other authentication is left alone: it can hold passwords.
fn read_link(applinks: &Applinks<'_>, link: &mut LinkFacts) -> Result<Option<Consumer>, Trouble> {
    let consumer = applinks.consumer(&link.id)?;
    let matrix = matrix_of(applinks, &link.id)?;
    link.outgoing = matrix.map(|matrix| matrix.outgoing.enabled);
    link.incoming = match &consumer {
        Some(consumer) => {
            let two_legged = two_legged_of(Some(consumer), matrix.as_ref());
            Incoming::Consumer(consumer_facts(consumer, two_legged))
        }
        None => Incoming::Nothing,
    };
    Ok(consumer)
}

fn consumer_facts(consumer: &Consumer, two_legged: TwoLegged) -> ConsumerFacts {
    ConsumerFacts {
        key: consumer.key.clone(),
        name: consumer.name.clone(),
        public_key: public_key_of(consumer).map(|key| key_facts(&key)),
        callback: consumer
            .callback
            .clone()
            .filter(|callback| !callback.is_empty()),
        two_legged: two_legged_facts(two_legged),
    }
}

fn key_facts(key: &PublicKey) -> KeyFacts {
    let fingerprint = key.fingerprint();
    KeyFacts {
        published: sample_key(&fingerprint).map(|sample| sample.published.to_owned()),
        fingerprint: fingerprint.to_string(),
        bits: key.bits(),
        weak: key.bits() < ImportPolicy::Strict.least(),
    }
}

pub(super) fn two_legged_facts(two_legged: TwoLegged) -> TwoLeggedFacts {
    let TwoLegged {
        enabled,
        impersonation,
        execute_as,
    } = two_legged;
    TwoLeggedFacts {
        enabled,
        impersonation,
        execute_as,
    }
}

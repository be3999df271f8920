//! Looking at one server: its links, our consumers, and what it makes of a call signed with our key. Writes nothing.

use std::collections::BTreeMap;

use atl_applinks::{ApplicationLink, Applinks, Matrix};
use atl_client::{Client, Product};
use atl_oauth::{ConsumerSigner, KeyState, Problem, ProblemKind};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::{
    auditor::is_auditor,
    choose::{Held, Wanted, choose},
    keys::Keys,
    known::Known,
    plan::PlanOptions,
    planner::strip,
    trouble::Trouble,
    two_legged::matrix_of,
    wanted::{Consumer, NamedLink, State},
};

/// What one server has, as far as the plan for it depends on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Observed {
    /// The product.
    pub(crate) product: Product,
    /// The product version.
    pub(crate) version: String,
    /// What was found for each consumer, by its name in the fleet file.
    pub(crate) consumers: BTreeMap<String, ObservedConsumer>,
    /// Links that this tool made and the fleet file no longer names.
    pub(crate) unnamed: Vec<ObservedLink>,
    /// Links of auditor consumers, which no plan is about.
    #[serde(skip)]
    pub(crate) auditors: Vec<ApplicationLink>,
}

/// What one server has for one consumer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct ObservedConsumer {
    /// The link at our application URL.
    pub(crate) link: Option<ApplicationLink>,
    /// A link that has the id computed from our application URL, and another application URL.
    pub(crate) relocated: Option<ApplicationLink>,
    /// What is registered on the link.
    pub(crate) consumer: Option<atl_applinks::Consumer>,
    /// The OAuth matrix, where the fleet file says something about two-legged OAuth.
    pub(crate) matrix: Option<Matrix>,
    /// Providers whose settings an earlier run wiped and did not get to put back.
    pub(crate) lost_providers: Vec<String>,
    /// Whether this server has the matrix at all.
    pub(crate) has_matrix: bool,
    /// The version of the application links plugin.
    pub(crate) applinks_version: String,
    /// What the server made of a signed call.
    #[serde(skip)]
    pub(crate) probe: Probe,
    /// Another link that carries our consumer key.
    pub(crate) owner: Option<String>,
    /// Another link that shares the consumer key which would be removed here.
    pub(crate) shared_with: Option<String>,
    /// Whether we are a system administrator, where it matters and the server could tell.
    #[serde(skip)]
    pub(crate) system_administrator: Option<bool>,
}

/// A link that this tool made and the fleet file no longer names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct ObservedLink {
    /// The link.
    pub(crate) link: ApplicationLink,
    /// The consumer it was made for.
    pub(crate) consumer: String,
    /// The consumer key it was made with.
    pub(crate) consumer_key: String,
    /// The consumer key it carries now.
    pub(crate) carries: Option<String>,
    /// Another link that shares it.
    pub(crate) shared_with: Option<String>,
}

/// What the server made of a signed call that leaves no trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Probe {
    /// There was no need, or no private key, to ask.
    NotAsked,
    /// It accepted the key.
    Accepted,
    /// It knows no such consumer key.
    Unknown,
    /// It refused.
    Refused {
        /// The refusal as reports show it.
        trouble: Trouble,
        /// What the server said.
        problem: Box<Problem>,
    },
}

impl Probe {
    /// Whether it shows that the consumer key exists.
    pub(crate) fn shows_the_consumer(&self) -> bool {
        match self {
            Self::Accepted => true,
            Self::NotAsked | Self::Unknown => false,
            Self::Refused { problem, .. } => matches!(
                problem.kind,
                ProblemKind::SignatureInvalid
                    | ProblemKind::PermissionDenied
                    | ProblemKind::TokenRejected
            ),
        }
    }
}

impl Observed {
    /// SHA-256 over everything the plan depends on, in hex.
    pub(crate) fn digest(&self) -> String {
        digest(self)
    }
}

impl ObservedConsumer {
    /// What is registered on the link, where it is this consumer.
    pub(crate) fn ours(&self, consumer: &Consumer) -> Option<&atl_applinks::Consumer> {
        let entry = self.consumer.as_ref();
        entry.filter(|entry| entry.key == consumer.key)
    }

    /// SHA-256 over everything the plan for this consumer depends on, in hex.
    pub(crate) fn digest(&self) -> String {
        digest(self)
    }
}

fn digest(value: &impl Serialize) -> String {
    use std::fmt::Write as _;
    let bytes = serde_json::to_vec(value).unwrap_or_default();
    Sha256::digest(&bytes)
        .iter()
        .fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// What looking needs beside the server.
#[derive(Clone, Copy)]
pub(crate) struct Look<'a> {
    pub(crate) known: &'a Known,
    pub(crate) keys: &'a Keys<'a>,
    pub(crate) options: &'a PlanOptions,
}

/// Reads one server: manifest and links, then each consumer.
pub(crate) fn observe(
    client: &Client,
    consumers: &[&Consumer],
    named: &[NamedLink],
    look: &Look<'_>,
) -> Result<Observed, Trouble> {
    let manifest = client.manifest()?;
    let product = client.product()?;
    if product == Product::Other {
        return Err(Trouble::own(
            "unsupported_product",
            format!(
                "`{}` is a `{}`, whose application links this tool only lists",
                client.server(),
                manifest.type_id
            ),
            "take it out of the consumers' `servers`, or set `product:` where the detection is wrong",
        ));
    }
    let version = manifest.version.clone();
    client.sign_in()?;
    let applinks = Applinks::open(client)?;
    let links = applinks.list()?;
    let auditors = links
        .iter()
        .filter(|link| is_auditor(link))
        .cloned()
        .collect();
    let mut found = BTreeMap::new();
    for consumer in consumers {
        found.insert(
            consumer.name.clone(),
            observe_consumer(client, &applinks, &links, consumer, look)?,
        );
    }
    let unnamed = if look.options.prune {
        observe_unnamed(client, &applinks, &links, named, look)?
    } else {
        Vec::new()
    };
    Ok(Observed {
        product,
        version,
        consumers: found,
        unnamed,
        auditors,
    })
}

/// Reads one consumer's part.
pub(crate) fn observe_consumer(
    client: &Client,
    applinks: &Applinks<'_>,
    links: &[ApplicationLink],
    consumer: &Consumer,
    look: &Look<'_>,
) -> Result<ObservedConsumer, Trouble> {
    let link = links.iter().find(|link| link.has_url(&consumer.url));
    let computed = atl_applinks::link_id(&consumer.url);
    let relocated = links.iter().find(|link| {
        link.id.eq_ignore_ascii_case(&computed)
            && link.rpc_url.is_some()
            && !link.has_url(&consumer.url)
    });
    let mut seen = ObservedConsumer {
        link: link.cloned(),
        relocated: relocated.cloned(),
        consumer: None,
        matrix: None,
        lost_providers: Vec::new(),
        has_matrix: applinks.has_matrix(),
        applinks_version: client.manifest()?.applinks_version.clone(),
        probe: Probe::NotAsked,
        owner: None,
        shared_with: None,
        system_administrator: None,
    };
    if relocated.is_some() {
        return Ok(seen);
    }
    if let Some(link) = link {
        seen.consumer = applinks.consumer(&link.id)?;
    }
    let ours = seen.ours(consumer).is_some();
    if consumer.state == State::Absent {
        if let Some(link) = link.filter(|_| ours) {
            seen.shared_with = carrier(applinks, links, &consumer.key, Some(&link.id))?;
        }
        return Ok(seen);
    }
    if let Some(link) = link.filter(|_| ours) {
        read_two_legged(client, applinks, link, consumer, look, &mut seen)?;
    }
    if let Some(entry) = seen.consumer.as_ref().filter(|_| !ours) {
        if !look.options.replace_consumer {
            return Ok(seen);
        }
        seen.shared_with = carrier(
            applinks,
            links,
            &entry.key,
            link.map(|link| link.id.as_str()),
        )?;
    }
    seen.probe = probe(client, consumer, &seen, look)?;
    if !ours && seen.probe.shows_the_consumer() {
        seen.owner = carrier(
            applinks,
            links,
            &consumer.key,
            link.map(|link| link.id.as_str()),
        )?;
    }
    Ok(seen)
}

/// Reads the matrix where there is something to set or to put back, and what an earlier run did not get to put back.
fn read_two_legged(
    client: &Client,
    applinks: &Applinks<'_>,
    link: &ApplicationLink,
    consumer: &Consumer,
    look: &Look<'_>,
    seen: &mut ObservedConsumer,
) -> Result<(), Trouble> {
    let url = client.base_url().as_str();
    let kept = look.known.kept(&consumer.name, url, &link.id);
    let is_on = seen
        .consumer
        .as_ref()
        .is_some_and(|entry| entry.two_lo_allowed || entry.two_lo_impersonation_allowed);
    if kept.is_none() && !is_on && consumer.two_legged.is_none() {
        return Ok(());
    }
    seen.matrix = matrix_of(applinks, &link.id)?;
    seen.has_matrix = seen.matrix.is_some();
    if let Some(kept) = kept.filter(|kept| !kept.providers.is_empty()) {
        seen.lost_providers = kept.lost(&applinks.providers(&link.id)?);
    }
    Ok(())
}

/// Asks with the key that should be there; with a stranger's where only the existence of the consumer key matters.
fn probe(
    client: &Client,
    consumer: &Consumer,
    seen: &ObservedConsumer,
    look: &Look<'_>,
) -> Result<Probe, Trouble> {
    let held = Held::of(seen.consumer.as_ref(), &consumer.key);
    let url = client.base_url().as_str();
    let wanted = choose(
        consumer,
        url,
        &held,
        look.known,
        look.keys.files(),
        look.options.replace_keys,
    );
    let keypair = match (&held, &wanted) {
        (Held::Nothing, Wanted::Key { fingerprint, .. }) => look
            .keys
            .private(&consumer.name, fingerprint)?
            .map_or_else(|| look.keys.stranger(), Ok)?,
        (Held::Nothing, _) => look.keys.stranger()?,
        (Held::Key(held), Wanted::Key { fingerprint, .. })
            if held.as_ref() == Some(fingerprint) =>
        {
            match look.keys.private(&consumer.name, fingerprint)? {
                Some(keypair) => keypair,
                None => return Ok(Probe::NotAsked),
            }
        }
        (Held::Key(_), _) => return Ok(Probe::NotAsked),
    };
    let signer = ConsumerSigner::new(&consumer.key, &*keypair);
    Ok(match atl_oauth::look(client, &signer)? {
        KeyState::Accepted => Probe::Accepted,
        KeyState::ConsumerUnknown => Probe::Unknown,
        KeyState::Refused(problem) => Probe::Refused {
            trouble: Trouble::problem(client.server(), &consumer.key, &problem),
            problem: Box::new(problem),
        },
    })
}

/// The name of a link, other than `except`, that carries this consumer key.
pub(crate) fn carrier(
    applinks: &Applinks<'_>,
    links: &[ApplicationLink],
    key: &str,
    except: Option<&str>,
) -> Result<Option<String>, Trouble> {
    for link in links
        .iter()
        .filter(|link| !link.system && Some(link.id.as_str()) != except)
    {
        if applinks
            .consumer(&link.id)?
            .is_some_and(|entry| entry.key == key)
        {
            return Ok(Some(link.name.clone()));
        }
    }
    Ok(None)
}

fn observe_unnamed(
    client: &Client,
    applinks: &Applinks<'_>,
    links: &[ApplicationLink],
    named: &[NamedLink],
    look: &Look<'_>,
) -> Result<Vec<ObservedLink>, Trouble> {
    let mut unnamed = Vec::new();
    for made in look.known.links_on(client.base_url().as_str()) {
        let is_named = named.iter().any(|link| {
            link.server == client.server() && strip(&link.url) == strip(&made.application_url)
        });
        let selected =
            look.options.consumers.is_empty() || look.options.consumers.contains(&made.consumer);
        let Some(link) = links
            .iter()
            .find(|link| link.id == made.link_id)
            .filter(|_| selected && !is_named)
        else {
            continue;
        };
        let carries = applinks.consumer(&link.id)?.map(|entry| entry.key);
        let shared_with = match &carries {
            Some(key) => carrier(applinks, links, key, Some(&link.id))?,
            None => None,
        };
        unnamed.push(ObservedLink {
            link: link.clone(),
            consumer: made.consumer.clone(),
            consumer_key: made.consumer_key.clone(),
            carries,
            shared_with,
        });
    }
    Ok(unnamed)
}

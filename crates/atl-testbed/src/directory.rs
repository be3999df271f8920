//! Application links and consumers, as one server keeps them.

use std::collections::BTreeMap;

use md5::{Digest, Md5};
use uuid::{Builder, Uuid, Variant, Version};

use crate::key::{KeyError, PublicKey};

/// The package of the provider classes (protocol.md 1.6).
const PROVIDERS: &str = "com.atlassian.applinks.api.auth.types.";
/// The provider classes behind the outgoing half of the 2LO matrix: 3LO, 2LO, 2LO with impersonation.
const OAUTH_PROVIDERS: [&str; 3] = [
    "OAuthAuthenticationProvider",
    "TwoLeggedOAuthAuthenticationProvider",
    "TwoLeggedOAuthWithImpersonationAuthenticationProvider",
];
const OTHER_PROVIDERS: [&str; 3] = [
    "BasicAuthenticationProvider",
    "TrustedAppsAuthenticationProvider",
    "CorsAuthenticationProvider",
];

/// An application link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The application id.
    pub id: Uuid,
    /// The typeId, such as `generic`.
    pub type_id: String,
    /// The name.
    pub name: String,
    /// The display URL, without a slash at its end.
    pub display_url: String,
    /// The application URL, without a slash at its end.
    pub rpc_url: String,
    /// Whether this is the primary link of its type.
    pub primary: bool,
    /// Whether the system itself made this link.
    pub system: bool,
    /// The property `oauth.incoming.consumerkey`, which may dangle.
    pub consumer_key: Option<String>,
    /// The configuration of outgoing authentication, by full class name.
    pub providers: BTreeMap<String, BTreeMap<String, String>>,
}

impl Link {
    /// A generic link with the id that its URL gives it.
    pub fn generic(name: &str, url: &str) -> Self {
        let url = url.trim_end_matches('/');
        Self {
            id: link_id(url),
            type_id: "generic".to_owned(),
            name: name.to_owned(),
            display_url: url.to_owned(),
            rpc_url: url.to_owned(),
            primary: false,
            system: false,
            consumer_key: None,
            providers: BTreeMap::new(),
        }
    }

    /// A link to another product, with the id that the other side gave itself.
    pub fn product(type_id: &str, id: Uuid, name: &str, url: &str) -> Self {
        Self {
            id,
            type_id: type_id.to_owned(),
            ..Self::generic(name, url)
        }
    }

    pub(crate) fn is_generic(&self) -> bool {
        self.type_id == "generic"
    }

    pub(crate) fn outgoing(&self) -> Flags {
        let [enabled, two_legged, impersonation] = OAUTH_PROVIDERS
            .map(|class| self.providers.contains_key(&format!("{PROVIDERS}{class}")));
        Flags {
            enabled,
            two_legged,
            impersonation,
        }
    }

    /// Registers and unregisters the providers anew, with empty configuration (protocol.md 1.12).
    pub(crate) fn set_outgoing(&mut self, flags: Flags) {
        let wanted = [
            flags.enabled,
            flags.enabled && (flags.two_legged || flags.impersonation),
            flags.enabled && flags.impersonation,
        ];
        for (class, on) in OAUTH_PROVIDERS.iter().zip(wanted) {
            let class = format!("{PROVIDERS}{class}");
            if on {
                self.providers.insert(class, BTreeMap::new());
            } else {
                self.providers.remove(&class);
            }
        }
    }
}

/// The id of a generic link: MD5 of its URL, without a namespace, as a version 3 UUID (protocol.md 1.8).
pub fn link_id(rpc_url: &str) -> Uuid {
    let digest: [u8; 16] = Md5::digest(rpc_url.trim_end_matches('/').as_bytes()).into();
    Builder::from_bytes(digest)
        .with_variant(Variant::RFC4122)
        .with_version(Version::Md5)
        .into_uuid()
}

/// Whether the server can load this provider class.
pub(crate) fn is_provider(class: &str) -> bool {
    class.strip_prefix(PROVIDERS).is_some_and(|simple| {
        OAUTH_PROVIDERS.contains(&simple) || OTHER_PROVIDERS.contains(&simple)
    })
}

/// Whether this provider class lets this server speak as anybody there.
pub(crate) fn is_impersonation(class: &str) -> bool {
    class.strip_prefix(PROVIDERS) == Some(OAUTH_PROVIDERS[2])
}

/// One half of the 2LO matrix (protocol.md 1.12).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// OAuth at all.
    pub enabled: bool,
    /// Two-legged OAuth.
    pub two_legged: bool,
    /// Two-legged OAuth with impersonation.
    pub impersonation: bool,
}

/// An incoming consumer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consumer {
    /// The consumer key.
    pub key: String,
    /// The name.
    pub name: String,
    /// The description.
    pub description: Option<String>,
    /// The public key.
    pub public_key: PublicKey,
    /// The callback.
    pub callback: Option<String>,
    /// Whether the dance is allowed.
    pub three_legged: bool,
    /// Whether 2LO is allowed.
    pub two_legged: bool,
    /// Whether 2LO with impersonation is allowed.
    pub impersonation: bool,
    /// The user that 2LO runs as; the anonymous otherwise.
    pub execute_as: Option<String>,
}

impl Consumer {
    /// A consumer that may dance and nothing else.
    ///
    /// # Errors
    ///
    /// [`KeyError`] where the server would not take the public key.
    pub fn new(key: &str, name: &str, public_key: &str) -> Result<Self, KeyError> {
        Ok(Self {
            key: key.to_owned(),
            name: name.to_owned(),
            description: None,
            public_key: PublicKey::from_rest(public_key)?,
            callback: None,
            three_legged: true,
            two_legged: false,
            impersonation: false,
            execute_as: None,
        })
    }
}

/// A consumer that this server itself is elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutgoingConsumer {
    /// The consumer key.
    pub key: String,
    /// The name, which is also the service name.
    pub name: String,
    /// The description.
    pub description: Option<String>,
    /// The HMAC secret, which no answer shows.
    pub shared_secret: String,
}

/// Links and consumers: what the nodes of a cluster each keep a copy of.
#[derive(Clone, Debug, Default)]
pub(crate) struct Directory {
    pub(crate) links: Vec<Link>,
    pub(crate) consumers: BTreeMap<String, Consumer>,
    pub(crate) outgoing: BTreeMap<String, OutgoingConsumer>,
}

impl Directory {
    pub(crate) fn link(&self, id: Uuid) -> Option<&Link> {
        self.links.iter().find(|link| link.id == id)
    }

    pub(crate) fn link_mut(&mut self, id: Uuid) -> Option<&mut Link> {
        self.links.iter_mut().find(|link| link.id == id)
    }

    /// Adds a link: the name gets a number where it is taken, the first link of a type is primary (protocol.md 1.4).
    pub(crate) fn add(&mut self, mut link: Link) {
        let taken = |name: &str| self.links.iter().any(|other| other.name == name);
        let mut name = link.name.clone();
        let mut number = 1;
        while taken(&name) {
            number += 1;
            name = format!("{} - {number}", link.name);
        }
        link.name = name;
        let first = !self.links.iter().any(|other| other.type_id == link.type_id);
        let primary = first || link.primary;
        link.primary = false;
        let id = link.id;
        self.links.push(link);
        if primary {
            self.make_primary(id);
        }
    }

    /// Makes this link the only primary one of its type.
    pub(crate) fn make_primary(&mut self, id: Uuid) {
        let Some(type_id) = self.link(id).map(|link| link.type_id.clone()) else {
            return;
        };
        for link in self.links.iter_mut().filter(|link| link.type_id == type_id) {
            link.primary = link.id == id;
        }
    }

    /// Takes a link away; another of its type becomes primary in its place.
    pub(crate) fn remove(&mut self, id: Uuid) -> Option<Link> {
        let position = self.links.iter().position(|link| link.id == id)?;
        let link = self.links.remove(position);
        if link.primary
            && let Some(heir) = self
                .links
                .iter_mut()
                .find(|other| other.type_id == link.type_id)
        {
            heir.primary = true;
        }
        Some(link)
    }

    /// The incoming consumer of a link, if its property does not dangle.
    pub(crate) fn incoming(&self, link: &Link) -> Option<&Consumer> {
        link.consumer_key
            .as_ref()
            .and_then(|key| self.consumers.get(key))
    }

    /// The outgoing consumers that a link's providers point to.
    pub(crate) fn outgoing_of(&self, link: &Link) -> impl Iterator<Item = &OutgoingConsumer> {
        link.providers
            .values()
            .filter_map(|config| config.get("consumerKey.outbound"))
            .filter_map(|key| self.outgoing.get(key))
    }

    /// Stores a consumer over whatever had its key, and points the link at it (protocol.md 1.7).
    pub(crate) fn put_consumer(&mut self, link: Uuid, consumer: Consumer) {
        if let Some(link) = self.link_mut(link) {
            link.consumer_key = Some(consumer.key.clone());
        }
        self.consumers.insert(consumer.key.clone(), consumer);
    }
}

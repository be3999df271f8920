//! What the fleet file wants, validated, for the selected servers and consumers, with every needed secret resolved.

use std::path::PathBuf;

use atl_client::ServerConfig;
use atl_keys::KeySize;
use secrecy::SecretString;

/// Everything a command needs of the fleet file: the selected servers and consumers. Nothing was sent to get here.
#[derive(Debug, Clone)]
pub struct Ready {
    /// The selected servers, in the order of the file.
    pub servers: Vec<ReadyServer>,
    /// The selected consumers that at least one selected server is to have, in the order of the file.
    pub consumers: Vec<Consumer>,
    /// Every link that the file names on a selected server, its consumer selected or not: what `--prune` must not touch.
    pub named: Vec<NamedLink>,
    /// SHA-256 of the fleet file's text, in hex, which a saved plan records.
    pub digest: String,
    /// The secrets of the whole file that stand in it or in the environment, to be masked wherever they may turn up.
    pub at_hand: Vec<SecretString>,
    /// What deserves a warning, such as a literal password; no secret in it.
    pub warnings: Vec<String>,
}

/// A link that the whole file names on a server, whatever was selected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedLink {
    /// The server's name.
    pub server: String,
    /// The consumer's name.
    pub consumer: String,
    /// The application URL.
    pub url: String,
    /// The consumer key.
    pub key: String,
}

/// A selected server.
#[derive(Debug, Clone)]
pub struct ReadyServer {
    /// How to reach it and sign in; `config.name` is its name in the fleet file.
    pub config: ServerConfig,
    /// Its labels.
    pub labels: Vec<String>,
    /// The database URL, where the command needs it.
    pub database: Option<SecretString>,
}

/// A consumer of the fleet file.
#[derive(Debug, Clone)]
pub struct Consumer {
    /// Its name in the fleet file, which the store knows it by.
    pub name: String,
    /// The consumer key.
    pub key: String,
    /// The name shown on the servers.
    pub display_name: String,
    /// The description.
    pub description: Option<String>,
    /// Application URL and display URL of the generic link, trailing slashes stripped.
    pub url: String,
    /// The callback.
    pub callback: Option<String>,
    /// Where its keypair comes from.
    pub keypair: KeypairSource,
    /// The names of all servers of the file that are to have it, selectors and labels resolved.
    pub servers: Vec<String>,
    /// Two-legged OAuth; `None` where the file says nothing about it.
    pub two_legged: Option<TwoLegged>,
    /// The users that grants are wanted from.
    pub grants: Vec<Grant>,
    /// Ages.
    pub policy: Policy,
    /// Whether it should be there.
    pub state: State,
}

/// Where a consumer's keypair comes from; paths are resolved against the fleet file's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeypairSource {
    /// The store makes and keeps it.
    Managed {
        /// The size of a new one.
        size: KeySize,
        /// Where it is written after it changed.
        export: Option<Export>,
    },
    /// The user keeps it.
    PrivateKeyFile(PathBuf),
    /// Somebody else keeps it; only the public half is here.
    PublicKeyFile(PathBuf),
}

/// Files that a managed keypair is exported to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export {
    /// PKCS#8 PEM, 0600.
    pub private_key_file: Option<PathBuf>,
    /// SPKI PEM.
    pub public_key_file: Option<PathBuf>,
}

/// Two-legged OAuth.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct TwoLegged {
    /// On or off.
    pub enabled: bool,
    /// With impersonation.
    pub impersonation: bool,
    /// The user that calls run as.
    pub execute_as: Option<String>,
}

/// A user that a grant is wanted from.
#[derive(Debug, Clone)]
pub struct Grant {
    /// The user.
    pub user: String,
    /// The password, where the command needs it and the file has it.
    pub password: Option<SecretString>,
}

/// Ages after which something is due, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Policy {
    /// For grants.
    pub max_grant_age: Option<u64>,
    /// For keys.
    pub max_key_age: Option<u64>,
}

/// Whether a consumer should be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum State {
    /// There.
    #[default]
    Present,
    /// Gone.
    Absent,
}

//! The anonymous manifest (protocol.md 6).

use serde::Deserialize;

/// Where it is, on every product.
pub(crate) const PATH: &str = "rest/applinks/1.0/manifest";

/// What the anonymous manifest says (protocol.md 6).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// The server's own application id.
    pub id: String,
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// `jira`, `confluence`, `stash`, ...
    pub type_id: String,
    /// The product version.
    #[serde(default)]
    pub version: String,
    /// The version of the application links plugin, such as `9.1.4`; empty where the server does not say.
    #[serde(default)]
    pub applinks_version: String,
    /// The base URL the server is configured with.
    #[serde(default)]
    pub url: String,
}

//! What happens during a run: the only way out of it. A bar, a table and an NDJSON line are renderers of these.

use atl_keys::Fingerprint;
use atl_tokens::{Coverage, GrantEntry};
use serde::Serialize;

use crate::{
    auditor::EndedAuditor,
    check::ServerChecks,
    grant::FailedGrant,
    grants::RevokedGrant,
    plan::{Change, ServerPlan, Summary},
    rotate::Rotation,
    scrub::ScrubbedLink,
};

/// Something that happened.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event<'a> {
    /// A phase begins.
    Begin {
        /// `look`, `apply` or `check`.
        phase: &'static str,
        /// How many servers it concerns.
        servers: usize,
    },
    /// A phase that works on grants begins.
    BeginGrants {
        /// `authorize`, `verify`, `renew` or `revoke`.
        phase: &'static str,
        /// How many servers it concerns.
        servers: usize,
        /// How many grants.
        grants: usize,
    },
    /// A phase that works on rotations begins.
    BeginRotations {
        /// `look`, `rotate` or `settle`.
        phase: &'static str,
        /// How many servers it concerns.
        servers: usize,
        /// How many rotations.
        rotations: usize,
    },
    /// The work on the links of one server begins.
    BeginLinks {
        /// `scrub`.
        phase: &'static str,
        /// The server.
        server: &'a str,
        /// How many links.
        links: usize,
    },
    /// A link of a copy was removed, kept or re-pointed, or could not be.
    Scrubbed(&'a ScrubbedLink),
    /// A rotation ended, well or not.
    Rotation(&'a Rotation),
    /// A server was looked at.
    Planned(&'a ServerPlan),
    /// A keypair was made and is in the store.
    Keypair {
        /// The consumer.
        consumer: &'a str,
        /// Its fingerprint.
        fingerprint: &'a Fingerprint,
        /// Its size.
        bits: usize,
    },
    /// A step is about to be taken.
    Step {
        /// The server.
        server: &'a str,
        /// The consumer.
        consumer: &'a str,
        /// Which step.
        action: &'a str,
    },
    /// A change was made, or failed.
    Change {
        /// The server.
        server: &'a str,
        /// The change with its outcome.
        #[serde(flatten)]
        change: &'a Change,
    },
    /// A server is done in this phase.
    Server(&'a ServerPlan),
    /// A server was checked.
    Checked(&'a ServerChecks),
    /// A source was asked about a server's grants.
    Coverage(&'a Coverage),
    /// All sources were asked about a server's grants.
    Listed {
        /// The server.
        server: &'a str,
    },
    /// A grant was given, looked at, renewed or revoked.
    Grant(&'a GrantEntry),
    /// A grant was revoked by some way, or was not.
    #[serde(rename = "grant")]
    RevokedGrant(&'a RevokedGrant),
    /// A grant could not be.
    GrantFailed(&'a FailedGrant),
    /// An auditor consumer that an earlier run left was removed, or was not.
    Auditor(&'a EndedAuditor),
    /// Something to know that is no failure.
    Warning {
        /// The server.
        server: &'a str,
        /// The consumer.
        consumer: &'a str,
        /// What.
        message: &'a str,
    },
    /// The run is over.
    Summary(&'a Summary),
}

/// Takes events, from several threads.
pub type Sink<'a> = &'a (dyn Fn(&Event<'_>) + Sync);

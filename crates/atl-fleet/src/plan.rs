//! A plan as data: what would be changed on which server, and in `apply` what came of it (cli.md section 3).

use atl_client::Product;
use serde::{Deserialize, Serialize};

use crate::trouble::Trouble;

/// The version of every document; `1` is never broken.
pub const FORMAT_VERSION: &str = "1.0";

/// The difference between the fleet file and the servers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// `1.0`.
    pub format_version: String,
    /// SHA-256 of the fleet file that this is a plan for.
    pub fleet: String,
    /// What was selected and allowed when the plan was made.
    pub options: PlanOptions,
    /// One entry a selected server, in the order of the file.
    pub servers: Vec<ServerPlan>,
    /// How many changes of each action.
    pub summary: Summary,
}

/// What the planner was allowed to plan. A saved plan carries it, so that `apply PLAN` needs no further option.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "one for each flag of the command line, each with a meaning of its own"
)]
pub struct PlanOptions {
    /// The selected servers.
    #[serde(default)]
    pub servers: Vec<String>,
    /// The consumers that `--consumer` named; empty means all.
    #[serde(default)]
    pub consumers: Vec<String>,
    /// Delete links that this tool made and the file no longer names.
    #[serde(default)]
    pub prune: bool,
    /// Replace keys whose private half is not in the store.
    #[serde(default)]
    pub replace_keys: bool,
    /// Replace a foreign consumer on a link at our URL.
    #[serde(default)]
    pub replace_consumer: bool,
    /// Go past the guards that `--force` overrides.
    #[serde(default)]
    pub force: bool,
}

/// One server's part of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerPlan {
    /// Its name in the fleet file.
    pub server: String,
    /// The product, where it was reached.
    pub product: Option<Product>,
    /// The product version, where it was reached.
    pub version: Option<String>,
    /// How it went.
    pub status: Status,
    /// Why it is not `ok`: the first error.
    pub error: Option<Trouble>,
    /// SHA-256 of what was observed, which `apply PLAN` compares.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed: Option<String>,
    /// The changes, links first, consumer by consumer.
    pub changes: Vec<Change>,
}

/// How it went on a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Well.
    Ok,
    /// Something failed, our own guards included.
    Failed,
    /// The server was not reached or did not answer as such a server does.
    Unreachable,
    /// Sign-in or permission was refused.
    Refused,
}

/// What a change concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The application link.
    Link,
    /// Its incoming consumer.
    Consumer,
    /// Two-legged OAuth of that consumer.
    TwoLegged,
}

/// What is done to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// It is made.
    Create,
    /// It is changed in place.
    Update,
    /// It is removed.
    Delete,
    /// It is as it should be.
    None,
}

/// One difference, or the absence of one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// What it concerns.
    pub kind: Kind,
    /// What is done.
    pub action: Action,
    /// The consumer's name in the fleet file.
    pub consumer: String,
    /// The link; computed for one that is to be created.
    pub link_id: String,
    /// The fields that differ.
    pub fields: Vec<Field>,
    /// How many grants this ends, at the least.
    pub kills_grants: u64,
    /// Whether that is the exact number.
    pub kills_grants_complete: bool,
    /// What came of it, in `apply`.
    pub result: Option<Applied>,
    /// Whether the server itself accepted a call signed with the key; `null` where nobody could tell.
    pub verified: Option<bool>,
    /// Why it failed, or why the key was not accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Trouble>,
}

/// What came of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Applied {
    /// It was made so and read back.
    Applied,
    /// It failed.
    Failed,
    /// It was not tried.
    Skipped,
}

/// A field that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// Its name.
    pub path: String,
    /// What the server has.
    pub before: Option<serde_json::Value>,
    /// What it is to have.
    pub after: Option<serde_json::Value>,
    /// Whether `after` is only known once it was applied, as for a keypair that does not exist yet.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub known_after_apply: bool,
}

impl Field {
    /// A field with both values.
    pub(crate) fn new(
        path: &str,
        before: impl Into<Option<serde_json::Value>>,
        after: impl Into<Option<serde_json::Value>>,
    ) -> Self {
        Self {
            path: path.to_owned(),
            before: before.into(),
            after: after.into(),
            known_after_apply: false,
        }
    }
}

/// How many changes of each action, and how many failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Summary {
    /// Changes that create.
    pub create: usize,
    /// Changes that update.
    pub update: usize,
    /// Changes that delete.
    pub delete: usize,
    /// Nothing to do.
    pub unchanged: usize,
    /// Changes that failed, and servers that could not be planned at all.
    pub failed: usize,
}

impl Change {
    /// Whether it changes anything.
    pub fn is_change(&self) -> bool {
        self.action != Action::None
    }

    /// Whether it replaces the public key of a consumer that is registered.
    pub fn replaces_key(&self) -> bool {
        self.kind == Kind::Consumer
            && self.action == Action::Update
            && self
                .fields
                .iter()
                .any(|field| field.path == "public_key" && field.before.is_some())
    }

    /// Whether it puts our consumer in the place of another one.
    pub fn replaces_consumer(&self) -> bool {
        self.kind == Kind::Consumer
            && self
                .fields
                .iter()
                .any(|field| field.path == "key" && field.before.is_some())
    }

    /// Whether grants end with it.
    pub fn kills_grants(&self) -> bool {
        (self.kind == Kind::Link && self.action == Action::Delete) || self.replaces_consumer()
    }

    /// The same change with nothing said about its outcome, as a plan has it.
    pub(crate) fn without_outcome(&self) -> Self {
        Self {
            result: None,
            verified: None,
            error: None,
            ..self.clone()
        }
    }
}

impl ServerPlan {
    /// A server that could not be looked at.
    pub(crate) fn troubled(server: &str, trouble: Trouble) -> Self {
        Self {
            server: server.to_owned(),
            product: None,
            version: None,
            status: trouble.status,
            error: Some(trouble),
            observed: None,
            changes: Vec::new(),
        }
    }

    /// Whether anything is to be changed here.
    pub fn has_changes(&self) -> bool {
        self.changes.iter().any(Change::is_change)
    }

    /// Notes a failure: the first one decides what the server's entry says.
    pub(crate) fn note(&mut self, trouble: &Trouble) {
        if self.error.is_none() {
            self.status = trouble.status;
            self.error = Some(trouble.clone());
        }
    }
}

impl Plan {
    /// Puts server plans together.
    pub(crate) fn new(fleet: &str, options: &PlanOptions, servers: Vec<ServerPlan>) -> Self {
        let summary = Summary::of(&servers);
        Self {
            format_version: FORMAT_VERSION.to_owned(),
            fleet: fleet.to_owned(),
            options: options.clone(),
            servers,
            summary,
        }
    }

    /// Whether anything is to be changed anywhere.
    pub fn has_changes(&self) -> bool {
        self.servers.iter().any(ServerPlan::has_changes)
    }
}

impl Summary {
    /// Counts.
    pub(crate) fn of(servers: &[ServerPlan]) -> Self {
        let mut summary = Self::default();
        for server in servers {
            let mut failed = 0;
            for change in &server.changes {
                let wrong = change.result == Some(Applied::Failed)
                    || (change.result.is_none() && change.error.is_some());
                failed += usize::from(wrong);
                match change.action {
                    Action::Create => summary.create += 1,
                    Action::Update => summary.update += 1,
                    Action::Delete => summary.delete += 1,
                    Action::None if wrong => {}
                    Action::None => summary.unchanged += 1,
                }
            }
            summary.failed += if failed == 0 && server.status != Status::Ok {
                1
            } else {
                failed
            };
        }
        summary
    }
}

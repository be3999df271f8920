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

/// How many changes of each action, and how many failed: changes, not servers. In `apply` an action counts where it was
/// carried out; one that failed counts as that alone, one that was not tried does not count.
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
    /// Changes that failed, or that our own guards refuse.
    pub failed: usize,
}

impl Change {
    /// A change of no field yet, that ends no grant.
    pub(crate) fn new(kind: Kind, action: Action, consumer: &str, link_id: String) -> Self {
        Self {
            kind,
            action,
            consumer: consumer.to_owned(),
            link_id,
            fields: Vec::new(),
            kills_grants: 0,
            kills_grants_complete: true,
            result: None,
            verified: None,
            error: None,
        }
    }

    /// Whether it changes anything.
    pub fn is_change(&self) -> bool {
        self.action != Action::None
    }

    /// Whether it replaces the public key of a consumer that is registered.
    pub(crate) fn replaces_key(&self) -> bool {
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

    /// Says of every change that it was not tried.
    pub(crate) fn skip_all(&mut self) {
        let changes = self
            .servers
            .iter_mut()
            .flat_map(|server| &mut server.changes);
        for change in changes.filter(|change| change.is_change()) {
            change.result = Some(Applied::Skipped);
        }
        self.summary = Summary::of(&self.servers);
    }
}

impl Summary {
    /// Counts.
    pub(crate) fn of(servers: &[ServerPlan]) -> Self {
        let mut summary = Self::default();
        for change in servers.iter().flat_map(|server| &server.changes) {
            let count = match (change.result, change.action) {
                (Some(Applied::Skipped), _) => continue,
                (Some(Applied::Failed), _) => &mut summary.failed,
                (None, _) if change.error.is_some() => &mut summary.failed,
                (_, Action::Create) => &mut summary.create,
                (_, Action::Update) => &mut summary.update,
                (_, Action::Delete) => &mut summary.delete,
                (_, Action::None) => &mut summary.unchanged,
            };
            *count += 1;
        }
        summary
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(action: Action, result: Option<Applied>) -> Change {
        Change {
            result,
            ..Change::new(Kind::Link, action, "bot", String::new())
        }
    }

    #[test]
    fn the_summary_counts_changes_and_each_of_them_once() {
        #[track_caller]
        fn check(changes: Vec<Change>, expected: [usize; 5]) {
            let trouble = Trouble::own("x", "x", "x");
            let server = ServerPlan {
                changes,
                ..ServerPlan::troubled("jira", trouble)
            };
            let Summary {
                create,
                update,
                delete,
                unchanged,
                failed,
            } = Summary::of(&[server]);
            assert_eq!([create, update, delete, unchanged, failed], expected);
        }
        use super::Applied::{Applied as Made, Failed, Skipped};
        use Action::{Create, Delete, None as Same, Update};
        check(Vec::new(), [0, 0, 0, 0, 0]);
        check(
            vec![
                change(Create, None),
                change(Update, None),
                change(Delete, None),
                change(Same, None),
            ],
            [1, 1, 1, 1, 0],
        );
        check(
            vec![
                change(Create, Some(Made)),
                change(Create, Some(Failed)),
                change(Create, Some(Skipped)),
            ],
            [1, 0, 0, 0, 1],
        );
        let refused = Change {
            error: Some(Trouble::own("unknown_key", "x", "x")),
            ..change(Same, None)
        };
        check(vec![refused], [0, 0, 0, 0, 1]);
    }
}

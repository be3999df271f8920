//! Key, link and consumer of one consumer of the fleet file.

use super::{
    Check, Checks,
    refusal::{check_of, refusal},
};
use crate::{
    observe::{Observed, ObservedConsumer},
    plan::{Action, Change, Kind, ServerPlan},
    trouble::Trouble,
    wanted::{Consumer, State},
};

pub(super) const TO_APPLY: &str =
    "`atl-admin plan` shows the difference, `atl-admin apply` removes it";

/// One consumer of the fleet file on one server.
pub(super) struct OnServer<'a> {
    pub(super) consumer: &'a Consumer,
    pub(super) seen: &'a ObservedConsumer,
    changes: Vec<&'a Change>,
    /// Why the plan refuses it, or why its calls are refused.
    pub(super) refused: Option<&'a Trouble>,
}

impl Checks<'_> {
    pub(super) fn consumer(&mut self, consumer: &Consumer, plan: &ServerPlan, observed: &Observed) {
        let Some(seen) = observed.consumers.get(&consumer.name) else {
            return;
        };
        let changes: Vec<&Change> = plan
            .changes
            .iter()
            .filter(|change| change.consumer == consumer.name)
            .collect();
        let on = OnServer {
            consumer,
            seen,
            refused: changes.iter().find_map(|change| change.error.as_ref()),
            changes,
        };
        let (grants, one_works) = self.grants(&on);
        let mut found = vec![registered(&on)];
        if on.is_usable() {
            // A grant that works shows that users may grant; where nobody's is wanted, it does not matter.
            if !grants.is_empty() && !one_works {
                found.push(self.three_legged(consumer));
            }
            found.push(self.two_legged(&on));
        }
        let checks = [self.key(&on), link(&on), Check::all("consumer", &found)];
        let checks = checks.into_iter().chain(grants);
        self.done
            .extend(checks.map(|check| check.of(&consumer.name)));
    }
}

impl OnServer<'_> {
    /// Whether it should be there, is there, and nothing keeps its calls from being accepted.
    fn is_usable(&self) -> bool {
        let wanted = self.consumer.state == State::Present;
        wanted && self.refused.is_none() && self.seen.ours(self.consumer).is_some()
    }
}

/// Whether it is there as the fleet file says, and its calls are accepted.
fn registered(on: &OnServer<'_>) -> Check {
    if let Some(trouble) = on.refused {
        let belongs_to = refusal(on.seen).map_or_else(
            || check_of_code(&trouble.code),
            |(problem, _)| check_of(problem),
        );
        if belongs_to == "consumer" {
            return Check::fail("consumer", trouble);
        }
        let message = format!("cannot be used here: see `{belongs_to}`");
        let trouble = Trouble {
            message,
            ..trouble.clone()
        };
        return Check::fail("consumer", &trouble);
    }
    match on.consumer.state {
        State::Absent => Check::pass(
            "consumer",
            format!("`{}` should be absent", on.consumer.name),
        ),
        State::Present => as_wanted(on),
    }
}

/// The check that a refusal of the planner belongs to.
fn check_of_code(code: &str) -> &'static str {
    match code {
        "unknown_key" => "key",
        "relocated" | "foreign_link" | "foreign_consumer" | "shared_key" => "link",
        _ => "consumer",
    }
}

fn link(on: &OnServer<'_>) -> Check {
    let of_link = |trouble: &&Trouble| check_of_code(&trouble.code) == "link";
    if let Some(trouble) = on.refused.filter(of_link) {
        return Check::fail("link", trouble);
    }
    let change = on.changes.iter().find(|change| change.kind == Kind::Link);
    match change.map(|change| change.action) {
        Some(Action::Create) => Check::warn("link", "is not there yet", TO_APPLY),
        Some(Action::Update) => Check::warn("link", "differs from the fleet file", TO_APPLY),
        Some(Action::Delete) => Check::warn("link", "is still there and should be gone", TO_APPLY),
        Some(Action::None) | None => link_name(on),
    }
}

fn link_name(on: &OnServer<'_>) -> Check {
    let Some(link) = &on.seen.link else {
        return Check::pass("link", "is not there, as it should be");
    };
    let (name, wanted) = (&link.name, &on.consumer.display_name);
    if name == wanted {
        Check::pass("link", format!("is there as `{name}`"))
    } else {
        Check::warn(
            "link",
            format!("is there as `{name}`, not `{wanted}`"),
            "the server suffixes a name that is taken; links are never renamed, so rename it by hand if it matters",
        )
    }
}

/// The consumer against the fleet file.
fn as_wanted(on: &OnServer<'_>) -> Check {
    let others = || {
        let changes = on.changes.iter();
        changes.filter(|change| change.kind != Kind::Link)
    };
    let pending: Vec<String> = others()
        .filter(|change| change.is_change())
        .map(|change| difference(change))
        .collect();
    if on.seen.ours(on.consumer).is_none() {
        Check::warn("consumer", "is not registered yet", TO_APPLY)
    } else if !pending.is_empty() {
        Check::warn(
            "consumer",
            format!("differs from the fleet file: {}", pending.join(", ")),
            TO_APPLY,
        )
    } else if others().any(|change| change.verified == Some(true)) {
        Check::pass(
            "consumer",
            "is registered, and the server accepted a call signed with its key",
        )
    } else {
        Check::skip(
            "consumer",
            "is registered; without its private key nobody can tell whether the server accepts it",
        )
    }
}

/// The fields that differ, as in `two-legged OAuth: enabled is false, to be true`.
fn difference(change: &Change) -> String {
    let shown = |value: &Option<serde_json::Value>| match value {
        None => "none".to_owned(),
        Some(serde_json::Value::String(text)) => format!("`{text}`"),
        Some(other) => other.to_string(),
    };
    let fields: Vec<String> = change
        .fields
        .iter()
        .map(|field| {
            let (before, after) = (shown(&field.before), shown(&field.after));
            format!("{} is {before}, to be {after}", field.path)
        })
        .collect();
    let fields = fields.join(", ");
    match change.kind {
        Kind::TwoLegged => format!("two-legged OAuth: {fields}"),
        Kind::Link | Kind::Consumer => fields,
    }
}

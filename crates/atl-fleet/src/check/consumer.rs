//! Key, link and consumer of one consumer of the fleet file.

use super::Check;
use crate::{
    observe::{Look, Observed, ObservedConsumer},
    plan::{Action, Change, Kind, ServerPlan},
    trouble::Trouble,
    wanted::{Consumer, State},
};

const TO_APPLY: &str = "`atl-admin plan` shows the difference, `atl-admin apply` removes it";

/// Key, link and consumer.
pub(super) fn checks(
    consumer: &Consumer,
    plan: &ServerPlan,
    observed: &Observed,
    look: &Look<'_>,
) -> Vec<Check> {
    let changes: Vec<&Change> = plan
        .changes
        .iter()
        .filter(|change| change.consumer == consumer.name)
        .collect();
    let refused = changes.iter().find_map(|change| change.error.as_ref());
    let seen = observed.consumers.get(&consumer.name);
    [
        key(consumer, refused, look),
        link(consumer, &changes, refused, seen),
        registered(consumer, &changes, refused),
    ]
    .map(|check| check.of(&consumer.name))
    .into()
}

fn key(consumer: &Consumer, refused: Option<&Trouble>, look: &Look<'_>) -> Check {
    let of_key =
        |error: &&Trouble| matches!(error.code.as_str(), "unknown_key" | "key_not_accepted");
    if let Some(trouble) = refused.filter(of_key) {
        Check::fail("key", trouble)
    } else if let Some(file) = look.keys.files().get(&consumer.name) {
        let (fingerprint, bits) = (file.public.fingerprint(), file.public.bits());
        Check::pass("key", format!("{fingerprint} ({bits} bits, from a file)"))
    } else if let Some(row) = look.known.newest(&consumer.name) {
        let (fingerprint, bits) = (&row.fingerprint, row.bits);
        Check::pass("key", format!("{fingerprint} ({bits} bits, in the store)"))
    } else {
        Check::warn(
            "key",
            "has no keypair yet",
            "`atl-admin apply` makes one, or import one with `atl-admin keys import`",
        )
    }
}

fn link(
    consumer: &Consumer,
    changes: &[&Change],
    refused: Option<&Trouble>,
    seen: Option<&ObservedConsumer>,
) -> Check {
    let of_link = |error: &&Trouble| {
        matches!(
            error.code.as_str(),
            "relocated" | "foreign_link" | "foreign_consumer" | "shared_key"
        )
    };
    if let Some(trouble) = refused.filter(of_link) {
        return Check::fail("link", trouble);
    }
    let change = changes.iter().find(|change| change.kind == Kind::Link);
    match change.map(|change| change.action) {
        Some(Action::Create) => Check::warn("link", "is not there yet", TO_APPLY),
        Some(Action::Update) => Check::warn("link", "differs from the fleet file", TO_APPLY),
        Some(Action::Delete) => Check::warn("link", "is still there and should be gone", TO_APPLY),
        Some(Action::None) | None => link_name(consumer, seen),
    }
}

fn link_name(consumer: &Consumer, seen: Option<&ObservedConsumer>) -> Check {
    let Some(link) = seen.and_then(|seen| seen.link.as_ref()) else {
        return Check::pass("link", "is not there, as it should be");
    };
    let name = &link.name;
    if *name == consumer.display_name {
        Check::pass("link", format!("is there as `{name}`"))
    } else {
        Check::warn(
            "link",
            format!("is there as `{name}`, not `{}`", consumer.display_name),
            "the server suffixes a name that is taken; links are never renamed, so rename it by hand if it matters",
        )
    }
}

fn registered(consumer: &Consumer, changes: &[&Change], refused: Option<&Trouble>) -> Check {
    if let Some(trouble) = refused {
        return Check::fail("consumer", trouble);
    }
    if consumer.state == State::Absent {
        return Check::pass("consumer", format!("`{}` should be absent", consumer.name));
    }
    let mut others = changes.iter().filter(|change| change.kind != Kind::Link);
    if others.clone().any(|change| change.is_change()) {
        Check::warn("consumer", "is not as the fleet file says yet", TO_APPLY)
    } else if others.any(|change| change.verified == Some(true)) {
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

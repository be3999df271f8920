//! What needs a yes, and what needs `--force`, before a plan is carried out.

use std::collections::BTreeSet;

use crate::{
    observe::Observed,
    plan::{Action, Plan},
    trouble::Trouble,
};

/// Why a plan needs a confirmation, a sentence each; empty where it needs none (cli.md section 1).
pub(crate) fn confirmations(plan: &Plan) -> Vec<String> {
    let mut reasons = Vec::new();
    for server in &plan.servers {
        for change in server.changes.iter().filter(|change| change.is_change()) {
            let (consumer, name) = (&change.consumer, &server.server);
            let grants = format!(
                "{}{}",
                if change.kills_grants_complete {
                    ""
                } else {
                    "at least "
                },
                change.kills_grants
            );
            if change.action == Action::Delete {
                reasons.push(format!("delete the link of `{consumer}` on `{name}`, which ends its grants ({grants} known)"));
            } else if change.replaces_consumer() {
                reasons.push(format!(
                    "put `{consumer}` in the place of another consumer on `{name}`, which ends that one's grants ({grants} known)"
                ));
            } else if change.replaces_key() {
                reasons.push(format!("replace the public key of `{consumer}` on `{name}`: whatever signs with the old one stops working"));
            }
        }
    }
    reasons
}

/// More than 30 % of what was seen, and at least 10, needs `--force`, unless consumers were named.
pub(crate) fn mass_change(plan: &Plan, observed: &[Option<Observed>]) -> Option<Trouble> {
    if plan.options.force || !plan.options.consumers.is_empty() {
        return None;
    }
    let changed: BTreeSet<(&str, &str)> = plan
        .servers
        .iter()
        .flat_map(|server| {
            server
                .changes
                .iter()
                .filter(|change| matches!(change.action, Action::Update | Action::Delete))
                .map(|change| (server.server.as_str(), change.link_id.as_str()))
        })
        .collect();
    let seen: usize = observed
        .iter()
        .flatten()
        .map(|seen| {
            seen.consumers
                .values()
                .filter(|consumer| consumer.link.is_some())
                .count()
                + seen.unnamed.len()
        })
        .sum();
    is_mass_change(changed.len(), seen).then(|| {
        Trouble::own(
            "mass_change",
            format!("the plan changes {} of the {seen} links that were seen; nothing was sent", changed.len()),
            "look at the plan; if that is what you want, run again with `--force`, or name the consumers with `--consumer`",
        )
    })
}

/// More than 30 % of what was seen, and at least 10.
pub(crate) fn is_mass_change(changed: usize, seen: usize) -> bool {
    changed >= 10 && changed * 10 > seen * 3
}

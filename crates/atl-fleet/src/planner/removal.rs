//! What goes: links of absent consumers, and links that the fleet file no longer names.

use super::Context;
use crate::{
    observe::ObservedLink,
    plan::{Action, Change, Kind, PlanOptions},
    trouble::Trouble,
    wanted::Consumer,
};

pub(super) fn plan_absent(
    consumer: &Consumer,
    context: &Context<'_>,
) -> Result<Vec<Change>, Trouble> {
    let Context {
        server,
        seen,
        known,
        options,
        ..
    } = context;
    let Some(link) = &seen.link else {
        return Ok(vec![context.change(
            consumer,
            Kind::Link,
            Action::None,
            Vec::new(),
        )]);
    };
    match &seen.consumer {
        Some(entry) if entry.key == consumer.key => {}
        None if known
            .links_on(context.server_url)
            .any(|made| made.link_id == link.id) => {}
        other => {
            let carries = other.as_ref().map_or_else(
                || "no consumer".to_owned(),
                |entry| format!("the consumer key `{}`", entry.key),
            );
            return Err(Trouble::own(
                "foreign_consumer",
                format!(
                    "the link `{}` at `{}` on `{server}` carries {carries}, not `{}`; it is left alone",
                    link.name, consumer.url, consumer.key
                ),
                "delete it with `atl-admin links delete` if it should go, or take this entry out of the fleet file",
            ));
        }
    }
    if let Some(shared) = seen.shared_with.as_ref().filter(|_| !options.force) {
        return Err(shared_key(server, &consumer.key, shared));
    }
    let kills = known.living_grants(context.server_url, &consumer.key);
    Ok(vec![delete_link(&consumer.name, &link.id, kills)])
}

/// `kills` is how many grants are known to end with it.
pub(super) fn delete_link(consumer: &str, link_id: &str, kills: u64) -> Change {
    Change {
        kills_grants: kills,
        kills_grants_complete: false,
        ..Change::new(Kind::Link, Action::Delete, consumer, link_id.to_owned())
    }
}

pub(crate) fn shared_key(server: &str, key: &str, other: &str) -> Trouble {
    Trouble::own(
        "shared_key",
        format!(
            "the consumer key `{key}` on `{server}` is shared with the link `{other}`; removing it here breaks that link too"
        ),
        "give that link a consumer key of its own first, or run again with `--force`",
    )
}

pub(super) fn refuse_prune(
    server: &str,
    made: &ObservedLink,
    options: &PlanOptions,
) -> Option<Trouble> {
    if let Some(entry) = made
        .carries
        .as_ref()
        .filter(|key| **key != made.consumer_key)
    {
        return Some(Trouble::own(
            "foreign_consumer",
            format!(
                "the link `{}` on `{server}`, once made by this tool, now carries the consumer key `{entry}`; it is left alone",
                made.link.name
            ),
            "delete it with `atl-admin links delete` if it should go",
        ));
    }
    made.shared_with
        .as_ref()
        .filter(|_| !options.force)
        .map(|other| shared_key(server, &made.consumer_key, other))
}

//! The link of a consumer: found, changed or created.

use atl_applinks::{ApplicationLink, ApplinksError, NewLink};
use atl_store::LinkMade;
use jiff::Timestamp;
use serde_json::json;

use super::action_of;
use crate::{
    execute::{Work, moved_on},
    observe::ObservedConsumer,
    plan::{Action, Change, Kind},
    planner::strip,
    settle::Try,
    trouble::Trouble,
    wanted::Consumer,
};

/// The link, found, changed or created, and whether this run made it.
pub(super) fn link(
    work: &Work<'_>,
    consumer: &Consumer,
    seen: &ObservedConsumer,
    changes: &[Change],
) -> Result<(ApplicationLink, bool), Trouble> {
    let existing = || {
        let link = seen.link.clone();
        link.ok_or_else(|| moved_on(work.client.server(), &consumer.name))
    };
    match action_of(changes, Kind::Link) {
        Action::Create => create(work, consumer),
        Action::Update => {
            let mut link = existing()?;
            link.display_url.clone_from(&consumer.url);
            work.journal.write(
                &consumer.name,
                "link update",
                json!({ "link_id": link.id, "display_url": consumer.url }),
                || work.applinks.update(&link),
                || {
                    Ok(find(work, consumer)?
                        .is_some_and(|now| strip(&now.display_url) == strip(&consumer.url)))
                },
            )?;
            work.settle(|| match find(work, consumer) {
                Ok(Some(now)) if strip(&now.display_url) == strip(&consumer.url) => Try::Done(()),
                Ok(_) => Try::NotYet(link_not_as_written(work, consumer, "changed")),
                Err(trouble) => Try::Never(trouble),
            })?;
            Ok((link, false))
        }
        Action::None | Action::Delete => Ok((existing()?, false)),
    }
}

/// The link at our application URL, as it is now.
fn find(work: &Work<'_>, consumer: &Consumer) -> Result<Option<ApplicationLink>, Trouble> {
    let links = work.links()?;
    Ok(links.into_iter().find(|link| link.has_url(&consumer.url)))
}

/// Creates the link. One that somebody made meanwhile is used where it is bare; it is not ours, though.
fn create(work: &Work<'_>, consumer: &Consumer) -> Result<(ApplicationLink, bool), Trouble> {
    let new = NewLink {
        name: consumer.display_name.clone(),
        url: consumer.url.clone(),
    };
    let listed = || {
        work.settle(|| match find(work, consumer) {
            Ok(Some(link)) => Try::Done(link),
            Ok(None) => Try::NotYet(link_not_as_written(work, consumer, "created")),
            Err(trouble) => Try::Never(trouble),
        })
    };
    let mut tries = 0;
    let mut link = None;
    let created = work.journal.write_then(
        &consumer.name,
        "link create",
        json!({ "application_url": consumer.url, "link_id": atl_applinks::link_id(&consumer.url), "consumer_key": consumer.key }),
        || {
            tries += 1;
            match work.applinks.create(&new) {
                // The first try, whose answer was lost, took effect after all.
                Err(ApplinksError::DuplicateLink { .. }) if tries > 1 => Ok(()),
                created => created.map(drop),
            }
        },
        || Ok(find(work, consumer)?.is_some()),
        || {
            let listed = listed()?;
            work.execute
                .store
                .record_link(&made(work, consumer, &listed.id))?;
            link = Some(listed);
            Ok(())
        },
    );
    match (created, link) {
        (Ok(()), Some(link)) => Ok((link, true)),
        (Err(trouble), _) if trouble.code == "duplicate_link" => {
            let link = listed()?;
            if link.type_id == "generic" && work.applinks.consumer(&link.id)?.is_none() {
                Ok((link, false))
            } else {
                Err(moved_on(work.client.server(), &consumer.name))
            }
        }
        (Err(trouble), _) => Err(trouble),
        (Ok(()), None) => Err(link_not_as_written(work, consumer, "created")),
    }
}

fn link_not_as_written(work: &Work<'_>, consumer: &Consumer, what: &str) -> Trouble {
    Trouble::own(
        "read_back",
        format!(
            "the link to `{}` was {what} on `{}` and does not read back so",
            consumer.url,
            work.client.server()
        ),
        "another cluster node may answer late: run again in a minute",
    )
}

/// The store's record of a link that this tool made.
fn made(work: &Work<'_>, consumer: &Consumer, link_id: &str) -> LinkMade {
    LinkMade {
        server: work.client.server().to_owned(),
        server_url: work.journal.server_url.to_owned(),
        link_id: link_id.to_owned(),
        application_url: consumer.url.clone(),
        consumer: consumer.name.clone(),
        consumer_key: consumer.key.clone(),
        created: Timestamp::now(),
    }
}

//! A link that stays, or is made again elsewhere, without the grants that came along: its consumer is taken away, which
//! ends them all, and registered again as it was.

use atl_applinks::{ApplicationLink, NewConsumer, NewLink};
use serde_json::json;

use super::{carry_out::Task, carry_out::remove, look::Copied, moved_on, record};
use crate::{
    choose::public_key_of,
    execute::Work,
    kept::{Kept, target},
    provision::disable,
    settle::Try,
    trouble::Trouble,
    two_legged::{self, Before},
    wanted::{Consumer, KeypairSource, Policy, Ready, State},
};

/// Refuses, before anything is taken away, what this account could not put back.
pub(super) fn may_be_put_back(
    work: &Work<'_>,
    ready: &Ready,
    copied: &Copied,
) -> Result<(), Trouble> {
    let wants = target(
        of_file(ready, copied).and_then(|consumer| consumer.two_legged.as_ref()),
        &copied.two_legged,
    );
    let needs_rights = wants.enabled && (wants.impersonation || wants.execute_as.is_some());
    let why = if needs_rights {
        if work.applinks.is_system_administrator()? != Some(false) {
            return Ok(());
        }
        "only a system administrator can put back"
    } else if wants.enabled && !work.applinks.has_matrix() {
        "cannot be put back on a server this old"
    } else {
        return Ok(());
    };
    Err(Trouble::own(
        "unrestorable",
        format!(
            "the consumer of the link `{}` on `{}` has two-legged OAuth, which {why}; the link was left as it is",
            copied.link.name, work.journal.server
        ),
        "sign in as a system administrator, or run again without keeping or re-pointing this link: then it is removed",
    ))
}

/// Makes the link at its new URL, and deletes the one that came along. What a killed run did is done.
pub(super) fn link(work: &Work<'_>, task: &mut Task<'_>) -> Result<(), Trouble> {
    let copied = task.copied;
    let url = copied.url();
    let found = work.links()?.into_iter().find(|link| link.has_url(url));
    if let Some(found) = found {
        task.link_id = found.id;
    } else {
        // Where another link came to be there since, the server refuses.
        task.link_id = create(work, copied)?;
    }
    if task.link_id != copied.link.id {
        remove(work, copied, &copied.link.id)?;
    }
    name_it(work, copied, &task.link_id)
}

fn create(work: &Work<'_>, copied: &Copied) -> Result<String, Trouble> {
    let new = NewLink {
        name: copied.link.name.clone(),
        url: copied.url().to_owned(),
    };
    let made = || -> Result<Option<ApplicationLink>, Trouble> {
        Ok(work
            .links()?
            .into_iter()
            .find(|link| link.has_url(&new.url)))
    };
    work.journal.write(
        copied.called(),
        "link re-point",
        json!({ "from": copied.origin, "to": new.url }),
        || work.applinks.create(&new).map(drop),
        || Ok(made()?.is_some()),
    )?;
    work.settle(|| match made() {
        Ok(Some(link)) => Try::Done(link.id),
        Ok(None) => Try::NotYet(Trouble::own(
            "read_back",
            format!(
                "a link to {} was made on `{}` and is not listed",
                new.url, work.journal.server
            ),
            "another cluster node may answer late: run again in a minute",
        )),
        Err(trouble) => Try::Never(trouble),
    })
}

/// The name was taken as long as the first link was there.
fn name_it(work: &Work<'_>, copied: &Copied, link_id: &str) -> Result<(), Trouble> {
    let is_so = |link: &ApplicationLink| {
        link.name == copied.link.name && link.display_url == copied.display_url
    };
    let now = work.applinks.link(link_id)?;
    let Some(now) = now else {
        return Err(moved_on(work.journal.server, &copied.link.name));
    };
    if is_so(&now) {
        return Ok(());
    }
    let wanted = ApplicationLink {
        name: copied.link.name.clone(),
        display_url: copied.display_url.clone(),
        ..now
    };
    work.journal.write(
        copied.called(),
        "link update",
        json!({ "link_id": link_id, "name": wanted.name, "display_url": wanted.display_url }),
        || work.applinks.update(&wanted),
        || Ok(work.applinks.link(link_id)?.as_ref().is_some_and(is_so)),
    )
}

/// Takes the consumer away, with every grant, and registers it again.
pub(super) fn consumer(work: &Work<'_>, ready: &Ready, task: &Task<'_>) -> Result<(), Trouble> {
    let (copied, link_id) = (task.copied, task.link_id.as_str());
    let Some(record) = &task.record else {
        return Ok(());
    };
    let wanted = record.to_register();
    let as_consumer = of_file(ready, copied)
        .cloned()
        .unwrap_or_else(|| stand_in(copied, &wanted));
    let carries = work.applinks.consumer(link_id)?;
    let now = Before::read(work.applinks, link_id, carries.as_ref(), None)?;
    let lose = Kept::of(link_id, &record.two_legged, &now.providers);
    let kept = record::keep(work, copied.called(), lose, link_id)?;
    let before = Before::read(work.applinks, link_id, carries.as_ref(), kept.as_ref())?;
    if let Some(carries) = carries {
        disable(work, &as_consumer, link_id, &carries.key)?;
    }
    register(work, copied, &wanted, link_id)?;
    two_legged::set(work, &as_consumer, &wanted, link_id, &before)
}

/// The consumer of the fleet file that a link is for.
fn of_file<'r>(ready: &'r Ready, copied: &Copied) -> Option<&'r Consumer> {
    let name = copied.named.as_deref()?;
    ready
        .consumers
        .iter()
        .find(|consumer| consumer.name == name)
}

/// A consumer that the fleet file does not name, as it is on the server.
fn stand_in(copied: &Copied, wanted: &NewConsumer) -> Consumer {
    Consumer {
        name: copied.called().to_owned(),
        key: wanted.key.clone(),
        display_name: wanted.name.clone(),
        description: wanted.description.clone(),
        url: copied.url().to_owned(),
        callback: wanted.callback.clone(),
        keypair: KeypairSource::Managed {
            size: atl_keys::KeySize::default(),
            export: None,
        },
        servers: Vec::new(),
        two_legged: None,
        grants: Vec::new(),
        policy: Policy::default(),
        state: State::Present,
    }
}

fn register(
    work: &Work<'_>,
    copied: &Copied,
    wanted: &NewConsumer,
    link_id: &str,
) -> Result<(), Trouble> {
    let is_so = || -> Result<bool, Trouble> {
        Ok(work.applinks.consumer(link_id)?.is_some_and(|now| {
            let key = public_key_of(&now).map(|key| key.to_one_line());
            now.key == wanted.key && key.as_deref() == Some(&wanted.public_key)
        }))
    };
    work.journal.write(
        copied.called(),
        "consumer register again",
        json!({ "link_id": link_id, "consumer_key": wanted.key }),
        || work.applinks.put_consumer(link_id, wanted),
        is_so,
    )?;
    work.settle(|| match is_so() {
        Ok(true) => Try::Done(()),
        Ok(false) => Try::NotYet(Trouble::own(
            "read_back",
            format!(
                "the consumer `{}` was registered again on `{}` and does not read back so",
                wanted.key, work.journal.server
            ),
            "another cluster node may answer late: run again in a minute",
        )),
        Err(trouble) => Try::Never(trouble),
    })
}

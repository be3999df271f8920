//! Removing an auditor consumer: what is there is taken away until the server says that nothing is.

use std::{sync::atomic::AtomicBool, time::Duration};

use atl_oauth::knows_consumer;

use super::{make::IN_A_ROW, names::Names, place::Place};
use crate::{
    plan::Status,
    settle::{Try, settle},
    trouble::Trouble,
};

/// Nobody interrupts a removal.
static NEVER: AtomicBool = AtomicBool::new(false);

/// Whether neither the link nor the consumer is there, whichever node of a cluster answers.
pub(super) fn is_gone(place: &Place<'_>, names: &Names) -> Result<bool, Trouble> {
    let links = place.applinks.list()?;
    if links.iter().any(|link| names.is_on(link)) {
        return Ok(false);
    }
    for _ in 0..IN_A_ROW {
        if knows_consumer(place.client, &names.consumer_key)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Takes the consumer and the link away, as far as they are there, until both are gone. A lost answer is resolved by looking
/// again. No step of its own is journaled: the one that says what is to be removed stays open until it is, so that a
/// store which fails meanwhile keeps nobody from removing it.
pub(super) fn remove(place: &Place<'_>, names: &Names, within: Duration) -> Result<(), Trouble> {
    settle(within, &NEVER, || {
        match take_away(place, names).and_then(|()| is_gone(place, names)) {
            Ok(true) => Try::Done(()),
            Ok(false) => Try::NotYet(still_there(place, names)),
            Err(trouble) if trouble.status == Status::Refused => Try::Never(trouble),
            Err(trouble) => Try::NotYet(trouble),
        }
    })
}

/// Disabling incoming OAuth kills the consumer and its tokens; the link is deleted only after that, since nothing leads to
/// a consumer without a link.
fn take_away(place: &Place<'_>, names: &Names) -> Result<(), Trouble> {
    let links = place.applinks.list()?;
    for link in links.iter().filter(|link| names.is_on(link)) {
        if place.applinks.consumer(&link.id)?.is_some() {
            place.applinks.disable_incoming(&link.id)?;
        }
        place.applinks.delete(&link.id)?;
    }
    Ok(())
}

fn still_there(place: &Place<'_>, names: &Names) -> Trouble {
    Trouble::own(
        "read_back",
        format!(
            "`{}` still has the link or the consumer `{}`",
            place.client.server(),
            names.consumer_key
        ),
        "another cluster node may answer late: run again in a minute",
    )
}

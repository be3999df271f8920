//! What a killed run left open in the journal is settled by what the server has now, never by a guess.

use atl_store::Outcome;

use crate::{
    choose::Held, execute::Work, observe::ObservedConsumer, provision::made, trouble::Trouble,
    wanted::Consumer,
};

/// Closes the open steps of (server, consumer). The lock is held, so no other process is in the middle of them.
pub(crate) fn settle_open_steps(
    work: &Work<'_>,
    consumer: &Consumer,
    seen: &ObservedConsumer,
) -> Result<(), Trouble> {
    let store = work.execute.store;
    for row in store.open_steps()? {
        let step = &row.step;
        if step.server_url != work.journal.server_url
            || step.consumer.as_deref() != Some(&consumer.name)
        {
            continue;
        }
        let detail = |name: &str| {
            step.detail
                .get(name)
                .and_then(serde_json::Value::as_str)
                .unwrap_or_default()
        };
        let happened = match step.action.as_str() {
            "link create" => {
                if let Some(link) = &seen.link {
                    store.record_link(&made(work, consumer, &link.id))?;
                }
                Some(seen.link.is_some())
            }
            "link delete" => {
                let gone = seen
                    .link
                    .as_ref()
                    .is_none_or(|link| link.id != detail("link_id"));
                if gone {
                    store.forget_link(work.journal.server_url, detail("link_id"))?;
                }
                Some(gone)
            }
            "consumer put" => match Held::of(seen.consumer.as_ref(), &consumer.key) {
                Held::Key(Some(fingerprint)) => {
                    Some(fingerprint.to_string() == detail("fingerprint"))
                }
                Held::Key(None) | Held::Nothing => Some(false),
            },
            _ => None,
        };
        let outcome = match happened {
            Some(true) => Outcome::Done,
            Some(false) => Outcome::Failed(
                "the run was killed; a later run found that this did not take effect".to_owned(),
            ),
            None => Outcome::Unknown(
                "the run was killed; a later run made the server as planned".to_owned(),
            ),
        };
        store.finish(row.id, &outcome)?;
    }
    Ok(())
}

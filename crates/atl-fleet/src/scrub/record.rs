//! What must outlive a kill while a link is made again: an open step of the journal.

use atl_applinks::{ApplicationLink, Consumer, NewConsumer};
use atl_store::{JournalRow, Outcome};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::look::Copied;
use crate::{
    choose::public_key_of,
    execute::Work,
    kept::{self, Kept},
    known::Known,
    recover,
    trouble::Trouble,
    wanted::TwoLegged,
};

/// The journal's word for it.
pub(super) const ACTION: &str = "scrub: make again";

/// A link whose consumer is taken away and registered again, perhaps at another URL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    /// The link that came along.
    pub(super) link_id: String,
    /// The application URL that it came along with.
    pub(super) origin: String,
    /// The application URL that it is to have.
    pub(super) url: String,
    /// The name of the link.
    pub(super) name: String,
    /// Two-legged OAuth of the consumer.
    pub(super) two_legged: TwoLegged,
    consumer_key: String,
    consumer_name: String,
    description: Option<String>,
    public_key: String,
    callback: Option<String>,
}

impl Record {
    /// The unfinished ones of a server.
    pub(super) fn of(known: &Known, server_url: &str) -> Vec<Self> {
        let open = known.open_steps.iter();
        open.filter(|row| row.step.server_url == server_url)
            .filter_map(Self::read)
            .collect()
    }

    fn read(row: &JournalRow) -> Option<Self> {
        (row.step.action == ACTION)
            .then(|| serde_json::from_value(row.step.detail.clone()).ok())
            .flatten()
    }

    /// What is to be written down of a link; its consumer must have a public key to be registered with again.
    fn new(copied: &Copied, consumer: &Consumer, server: &str) -> Result<Self, Trouble> {
        let Some(key) = public_key_of(consumer) else {
            return Err(Trouble::own(
                "no_public_key",
                format!(
                    "the consumer `{}` of the link `{}` on `{server}` has no readable public key, so that it could not be \
                     registered again; the link was left as it is",
                    consumer.key, copied.link.name
                ),
                "run again without keeping or re-pointing this link: then it is removed",
            ));
        };
        Ok(Self {
            link_id: copied.link.id.clone(),
            origin: copied.origin.clone(),
            url: copied.url().to_owned(),
            name: copied.link.name.clone(),
            two_legged: copied.two_legged.clone(),
            consumer_key: consumer.key.clone(),
            consumer_name: consumer.name.clone(),
            description: consumer.description.clone(),
            public_key: key.to_one_line(),
            callback: consumer.callback.clone(),
        })
    }

    /// Whether it is about this link, the one that came along or the one in its place.
    pub(super) fn is_of(&self, link: &ApplicationLink) -> bool {
        self.link_id == link.id || link.has_url(&self.url)
    }

    /// The consumer as the server had it.
    pub(super) fn consumer(&self) -> Consumer {
        Consumer {
            key: self.consumer_key.clone(),
            name: self.consumer_name.clone(),
            description: self.description.clone(),
            public_key: Some(self.public_key.clone()),
            callback: self.callback.clone(),
            two_lo_allowed: self.two_legged.enabled,
            executing_two_lo_user: self.two_legged.execute_as.clone(),
            two_lo_impersonation_allowed: self.two_legged.impersonation,
        }
    }

    /// The consumer as it is registered again.
    pub(super) fn to_register(&self) -> NewConsumer {
        NewConsumer {
            key: self.consumer_key.clone(),
            name: self.consumer_name.clone(),
            description: self.description.clone(),
            public_key: self.public_key.clone(),
            callback: self.callback.clone(),
        }
    }
}

/// Writes down what a link has before anything is taken away; the one of an earlier run stands. `None` where the link
/// carries no consumer.
pub(super) fn begin(work: &Work<'_>, copied: &Copied) -> Result<Option<Record>, Trouble> {
    let Some(consumer) = &copied.consumer else {
        return Ok(None);
    };
    let record = Record::new(copied, consumer, work.journal.server)?;
    let name = copied.called();
    let earlier = recover::open(work, name)?
        .iter()
        .filter_map(Record::read)
        .find(|earlier| earlier.is_of(&copied.link) && earlier.url == record.url);
    if let Some(earlier) = earlier {
        return Ok(Some(earlier));
    }
    work.journal.begin(name, ACTION, json!(record))?;
    Ok(Some(record))
}

/// Writes down what registering the consumer resets; what an earlier run had to put back stands.
pub(super) fn keep(
    work: &Work<'_>,
    name: &str,
    lose: Option<Kept>,
    link_id: &str,
) -> Result<Option<Kept>, Trouble> {
    let earlier = recover::open(work, name)?
        .iter()
        .filter(|row| row.step.action == kept::ACTION)
        .filter_map(|row| Kept::read(&row.step.detail))
        .find(|kept| kept.link_id == link_id);
    if earlier.is_some() {
        return Ok(earlier);
    }
    if let Some(lose) = &lose {
        work.journal.begin(name, kept::ACTION, json!(lose))?;
    }
    Ok(lose)
}

/// Closes what was written down of a link: everything is as it is to be.
pub(super) fn close(work: &Work<'_>, copied: &Copied, link_ids: &[&str]) -> Result<(), Trouble> {
    for row in recover::open(work, copied.called())? {
        let about = match row.step.action.as_str() {
            ACTION => Record::read(&row).is_none_or(|record| record.is_of(&copied.link)),
            kept::ACTION => Kept::read(&row.step.detail)
                .is_none_or(|kept| link_ids.contains(&kept.link_id.as_str())),
            _ => false,
        };
        if about {
            work.execute.store.finish(row.id, &Outcome::Done)?;
        }
    }
    Ok(())
}

//! Two consumer keys at once: a step of the journal that stays open from before the second link is made until the first
//! one is gone and the fleet file names the second.

use atl_keys::Fingerprint;
use atl_store::JournalRow;
use serde::{Deserialize, Serialize};

use crate::{planner::strip, wanted::Consumer};

/// The journal's word for it.
pub(crate) const ACTION: &str = "rotate with overlap";

/// One consumer key, and the one that takes its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Succession {
    /// The link of the old consumer key.
    pub(crate) link_id: String,
    /// The old consumer key.
    pub(crate) consumer_key: String,
    /// Its application URL.
    pub(crate) url: String,
    /// Its keypair.
    pub(crate) before: Fingerprint,
    /// The new consumer key.
    pub(crate) new_key: String,
    /// Its application URL.
    pub(crate) new_url: String,
    /// Its keypair.
    pub(crate) after: Fingerprint,
}

impl Succession {
    /// Reads a step of the journal; `None` where it is none of an overlap.
    pub(crate) fn read(row: &JournalRow) -> Option<Self> {
        if row.step.action != ACTION {
            return None;
        }
        serde_json::from_value(row.step.detail.clone()).ok()
    }

    /// The keypair of one of the two consumer keys.
    pub(crate) fn keypair(&self, consumer_key: &str) -> Option<&Fingerprint> {
        if self.new_key == consumer_key {
            Some(&self.after)
        } else if self.consumer_key == consumer_key {
            Some(&self.before)
        } else {
            None
        }
    }

    /// Whether the fleet file names the new consumer key by now.
    pub(crate) fn is_in_file(&self, consumer: &Consumer) -> bool {
        consumer.key == self.new_key && strip(&consumer.url) == strip(&self.new_url)
    }

    /// Whether the fleet file still names the old one.
    pub(crate) fn succeeds(&self, consumer: &Consumer) -> bool {
        consumer.key == self.consumer_key && strip(&consumer.url) == strip(&self.url)
    }
}

/// The names that the second link gets.
#[derive(Debug, Clone, Default)]
pub struct NewNames {
    /// The consumer key; `NAME-2` unless given.
    pub key: Option<String>,
    /// The application URL; the old one and the new consumer key unless given.
    pub url: Option<String>,
}

impl NewNames {
    pub(super) fn key(&self, consumer: &Consumer) -> String {
        self.key.clone().unwrap_or_else(|| next(&consumer.key))
    }

    pub(super) fn url(&self, consumer: &Consumer) -> String {
        let url = self
            .url
            .clone()
            .unwrap_or_else(|| format!("{}/{}", strip(&base(consumer)), self.key(consumer)));
        strip(&url).to_owned()
    }
}

/// `bot` is followed by `bot-2`, and that by `bot-3`.
fn next(key: &str) -> String {
    if let Some((stem, number)) = key.rsplit_once('-')
        && let Ok(number @ 2..) = number.parse::<u32>()
    {
        return format!("{stem}-{}", number.saturating_add(1));
    }
    format!("{key}-2")
}

/// The application URL without the consumer key that an earlier overlap appended.
fn base(consumer: &Consumer) -> String {
    let url = strip(&consumer.url);
    url.strip_suffix(&format!("/{}", consumer.key))
        .filter(|_| next(&consumer.key) != format!("{}-2", consumer.key))
        .unwrap_or(url)
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_counted_on() {
        for (key, after) in [
            ("bot", "bot-2"),
            ("bot-2", "bot-3"),
            ("bot-9", "bot-10"),
            ("bot-1", "bot-1-2"),
            ("bot-x", "bot-x-2"),
        ] {
            assert_eq!(next(key), after);
        }
    }
}

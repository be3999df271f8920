//! A rotation in the journal: open from before the new key is registered until it is known which one stays.

use atl_keys::Fingerprint;
use atl_store::JournalRow;
use serde::{Deserialize, Serialize};

use crate::{choose::Held, trouble::Trouble};

/// The journal's word for it.
pub(crate) const ACTION: &str = "rotate";

/// What the journal keeps of a rotation in place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Unfinished {
    /// The link.
    pub(crate) link_id: String,
    /// The consumer key.
    pub(crate) consumer_key: String,
    /// The old key.
    pub(crate) before: Fingerprint,
    /// The new key.
    pub(crate) after: Fingerprint,
    /// Whether a command was to hand the new key over.
    pub(crate) hands_over: bool,
}

impl Unfinished {
    /// Reads a step of the journal; `None` where it is none of a rotation.
    pub(crate) fn read(row: &JournalRow) -> Option<Self> {
        if row.step.action != ACTION {
            return None;
        }
        serde_json::from_value(row.step.detail.clone()).ok()
    }

    /// Whether it is about this key.
    pub(crate) fn names(&self, fingerprint: &Fingerprint) -> bool {
        self.before == *fingerprint || self.after == *fingerprint
    }
}

/// What is to be done with a rotation that was found unfinished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// The server holds the old key: the new one was never registered, or was taken back.
    Close,
    /// The server holds the new key: prove it, hand it over where that is due, and keep it.
    GoOn,
    /// The server holds the new key, which nobody may have got: put the old one back.
    PutBack,
    /// The server holds a key that is neither: somebody else changed it, and it is left alone.
    Leave,
    /// The consumer is not there any more.
    Gone,
}

impl Unfinished {
    /// Decides by what the server holds. A command that was to hand the new key over may not have done so: without
    /// one at hand that does, the old key is put back.
    pub(super) fn next(&self, held: &Held, can_hand_over: bool) -> Next {
        match held {
            Held::Nothing => Next::Gone,
            Held::Key(Some(fingerprint)) if *fingerprint == self.before => Next::Close,
            Held::Key(Some(fingerprint)) if *fingerprint == self.after => {
                if self.hands_over && !can_hand_over {
                    Next::PutBack
                } else {
                    Next::GoOn
                }
            }
            Held::Key(_) => Next::Leave,
        }
    }
}

/// The error for work on a consumer whose rotation did not end.
pub(crate) fn unfinished(server: &str, consumer: &str) -> Trouble {
    Trouble::own(
        "rotation_unfinished",
        format!("a rotation of `{consumer}` on `{server}` was begun and has not ended"),
        format!(
            "run `atl-admin rotate --resume -s {server} -c {consumer}`: it asks the server and finishes it or puts the old key back"
        ),
    )
}

//! The key of a consumer here, against the one that the server holds.

use atl_keys::Fingerprint;
use atl_oauth::Cause;
use jiff::Timestamp;

use super::{
    Check, Checks,
    consumer::{OnServer, TO_APPLY},
    refusal::{check_of, refusal},
};
use crate::{
    age::{IfOlderThan, age, in_words, older_than},
    choose::{Held, Wanted, choose},
    trouble::Trouble,
    wanted::{Consumer, KeypairSource, State},
};

impl Checks<'_> {
    /// The key here against the key there.
    pub(super) fn key(&self, on: &OnServer<'_>) -> Check {
        if on.consumer.state == State::Absent {
            return Check::skip("key", "the consumer should be absent");
        }
        let (known, files) = (self.look.known, self.look.keys.files());
        let held = Held::of(on.seen.consumer.as_ref(), &on.consumer.key);
        let url = self.client.base_url().as_str();
        let server = self.client.server();
        let here = match choose(on.consumer, url, &held, known, files, false) {
            Wanted::Key { fingerprint, .. } => Some(fingerprint),
            Wanted::Made => None,
            Wanted::Stranger(_) => known
                .newest(&on.consumer.name)
                .map(|row| row.fingerprint.clone()),
        };
        let shown = here.as_ref().map_or_else(
            || "no keypair is here".to_owned(),
            |here| format!("here is {}", self.described(on.consumer, here)),
        );
        let Held::Key(there) = held else {
            return match here {
                Some(_) => Check::pass("key", shown),
                None => Check::warn(
                    "key",
                    "has no keypair yet",
                    "`atl-admin apply` makes one, or import one with `atl-admin keys import`",
                ),
            };
        };
        let holds = there.as_ref().map_or_else(
            || format!("`{server}` holds a public key that could not be read"),
            |there| format!("`{server}` holds {there}"),
        );
        let of_key = refusal(on.seen).filter(|(problem, _)| check_of(problem) == "key");
        if let Some((problem, trouble)) = of_key {
            let advice = if problem.cause == Some(Cause::Key) {
                "another node of the cluster may hold an older key: run again in a minute; if it stays so, that node needs a restart"
            } else {
                &trouble.advice
            };
            let message = format!("{holds}, {shown}; {}", trouble.message);
            return Check::fail("key", &Trouble::own(&trouble.code, message, advice));
        }
        if there.is_some() && there == here {
            return self.of_age(
                on.consumer,
                format!("{shown}, and `{server}` holds it"),
                here,
            );
        }
        let advice = on
            .refused
            .filter(|trouble| trouble.code == "unknown_key")
            .map_or(TO_APPLY, |trouble| &trouble.advice);
        let message = format!("{holds}, and {shown}: what is signed here is refused there");
        Check::fail("key", &Trouble::own("key", message, advice))
    }

    /// A key that is where it should be, against the age that the fleet file lets it reach. Only the store knows how old
    /// a key is.
    fn of_age(&self, consumer: &Consumer, message: String, here: Option<Fingerprint>) -> Check {
        let row = here.and_then(|here| self.look.known.keypair(&consumer.name, &here));
        let managed = matches!(consumer.keypair, KeypairSource::Managed { .. });
        let limit = IfOlderThan::Policy.limit(&consumer.policy);
        let (Some(row), Some(limit), true) = (row, limit, managed) else {
            return Check::pass("key", message);
        };
        let now = Timestamp::now();
        let age = in_words(age(row.created, now));
        if !older_than(row.created, now, limit) {
            return Check::pass("key", format!("{message}; it is {age} old"));
        }
        Check::warn(
            "key",
            format!(
                "{message}; it is {age} old, and `policy.max_key_age` is {}",
                in_words(limit)
            ),
            format!(
                "replace it: `atl-admin rotate -c {} --if-older-than policy`",
                consumer.name
            ),
        )
    }

    fn described(&self, consumer: &Consumer, fingerprint: &Fingerprint) -> String {
        let file = self.look.keys.files().get(&consumer.name);
        let row = || self.look.known.keypair(&consumer.name, fingerprint);
        match (file.map(|file| file.public.bits()), row()) {
            (Some(bits), _) => format!("{fingerprint} ({bits} bits, from a file)"),
            (None, Some(row)) => format!("{fingerprint} ({} bits, in the store)", row.bits),
            (None, None) => fingerprint.to_string(),
        }
    }
}

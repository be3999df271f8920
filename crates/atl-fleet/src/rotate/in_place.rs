//! A rotation in place on one server: a state machine in which a value of one state has only the moves that are legal
//! in it. `Planned -> Registered -> Proven -> HandedOver`, each of which ends in `Ended`, the key that the server holds
//! known.

use atl_applinks::NewConsumer;
use atl_keys::Fingerprint;
use atl_store::Outcome;
use jiff::Timestamp;
use serde_json::json;

use super::{
    hand_over::{Exec, Handed, hand_over},
    key_states::settle_states_without,
    proof::{Grants, prove},
    report::RotationState,
    unfinished::{ACTION, Unfinished},
};
use crate::{
    choose::Held,
    execute::{Work, moved_on},
    kept::{self, Kept},
    plan::Status,
    provision::{Key, record, register},
    trouble::Trouble,
    two_legged::{self, Before},
    wanted::{Consumer, TwoLegged},
};

/// What a rotation is about, in every state of it.
pub(super) struct Subject<'a> {
    pub(super) work: &'a Work<'a>,
    /// The consumer, of whose two-legged OAuth the file says nothing: what is there is to stay.
    pub(super) consumer: Consumer,
    pub(super) link_id: String,
    /// What is registered, but for the key.
    pub(super) entry: NewConsumer,
    pub(super) old: Key,
    pub(super) new: Key,
    /// What a registration resets.
    pub(super) before: Before,
    /// Two-legged OAuth that is saved together with the consumer.
    pub(super) at_once: Option<TwoLegged>,
    pub(super) grants: Grants,
    pub(super) exec: Option<&'a Exec<'a>>,
}

/// Nothing was written yet.
pub(super) struct Planned<'a>(pub(super) Subject<'a>);

/// The server holds the new key.
pub(super) struct Registered<'a> {
    subject: Subject<'a>,
    /// The open step of the journal.
    step: i64,
    /// What could not be put back beside the key.
    left: Option<Trouble>,
}

/// It accepts calls signed with it, and so do all grants.
struct Proven<'a>(Registered<'a>);

/// Whoever signs has it.
struct HandedOver<'a>(Registered<'a>, Option<Handed<'a>>);

/// How it ended.
pub(super) struct Ended {
    pub(super) state: RotationState,
    pub(super) grants: Grants,
    pub(super) error: Option<Trouble>,
}

/// The next state, or the end.
type Next<T> = Result<T, Box<Ended>>;

impl<'a> Planned<'a> {
    /// Goes all the way.
    pub(super) fn rotate(self) -> Ended {
        match self.register() {
            Ok(registered) => registered.go_on(),
            Err(ended) => *ended,
        }
    }

    fn register(self) -> Next<Registered<'a>> {
        let Self(subject) = self;
        match subject.is_as_planned().and_then(|()| subject.begin()) {
            Err(trouble) => Err(Box::new(
                subject.ended(RotationState::Failed, Some(trouble)),
            )),
            Ok(step) => {
                let registered = subject.put(&subject.new);
                Registered {
                    subject,
                    step,
                    left: None,
                }
                .after_the_put(registered)
            }
        }
    }
}

impl<'a> Registered<'a> {
    /// One that a killed run left so.
    pub(super) fn found(subject: Subject<'a>, step: i64) -> Self {
        Self {
            subject,
            step,
            left: None,
        }
    }

    /// Goes on to the end.
    pub(super) fn go_on(self) -> Ended {
        let end = self
            .prove()
            .and_then(|Proven(registered)| registered.hand_over());
        match end {
            Ok(handed_over) => handed_over.keep(),
            Err(ended) => *ended,
        }
    }

    /// What the server holds decides, not what the answer to the registration was.
    fn after_the_put(self, registered: Result<(), Trouble>) -> Next<Self> {
        let Err(trouble) = registered else {
            return Ok(self);
        };
        let held = self.subject.held();
        match held {
            Err(_) => Err(Box::new(self.open(trouble))),
            Ok(Held::Key(Some(held))) if held == self.subject.old.fingerprint => {
                Err(Box::new(self.not_registered(trouble)))
            }
            Ok(Held::Key(Some(held))) if held == self.subject.new.fingerprint => {
                Err(Box::new(self.put_back(trouble)))
            }
            Ok(held) => Err(Box::new(self.leave(&held))),
        }
    }

    fn prove(mut self) -> Next<Proven<'a>> {
        self.restore(true);
        let subject = &mut self.subject;
        let proven = subject.prove(true);
        match proven {
            Ok(()) => Ok(Proven(self)),
            Err(trouble) if trouble.status == Status::Unreachable => {
                Err(Box::new(self.open(trouble)))
            }
            Err(trouble) => Err(Box::new(self.put_back(trouble))),
        }
    }

    fn hand_over(self) -> Next<HandedOver<'a>> {
        let Some(exec) = self.subject.exec else {
            return Ok(HandedOver(self, None));
        };
        let (work, name) = (self.subject.work, self.subject.consumer.name.as_str());
        match hand_over(work, name, &self.subject.new, exec) {
            Ok(handed) => Ok(HandedOver(self, Some(handed))),
            Err(trouble) => Err(Box::new(self.put_back(trouble))),
        }
    }

    /// Puts the old key back and proves that; says what is where if that fails too. A key that is neither is why the
    /// proof failed, and is not overwritten.
    pub(super) fn put_back(mut self, why: Trouble) -> Ended {
        match self.subject.held() {
            Ok(held) if !self.subject.is_ours(&held) => return self.leave(&held),
            Ok(_) => {}
            Err(trouble) => return self.open(trouble),
        }
        if let Err(trouble) = self.subject.put(&self.subject.old) {
            match self.subject.held() {
                Ok(Held::Key(Some(held))) if held == self.subject.old.fingerprint => {}
                Ok(Held::Key(Some(held))) if held == self.subject.new.fingerprint => {
                    return self.stuck(&why, &trouble);
                }
                Ok(held) => return self.leave(&held),
                Err(_) => return self.open(trouble),
            }
        }
        match self.prove_old() {
            Ok(()) => {}
            Err(trouble) if trouble.status == Status::Unreachable => return self.open(trouble),
            Err(trouble) => return self.stuck(&why, &trouble),
        }
        let message = format!("the old key was put back: {}", why.message);
        let closed = self.close(&Outcome::Failed(message));
        self.ended(RotationState::RolledBack, closed.err().unwrap_or(why))
    }

    /// The server did not take the new key.
    fn not_registered(mut self, why: Trouble) -> Ended {
        if let Err(trouble) = self.prove_old() {
            return match trouble.status {
                Status::Unreachable => self.open(why),
                _ => self.put_back(trouble),
            };
        }
        let closed = self.close(&Outcome::Failed(why.message.clone()));
        self.ended(RotationState::Failed, closed.err().unwrap_or(why))
    }

    fn prove_old(&mut self) -> Result<(), Trouble> {
        self.restore(false);
        self.subject.prove(false)
    }

    /// The server holds the old key again, or never had another. That is proven, since it may be what a node of a
    /// cluster says that has not heard of the new one; if it is refused, the old one is registered again.
    pub(super) fn close_as_old(mut self) -> Ended {
        match self.prove_old() {
            Ok(()) => {}
            Err(trouble) if trouble.status == Status::Unreachable => return self.open(trouble),
            Err(trouble) => return self.put_back(trouble),
        }
        let closed = self.close(&Outcome::Failed(
            "the run was killed; the server holds the old key".to_owned(),
        ));
        let error = closed.err().or_else(|| self.left.take());
        self.subject.ended(RotationState::RolledBack, error)
    }

    /// Two-legged OAuth and the outgoing side, which the registration reset. What cannot be put back stays open in the
    /// journal and is told; it is no reason to take a key back that works.
    fn restore(&mut self, new: bool) {
        let Subject {
            work,
            consumer,
            link_id,
            before,
            ..
        } = &self.subject;
        let key = if new {
            &self.subject.new
        } else {
            &self.subject.old
        };
        let registered = self.subject.with_key(key);
        let restored = two_legged::set(work, consumer, &registered, link_id, before)
            .and_then(|()| kept::close(work, consumer, &Outcome::Done));
        self.left = match restored {
            Ok(()) => {
                two_legged::tell_loss(work, consumer, link_id, before);
                None
            }
            Err(trouble) => Some(not_restored(trouble)),
        };
    }

    /// A third key: somebody else changed it, and it is left alone.
    pub(super) fn leave(self, held: &Held) -> Ended {
        let (server, name) = (self.subject.server(), &self.subject.consumer.name);
        let (old, new) = (&self.subject.old.fingerprint, &self.subject.new.fingerprint);
        let trouble = match held {
            Held::Nothing => Trouble::own(
                "consumer_gone",
                format!("consumer `{name}` was removed from `{server}` while its key was rotated"),
                "run `atl-admin plan`; where the link is to be there, `atl-admin apply` makes it again",
            ),
            Held::Key(held) => Trouble::own(
                "unknown_key",
                format!(
                    "`{server}` holds {} for consumer `{name}`, which is neither the old key {old} nor the new one {new}: \
                     somebody else changed it, and it was left alone",
                    held.as_ref()
                        .map_or("a key that cannot be read", Fingerprint::as_str)
                ),
                format!(
                    "find out whose key it is; import it with `atl-admin keys import FILE --consumer {name}`, or register \
                     ours again with `atl-admin apply --replace-keys`"
                ),
            ),
        };
        let closed = self.close(&Outcome::Unknown(trouble.message.clone()));
        self.ended(RotationState::Failed, closed.err().unwrap_or(trouble))
    }

    /// Neither the new key is good nor the old one back: what is where, and how to mend it by hand.
    fn stuck(self, why: &Trouble, back: &Trouble) -> Ended {
        let (server, name) = (self.subject.server(), &self.subject.consumer.name);
        let (old, new) = (&self.subject.old.fingerprint, &self.subject.new.fingerprint);
        let holds = match self.subject.held() {
            Ok(Held::Key(Some(held))) => held.to_string(),
            _ => "one of both, which it does not say".to_owned(),
        };
        let trouble = Trouble {
            status: back.status,
            ..Trouble::own(
                "rollback_failed",
                format!(
                    "{}; the old key could not be put back either: {}. `{server}` holds {holds} for `{name}` now; the old key \
                     is {old}, the new one {new}, and both private keys are in the store",
                    why.message, back.message
                ),
                format!(
                    "`atl-admin rotate --resume -s {server} -c {name}` tries again. By hand: paste what `atl-admin keys export {} \
                     --public` prints into the link of `{name}` on `{server}` under the same consumer key, or give the \
                     application the new key (`atl-admin keys export {} --private --out FILE`)",
                    old.id(),
                    new.id()
                ),
            )
        };
        self.ended(RotationState::Failed, trouble)
    }

    /// It is not known how it ended: the step stays open, and `--resume` asks again.
    fn open(self, trouble: Trouble) -> Ended {
        let (server, name) = (self.subject.server(), &self.subject.consumer.name);
        let advice = format!(
            "when `{server}` answers again, run `atl-admin rotate --resume -s {server} -c {name}`: it asks which key the server \
             holds, and finishes or puts the old one back"
        );
        let trouble = Trouble { advice, ..trouble };
        self.ended(RotationState::Pending, trouble)
    }

    fn close(&self, outcome: &Outcome) -> Result<(), Trouble> {
        let Subject {
            work,
            consumer,
            old,
            new,
            ..
        } = &self.subject;
        let (store, both) = (work.execute.store, [&old.fingerprint, &new.fingerprint]);
        settle_states_without(self.step, store, &consumer.name, &both)?;
        Ok(store.finish(self.step, outcome)?)
    }

    fn ended(self, state: RotationState, error: Trouble) -> Ended {
        let mut ended = self.subject.ended(state, Some(error));
        if let (Some(error), Some(left)) = (&mut ended.error, self.left) {
            error.message = format!("{}; {}", error.message, left.message);
        }
        ended
    }
}

impl HandedOver<'_> {
    fn keep(self) -> Ended {
        let Self(registered, handed) = self;
        let closed = registered
            .close(&Outcome::Done)
            .and_then(|()| handed.map_or(Ok(()), Handed::close));
        let error = closed.err().or(registered.left);
        registered.subject.ended(RotationState::Verified, error)
    }
}

impl Subject<'_> {
    /// Right before the registration the server must still hold the old key: where stores are separate nothing can lock,
    /// and another administrator may have rotated meanwhile.
    fn is_as_planned(&self) -> Result<(), Trouble> {
        match self.held()? {
            Held::Key(Some(held)) if held == self.old.fingerprint => Ok(()),
            _ => Err(moved_on(self.server(), &self.consumer.name)),
        }
    }

    /// Writes down what is about to be done, and what it would reset.
    fn begin(&self) -> Result<i64, Trouble> {
        let (journal, name) = (&self.work.journal, &self.consumer.name);
        let unfinished = Unfinished {
            link_id: self.link_id.clone(),
            consumer_key: self.entry.key.clone(),
            before: self.old.fingerprint.clone(),
            after: self.new.fingerprint.clone(),
            hands_over: self.exec.is_some(),
        };
        // First, so that a kill in between leaves nothing that only a rotation would close.
        let step = journal.begin(name, ACTION, json!(unfinished))?;
        let known = self.work.execute.known;
        let url = journal.server_url;
        if known.kept(name, url, &self.link_id).is_none()
            && let Some(lose) = Kept::of(
                &self.link_id,
                &self.before.two_legged,
                &self.before.providers,
            )
        {
            journal.begin(name, kept::ACTION, json!(lose))?;
        }
        Ok(step)
    }

    fn with_key(&self, key: &Key) -> NewConsumer {
        NewConsumer {
            public_key: key.public.clone(),
            ..self.entry.clone()
        }
    }

    /// Registers a key under the same consumer key, everything else unchanged, and reads it back.
    fn put(&self, key: &Key) -> Result<(), Trouble> {
        let entry = self.with_key(key);
        let at_once = self.at_once.as_ref();
        register(
            self.work,
            &self.consumer,
            &entry,
            key,
            &self.link_id,
            at_once,
        )
    }

    /// Proves a key and every grant with it, and writes down that the server accepted it.
    fn prove(&mut self, new: bool) -> Result<(), Trouble> {
        let key = if new { &self.new } else { &self.old };
        let Some(private) = key.private.clone() else {
            return Err(no_private_key(self.server(), &self.consumer.name, key));
        };
        prove(self.work, &self.entry.key, &private)?;
        self.grants.prove(self.work, &self.consumer, &private)?;
        self.record(key, Some(Timestamp::now()))
    }

    fn record(&self, key: &Key, proven: Option<Timestamp>) -> Result<(), Trouble> {
        let (work, consumer, link) = (self.work, &self.consumer, &self.link_id);
        record(work, consumer, link, &key.fingerprint, proven)
    }

    fn held(&self) -> Result<Held, Trouble> {
        let entry = self.work.applinks.consumer(&self.link_id)?;
        Ok(Held::of(entry.as_ref(), &self.entry.key))
    }

    /// Whether it is one of both keys.
    fn is_ours(&self, held: &Held) -> bool {
        let ours = [&self.old.fingerprint, &self.new.fingerprint];
        matches!(held, Held::Key(Some(held)) if ours.contains(&held))
    }

    fn server(&self) -> &str {
        self.work.journal.server
    }

    fn ended(self, state: RotationState, error: Option<Trouble>) -> Ended {
        Ended {
            state,
            grants: self.grants,
            error,
        }
    }
}

pub(super) fn no_private_key(server: &str, consumer: &str, key: &Key) -> Trouble {
    Trouble::own(
        "no_key",
        format!(
            "the private key {} of consumer `{consumer}`, which `{server}` holds, is not in the store",
            key.fingerprint
        ),
        "use the store that has it (`--store`)",
    )
}

fn not_restored(trouble: Trouble) -> Trouble {
    Trouble {
        message: format!(
            "the registration reset what could not be put back yet: {}",
            trouble.message
        ),
        advice: format!(
            "{}; the journal keeps what was there, and `atl-admin apply` tries again",
            trouble.advice
        ),
        ..trouble
    }
}

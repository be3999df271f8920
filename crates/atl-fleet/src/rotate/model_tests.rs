//! Every interleaving of a rotation in place with kills, refusals and lost answers, on a model of one server and one
//! store. What is decided is decided by the functions that the program uses; only the order of the steps is the model's
//! own, and the kill matrix of the program's tests holds it against the program.

use std::collections::HashSet;

use atl_keys::{Fingerprint, KeySize};
use atl_store::{JournalRow, KeyState, KeypairRow, Registration, Step};
use jiff::Timestamp;
use serde_json::json;

use super::{
    key_states::state,
    unfinished::{ACTION, Next, Unfinished},
};
use crate::{
    choose::{Held, Wanted, choose},
    known::{FileKeys, Known},
    wanted::{Consumer, KeypairSource, Policy, State},
};

const NAME: &str = "deploy-bot";
const URL: &str = "http://127.0.0.1:8080/jira";

/// One of the two keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Key {
    Old,
    New,
}

impl Key {
    fn fingerprint(self) -> Fingerprint {
        let letter = if self == Self::Old { "A" } else { "E" };
        format!("SHA256:{}", letter.repeat(43)).parse().unwrap()
    }
}

/// Where the process is that rotates; a killed one is nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum At {
    Nowhere,
    /// The new keypair is stored.
    Made,
    /// The rotation is in the journal.
    Begun,
    /// The registration of a key is in the journal; how often it may still be sent.
    Put(Key, u8),
    /// It is known to have taken effect, and is not recorded yet.
    Took(Key),
    /// It is recorded, and its step is open.
    Recorded(Key),
    /// The registration of a key failed, as far as its answer says.
    Failed(Key),
    /// A key is to be proven.
    Proof(Key, Then),
    /// It was.
    Proven(Key, Then),
    /// The new key is to be handed over.
    HandOver,
    /// The old key is to be put back.
    PutBack,
    /// The states of the keypairs are to be written.
    Close,
    /// The journal's step is to be closed.
    Finish,
}

/// What comes after a proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Then {
    /// The new key is handed over and kept.
    Keep,
    /// The old key never went; where it is refused after all, it is put back.
    Closed,
    /// It was put back; where it is refused, there is nothing left to try.
    Back,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is open or not for itself, and all combinations are walked"
)]
struct World {
    at: At,
    /// What the server holds.
    held: Key,
    /// A request whose client has gone, which the server carries out some time.
    late: Option<Key>,
    old: KeyState,
    new: Option<KeyState>,
    /// The store's record of the registration, and whether it was proven.
    registered: (Key, bool),
    /// The journal's open steps: the rotation, the registration.
    rotating: bool,
    putting: bool,
    /// Whether the rotation was to hand the new key over.
    hands_over: bool,
    /// Whether a request ever came late: then no answer of the server is the last word.
    was_late: bool,
}

impl World {
    fn first(hands_over: bool) -> Self {
        Self {
            at: At::Nowhere,
            held: Key::Old,
            late: None,
            old: KeyState::Active,
            new: None,
            registered: (Key::Old, true),
            rotating: false,
            putting: false,
            hands_over,
            was_late: false,
        }
    }

    fn unfinished(self) -> Unfinished {
        Unfinished {
            link_id: "link".to_owned(),
            consumer_key: NAME.to_owned(),
            before: Key::Old.fingerprint(),
            after: Key::New.fingerprint(),
            hands_over: self.hands_over,
        }
    }

    /// The store, as the program reads it.
    fn known(self) -> Known {
        let keypair = |key: Key, state| KeypairRow {
            id: key.fingerprint().id(),
            consumer: NAME.to_owned(),
            bits: 2048,
            fingerprint: key.fingerprint(),
            public_key: format!("{key:?}"),
            created: Timestamp::UNIX_EPOCH,
            state,
        };
        let (key, proven) = self.registered;
        let step = JournalRow {
            id: 1,
            started: Timestamp::UNIX_EPOCH,
            finished: None,
            step: Step {
                run: "run".to_owned(),
                command: "rotate".to_owned(),
                action: ACTION.to_owned(),
                server: "jira".to_owned(),
                server_url: URL.to_owned(),
                consumer: Some(NAME.to_owned()),
                detail: json!(self.unfinished()),
                os_user: "me".to_owned(),
                host: "here".to_owned(),
                account: None,
            },
            outcome: None,
        };
        let keypairs = [(Key::Old, Some(self.old)), (Key::New, self.new)];
        Known {
            keypairs: keypairs
                .into_iter()
                .filter_map(|(key, state)| Some(keypair(key, state?)))
                .collect(),
            registrations: vec![Registration {
                consumer: NAME.to_owned(),
                server: "jira".to_owned(),
                server_url: URL.to_owned(),
                consumer_key: NAME.to_owned(),
                link_id: "link".to_owned(),
                fingerprint: key.fingerprint(),
                proven: proven.then_some(Timestamp::UNIX_EPOCH),
            }],
            open_steps: self.rotating.then_some(step).into_iter().collect(),
            ..Known::default()
        }
    }

    fn held(self) -> Held {
        Held::Key(Some(self.held.fingerprint()))
    }

    fn to(self, at: At) -> Self {
        Self { at, ..self }
    }

    /// The process ends, whatever is open; of what it waited for nobody knows.
    fn gone(self) -> Self {
        self.to(At::Nowhere)
    }

    /// The keypairs in the states that the program finds for them, with the rotation ended.
    fn states(self) -> Self {
        let known = Self {
            rotating: false,
            ..self
        }
        .known();
        let now = |key: Key, state_now| state(&known, &key.fingerprint(), state_now);
        Self {
            old: now(Key::Old, self.old),
            new: self.new.map(|state_now| now(Key::New, state_now)),
            ..self
        }
    }

    /// A run that finds an unfinished rotation: the server decides.
    fn settle(self, can_hand_over: bool) -> Self {
        if !self.rotating {
            // A keypair of a run that was killed before it began.
            return match self.new {
                Some(KeyState::Pending) => self.states(),
                _ => self,
            };
        }
        let open = Self {
            putting: false,
            ..self
        };
        match self.unfinished().next(&self.held(), can_hand_over) {
            Next::Close => open.to(At::Proof(Key::Old, Then::Closed)),
            Next::GoOn => open.to(At::Proof(Key::New, Then::Keep)),
            Next::PutBack => open.to(At::PutBack),
            next @ (Next::Leave | Next::Gone) => panic!("{next:?}: {self:?}"),
        }
    }

    /// Where a step may lead, by what the server and the world make of it: the good way first.
    fn steps(self) -> Vec<Self> {
        let registered = |key, proven| Self {
            registered: (key, proven),
            ..self
        };
        let mut ways = match self.at {
            At::Nowhere if self.new.is_none() => {
                vec![
                    Self {
                        new: Some(KeyState::Pending),
                        ..self
                    }
                    .to(At::Made),
                ]
            }
            At::Nowhere => vec![self.settle(true), self.settle(false)],
            At::Made => vec![
                Self {
                    rotating: true,
                    ..self
                }
                .to(At::Begun),
            ],
            At::Begun => vec![
                Self {
                    putting: true,
                    ..self
                }
                .to(At::Put(Key::New, 2)),
            ],
            At::Put(key, left) => {
                let took = Self { held: key, ..self };
                let late = Self {
                    late: Some(key),
                    was_late: true,
                    ..self
                };
                let failed = |world: Self| {
                    Self {
                        putting: false,
                        ..world
                    }
                    .to(At::Failed(key))
                };
                let mut ways = vec![
                    took.to(At::Took(key)),
                    // Refused; or the answer is lost, and so is what the server would say of it.
                    failed(self),
                    failed(took),
                    failed(late),
                ];
                // The answer is lost, and the server says that it did not happen.
                if left > 1 {
                    ways.extend([self, late].map(|world| world.to(At::Put(key, left - 1))));
                }
                ways
            }
            At::Took(key) => vec![registered(key, false).to(At::Recorded(key))],
            At::Recorded(key) => {
                let then = if key == Key::New {
                    Then::Keep
                } else {
                    Then::Back
                };
                let closed = Self {
                    putting: false,
                    ..self
                };
                // What reads back may differ.
                vec![closed.to(At::Proof(key, then)), closed.to(At::Failed(key))]
            }
            // The server is asked, if it answers: then what it holds decides.
            At::Failed(Key::New) if self.held == Key::New => {
                vec![self.to(At::PutBack), self.gone()]
            }
            At::Failed(Key::New) => vec![self.to(At::Proof(Key::Old, Then::Closed)), self.gone()],
            At::Failed(Key::Old) if self.held == Key::Old => {
                vec![self.to(At::Proof(Key::Old, Then::Back)), self.gone()]
            }
            At::Failed(Key::Old) => vec![self.gone()],
            At::Proof(key, then) => {
                // A node that has not heard of the key refuses it, and so does the server where it holds another.
                let refused = match then {
                    Then::Keep | Then::Closed => self.to(At::PutBack),
                    Then::Back => self.gone(),
                };
                let mut ways = vec![refused, self.gone()];
                if self.held == key {
                    ways.insert(0, self.to(At::Proven(key, then)));
                }
                ways
            }
            At::Proven(key, then) => {
                let next = match then {
                    Then::Keep if self.hands_over => At::HandOver,
                    _ => At::Close,
                };
                vec![registered(key, true).to(next)]
            }
            At::HandOver => vec![self.to(At::Close), self.to(At::PutBack)],
            At::PutBack => vec![
                Self {
                    putting: true,
                    ..self
                }
                .to(At::Put(Key::Old, 2)),
                self.gone(),
            ],
            At::Close => vec![self.states().to(At::Finish)],
            At::Finish => vec![
                Self {
                    rotating: false,
                    ..self
                }
                .gone(),
            ],
        };
        if let Some(key) = self.late {
            ways.push(Self {
                held: key,
                late: None,
                ..self
            });
        }
        ways
    }

    /// The run goes on, or is killed; either way the world is among these.
    fn next(self) -> Vec<Self> {
        let mut next = self.steps();
        if self.at != At::Nowhere {
            next.push(self.gone());
        }
        next.retain(|world| *world != self);
        next
    }

    /// What the next plan wants the server to hold.
    fn wanted(self) -> Wanted {
        choose(
            &consumer(),
            URL,
            &self.held(),
            &self.known(),
            &FileKeys::new(),
            false,
        )
    }

    /// Whether nothing is open, and store and server agree.
    fn is_settled(self) -> bool {
        let (old, new) = match self.held {
            Key::Old => (KeyState::Active, KeyState::Retired),
            Key::New => (KeyState::Retired, KeyState::Active),
        };
        self.at == At::Nowhere
            && !self.rotating
            && !self.putting
            && self.registered == (self.held, true)
            && self.old == old
            && self.new == Some(new)
    }
}

fn consumer() -> Consumer {
    Consumer {
        name: NAME.to_owned(),
        key: NAME.to_owned(),
        display_name: NAME.to_owned(),
        description: None,
        url: "https://deploy.example.com".to_owned(),
        callback: None,
        keypair: KeypairSource::Managed {
            size: KeySize::Bits2048,
            export: None,
        },
        servers: vec!["jira".to_owned()],
        two_legged: None,
        grants: Vec::new(),
        policy: Policy::default(),
        state: State::Present,
    }
}

/// All worlds that a rotation can lead to.
fn reachable() -> HashSet<World> {
    let mut seen = HashSet::new();
    let mut open: Vec<World> = [false, true].map(World::first).into();
    while let Some(world) = open.pop() {
        if seen.insert(world) {
            open.extend(world.next());
        }
    }
    seen
}

#[test]
fn no_server_holds_a_key_that_the_store_has_not() {
    for world in reachable() {
        let known = world.known();
        assert!(
            known.keypair(NAME, &world.held.fingerprint()).is_some(),
            "{world:?}"
        );
        if let Some(late) = world.late {
            assert!(
                known.keypair(NAME, &late.fingerprint()).is_some(),
                "{world:?}"
            );
        }
        assert!(matches!(world.wanted(), Wanted::Key { .. }), "{world:?}");
    }
}

/// Where no process runs, a plan wants what the server holds, also in the middle of a rotation that has not ended.
#[test]
fn a_plan_is_empty_whenever_a_run_was_killed() {
    for world in reachable() {
        let killed = world.gone();
        if killed.was_late {
            continue;
        }
        let Wanted::Key { fingerprint, .. } = killed.wanted() else {
            panic!("{killed:?}");
        };
        assert_eq!(fingerprint, killed.held.fingerprint(), "{killed:?}");
    }
}

/// One run to which the server answers as it is ends every rotation, one way or the other; without the command that was
/// to hand the key over, with the old key.
#[test]
fn one_run_settles_whatever_a_kill_left() {
    let worlds = reachable();
    assert!(worlds.len() > 100, "{}", worlds.len());
    let mut ends = HashSet::new();
    for world in worlds {
        for can_hand_over in [true, false] {
            // What comes late has come.
            let held = world.late.unwrap_or(world.held);
            let killed = World {
                held,
                late: None,
                ..world
            }
            .gone();
            if killed.new.is_none() {
                continue;
            }
            let mut now = killed.settle(can_hand_over);
            while now.at != At::Nowhere {
                now = now.steps()[0];
            }
            // What came late when the rotation had ended is for the next plan.
            if killed.rotating || !killed.was_late {
                assert!(now.is_settled(), "{world:?} ended as {now:?}");
            }
            if killed.rotating && killed.hands_over && !can_hand_over {
                assert_eq!(now.held, Key::Old, "{world:?}");
            }
            ends.insert(now.held);
        }
    }
    assert_eq!(ends.len(), 2, "both ends are reached");
}

//! Which callback is taken: the one of the request token that is waited for, once.

use std::{
    fmt,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use secrecy::SecretString;
use tokio::sync::Notify;

use crate::{
    callback::{Approval, CallbackAnswer},
    token::is_same,
};

/// How many callbacks are kept that come before anybody has said which one is waited for.
const MOST_EARLY: usize = 64;

/// Where callbacks go. Those that come before anybody waits are held until somebody does.
#[derive(Default)]
pub(super) struct Inbox {
    state: Mutex<State>,
    /// Wakes who waits for a callback.
    taken: Condvar,
    /// Wakes callbacks that are held.
    judged: Notify,
}

#[derive(Default)]
struct State {
    awaited: Option<SecretString>,
    early: Vec<CallbackAnswer>,
    taken: Vec<Taken>,
    closed: bool,
}

/// A callback that was taken.
struct Taken {
    token: SecretString,
    verdict: Verdict,
    /// Until somebody collects it.
    approval: Option<Approval>,
}

/// What becomes of a callback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is, or was, the one that was waited for: approved.
    Approved,
    /// It is, or was, the one that was waited for: denied.
    Denied,
    /// It is of another token than the one that is waited for.
    Foreign,
    /// Nobody has said yet which one is waited for.
    Held,
}

impl Inbox {
    /// See [`super::Listener::wait`].
    pub(super) fn wait(&self, token: &SecretString, patience: Duration) -> Option<Approval> {
        let mut state = self.state();
        state.expect(token);
        self.judged.notify_waiters();
        let (mut state, _) = self
            .taken
            .wait_timeout_while(state, patience, |state| {
                state
                    .taken(token)
                    .is_none_or(|taken| taken.approval.is_none())
            })
            .unwrap_or_else(PoisonError::into_inner);
        state.taken(token)?.approval.take()
    }

    /// Takes a callback, or says why not. One that is held is judged once somebody waits.
    pub(super) async fn offer(&self, callback: CallbackAnswer) -> Verdict {
        let token = callback.token.clone();
        let mut verdict = self.state().put(callback);
        self.taken.notify_all();
        while verdict == Verdict::Held {
            // Made before the look, so that nothing in between is missed.
            let judged = self.judged.notified();
            verdict = self.state().verdict(&token);
            if verdict == Verdict::Held {
                judged.await;
            }
        }
        verdict
    }

    /// Refuses what is held and what comes.
    pub(super) fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        state.early.clear();
        drop(state);
        self.judged.notify_waiters();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Sets what is waited for, unless it has come, and refuses all else that came before.
    fn expect(&mut self, token: &SecretString) {
        if self.taken(token).is_some() {
            return;
        }
        let mut early = std::mem::take(&mut self.early).into_iter();
        match early.find(|callback| is_same(&callback.token, token)) {
            Some(callback) => drop(self.take(callback)),
            None => self.awaited = Some(token.clone()),
        }
    }

    fn put(&mut self, callback: CallbackAnswer) -> Verdict {
        let verdict = self.verdict(&callback.token);
        let is_awaited = |awaited: &SecretString| is_same(awaited, &callback.token);
        match &self.awaited {
            _ if self.closed || verdict != Verdict::Foreign => verdict,
            Some(awaited) if is_awaited(awaited) => self.take(callback),
            None if self.early.len() < MOST_EARLY => {
                self.early.push(callback);
                Verdict::Held
            }
            _ => verdict,
        }
    }

    fn take(&mut self, callback: CallbackAnswer) -> Verdict {
        let verdict = match callback.approval {
            Approval::Verifier(_) => Verdict::Approved,
            Approval::Denied => Verdict::Denied,
        };
        self.awaited = None;
        self.taken.push(Taken {
            token: callback.token,
            verdict,
            approval: Some(callback.approval),
        });
        verdict
    }

    /// What has become of a callback that came.
    fn verdict(&mut self, token: &SecretString) -> Verdict {
        let held = self.early.iter().any(|early| is_same(&early.token, token));
        match self.taken(token) {
            Some(taken) => taken.verdict,
            None if held => Verdict::Held,
            None => Verdict::Foreign,
        }
    }

    fn taken(&mut self, token: &SecretString) -> Option<&mut Taken> {
        let mut taken = self.taken.iter_mut();
        taken.find(|taken| is_same(&taken.token, token))
    }
}

impl fmt::Debug for Inbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbox").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        pin::{Pin, pin},
        task::{Context, Poll, Waker},
    };

    use super::*;

    fn callback(token: &str, verifier: &str) -> CallbackAnswer {
        CallbackAnswer {
            token: token.into(),
            approval: Approval::of(verifier),
        }
    }

    /// The verdict on an offer, where there is one already.
    fn now(offer: Pin<&mut impl Future<Output = Verdict>>) -> Option<Verdict> {
        match offer.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(verdict) => Some(verdict),
            Poll::Pending => None,
        }
    }

    fn offered(inbox: &Inbox, token: &str, verifier: &str) -> Option<Verdict> {
        now(pin!(inbox.offer(callback(token, verifier))))
    }

    fn wait(inbox: &Inbox, token: &str) -> Option<String> {
        use secrecy::ExposeSecret as _;
        match inbox.wait(&token.into(), Duration::ZERO)? {
            Approval::Verifier(verifier) => Some(verifier.expose_secret().to_owned()),
            Approval::Denied => Some("denied".to_owned()),
        }
    }

    #[test]
    fn the_callback_that_is_waited_for_is_taken_once() {
        let inbox = Inbox::default();
        assert_eq!(wait(&inbox, "ours"), None);
        assert_eq!(offered(&inbox, "theirs", "a"), Some(Verdict::Foreign));
        assert_eq!(offered(&inbox, "ours", "b"), Some(Verdict::Approved));
        assert_eq!(
            offered(&inbox, "ours", "denied"),
            Some(Verdict::Approved),
            "the first counts"
        );
        assert_eq!(wait(&inbox, "ours").as_deref(), Some("b"));
        assert_eq!(offered(&inbox, "ours", "b"), Some(Verdict::Approved));
        assert_eq!(wait(&inbox, "ours"), None);
    }

    #[test]
    fn what_comes_before_anybody_waits_is_held_and_not_lost() {
        let inbox = Inbox::default();
        let mut ours = pin!(inbox.offer(callback("ours", "denied")));
        let mut theirs = pin!(inbox.offer(callback("theirs", "a")));
        let mut again = pin!(inbox.offer(callback("ours", "b")));
        assert_eq!(now(ours.as_mut()), None);
        assert_eq!(now(theirs.as_mut()), None);
        assert_eq!(now(again.as_mut()), None);
        assert_eq!(wait(&inbox, "ours").as_deref(), Some("denied"));
        assert_eq!(now(ours), Some(Verdict::Denied));
        assert_eq!(now(theirs), Some(Verdict::Foreign));
        assert_eq!(now(again), Some(Verdict::Denied));
    }

    #[test]
    fn one_after_the_other_is_waited_for() {
        let inbox = Inbox::default();
        assert_eq!(wait(&inbox, "first"), None);
        assert_eq!(offered(&inbox, "first", "a"), Some(Verdict::Approved));
        let mut second = pin!(inbox.offer(callback("second", "b")));
        assert_eq!(now(second.as_mut()), None, "nothing is waited for any more");
        assert_eq!(wait(&inbox, "first").as_deref(), Some("a"));
        assert_eq!(wait(&inbox, "second").as_deref(), Some("b"));
        assert_eq!(now(second), Some(Verdict::Approved));
        assert_eq!(wait(&inbox, "third"), None);
        assert_eq!(offered(&inbox, "fourth", "d"), Some(Verdict::Foreign));
    }

    #[test]
    fn not_everything_is_kept_that_comes_before_anybody_waits() {
        let inbox = Inbox::default();
        for number in 0..MOST_EARLY {
            assert_eq!(offered(&inbox, &number.to_string(), "a"), None);
        }
        assert_eq!(offered(&inbox, "one more", "a"), Some(Verdict::Foreign));
        assert_eq!(offered(&inbox, "0", "a"), None);
        assert_eq!(wait(&inbox, "0").as_deref(), Some("a"));
    }

    #[test]
    fn closing_lets_nobody_wait() {
        let inbox = Inbox::default();
        let mut held = pin!(inbox.offer(callback("ours", "a")));
        assert_eq!(now(held.as_mut()), None);
        inbox.close();
        assert_eq!(now(held), Some(Verdict::Foreign));
        assert_eq!(offered(&inbox, "ours", "a"), Some(Verdict::Foreign));
    }
}

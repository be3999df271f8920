//! The same question about many users, several at once on one server.
//!
//! What may pass, such as a rate limit, is waited for by all, and asked again after the others. Where nothing else comes
//! any more, the rest is not asked.

use std::{
    collections::VecDeque,
    ops::ControlFlow,
    sync::{
        Condvar, Mutex, MutexGuard, PoisonError,
        mpsc::{SyncSender, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

use crate::{Gap, TokensError};

/// How often one user is asked about.
const MOST_TRIES: u8 = 3;
/// The longest that a server may want everybody to wait.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// After so many failures in a row that are not about one user, the server is left alone.
const MOST_FAILURES: usize = 20;

/// How a round ended.
#[derive(Debug)]
pub(super) enum End {
    /// Every user of the list was asked about.
    All,
    /// The list of users broke off.
    List(TokensError),
    /// The server was left alone before the end of the list.
    GaveUp,
    /// Whoever took the answers wanted no more.
    Stopped,
}

impl End {
    /// What a note says of it.
    pub(super) fn note(&self) -> Option<String> {
        Some(
            match self {
                Self::All => return None,
                Self::List(_) => "the list of users broke off",
                Self::GaveUp => "after many failures the others were not read",
                Self::Stopped => "not read to its end",
            }
            .to_owned(),
        )
    }

    /// Why not everybody was asked about, where that was to be.
    pub(super) fn gap(&self) -> Option<Gap> {
        match self {
            Self::List(error) => Some(Gap::from(error)),
            Self::All | Self::GaveUp | Self::Stopped => None,
        }
    }
}

/// Asks about each user of a list with `parallel` threads, and hands the answers over in no order on this one.
pub(super) fn ask_each<U: Send, A: Send>(
    list: impl Iterator<Item = Result<U, TokensError>> + Send,
    parallel: usize,
    ask: impl Fn(&U) -> Result<A, TokensError> + Sync,
    mut take: impl FnMut(U, Result<A, TokensError>) -> ControlFlow<()>,
) -> End {
    let queue = Queue {
        state: Mutex::new(State {
            list: Some(list),
            broken: None,
            again: VecDeque::new(),
            resume: Instant::now(),
            end: None,
        }),
        changed: Condvar::new(),
    };
    let parallel = parallel.max(1);
    thread::scope(|scope| {
        let (sender, answers) = sync_channel(parallel);
        for _ in 0..parallel {
            let (sender, queue, ask) = (sender.clone(), &queue, &ask);
            scope.spawn(move || queue.work(ask, &sender));
        }
        drop(sender);
        let mut failures = 0;
        for (user, answer) in answers {
            failures = match &answer {
                Ok(_) => 0,
                Err(error) => failures + usize::from(error.is_general()),
            };
            let stop = take(user, answer).is_break();
            if stop {
                queue.end(End::Stopped);
                break;
            }
            if failures >= MOST_FAILURES {
                queue.end(End::GaveUp);
            }
        }
    });
    let state = queue.state.into_inner();
    let state = state.unwrap_or_else(PoisonError::into_inner);
    let broken = state.broken.map_or(End::All, End::List);
    state.end.unwrap_or(broken)
}

/// The users that are still to be asked about.
struct Queue<L, U> {
    state: Mutex<State<L, U>>,
    changed: Condvar,
}

struct State<L, U> {
    /// `None` once it has ended.
    list: Option<L>,
    /// Why it broke off.
    broken: Option<TokensError>,
    again: VecDeque<Job<U>>,
    /// Until when everybody waits.
    resume: Instant,
    /// Why nobody is asked about any more.
    end: Option<End>,
}

struct Job<U> {
    user: U,
    tries: u8,
}

impl<L: Iterator<Item = Result<U, TokensError>>, U> Queue<L, U> {
    fn work<A>(
        &self,
        ask: &impl Fn(&U) -> Result<A, TokensError>,
        sender: &SyncSender<(U, Result<A, TokensError>)>,
    ) {
        while let Some(mut job) = self.next() {
            let answer = ask(&job.user);
            job.tries += 1;
            let pause = answer.as_ref().err().and_then(TokensError::may_pass_after);
            match pause {
                Some(pause) if job.tries < MOST_TRIES && pause <= LONGEST_PAUSE => {
                    self.again(job, pause);
                }
                _ => {
                    // Nobody takes it any more where the round was stopped.
                    let _taken = sender.send((job.user, answer));
                }
            }
        }
    }

    /// The next user, those who are to be asked about again last; `None` where there is none, or the round has ended.
    fn next(&self) -> Option<Job<U>> {
        let mut state = self.lock();
        loop {
            if state.end.is_some() {
                return None;
            }
            let wait = state.resume.saturating_duration_since(Instant::now());
            if wait.is_zero() {
                break;
            }
            let waited = self.changed.wait_timeout(state, wait);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        match state.list.as_mut().and_then(Iterator::next) {
            Some(Ok(user)) => return Some(Job { user, tries: 0 }),
            Some(Err(error)) => state.broken = Some(error),
            None => {}
        }
        state.list = None;
        state.again.pop_front()
    }

    fn again(&self, job: Job<U>, pause: Duration) {
        let mut state = self.lock();
        state.resume = state.resume.max(Instant::now() + pause);
        state.again.push_back(job);
    }

    fn end(&self, end: End) {
        let mut state = self.lock();
        state.end.get_or_insert(end);
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State<L, U>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;

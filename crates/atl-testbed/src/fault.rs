//! Faults on demand: what goes wrong, for which requests, how often.

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

/// On which side of the change something happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Before the server looked at the request.
    Before,
    /// After the server made the change, before it answered.
    After,
}

/// Something that goes wrong.
#[derive(Clone, Debug)]
pub enum Fault {
    /// The request waits this long before it is looked at.
    Latency(Duration),
    /// The connection is reset.
    Reset(When),
    /// 429 with `Retry-After` in seconds; nothing is changed.
    TooManyRequests(u32),
    /// 503 from a proxy in front; nothing is changed.
    Unavailable,
    /// The request waits until [`Server::clear_faults`](crate::Server::clear_faults), or for ever.
    Hang,
    /// The change is made, and half of the answer arrives.
    Truncate,
    /// A page of somebody else, 200, where an answer was due; nothing is changed.
    Html,
    /// An answer of this status with this body; nothing is changed.
    Answer(u16, String),
    /// The request waits for a [`Hold`].
    Held(When, Hold),
}

impl Fault {
    /// Limits this fault to the requests that match.
    pub fn on(self, matcher: Matcher) -> Rule {
        Rule::new(self).on(matcher)
    }

    /// Limits this fault to so many requests.
    pub fn times(self, times: u32) -> Rule {
        Rule::new(self).times(times)
    }
}

/// Which requests: by method, and by a part of the path.
#[derive(Clone, Debug, Default)]
pub struct Matcher {
    method: Option<String>,
    path: Option<String>,
}

impl Matcher {
    /// Every request.
    pub fn any() -> Self {
        Self::default()
    }

    /// Requests of this method.
    pub fn method(method: &str) -> Self {
        Self {
            method: Some(method.to_owned()),
            path: None,
        }
    }

    /// Requests whose path, without the context path, contains this.
    pub fn path(path: &str) -> Self {
        Self {
            method: None,
            path: Some(path.to_owned()),
        }
    }

    /// Only those whose path also contains this.
    #[must_use]
    pub fn at(mut self, path: &str) -> Self {
        self.path = Some(path.to_owned());
        self
    }

    fn matches(&self, method: &str, path: &str) -> bool {
        self.method.as_ref().is_none_or(|wanted| wanted == method)
            && self
                .path
                .as_ref()
                .is_none_or(|wanted| path.contains(wanted.as_str()))
    }
}

/// A fault with its limits.
#[derive(Clone, Debug)]
pub struct Rule {
    fault: Fault,
    matcher: Matcher,
    passing: u32,
    left: Option<u32>,
}

impl Rule {
    /// The fault for every request.
    pub fn new(fault: Fault) -> Self {
        Self {
            fault,
            matcher: Matcher::any(),
            passing: 0,
            left: None,
        }
    }

    /// Only for the requests that match.
    #[must_use]
    pub fn on(mut self, matcher: Matcher) -> Self {
        self.matcher = matcher;
        self
    }

    /// Only after so many requests that match have passed unharmed.
    #[must_use]
    pub fn after(mut self, requests: u32) -> Self {
        self.passing = requests;
        self
    }

    /// Only so many times.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.left = Some(times);
        self
    }
}

/// The faults in force on one server.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<Rule>);

impl Faults {
    pub(crate) fn add(&mut self, rule: Rule) {
        self.0.push(rule);
    }

    /// Forgets all faults and lets every held request go on.
    pub(crate) fn clear(&mut self) {
        for rule in self.0.drain(..) {
            if let Fault::Held(_, hold) = &rule.fault {
                hold.release();
            }
        }
    }

    /// The faults that befall this request, in the order in which they were given.
    pub(crate) fn take(&mut self, method: &str, path: &str) -> Vec<Fault> {
        let mut faults = Vec::new();
        for rule in &mut self.0 {
            if rule.left == Some(0) || !rule.matcher.matches(method, path) {
                continue;
            }
            if rule.passing > 0 {
                rule.passing -= 1;
                continue;
            }
            rule.left = rule.left.map(|left| left - 1);
            faults.push(rule.fault.clone());
        }
        faults
    }
}

/// Holds requests back until they are released, and tells when the first one has come, and when the client of one has gone.
#[derive(Clone)]
pub struct Hold(Arc<Gate>);

struct Gate {
    counts: Mutex<Counts>,
    changed: Condvar,
    open: watch::Sender<bool>,
}

#[derive(Default)]
struct Counts {
    reached: u32,
    gone: u32,
}

/// A request that is held. Dropped before it goes on, its client has gone.
struct Held<'g> {
    gate: &'g Gate,
    goes_on: bool,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        if !self.goes_on {
            self.gate.count(|counts| counts.gone += 1);
        }
    }
}

impl Gate {
    fn count(&self, count: impl FnOnce(&mut Counts)) {
        count(&mut self.counts.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_all();
    }

    /// Blocks for at most 30 seconds; says whether it came.
    fn wait(&self, has_come: impl Fn(&Counts) -> bool) -> bool {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        self.changed
            .wait_timeout_while(counts, Duration::from_secs(30), |counts| !has_come(counts))
            .is_ok_and(|(counts, _)| has_come(&counts))
    }
}

impl Hold {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Gate {
            counts: Mutex::default(),
            changed: Condvar::new(),
            open: watch::Sender::new(false),
        }))
    }

    /// Blocks until a request is held, for at most 30 seconds; says whether one was.
    pub fn wait_reached(&self) -> bool {
        self.0.wait(|counts| counts.reached > 0)
    }

    /// Blocks until the server has noticed that the client of a held request is gone, for at most 30 seconds; says whether
    /// it has. Released from then on, that request is not carried out any more.
    pub fn wait_gone(&self) -> bool {
        self.0.wait(|counts| counts.gone > 0)
    }

    /// Lets the held requests, and all that come later, go on.
    pub fn release(&self) {
        self.0.open.send_replace(true);
    }

    pub(crate) async fn pass(&self) {
        self.0.count(|counts| counts.reached += 1);
        let mut held = Held {
            gate: &self.0,
            goes_on: false,
        };
        let mut open = self.0.open.subscribe();
        // The sender lives as long as this hold, so the only outcome is that it opens.
        let _opened = open.wait_for(|open| *open).await.is_ok();
        held.goes_on = true;
    }
}

impl fmt::Debug for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hold")
            .field("open", &*self.0.open.borrow())
            .finish_non_exhaustive()
    }
}

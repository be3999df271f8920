//! Waiting for a person's decision: from the listener, from the terminal, and as the server sees it.

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use atl_oauth::{Approval, CallbackAnswer, Decision, Listener, OauthError, Pending};
use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};

use super::{
    dance::Dance,
    person::{Invitation, Person, Told, Typed},
};
use crate::{execute::interrupted, trouble::Trouble};

/// How long one look at the listener or the terminal takes: so soon an interruption is noticed.
const LOOK: Duration = Duration::from_millis(200);

/// Who decides, and how the decision gets here.
pub(super) struct Desk<'a> {
    pub(super) person: &'a dyn Person,
    /// What the browser comes back to; without it the verifier is typed in.
    pub(super) listener: Option<Listener>,
}

impl Desk<'_> {
    /// The callback to ask for.
    pub(super) fn callback(&self) -> String {
        match &self.listener {
            Some(listener) => listener.callback().into(),
            None => "oob".to_owned(),
        }
    }

    /// Asks the person, and waits until there is a decision, the request token is too old, or the user interrupts.
    pub(super) fn decision(
        &self,
        dance: &Dance<'_>,
        pending: &Pending,
    ) -> Result<Approval, Trouble> {
        let registered = dance.consumer.callback.as_deref();
        self.person.invite(&Invitation {
            server: dance.client.server(),
            consumer: &dance.consumer.name,
            user: dance.user,
            url: &pending.authorize_url(),
            expires: pending.expires(),
            sent_to: registered.filter(|_| self.listener.is_none()),
        });
        let mut view = View::new();
        loop {
            if dance.run.interrupted.load(Ordering::Relaxed) {
                return Err(interrupted());
            }
            if let Some(approval) = self.look(pending)? {
                return Ok(approval);
            }
            if Timestamp::now() >= pending.expires() {
                return Err(expired(dance));
            }
            match view.look(dance, pending)? {
                Some(Decision::Denied) => return Ok(Approval::Denied),
                Some(Decision::Expired) => return Err(expired(dance)),
                // The first look may be quicker than the browser.
                Some(Decision::Approved) if view.approved == 2 && self.listener.is_some() => {
                    self.person.tell(Told::NotBack);
                }
                _ => {}
            }
        }
    }

    /// One look at the listener and the terminal.
    fn look(&self, pending: &Pending) -> Result<Option<Approval>, Trouble> {
        let patience = match &self.listener {
            None => LOOK,
            Some(listener) => {
                if let Some(approval) = listener.wait(pending.token(), LOOK) {
                    return Ok(Some(approval));
                }
                Duration::ZERO
            }
        };
        match self.person.typed(patience) {
            Typed::Line(line) => Ok(self.read(pending, &line)),
            Typed::Closed if self.listener.is_none() => Err(Trouble::own(
                "no_answer",
                "nothing was typed in, and the input has ended",
                "run it again on a terminal, with a line for each dance on a pipe, or with `--headless`",
            )),
            Typed::Nothing | Typed::Closed => Ok(None),
        }
    }

    /// A verifier, or a callback for this request token.
    fn read(&self, pending: &Pending, line: &SecretString) -> Option<Approval> {
        let line = line.expose_secret().trim();
        if let Some(answer) = CallbackAnswer::read(line) {
            if answer.token.expose_secret() == pending.token().expose_secret() {
                return Some(answer.approval);
            }
            self.person.tell(Told::AnotherRequest);
        } else if is_verifier(line) {
            return Some(Approval::of(line));
        } else if !line.is_empty() {
            self.person.tell(Told::NotUnderstood);
        }
        None
    }
}

/// Six letters and digits, or another short word: whether it is right is for the server to say.
fn is_verifier(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn expired(dance: &Dance<'_>) -> Trouble {
    let server = dance.client.server().to_owned();
    OauthError::RequestTokenExpired { server }.into()
}

/// How the server sees the request token, asked ever less often.
struct View {
    pauses: ExponentialBackoff,
    due: Instant,
    /// How often it said that it was approved.
    approved: u32,
}

impl View {
    fn new() -> Self {
        let mut pauses = ExponentialBuilder::default()
            .with_min_delay(Duration::from_secs(1))
            .with_max_delay(Duration::from_secs(10))
            .with_factor(1.5)
            .without_max_times()
            .build();
        Self {
            due: Instant::now() + pauses.next().unwrap_or_default(),
            pauses,
            approved: 0,
        }
    }

    /// Asks where it is time to. A server that cannot be reached for now may be restarting.
    fn look(
        &mut self,
        dance: &Dance<'_>,
        pending: &Pending,
    ) -> Result<Option<Decision>, OauthError> {
        if Instant::now() < self.due {
            return Ok(None);
        }
        let decision = match pending.poll(dance.client, &dance.signer()) {
            Ok(decision) => Some(decision),
            Err(error @ OauthError::Refused { .. }) => return Err(error),
            Err(_) => None,
        };
        self.due = Instant::now() + self.pauses.next().unwrap_or_default();
        self.approved += u32::from(decision == Some(Decision::Approved));
        Ok(decision)
    }
}

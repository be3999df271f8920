//! The person at the terminal: shown where to approve, and listened to.

use std::{
    io::{self, BufRead as _, Write as _},
    sync::{
        Mutex, PoisonError,
        mpsc::{self, Receiver, RecvTimeoutError},
    },
    thread,
    time::Duration,
};

use atl_fleet::{Invitation, Person, Told, Typed};
use jiff::tz::TimeZone;
use secrecy::SecretString;

use super::browser::Browser;
use crate::term;

/// Where lines come from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Keyboard {
    /// From somebody who is asked for them.
    Asked,
    /// From a program that nobody asks: each line counts, in its order.
    Fed,
    /// From nowhere.
    None,
}

/// The screen and the keyboard.
pub(super) struct Screen {
    browser: Option<Browser>,
    keyboard: Keyboard,
    /// Lines that were typed, where there is somebody to type.
    lines: Option<Mutex<Receiver<SecretString>>>,
}

impl Screen {
    pub(super) fn new(keyboard: Keyboard, browser: Option<Browser>) -> Self {
        Self {
            browser,
            keyboard,
            lines: (keyboard != Keyboard::None).then(|| Mutex::new(read_lines())),
        }
    }

    fn lines(&self) -> Option<std::sync::MutexGuard<'_, Receiver<SecretString>>> {
        let lines = self.lines.as_ref()?;
        Some(lines.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn can_type(&self) -> bool {
        self.keyboard != Keyboard::None
    }
}

/// Reads the keyboard on a thread of its own, which ends with the program: a read cannot be called off.
fn read_lines() -> Receiver<SecretString> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in io::stdin().lock().lines().map_while(Result::ok) {
            if sender.send(SecretString::from(line)).is_err() {
                break;
            }
        }
    });
    receiver
}

impl Person for Screen {
    fn invite(&self, invitation: &Invitation<'_>) {
        let Invitation {
            server,
            consumer,
            user,
            url,
            expires,
            sent_to,
        } = invitation;
        // What was typed before is no answer to this.
        if self.keyboard == Keyboard::Asked
            && let Some(lines) = self.lines()
        {
            lines.try_iter().for_each(drop);
        }
        let until = expires
            .to_zoned_datetime(TimeZone::system())
            .strftime("%H:%M");
        term::note(&format!(
            "{server}: sign in as `{user}` and allow `{consumer}` on this page, by {until}:"
        ));
        term::note(&format!("  {url}"));
        if let Some(browser) = &self.browser {
            browser.open(url, |why| {
                term::warn(&format!(
                    "no browser could be opened ({why}); open the page yourself"
                ));
            });
        }
        if let Some(address) = sent_to {
            term::note(&format!(
                "The server shows no verifier: it sends the browser on to {address}. Copy the whole address of the page \
                 that you land on, even if it cannot be opened."
            ));
        }
        if self.browser.is_none() && self.keyboard == Keyboard::Asked {
            write!(
                anstream::stderr(),
                "Verifier, or the whole address of the page that you land on: "
            )
            .ok();
            io::stderr().flush().ok();
        }
    }

    fn typed(&self, patience: Duration) -> Typed {
        let Some(lines) = self.lines() else {
            return Typed::Nothing;
        };
        match lines.recv_timeout(patience) {
            Ok(line) => Typed::Line(line),
            Err(RecvTimeoutError::Timeout) => Typed::Nothing,
            Err(RecvTimeoutError::Disconnected) => Typed::Closed,
        }
    }

    fn tell(&self, told: Told) {
        term::note(match told {
            Told::NotBack if self.can_type() => {
                "The server says that it was allowed, but the browser did not come back here. Paste the whole address of \
                 the page that you landed on."
            }
            Told::NotBack => {
                "The server says that it was allowed, but the browser did not come back here. If it is on another \
                 machine, run this again with `--oob`."
            }
            Told::AnotherRequest => {
                "That is the address of another request. Paste the one of this request."
            }
            Told::NotUnderstood => {
                "That is neither a verifier nor the address of a callback. Try again."
            }
        });
    }
}

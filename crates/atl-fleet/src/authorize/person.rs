//! The person who approves in a browser, as far as the engine is concerned with her.

use std::time::Duration;

use jiff::Timestamp;
use secrecy::SecretString;
use url::Url;

/// How users approve.
pub enum Way<'a> {
    /// In a browser on this machine, which comes back to a listener of ours.
    Browser {
        /// The listener's port; a free one where none is given.
        port: Option<u16>,
        /// Who is asked.
        person: &'a dyn Person,
    },
    /// In a browser anywhere; the verifier is typed in.
    OutOfBand {
        /// Who is asked.
        person: &'a dyn Person,
    },
    /// By this program, signed in as the user with the password of the fleet file.
    Headless,
}

/// Somebody to ask.
pub trait Person: Sync {
    /// Asks to open the page and decide.
    fn invite(&self, invitation: &Invitation<'_>);

    /// What was typed, waited for at most so long.
    fn typed(&self, patience: Duration) -> Typed;

    /// Says how it stands.
    fn tell(&self, told: Told);
}

/// What a person is asked to do.
#[derive(Debug, Clone, Copy)]
pub struct Invitation<'a> {
    /// The server's name.
    pub server: &'a str,
    /// The consumer's name in the fleet file.
    pub consumer: &'a str,
    /// Who is to approve.
    pub user: &'a str,
    /// The page where that is done.
    pub url: &'a Url,
    /// Until when it can be done.
    pub expires: Timestamp,
    /// Where the browser goes afterwards although nothing of ours listens there: the callback registered with the
    /// consumer (protocol.md 2.3).
    pub sent_to: Option<&'a str>,
}

/// What was typed.
pub enum Typed {
    /// A line.
    Line(SecretString),
    /// Nothing yet.
    Nothing,
    /// Nothing, and nothing will be.
    Closed,
}

/// What a person is told while she is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// The server says that it was approved, and the browser did not come back here.
    NotBack,
    /// What was typed belongs to another request.
    AnotherRequest,
    /// What was typed is neither a verifier nor a callback.
    NotUnderstood,
}

//! One write: journal before, the request, outcome after. A lost answer is resolved by asking the server.

use atl_applinks::ApplinksError;
use atl_store::{Outcome, Step, Store};
use serde_json::Value;

use crate::{
    event::{Event, Sink},
    trouble::{Trouble, message_of},
};

/// Who runs, for the journal.
#[derive(Debug, Clone)]
pub struct RunInfo {
    /// One id for all steps of the run.
    pub run: String,
    /// The command, such as `apply`.
    pub command: String,
    /// The operating system's user.
    pub os_user: String,
    /// The host.
    pub host: String,
}

/// Journals the writes to one server.
#[derive(Clone)]
pub(crate) struct Journal<'a> {
    pub(crate) store: &'a Store,
    pub(crate) info: &'a RunInfo,
    pub(crate) server: &'a str,
    pub(crate) server_url: &'a str,
    pub(crate) account: Option<String>,
    pub(crate) sink: Sink<'a>,
}

impl Journal<'_> {
    /// Writes the step down, takes it, writes down how it ended. Where the answer was lost, `happened` asks the server
    /// whether it took effect; where it did not, it is taken once more, since asking has made that safe.
    pub(crate) fn write(
        &self,
        consumer: &str,
        action: &str,
        detail: Value,
        take: impl FnMut() -> Result<(), ApplinksError>,
        happened: impl FnMut() -> Result<bool, Trouble>,
    ) -> Result<(), Trouble> {
        self.write_then(consumer, action, detail, take, happened, || Ok(()))
    }

    /// The same, with something for the store to remember where it took effect: before the step is closed, so that a
    /// kill in between leaves it open.
    pub(crate) fn write_then(
        &self,
        consumer: &str,
        action: &str,
        detail: Value,
        mut take: impl FnMut() -> Result<(), ApplinksError>,
        mut happened: impl FnMut() -> Result<bool, Trouble>,
        remember: impl FnOnce() -> Result<(), Trouble>,
    ) -> Result<(), Trouble> {
        (self.sink)(&Event::Step {
            server: self.server,
            consumer,
            action,
        });
        let id = self.begin(consumer, action, detail)?;
        let mut again = true;
        let (outcome, result) = loop {
            let error = match take() {
                Ok(()) => break (Outcome::Done, Ok(())),
                Err(error) => error,
            };
            let message = message_of(&error);
            if !error.may_have_happened() {
                break (Outcome::Failed(message), Err(Trouble::from(error)));
            }
            match happened() {
                Ok(true) => break (Outcome::Done, Ok(())),
                Ok(false) if again => again = false,
                Ok(false) => break (Outcome::Failed(message), Err(Trouble::from(error))),
                // Whether it took effect is for the next run to find out, which asks the server.
                Err(_) => break (Outcome::Unknown(message), Err(Trouble::from(error))),
            }
        };
        if result.is_ok() {
            remember()?;
        }
        self.store.finish(id, &outcome)?;
        result
    }

    /// Writes a step down and leaves it open.
    pub(crate) fn begin(
        &self,
        consumer: &str,
        action: &str,
        detail: Value,
    ) -> Result<i64, Trouble> {
        Ok(self.store.begin(&Step {
            run: self.info.run.clone(),
            command: self.info.command.clone(),
            action: action.to_owned(),
            server: self.server.to_owned(),
            server_url: self.server_url.to_owned(),
            consumer: Some(consumer.to_owned()),
            detail,
            os_user: self.info.os_user.clone(),
            host: self.info.host.clone(),
            account: self.account.clone(),
        })?)
    }
}

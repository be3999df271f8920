//! An auditor consumer from before its first write until its removal was read back: the open step of the journal, the
//! lock, and the duty to take it down on every way out.

use std::sync::atomic::Ordering;

use atl_client::ServerConfig;
use atl_store::{Lock, Outcome, Store};

use super::{names::Names, place, remove::remove};
use crate::{engine::RunOptions, event::Event, execute::interrupted, trouble::Trouble};

/// An auditor that stands, or may stand.
pub(super) struct Standing<'a> {
    pub(super) names: Names,
    config: ServerConfig,
    store: &'a Store,
    run: RunOptions<'a>,
    /// The open step.
    step: i64,
    /// Whether it was taken down, or that was tried.
    ended: bool,
    /// Tells every other run that this one is alive.
    _lock: Lock,
}

impl<'a> Standing<'a> {
    /// One whose step was just written down.
    pub(super) fn new(
        config: ServerConfig,
        store: &'a Store,
        run: RunOptions<'a>,
        names: Names,
        step: i64,
        lock: Lock,
    ) -> Self {
        Self {
            names,
            config,
            store,
            run,
            step,
            ended: false,
            _lock: lock,
        }
    }

    /// Takes it down and closes the step.
    pub(super) fn take_down(&mut self) -> Result<(), Trouble> {
        self.ended = true;
        let server = &self.config.name;
        place::at(&self.config, |place| {
            remove(place, &self.names, self.run.settle)
        })
        .map_err(|trouble| left(server, &self.names, &trouble))?;
        self.store
            .finish(self.step, &Outcome::Done)
            .map_err(|error| {
                let trouble = Trouble::from(error);
                Trouble {
                    message: format!(
                        "the auditor consumer `{}` was removed from `{server}`, and the journal could not be told: {}",
                        self.names.consumer_key, trouble.message
                    ),
                    ..trouble
                }
            })
    }

    /// Takes it down after a failure, and says both where that fails as well.
    pub(super) fn undo(mut self, trouble: Trouble) -> Trouble {
        let trouble = if self.run.interrupted.load(Ordering::Relaxed) {
            interrupted()
        } else {
            trouble
        };
        match self.take_down() {
            Ok(()) => trouble,
            Err(left) => Trouble {
                message: format!("{}; {}", trouble.message, left.message),
                ..left
            },
        }
    }
}

impl Drop for Standing<'_> {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        if let Err(trouble) = self.take_down() {
            (self.run.sink)(&Event::Warning {
                server: &self.config.name,
                consumer: &self.names.consumer_key,
                message: &format!("{}; {}", trouble.message, trouble.advice),
            });
        }
    }
}

/// The error for one that could not be removed.
pub(super) fn left(server: &str, names: &Names, trouble: &Trouble) -> Trouble {
    Trouble {
        code: "auditor_left".to_owned(),
        message: format!(
            "the auditor consumer `{}` could not be removed from `{server}`, and may be able to act as any user there: {}",
            names.consumer_key, trouble.message
        ),
        advice: format!(
            "run `atl-admin audit --remove-auditor -s {server}`, or delete the link to {} in the server's administration pages; {}",
            names.application_url, trouble.advice
        ),
        status: trouble.status,
    }
}

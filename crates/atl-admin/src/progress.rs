//! What a run shows while it goes on: a bar on a terminal, NDJSON events where they were asked for.

use std::{
    io::{self, IsTerminal as _},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use atl_fleet::{Event, RunOptions, Sink};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::{context::Context, flags::Format, interrupt, output::auditors::tell_ended, term};

/// How long a refusal right after a write is asked again, where no flag says otherwise.
pub(crate) const SETTLE: Duration = Duration::from_mins(1);

/// The progress of one run.
pub(crate) struct Progress<'a> {
    context: &'a Context,
    bar: ProgressBar,
    interrupted: Arc<AtomicBool>,
}

impl<'a> Progress<'a> {
    /// From now on the first Ctrl-C is graceful. Log lines and a bar fight for the same line, so there is only one.
    pub(crate) fn new(context: &'a Context) -> Self {
        let globals = &context.globals;
        let logs = globals.verbose > 0 || globals.trace_http;
        let target = if logs || !io::stderr().is_terminal() {
            ProgressDrawTarget::hidden()
        } else {
            ProgressDrawTarget::stderr()
        };
        Self {
            context,
            bar: ProgressBar::with_draw_target(Some(0), target),
            interrupted: interrupt::graceful(),
        }
    }

    /// A bar of no length is drawn as a full one, so it is drawn only when its length is known.
    fn begin(&self, phase: &'static str, length: usize, of: &str) {
        let template = format!("{{prefix:8}} {{bar:30}} {{pos}}/{{len}} {of}  {{wide_msg}}");
        if let Ok(style) = ProgressStyle::with_template(&template) {
            self.bar.set_style(style);
        }
        self.bar.set_length(length as u64);
        self.bar.set_prefix(phase);
        self.bar.set_position(0);
    }

    /// The options of a run that reports here.
    pub(crate) fn run<'r>(&'r self, sink: Sink<'r>) -> RunOptions<'r> {
        RunOptions {
            parallel: self.context.globals.parallel,
            settle: SETTLE,
            interrupted: &self.interrupted,
            sink,
        }
    }

    /// Takes an event.
    pub(crate) fn take(&self, event: &Event<'_>) {
        match event {
            Event::Begin { phase, servers } => self.begin(phase, *servers, "servers"),
            Event::BeginGrants { phase, grants, .. } => self.begin(phase, *grants, "grants"),
            Event::BeginRotations {
                phase, rotations, ..
            } => self.begin(phase, *rotations, "rotations"),
            Event::BeginLinks { phase, links, .. } => self.begin(phase, *links, "links"),
            Event::Scrubbed(_)
            | Event::Rotation(_)
            | Event::Planned(_)
            | Event::Server(_)
            | Event::Checked(_)
            | Event::Listed { .. }
            | Event::Grant(_) => {
                self.bar.inc(1);
            }
            // One that was only asked about is an event of its own.
            Event::GrantFailed(failed) if failed.id.is_none() => self.bar.inc(1),
            Event::Auditor(ended) => self.bar.suspend(|| tell_ended(ended)),
            Event::Warning {
                server,
                consumer,
                message,
            } => {
                let text = format!("{server}: {consumer}: {message}");
                self.bar.suspend(|| term::warn(&text));
            }
            Event::Step {
                server,
                consumer,
                action,
            } => {
                self.bar
                    .set_message(format!("{server}: {action} {consumer}"));
            }
            _ => {}
        }
        if self.context.output.format() == Format::Ndjson {
            self.context.output.line(event);
        }
    }

    /// Takes the bar away: before a question, and at the end.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    /// Whether the user pressed Ctrl-C.
    pub(crate) fn interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }
}

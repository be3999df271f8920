//! The audit: what servers have, held against the rules; and what of the findings is new.

mod baseline;
mod coverage;
mod findings;
mod fleet;
mod history;
mod ignore;
mod look;
mod server;

pub use baseline::{Baseline, BaselineError, BaselineWriter};
pub use findings::{Accepted, Counts, Findings, Reported};
pub use history::{ChangedGrant, Difference, Excerpt};
pub use ignore::{IgnoreEntry, IgnoreList, Ignoring};
pub use look::{Audit, look};

//! The audit: what servers have beside grants, held against the rules; and what of the findings is new.

mod baseline;
mod findings;
mod ignore;

pub use baseline::{Baseline, BaselineError, BaselineWriter};
pub use findings::{Accepted, Counts, Findings, Reported};
pub use ignore::{IgnoreEntry, IgnoreList, Ignoring};

//! What no compiler checks: that documents and sources keep to what was agreed.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests, which clippy does not take for tests"
)]

mod arrows;
mod rooms;
mod sources;
mod tree;

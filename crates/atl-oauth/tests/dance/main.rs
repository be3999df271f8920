//! The dance against a testbed, and against answers that no such server gives.

#![expect(
    clippy::unwrap_used,
    reason = "a helper of a test fails as its test does"
)]

mod browser;
mod headless;
mod listening;
#[path = "../proofs/responder.rs"]
mod responder;
mod rig;
mod strange;
mod tokens;
mod undecided;

//! The client against a wire that says what the test wants, and against the testbed.

#![expect(
    clippy::unwrap_used,
    clippy::format_push_string,
    reason = "a test that cannot go on fails, in its helpers too"
)]

mod estate;
mod faults;
mod secrets;
mod sending;
mod sign_in;
mod tls;
mod websudo;
mod wire;

//! `atl-keys` through its public door: the fixtures, the real `openssl` and `ssh-keygen`, and arbitrary bytes.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "helpers of tests fail the test, and say what was skipped"
)]

mod check;
mod openssl;
mod properties;
mod reading;
mod support;
mod writing;

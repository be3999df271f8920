//! The engine against the testbed: look, apply, and what the servers have afterwards.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod provisioning;
mod reads;
mod rig;

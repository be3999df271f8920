//! The engine against the testbed: look, apply, and what the servers have afterwards.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod auditor;
mod auditor_left;
mod bad_days;
mod cluster;
mod exports;
mod finding;
mod keys;
mod ours;
mod provisioning;
mod reads;
mod recovery;
mod rig;
mod saved;
mod two_legged;

//! The testbed through its own door: http on loopback.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod consumers;
mod faults;
mod form;
mod links;
mod matrix;
mod pages;
mod sign_in;
mod signatures;
mod support;
mod two_legged;

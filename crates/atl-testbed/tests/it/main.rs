//! The testbed through its own door: http on loopback.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod access_tokens;
mod authorize;
mod browser;
mod consumers;
mod dance;
mod databases;
mod faults;
mod form;
mod interop;
mod layouts;
mod links;
mod matrix;
mod oauth2;
mod pages;
mod pats;
mod population;
mod renewal;
mod sign_in;
mod signatures;
mod steps;
mod support;
#[path = "../../../atl-oauth/tests/interop/tools.rs"]
mod tools;
mod two_legged;
mod users;

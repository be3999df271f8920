//! The testbed through its own door: http on loopback.

mod links;
mod signatures;
mod support;

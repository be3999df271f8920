//! The store through its door, by one process and by several.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod audits;
mod bad_files;
mod grants;
mod imports;
mod journal;
mod keypairs;
mod looking;
mod migrations;
mod moving;
mod outside;
mod place;
mod pooler;
mod postgres;
mod processes;
mod sealing;
mod urls;

#![doc = include_str!("../README.md")]

pub mod cli;
pub mod commands;
mod context;
mod environment;
mod error;
mod exit;
mod files;
pub mod flags;
mod fleet;
mod interrupt;
mod keyring;
mod locations;
mod log;
mod output;
mod passphrase;
mod progress;
pub mod reference;
mod run;
mod shell;
mod store;
mod term;

pub use output::report;
pub use run::main;

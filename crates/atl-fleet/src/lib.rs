//! The fleet file, the planner and the executor.

mod file;
mod wanted;

pub use file::{
    CommandRunner, ConnectionOptions, Environment, FleetError, FleetErrors, FleetFile,
    KeyringReader, Needs, Position, Select, schema,
};
pub use wanted::{
    Consumer, Export, Grant, KeypairSource, NamedLink, Policy, Ready, ReadyServer, State, TwoLegged,
};

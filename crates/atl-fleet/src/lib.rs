//! The fleet file, the planner and the executor.

mod wanted;

pub use wanted::{
    Consumer, Export, Grant, KeypairSource, NamedLink, Policy, Ready, ReadyServer, State, TwoLegged,
};

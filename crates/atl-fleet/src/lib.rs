#![doc = include_str!("../README.md")]

mod adopt;
pub mod age;
pub mod audit;
pub mod auditor;
mod authorize;
pub mod check;
mod choose;
mod clock;
mod engine;
mod event;
mod execute;
mod export;
mod file;
mod grant;
pub mod grants;
mod guard;
pub mod inventory;
mod kept;
pub mod keypairs;
mod keys;
mod known;
pub mod links;
mod observe;
mod outcome;
mod plan;
mod planner;
mod provision;
mod recover;
pub mod request;
mod rotate;
pub mod scrub;
mod settle;
mod signing;
mod step;
mod trouble;
mod two_legged;
mod wanted;

pub use adopt::{Adopted, adopt};
pub use authorize::{Authorize, Invitation, Person, Told, Typed, Way, authorize, authorize_status};
pub use engine::{Looked, RunOptions, StartError, look};
pub use event::{Event, Sink};
pub use file::{
    CommandRunner, ConnectionOptions, Environment, FleetError, FleetErrors, FleetFile,
    KeyringReader, Needs, Passwords, Position, Select, schema,
};
pub use grant::{FailedGrant, GrantReport};
pub use known::FileKeyError;
pub use outcome::{
    Exit, of_apply, of_authorize_status, of_changing, of_grants, of_looking, of_plan,
    of_revocation, of_rotations, of_rotations_seen, of_scrub, of_verify,
};
pub use plan::{
    Action, Applied, Change, FORMAT_VERSION, Field, Kind, Plan, PlanOptions, ServerPlan, Status,
    Summary,
};
pub use rotate::{
    Exec, HandOver, NewNames, Retirements, Rotate, Rotation, RotationReport, RotationState,
    Rotations, Runner, Strategy, look_at_rotations, registered, remove_left_key_files, retirements,
    settle_rotations,
};
pub use step::RunInfo;
pub use trouble::Trouble;
pub use wanted::{
    Consumer, Export, Grant, KeypairSource, NamedLink, Policy, Ready, ReadyServer, State, TwoLegged,
};

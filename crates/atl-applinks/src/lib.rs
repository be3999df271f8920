#![doc = include_str!("../README.md")]

mod account;
mod applinks;
mod consumer;
mod error;
mod form;
mod link;
mod matrix;
mod provider;
mod wire;

pub use applinks::Applinks;
pub use consumer::{Consumer, NewConsumer};
pub use error::ApplinksError;
pub use link::{ApplicationLink, NewLink, link_id};
pub use matrix::{Flags, Matrix};
pub use provider::Provider;

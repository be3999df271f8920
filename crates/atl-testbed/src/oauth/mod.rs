//! The OAuth 1.0a service provider, written without a look at the client's half (protocol.md 2).

mod access_token;
mod base_string;
mod consumer_info;
mod message;
mod problem;
mod request_token;
mod resource;
mod verify;

pub(crate) use access_token::access_token;
pub(crate) use base_string::form;
pub(crate) use consumer_info::consumer_info;
pub(crate) use problem::{Problem, challenge};
pub(crate) use request_token::request_token;
pub(crate) use resource::{is_attempt, sign_in};
pub(crate) use verify::Nonces;

#![doc = include_str!("../README.md")]

mod base_url;
mod client;
mod config;
mod connection;
mod error;
mod exchange;
mod incoming;
mod manifest;
mod message;
mod page;
mod product;
mod redact;
mod redirect;
mod refusal;
mod request;
mod response;
mod retry;
mod session;
mod sign_in;
mod transport;
mod websudo;

pub use base_url::{BaseUrl, BaseUrlError};
pub use client::Client;
pub use config::{Credentials, Login, ServerConfig, Tls};
pub use connection::ConnectionFault;
pub use error::{ClientError, Failure};
pub use incoming::{CopyError, Incoming};
pub use manifest::Manifest;
pub use product::{PersonalTokens, Product, UserList};
pub use redact::Secrets;
pub use refusal::Refusal;
pub use request::{Body, Redirect, Repeat, Request};
pub use response::{Response, Unreadable};
pub use sign_in::{Account, Method};
pub use transport::Transport;
pub use websudo::ElevationProblem;
